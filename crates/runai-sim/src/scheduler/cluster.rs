//! Nodes and the placement of pods.
//!
//! GPUs are tracked per device. A portion is placed on the fullest device with enough room, on the fullest node, so
//! that whole devices and nodes stay free (bin packing).

use super::demand::{Demand, GIB, NodeConstraints};
use crate::world::Node;

/// The placement of a workload's pods.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Placement {
    /// The node pool by index.
    pub(crate) pool: usize,
    /// One placement per pod.
    pub(crate) pods: Vec<PodPlacement>,
}

/// The node and resources of a pod.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PodPlacement {
    pub(crate) cpu_cores: f64,
    pub(crate) devices: Vec<usize>,
    pub(crate) memory: f64,
    pub(crate) node: usize,
    pub(crate) portion: f64,
}

impl Placement {
    /// Returns the fractional number of GPU devices of all pods.
    pub(crate) fn gpus(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "no node has that many devices")]
        self.pods.iter().map(|pod| pod.devices.len() as f64 * pod.portion).sum()
    }

    /// Returns the CPU cores of all pods.
    pub(crate) fn cpu_cores(&self) -> f64 {
        self.pods.iter().map(|pod| pod.cpu_cores).sum()
    }

    /// Returns the memory of all pods, in bytes.
    pub(crate) fn memory(&self) -> f64 {
        self.pods.iter().map(|pod| pod.memory).sum()
    }
}

/// A node and its used resources.
#[derive(Clone, Debug)]
pub(crate) struct NodeUse {
    pub(crate) cpu_cores: f64,
    /// The used portion of each device.
    pub(crate) devices: Vec<f64>,
    pub(crate) facts: Node,
    pub(crate) memory: f64,
    pool: usize,
}

impl NodeUse {
    fn new(facts: Node, pool: usize) -> Self {
        Self { cpu_cores: 0.0, devices: vec![0.0; facts.gpus as usize], facts, memory: 0.0, pool }
    }

    /// Returns the devices and portion for a pod, or a message why it does not fit now.
    fn find(&self, demand: &Demand) -> Result<(Vec<usize>, f64), String> {
        check_capacity("CPU cores", demand.cpu_cores, self.cpu_cores, self.facts.cpu_cores)?;
        check_capacity("GiB of memory", demand.memory / GIB, self.memory / GIB, self.facts.memory / GIB)?;
        let portion = demand.portion(self.facts.gpu_memory);
        let (devices, all) = (demand.devices, self.facts.gpus);
        if devices > all {
            return Err(format!("requests {devices} GPUs, the node has {all}"));
        }
        if devices > 0 && portion > 1.0 + TOLERANCE {
            let asked = rounded(portion * self.facts.gpu_memory / GIB);
            return Err(format!(
                "requests {asked} GiB of GPU memory, a GPU has {}",
                rounded(self.facts.gpu_memory / GIB)
            ));
        }
        let mut free: Vec<usize> = (0..self.devices.len()).filter(|it| has_room(self.devices[*it], portion)).collect();
        if free.len() < devices as usize {
            let there = free.len();
            return Err(if portion < 1.0 {
                format!("waits for {} of {devices} GPU(s): {there} of {all} have enough free", rounded(portion))
            } else {
                format!("waits for {devices} GPU(s): {there} of {all} are free")
            });
        }
        free.sort_by(|one, other| self.devices[*other].total_cmp(&self.devices[*one]));
        free.truncate(devices as usize);
        Ok((free, portion))
    }

    fn taken_gpus(&self) -> f64 {
        self.devices.iter().sum()
    }
}

/// All nodes, by node pool.
#[derive(Clone, Debug)]
pub(crate) struct Cluster {
    nodes: Vec<NodeUse>,
    pools: Vec<String>,
}

impl Cluster {
    pub(crate) fn new(nodes: Vec<Node>) -> Self {
        let mut pools: Vec<String> = Vec::new();
        let nodes = nodes.into_iter().enumerate().map(|(index, mut node)| {
            if node.name.is_empty() {
                node.name = format!("node-{}", index + 1);
            }
            let pool = pools.iter().position(|pool| *pool == node.node_pool).unwrap_or_else(|| {
                pools.push(node.node_pool.clone());
                pools.len() - 1
            });
            NodeUse::new(node, pool)
        });
        Self { nodes: nodes.collect(), pools }
    }

    pub(crate) fn nodes(&self) -> &[NodeUse] {
        &self.nodes
    }

    /// Returns the names of the node pools.
    pub(crate) fn pools(&self) -> &[String] {
        &self.pools
    }

    /// Returns the nodes of a node pool.
    pub(crate) fn nodes_of(&self, pool: usize) -> impl Iterator<Item = &NodeUse> {
        self.nodes.iter().filter(move |node| node.pool == pool)
    }

    /// Returns the GPU memory of a node pool; the maximum if nodes differ.
    pub(crate) fn gpu_memory(&self, pool: usize) -> f64 {
        self.nodes_of(pool).filter(|node| node.facts.gpus > 0).map(|node| node.facts.gpu_memory).fold(0.0, f64::max)
    }

    /// Allocates resources for all `pods` in a node pool, or returns a message why they do not fit now.
    pub(crate) fn place(
        &mut self,
        demand: &Demand,
        pods: u32,
        pool: usize,
        constraints: &NodeConstraints,
    ) -> Result<Placement, String> {
        let mut placement = Placement { pool, pods: Vec::new() };
        for number in 1..=pods {
            match self.place_pod(demand, pool, constraints) {
                Ok(pod) => placement.pods.push(pod),
                Err(why) => {
                    self.release(&placement);
                    return Err(if pods == 1 { why } else { format!("pod {number} of {pods} {why}") });
                }
            }
        }
        Ok(placement)
    }

    fn place_pod(
        &mut self,
        demand: &Demand,
        pool: usize,
        constraints: &NodeConstraints,
    ) -> Result<PodPlacement, String> {
        let mut refusals = Vec::new();
        let mut best: Option<(usize, Vec<usize>, f64)> = None;
        for (index, node) in self.nodes.iter().enumerate().filter(|(_, node)| node.pool == pool) {
            let found = match constraints.mismatch(&node.facts) {
                Some(why) => Err(why),
                None => node.find(demand),
            };
            match found {
                Ok((devices, portion)) => {
                    let fuller = |other: usize| node.taken_gpus() > self.nodes[other].taken_gpus() + TOLERANCE;
                    if best.as_ref().is_none_or(|(other, ..)| fuller(*other)) {
                        best = Some((index, devices, portion));
                    }
                }
                Err(why) => refusals.push((&node.facts.name, why)),
            }
        }
        let Some((node, devices, portion)) = best else { return Err(placement_failure(&refusals, &self.pools[pool])) };
        let (cpu_cores, memory) = (demand.cpu_cores, demand.memory);
        let used = &mut self.nodes[node];
        for device in &devices {
            used.devices[*device] += portion;
        }
        used.cpu_cores += cpu_cores;
        used.memory += memory;
        Ok(PodPlacement { cpu_cores, devices, memory, node, portion })
    }

    /// Releases the resources of a placement.
    pub(crate) fn release(&mut self, placement: &Placement) {
        let give = |taken: &mut f64, amount: f64| {
            *taken -= amount;
            // Rounding errors must not accumulate.
            if *taken < TOLERANCE {
                *taken = 0.0;
            }
        };
        for pod in &placement.pods {
            let node = &mut self.nodes[pod.node];
            for device in &pod.devices {
                give(&mut node.devices[*device], pod.portion);
            }
            give(&mut node.cpu_cores, pod.cpu_cores);
            give(&mut node.memory, pod.memory);
        }
    }
}

/// Summarizes why no node fits, with the reasons of at most three nodes.
fn placement_failure(refusals: &[(&String, String)], pool: &str) -> String {
    match refusals {
        [] => format!("no node in node pool `{pool}`"),
        [(_, why)] => why.clone(),
        _ => {
            let named: Vec<_> = refusals.iter().take(3).map(|(node, why)| format!("{node}: {why}")).collect();
            let more = if refusals.len() > 3 { "; …" } else { "" };
            format!("does not fit on any of {} nodes: {}{more}", refusals.len(), named.join("; "))
        }
    }
}

fn has_room(taken: f64, asked: f64) -> bool {
    taken + asked <= 1.0 + TOLERANCE
}

fn check_capacity(what: &str, asked: f64, taken: f64, all: f64) -> Result<(), String> {
    if asked > all + TOLERANCE {
        return Err(format!("requests {} {what}, the node has {}", rounded(asked), rounded(all)));
    }
    if asked > 0.0 && taken + asked > all + TOLERANCE {
        return Err(format!(
            "waits for {} {what}: {} of {} are free",
            rounded(asked),
            rounded(all - taken),
            rounded(all)
        ));
    }
    Ok(())
}

/// Rounds to three decimals, for messages.
pub(super) fn rounded(amount: f64) -> f64 {
    (amount * 1000.0).round() / 1000.0
}

/// Tolerance of comparisons of portions.
pub(super) const TOLERANCE: f64 = 1e-9;

#[cfg(test)]
mod tests {
    use super::{super::demand::Share, *};

    fn cluster(gpus: &[u32]) -> Cluster {
        let node = |gpus: &u32| Node { gpus: *gpus, cpu_cores: 4.0, ..Node::default() };
        Cluster::new(gpus.iter().map(node).collect())
    }

    fn gpus(devices: u32, portion: f64) -> Demand {
        Demand { devices, share: Share::Portion(portion), ..Demand::default() }
    }

    fn place(cluster: &mut Cluster, demand: Demand) -> Result<Placement, String> {
        cluster.place(&demand, 1, 0, &NodeConstraints::default())
    }

    #[test]
    fn fractions_share_devices() {
        let mut node = cluster(&[2]);
        let half = place(&mut node, gpus(1, 0.5)).unwrap();
        let other = place(&mut node, gpus(1, 0.5)).unwrap();
        assert_eq!(half.pods[0].devices, other.pods[0].devices);
        place(&mut node, gpus(1, 1.0)).unwrap();
        let why = place(&mut node, gpus(1, 0.25)).unwrap_err();
        assert_eq!(why, "waits for 0.25 of 1 GPU(s): 0 of 2 have enough free");
        node.release(&half);
        place(&mut node, gpus(1, 0.25)).unwrap();
        assert_eq!(place(&mut node, gpus(1, 1.0)).unwrap_err(), "waits for 1 GPU(s): 0 of 2 are free");
    }

    #[test]
    fn ten_tenths_fill_device() {
        let mut node = cluster(&[1]);
        let placed: Vec<_> = (0..10).map(|_| place(&mut node, gpus(1, 0.1)).unwrap()).collect();
        assert!(place(&mut node, gpus(1, 0.1)).is_err());
        for placement in &placed {
            node.release(placement);
        }
        assert!(node.nodes[0].taken_gpus().abs() < f64::EPSILON);
        place(&mut node, gpus(1, 1.0)).unwrap();
    }

    #[test]
    fn memory_converts_to_portion() {
        let memory = |bytes| Demand { devices: 1, share: Share::Memory(bytes), ..Demand::default() };
        let mut node = cluster(&[1]);
        let placed = place(&mut node, memory(20.0 * GIB)).unwrap();
        assert!((placed.gpus() - 0.25).abs() < f64::EPSILON);
        assert_eq!(place(&mut node, memory(100.0 * GIB)).unwrap_err(), "requests 100 GiB of GPU memory, a GPU has 80");
    }

    #[test]
    fn fractions_use_several_devices() {
        let mut node = cluster(&[2]);
        let both = place(&mut node, gpus(2, 0.5)).unwrap();
        assert_eq!(both.pods[0].devices.len(), 2);
        assert!(place(&mut node, gpus(1, 1.0)).is_err());
        place(&mut node, gpus(2, 0.5)).unwrap();
    }

    #[test]
    fn prefers_fullest_node() {
        let mut both = cluster(&[2, 2]);
        assert_eq!(place(&mut both, gpus(1, 1.0)).unwrap().pods[0].node, 0);
        assert_eq!(place(&mut both, gpus(2, 1.0)).unwrap().pods[0].node, 1);
        assert_eq!(place(&mut both, gpus(1, 0.5)).unwrap().pods[0].node, 0);
        let why = place(&mut both, gpus(2, 1.0)).unwrap_err();
        assert_eq!(
            why,
            "does not fit on any of 2 nodes: node-1: waits for 2 GPU(s): 0 of 2 are free; \
             node-2: waits for 2 GPU(s): 0 of 2 are free"
        );
    }

    #[test]
    fn places_all_pods_or_none() {
        let mut both = cluster(&[1, 1]);
        let none = NodeConstraints::default();
        let why = both.place(&gpus(1, 1.0), 3, 0, &none).unwrap_err();
        assert!(why.starts_with("pod 3 of 3 does not fit on any of 2 nodes"), "{why}");
        let placed = both.place(&gpus(1, 1.0), 2, 0, &none).unwrap();
        assert_eq!(placed.pods.iter().map(|pod| pod.node).collect::<Vec<_>>(), [0, 1]);
    }

    #[test]
    fn reports_impossible_requests() {
        let mut node = cluster(&[2]);
        assert_eq!(place(&mut node, gpus(3, 1.0)).unwrap_err(), "requests 3 GPUs, the node has 2");
        let cores = Demand { cpu_cores: 8.0, ..Demand::default() };
        assert_eq!(place(&mut node, cores).unwrap_err(), "requests 8 CPU cores, the node has 4");
    }

    #[test]
    fn counts_cores() {
        let mut node = cluster(&[0]);
        let cores = |cpu_cores| Demand { cpu_cores, ..Demand::default() };
        place(&mut node, cores(2.5)).unwrap();
        assert_eq!(place(&mut node, cores(2.0)).unwrap_err(), "waits for 2 CPU cores: 1.5 of 4 are free");
        place(&mut node, Demand::default()).unwrap();
    }
}
