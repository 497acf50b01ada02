//! Adds workloads of other users, which are not submitted through the API.

use std::time::Duration;

use jiff::Timestamp;
use runai_api::wire::{Compute, TrainingCreationRequest, TrainingSpec};
use uuid::Uuid;

use super::{Names, State, Submission};
use crate::{
    check::{NAME_LENGTH, is_workload_name},
    script::Script,
    world::{ExistingWorkload, WorkloadError},
};

impl State {
    /// Adds a workload of another user and returns its id.
    pub(crate) fn add_existing(&mut self, workload: ExistingWorkload, now: Timestamp) -> Result<String, WorkloadError> {
        let name = workload.name.clone();
        self.try_add_existing(workload, now).map_err(|why| WorkloadError { name, why })
    }

    fn try_add_existing(&mut self, workload: ExistingWorkload, now: Timestamp) -> Result<String, String> {
        let ExistingWorkload { end, gpus, kind, name, project, running } = workload;
        let found = self.projects.iter().find(|it| project.is_empty() || it.facts.name == project);
        let project = found.ok_or_else(|| format!("unknown project `{project}`"))?.index;
        if !is_workload_name(&name, NAME_LENGTH) {
            return Err("invalid name: use a name such as `notes-1`".to_owned());
        }
        if self.is_taken(project, &name, now) {
            return Err("the name already exists in the project".to_owned());
        }
        let running = match running {
            Some(seconds) => Duration::try_from_secs_f64(seconds)
                .map_err(|_| format!("invalid number of seconds {seconds} for `running`"))?,
            None => A_YEAR,
        };
        let compute = Compute { gpu_devices_request: Some(i64::from(gpus)), ..Compute::default() };
        let spec = TrainingSpec {
            compute: Some(compute),
            image: Some("example/other:1".to_owned()),
            ..TrainingSpec::default()
        };
        let request = TrainingCreationRequest {
            cluster_id: self.cluster.uuid.clone(),
            name: name.clone(),
            project_id: self.projects[project].id.clone(),
            spec,
            ..TrainingCreationRequest::default()
        };
        let id = Uuid::new_v4().to_string();
        self.submit(
            Submission {
                kind,
                names: Names { id: id.clone(), name, submitted_by: "someone@example.com".to_owned() },
                project,
                request,
                script: Script { end, running, ..Script::default() },
                scripted: true,
                stored: None,
                warnings: Vec::new(),
            },
            now,
        );
        Ok(id)
    }
}

const A_YEAR: Duration = Duration::from_hours(365 * 24);
