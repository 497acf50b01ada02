//! Scripts of simulated workloads.

use std::time::Duration;

use runai_api::wire::TrainingSpec;

use crate::world::{Behaviour, End, pattern_matches};

/// The script of a workload.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Script {
    pub(crate) end: End,
    /// Message of its end.
    pub(crate) message: String,
    /// Minimum time in the phase Pending.
    pub(crate) pending: Duration,
    /// Running time after which it is preempted once.
    pub(crate) preempt_after: Option<Duration>,
    /// Time in the phase Running.
    pub(crate) running: Duration,
}

impl Script {
    pub(crate) const PENDING: &str = "RUNAI_SIM_PENDING";
    pub(crate) const RESULT: &str = "RUNAI_SIM_RESULT";
    pub(crate) const RUNNING: &str = "RUNAI_SIM_RUNNING";

    /// Returns the script of a workload, and its invalid variables with their index and a message.
    ///
    /// The first matching behaviour overrides the variables.
    pub(crate) fn read(name: &str, spec: &TrainingSpec, behaviours: &[Behaviour]) -> (Self, Vec<(usize, String)>) {
        let (mut script, problems) = Self::from_variables(spec);
        if let Some(behaviour) = behaviours.iter().find(|it| pattern_matches(&it.name, name)) {
            let seconds = |seconds: Option<f64>| seconds.and_then(|it| Duration::try_from_secs_f64(it).ok());
            script.pending = seconds(behaviour.pending).unwrap_or(script.pending);
            script.running = seconds(behaviour.running).unwrap_or(script.running);
            script.preempt_after = seconds(behaviour.preempt_after);
            if let Some(end) = behaviour.end {
                script.end = end;
                script.message = match end {
                    End::Failed => "failed by the scenario".to_owned(),
                    End::OutOfMemory => "OOMKilled: exit code 137".to_owned(),
                    _ => String::new(),
                };
            }
            if let Some(message) = &behaviour.message {
                script.message.clone_from(message);
            }
        }
        (script, problems)
    }

    fn from_variables(spec: &TrainingSpec) -> (Self, Vec<(usize, String)>) {
        let mut script = Self::default();
        let mut problems = Vec::new();
        for (index, variable) in spec.environment_variables.iter().enumerate() {
            let (Some(name), Some(value)) = (variable.name.as_deref(), variable.value.as_deref()) else { continue };
            match name {
                Self::PENDING | Self::RUNNING => match seconds(value) {
                    Some(duration) if name == Self::PENDING => script.pending = duration,
                    Some(duration) => script.running = duration,
                    None => problems.push((index, format!("invalid number of seconds `{value}` for {name}"))),
                },
                Self::RESULT => match value {
                    "Completed" => script.end = End::Completed,
                    "Failed" => {
                        script.end = End::Failed;
                        script.message = format!("failed by {name}");
                    }
                    "Stopped" => script.end = End::Stopped,
                    _ => problems
                        .push((index, format!("invalid value `{value}` for {name}: use Completed, Failed or Stopped"))),
                },
                _ => {}
            }
        }
        (script, problems)
    }
}

impl Default for Script {
    /// Starts immediately, runs for 1 s and completes.
    fn default() -> Self {
        Self {
            end: End::Completed,
            message: String::new(),
            pending: Duration::ZERO,
            preempt_after: None,
            running: Duration::from_secs(1),
        }
    }
}

fn seconds(text: &str) -> Option<Duration> {
    let seconds: f64 = text.parse().ok()?;
    // Rejects more than 30 years, which may exceed the range of timestamps.
    (seconds < 1e9).then(|| Duration::try_from_secs_f64(seconds).ok())?
}

#[cfg(test)]
mod tests {
    use runai_api::wire::EnvironmentVariable;

    use super::*;

    #[test]
    fn behaviour_overrides_variables() {
        let spec = TrainingSpec {
            environment_variables: vec![
                EnvironmentVariable::literal(Script::RUNNING, "2.5"),
                EnvironmentVariable::literal(Script::RESULT, "Lost"),
            ],
            ..TrainingSpec::default()
        };
        let (script, problems) = Script::read("fit", &spec, &[]);
        assert_eq!((script.running, script.end), (Duration::from_millis(2500), End::Completed));
        assert_eq!(problems[0].0, 1);
        let behaviour =
            Behaviour { name: "f*".into(), end: Some(End::OutOfMemory), running: Some(1.0), ..Behaviour::default() };
        let (script, _) = Script::read("fit", &spec, std::slice::from_ref(&behaviour));
        assert_eq!((script.running, script.message.as_str()), (Duration::from_secs(1), "OOMKilled: exit code 137"));
        assert_eq!(Script::read("other", &spec, &[behaviour]).0.end, End::Completed);
    }
}
