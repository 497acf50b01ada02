//! The operator file: the connection to a control plane, and defaults for every step.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use validator::Validate;

use super::fields::{Setting, fields};
use super::{BaseUrl, OptionalObjectName, Secret};

/// Connection and lifecycle settings of the operator file, which may also contain step settings as defaults for every step.
///
/// The keys of ZenML 0.98's `RunAIStepOperatorConfig`, plus `client_secret_file` and `token_command`. All are optional in a
/// check; a client reports the keys that it needs to connect.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "Run:ai operator file")]
pub struct OperatorSettings {
    /// Client id of the service account.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["my-service-account"], "x-group" = "connection"))]
    pub client_id: Option<String>,

    /// Client secret of the service account. Prefer `client_secret_file` or the environment variable
    /// `RUNAI_CLIENT_SECRET`.
    #[serde(skip_serializing)]
    #[schemars(extend("x-group" = "connection"))]
    pub client_secret: Option<Secret>,

    /// File that contains only the client secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["client-secret.txt"], "x-group" = "connection"))]
    pub client_secret_file: Option<String>,

    /// Command that prints a bearer token on one line, for accounts without a client secret: `runai-token --plain`.
    ///
    /// The command is split by the rules of a shell, but runs without one: variables and pipes are not supported. It is
    /// ignored in an operator file that was found upward from the working directory, because a cloned repository must not
    /// run commands. Name the file explicitly, or use the one in the user's configuration directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["runai-token --plain"], "x-group" = "connection"))]
    pub token_command: Option<String>,

    /// URL of the control plane, without query or fragment: `https://my-org.run.ai`. A trailing `/` is removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["https://my-org.run.ai"], "x-group" = "connection"))]
    pub runai_base_url: Option<BaseUrl>,

    /// Name of the project to submit workloads to, exactly as in the control plane.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["my-project"], "x-group" = "connection"))]
    pub project_name: Option<String>,

    /// Name of the project's cluster. Optional; if set, it must match.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["my-cluster"], "x-group" = "connection"))]
    pub cluster_name: Option<String>,

    /// Name of the image pull secret for private images.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["registry-credentials"], "x-api" = "spec.imagePullSecrets", "x-group" = "connection"))]
    pub image_pull_secret_name: Option<OptionalObjectName>,

    /// Seconds between two polls of a running workload; more than `0`.
    #[validate(range(exclusive_min = 0.0))]
    #[schemars(extend("exclusiveMinimum" = 0, "examples" = [30.0], "x-group" = "lifecycle", "x-unit" = "seconds"))]
    pub monitoring_interval: f64,

    /// Whether to delete a workload that failed or timed out.
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
    /// No connection, a poll every 30 seconds, and failed workloads are kept.
    fn default() -> Self {
        Self::default_value()
    }
}
