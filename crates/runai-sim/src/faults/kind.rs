//! The kinds of faults.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;

use super::numbers;

/// The kind of a fault.
///
/// Times are seconds of simulated time unless noted otherwise. At most one fault that replaces the response (proxies,
/// broken connections, error statuses) applies to a request; all others combine.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(remote = "Self", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub enum FaultKind {
    /// The `Date` of the response is wrong.
    ClockSkew {
        /// Seconds; negative for a clock that is behind.
        #[serde(deserialize_with = "numbers::finite")]
        seconds: f64,
    },
    /// A submission may reuse the name of another workload.
    DuplicateNames {
        /// Age in seconds from which a workload blocks its name; never by default.
        #[serde(default, deserialize_with = "numbers::optional_seconds")]
        visible_after: Option<f64>,
    },
    /// The request takes effect, and the response has no body.
    EmptyBody,
    /// Lists are empty and counts are 0.
    EmptyList,
    /// The response is 401, as for an expired token.
    ExpiredToken,
    /// The `Date` of the response is the start of the fault.
    FrozenDate,
    /// The response is late; delays follow a Pareto distribution with the exponent 1.2.
    HeavyTail {
        /// Maximum delay in seconds.
        #[serde(deserialize_with = "numbers::seconds")]
        longest: f64,
        /// Median delay in seconds.
        #[serde(deserialize_with = "numbers::seconds")]
        median: f64,
    },
    /// A proxy responds with an HTML page.
    Html {
        /// The status; 200 imitates a login page.
        #[serde(deserialize_with = "numbers::status")]
        status: u16,
    },
    /// Reads show an older state, without newer workloads. Changes from before the fault was added are visible. With a
    /// probability below 1, reads alternate between old and new state, like reads from replicas.
    Lag {
        /// Age of the state in seconds.
        #[serde(deserialize_with = "numbers::seconds")]
        seconds: f64,
    },
    /// A submission, suspension, resumption or deletion takes effect after its response.
    LateEffect {
        /// The response.
        answer: LateAnswer,
        /// Seconds until it takes effect.
        #[serde(deserialize_with = "numbers::seconds")]
        delay: f64,
        /// Maximum random delay in addition, in seconds.
        #[serde(default, deserialize_with = "numbers::seconds")]
        jitter: f64,
    },
    /// The request takes effect, and the response is late.
    Latency {
        /// The delay in seconds.
        #[serde(deserialize_with = "numbers::seconds")]
        seconds: f64,
    },
    /// A suspension, resumption or deletion is accepted and has no effect.
    LostAction,
    /// The request takes effect, and the response is lost.
    LostAnswer,
    /// The caller has no role in a project.
    LostPermission {
        /// The name of the project, where `*` matches any text.
        project: String,
    },
    /// A list item, or the requested resource, has a member that is missing or of another type.
    MalformedItem {
        /// The error in the member.
        damage: Damage,
        /// The member; by default a random one that clients need.
        #[serde(default)]
        member: Option<String>,
    },
    /// The response has no `Date`.
    MissingDate,
    /// A name conflict has another status and message.
    NameConflict {
        /// The status, such as 400 or 409.
        #[serde(deserialize_with = "numbers::status")]
        status: u16,
        /// The wording of the message.
        wording: ConflictWording,
    },
    /// The specification of a submission is stored and shown in another form.
    NormalizedSpec {
        /// The changes; all by default.
        #[serde(default = "SpecChange::all")]
        changes: Vec<SpecChange>,
    },
    /// Requests beyond a rate get 429 with `Retry-After`.
    RateLimit {
        /// Number of requests that pass in each period.
        requests: u32,
        /// The period, in seconds.
        #[serde(deserialize_with = "numbers::positive")]
        seconds: f64,
    },
    /// A redirect to a login page, which this simulator serves at `/login`.
    Redirect {
        /// The location.
        #[serde(default = "login")]
        location: String,
    },
    /// The connection breaks before the request takes effect.
    Reset,
    /// The request takes effect, and the connection breaks in the middle of the response body.
    ResetInBody,
    /// The response body is sent one byte at a time.
    SlowBytes {
        /// Real time between two bytes, in milliseconds.
        delay: u64,
    },
    /// The response is an error status, and the request has no effect.
    Status {
        /// The status.
        #[serde(deserialize_with = "numbers::status")]
        status: u16,
        /// The header `Retry-After`: seconds or any other text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<String>,
    },
    /// A suspended workload stays in the phase Stopping until it is deleted.
    StuckStopping,
    /// The total times of workloads are too small.
    TotalTimes {
        /// The error.
        change: TotalsChange,
    },
    /// Workloads are in a phase that the API does not describe.
    UnknownPhase {
        /// Whether `completedAt` has a value; unchanged by default.
        #[serde(default)]
        completed: Option<bool>,
        /// The phase.
        #[serde(default = "unknown_phase")]
        phase: String,
    },
}

/// The response to a request that takes effect later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum LateAnswer {
    /// The connection breaks.
    Cut,
    /// No response; the connection breaks after one hour of real time.
    Hang,
    /// An error status.
    Status(u16),
}

/// An error in a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Damage {
    /// It is missing.
    Missing,
    /// Its value has another type.
    OtherType,
}

/// The wording of a name conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ConflictWording {
    /// "duplicate workload name".
    Duplicate,
    /// "already exists".
    Exists,
    /// "is already in use".
    InUse,
}

impl ConflictWording {
    pub(crate) fn message(self, name: &str) -> String {
        match self {
            Self::Duplicate => format!("duplicate workload name '{name}'"),
            Self::Exists => format!("workload with name '{name}' already exists in this project"),
            Self::InUse => format!("the name '{name}' is already in use"),
        }
    }
}

/// A difference between the specification that was sent and the one that is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum SpecChange {
    /// Quantities of memory are numbers of bytes.
    Bytes,
    /// Labels are removed.
    DroppedLabels,
    /// Values of environment variables are masked.
    MaskedValues,
    /// Lists are reversed.
    Order,
}

impl SpecChange {
    pub(super) fn all() -> Vec<Self> {
        vec![Self::Bytes, Self::DroppedLabels, Self::MaskedValues, Self::Order]
    }
}

/// An error in total times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum TotalsChange {
    /// They shrink by one second each second of the current phase, down to 0.
    Backwards,
    /// They count only the current phase.
    Reset,
}

impl FaultKind {
    /// Returns its name, as scenario files and `/sim/faults` spell it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ClockSkew { .. } => "clockSkew",
            Self::DuplicateNames { .. } => "duplicateNames",
            Self::EmptyBody => "emptyBody",
            Self::EmptyList => "emptyList",
            Self::ExpiredToken => "expiredToken",
            Self::FrozenDate => "frozenDate",
            Self::HeavyTail { .. } => "heavyTail",
            Self::Html { .. } => "html",
            Self::Lag { .. } => "lag",
            Self::LateEffect { .. } => "lateEffect",
            Self::Latency { .. } => "latency",
            Self::LostAction => "lostAction",
            Self::LostAnswer => "lostAnswer",
            Self::LostPermission { .. } => "lostPermission",
            Self::MalformedItem { .. } => "malformedItem",
            Self::MissingDate => "missingDate",
            Self::NameConflict { .. } => "nameConflict",
            Self::NormalizedSpec { .. } => "normalizedSpec",
            Self::RateLimit { .. } => "rateLimit",
            Self::Redirect { .. } => "redirect",
            Self::Reset => "reset",
            Self::ResetInBody => "resetInBody",
            Self::SlowBytes { .. } => "slowBytes",
            Self::Status { .. } => "status",
            Self::StuckStopping => "stuckStopping",
            Self::TotalTimes { .. } => "totalTimes",
            Self::UnknownPhase { .. } => "unknownPhase",
        }
    }

    /// Whether it replaces or breaks the response; only one such kind applies to a request.
    pub(crate) const fn replaces(&self) -> bool {
        matches!(
            self,
            Self::EmptyBody
                | Self::ExpiredToken
                | Self::Html { .. }
                | Self::LateEffect { .. }
                | Self::LostAnswer
                | Self::RateLimit { .. }
                | Self::Redirect { .. }
                | Self::Reset
                | Self::ResetInBody
                | Self::SlowBytes { .. }
                | Self::Status { .. }
        )
    }
}

impl Default for FaultKind {
    fn default() -> Self {
        Self::Status { status: 503, retry_after: None }
    }
}

impl Serialize for FaultKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for FaultKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let name = match &value {
            Value::String(name) => Some(name.as_str()),
            Value::Object(members) => members.keys().next().map(String::as_str),
            _ => None,
        };
        if let Some(name) = name.filter(|name| !KINDS.contains(name)) {
            let nearest = KINDS
                .iter()
                .max_by(|one, other| strsim::jaro_winkler(name, one).total_cmp(&strsim::jaro_winkler(name, other)));
            let nearest = nearest.filter(|it| strsim::jaro_winkler(name, it) > MIN_SIMILARITY);
            return Err(D::Error::custom(match nearest {
                Some(nearest) => format!("unknown kind of fault `{name}`, did you mean `{nearest}`?"),
                None => format!("unknown kind of fault `{name}`, expected one of {}", KINDS.join(", ")),
            }));
        }
        // Track the path here, because the outer deserializer does not see it.
        let mut track = serde_path_to_error::Track::new();
        let tracked = serde_path_to_error::Deserializer::new(value, &mut track);
        Self::deserialize(tracked).map_err(|error| D::Error::custom(format!("`{}`: {error}", track.path())))
    }
}

/// The names of all kinds.
pub(crate) const KINDS: [&str; 27] = [
    "clockSkew",
    "duplicateNames",
    "emptyBody",
    "emptyList",
    "expiredToken",
    "frozenDate",
    "heavyTail",
    "html",
    "lag",
    "lateEffect",
    "latency",
    "lostAction",
    "lostAnswer",
    "lostPermission",
    "malformedItem",
    "missingDate",
    "nameConflict",
    "normalizedSpec",
    "rateLimit",
    "redirect",
    "reset",
    "resetInBody",
    "slowBytes",
    "status",
    "stuckStopping",
    "totalTimes",
    "unknownPhase",
];

/// Minimum similarity of a suggested name.
const MIN_SIMILARITY: f64 = 0.7;

fn login() -> String {
    "/login".to_owned()
}

fn unknown_phase() -> String {
    "Reconciling".to_owned()
}
