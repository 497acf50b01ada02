//! What a step asks for, against what its project is entitled to.

use runai_api::quantity::Amount;
use runai_api::wire::{
    Compute, GpuRequestType, Preemptibility, Project, ProjectResources, ResourceQuota, TrainingCreationRequest,
};

use super::{Check, Preflight, PreflightSubject, Verdict};

/// Holds the request against the project's quota, in the node pools that it may run in.
pub(super) fn check(project: &Project, subject: PreflightSubject<'_>, found: &mut Preflight) {
    let request = subject.request;
    let pools = candidates(project, request);
    let nothing = Compute::default();
    let compute = request.spec.compute.as_ref().unwrap_or(&nothing);
    let pods = f64::from(u32::try_from(request.spec.parallelism.unwrap_or(1)).unwrap_or(1).max(1));
    let gpus = gpus(compute);
    if gpus.is_none() {
        let message = "how many GPUs an amount of memory comes to depends on the node; not compared";
        found.find(Check::Quota, Verdict::Unknown, message);
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
                .find(
                    Check::Quota,
                    Verdict::Doubtful,
                    format!("the project uses {allocated} of its {entitled} GPUs; the step asks for {}", gpus * pods),
                )
                .hint("it waits, or runs on what others leave unused, until GPUs of the project are free"),
            _ => found.find(Check::Quota, Verdict::Good, "within the project's quota"),
        };
    }
}

/// An amount of one resource that a step asks for.
struct Demand {
    amount: f64,
    field: &'static str,
    unit: &'static str,
    of: fn(&ProjectResources) -> Option<&ResourceQuota>,
    /// How many of what the API counts are one of the unit.
    scale: fn(&ResourceQuota) -> f64,
}

impl Demand {
    fn check(&self, pools: &[&ProjectResources], subject: PreflightSubject<'_>, found: &mut Preflight) {
        let Self { amount, field, unit, of, scale } = *self;
        let most = |bound: fn(&ResourceQuota) -> Option<f64>| {
            let bounds: Vec<Option<f64>> = pools
                .iter()
                .map(|pool| {
                    let quota = of(pool)?;
                    Some(known(bound(quota))? / scale(quota))
                })
                .collect();
            // A pool without a bound is enough for anything.
            bounds.iter().copied().collect::<Option<Vec<f64>>>()?.into_iter().reduce(f64::max)
        };
        let tidy = |amount: f64| (amount * 100.0).round() / 100.0;
        let asked = tidy(amount);
        let is_firm = subject.request.spec.preemptibility == Some(Preemptibility::NonPreemptible);
        let finding = match (most(|quota| quota.limit), most(|quota| quota.deserved)) {
            (Some(limit), _) if amount > limit => found
                .find(
                    Check::Quota,
                    Verdict::Bad,
                    format!("the step asks for {asked} {unit}, the project's limit is {}", tidy(limit)),
                )
                .hint("ask for less, name another node pool, or have the limit raised; it would stay Pending for ever"),
            (_, Some(quota)) if amount > quota && is_firm => found
                .find(
                    Check::Quota,
                    Verdict::Bad,
                    format!(
                        "the step asks for {asked} {unit} and is non-preemptible, the project's quota is {}",
                        tidy(quota)
                    ),
                )
                .hint("only preemptible workloads run over quota; ask for less, or have the quota raised"),
            (_, Some(quota)) if amount > quota => found
                .find(
                    Check::Quota,
                    Verdict::Doubtful,
                    format!("the step asks for {asked} {unit}, the project's quota is {}", tidy(quota)),
                )
                .hint("it runs only while others leave enough unused, and is pushed aside when they want it back"),
            _ => return,
        };
        finding.at(field, subject);
    }
}

/// The project's quota in the node pools that the step names, or else in the project's own, or else in all.
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

/// GPU devices, in parts, of one pod; nothing, if it asks for amounts of memory.
fn gpus(compute: &Compute) -> Option<f64> {
    let devices = f64::from(u32::try_from(compute.gpu_devices_request.unwrap_or(0)).unwrap_or(0));
    match compute.gpu_request_type {
        _ if devices == 0.0 => Some(0.0),
        Some(GpuRequestType::Memory) => None,
        _ => Some(devices * compute.gpu_portion_request.unwrap_or(1.0)),
    }
}

/// Less than nothing stands for no bound.
fn known(bound: Option<f64>) -> Option<f64> {
    bound.filter(|bound| *bound >= 0.0)
}
