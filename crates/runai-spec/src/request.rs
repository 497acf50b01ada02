//! Requests as values: what will be asked of the API, before anything is sent.
//!
//! A pure function builds an [`ApiRequest`]; the client signs, sends and decodes it; `render --curl` and the
//! browser's preview print the very same value.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

use crate::command::shell_quote;
use crate::print::Tree;

/// An HTTP method that the API uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Stop or remove a resource.
    Delete,
    /// Read; never changes anything.
    Get,
    /// Create or act.
    Post,
}

impl Method {
    /// The method as it stands in an HTTP request line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "DELETE",
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// One request of the Run:ai REST API, without its base URL and without credentials.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ApiRequest {
    /// The HTTP method.
    pub method: Method,
    /// Path from the root of the control plane, each segment percent-encoded: `/api/v1/workloads/trainings`.
    pub path: String,
    /// Query parameters in order, not yet encoded.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<(&'static str, String)>,
    /// The JSON body, if the request has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Value>,
}

impl ApiRequest {
    /// A `GET` of `path`.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: Method::Get, path: path.into(), query: Vec::new(), body: None }
    }

    /// A `DELETE` of `path`.
    #[must_use]
    pub fn delete(path: impl Into<String>) -> Self {
        Self { method: Method::Delete, ..Self::get(path) }
    }

    /// A `POST` to `path` without a body.
    #[must_use]
    pub fn post(path: impl Into<String>) -> Self {
        Self { method: Method::Post, ..Self::get(path) }
    }

    /// The same request with `name=value` added to its query.
    #[must_use]
    pub fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// The same request with a JSON body.
    #[must_use]
    pub fn json(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// The path with its percent-encoded query, as it stands in an HTTP request line.
    #[must_use]
    pub fn target(&self) -> String {
        let mut target = self.path.clone();
        for (index, (name, value)) in self.query.iter().enumerate() {
            target.push(if index == 0 { '?' } else { '&' });
            target.push_str(name);
            target.push('=');
            target.push_str(&encode_component(value));
        }
        target
    }

    /// A `curl` command that sends this request; the token is the shell's `$RUNAI_TOKEN`, never a value.
    ///
    /// `base_url` is the control plane, without a trailing slash; it and the body are quoted for a POSIX shell. Without
    /// one it is the shell's `$RUNAI_BASE_URL`.
    #[must_use]
    pub fn to_curl(&self, base_url: Option<&str>) -> String {
        self.curl(base_url, self.body.as_ref().map(|body| Tree::from(body).to_json_pretty()).as_deref())
    }

    /// The command with this text for the body.
    pub(crate) fn curl(&self, base_url: Option<&str>, body: Option<&str>) -> String {
        let mut curl = format!("curl --fail-with-body --request {}", self.method.as_str());
        let target = self.target();
        let url = match base_url {
            Some(base_url) => shell_quote(&format!("{}{target}", base_url.trim_end_matches('/'))).into_owned(),
            None => format!("\"$RUNAI_BASE_URL\"{}", shell_quote(&target)),
        };
        let _ = write!(curl, " \\\n  {url}");
        curl.push_str(" \\\n  --header \"Authorization: Bearer $RUNAI_TOKEN\"");
        if let Some(body) = body {
            curl.push_str(" \\\n  --header 'Content-Type: application/json'");
            let _ = write!(curl, " \\\n  --data {}", shell_quote(body));
        }
        curl
    }
}

/// `text` percent-encoded as one URL component: everything but RFC 3986's unreserved characters.
#[must_use]
pub fn encode_component(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => {
                let _ = write!(encoded, "%{byte:02X}");
            }
        }
    }
    encoded
}
