//! Derives scheduler requests from specs.

use runai_api::wire::{Preemptibility, TrainingSpec};

use super::State;
use crate::scheduler::{Demand, NodeConstraints, Request};

impl State {
    /// What the workload will ask the scheduler for. Node pools and node types that are not there do not count.
    pub(super) fn wanted(&self, project: usize, spec: &TrainingSpec) -> Request {
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

/// How many pods run side by side.
fn parallelism(spec: &TrainingSpec) -> u32 {
    spec.parallelism.and_then(|it| u32::try_from(it).ok()).unwrap_or(1).max(1)
}

/// How many pods must succeed: each of those that run side by side, where nothing is said.
pub(super) fn completions(spec: &TrainingSpec) -> u32 {
    spec.completions.and_then(|it| u32::try_from(it).ok()).unwrap_or_else(|| parallelism(spec)).max(1)
}

/// The priority class, `low` where none is given.
pub(crate) fn priority_class(spec: &TrainingSpec) -> &str {
    spec.priority_class.as_deref().filter(|class| !class.is_empty()).unwrap_or("low")
}

/// The numbers behind Run:ai's own priority classes.
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

/// Whether others may push the workload aside; the priority class decides where the spec does not.
pub(crate) fn is_preemptible(spec: &TrainingSpec) -> bool {
    match spec.preemptibility {
        Some(preemptibility) => preemptibility == Preemptibility::Preemptible,
        None => priority(priority_class(spec)).is_none_or(|priority| priority < NON_PREEMPTIBLE),
    }
}

/// Of a priority class that Run:ai does not have by itself: as `low`.
const DEFAULT_PRIORITY: i64 = 40;

/// From this priority on a workload is not pushed aside unless it says otherwise.
const NON_PREEMPTIBLE: i64 = 100;
