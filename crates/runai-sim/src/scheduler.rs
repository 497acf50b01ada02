//! The simulated node, and what fits on it.
//!
//! GPUs are counted device by device: a workload that asks for parts of devices gets each part on one device, the
//! fullest that still has room, so that whole devices stay free for those who need them.

use runai_spec::wire::{Compute, GpuRequestType, TrainingSpec};

/// What the cluster's one node has.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// CPU cores.
    pub cpu_cores: f64,
    /// Memory of each GPU, in bytes.
    pub gpu_memory: f64,
    /// Number of GPUs.
    pub gpus: u32,
    /// Memory, in bytes.
    pub memory: f64,
}

impl Default for Node {
    /// Eight GPUs of 80 GiB, 96 cores, 1 TiB.
    fn default() -> Self {
        Self { cpu_cores: 96.0, gpu_memory: 80.0 * GIB, gpus: 8, memory: 1024.0 * GIB }
    }
}

/// What one pod of a workload needs.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Demand {
    pub(crate) cpu_cores: f64,
    pub(crate) devices: u32,
    pub(crate) memory: f64,
    /// The part of each device; 1 for whole ones.
    pub(crate) portion: f64,
}

impl Demand {
    /// What `spec` asks of `node`; quantities that are none count as nothing, the check has refused them before.
    pub(crate) fn new(spec: &TrainingSpec, node: &Node) -> Self {
        let nothing = Compute::default();
        let compute = spec.compute.as_ref().unwrap_or(&nothing);
        let memory = |text: &Option<String>| text.as_deref().and_then(quantity).unwrap_or(0.0);
        let portion = match compute.gpu_request_type {
            Some(GpuRequestType::Memory) => memory(&compute.gpu_memory_request) / node.gpu_memory,
            Some(GpuRequestType::Portion) => compute.gpu_portion_request.unwrap_or(1.0),
            None => 1.0,
        };
        let devices = compute.gpu_devices_request.unwrap_or_else(|| i64::from(compute.gpu_request_type.is_some()));
        Self {
            cpu_cores: compute.cpu_core_request.unwrap_or(0.0),
            devices: u32::try_from(devices).unwrap_or(if devices < 0 { 0 } else { u32::MAX }),
            memory: memory(&compute.cpu_memory_request),
            portion,
        }
    }

    /// GPU devices in total, in parts.
    pub(crate) fn gpus(&self) -> f64 {
        f64::from(self.devices) * self.portion
    }
}

/// Where a workload was placed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Placement {
    demand: Demand,
    devices: Vec<usize>,
}

/// What of the node is taken.
#[derive(Clone, Debug)]
pub(crate) struct Occupancy {
    cpu_cores: f64,
    /// The part of each device that is taken.
    devices: Vec<f64>,
    memory: f64,
    node: Node,
}

impl Occupancy {
    pub(crate) fn new(node: Node) -> Self {
        Self { cpu_cores: 0.0, devices: vec![0.0; node.gpus as usize], memory: 0.0, node }
    }

    pub(crate) fn node(&self) -> &Node {
        &self.node
    }

    /// GPU devices that are taken, in parts.
    #[cfg(test)]
    pub(crate) fn gpus(&self) -> f64 {
        self.devices.iter().sum()
    }

    /// Takes what `demand` needs, or says, for people, why it cannot have it now.
    pub(crate) fn place(&mut self, demand: Demand) -> Result<Placement, String> {
        enough("CPU cores", demand.cpu_cores, self.cpu_cores, self.node.cpu_cores)?;
        enough("GiB of memory", demand.memory / GIB, self.memory / GIB, self.node.memory / GIB)?;
        let devices = self.free_devices(demand)?;
        for device in &devices {
            self.devices[*device] += demand.portion;
        }
        self.cpu_cores += demand.cpu_cores;
        self.memory += demand.memory;
        Ok(Placement { demand, devices })
    }

    /// Gives back what was placed.
    pub(crate) fn release(&mut self, placement: &Placement) {
        let give = |taken: &mut f64, amount: f64| {
            *taken -= amount;
            // Sums of fractions must come back to nothing.
            if *taken < TOLERANCE {
                *taken = 0.0;
            }
        };
        for device in &placement.devices {
            give(&mut self.devices[*device], placement.demand.portion);
        }
        give(&mut self.cpu_cores, placement.demand.cpu_cores);
        give(&mut self.memory, placement.demand.memory);
    }

    fn free_devices(&self, demand: Demand) -> Result<Vec<usize>, String> {
        let Demand { devices, portion, .. } = demand;
        if devices > self.node.gpus {
            return Err(format!("asks for {devices} GPUs, the node has {}", self.node.gpus));
        }
        if devices > 0 && portion > 1.0 + TOLERANCE {
            let asked = tidy(portion * self.node.gpu_memory / GIB);
            let there = tidy(self.node.gpu_memory / GIB);
            return Err(format!("asks for {asked} GiB of GPU memory, a GPU has {there}"));
        }
        let mut free: Vec<usize> =
            (0..self.devices.len()).filter(|device| self.devices[*device] + portion <= 1.0 + TOLERANCE).collect();
        if free.len() < devices as usize {
            let (there, all) = (free.len(), self.node.gpus);
            return Err(if portion < 1.0 {
                format!("waits for {} of {devices} GPU(s): {there} of {all} have that much free", tidy(portion))
            } else {
                format!("waits for {devices} GPU(s): {there} of {all} are free")
            });
        }
        free.sort_by(|one, other| self.devices[*other].total_cmp(&self.devices[*one]));
        free.truncate(devices as usize);
        Ok(free)
    }
}

fn enough(what: &str, asked: f64, taken: f64, all: f64) -> Result<(), String> {
    if asked > all + TOLERANCE {
        return Err(format!("asks for {} {what}, the node has {}", tidy(asked), tidy(all)));
    }
    if asked > 0.0 && taken + asked > all + TOLERANCE {
        return Err(format!("waits for {} {what}: {} of {} are free", tidy(asked), tidy(all - taken), tidy(all)));
    }
    Ok(())
}

/// A Kubernetes quantity in units of 1.
///
/// Written apart from the settings' own arithmetic, so that a mistake there does not go unseen here.
pub(crate) fn quantity(text: &str) -> Option<f64> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: f64 = number.parse().ok()?;
    let factor = match unit {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" | "K" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => GIB,
        "Ti" => 1024.0 * GIB,
        "Pi" => 1024.0 * 1024.0 * GIB,
        "Ei" => 1024.0 * 1024.0 * 1024.0 * GIB,
        _ => 10_f64.powi(unit.strip_prefix(['e', 'E'])?.parse().ok()?),
    };
    Some(number * factor).filter(|amount| amount.is_finite())
}

/// Without the digits that come from counting in binary.
fn tidy(amount: f64) -> f64 {
    (amount * 1000.0).round() / 1000.0
}

const GIB: f64 = 1024.0 * 1024.0 * 1024.0;

/// Parts of a device that count as nothing.
const TOLERANCE: f64 = 1e-9;

#[cfg(test)]
mod tests {
    use super::*;

    fn node(gpus: u32) -> Occupancy {
        Occupancy::new(Node { gpus, cpu_cores: 4.0, ..Node::default() })
    }

    fn gpus(devices: u32, portion: f64) -> Demand {
        Demand { devices, portion, ..Demand::default() }
    }

    #[test]
    fn fractions_share_a_device_and_whole_ones_do_not() {
        let mut node = node(2);
        let half = node.place(gpus(1, 0.5)).unwrap();
        let other = node.place(gpus(1, 0.5)).unwrap();
        assert_eq!(half.devices, other.devices);
        node.place(gpus(1, 1.0)).unwrap();
        assert_eq!(node.place(gpus(1, 0.25)).unwrap_err(), "waits for 0.25 of 1 GPU(s): 0 of 2 have that much free");
        node.release(&half);
        node.place(gpus(1, 0.25)).unwrap();
        assert_eq!(node.place(gpus(1, 1.0)).unwrap_err(), "waits for 1 GPU(s): 0 of 2 are free");
    }

    #[test]
    fn ten_tenths_fill_a_device_and_leave_nothing_behind() {
        let mut node = node(1);
        let placed: Vec<_> = (0..10).map(|_| node.place(gpus(1, 0.1)).unwrap()).collect();
        assert!(node.place(gpus(1, 0.1)).is_err());
        for placement in &placed {
            node.release(placement);
        }
        assert!(node.gpus().abs() < f64::EPSILON);
        node.place(gpus(1, 1.0)).unwrap();
    }

    #[test]
    fn fractions_of_several_devices_need_several_devices() {
        let mut node = node(2);
        let both = node.place(gpus(2, 0.5)).unwrap();
        assert_eq!(both.devices.len(), 2);
        assert!(node.place(gpus(1, 1.0)).is_err());
        node.place(gpus(2, 0.5)).unwrap();
    }

    #[test]
    fn what_can_never_fit_says_so() {
        let mut node = node(2);
        assert_eq!(node.place(gpus(3, 1.0)).unwrap_err(), "asks for 3 GPUs, the node has 2");
        assert_eq!(node.place(gpus(1, 1.25)).unwrap_err(), "asks for 100 GiB of GPU memory, a GPU has 80");
        let cores = Demand { cpu_cores: 8.0, ..Demand::default() };
        assert_eq!(node.place(cores).unwrap_err(), "asks for 8 CPU cores, the node has 4");
    }

    #[test]
    fn cores_are_counted() {
        let mut node = node(0);
        let cores = |cpu_cores| Demand { cpu_cores, ..Demand::default() };
        node.place(cores(2.5)).unwrap();
        assert_eq!(node.place(cores(2.0)).unwrap_err(), "waits for 2 CPU cores: 1.5 of 4 are free");
        node.place(Demand::default()).unwrap();
    }

    #[test]
    fn a_demand_follows_the_request_type() {
        let node = Node { gpu_memory: 80.0 * GIB, ..Node::default() };
        let demand = |compute| Demand::new(&TrainingSpec { compute: Some(compute), ..TrainingSpec::default() }, &node);
        let memory = demand(Compute {
            gpu_devices_request: Some(1),
            gpu_memory_request: Some("20Gi".into()),
            gpu_request_type: Some(GpuRequestType::Memory),
            cpu_memory_request: Some("4Gi".into()),
            cpu_core_request: Some(0.5),
            ..Compute::default()
        });
        assert_eq!(memory, Demand { cpu_cores: 0.5, devices: 1, memory: 4.0 * GIB, portion: 0.25 });
        let whole = demand(Compute { gpu_devices_request: Some(2), ..Compute::default() });
        assert!((whole.gpus() - 2.0).abs() < f64::EPSILON);
        let implied = demand(Compute {
            gpu_portion_request: Some(0.5),
            gpu_request_type: Some(GpuRequestType::Portion),
            ..Compute::default()
        });
        assert_eq!((implied.devices, implied.portion), (1, 0.5));
        assert_eq!(demand(Compute::default()).devices, 0);
    }

    #[test]
    fn quantities_are_read_as_kubernetes_does() {
        for (text, amount) in [("1", 1.0), ("+1.5", 1.5), ("500m", 0.5), ("1Ki", 1024.0), ("2G", 2e9), ("1e3", 1000.0)]
        {
            assert_eq!(quantity(text), Some(amount), "{text}");
        }
        for text in ["", ".", "1.2.3", "Gi", "1KiB", "4eE", "-1", "1e999", "inf", "NaN"] {
            assert_eq!(quantity(text), None, "{text}");
        }
    }
}
