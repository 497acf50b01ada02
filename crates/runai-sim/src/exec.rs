//! Pods as local processes.
//!
//! Each pod has its own process group. If a pod or this program ends, even by `SIGKILL`, the whole group is killed
//! ([`group`]). Only a process that leaves its group, such as a daemon, survives.

mod environment;
mod group;
mod lines;

use std::{
    collections::{HashMap, VecDeque},
    future::pending,
    io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use nix::{sys::signal::Signal, unistd::Pid};
use runai_api::wire::TrainingSpec;
use tokio::{
    io::{AsyncRead, BufReader},
    process::{Child, Command},
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
    time::{Instant, sleep_until, timeout},
};
use uuid::Uuid;

use self::{
    group::{Group, signal},
    lines::next_line,
};
use crate::{
    mounts::{self, Mounts},
    state::{PodEnd, PodId, PodLaunch},
};

/// Runs commands as local processes.
///
/// A command runs with the rights of the simulator's process, without a container and without limits. Its environment
/// contains `PATH`, `HOME`, `USER`, `LANG`, `LC_*` and `TMPDIR` of the simulator, `HOSTNAME`, and the workload's
/// variables, but no other variables such as cloud credentials ([`inherit_env`](Self::inherit_env) changes that).
/// Variables from a Secret, a `ConfigMap`, a pod field or a credential are not set. The working directory is the
/// workload's if it exists on this machine, else the one given here. Images and the user id are ignored.
///
/// The client secret is random for each simulator that runs commands, and the paths below `/sim` require the
/// [control key](crate::Simulator::control_key) or a token: other users of the machine can neither submit commands nor
/// read their output. No command outlives the simulator, even if that is killed by `SIGKILL`.
///
/// Volumes are folders under one root. A PVC, a `ConfigMap`, a Secret, a bucket, an export or a host path has the same
/// folder for all workloads; an `emptyDir` and an ephemeral PVC are deleted with their workload. Words of the command
/// and values of variables that are paths into a mount are rewritten to paths into the folder. `RUNAI_SIM_MOUNTS` lists
/// all mounts as `path=folder`, separated by colons.
///
/// `backoffLimit` defaults to 0, so that errors show immediately; a real control plane retries six times. A retry
/// starts without delay. Suspending sends `SIGTERM` to the command's process group and, after
/// `terminationGracePeriodSeconds` (30 by default), `SIGKILL`.
#[derive(Clone, Debug)]
pub struct Exec {
    directory: PathBuf,
    inherit_env: bool,
    mounts: Option<PathBuf>,
}

impl Exec {
    /// Runs commands in `directory`, unless the workload's working directory exists on this machine.
    #[must_use]
    pub fn in_directory(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), inherit_env: false, mounts: None }
    }

    /// Sets whether commands inherit the simulator's environment, except variables that start with `RUNAI_`.
    #[must_use]
    pub fn inherit_env(mut self, inherit: bool) -> Self {
        self.inherit_env = inherit;
        self
    }

    /// Sets the root of volumes, which is created on demand; the default is a new temporary folder.
    #[must_use]
    pub fn mounts(mut self, root: impl Into<PathBuf>) -> Self {
        self.mounts = Some(root.into());
        self
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }
}

/// A line that a workload's command printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Name of the workload.
    pub workload: String,
    /// The stream that it was printed to.
    pub stream: Stream,
    /// The line without its line ending. Invalid UTF-8 is replaced; a line over 64 KiB is split.
    pub line: String,
}

/// A standard stream of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Standard error.
    Stderr,
    /// Standard output.
    Stdout,
}

/// Runs and tracks pods.
pub(crate) struct Runner {
    directory: PathBuf,
    inherit_env: bool,
    /// The last lines of each workload, by id.
    kept: Arc<Mutex<HashMap<String, VecDeque<String>>>>,
    /// The root of all volumes, and whether it exists.
    mounts: Mutex<(PathBuf, bool)>,
    output: OnceLock<mpsc::UnboundedSender<Output>>,
    pods: Mutex<Pods>,
    tasks: Mutex<JoinSet<()>>,
}

#[derive(Default)]
struct Pods {
    /// Set at shutdown: no pod or retry starts after that.
    closed: bool,
    running: HashMap<PodId, Pod>,
}

/// Handles to end a pod.
struct Pod {
    grace: Duration,
    group: Option<Pid>,
    /// Set to the grace period to stop the pod.
    stop: watch::Sender<Option<Duration>>,
}

impl Runner {
    pub(crate) fn new(exec: &Exec) -> Self {
        let name = Uuid::new_v4().simple().to_string();
        let root = exec.mounts.clone();
        let root = root.unwrap_or_else(|| std::env::temp_dir().join(format!("runai-sim-{}", &name[..12])));
        Self {
            directory: exec.directory.clone(),
            inherit_env: exec.inherit_env,
            kept: Arc::default(),
            mounts: Mutex::new((root, false)),
            output: OnceLock::new(),
            pods: Mutex::default(),
            tasks: Mutex::default(),
        }
    }

    /// Returns the receiver of all further lines; `None` if it was already taken.
    pub(crate) fn take_output(&self) -> Option<mpsc::UnboundedReceiver<Output>> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.output.set(sender).is_ok().then_some(receiver)
    }

    /// Returns the last lines of a workload's command.
    pub(crate) fn recent_lines(&self, workload_id: &str) -> Vec<String> {
        lock(&self.kept).get(workload_id).map(|lines| lines.iter().cloned().collect()).unwrap_or_default()
    }

    /// Returns the root of all volumes, once it exists.
    pub(crate) fn mounts(&self) -> Option<PathBuf> {
        let mounts = lock(&self.mounts);
        mounts.1.then(|| mounts.0.clone())
    }

    /// Deletes the ephemeral volumes of a workload.
    pub(crate) fn clean_up(&self, workload_id: &str) {
        if let Some(root) = self.mounts() {
            mounts::clean_up(&root, workload_id);
        }
    }

    /// Starts a pod. Calls `note` with its events, and `report` after it has ended and all its lines are delivered.
    pub(crate) fn start(
        self: &Arc<Self>,
        order: PodLaunch,
        note: impl Fn(&'static str, String) + Send + 'static,
        report: impl FnOnce(PodId, PodEnd) + Send + 'static,
    ) {
        let grace = grace(&order.spec);
        let (stop, stopped) = watch::channel(None);
        let id = order.pod.clone();
        let mut pods = lock(&self.pods);
        if pods.closed {
            return;
        }
        pods.running.insert(id.clone(), Pod { grace, group: None, stop });
        let runner = Arc::clone(self);
        let mut tasks = lock(&self.tasks);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            let end = runner.run(&order, stopped, note).await;
            lock(&runner.pods).running.remove(&id);
            report(id, end);
        });
    }

    /// Stops a pod with its grace period.
    pub(crate) fn stop(&self, id: &PodId) {
        if let Some(pod) = lock(&self.pods).running.get(id) {
            pod.stop.send_replace(Some(pod.grace));
        }
    }

    /// Stops all pods with at most this grace period, and waits for their end.
    pub(crate) async fn end_all(&self, grace: Duration) {
        self.close(grace);
        let mut tasks = std::mem::take(&mut *lock(&self.tasks));
        while tasks.join_next().await.is_some() {}
    }

    /// Stops all pods with a short grace period, without waiting.
    pub(crate) fn abandon(&self) {
        for group in lock(&self.pods).running.values().filter_map(|pod| pod.group) {
            // The pod's task may not run again if the runtime ends; dropping the task then kills the process.
            signal(group, Signal::SIGTERM);
        }
        self.close(SHUTDOWN_GRACE);
    }

    fn close(&self, grace: Duration) {
        let mut pods = lock(&self.pods);
        pods.closed = true;
        for pod in pods.running.values() {
            pod.stop.send_replace(Some(pod.grace.min(grace)));
        }
    }

    async fn run(
        &self,
        order: &PodLaunch,
        stopped: watch::Receiver<Option<Duration>>,
        note: impl Fn(&'static str, String) + Send,
    ) -> PodEnd {
        let mounts = Mounts::new(&order.spec, &order.pod.workload_id);
        let root = match self.mount(&mounts) {
            Ok(root) => root,
            Err(why) => return PodEnd::NotStarted(why),
        };
        for mount in mounts.iter() {
            let folder = root.join(&mount.folder);
            note("Mounted", format!("{} at {} is folder {}", mount.kind, mount.path, folder.display()));
        }
        let group = match Group::new().await {
            Ok(group) => group,
            Err(error) => return PodEnd::NotStarted(format!("cannot start the process guard: {error}")),
        };
        let mut child = match self.spawn(order, &mounts, &root, &group) {
            Ok(child) => child,
            Err(why) => return PodEnd::NotStarted(why),
        };
        self.note_group(&order.pod, Some(group.id()));
        let streams = [
            child.stdout.take().map(|pipe| self.forward(pipe, Stream::Stdout, order)),
            child.stderr.take().map(|pipe| self.forward(pipe, Stream::Stderr, order)),
        ];
        let status = supervise(&mut child, &group, stopped).await;
        self.note_group(&order.pod, None);
        // Kills the remaining processes of the group, which closes the pipes.
        drop(group);
        for mut stream in streams.into_iter().flatten() {
            if timeout(OUTPUT_TIMEOUT, &mut stream).await.is_err() {
                // A process that left the group still holds the pipe.
                stream.abort();
            }
        }
        match status {
            Ok(status) => pod_end(status),
            Err(error) => PodEnd::Failed(format!("lost the process: {error}")),
        }
    }

    fn note_group(&self, id: &PodId, group: Option<Pid>) {
        if let Some(pod) = lock(&self.pods).running.get_mut(id) {
            pod.group = group;
        }
    }

    /// Creates the folders of all `mounts` and returns their root.
    fn mount(&self, mounts: &Mounts) -> Result<PathBuf, String> {
        let mut root = lock(&self.mounts);
        let made = |error: io::Error| format!("volumes under {}: {error}", root.0.display());
        if !mounts.is_empty() {
            mounts::make_root(&root.0).map_err(made)?;
            mounts.make(&root.0).map_err(made)?;
            root.1 = true;
        }
        Ok(root.0.clone())
    }

    fn spawn(&self, order: &PodLaunch, mounts: &Mounts, root: &Path, group: &Group) -> Result<Child, String> {
        let spec = &order.spec;
        let words: Vec<String> = words(spec)?.iter().map(|word| mounts.rewrite(root, word)).collect();
        let Some((program, arguments)) = words.split_first() else {
            return Err("no command: image entry points cannot run as local processes".to_owned());
        };
        let wanted = spec.working_dir.as_deref().map(|it| PathBuf::from(mounts.rewrite(root, it)));
        let directory = wanted.filter(|directory| directory.is_dir()).unwrap_or_else(|| self.directory.clone());
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(&directory)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(group.id().as_raw())
            .kill_on_drop(true)
            .env_clear()
            .envs(environment::passed_variables(std::env::vars_os(), self.inherit_env));
        // As in a pod.
        command.env("HOSTNAME", format!("{}-{}", order.workload_name, order.slot));
        for variable in spec.environment_variables.iter().filter(|variable| variable.exclude != Some(true)) {
            if let (Some(name), Some(value)) = (&variable.name, &variable.value) {
                command.env(name, mounts.rewrite(root, value));
            }
        }
        if !mounts.is_empty() {
            let all = mounts.iter().map(|mount| format!("{}={}", mount.path, root.join(&mount.folder).display()));
            command.env("RUNAI_SIM_MOUNTS", all.collect::<Vec<_>>().join(":"));
        }
        command.spawn().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound if !directory.is_dir() => {
                format!("{}: no such directory", directory.display())
            }
            io::ErrorKind::NotFound => format!("{program}: not found"),
            io::ErrorKind::PermissionDenied => format!("{program}: permission denied"),
            _ => format!("{program}: {error}"),
        })
    }

    fn forward(
        &self,
        pipe: impl AsyncRead + Send + Unpin + 'static,
        stream: Stream,
        order: &PodLaunch,
    ) -> JoinHandle<()> {
        let output = self.output.get().cloned();
        let workload = order.workload_name.clone();
        let (id, kept) = (order.pod.workload_id.clone(), Arc::clone(&self.kept));
        tokio::spawn(async move {
            let mut pipe = BufReader::new(pipe);
            while let Some(line) = next_line(&mut pipe).await {
                keep(&kept, &id, &line);
                if let Some(output) = &output {
                    // Without a receiver, keep reading so that the command does not block.
                    let _ = output.send(Output { workload: workload.clone(), stream, line });
                }
            }
        })
    }
}

fn keep(kept: &Mutex<HashMap<String, VecDeque<String>>>, workload_id: &str, line: &str) {
    let mut kept = lock(kept);
    let lines = kept.entry(workload_id.to_owned()).or_default();
    if lines.len() == MAX_KEPT_LINES {
        lines.pop_front();
    }
    lines.push_back(line.to_owned());
}

/// Waits for the child, or stops it on request.
async fn supervise(
    child: &mut Child,
    group: &Group,
    mut stopped: watch::Receiver<Option<Duration>>,
) -> io::Result<ExitStatus> {
    let mut left = None;
    loop {
        let asked = async {
            match stopped.changed().await {
                Ok(()) => *stopped.borrow_and_update(),
                Err(_) => pending().await,
            }
        };
        let deadline = async {
            match left {
                Some(left) => sleep_until(left).await,
                None => pending().await,
            }
        };
        tokio::select! {
            status = child.wait() => return status,
            () = deadline => {
                group.signal(Signal::SIGKILL);
                return child.wait().await;
            }
            grace = asked => {
                let grace = grace.unwrap_or(SHUTDOWN_GRACE);
                if left.is_none() && !grace.is_zero() {
                    group.signal(Signal::SIGTERM);
                }
                // After a second request, the shorter grace period applies.
                let end = Instant::now() + grace;
                left = Some(left.map_or(end, |left: Instant| left.min(end)));
            }
        }
    }
}

/// Splits `command` and `args` into words like a POSIX shell, without expansions.
fn words(spec: &TrainingSpec) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    for (name, text) in [("command", &spec.command), ("args", &spec.args)] {
        if let Some(text) = text {
            words.extend(shlex::split(text).ok_or_else(|| format!("{name}: unclosed quote"))?);
        }
        if words.is_empty() {
            break;
        }
    }
    Ok(words)
}

fn grace(spec: &TrainingSpec) -> Duration {
    spec.termination_grace_period_seconds
        .and_then(|seconds| u64::try_from(seconds).ok())
        .map_or(DEFAULT_GRACE, |seconds| Duration::from_secs(seconds.min(MAX_GRACE_SECONDS)))
}

fn pod_end(status: ExitStatus) -> PodEnd {
    use std::os::unix::process::ExitStatusExt as _;

    match (status.code(), status.signal()) {
        (Some(0), _) => PodEnd::Succeeded,
        (Some(code), _) => PodEnd::Failed(format!("exit code {code}")),
        (None, Some(number)) => {
            let name = Signal::try_from(number).map_or_else(|_| number.to_string(), |signal| signal.to_string());
            PodEnd::Failed(format!("signal {name}"))
        }
        (None, None) => PodEnd::Failed(status.to_string()),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Kubernetes' default for `terminationGracePeriodSeconds`.
const DEFAULT_GRACE: Duration = Duration::from_secs(30);

/// Maximum grace period, one year: more could overflow the clock.
const MAX_GRACE_SECONDS: u64 = 365 * 24 * 60 * 60;

/// Grace period of pods when the simulator stops.
pub(crate) const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);

/// Timeout for the last lines of an ended command.
const OUTPUT_TIMEOUT: Duration = Duration::from_secs(1);

/// Maximum number of stored lines per workload.
const MAX_KEPT_LINES: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_command_and_args() {
        let spec = |command: Option<&str>, args: Option<&str>| TrainingSpec {
            command: command.map(str::to_owned),
            args: args.map(str::to_owned),
            ..TrainingSpec::default()
        };
        let all = words(&spec(Some("python3 -c"), Some(r#"'print("a b")' $HOME"#))).unwrap();
        assert_eq!(all, ["python3", "-c", r#"print("a b")"#, "$HOME"]);
        assert_eq!(words(&spec(None, Some("x"))).unwrap(), Vec::<String>::new());
        assert_eq!(words(&spec(Some("a 'b"), None)).unwrap_err(), "command: unclosed quote");
    }
}
