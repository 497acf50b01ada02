//! The scheduler: placement, queueing and preemption. Pure and independent of time.
//!
//! Workloads are identified by index. Workloads with the same request form a *class*: if the first of a class does not
//! fit, none does. The cost of a pass therefore depends on the number of classes, not of workloads.
//!
//! Order: projects by their used share, lowest first; within a project by priority, then by waiting time. A workload
//! that does not fit does not block others. If no resources are free, a project within its quota preempts workloads of
//! projects over quota, and a workload preempts lower priorities of its own project.

mod cluster;
mod demand;
mod quota;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
};

pub(crate) use self::{
    cluster::{Cluster, Placement},
    demand::{Demand, NodeConstraints, quantity},
    quota::{Amounts, QuotaReason, Usage},
};
use crate::world::{Project, Quota};

/// The resource request of a workload.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) demand: Demand,
    /// Number of pods, which start together.
    pub(crate) pods: u32,
    /// Node pools by index, in order of preference.
    pub(crate) pools: Vec<usize>,
    pub(crate) preemptible: bool,
    pub(crate) priority: i64,
    /// The project, by its index.
    pub(crate) project: usize,
    pub(crate) constraints: NodeConstraints,
}

/// A decision of a pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// A workload is preempted, with a reason.
    Evict(usize, String),
    /// A workload starts.
    Start(usize),
    /// A workload waits; reported once.
    Wait(usize),
}

/// Why a class of workloads is pending.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PendingReason {
    /// The message.
    pub(crate) message: String,
    /// The reasons by node pool.
    pub(crate) pools: Vec<PoolReason>,
}

impl PendingReason {
    /// Returns the exceeded quota, if quotas are the reason in all node pools.
    pub(crate) fn quota_reason(&self) -> Option<QuotaReason> {
        let mut reasons = self.pools.iter().map(|pool| pool.quota);
        let first = reasons.next()??;
        reasons.all(|reason| reason.is_some()).then_some(first)
    }
}

/// Why a workload does not start in a node pool.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PoolReason {
    pub(crate) message: String,
    pub(crate) pool: usize,
    pub(crate) quota: Option<QuotaReason>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct ClassKey {
    demand: [u64; 5],
    pods: u32,
    pools: Vec<usize>,
    preemptible: bool,
    priority: i64,
    project: usize,
    constraints: NodeConstraints,
}

/// The first workload of a class: priority, turn and class.
type Head = (Reverse<i64>, u64, usize);

struct Class {
    /// Workloads that are being preempted for it.
    evicted: Vec<usize>,
    /// Waiting workloads by turn.
    queue: BTreeMap<u64, usize>,
    request: Request,
    pending_reason: Option<PendingReason>,
    /// Waiting workloads without a [`Decision::Wait`] so far.
    unnotified: Vec<usize>,
}

struct Allocation {
    amounts: Amounts,
    class: usize,
    placement: Placement,
    turn: u64,
}

/// Schedules waiting workloads and tracks allocations.
pub(crate) struct Scheduler {
    by_key: HashMap<ClassKey, usize>,
    classes: Vec<Class>,
    cluster: Cluster,
    /// Classes to try in the next pass.
    to_retry: BTreeSet<usize>,
    /// Allocations by workload.
    allocations: HashMap<usize, Allocation>,
    /// Workloads that are ending and still have resources.
    releasing: HashSet<usize>,
    next_turn: u64,
    /// Preemptible workloads with resources, by node pool, project and priority; newest last.
    preemptible: BTreeMap<(usize, usize, Reverse<i64>), BTreeMap<u64, usize>>,
    projects: Vec<Project>,
    /// New workloads of classes that are known not to fit.
    newly_waiting: Vec<usize>,
    /// Usage by project and node pool.
    usage: Vec<Vec<Usage>>,
    /// Class and turn of waiting workloads.
    waiting: HashMap<usize, (usize, u64)>,
    /// Classes with waiting workloads.
    waiting_classes: BTreeSet<usize>,
}

impl Scheduler {
    pub(crate) fn new(cluster: Cluster, projects: Vec<Project>) -> Self {
        let usage = vec![vec![Usage::default(); cluster.pools().len()]; projects.len()];
        Self {
            by_key: HashMap::new(),
            classes: Vec::new(),
            cluster,
            to_retry: BTreeSet::new(),
            allocations: HashMap::new(),
            releasing: HashSet::new(),
            next_turn: 0,
            preemptible: BTreeMap::new(),
            projects,
            newly_waiting: Vec::new(),
            usage,
            waiting: HashMap::new(),
            waiting_classes: BTreeSet::new(),
        }
    }

    pub(crate) fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Returns the usage of a project in a node pool.
    pub(crate) fn usage(&self, project: usize, pool: usize) -> Usage {
        self.usage[project][pool]
    }

    /// Returns the placement of a workload while it has resources.
    pub(crate) fn placement(&self, workload: usize) -> Option<&Placement> {
        self.allocations.get(&workload).map(|held| &held.placement)
    }

    /// Returns why a workload is pending, if it waits.
    pub(crate) fn pending_reason(&self, workload: usize) -> Option<&PendingReason> {
        let (class, _) = self.waiting.get(&workload)?;
        self.classes[*class].pending_reason.as_ref()
    }

    /// Adds a workload to the queue.
    pub(crate) fn enqueue(&mut self, workload: usize, request: Request) {
        let class = self.class(request);
        let turn = self.next_turn;
        self.next_turn += 1;
        self.waiting.insert(workload, (class, turn));
        self.waiting_classes.insert(class);
        let class_of = &mut self.classes[class];
        class_of.queue.insert(turn, workload);
        if class_of.pending_reason.is_some() && !self.to_retry.contains(&class) {
            // No resources were released since the class was tried.
            self.newly_waiting.push(workload);
        } else {
            class_of.unnotified.push(workload);
            self.to_retry.insert(class);
        }
    }

    /// Removes a workload from the queue, or releases its resources.
    pub(crate) fn forget(&mut self, workload: usize) {
        if let Some((class, turn)) = self.waiting.remove(&workload) {
            let class_of = &mut self.classes[class];
            class_of.queue.remove(&turn);
            if class_of.queue.is_empty() {
                class_of.pending_reason = None;
                self.waiting_classes.remove(&class);
            }
        }
        self.releasing.remove(&workload);
        let Some(held) = self.allocations.remove(&workload) else { return };
        self.cluster.release(&held.placement);
        let request = &self.classes[held.class].request;
        let (project, pool) = (request.project, held.placement.pool);
        self.usage[project][pool].remove(held.amounts, request.preemptible);
        if request.preemptible {
            let key = (pool, project, Reverse(request.priority));
            if let Some(holders) = self.preemptible.get_mut(&key) {
                holders.remove(&held.turn);
                if holders.is_empty() {
                    self.preemptible.remove(&key);
                }
            }
        }
        // Released resources may let waiting workloads fit.
        self.to_retry.extend(&self.waiting_classes);
    }

    /// Marks a workload that will release its resources.
    pub(crate) fn mark_releasing(&mut self, workload: usize) {
        if self.allocations.contains_key(&workload) {
            self.releasing.insert(workload);
        }
    }

    /// Decides which workloads start, wait and are preempted.
    pub(crate) fn pass(&mut self) -> Vec<Decision> {
        let mut decisions: Vec<_> = std::mem::take(&mut self.newly_waiting).into_iter().map(Decision::Wait).collect();
        let mut heads: BTreeMap<usize, BTreeSet<Head>> = BTreeMap::new();
        for class in std::mem::take(&mut self.to_retry) {
            if let Some(head) = self.head(class) {
                heads.entry(self.classes[class].request.project).or_default().insert(head);
            }
        }
        while let Some(project) = self.next_project(&heads) {
            let Some((.., class)) = heads.get_mut(&project).and_then(BTreeSet::pop_first) else { break };
            if self.try_first(class, &mut decisions)
                && let Some(head) = self.head(class)
            {
                heads.entry(project).or_default().insert(head);
            }
            if heads.get(&project).is_some_and(BTreeSet::is_empty) {
                heads.remove(&project);
            }
        }
        decisions
    }

    fn head(&self, class: usize) -> Option<Head> {
        let (turn, _) = self.classes[class].queue.first_key_value()?;
        Some((Reverse(self.classes[class].request.priority), *turn, class))
    }

    fn next_project(&self, heads: &BTreeMap<usize, BTreeSet<Head>>) -> Option<usize> {
        let first_turn = |project: &usize| heads[project].iter().map(|(_, turn, _)| *turn).min();
        let shares = heads.keys().map(|project| (self.share(*project), first_turn(project), *project));
        shares.min_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1))).map(|(.., project)| project)
    }

    /// Returns the largest share of a project over all node pools.
    fn share(&self, project: usize) -> f64 {
        let share = |pool: usize| {
            let whole: f64 = self.cluster.nodes_of(pool).map(|node| f64::from(node.facts.gpus)).sum();
            quota::share(&self.quota(project, pool), &self.usage[project][pool], whole)
        };
        let used = (0..self.cluster.pools().len()).filter(|pool| self.usage[project][*pool].all.gpus > 0.0);
        used.map(share).fold(0.0, f64::max)
    }

    /// Tries to place the first workload of a class; returns whether it starts.
    fn try_first(&mut self, class: usize, decisions: &mut Vec<Decision>) -> bool {
        let Some((turn, workload)) = self.classes[class].queue.first_key_value().map(|(turn, it)| (*turn, *it)) else {
            return false;
        };
        let request = self.classes[class].request.clone();
        let mut reasons = Vec::new();
        for pool in &request.pools {
            match self.place(&request, *pool) {
                Ok(placement) => {
                    self.allocate(workload, class, turn, placement);
                    decisions.push(Decision::Start(workload));
                    return true;
                }
                Err(reason) => reasons.push(reason),
            }
        }
        let evicted = self.evict(class, &request, &reasons, decisions);
        let mut message = match reasons.as_slice() {
            [] => "no node pool".to_owned(),
            [reason] => reason.message.clone(),
            _ => {
                let named = |it: &PoolReason| format!("{}: {}", self.cluster.pools()[it.pool], it.message);
                reasons.iter().map(named).collect::<Vec<_>>().join("; ")
            }
        };
        if evicted {
            message.push_str("; preempting other workloads");
        }
        let class = &mut self.classes[class];
        class.pending_reason = Some(PendingReason { message, pools: reasons });
        let unnotified = std::mem::take(&mut class.unnotified).into_iter().filter(|it| self.waiting.contains_key(it));
        decisions.extend(unnotified.map(Decision::Wait));
        false
    }

    fn place(&mut self, request: &Request, pool: usize) -> Result<Placement, PoolReason> {
        let more = self.amounts(request, pool);
        let usage = &self.usage[request.project][pool];
        quota::admit(&self.quota(request.project, pool), usage, more, request.preemptible)
            .map_err(|(quota, message)| PoolReason { message, pool, quota: Some(quota) })?;
        self.cluster.place(&request.demand, request.pods, pool, &request.constraints).map_err(|message| PoolReason {
            message,
            pool,
            quota: None,
        })
    }

    fn allocate(&mut self, workload: usize, class: usize, turn: u64, placement: Placement) {
        self.waiting.remove(&workload);
        let class_of = &mut self.classes[class];
        class_of.queue.remove(&turn);
        class_of.pending_reason = None;
        class_of.evicted.clear();
        // The remaining workloads are reported when they have to wait.
        class_of.unnotified.retain(|it| *it != workload);
        if class_of.queue.is_empty() {
            self.waiting_classes.remove(&class);
        }
        let request = &class_of.request;
        let amounts = Amounts::of(&placement);
        let (project, pool) = (request.project, placement.pool);
        self.usage[project][pool].add(amounts, request.preemptible);
        let turn = self.next_turn;
        self.next_turn += 1;
        if request.preemptible {
            self.preemptible.entry((pool, project, Reverse(request.priority))).or_default().insert(turn, workload);
        }
        self.allocations.insert(workload, Allocation { amounts, class, placement, turn });
    }

    /// Preempts workloads for a class; returns whether any are being preempted.
    fn evict(
        &mut self,
        class: usize,
        request: &Request,
        reasons: &[PoolReason],
        decisions: &mut Vec<Decision>,
    ) -> bool {
        let held = &self.allocations;
        self.classes[class].evicted.retain(|workload| held.contains_key(workload));
        if !self.classes[class].evicted.is_empty() {
            return true;
        }
        // A workload that exceeds a quota does not preempt others.
        for pool in reasons.iter().filter(|reason| reason.quota.is_none()).map(|reason| reason.pool) {
            if let Some(victims) = self.victims(request, pool) {
                for (workload, why) in &victims {
                    self.releasing.insert(*workload);
                    decisions.push(Decision::Evict(*workload, why.clone()));
                }
                self.classes[class].evicted = victims.into_iter().map(|(workload, _)| workload).collect();
                return true;
            }
        }
        false
    }

    /// Returns the workloads to preempt so that `request` fits: lowest priority first, then newest first. Empty if the
    /// workloads that are already ending suffice; `None` if it cannot fit.
    fn victims(&self, request: &Request, pool: usize) -> Option<Vec<(usize, String)>> {
        let candidates = self.candidates(request, pool);
        if candidates.is_empty() && self.releasing.is_empty() {
            return None;
        }
        let mut trial = self.cluster.clone();
        for workload in &self.releasing {
            trial.release(&self.allocations[workload].placement);
        }
        if trial.place(&request.demand, request.pods, pool, &request.constraints).is_ok() {
            return Some(Vec::new());
        }
        let mut usage: Vec<Usage> = self.usage.iter().map(|pools| pools[pool]).collect();
        let mut chosen = Vec::new();
        for (workload, why) in candidates {
            let held = &self.allocations[&workload];
            let project = self.classes[held.class].request.project;
            if project != request.project && !quota::is_over(&self.quota(project, pool), &usage[project]) {
                continue;
            }
            usage[project].remove(held.amounts, true);
            trial.release(&held.placement);
            chosen.push((workload, why));
            if trial.place(&request.demand, request.pods, pool, &request.constraints).is_ok() {
                return Some(chosen);
            }
        }
        None
    }

    fn candidates(&self, request: &Request, pool: usize) -> Vec<(usize, String)> {
        let usage = &self.usage[request.project][pool];
        let entitled = quota::within(&self.quota(request.project, pool), usage, self.amounts(request, pool));
        let from = (pool, 0, Reverse(i64::MAX));
        let to = (pool + 1, 0, Reverse(i64::MAX));
        let mut found = Vec::new();
        for ((_, project, Reverse(priority)), holders) in self.preemptible.range(from..to) {
            let name = &self.projects[request.project].name;
            let why = if *project == request.project && *priority < request.priority {
                format!("preempted by a workload of priority {}", request.priority)
            } else if *project != request.project
                && entitled
                && quota::is_over(&self.quota(*project, pool), &self.usage[*project][pool])
            {
                format!("preempted: the project is over its quota, and project {name} reclaims its share")
            } else {
                continue;
            };
            for (turn, workload) in holders.iter().filter(|(_, it)| !self.releasing.contains(it)) {
                found.push((*priority, Reverse(*turn), *workload, why.clone()));
            }
        }
        found.sort();
        found.into_iter().map(|(_, _, workload, why)| (workload, why)).collect()
    }

    fn amounts(&self, request: &Request, pool: usize) -> Amounts {
        let pods = f64::from(request.pods);
        let demand = &request.demand;
        Amounts {
            cpu_cores: demand.cpu_cores * pods,
            gpus: demand.gpus(self.cluster.gpu_memory(pool)) * pods,
            memory: demand.memory * pods,
        }
    }

    fn quota(&self, project: usize, pool: usize) -> Quota {
        self.projects[project].quotas.get(&self.cluster.pools()[pool]).cloned().unwrap_or_default()
    }

    fn class(&mut self, request: Request) -> usize {
        let key = ClassKey {
            demand: request.demand.key(),
            pods: request.pods,
            pools: request.pools.clone(),
            preemptible: request.preemptible,
            priority: request.priority,
            project: request.project,
            constraints: request.constraints.clone(),
        };
        let classes = &mut self.classes;
        *self.by_key.entry(key).or_insert_with(|| {
            classes.push(Class {
                evicted: Vec::new(),
                queue: BTreeMap::new(),
                request,
                pending_reason: None,
                unnotified: Vec::new(),
            });
            classes.len() - 1
        })
    }
}

#[cfg(test)]
mod tests;
