//! The operator file: how to reach a control plane, and defaults for every step.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use validator::Validate;

use super::fields::{Setting, fields};
use super::{BaseUrl, OptionalObjectName, Secret};

/// Keys of the operator file that no step has. Any step setting may stand beside them, as the default of every step.
///
/// The keys of ZenML 0.98's `RunAIStepOperatorConfig`, plus `client_secret_file` and `token_command`. None of them is
/// required to check a file; commands that connect say which one they miss.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "Run:ai operator file")]
pub struct OperatorSettings {
    /// Client id of the service account that the requests are made with.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["my-service-account"], "x-group" = "connection"))]
    pub client_id: Option<String>,

    /// Client secret of the service account. Better kept out of the file: in `client_secret_file` or the variable
    /// `RUNAI_CLIENT_SECRET`.
    #[serde(skip_serializing)]
    #[schemars(extend("x-group" = "connection"))]
    pub client_secret: Option<Secret>,

    /// File that holds nothing but the client secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["client-secret.txt"], "x-group" = "connection"))]
    pub client_secret_file: Option<String>,

    /// Command that prints a bearer token on one line, for accounts without a client secret: `runai-token --plain`.
    ///
    /// Split into words like a shell does it, and run without a shell: no variables, no pipes. It runs only from a file that
    /// `--config` or `RUNAI_STEP_CONFIG` names, or that is in the user's own configuration directory; in a file that was
    /// found upward from the working directory it is ignored, because a cloned repository must not run commands.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["runai-token --plain"], "x-group" = "connection"))]
    pub token_command: Option<String>,

    /// URL of the control plane: `https://my-org.run.ai`. Without query or fragment; a `/` at its end is dropped.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["https://my-org.run.ai"], "x-group" = "connection"))]
    pub runai_base_url: Option<BaseUrl>,

    /// Name of the project that workloads are submitted to, exactly as in the control plane.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["my-project"], "x-group" = "connection"))]
    pub project_name: Option<String>,

    /// Name of the cluster. Has to be the project's; only needed to make sure of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["my-cluster"], "x-group" = "connection"))]
    pub cluster_name: Option<String>,

    /// Name of the secret that private images are pulled with.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["registry-credentials"], "x-api" = "spec.imagePullSecrets", "x-group" = "connection"))]
    pub image_pull_secret_name: Option<OptionalObjectName>,

    /// Seconds between two looks at a running workload; more than `0`.
    #[validate(range(exclusive_min = 0.0))]
    #[schemars(extend("exclusiveMinimum" = 0, "examples" = [30.0], "x-group" = "lifecycle", "x-unit" = "seconds"))]
    pub monitoring_interval: f64,

    /// Whether a workload that failed or ran into a timeout is deleted.
    #[schemars(extend("x-group" = "lifecycle"))]
    pub delete_on_failure: bool,
}

fields!(OperatorSettings {
    client_id,
    client_secret,
    client_secret_file,
    token_command,
    runai_base_url,
    project_name,
    cluster_name,
    image_pull_secret_name,
    monitoring_interval = 30.0,
    delete_on_failure,
});

impl Default for OperatorSettings {
    /// Nothing to connect to; look every 30 seconds; keep failed workloads.
    fn default() -> Self {
        Self::absent()
    }
}
