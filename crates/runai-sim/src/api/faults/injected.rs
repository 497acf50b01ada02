//! How faults change the handling of a request.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::FromRequestParts,
    http::{StatusCode, request::Parts},
};
use jiff::Timestamp;

use crate::{
    clock::later,
    faults::{ConflictWording, FaultKind, Injection, SpecChange},
};

/// How faults change the handling of a request; no change by default.
#[derive(Clone, Debug, Default)]
pub(crate) struct Injected {
    /// Status and wording of a name conflict.
    pub(crate) conflict: Option<(StatusCode, ConflictWording)>,
    pub(crate) effect: Effect,
    /// Age of the state that reads show.
    lag: Option<Duration>,
    /// Projects in which the caller has no role; `*` matches any text.
    pub(crate) lost_projects: Vec<String>,
    pub(crate) names: TakenNames,
    /// Whether a suspended workload stays in the phase Stopping.
    pub(crate) stuck_stopping: bool,
    /// Differences between the sent and the stored spec.
    pub(crate) normalized: Vec<SpecChange>,
}

/// When a change takes effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Effect {
    /// At this time, after the response.
    At(Timestamp),
    /// Never, although it is accepted.
    Never,
    #[default]
    Now,
}

/// The workloads that block their names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum TakenNames {
    #[default]
    All,
    None,
    /// Workloads that are at least this old.
    Older(Duration),
}

impl Injected {
    pub(super) fn new(injections: &mut [Injection], now: Timestamp) -> Self {
        let seconds = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or_default();
        let mut injected = Self::default();
        for Injection { kind, random, .. } in injections {
            match kind {
                FaultKind::DuplicateNames { visible_after } => {
                    injected.names = visible_after.map_or(TakenNames::None, |it| TakenNames::Older(seconds(it)));
                }
                FaultKind::Lag { seconds: lag } => injected.lag = injected.lag.max(Some(seconds(*lag))),
                FaultKind::LateEffect { delay, jitter, .. } => {
                    injected.effect = Effect::At(later(now, seconds(*delay + *jitter * random.unit())));
                }
                FaultKind::LostAction if injected.effect == Effect::Now => injected.effect = Effect::Never,
                FaultKind::LostPermission { project } => injected.lost_projects.push(project.clone()),
                FaultKind::NameConflict { status, wording } => {
                    let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::CONFLICT);
                    injected.conflict = Some((status, *wording));
                }
                FaultKind::NormalizedSpec { changes } => injected.normalized.extend(changes.iter().copied()),
                FaultKind::StuckStopping => injected.stuck_stopping = true,
                _ => {}
            }
        }
        injected
    }

    /// Returns the time whose state a read shows; `None` for now.
    pub(crate) fn visible_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.lag.map(|lag| now.checked_sub(lag).unwrap_or(Timestamp::MIN))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Injected {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}
