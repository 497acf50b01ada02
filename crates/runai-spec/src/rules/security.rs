//! Rules of the security context.

use runai_api::wire::SeccompProfileType;

use super::{Example, RuleContext, rules};
use crate::diagnostic::Tag;
use crate::fix::Applicability::Unsafe;
use crate::inactive::unused_ids;
use crate::settings::StepSettings;

rules! {
    /// Run:ai does not support `Localhost` profiles yet. `RuntimeDefault` is the usual choice.
    LOCALHOST_SECCOMP {
        code: "localhost-seccomp",
        severity: Warning,
        summary: "unsupported seccomp profile",
        valid: Example::Yaml("security_context: {seccomp_profile_type: RuntimeDefault}\n"),
        invalid: Example::Yaml("security_context: {seccomp_profile_type: Localhost}\n"),
    }

    /// `run_as_uid` and `run_as_gid` have no effect without `uid_gid_source: custom`.
    UID_WITHOUT_CUSTOM_SOURCE {
        code: "uid-without-custom-source",
        severity: Warning,
        summary: "user or group id without effect",
        valid: Example::Yaml("security_context: {uid_gid_source: custom, run_as_uid: 1000}\n"),
        invalid: Example::Yaml("security_context: {run_as_uid: 1000}\n"),
    }
}

pub(crate) fn check(settings: &StepSettings, context: &mut RuleContext<'_, '_>) {
    let Some(security) = &settings.security_context else { return };
    if security.seccomp_profile_type == Some(SeccompProfileType::Localhost) {
        context
            .report(
                &LOCALHOST_SECCOMP,
                "security_context/seccomp_profile_type",
                "`seccomp_profile_type` is `Localhost`, which Run:ai does not support yet".to_owned(),
            )
            .with_help("write `RuntimeDefault`")
            .with_value("security_context/seccomp_profile_type", "RuntimeDefault", Unsafe);
    }
    if context.is_invalid(&["security_context/uid_gid_source"]) {
        return;
    }
    for key in unused_ids(settings) {
        let id = if *key == "run_as_uid" { security.run_as_uid } else { security.run_as_gid };
        if let Some(id) = id {
            context
                .report(
                    &UID_WITHOUT_CUSTOM_SOURCE,
                    format_args!("security_context/{key}"),
                    format!("`{key}` is `{id}`, but has no effect without `uid_gid_source: custom`"),
                )
                .with_help("add `uid_gid_source: custom`")
                .with_tag(Tag::Unnecessary)
                .with_related("security_context/uid_gid_source", "`uid_gid_source` is not `custom`")
                .with_value("security_context/uid_gid_source", "custom", Unsafe)
                .with_removal(&format!("security_context/{key}"), Unsafe);
        }
    }
}
