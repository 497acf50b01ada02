//! Calls the program as a library: checks the examples of this repository, by
//! `cargo run -p runai-cli --example check -- check examples/train.runai.yaml`.

fn main() -> std::process::ExitCode {
    runai_cli::main()
}
