//! Tests of the scheduler without the API.

use super::{demand::Share, *};
use crate::world::Node;

/// Returns a scheduler with one node per number of GPUs in one node pool, and projects with these quotas.
fn scheduler(gpus: &[u32], quotas: &[f64]) -> Scheduler {
    let nodes = gpus.iter().map(|gpus| Node { gpus: *gpus, ..Node::default() }).collect();
    let project = |(index, gpus): (usize, &f64)| {
        let quota = Quota { gpus: Some(*gpus), ..Quota::default() };
        Project::named(format!("p{index}")).quota("default", quota)
    };
    Scheduler::new(Cluster::new(nodes), quotas.iter().enumerate().map(project).collect())
}

fn request(project: usize, gpus: u32) -> Request {
    Request {
        demand: Demand { devices: gpus, share: Share::Portion(1.0), ..Demand::default() },
        pods: 1,
        pools: vec![0],
        preemptible: true,
        priority: 40,
        project,
        constraints: NodeConstraints::default(),
    }
}

fn starts(decisions: &[Decision]) -> Vec<usize> {
    let start = |it: &Decision| if let Decision::Start(workload) = it { Some(*workload) } else { None };
    decisions.iter().filter_map(start).collect()
}

fn evictions(decisions: &[Decision]) -> Vec<usize> {
    let evict = |it: &Decision| if let Decision::Evict(workload, _) = it { Some(*workload) } else { None };
    decisions.iter().filter_map(evict).collect()
}

#[test]
fn waits_once_and_starts_in_order() {
    let mut it = scheduler(&[1], &[1.0]);
    for workload in 0..3 {
        it.enqueue(workload, request(0, 1));
    }
    assert_eq!(it.pass(), [Decision::Start(0), Decision::Wait(1), Decision::Wait(2)]);
    assert_eq!(it.pass(), []);
    assert_eq!(it.pending_reason(2).unwrap().message, "waits for 1 GPU(s): 0 of 1 are free");
    it.forget(0);
    assert_eq!(it.pass(), [Decision::Start(1)]);
    it.forget(2);
    it.forget(1);
    assert_eq!(it.pass(), []);
    assert_eq!(it.usage(0, 0), Usage::default());
}

#[test]
fn small_request_passes_large() {
    let mut it = scheduler(&[2], &[8.0]);
    it.enqueue(0, request(0, 1));
    it.enqueue(1, request(0, 2));
    it.enqueue(2, request(0, 1));
    assert_eq!(starts(&it.pass()), [0, 2]);
}

#[test]
fn higher_priority_preempts_lower() {
    let mut it = scheduler(&[2], &[2.0]);
    it.enqueue(0, request(0, 1));
    it.enqueue(1, request(0, 1));
    it.pass();
    it.enqueue(2, request(0, 1));
    it.enqueue(3, Request { priority: 80, ..request(0, 1) });
    let decisions = it.pass();
    assert_eq!(evictions(&decisions), [1], "{decisions:?}");
    assert!(it.pending_reason(3).unwrap().message.ends_with("preempting other workloads"));
    // No further preemption while the first workload ends.
    it.enqueue(4, Request { priority: 80, ..request(0, 1) });
    assert_eq!(evictions(&it.pass()), Vec::<usize>::new());
    it.forget(1);
    let decisions = it.pass();
    assert_eq!((starts(&decisions), evictions(&decisions)), (vec![3], vec![0]));
}

#[test]
fn non_preemptible_stays() {
    let mut it = scheduler(&[1], &[1.0]);
    it.enqueue(0, Request { preemptible: false, ..request(0, 1) });
    it.pass();
    it.enqueue(1, Request { priority: 150, ..request(0, 1) });
    assert_eq!(it.pass(), [Decision::Wait(1)]);
}

#[test]
fn reclaims_only_quota() {
    let mut it = scheduler(&[4], &[2.0, 2.0]);
    for workload in 0..4 {
        it.enqueue(workload, request(0, 1));
    }
    assert_eq!(starts(&it.pass()).len(), 4);
    for workload in 10..14 {
        it.enqueue(workload, request(1, 1));
    }
    let mut started = Vec::new();
    loop {
        let decisions = it.pass();
        let gone = evictions(&decisions);
        started.extend(starts(&decisions));
        if gone.is_empty() {
            break;
        }
        for workload in gone {
            it.forget(workload);
            // It queues again.
            it.enqueue(workload, request(0, 1));
        }
    }
    assert_eq!(started, [10, 11]);
    assert!((it.usage(0, 0).all.gpus - 2.0).abs() < 1e-9);
}

#[test]
fn shares_unused_resources() {
    let mut it = scheduler(&[4], &[0.0, 0.0]);
    for workload in 0..4 {
        it.enqueue(workload, request(0, 1));
    }
    for workload in 10..14 {
        it.enqueue(workload, request(1, 1));
    }
    assert_eq!(starts(&it.pass()), [0, 10, 1, 11]);
}

#[test]
fn names_exceeded_quota() {
    let mut it = scheduler(&[4], &[1.0]);
    it.enqueue(0, Request { preemptible: false, ..request(0, 2) });
    assert_eq!(it.pass(), [Decision::Wait(0)]);
    let pending_reason = it.pending_reason(0).unwrap();
    assert_eq!(pending_reason.quota_reason(), Some(QuotaReason::NonPreemptibleOverQuota));
    assert_eq!(pending_reason.pools[0].pool, 0);
}

#[test]
fn tries_node_pools_in_order() {
    let pool = |pool: &str| Node { gpus: 1, node_pool: pool.into(), ..Node::default() };
    let cluster = Cluster::new(vec![pool("a"), pool("b")]);
    let mut it = Scheduler::new(cluster, vec![Project::named("p")]);
    for workload in 0..3 {
        it.enqueue(workload, Request { pools: vec![1, 0], ..request(0, 1) });
    }
    it.pass();
    assert_eq!((it.placement(0).unwrap().pool, it.placement(1).unwrap().pool), (1, 0));
    let message = &it.pending_reason(2).unwrap().message;
    assert_eq!(message, "b: waits for 1 GPU(s): 0 of 1 are free; a: waits for 1 GPU(s): 0 of 1 are free");
}

#[test]
fn usage_returns_to_zero() {
    // A fixed pseudo-random sequence.
    let mut seed = 7_u64;
    let mut next = move |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let mut it = scheduler(&[4, 2], &[2.0, 1.0, 3.0]);
    let mut running: Vec<usize> = Vec::new();
    for workload in 0..2000 {
        let share = if next(2) == 0 { Share::Portion(0.3) } else { Share::Portion(1.0) };
        let devices = u32::try_from(next(3)).unwrap();
        it.enqueue(
            workload,
            Request {
                demand: Demand { devices, share, cpu_cores: 1.0, ..Demand::default() },
                preemptible: next(3) > 0,
                priority: i64::try_from(next(4)).unwrap(),
                project: usize::try_from(next(3)).unwrap(),
                ..request(0, 1)
            },
        );
        for decision in it.pass() {
            match decision {
                Decision::Start(it) => running.push(it),
                Decision::Evict(gone, _) => {
                    running.retain(|it| *it != gone);
                    it.forget(gone);
                }
                Decision::Wait(_) => {}
            }
        }
        for node in it.cluster().nodes() {
            assert!(node.devices.iter().all(|taken| (0.0..=1.0 + 1e-6).contains(taken)), "{:?}", node.devices);
            assert!(node.cpu_cores <= node.facts.cpu_cores + 1e-6);
        }
        if next(2) == 0 && !running.is_empty() {
            let gone = running.swap_remove(usize::try_from(next(running.len() as u64)).unwrap());
            it.forget(gone);
        }
    }
    for workload in 0..2000 {
        it.forget(workload);
    }
    for node in it.cluster().nodes() {
        assert!(node.devices.iter().all(|taken| *taken == 0.0) && node.cpu_cores == 0.0, "{node:?}");
    }
    assert!(it.preemptible.is_empty() && it.releasing.is_empty() && it.waiting_classes.is_empty());
}
