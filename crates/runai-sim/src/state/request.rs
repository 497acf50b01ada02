//! Derives scheduler requests from specs.

use runai_api::wire::{Preemptibility, TrainingSpec};

use super::State;
use crate::scheduler::{Demand, NodeConstraints, Request};

impl State {
    /// Returns the scheduler request of a workload. Unknown node pools and node types are ignored.
    pub(super) fn scheduler_request(&self, project: usize, spec: &TrainingSpec) -> Request {
        let pools = self.pools();
        let known = |names: &[String]| -> Vec<usize> {
            let mut found: Vec<usize> = Vec::new();
            for index in names.iter().filter_map(|name| pools.iter().position(|pool| pool == name)) {
                if !found.contains(&index) {
                    found.push(index);
                }
            }
            found
        };
        let mut wanted = known(&spec.node_pools);
        if wanted.is_empty() {
            wanted = known(&self.projects[project].facts.default_node_pools);
        }
        if wanted.is_empty() {
            wanted = (0..pools.len()).collect();
        }
        let node_type = spec.node_type.clone().filter(|it| self.has_node_type(it));
        Request {
            demand: Demand::new(spec),
            pods: parallelism(spec).min(completions(spec)),
            pools: wanted,
            preemptible: is_preemptible(spec),
            priority: priority(priority_class(spec)).unwrap_or(DEFAULT_PRIORITY),
            project,
            constraints: NodeConstraints::new(node_type, &spec.tolerations),
        }
    }
}

/// Returns the number of parallel pods.
fn parallelism(spec: &TrainingSpec) -> u32 {
    spec.parallelism.and_then(|it| u32::try_from(it).ok()).unwrap_or(1).max(1)
}

/// Returns the number of pods that must succeed; the default is `parallelism`.
pub(super) fn completions(spec: &TrainingSpec) -> u32 {
    spec.completions.and_then(|it| u32::try_from(it).ok()).unwrap_or_else(|| parallelism(spec)).max(1)
}

/// Returns the priority class; the default is `low`.
pub(crate) fn priority_class(spec: &TrainingSpec) -> &str {
    spec.priority_class.as_deref().filter(|class| !class.is_empty()).unwrap_or("low")
}

/// Returns the priority of a predefined priority class.
pub(crate) fn priority(class: &str) -> Option<i64> {
    Some(match class {
        "very-low" => 25,
        "low" => 40,
        "medium-low" => 65,
        "medium" => 80,
        "medium-high" => 90,
        "high" => 125,
        "very-high" => 150,
        _ => return None,
    })
}

/// Whether the workload is preemptible; the priority class decides by default.
pub(crate) fn is_preemptible(spec: &TrainingSpec) -> bool {
    match spec.preemptibility {
        Some(preemptibility) => preemptibility == Preemptibility::Preemptible,
        None => priority(priority_class(spec)).is_none_or(|priority| priority < NON_PREEMPTIBLE),
    }
}

/// Priority of unknown priority classes, the same as `low`.
const DEFAULT_PRIORITY: i64 = 40;

/// Minimum priority of workloads that are not preemptible by default.
const NON_PREEMPTIBLE: i64 = 100;
