//! Compares the resources that a step requests with the quota of its project.

use runai_api::quantity::Amount;
use runai_api::wire::{
    Compute, GpuRequestType, Preemptibility, Project, ProjectResources, ResourceQuota, TrainingCreationRequest,
};

use super::{Check, Preflight, PreflightSubject, Verdict};

/// Checks the request against the project's quota in the candidate node pools.
pub(super) fn check(project: &Project, subject: PreflightSubject<'_>, found: &mut Preflight) {
    let request = subject.request;
    let pools = candidates(project, request);
    let nothing = Compute::default();
    let compute = request.spec.compute.as_ref().unwrap_or(&nothing);
    let pods = f64::from(u32::try_from(request.spec.parallelism.unwrap_or(1)).unwrap_or(1).max(1));
    let gpus = gpus(compute);
    if gpus.is_none() {
        let message = "GPU memory is not compared with the quota: its share of a GPU depends on the node";
        found.add(Check::Quota, Verdict::Unknown, message);
    }
    let memory = compute.cpu_memory_request.as_deref().and_then(Amount::parse).map_or(0.0, |amount| amount.to_f64());
    let demands = [
        Demand {
            amount: gpus.unwrap_or(0.0) * pods,
            field: "compute.gpuDevicesRequest",
            unit: "GPUs",
            of: |pool| Some(&pool.gpu),
            scale: |_| 1.0,
        },
        Demand {
            amount: compute.cpu_core_request.unwrap_or(0.0) * pods,
            field: "compute.cpuCoreRequest",
            unit: "CPU cores",
            of: |pool| pool.cpu.as_ref(),
            scale: |_| 1000.0,
        },
        Demand {
            amount: memory / 1e9 * pods,
            field: "compute.cpuMemoryRequest",
            unit: "GB of memory",
            of: |pool| pool.memory.as_ref(),
            scale: |quota| match quota.units.as_deref() {
                Some("GB") => 1.0,
                Some("Mib") => 1e9 / f64::from(1 << 20),
                _ => 1000.0,
            },
        },
    ];
    let before = found.findings.len();
    for demand in demands.iter().filter(|demand| demand.amount > 0.0) {
        demand.check(&pools, subject, found);
    }
    if found.findings.len() == before
        && !pools.is_empty()
        && let Some(gpus) = gpus
    {
        let allocated = project.status.quota_status.as_ref().and_then(|status| status.allocated.as_ref()?.gpu);
        let entitled: f64 = pools.iter().filter_map(|pool| known(pool.gpu.deserved)).sum();
        match allocated {
            Some(allocated) if gpus > 0.0 && allocated + gpus * pods > entitled => found
                .add(
                    Check::Quota,
                    Verdict::Warn,
                    format!(
                        "the step requests {} GPUs, and the project uses {allocated} of its {entitled}",
                        gpus * pods
                    ),
                )
                .hint("expect it to wait until GPUs are free, or to run preemptibly over quota"),
            _ => found.add(Check::Quota, Verdict::Pass, "within the project's quota"),
        };
    }
}

/// The requested amount of a resource.
struct Demand {
    amount: f64,
    field: &'static str,
    unit: &'static str,
    of: fn(&ProjectResources) -> Option<&ResourceQuota>,
    /// Number of the API's units in one `unit`.
    scale: fn(&ResourceQuota) -> f64,
}

impl Demand {
    fn check(&self, pools: &[&ProjectResources], subject: PreflightSubject<'_>, found: &mut Preflight) {
        let Self { amount, field, unit, of, scale } = *self;
        let largest = |bound: fn(&ResourceQuota) -> Option<f64>| {
            let bounds: Vec<Option<f64>> = pools
                .iter()
                .map(|pool| {
                    let quota = of(pool)?;
                    Some(known(bound(quota))? / scale(quota))
                })
                .collect();
            // A pool without a bound is unlimited.
            bounds.iter().copied().collect::<Option<Vec<f64>>>()?.into_iter().reduce(f64::max)
        };
        let rounded = |amount: f64| (amount * 100.0).round() / 100.0;
        let requested = rounded(amount);
        let is_non_preemptible = subject.request.spec.preemptibility == Some(Preemptibility::NonPreemptible);
        let finding = match (largest(|quota| quota.limit), largest(|quota| quota.deserved)) {
            (Some(limit), _) if amount > limit => found
                .add(
                    Check::Quota,
                    Verdict::Fail,
                    format!("the step requests {requested} {unit}, the project's limit is {}", rounded(limit)),
                )
                .hint("request less, use another node pool, or have the limit raised; the workload would stay Pending"),
            (_, Some(quota)) if amount > quota && is_non_preemptible => found
                .add(
                    Check::Quota,
                    Verdict::Fail,
                    format!(
                        "the non-preemptible step requests {requested} {unit}, the project's quota is {}",
                        rounded(quota)
                    ),
                )
                .hint("request less, make it preemptible, or have the quota raised; only preemptible workloads run over quota"),
            (_, Some(quota)) if amount > quota => found
                .add(
                    Check::Quota,
                    Verdict::Warn,
                    format!("the step requests {requested} {unit}, the project's quota is {}", rounded(quota)),
                )
                .hint("expect preemption: it runs only while other projects leave enough of their quota unused"),
            _ => return,
        };
        finding.at(field, subject);
    }
}

/// Returns the project's quota in the requested node pools, else in the project's default ones, else in all.
fn candidates<'a>(project: &'a Project, request: &TrainingCreationRequest) -> Vec<&'a ProjectResources> {
    let name = |pool: &'a ProjectResources| pool.node_pool.as_ref().and_then(|pool| pool.name.as_deref());
    let defaults = project.effective.as_ref().map_or(&[][..], |effective| &effective.default_node_pools);
    for names in [request.spec.node_pools.as_slice(), defaults] {
        let among: Vec<_> = project
            .resources
            .iter()
            .filter(|pool| name(pool).is_some_and(|name| names.iter().any(|wanted| wanted == name)))
            .collect();
        if !among.is_empty() {
            return among;
        }
    }
    project.resources.iter().collect()
}

/// Returns the GPU devices of one pod, as a fraction; `None` if it requests GPU memory.
fn gpus(compute: &Compute) -> Option<f64> {
    let devices = f64::from(u32::try_from(compute.gpu_devices_request.unwrap_or(0)).unwrap_or(0));
    match compute.gpu_request_type {
        _ if devices == 0.0 => Some(0.0),
        Some(GpuRequestType::Memory) => None,
        _ => Some(devices * compute.gpu_portion_request.unwrap_or(1.0)),
    }
}

/// Returns the bound unless it is negative, which means unlimited.
fn known(bound: Option<f64>) -> Option<f64> {
    bound.filter(|bound| *bound >= 0.0)
}
