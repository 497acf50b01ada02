//! Rules of the operator file.

use super::{Example, RuleContext, rules};
use crate::diagnostic::Tag;
use crate::fix::Applicability::{DisplayOnly, Unsafe};
use crate::settings::{OperatorSettings, Secret};
use crate::zenml::keys::is_secret_reference;

rules! {
    /// Without encryption, anyone on the network path can read the client secret and the token. Only loopback addresses may
    /// use `http://` without a warning.
    INSECURE_URL {
        code: "insecure-url",
        severity: Warning,
        summary: "unencrypted connection to the control plane",
        valid: Example::Yaml("runai_base_url: https://my-org.run.ai\n"),
        invalid: Example::Yaml("runai_base_url: http://my-org.run.ai\n"),
    }

    /// The URL contains a user name or password. They are not used, but visible to everyone who sees the URL.
    CREDENTIALS_IN_URL {
        code: "credentials-in-url",
        severity: Warning,
        summary: "credentials in the control plane URL",
        valid: Example::Yaml("runai_base_url: https://my-org.run.ai\n"),
        invalid: Example::Yaml("runai_base_url: https://user@my-org.run.ai\n"),
    }

    /// The client secret is in the file as plain text, and can end up in repositories and backups. Set the environment
    /// variable `RUNAI_CLIENT_SECRET`, or write the secret to a separate file and set `client_secret_file`.
    SECRET_IN_FILE {
        code: "secret-in-file",
        severity: Warning,
        summary: "plain-text client secret",
        valid: Example::Yaml("client_id: my-service-account\nclient_secret_file: client-secret.txt\n"),
        invalid: Example::Yaml("client_id: my-service-account\nclient_secret: not-a-real-secret\n"),
    }
}

pub(crate) fn check(operator: &OperatorSettings, context: &mut RuleContext<'_, '_>) {
    if let Some(url) = operator.runai_base_url.as_ref().filter(|_| !context.is_invalid(&["runai_base_url"])) {
        if authority(url.as_str()).contains('@') {
            context
                .report(
                    &CREDENTIALS_IN_URL,
                    "runai_base_url",
                    "`runai_base_url` contains a user name or password".to_owned(),
                )
                .with_help("remove the part before `@`, and use `client_id` and `client_secret_file`")
                .with_tag(Tag::Secret)
                .with_value("runai_base_url", without_credentials(url.as_str()), Unsafe);
        } else if is_insecure(url.as_str()) {
            context
                .report(&INSECURE_URL, "runai_base_url", format!("`runai_base_url` is `{url}`, which is not encrypted"))
                .with_help("write `https://`")
                .with_value("runai_base_url", url.as_str().replacen("http://", "https://", 1), Unsafe);
        }
    }
    let is_reference = |secret: &Secret| is_secret_reference(secret.expose());
    if operator.client_secret.as_ref().is_some_and(|secret| !is_reference(secret))
        && !context.is_invalid(&["client_secret"])
    {
        context
            .report(&SECRET_IN_FILE, "client_secret", "`client_secret` is in the file as plain text".to_owned())
            .with_help("use the environment variable `RUNAI_CLIENT_SECRET`, or `client_secret_file`")
            .with_tag(Tag::Secret)
            .with_removal("client_secret", DisplayOnly);
    }
}

fn without_credentials(url: &str) -> String {
    let start = url.find("://").map_or(0, |at| at + 3);
    let host = authority(url);
    let credentials = host.rfind('@').map_or(0, |at| at + 1);
    format!("{}{}", &url[..start], &url[start + credentials..])
}

/// Whether the URL is an `http://` URL of a host that is not loopback.
pub(crate) fn is_insecure(url: &str) -> bool {
    let host = authority(url);
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let name = match host.strip_prefix('[') {
        Some(ipv6) => ipv6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let loopback = name.eq_ignore_ascii_case("localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    url.starts_with("http://") && !loopback
}

fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allows_http_for_loopback_only() {
        for url in ["http://example.com", "http://10.0.0.1:8080", "http://localhost.example.com"] {
            assert!(is_insecure(url), "{url}");
        }
        for url in
            ["https://example.com", "http://localhost:8080", "http://127.0.0.1", "http://127.9.9.9/", "http://[::1]:80"]
        {
            assert!(!is_insecure(url), "{url}");
        }
    }
}
