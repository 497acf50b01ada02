//! Who gets what, when, and who has to go for it: pure, without any time.
//!
//! Workloads are known by their index. Those that ask for the same thing are one *class*: when the first of a class
//! does not fit, none does, so that a pass costs as much as there are classes, not as there are workloads.
//!
//! The order: the project with the least of its share first, inside it the highest priority, then the longest
//! waiting. One that does not fit does not hold up others. When nothing is free, a project that is inside its quota
//! takes back from projects that are over theirs, and a higher priority from a lower one of the same project.

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

/// What a workload waits for.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) demand: Demand,
    /// Pods, which start together.
    pub(crate) pods: u32,
    /// Node pools by their index, the preferred first.
    pub(crate) pools: Vec<usize>,
    pub(crate) preemptible: bool,
    pub(crate) priority: i64,
    /// The project, by its index.
    pub(crate) project: usize,
    pub(crate) constraints: NodeConstraints,
}

/// What a pass has decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// A workload has to go, and why.
    Evict(usize, String),
    /// A workload has its place.
    Start(usize),
    /// A workload has to wait, which it did not know yet.
    Wait(usize),
}

/// Why a class of workloads waits.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PendingReason {
    /// Why, for people.
    pub(crate) message: String,
    /// Why, by node pool.
    pub(crate) pools: Vec<PoolReason>,
}

impl PendingReason {
    /// The quota that is in the way, if it is one in all node pools.
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

/// The first of a class: its priority, its turn, and the class.
type Head = (Reverse<i64>, u64, usize);

struct Class {
    /// Who is to make room for it, as long as they have not gone.
    evicted: Vec<usize>,
    /// Waiting workloads, by their turn.
    queue: BTreeMap<u64, usize>,
    request: Request,
    pending_reason: Option<PendingReason>,
    /// Waiting workloads that do not know yet that they have to wait.
    unaware: Vec<usize>,
}

struct Allocation {
    amounts: Amounts,
    class: usize,
    placement: Placement,
    turn: u64,
}

/// Workloads that wait and workloads that hold resources.
pub(crate) struct Scheduler {
    by_key: HashMap<ClassKey, usize>,
    classes: Vec<Class>,
    cluster: Cluster,
    /// Classes with waiting workloads that may fit.
    fresh: BTreeSet<usize>,
    /// Workloads that hold resources.
    allocations: HashMap<usize, Allocation>,
    /// Workloads that were told to go and still hold resources.
    leaving: HashSet<usize>,
    next_turn: u64,
    /// Preemptible workloads that hold resources, by node pool, project and priority; the latest last.
    preemptible: BTreeMap<(usize, usize, Reverse<i64>), BTreeMap<u64, usize>>,
    projects: Vec<Project>,
    /// Workloads that joined those who wait already.
    told: Vec<usize>,
    /// By project and node pool.
    usage: Vec<Vec<Usage>>,
    /// Class and turn of workloads that wait.
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
            fresh: BTreeSet::new(),
            allocations: HashMap::new(),
            leaving: HashSet::new(),
            next_turn: 0,
            preemptible: BTreeMap::new(),
            projects,
            told: Vec::new(),
            usage,
            waiting: HashMap::new(),
            waiting_classes: BTreeSet::new(),
        }
    }

    pub(crate) fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// What a project holds in a node pool.
    pub(crate) fn usage(&self, project: usize, pool: usize) -> Usage {
        self.usage[project][pool]
    }

    /// Where a workload was placed, as long as it holds that.
    pub(crate) fn placement(&self, workload: usize) -> Option<&Placement> {
        self.allocations.get(&workload).map(|held| &held.placement)
    }

    /// Why a workload waits, if it does.
    pub(crate) fn pending_reason(&self, workload: usize) -> Option<&PendingReason> {
        let (class, _) = self.waiting.get(&workload)?;
        self.classes[*class].pending_reason.as_ref()
    }

    /// Lets a workload wait for its turn.
    pub(crate) fn enqueue(&mut self, workload: usize, request: Request) {
        let class = self.class(request);
        let turn = self.next_turn;
        self.next_turn += 1;
        self.waiting.insert(workload, (class, turn));
        self.waiting_classes.insert(class);
        let class_of = &mut self.classes[class];
        class_of.queue.insert(turn, workload);
        if class_of.pending_reason.is_some() && !self.fresh.contains(&class) {
            // Nothing was given back since the class was tried.
            self.told.push(workload);
        } else {
            class_of.unaware.push(workload);
            self.fresh.insert(class);
        }
    }

    /// Takes a workload out of the queue, or takes back what it holds.
    pub(crate) fn forget(&mut self, workload: usize) {
        if let Some((class, turn)) = self.waiting.remove(&workload) {
            let class_of = &mut self.classes[class];
            class_of.queue.remove(&turn);
            if class_of.queue.is_empty() {
                class_of.pending_reason = None;
                self.waiting_classes.remove(&class);
            }
        }
        self.leaving.remove(&workload);
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
        // Something is free: whoever waits may fit now.
        self.fresh.extend(&self.waiting_classes);
    }

    /// Notes that a workload will give back what it holds.
    pub(crate) fn leaves(&mut self, workload: usize) {
        if self.allocations.contains_key(&workload) {
            self.leaving.insert(workload);
        }
    }

    /// Decides who starts, who has to go and who has to wait.
    pub(crate) fn pass(&mut self) -> Vec<Decision> {
        let mut decisions: Vec<_> = std::mem::take(&mut self.told).into_iter().map(Decision::Wait).collect();
        let mut heads: BTreeMap<usize, BTreeSet<Head>> = BTreeMap::new();
        for class in std::mem::take(&mut self.fresh) {
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

    /// The largest of its shares over the node pools.
    fn share(&self, project: usize) -> f64 {
        let share = |pool: usize| {
            let whole: f64 = self.cluster.nodes_of(pool).map(|node| f64::from(node.facts.gpus)).sum();
            quota::share(&self.quota(project, pool), &self.usage[project][pool], whole)
        };
        let used = (0..self.cluster.pools().len()).filter(|pool| self.usage[project][*pool].all.gpus > 0.0);
        used.map(share).fold(0.0, f64::max)
    }

    /// Places the first of a class; whether it got a place.
    fn try_first(&mut self, class: usize, decisions: &mut Vec<Decision>) -> bool {
        let Some((turn, workload)) = self.classes[class].queue.first_key_value().map(|(turn, it)| (*turn, *it)) else {
            return false;
        };
        let request = self.classes[class].request.clone();
        let mut reasons = Vec::new();
        for pool in &request.pools {
            match self.place(&request, *pool) {
                Ok(placement) => {
                    self.hold(workload, class, turn, placement);
                    decisions.push(Decision::Start(workload));
                    return true;
                }
                Err(reason) => reasons.push(reason),
            }
        }
        let evicted = self.evict(class, &request, &reasons, decisions);
        let mut message = match reasons.as_slice() {
            [] => "has no node pool to run in".to_owned(),
            [reason] => reason.message.clone(),
            _ => {
                let named = |it: &PoolReason| format!("{}: {}", self.cluster.pools()[it.pool], it.message);
                reasons.iter().map(named).collect::<Vec<_>>().join("; ")
            }
        };
        if evicted {
            message.push_str("; others make room for it");
        }
        let class = &mut self.classes[class];
        class.pending_reason = Some(PendingReason { message, pools: reasons });
        let unaware = std::mem::take(&mut class.unaware).into_iter().filter(|it| self.waiting.contains_key(it));
        decisions.extend(unaware.map(Decision::Wait));
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

    fn hold(&mut self, workload: usize, class: usize, turn: u64, placement: Placement) {
        self.waiting.remove(&workload);
        let class_of = &mut self.classes[class];
        class_of.queue.remove(&turn);
        class_of.pending_reason = None;
        class_of.evicted.clear();
        // Whoever stays will hear of it when it has to wait.
        class_of.unaware.retain(|it| *it != workload);
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

    /// Finds others that have to go for a class; whether some do, now or already.
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
        // Quotas are not for taking away from others.
        for pool in reasons.iter().filter(|reason| reason.quota.is_none()).map(|reason| reason.pool) {
            if let Some(victims) = self.victims(request, pool) {
                for (workload, why) in &victims {
                    self.leaving.insert(*workload);
                    decisions.push(Decision::Evict(*workload, why.clone()));
                }
                self.classes[class].evicted = victims.into_iter().map(|(workload, _)| workload).collect();
                return true;
            }
        }
        false
    }

    /// Whom to send away so that `request` fits: lowest priority first, the latest of them first. `Some` and empty
    /// when it is enough to wait for those who are going already.
    fn victims(&self, request: &Request, pool: usize) -> Option<Vec<(usize, String)>> {
        let candidates = self.candidates(request, pool);
        if candidates.is_empty() && self.leaving.is_empty() {
            return None;
        }
        let mut trial = self.cluster.clone();
        for workload in &self.leaving {
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
                format!("preempted: the project is over its quota, and project {name} takes back what is its own")
            } else {
                continue;
            };
            for (turn, workload) in holders.iter().filter(|(_, it)| !self.leaving.contains(it)) {
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
                unaware: Vec::new(),
            });
            classes.len() - 1
        })
    }
}

#[cfg(test)]
mod tests;
