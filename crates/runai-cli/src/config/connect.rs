//! Builds a client of the control plane from the operator file, variables and flags.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use etcetera::BaseStrategy as _;
use runai_client::lifecycle::WaitPolicy;
use runai_client::{Client, Placement, ReceiptDirectory, ReceiptStore, SecretString, StepOperator};
use runai_spec::settings::{OperatorSettings, StepSettings};
use runai_spec::{Kind, Resolver, Source};
use runai_syntax::Format;
use tokio::time::timeout;

use crate::args::{ConfigArgs, ConnectArgs};
use crate::config::credentials::Credentials;
use crate::config::input::Input;
use crate::config::{self, ConfigOverride};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{self, CheckedFile};

/// Timeout of requests before the first submission.
const PREPARE_TIMEOUT: Duration = Duration::from_secs(15);
/// Folder of the receipts in the user's state directory.
const FOLDER: &str = "runai-step";

/// A control plane and the settings of its operator.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub(crate) operator: StepOperator,
    pub(crate) project_name: Option<String>,
    pub(crate) settings: OperatorSettings,
    /// The store of receipts.
    pub(crate) receipts: Option<Arc<dyn ReceiptStore>>,
    is_local: bool,
}

impl Connection {
    /// Connects with the settings of the operator file, variables and flags.
    pub(crate) fn open(config: &ConfigArgs, args: &ConnectArgs, more: Vec<ConfigOverride>) -> Result<Self, Failure> {
        let file = config::operator_file(config.config.as_deref())?;
        let overrides: Vec<_> = config::overrides().into_iter().chain(args.overrides()).chain(more).collect();
        let settings = operator_settings(file.as_ref(), &overrides)?;
        Self::new(settings, file.as_ref(), args)
    }

    /// Connects with `settings`, which were read from `file`, variables and flags.
    pub(crate) fn new(settings: OperatorSettings, file: Option<&Input>, args: &ConnectArgs) -> Result<Self, Failure> {
        let credentials = Credentials::choose(&settings, file, args, &|name| env::var(name).ok())?;
        let base_url = settings.runai_base_url.as_ref().map(|url| url.trimmed().to_owned());
        let needs_client_id = credentials.as_ref().is_none_or(Credentials::need_client_id);
        let needed = [
            ("runai_base_url", base_url.is_some()),
            ("client_id", settings.client_id.is_some() || !needs_client_id),
            ("client_secret", credentials.is_some()),
        ];
        let mut missing: Vec<_> =
            needed.iter().filter(|(_, given)| !given).map(|(key, _)| format!("`{key}`")).collect();
        if missing.len() == needed.len() && settings.project_name.is_none() {
            // A new configuration needs the project as well.
            missing.push("`project_name`".to_owned());
        }
        let (Some(base_url), Some(credentials), true) = (base_url, credentials, missing.is_empty()) else {
            return Err(missing_settings(&missing, file));
        };
        let builder = Client::builder(base_url)
            .allow_http(args.allow_http)
            .user_agent(concat!("runai-step/", env!("CARGO_PKG_VERSION")));
        let mut builder = credentials.apply(builder, settings.client_id.as_deref())?;
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
        Ok(Self { operator, project_name, settings, receipts: Some(receipts), is_local: false })
    }

    /// Returns a connection to a simulator in this process. Its workloads have no receipts, because they end with it.
    pub(crate) fn local(client: Client, project: &str, settings: OperatorSettings) -> Self {
        let project_name = Some(project.to_owned());
        let operator = StepOperator::new(client, project);
        Self { operator, project_name, settings, receipts: None, is_local: true }
    }

    /// Returns a connection of `operator` on any transport.
    pub(crate) fn over(
        operator: StepOperator,
        receipts: Option<Arc<dyn ReceiptStore>>,
        settings: OperatorSettings,
    ) -> Self {
        let operator = match &receipts {
            Some(receipts) => operator.receipts(Arc::clone(receipts)),
            None => operator,
        };
        // The operator already has the project name.
        Self { operator, project_name: Some(String::new()), settings, receipts, is_local: false }
    }

    /// Overrides the time after which an ambiguous submission is settled, if `settle_time` is set.
    pub(crate) fn settle_time(self, settle_time: Option<Duration>) -> Self {
        match settle_time {
            Some(settle_time) => Self { operator: self.operator.settle_time(settle_time), ..self },
            None => self,
        }
    }

    /// Whether the control plane is a simulator in this process.
    pub(crate) const fn is_local(&self) -> bool {
        self.is_local
    }

    pub(crate) const fn client(&self) -> &Client {
        self.operator.client()
    }

    /// Resolves project and cluster, within a timeout because nothing is submitted yet.
    pub(crate) async fn placement(&self) -> Result<Placement, Failure> {
        if self.project_name.is_none() {
            return Err(missing_settings(&["`project_name`".to_owned()], None));
        }
        self.with_timeout(async { self.operator.prepare().await.map_err(Failure::from) }).await
    }

    /// Returns the result of `work`, or a failure after the timeout.
    pub(crate) async fn with_timeout<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        timeout(PREPARE_TIMEOUT, work).await.unwrap_or_else(|_| {
            let url = self.client().base_url();
            let message = format!("no response from the control plane at {url} within {} s", PREPARE_TIMEOUT.as_secs());
            Err(Failure::new(Exit::Unreachable, message).hint("diagnose the connection with `runai-step doctor`"))
        })
    }
}

/// Returns the wait policy of a step with these settings.
pub(crate) fn policy(step: Option<&StepSettings>, operator: &OperatorSettings) -> WaitPolicy {
    let seconds =
        |seconds: Option<i64>| seconds.and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs);
    let usual = WaitPolicy::default();
    let interval = Duration::try_from_secs_f64(operator.monitoring_interval).unwrap_or(usual.monitoring_interval);
    usual
        .pending_timeout(seconds(step.and_then(|step| step.pending_timeout)))
        .workload_timeout(seconds(step.and_then(|step| step.workload_timeout)))
        .delete_on_failure(operator.delete_on_failure)
        .monitoring_interval(interval)
}

/// Resolves the operator settings from the file and its overrides.
pub(crate) fn operator_settings(
    file: Option<&Input>,
    overrides: &[ConfigOverride],
) -> Result<OperatorSettings, Failure> {
    let document = match file {
        None => Source { name: "runai-step.toml", text: "{}", format: Format::Json },
        Some(file) => file.source()?,
    };
    let mut resolver = Resolver::new(document).kind(Kind::Operator);
    for ConfigOverride { name, key, value } in overrides {
        resolver = resolver.operator_value(name, key, value);
    }
    let resolution = resolver.resolve();
    if resolution.has_errors() {
        let found: Vec<_> = resolution.reports().into_iter().map(CheckedFile::from).collect();
        let _ = output::human::eprint(&found);
        return Err(invalid(document.name));
    }
    Ok(resolution.operator().cloned().unwrap_or_default())
}

fn invalid(name: &str) -> Failure {
    Failure::new(Exit::Invalid, format!("invalid configuration in `{name}`, variables or flags"))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|problem| Failure::usage(format!("cannot read `{}`: {problem}", path.display())))
}

fn read_text(path: &Path) -> Result<String, Failure> {
    String::from_utf8(read(path)?).map_err(|_| Failure::usage(format!("`{}` is not UTF-8", path.display())))
}

fn missing_settings(missing: &[String], file: Option<&Input>) -> Failure {
    let verb = if missing.len() == 1 { "is" } else { "are" };
    let place = match file {
        Some(file) => format!("`{}`", file.name),
        None => "an operator file (`runai-step init` writes one)".to_owned(),
    };
    let variables: Vec<_> =
        missing.iter().map(|key| format!("`{}`", config::operator_variable(key.trim_matches('`')))).collect();
    Failure::usage(format!("{} {verb} not set", missing.join(", "))).hint(format!(
        "set {} in {place}, or {}",
        if missing.len() == 1 { "it" } else { "them" },
        variables.join(", ")
    ))
}

/// Returns the folder of receipts.
pub(crate) fn state_folder() -> PathBuf {
    let strategy = etcetera::choose_base_strategy();
    let folder = strategy.map(|strategy| strategy.state_dir().unwrap_or_else(|| strategy.data_dir()));
    folder.unwrap_or_else(|_| PathBuf::from(".")).join(FOLDER)
}
