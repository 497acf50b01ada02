//! Rules of ports and URLs.

use runai_syntax::Tree;
use rustc_hash::FxHashMap;

use super::{Example, RuleContext, rules};
use crate::fix::Applicability::{DisplayOnly, Unsafe};
use crate::settings::StepSettings;

rules! {
    /// An external URL may restrict access to users or to groups. The API rejects both.
    USERS_AND_GROUPS {
        code: "users-and-groups",
        severity: Error,
        summary: "`authorized_users` with `authorized_groups`",
        valid: Example::Yaml("ports: [{container: 8888}]\nexternal_urls:\n  - {container: 8888, authorized_users: [ada]}\n"),
        invalid: Example::Yaml(
            "external_urls:\n  - {container: 8888, authorized_users: [ada], authorized_groups: [ml]}\n",
        ),
    }

    /// The URL is only available while the step runs. It is useful for a debugger or a profiler.
    EXTERNAL_URL_ON_STEP {
        code: "external-url-on-step",
        severity: Warning,
        summary: "external URL of a step",
        valid: Example::Yaml("ports: [{container: 8888}]\n"),
        invalid: Example::Yaml("ports: [{container: 8888}]\nexternal_urls: [{container: 8888}]\n"),
    }

    /// An external URL refers to a port that `ports` does not declare.
    UNDECLARED_PORT {
        code: "undeclared-port",
        severity: Warning,
        summary: "external URL of an undeclared port",
        valid: Example::Yaml("ports: [{container: 8888}]\nexternal_urls: [{container: 8888}]\n"),
        invalid: Example::Yaml("ports: [{container: 8080}]\nexternal_urls: [{container: 8888}]\n"),
    }

    /// Two entries of `ports` have the same `container` or `external` port.
    REPEATED_PORT {
        code: "repeated-port",
        severity: Warning,
        summary: "duplicate port",
        valid: Example::Yaml("ports: [{container: 8888}, {container: 8080}]\n"),
        invalid: Example::Yaml("ports: [{container: 8888}, {container: 8888}]\n"),
    }
}

pub(crate) fn check(settings: &StepSettings, context: &mut RuleContext<'_, '_>) {
    let (mut declared, mut external) = (FxHashMap::default(), FxHashMap::default());
    for (index, port) in settings.ports.iter().flatten().enumerate() {
        for (key, number, seen) in
            [("container", Some(port.container), &mut declared), ("external", port.external, &mut external)]
        {
            if let Some(number) = number
                && trusted(context, "ports", index, key)
                && let first = *seen.entry(number).or_insert(index)
                && first != index
            {
                context
                    .report(
                        &REPEATED_PORT,
                        format_args!("ports/{index}/{key}"),
                        format!("`ports` declares {key} port `{number}` a second time"),
                    )
                    .with_help("remove it")
                    .with_related(&format!("ports/{first}/{key}"), format!("port `{number}` is declared here first"))
                    .with_removal(&format!("ports/{index}"), Unsafe);
            }
        }
    }
    for (index, url) in settings.external_urls.iter().flatten().enumerate() {
        if context.item_is_invalid(format_args!("external_urls/{index}")) {
            continue;
        }
        let both = [&url.authorized_users, &url.authorized_groups]
            .iter()
            .all(|list| list.as_ref().is_some_and(|list| !list.is_empty()));
        if both
            && !context.is_invalid(&["users", "groups"].map(|list| format!("external_urls/{index}/authorized_{list}")))
        {
            context
                .report(
                    &USERS_AND_GROUPS,
                    format_args!("external_urls/{index}/authorized_groups"),
                    format!("`external_urls[{index}]` has both `authorized_users` and `authorized_groups`"),
                )
                .with_help("keep one of them")
                .with_related(&format!("external_urls/{index}/authorized_users"), "the users are listed here")
                .with_removal(&format!("external_urls/{index}/authorized_groups"), Unsafe)
                .with_removal(&format!("external_urls/{index}/authorized_users"), Unsafe);
        }
        context
            .report(
                &EXTERNAL_URL_ON_STEP,
                format_args!("external_urls/{index}"),
                format!("`external_urls[{index}]` is only available while the step runs"),
            )
            .with_help("remove it unless you inspect the running step")
            .with_removal(&format!("external_urls/{index}"), DisplayOnly);
        let port = url.container;
        if trusted(context, "external_urls", index, "container")
            && !declared.contains_key(&port)
            && !context.is_invalid(&["ports"])
        {
            context
                .report(
                    &UNDECLARED_PORT,
                    format_args!("external_urls/{index}/container"),
                    format!("`external_urls[{index}]` uses port `{port}`, which `ports` does not declare"),
                )
                .with_help(format!("add `- container: {port}` to `ports`"))
                .with_value("ports/-", Tree::Map(vec![("container".into(), port.into())]), Unsafe);
        }
    }
}

fn trusted(context: &RuleContext<'_, '_>, list: &str, index: usize, key: &str) -> bool {
    !context.item_is_invalid(format_args!("{list}/{index}"))
        && !context.is_invalid(&[format_args!("{list}/{index}/{key}")])
}
