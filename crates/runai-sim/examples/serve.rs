//! Starts a simulated control plane and prints how to connect: `cargo run -p runai-sim --example serve`.
#![expect(clippy::print_stdout, reason = "an example prints its results")]

use runai_sim::{Simulator, StartError};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), StartError> {
    let sim = Simulator::builder().speed(60.0).start().await?;
    println!("{} serves project {} of cluster {}", sim.base_url(), sim.project(), sim.cluster());
    println!("client id {}, secret {}", sim.client_id(), sim.client_secret());
    sim.stop().await;
    Ok(())
}
