//! The NVIDIA Run:ai REST API as values: types, requests, names, phases and the policy check.
//!
//! Pure functions build requests as values. A client sends them, and previews show the same values.
//!
//! ```
//! use runai_api::wire::{TrainingCreationRequest, requests};
//!
//! let mut training = TrainingCreationRequest { name: "fit".to_owned(), ..TrainingCreationRequest::default() };
//! training.spec.image = Some("python:3.12".to_owned());
//! let request = requests::create_training(&training);
//! assert_eq!(request.path, "/api/v1/workloads/trainings");
//! assert_eq!(request.value().unwrap()["spec"]["image"], "python:3.12");
//! ```
//!
//! The crate never uses the clock, the disk, the network, the environment or randomness. `runai-client` sends the
//! requests; `runai-spec` builds them from settings.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod command;
pub mod name;
pub mod permissions;
pub mod phase;
pub mod policy;
pub mod quantity;
pub mod request;
pub mod secrets;
mod setting;
mod submission;
pub mod wire;

pub use setting::SettingPlace;
pub use submission::Submission;

/// The example of the README, which runs as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
