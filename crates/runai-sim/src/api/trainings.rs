//! `/api/v1/workloads/trainings`, and the same endpoints of other workload types.

use std::sync::Arc;

use axum::{
    Extension, Json,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use runai_api::wire::{HttpResponse, Training, TrainingCreationRequest};
use serde_json::Value;
use uuid::Uuid;

use super::{
    ApiError, Body, Caller, accepted,
    faults::{Effect, Injected, TakenNames},
};
use crate::{
    admission::admit,
    app::App,
    check::SUFFIX_LENGTH,
    clock::rfc3339,
    faults::ConflictWording,
    normalization::normalized,
    roles::{Action, Resource},
    state::{DEPARTMENT_ID, Names, State as SimState, Submission, Workload},
    world::WorkloadType,
};

/// Creates a training workload.
pub(super) async fn create(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    injected: Injected,
    Body(request, sent): Body<TrainingCreationRequest>,
) -> Result<Response, ApiError> {
    caller.require(Resource::Trainings, Action::Create)?;
    app.effect(injected.effect, StatusCode::ACCEPTED.into_response(), move |state, now| {
        let training = admit_and_submit(state, &caller, &injected, request, &sent, now)?;
        Ok((StatusCode::ACCEPTED, Json(training)).into_response())
    })
}

/// Validates a submission and creates its workload.
fn admit_and_submit(
    state: &mut SimState,
    caller: &Caller,
    injected: &Injected,
    request: TrainingCreationRequest,
    sent: &Value,
    now: Timestamp,
) -> Result<Training, ApiError> {
    if let Some(project) = state.project(&request.project_id) {
        caller.require_in(&project.facts.name, Resource::Trainings, Action::Create)?;
    }
    let admitted = admit(sent, request, state).map_err(ApiError::not_compliant)?;
    let request = admitted.request;
    // Admission has validated the project.
    let project = state.project(&request.project_id).map_or(0, |project| project.index);
    let name = if request.use_given_name_as_prefix == Some(true) {
        let suffix = Uuid::new_v4().simple().to_string();
        format!("{}-{}", request.name, &suffix[..SUFFIX_LENGTH - 1])
    } else {
        request.name.clone()
    };
    let created_by = match injected.names {
        TakenNames::All => Some(now),
        TakenNames::None => None,
        TakenNames::Older(age) => now.checked_sub(age).ok(),
    };
    if created_by.is_some_and(|until| state.is_taken(project, &name, until)) {
        let (status, wording) = injected.conflict.unwrap_or((StatusCode::CONFLICT, ConflictWording::Exists));
        return Err(ApiError::new(status, wording.message(&name)));
    }
    let stored = (!injected.normalized.is_empty()).then(|| normalized(&request.spec, &injected.normalized));
    let names = Names { id: Uuid::new_v4().to_string(), name, submitted_by: caller.name().to_owned() };
    let submission = Submission {
        kind: WorkloadType::Training,
        names,
        project,
        request,
        script: admitted.script,
        scripted: false,
        stored,
        warnings: admitted.warnings,
    };
    let index = state.submit(submission, now);
    Ok(training(&state.workloads()[index], state))
}

/// Returns a workload with its specification.
pub(super) async fn read(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Extension(kind): Extension<WorkloadType>,
    Path(id): Path<String>,
    injected: Injected,
) -> Result<Json<Training>, ApiError> {
    caller.require(kind.permission(), Action::Read)?;
    app.with_state(|state, now| {
        let found = state.view_of(&id, injected.visible_at(now)).filter(|view| view.workload.kind == kind);
        let workload = found.ok_or_else(|| ApiError::not_found("workload", &id))?.workload;
        caller.require_in(&workload.project_name, kind.permission(), Action::Read)?;
        Ok(Json(training(workload, state)))
    })
}

/// Suspends a workload.
pub(super) async fn suspend(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Extension(kind): Extension<WorkloadType>,
    Path(id): Path<String>,
    injected: Injected,
) -> Result<(StatusCode, Json<HttpResponse>), ApiError> {
    change(&app, Change::Suspend, caller, kind, id, injected, "the workload will be suspended")
}

/// Resumes a workload.
pub(super) async fn resume(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Extension(kind): Extension<WorkloadType>,
    Path(id): Path<String>,
    injected: Injected,
) -> Result<(StatusCode, Json<HttpResponse>), ApiError> {
    change(&app, Change::Resume, caller, kind, id, injected, "the workload will be resumed")
}

/// Deletes a workload.
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Extension(kind): Extension<WorkloadType>,
    Path(id): Path<String>,
    injected: Injected,
) -> Result<(StatusCode, Json<HttpResponse>), ApiError> {
    change(&app, Change::Delete, caller, kind, id, injected, "the workload will be deleted")
}

fn change(
    app: &Arc<App>,
    change: Change,
    caller: Caller,
    kind: WorkloadType,
    id: String,
    injected: Injected,
    message: &str,
) -> Result<(StatusCode, Json<HttpResponse>), ApiError> {
    app.effect(injected.effect, (), move |state, now| change.make(state, &caller, Some(kind), &id, &injected, now))?;
    Ok(accepted(message))
}

/// A change of a workload's state.
#[derive(Clone, Copy)]
pub(super) enum Change {
    Delete,
    Resume,
    Suspend,
}

impl Change {
    /// Makes the change to a workload, which must be of type `kind` if one is given.
    pub(super) fn make(
        self,
        state: &mut SimState,
        caller: &Caller,
        kind: Option<WorkloadType>,
        id: &str,
        injected: &Injected,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let action = if matches!(self, Self::Delete) { Action::Delete } else { Action::Update };
        if let Some(kind) = kind {
            caller.require(kind.permission(), action)?;
        }
        let missing = || ApiError::not_found("workload", id);
        let workload = state.workload(id).filter(|it| kind.is_none_or(|kind| it.kind == kind)).ok_or_else(missing)?;
        caller.require_in(&workload.project_name, workload.kind.permission(), action)?;
        if action == Action::Update && !workload.kind.can_suspend() {
            let kind = workload.kind.as_str();
            return Err(ApiError::bad_request(format!("workloads of type {kind} cannot be suspended or resumed")));
        }
        if injected.effect == Effect::Never {
            return Ok(());
        }
        let done = match self {
            Self::Delete => state.delete(id, now),
            Self::Resume => state.resume(id, now),
            Self::Suspend => state.suspend(id, injected.stuck_stopping, now),
        };
        done.ok_or_else(missing)
    }
}

fn training(workload: &Workload, state: &SimState) -> Training {
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
        spec: serde_json::to_value(workload.shown_spec()).unwrap_or_default(),
        workload_id: workload.id.clone(),
    }
}
