//! Builds requests and prints them as curl commands: `cargo run -p runai-api --example requests`.
#![expect(clippy::print_stdout, reason = "an example prints its results")]

use runai_api::wire::requests::{self, ListParams};
use runai_api::wire::{TrainingCreationRequest, TrainingSpec};

fn main() {
    let training = TrainingCreationRequest {
        name: "fit".to_owned(),
        project_id: "7".to_owned(),
        spec: TrainingSpec { image: Some("python:3.12".to_owned()), ..TrainingSpec::default() },
        ..TrainingCreationRequest::default()
    };
    println!("{}", requests::create_training(&training).to_curl(None));
    println!("{}", requests::workloads(&ListParams::default().equals("phase", "Running").newest_first()).to_curl(None));
}
