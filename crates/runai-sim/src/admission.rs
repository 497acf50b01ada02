//! From what was sent to what is taken in: template, policy, check.

use runai_api::wire::{ComplianceIssue, TrainingCreationRequest};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    check,
    field_validation::validate_fields,
    policy::{broken, defaults_as_spec, overlay},
    script::Script,
    state::State,
};

/// A submission that can be taken in.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) request: TrainingCreationRequest,
    pub(crate) script: Script,
    /// What was accepted though it may not be meant.
    pub(crate) warnings: Vec<String>,
}

/// Works template and policy into a submission and checks what comes of it; `sent` is the body as it came.
pub(crate) fn admit(
    sent: &Value,
    mut request: TrainingCreationRequest,
    state: &State,
) -> Result<Checked, Vec<ComplianceIssue>> {
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
            None if Uuid::parse_str(id).is_err() => issues.push(issue("templateId", format!("`{id}` is no UUID"))),
            // Templates that a command's settings name are on a control plane, not here.
            None if state.exec() => warnings.push(issue("templateId", format!("there is no template `{id}`"))),
            None => issues.push(issue("templateId", format!("there is no template with the id `{id}`"))),
        }
    }
    if let Some(policy) = &state.policy {
        whole = overlay(&defaults_as_spec(&policy.defaults), &whole);
        issues.extend(broken(&policy.rules, &given, &whole));
    }
    if whole != sent["spec"] {
        match serde_json::from_value(whole) {
            Ok(spec) => request.spec = spec,
            Err(error) => issues.push(issue("spec", format!("is no specification with its defaults: {error}"))),
        }
    }
    issues.extend(check::submission(&request, state));
    let (script, faults) = Script::read(&request.name, &request.spec, &state.behaviours);
    if !state.exec() {
        let fault = |(index, details)| issue(&format!("environmentVariables[{index}].value"), details);
        issues.extend(faults.into_iter().map(fault));
    }
    if state.strict {
        issues.append(&mut warnings);
    }
    if !issues.is_empty() {
        return Err(issues);
    }
    let warnings = warnings.into_iter().map(|warning| format!("{}: {}", warning.field, warning.details)).collect();
    Ok(Checked { request, script, warnings })
}

fn issue(field: &str, details: String) -> ComplianceIssue {
    ComplianceIssue { details, field: field.to_owned(), rule: None }
}
