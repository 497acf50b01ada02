//! The preset `hostile`: all kinds of faults with small probabilities.

use std::time::Duration;

use super::{
    ConflictWording, Damage, Endpoint, Fault, FaultKind as Kind, LateAnswer, Random, SpecChange, TotalsChange,
};

/// Returns at least one fault of each kind.
pub(super) fn hostile(seed: u64) -> Vec<Fault> {
    let mut faults = Vec::new();
    faults.extend(transport());
    faults.extend(proxies());
    faults.extend(windows());
    faults.extend(effects());
    faults.extend(reads());
    let mut seeds = Random::new(seed);
    for fault in &mut faults {
        fault.seed = seeds.next();
        // Windows depend on the seed as well.
        fault.from = fault.from.map(|from| from * (0.5 + seeds.unit()));
    }
    faults
}

/// Late, slow and broken responses.
fn transport() -> Vec<Fault> {
    vec![
        rare(0.05, Kind::HeavyTail { longest: 60.0, median: 0.05 }),
        rare(0.03, Kind::Latency { seconds: 2.0 }),
        rare(0.003, Kind::Latency { seconds: 60.0 }),
        rare(0.01, Kind::Reset),
        rare(0.01, Kind::ResetInBody),
        rare(0.01, Kind::LostAnswer),
        rare(0.05, Kind::LostAnswer).at(Endpoint::Submit),
        rare(0.002, Kind::SlowBytes { delay: 1 }),
        rare(0.005, Kind::EmptyBody),
        rare(0.05, Kind::MissingDate),
        rare(0.02, Kind::ClockSkew { seconds: -3.0 * HOUR }),
        rare(0.02, Kind::ClockSkew { seconds: 3.0 * HOUR }),
    ]
}

/// Responses from proxies and temporary rejections.
fn proxies() -> Vec<Fault> {
    vec![
        rare(0.02, Kind::Status { status: 503, retry_after: None }),
        rare(0.01, Kind::Status { status: 500, retry_after: None }),
        rare(0.01, Kind::Status { status: 429, retry_after: Some("1".to_owned()) }),
        rare(0.1, Kind::RateLimit { requests: 20, seconds: 1.0 }),
        rare(0.01, Kind::Html { status: 502 }),
        rare(0.005, Kind::Html { status: 200 }),
        rare(0.005, Kind::Redirect { location: "/login".to_owned() }),
        rare(0.01, Kind::ExpiredToken),
    ]
}

/// Windows in which every matching request is affected.
fn windows() -> Vec<Fault> {
    let window = |kind, from, seconds| {
        Fault::new(kind).starting_after(Duration::from_secs(from)).lasting(Duration::from_secs(seconds))
    };
    let workloads =
        |fault: Fault| Fault { method: Some("GET".into()), path: Some("/api/v1/workloads*".into()), ..fault };
    vec![
        workloads(window(Kind::Status { status: 404, retry_after: None }, 120, 20)),
        workloads(window(Kind::Html { status: 405 }, 300, 10)),
        window(Kind::Html { status: 410 }, 420, 5).at(Endpoint::Get),
        window(Kind::Html { status: 400 }, 480, 5).at(Endpoint::List),
        window(Kind::EmptyList, 200, 20),
        window(Kind::EmptyList, 600, 60).at(Endpoint::List),
        window(Kind::FrozenDate, 240, 60),
        window(Kind::LostPermission { project: "*".to_owned() }, 360, 15),
    ]
}

/// Effects that are late, lost or duplicated.
fn effects() -> Vec<Fault> {
    let late = |answer| Kind::LateEffect { answer, delay: 0.0, jitter: 120.0 };
    vec![
        rare(0.03, late(LateAnswer::Status(504))).at(Endpoint::Submit),
        rare(0.02, late(LateAnswer::Cut)).at(Endpoint::Submit),
        rare(0.01, late(LateAnswer::Hang)).at(Endpoint::Submit),
        rare(0.05, late(LateAnswer::Status(503))).at(Endpoint::Action),
        rare(0.05, Kind::LostAction).at(Endpoint::Action),
        rare(0.01, Kind::StuckStopping).at(Endpoint::Action),
        rare(0.1, Kind::DuplicateNames { visible_after: Some(5.0) }).at(Endpoint::Submit),
        rare(0.01, Kind::DuplicateNames { visible_after: None }).at(Endpoint::Submit),
        rare(0.3, Kind::NameConflict { status: 400, wording: ConflictWording::InUse }).at(Endpoint::Submit),
        rare(0.3, Kind::NameConflict { status: 409, wording: ConflictWording::Duplicate }).at(Endpoint::Submit),
        rare(0.2, Kind::NormalizedSpec { changes: SpecChange::all() }).at(Endpoint::Submit),
    ]
}

/// Reads that do not show the current state.
fn reads() -> Vec<Fault> {
    vec![
        rare(0.3, Kind::Lag { seconds: 20.0 }).at(Endpoint::List),
        rare(0.1, Kind::Lag { seconds: 5.0 }).at(Endpoint::Get),
        rare(0.1, Kind::Lag { seconds: 10.0 }).at(Endpoint::Training),
        rare(0.02, Kind::MalformedItem { damage: Damage::Missing, member: None }),
        rare(0.02, Kind::MalformedItem { damage: Damage::OtherType, member: None }),
        rare(0.02, Kind::UnknownPhase { completed: Some(true), phase: "Archived".to_owned() }),
        rare(0.02, Kind::UnknownPhase { completed: Some(false), phase: "Reconciling".to_owned() }),
        rare(0.05, Kind::TotalTimes { change: TotalsChange::Backwards }),
        rare(0.05, Kind::TotalTimes { change: TotalsChange::Reset }),
    ]
}

fn rare(probability: f64, kind: Kind) -> Fault {
    Fault { probability, ..Fault::new(kind) }
}

const HOUR: f64 = 3600.0;
