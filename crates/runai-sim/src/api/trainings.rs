//! `/api/v1/workloads/trainings`.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::StatusCode,
};
use jiff::Timestamp;
use runai_spec::wire::{HttpResponse, Training, TrainingCreationRequest};
use uuid::Uuid;

use super::{Body, Caller, Refusal, accepted};
use crate::{
    app::App,
    check::SUFFIX_LENGTH,
    clock::rfc3339,
    intake::intake,
    roles::{Action, Resource},
    state::{DEPARTMENT_ID, Names, State as Facts, Submission, Workload},
};

/// Takes in a training workload.
pub(super) async fn create(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Body(request, sent): Body<TrainingCreationRequest>,
) -> Result<(StatusCode, Json<Training>), Refusal> {
    caller.may(Resource::Trainings, Action::Create)?;
    app.with_state(|state, now| {
        if let Some(project) = state.project(&request.project_id) {
            caller.may_in(&project.facts.name, Resource::Trainings, Action::Create)?;
        }
        let checked = intake(&sent, request, state).map_err(Refusal::not_compliant)?;
        let request = checked.request;
        // The check has found the project.
        let project = state.project(&request.project_id).map_or(0, |project| project.index);
        let name = if request.use_given_name_as_prefix == Some(true) {
            let suffix = Uuid::new_v4().simple().to_string();
            format!("{}-{}", request.name, &suffix[..SUFFIX_LENGTH - 1])
        } else {
            request.name.clone()
        };
        if state.is_taken(project, &name) {
            let message = format!("workload with name '{name}' already exists in this project");
            return Err(Refusal::new(StatusCode::CONFLICT, message));
        }
        let names = Names { id: Uuid::new_v4().to_string(), name, submitted_by: caller.name().to_owned() };
        let submission = Submission { names, project, request, script: checked.script, warnings: checked.warnings };
        let index = state.submit(submission, now);
        Ok((StatusCode::ACCEPTED, Json(training(&state.workloads()[index], state))))
    })
}

/// One training workload with its specification.
pub(super) async fn read(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Training>, Refusal> {
    caller.may(Resource::Trainings, Action::Read)?;
    app.with_state(|state, _| {
        let workload = state.workload(&id).ok_or_else(|| Refusal::not_found("workload", &id))?;
        caller.may_in(&workload.project_name, Resource::Trainings, Action::Read)?;
        Ok(Json(training(workload, state)))
    })
}

/// Suspends a training workload.
pub(super) async fn suspend(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<HttpResponse>), Refusal> {
    app.with_state(|state, now| Change::Suspend.make(state, &caller, &id, now))?;
    Ok(accepted("the workload will be suspended"))
}

/// Resumes a training workload.
pub(super) async fn resume(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<HttpResponse>), Refusal> {
    app.with_state(|state, now| Change::Resume.make(state, &caller, &id, now))?;
    Ok(accepted("the workload will be resumed"))
}

/// Deletes a training workload.
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<HttpResponse>), Refusal> {
    app.with_state(|state, now| Change::Delete.make(state, &caller, &id, now))?;
    Ok(accepted("the workload will be deleted"))
}

/// What can be asked of a workload.
#[derive(Clone, Copy)]
pub(super) enum Change {
    Delete,
    Resume,
    Suspend,
}

impl Change {
    pub(super) fn make(self, state: &mut Facts, caller: &Caller, id: &str, now: Timestamp) -> Result<(), Refusal> {
        let action = if matches!(self, Self::Delete) { Action::Delete } else { Action::Update };
        caller.may(Resource::Trainings, action)?;
        let missing = || Refusal::not_found("workload", id);
        let project = &state.workload(id).ok_or_else(missing)?.project_name;
        caller.may_in(project, Resource::Trainings, action)?;
        let done = match self {
            Self::Delete => state.delete(id, now),
            Self::Resume => state.resume(id, now),
            Self::Suspend => state.suspend(id, now),
        };
        done.ok_or_else(missing)
    }
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
