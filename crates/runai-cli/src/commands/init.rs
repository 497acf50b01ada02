//! `runai-step init`: creates an operator file and a step file.

use std::fs;
use std::path::Path;

use runai_api::name::sanitize;

use crate::args::InitArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// Writes both files, or neither if one exists and `--force` is missing.
pub(crate) fn init(args: &InitArgs) -> Result<Exit, Failure> {
    let name = sanitize(&args.name);
    if name.is_empty() {
        return Err(Failure::usage(format!("invalid name `{}`: it contains no letter", args.name)));
    }
    let step = format!("{name}.runai.yaml");
    let files = [("runai-step.toml".to_owned(), OPERATOR.to_owned()), (step.clone(), STEP.replace("NAME", &name))];
    let path = |file: &str| if args.folder == Path::new(".") { file.into() } else { args.folder.join(file) };
    if args.dry_run {
        for (file, text) in &files {
            let printed = output::line(&format!("# {}\n{text}", path(file).display()));
            if printed.is_err() {
                return Ok(output::exit_of(&printed));
            }
        }
        return Ok(Exit::Success);
    }
    if let Some((file, _)) = files.iter().find(|(file, _)| path(file).exists()).filter(|_| !args.force) {
        return Err(Failure::usage(format!("`{}` already exists", path(file).display()))
            .hint("overwrite it with `--force`, or print the files with `--dry-run`"));
    }
    let cannot = |what: &Path, problem| Failure::usage(format!("cannot write `{}`: {problem}", what.display()));
    fs::create_dir_all(&args.folder).map_err(|problem| cannot(&args.folder, problem))?;
    for (file, text) in &files {
        let path = path(file);
        fs::write(&path, text).map_err(|problem| cannot(&path, problem))?;
        let printed = output::line(&path.display().to_string());
        if printed.is_err() {
            return Ok(output::exit_of(&printed));
        }
    }
    let step = path(&step);
    output::status(&format!(
        "next: edit both files, then run `runai-step check {}`, `runai-step run {} --local` and `runai-step doctor {}`",
        step.display(),
        step.display(),
        step.display()
    ));
    Ok(Exit::Success)
}

const OPERATOR: &str = r#"#:schema https://raw.githubusercontent.com/runai-step/runai-step/main/schemas/operator.schema.json
# Connection to the control plane. Environment variables override each key: RUNAI_BASE_URL, RUNAI_PROJECT_NAME, ...

# runai_base_url = "https://my-org.run.ai"
# project_name = "my-project"

# Service account: Access → Service accounts → + NEW SERVICE ACCOUNT. `runai-step permissions` shows its permissions.
# client_id = "my-service-account"

# Set the secret in RUNAI_CLIENT_SECRET, or in a separate file that is never committed:
# client_secret_file = "client-secret.txt"

# Optional check that the project is in this cluster.
# cluster_name = "my-cluster"

# Docker registry credential of the project, for private images.
# image_pull_secret_name = "registry-credentials"

# Seconds between two polls of a running workload.
# monitoring_interval = 30.0

# Delete workloads that fail or time out.
# delete_on_failure = false

# Settings in this file are the defaults of every step.
# workload_timeout = 86400
"#;

const STEP: &str = r"# yaml-language-server: $schema=https://raw.githubusercontent.com/runai-step/runai-step/main/schemas/step.schema.json
name: NAME
image: python:3.12-slim
command: [python3, -c, 'print(6 * 7)']

# Values are strings; numbers and booleans are converted.
environment:
  SEED: 7

settings:
  # Half a GPU. By memory: `gpu_request_type: memory` and `gpu_memory_request: 20Gi`. No GPU: `gpu_devices_request: 0`.
  gpu_portion_request: 0.5
  cpu_core_request: 1
  cpu_memory_request: 4G

  # Suspend the workload after an hour in the queue, or after a day of running.
  pending_timeout: 3600
  workload_timeout: 86400

  # A PVC of the project:
  # pvc_mounts:
  #   - {claim_name: my-data, path: /data}
";
