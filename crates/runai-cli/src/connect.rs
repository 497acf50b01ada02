//! From the operator file, variables and flags to a client of the control plane.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use etcetera::BaseStrategy as _;
use runai_client::{Client, Placement, ReceiptDirectory, ReceiptStore, SecretString, StepOperator};
use runai_spec::settings::{OperatorSettings, StepSettings};
use runai_spec::wait::WaitPolicy;
use runai_spec::{Format, Kind, Resolver, Source};
use tokio::time::timeout;

use crate::args::{ConfigArgs, ConnectArgs};
use crate::config::{self, Given};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input::Input;
use crate::output::{self, Checked};

/// The variable of the client secret, which goes no way that could print it.
pub(crate) const SECRET_VARIABLE: &str = "RUNAI_CLIENT_SECRET";
/// How long finding project and cluster may take, while nothing is submitted yet.
const PATIENCE: Duration = Duration::from_secs(15);
/// Folder of the receipts in the user's state directory.
const FOLDER: &str = "runai-step";

/// A control plane, and how to work with it.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub(crate) operator: StepOperator,
    pub(crate) project_name: Option<String>,
    pub(crate) settings: OperatorSettings,
    /// Where receipts are kept.
    pub(crate) receipts: Option<Arc<dyn ReceiptStore>>,
}

impl Connection {
    /// Connects with what the operator file, variables and flags say.
    pub(crate) fn open(config: &ConfigArgs, args: &ConnectArgs, more: Vec<Given>) -> Result<Self, Failure> {
        let file = config::operator_file(config.config.as_deref())?;
        let given: Vec<_> = config::given().into_iter().chain(args.given()).chain(more).collect();
        let settings = operator_settings(file.as_ref(), &given)?;
        Self::new(settings, file.as_ref(), args)
    }

    /// Connects with `settings`, which were read from `file`, variables and flags.
    pub(crate) fn new(settings: OperatorSettings, file: Option<&Input>, args: &ConnectArgs) -> Result<Self, Failure> {
        let folder = file.and_then(|file| Path::new(&file.name).parent());
        let secret = secret(&settings, folder, args)?;
        let base_url = settings.runai_base_url.as_ref().map(|url| url.trimmed().to_owned());
        let needed = [
            ("runai_base_url", base_url.is_some()),
            ("client_id", settings.client_id.is_some()),
            ("client_secret", secret.is_some()),
        ];
        let mut missing: Vec<_> =
            needed.iter().filter(|(_, given)| !given).map(|(key, _)| format!("`{key}`")).collect();
        if missing.len() == needed.len() && settings.project_name.is_none() {
            // Whoever begins a configuration had better write all of it.
            missing.push("`project_name`".to_owned());
        }
        let (Some(base_url), Some(client_id), Some(secret)) = (base_url, settings.client_id.clone(), secret) else {
            return Err(unset(&missing, file));
        };
        let mut builder = Client::builder(base_url)
            .credentials(client_id, secret)
            .allow_http(args.allow_http)
            .user_agent(concat!("runai-step/", env!("CARGO_PKG_VERSION")));
        if let Some(path) = &args.ca_file {
            builder = builder.root_certificates(read(path)?);
        }
        if let (Some(certificate), Some(key)) = (&args.client_certificate, &args.client_key) {
            builder = builder.client_certificate(read(certificate)?, SecretString::from(read_text(key)?));
        }
        let client = builder.build()?;
        let receipts: Arc<dyn ReceiptStore> = Arc::new(ReceiptDirectory::new(state_folder()));
        let project_name = settings.project_name.clone().filter(|name| !name.is_empty());
        let mut operator =
            StepOperator::new(client, project_name.clone().unwrap_or_default()).receipts(Arc::clone(&receipts));
        if let Some(cluster) = &settings.cluster_name {
            operator = operator.cluster_name(cluster);
        }
        Ok(Self { operator, project_name, settings, receipts: Some(receipts) })
    }

    /// A connection to a control plane inside this program. Its workloads end with it, so they have no receipts.
    pub(crate) fn local(client: Client, project: &str, settings: OperatorSettings) -> Self {
        let project_name = Some(project.to_owned());
        let operator = StepOperator::new(client, project);
        Self { operator, project_name, settings, receipts: None }
    }

    /// Whether the control plane is inside this program.
    pub(crate) const fn is_local(&self) -> bool {
        self.receipts.is_none()
    }

    pub(crate) const fn client(&self) -> &Client {
        self.operator.client()
    }

    /// Project and cluster. Nothing is submitted yet, so it gives up soon.
    pub(crate) async fn placement(&self) -> Result<Placement, Failure> {
        if self.project_name.is_none() {
            return Err(unset(&["`project_name`".to_owned()], None));
        }
        self.soon(async { self.operator.prepare().await.map_err(Failure::from) }).await
    }

    /// The result, if it comes before it has to be said that the control plane does not answer.
    pub(crate) async fn soon<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        timeout(PATIENCE, work).await.unwrap_or_else(|_| {
            let url = self.client().base_url();
            let message = format!("the control plane at {url} gave no answer within {} s", PATIENCE.as_secs());
            Err(Failure::new(Exit::Unreachable, message)
                .hint("`runai-step doctor` looks at the connection step by step"))
        })
    }
}

/// How a step with these settings is waited for.
pub(crate) fn policy(step: Option<&StepSettings>, operator: &OperatorSettings) -> WaitPolicy {
    let seconds =
        |seconds: Option<i64>| seconds.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs);
    let usual = WaitPolicy::default();
    WaitPolicy {
        pending_timeout: seconds(step.and_then(|step| step.pending_timeout)),
        workload_timeout: seconds(step.and_then(|step| step.workload_timeout)),
        delete_on_failure: operator.delete_on_failure,
        monitoring_interval: Duration::try_from_secs_f64(operator.monitoring_interval)
            .unwrap_or(usual.monitoring_interval),
    }
}

/// The operator's own settings, from the file and from what stands above it.
pub(crate) fn operator_settings(file: Option<&Input>, given: &[Given]) -> Result<OperatorSettings, Failure> {
    let document = match file {
        None => Source { name: "runai-step.toml", text: "{}", format: Format::Json },
        Some(file) => file.source()?,
    };
    let mut resolver = Resolver::new(document).kind(Kind::Operator);
    for Given { name, key, value } in given {
        resolver = resolver.operator_value(name, key, value);
    }
    let resolution = resolver.resolve();
    if resolution.has_errors() {
        let found: Vec<_> = resolution.reports().into_iter().map(Checked::from).collect();
        let _ = output::human::eprint(&found);
        return Err(invalid(document.name));
    }
    Ok(resolution.operator().cloned().unwrap_or_default())
}

fn invalid(name: &str) -> Failure {
    Failure::new(Exit::Invalid, format!("the configuration in `{name}`, variables and flags has errors"))
}

/// The client secret. Flags beat variables, and those the file; a file that is named there is looked for beside it.
fn secret(
    settings: &OperatorSettings,
    folder: Option<&Path>,
    args: &ConnectArgs,
) -> Result<Option<SecretString>, Failure> {
    if let Some(path) = &args.client_secret_file {
        return read_secret(path).map(Some);
    }
    if let Some(secret) = env::var(SECRET_VARIABLE).ok().filter(|secret| !secret.is_empty()) {
        return Ok(Some(secret.into()));
    }
    let Some(path) = settings.client_secret_file.as_deref().map(Path::new) else {
        return Ok(settings.client_secret.as_ref().map(|secret| secret.expose().to_owned().into()));
    };
    if env::var_os(config::variable("client_secret_file")).is_some() {
        return read_secret(path).map(Some);
    }
    if let Some(secret) = &settings.client_secret {
        return Ok(Some(secret.expose().to_owned().into()));
    }
    read_secret(&folder.unwrap_or(Path::new("")).join(path)).map(Some)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|problem| Failure::usage(format!("`{}` cannot be read: {problem}", path.display())))
}

fn read_text(path: &Path) -> Result<String, Failure> {
    String::from_utf8(read(path)?).map_err(|_| Failure::usage(format!("`{}` is not a text", path.display())))
}

fn read_secret(path: &Path) -> Result<SecretString, Failure> {
    let cannot = |why: String| {
        Failure::usage(format!("the client secret in `{}` {why}", path.display()))
            .hint(format!("write nothing but the secret into the file, or set `{SECRET_VARIABLE}`"))
    };
    let text = fs::read_to_string(path).map_err(|problem| cannot(format!("cannot be read: {problem}")))?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() { Err(cannot("is empty".to_owned())) } else { Ok(secret.to_owned().into()) }
}

fn unset(missing: &[String], file: Option<&Input>) -> Failure {
    let verb = if missing.len() == 1 { "is" } else { "are" };
    let place = match file {
        Some(file) => format!("`{}`", file.name),
        None => "an operator file (`runai-step init` writes one)".to_owned(),
    };
    let variables: Vec<_> =
        missing.iter().map(|key| format!("`{}`", config::variable(key.trim_matches('`')))).collect();
    Failure::usage(format!("{} {verb} not set", missing.join(", "))).hint(format!(
        "set {} in {place}, or {}",
        if missing.len() == 1 { "it" } else { "them" },
        variables.join(", ")
    ))
}

/// Where receipts are kept.
fn state_folder() -> PathBuf {
    let strategy = etcetera::choose_base_strategy();
    let folder = strategy.map(|strategy| strategy.state_dir().unwrap_or_else(|| strategy.data_dir()));
    folder.unwrap_or_else(|_| PathBuf::from(".")).join(FOLDER)
}
