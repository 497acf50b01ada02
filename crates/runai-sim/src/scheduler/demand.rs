//! Resource demands and node constraints of workloads.

use runai_api::wire::{Compute, GpuRequestType, Toleration, TolerationOperator, TrainingSpec};

use crate::world::{Node, Taint};

/// The resources that a pod needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Demand {
    pub(crate) cpu_cores: f64,
    pub(crate) devices: u32,
    pub(crate) memory: f64,
    pub(crate) share: Share,
}

/// The share of each device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Share {
    /// Bytes of its memory.
    Memory(f64),
    /// A portion of it; 1 for whole devices.
    Portion(f64),
}

impl Default for Demand {
    fn default() -> Self {
        Self { cpu_cores: 0.0, devices: 0, memory: 0.0, share: Share::Portion(1.0) }
    }
}

impl Demand {
    /// Returns the demand of `spec`. Invalid quantities, which `check` rejects, count as 0.
    pub(crate) fn new(spec: &TrainingSpec) -> Self {
        let nothing = Compute::default();
        let compute = spec.compute.as_ref().unwrap_or(&nothing);
        let memory = |text: &Option<String>| text.as_deref().and_then(quantity).unwrap_or(0.0);
        let share = match compute.gpu_request_type {
            Some(GpuRequestType::Memory) => Share::Memory(memory(&compute.gpu_memory_request)),
            Some(GpuRequestType::Portion) => Share::Portion(compute.gpu_portion_request.unwrap_or(1.0)),
            None => Share::Portion(1.0),
        };
        let devices = compute.gpu_devices_request.unwrap_or_else(|| i64::from(compute.gpu_request_type.is_some()));
        Self {
            cpu_cores: compute.cpu_core_request.unwrap_or(0.0),
            devices: u32::try_from(devices).unwrap_or(if devices < 0 { 0 } else { u32::MAX }),
            memory: memory(&compute.cpu_memory_request),
            share,
        }
    }

    /// Returns the portion of each device on a node whose devices have `gpu_memory` bytes.
    pub(crate) fn portion(&self, gpu_memory: f64) -> f64 {
        match self.share {
            Share::Memory(bytes) if gpu_memory > 0.0 => bytes / gpu_memory,
            Share::Memory(_) => 1.0,
            Share::Portion(portion) => portion,
        }
    }

    /// Returns the fractional number of GPU devices of a pod.
    pub(crate) fn gpus(&self, gpu_memory: f64) -> f64 {
        f64::from(self.devices) * self.portion(gpu_memory)
    }

    /// Returns a key that is the same for equal demands.
    pub(super) fn key(&self) -> [u64; 5] {
        let (kind, amount) = match self.share {
            Share::Memory(bytes) => (0, bytes),
            Share::Portion(portion) => (1, portion),
        };
        [self.cpu_cores.to_bits(), u64::from(self.devices), self.memory.to_bits(), kind, amount.to_bits()]
    }
}

/// Constraints on nodes in addition to the node pool.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct NodeConstraints {
    pub(crate) node_type: Option<String>,
    /// Tolerated keys and values; no key matches all taints, no value matches all values.
    tolerated: Vec<(Option<String>, Option<String>)>,
}

impl NodeConstraints {
    pub(crate) fn new(node_type: Option<String>, tolerations: &[Toleration]) -> Self {
        let given = tolerations.iter().filter(|it| it.exclude != Some(true));
        let mut tolerated: Vec<_> = given
            .map(|it| {
                let key = it.key.clone().filter(|key| !key.is_empty());
                let any = it.operator == Some(TolerationOperator::Exists);
                (key, (!any).then(|| it.value.clone().unwrap_or_default()))
            })
            .collect();
        tolerated.sort();
        tolerated.dedup();
        Self { node_type, tolerated }
    }

    /// Returns why `node` does not match, if it does not.
    pub(super) fn mismatch(&self, node: &Node) -> Option<String> {
        if let Some(wanted) = &self.node_type
            && node.node_type.as_ref() != Some(wanted)
        {
            return Some(format!("is not of type `{wanted}`"));
        }
        let tolerates = |taint: &Taint| {
            self.tolerated.iter().any(|(key, value)| {
                key.as_ref().is_none_or(|key| *key == taint.key)
                    && value.as_ref().is_none_or(|value| *value == taint.value)
            })
        };
        let taint = node.taints.iter().find(|taint| !tolerates(taint))?;
        Some(format!("has the untolerated taint `{}`", taint.key))
    }
}

/// Parses a Kubernetes quantity.
///
/// Independent of the quantity parser of settings, so that tests find errors in either.
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

pub(super) const GIB: f64 = 1024.0 * 1024.0 * 1024.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn demand_follows_request_type() {
        let demand = |compute| Demand::new(&TrainingSpec { compute: Some(compute), ..TrainingSpec::default() });
        let memory = demand(Compute {
            gpu_devices_request: Some(1),
            gpu_memory_request: Some("20Gi".into()),
            gpu_request_type: Some(GpuRequestType::Memory),
            cpu_memory_request: Some("4Gi".into()),
            cpu_core_request: Some(0.5),
            ..Compute::default()
        });
        let expected = Demand { cpu_cores: 0.5, devices: 1, memory: 4.0 * GIB, share: Share::Memory(20.0 * GIB) };
        assert_eq!(memory, expected);
        assert!((memory.gpus(80.0 * GIB) - 0.25).abs() < f64::EPSILON);
        let whole = demand(Compute { gpu_devices_request: Some(2), ..Compute::default() });
        assert!((whole.gpus(GIB) - 2.0).abs() < f64::EPSILON);
        let implied = demand(Compute {
            gpu_portion_request: Some(0.5),
            gpu_request_type: Some(GpuRequestType::Portion),
            ..Compute::default()
        });
        assert_eq!((implied.devices, implied.share), (1, Share::Portion(0.5)));
        assert_eq!(demand(Compute::default()).devices, 0);
    }

    #[test]
    fn matches_taints_and_tolerations() {
        let node = Node { taints: vec![Taint { key: "gpu".into(), value: "yes".into() }], ..Node::default() };
        let toleration = |operator, key: Option<&str>, value: Option<&str>| Toleration {
            operator: Some(operator),
            key: key.map(str::to_owned),
            value: value.map(str::to_owned),
            ..Toleration::default()
        };
        let matches = |toleration: Toleration| NodeConstraints::new(None, &[toleration]).mismatch(&node).is_none();
        assert!(!matches(toleration(TolerationOperator::Equal, Some("gpu"), Some("no"))));
        assert!(!matches(toleration(TolerationOperator::Exists, Some("cpu"), None)));
        assert!(matches(toleration(TolerationOperator::Equal, Some("gpu"), Some("yes"))));
        assert!(matches(toleration(TolerationOperator::Exists, Some("gpu"), None)));
        assert!(matches(toleration(TolerationOperator::Exists, None, None)));
        assert!(NodeConstraints::default().mismatch(&node).is_some_and(|why| why.contains("taint `gpu`")));
    }

    #[test]
    fn parses_quantities() {
        for (text, amount) in [("1", 1.0), ("+1.5", 1.5), ("500m", 0.5), ("1Ki", 1024.0), ("2G", 2e9), ("1e3", 1000.0)]
        {
            assert_eq!(quantity(text), Some(amount), "{text}");
        }
        for text in ["", ".", "1.2.3", "Gi", "1KiB", "4eE", "-1", "1e999", "inf", "NaN"] {
            assert_eq!(quantity(text), None, "{text}");
        }
    }
}
