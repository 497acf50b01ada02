//! One look at a workload, and what it shows.

use std::time::Duration;

use runai_spec::wait::{Observation, Sighting};
use runai_spec::wire::Workload;
use runai_spec::wire::requests::Filter;

use crate::client::{Client, Dated};
use crate::error::Error;
use crate::time::rfc3339;

/// What one look gave.
pub(crate) struct Look {
    pub(crate) observation: Observation,
    pub(crate) workload: Option<Workload>,
    /// Why the control plane was not seen.
    pub(crate) error: Option<Error>,
}

impl Look {
    /// The workload as an answer of the moment `date` shows it.
    pub(crate) fn at(workload: Workload, date: Option<Duration>) -> Self {
        let sighting = sighting(&workload, date);
        let is_deleted = workload.deleted_at.is_some();
        let observation = if is_deleted { Observation::Deleted(sighting) } else { Observation::Seen(sighting) };
        Self { observation, workload: Some(workload), error: None }
    }

    /// The control plane was not seen.
    pub(crate) const fn blind(error: Error) -> Self {
        Self { observation: Observation::NotSeen, workload: None, error: Some(error) }
    }

    const fn missing() -> Self {
        Self { observation: Observation::Missing, workload: None, error: None }
    }
}

/// Looks at one workload; one that is not there is looked for among the deleted ones, by its name where that is known.
pub(crate) async fn look(client: &Client, workload_id: &str, name: Option<&str>) -> Result<Look, Error> {
    match client.dated_workload(workload_id).await {
        Ok(Dated { value, date }) => Ok(Look::at(value, date)),
        Err(error) if error.is_not_found() => match deleted(client, workload_id, name).await {
            // What happened before its deletion does not depend on the time.
            Ok(Some(workload)) => {
                let observation = Observation::Deleted(sighting(&workload, None));
                Ok(Look { observation, workload: Some(workload), error: None })
            }
            Ok(None) => Ok(Look::missing()),
            // Where not even the list is found, it is the control plane that is missing.
            Err(error) if error.is_not_found() => Ok(Look::blind(error)),
            Err(error) => Err(error),
        },
        Err(error) => Err(error),
    }
}

/// The record of the workload among the deleted ones.
async fn deleted(client: &Client, workload_id: &str, name: Option<&str>) -> Result<Option<Workload>, Error> {
    let by_name = name.map(|name| Filter::Equals("name", name));
    let workloads = client.workloads(by_name.as_slice(), true).await?;
    Ok(workloads.into_iter().find(|workload| workload.id == workload_id))
}

fn sighting(workload: &Workload, date: Option<Duration>) -> Sighting {
    let seconds = |figure: Option<i64>| u64::try_from(figure?).ok().map(Duration::from_secs);
    Sighting {
        phase: workload.phase.clone(),
        phase_updated_at: workload.phase_updated_at.as_deref().and_then(rfc3339),
        server_time: date,
        total_pending: seconds(workload.total_pending_time_seconds),
        total_running: seconds(workload.total_running_time_seconds),
    }
}
