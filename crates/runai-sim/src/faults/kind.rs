//! The kinds of faults.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;

use super::numbers;

/// What goes wrong with a request.
///
/// Times are seconds of simulated time unless noted otherwise. Of the kinds that replace the answer (proxies, broken
/// connections, error statuses), the first that applies counts; all others combine.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(remote = "Self", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
#[non_exhaustive]
pub enum FaultKind {
    /// The `Date` of the answer is off.
    ClockSkew {
        /// Seconds; negative for a clock that is behind.
        #[serde(deserialize_with = "numbers::finite")]
        seconds: f64,
    },
    /// A submission may have a name that another workload has.
    DuplicateNames {
        /// A name is only taken once its workload is so many seconds old; never when not given.
        #[serde(default, deserialize_with = "numbers::optional_seconds")]
        visible_after: Option<f64>,
    },
    /// It is carried out, and the answer has its status and no body.
    EmptyBody,
    /// The list in the answer is empty, and a count is 0.
    EmptyList,
    /// The token counts as expired.
    ExpiredToken,
    /// The `Date` of the answer is the moment at which the fault began.
    FrozenDate,
    /// The answer comes late, sometimes very late: times follow a Pareto distribution with the exponent 1.2.
    HeavyTail {
        /// The most seconds.
        #[serde(deserialize_with = "numbers::seconds")]
        longest: f64,
        /// Seconds within which half of the answers come.
        #[serde(deserialize_with = "numbers::seconds")]
        median: f64,
    },
    /// A proxy answers with a page instead.
    Html {
        /// The status; 200 for a page that passes for an answer.
        #[serde(deserialize_with = "numbers::status")]
        status: u16,
    },
    /// A read shows workloads as they were some time ago; newer workloads are absent. Changes from before the fault was
    /// added are not hidden. With a probability below 1, reads alternate between old and new, as those from replicas do.
    Lag {
        /// How long ago, in seconds.
        #[serde(deserialize_with = "numbers::seconds")]
        seconds: f64,
    },
    /// A submission, suspension, resumption or deletion takes effect after its answer.
    LateEffect {
        /// The answer.
        answer: LateAnswer,
        /// Seconds until it takes effect.
        #[serde(deserialize_with = "numbers::seconds")]
        delay: f64,
        /// The most random seconds in addition.
        #[serde(default, deserialize_with = "numbers::seconds")]
        jitter: f64,
    },
    /// It is carried out, and the answer comes late.
    Latency {
        /// How late, in seconds.
        #[serde(deserialize_with = "numbers::seconds")]
        seconds: f64,
    },
    /// A suspension, resumption or deletion is accepted and never carried out.
    LostAction,
    /// It is carried out, and the answer is lost.
    LostAnswer,
    /// The caller's role does not hold in a project.
    LostPermission {
        /// The name of the project; `*` stands for any text.
        project: String,
    },
    /// One item of a list, or the one thing that was asked for, has a member that is missing or of another type.
    MalformedItem {
        /// What is wrong with the member.
        damage: Damage,
        /// The member; a random one of those that clients need when not given.
        #[serde(default)]
        member: Option<String>,
    },
    /// The answer has no `Date`.
    MissingDate,
    /// A submission whose name is taken is refused in other words.
    NameConflict {
        /// The status, such as 400 or 409.
        #[serde(deserialize_with = "numbers::status")]
        status: u16,
        /// The words.
        wording: ConflictWording,
    },
    /// The specification of a submission is stored, and shown from then on, in another form.
    NormalizedSpec {
        /// What changes; everything when not given.
        #[serde(default = "SpecChange::all")]
        changes: Vec<SpecChange>,
    },
    /// More requests than a rate allows get 429 with `Retry-After`.
    RateLimit {
        /// The number of requests that pass in each period.
        requests: u32,
        /// The period, in seconds.
        #[serde(deserialize_with = "numbers::positive")]
        seconds: f64,
    },
    /// A redirect to a login page, which this simulator serves at `/login`.
    Redirect {
        /// Where to.
        #[serde(default = "login")]
        location: String,
    },
    /// The connection breaks before it is carried out.
    Reset,
    /// It is carried out, and the connection breaks in the middle of the answer's body.
    ResetInBody,
    /// The answer's bytes come slowly.
    SlowBytes {
        /// Milliseconds of real time between two bytes.
        delay: u64,
    },
    /// It is answered with an error status, and not carried out.
    Status {
        /// The status.
        #[serde(deserialize_with = "numbers::status")]
        status: u16,
        /// The header `Retry-After`: seconds, or whatever text is wanted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<String>,
    },
    /// A workload that is suspended stays in the phase Stopping until it is deleted.
    StuckStopping,
    /// The total times of workloads are too small.
    TotalTimes {
        /// How.
        change: TotalsChange,
    },
    /// Workloads are in a phase that the API does not describe.
    UnknownPhase {
        /// Whether `completedAt` has a value; unchanged when not given.
        #[serde(default)]
        completed: Option<bool>,
        /// The phase.
        #[serde(default = "unknown_phase")]
        phase: String,
    },
}

/// The answer to a request that has no effect yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum LateAnswer {
    /// The connection breaks.
    Cut,
    /// No answer. The connection breaks after an hour of real time.
    Hang,
    /// An error status.
    Status(u16),
}

/// What is wrong with a member.
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
    /// Labels are gone.
    DroppedLabels,
    /// Values of environment variables are masked.
    MaskedValues,
    /// Lists have another order.
    Order,
}

impl SpecChange {
    pub(super) fn all() -> Vec<Self> {
        vec![Self::Bytes, Self::DroppedLabels, Self::MaskedValues, Self::Order]
    }
}

/// How total times are wrong.
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

    /// Whether the answer is replaced or broken; only one such kind applies to a request.
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
            let nearest = nearest.filter(|it| strsim::jaro_winkler(name, it) > NEAR);
            return Err(D::Error::custom(match nearest {
                Some(nearest) => format!("unknown kind of fault `{name}`, did you mean `{nearest}`?"),
                None => format!("unknown kind of fault `{name}`, expected one of {}", KINDS.join(", ")),
            }));
        }
        // Its own path, because the value has left the text that it was read from.
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

/// How much alike two names must be to be taken for each other.
const NEAR: f64 = 0.7;

fn login() -> String {
    "/login".to_owned()
}

fn unknown_phase() -> String {
    "Reconciling".to_owned()
}
