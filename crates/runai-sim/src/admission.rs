//! Admits submissions: applies template and policy, and validates the result.

use runai_api::wire::{ComplianceIssue, TrainingCreationRequest};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    check,
    field_validation::validate_fields,
    policy::{defaults_as_spec, overlay, violations},
    script::Script,
    state::State,
};

/// A valid submission.
#[derive(Debug)]
pub(crate) struct AdmittedSubmission {
    pub(crate) request: TrainingCreationRequest,
    pub(crate) script: Script,
    /// Accepted values that may be mistakes.
    pub(crate) warnings: Vec<String>,
}

/// Applies template and policy to a submission and validates the result; `sent` is the raw body.
pub(crate) fn admit(
    sent: &Value,
    mut request: TrainingCreationRequest,
    state: &State,
) -> Result<AdmittedSubmission, Vec<ComplianceIssue>> {
    // Strings, numbers, lists and structs cannot fail to serialise.
    let known = serde_json::to_value(&request).unwrap_or_default();
    let mut issues = validate_fields(&sent["spec"], &known["spec"]);
    let mut warnings = check::warnings(&request, sent, &known, state);
    let mut given = sent["spec"].clone();
    let mut whole = given.clone();
    if let Some(id) = &request.template_id {
        match state.templates.iter().find(|template| template.id == *id) {
            Some(template) => {
                given = overlay(&template.spec, &given);
                whole.clone_from(&given);
            }
            None if Uuid::parse_str(id).is_err() => issues.push(issue("templateId", format!("`{id}` is not a UUID"))),
            // With `Exec`, the template of a step exists on its real control plane only.
            None if state.exec() => warnings.push(issue("templateId", format!("unknown template `{id}`"))),
            None => issues.push(issue("templateId", format!("unknown template with the id `{id}`"))),
        }
    }
    if let Some(policy) = &state.policy {
        whole = overlay(&defaults_as_spec(&policy.defaults), &whole);
        issues.extend(violations(&policy.rules, &given, &whole));
    }
    if whole != sent["spec"] {
        match serde_json::from_value(whole) {
            Ok(spec) => request.spec = spec,
            Err(error) => {
                issues.push(issue("spec", format!("invalid specification after defaults are applied: {error}")));
            }
        }
    }
    issues.extend(check::submission(&request, state));
    let (script, problems) = Script::read(&request.name, &request.spec, &state.behaviours);
    if !state.exec() {
        let to_issue = |(index, details)| issue(&format!("environmentVariables[{index}].value"), details);
        issues.extend(problems.into_iter().map(to_issue));
    }
    if state.strict {
        issues.append(&mut warnings);
    }
    if !issues.is_empty() {
        return Err(issues);
    }
    let warnings = warnings.into_iter().map(|warning| format!("{}: {}", warning.field, warning.details)).collect();
    Ok(AdmittedSubmission { request, script, warnings })
}

fn issue(field: &str, details: String) -> ComplianceIssue {
    ComplianceIssue { details, field: field.to_owned(), rule: None }
}
