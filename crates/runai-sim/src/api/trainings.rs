//! `/api/v1/workloads/trainings`.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::StatusCode,
};
use runai_spec::wire::{HttpResponse, Training, TrainingCreationRequest};
use uuid::Uuid;

use super::{Body, Caller, Refusal, accepted};
use crate::{
    app::App,
    check::{self, SUFFIX_LENGTH, Script},
    clock::rfc3339,
    state::{DEPARTMENT_ID, Names, State as Facts, Workload},
};

/// Takes in a training workload.
pub(super) async fn create(
    State(app): State<Arc<App>>,
    Extension(Caller(submitted_by)): Extension<Caller>,
    Body(request): Body<TrainingCreationRequest>,
) -> Result<(StatusCode, Json<Training>), Refusal> {
    app.with_state(|state, now| {
        let issues = check::submission(&request, state);
        if !issues.is_empty() {
            return Err(Refusal::not_compliant(issues));
        }
        let name = if request.use_given_name_as_prefix == Some(true) {
            let suffix = Uuid::new_v4().simple().to_string();
            format!("{}-{}", request.name, &suffix[..SUFFIX_LENGTH - 1])
        } else {
            request.name.clone()
        };
        if state.is_taken(&request.project_id, &name) {
            let message = format!("workload with name '{name}' already exists in this project");
            return Err(Refusal::new(StatusCode::CONFLICT, message));
        }
        let script = Script::of(&request.spec);
        let id = Uuid::new_v4().to_string();
        state.submit(request, Names { id: id.clone(), name, submitted_by }, script, now);
        read_from(state, &id).map(|training| (StatusCode::ACCEPTED, training))
    })
}

/// One training workload with its specification.
pub(super) async fn read(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<Training>, Refusal> {
    app.with_state(|state, _| read_from(state, &id))
}

/// Suspends a training workload.
pub(super) async fn suspend(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<HttpResponse>), Refusal> {
    app.with_state(|state, now| state.suspend(&id, now)).ok_or_else(|| Refusal::not_found("workload", &id))?;
    Ok(accepted("the workload will be suspended"))
}

/// Resumes a training workload.
pub(super) async fn resume(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<HttpResponse>), Refusal> {
    app.with_state(|state, now| state.resume(&id, now)).ok_or_else(|| Refusal::not_found("workload", &id))?;
    Ok(accepted("the workload will be resumed"))
}

/// Deletes a training workload.
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<HttpResponse>), Refusal> {
    app.with_state(|state, now| state.delete(&id, now)).ok_or_else(|| Refusal::not_found("workload", &id))?;
    Ok(accepted("the workload will be deleted"))
}

fn read_from(state: &Facts, id: &str) -> Result<Json<Training>, Refusal> {
    let workload = state.workload(id).ok_or_else(|| Refusal::not_found("workload", id))?;
    Ok(Json(training(workload, state)))
}

fn training(workload: &Workload, state: &Facts) -> Training {
    Training {
        actual_phase: Some(workload.phase.as_str().to_owned()),
        cluster_id: state.cluster().uuid.clone(),
        created_at: rfc3339(workload.created_at),
        created_by: workload.submitted_by.clone(),
        deleted_at: workload.deleted_at.map(rfc3339),
        department_id: Some(DEPARTMENT_ID.to_owned()),
        desired_phase: workload.desired.as_str().to_owned(),
        name: workload.name.clone(),
        project_id: workload.project_id.clone(),
        requested_name: workload.requested_name.clone(),
        // Strings, numbers, lists and structs cannot fail to serialise.
        spec: serde_json::to_value(&*workload.spec).unwrap_or_default(),
        workload_id: workload.id.clone(),
    }
}
