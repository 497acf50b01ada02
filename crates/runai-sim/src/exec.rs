//! Pods as local processes.
//!
//! Each pod has its own process group. However a pod or this program ends, even by `SIGKILL`, the whole group ends with
//! it ([`group`]). Only a process that leaves its group, as a daemon does, survives.

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
    state::{PodEnd, PodId, PodOrder},
};

/// Says that commands really run, as processes of this machine, and where.
///
/// A command runs with the rights of the simulator's own process, without a container and without limits. Its
/// environment holds `PATH`, `HOME`, `USER`, `LANG`, `LC_*` and `TMPDIR` of the simulator, `HOSTNAME`, and the
/// workload's variables, nothing else: cloud credentials stay with their owner ([`inherit_env`](Self::inherit_env)
/// changes that). Variables that come from a Secret, a `ConfigMap`, a pod field or a credential are not set. Its working
/// directory is the workload's, where this machine has such a directory, else the one given here. Images and the user id
/// are ignored.
///
/// The client secret is random for each simulator that runs commands, and the paths below `/sim` require the
/// [control key](crate::Simulator::control_key) or a token: other users of the machine can neither submit commands nor
/// read their output. No command outlives the simulator, even if that is killed by `SIGKILL`.
///
/// Volumes are folders under one root: a PVC, a `ConfigMap`, a Secret, a bucket, an export or a host path has the same
/// folder for all workloads, an `emptyDir` and an ephemeral PVC one that ends with the workload. Words of the command
/// and values of variables that are a path into a mount are rewritten to the folder, and `RUNAI_SIM_MOUNTS` lists all
/// mounts as `path=folder`, separated by colons.
///
/// `backoffLimit` is honoured with a default of 0, so that a mistake shows at once; a real control plane tries six
/// times more. A retry starts without delay. Suspending sends `SIGTERM` to the command's process group and, after
/// `terminationGracePeriodSeconds` (30 when not given), `SIGKILL`.
#[derive(Clone, Debug)]
pub struct Exec {
    directory: PathBuf,
    inherit_env: bool,
    mounts: Option<PathBuf>,
}

impl Exec {
    /// Commands run in `directory`, unless their workload names another one that exists here.
    #[must_use]
    pub fn in_directory(directory: impl Into<PathBuf>) -> Self {
        Self { directory: directory.into(), inherit_env: false, mounts: None }
    }

    /// Whether commands see the simulator's whole environment, except variables that start with `RUNAI_`.
    #[must_use]
    pub fn inherit_env(mut self, inherit: bool) -> Self {
        self.inherit_env = inherit;
        self
    }

    /// Volumes are folders under `root`, which is made when it is needed; without this, under a new one among the
    /// machine's temporary files.
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
    /// Where it was printed.
    pub stream: Stream,
    /// The line, without its end; bytes that are not UTF-8 are replaced, and beyond 64 KiB a line is cut in pieces.
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

/// Runs pods and keeps hold of them.
pub(crate) struct Runner {
    directory: PathBuf,
    inherit_env: bool,
    /// The last lines of each workload, by its id.
    kept: Arc<Mutex<HashMap<String, VecDeque<String>>>>,
    /// The root of all volumes, and whether it was made.
    mounts: Mutex<(PathBuf, bool)>,
    output: OnceLock<mpsc::UnboundedSender<Output>>,
    pods: Mutex<Pods>,
    tasks: Mutex<JoinSet<()>>,
}

#[derive(Default)]
struct Pods {
    /// Set when the simulator ends: from then on no pod starts, also no retry.
    closed: bool,
    running: HashMap<PodId, Pod>,
}

/// What is needed to end a pod.
struct Pod {
    grace: Duration,
    group: Option<Pid>,
    /// Set to the time that the pod has to end by itself.
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

    /// The receiver of all lines from now on; `None` if it was taken before.
    pub(crate) fn take_output(&self) -> Option<mpsc::UnboundedReceiver<Output>> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.output.set(sender).is_ok().then_some(receiver)
    }

    /// The last lines that a workload's command printed.
    pub(crate) fn kept(&self, workload_id: &str) -> Vec<String> {
        lock(&self.kept).get(workload_id).map(|lines| lines.iter().cloned().collect()).unwrap_or_default()
    }

    /// The root of all volumes, once there are some.
    pub(crate) fn mounts(&self) -> Option<PathBuf> {
        let mounts = lock(&self.mounts);
        mounts.1.then(|| mounts.0.clone())
    }

    /// Deletes the volumes that end with a workload.
    pub(crate) fn tidy_up(&self, workload_id: &str) {
        if let Some(root) = self.mounts() {
            mounts::tidy_up(&root, workload_id);
        }
    }

    /// Starts a pod; `note` is called with what happens on the way, `report` once it has ended and all its lines are
    /// delivered.
    pub(crate) fn start(
        self: &Arc<Self>,
        order: PodOrder,
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

    /// Asks a pod to end.
    pub(crate) fn stop(&self, id: &PodId) {
        if let Some(pod) = lock(&self.pods).running.get(id) {
            pod.stop.send_replace(Some(pod.grace));
        }
    }

    /// Ends all pods, with little grace, and waits for it.
    pub(crate) async fn end_all(&self, grace: Duration) {
        self.close(grace);
        let mut tasks = std::mem::take(&mut *lock(&self.tasks));
        while tasks.join_next().await.is_some() {}
    }

    /// Ends all pods, with little grace, without waiting for it.
    pub(crate) fn abandon(&self) {
        for group in lock(&self.pods).running.values().filter_map(|pod| pod.group) {
            // The pod's task may never run again, if its runtime ends too; dropping the task kills the process then.
            signal(group, Signal::SIGTERM);
        }
        self.close(LAST_GRACE);
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
        order: &PodOrder,
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
            note("Mounted", format!("{} at {} is the folder {}", mount.kind, mount.path, folder.display()));
        }
        let group = match Group::new().await {
            Ok(group) => group,
            Err(error) => return PodEnd::NotStarted(format!("cannot start the guard of its processes: {error}")),
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
        // Ends what the command left running in its group, which also closes the pipes.
        drop(group);
        for mut stream in streams.into_iter().flatten() {
            if timeout(DRAIN, &mut stream).await.is_err() {
                // A process that left the group still holds the pipe.
                stream.abort();
            }
        }
        match status {
            Ok(status) => pod_end(status),
            Err(error) => PodEnd::Failed(format!("the process was lost: {error}")),
        }
    }

    fn note_group(&self, id: &PodId, group: Option<Pid>) {
        if let Some(pod) = lock(&self.pods).running.get_mut(id) {
            pod.group = group;
        }
    }

    /// Makes the folders of all `mounts`; gives their root.
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

    fn spawn(&self, order: &PodOrder, mounts: &Mounts, root: &Path, group: &Group) -> Result<Child, String> {
        let spec = &order.spec;
        let words: Vec<String> = words(spec)?.iter().map(|word| mounts.rewrite(root, word)).collect();
        let Some((program, arguments)) = words.split_first() else {
            return Err("no command: the entry point of an image cannot run here".to_owned());
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
            .envs(environment::passed_on(std::env::vars_os(), self.inherit_env));
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
        order: &PodOrder,
    ) -> JoinHandle<()> {
        let output = self.output.get().cloned();
        let workload = order.workload_name.clone();
        let (id, kept) = (order.pod.workload_id.clone(), Arc::clone(&self.kept));
        tokio::spawn(async move {
            let mut pipe = BufReader::new(pipe);
            while let Some(line) = next_line(&mut pipe).await {
                keep(&kept, &id, &line);
                if let Some(output) = &output {
                    // Nobody listens any more: the pipe is emptied all the same, so that the command does not block.
                    let _ = output.send(Output { workload: workload.clone(), stream, line });
                }
            }
        })
    }
}

fn keep(kept: &Mutex<HashMap<String, VecDeque<String>>>, workload_id: &str, line: &str) {
    let mut kept = lock(kept);
    let lines = kept.entry(workload_id.to_owned()).or_default();
    if lines.len() == KEPT_LINES {
        lines.pop_front();
    }
    lines.push_back(line.to_owned());
}

/// Waits for the child, or ends it when that is asked for.
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
                let grace = grace.unwrap_or(LAST_GRACE);
                if left.is_none() && !grace.is_zero() {
                    group.signal(Signal::SIGTERM);
                }
                // Asked again, a pod has the shorter of both times.
                let end = Instant::now() + grace;
                left = Some(left.map_or(end, |left: Instant| left.min(end)));
            }
        }
    }
}

/// `command` and `args`, taken apart as a POSIX shell takes words apart, without expanding anything.
fn words(spec: &TrainingSpec) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    for (name, text) in [("command", &spec.command), ("args", &spec.args)] {
        if let Some(text) = text {
            words.extend(shlex::split(text).ok_or_else(|| format!("{name}: a quote is not closed"))?);
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
        .map_or(GRACE, |seconds| Duration::from_secs(seconds.min(LONGEST_GRACE)))
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
const GRACE: Duration = Duration::from_secs(30);

/// Beyond a year a grace period would overflow the clock.
const LONGEST_GRACE: u64 = 365 * 24 * 60 * 60;

/// The grace of a pod when the simulator itself ends.
pub(crate) const LAST_GRACE: Duration = Duration::from_secs(5);

/// How long the last lines of an ended command are waited for.
const DRAIN: Duration = Duration::from_secs(1);

/// How many lines of each workload are kept.
const KEPT_LINES: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_and_args_are_one_list_of_words() {
        let spec = |command: Option<&str>, args: Option<&str>| TrainingSpec {
            command: command.map(str::to_owned),
            args: args.map(str::to_owned),
            ..TrainingSpec::default()
        };
        let all = words(&spec(Some("python3 -c"), Some(r#"'print("a b")' $HOME"#))).unwrap();
        assert_eq!(all, ["python3", "-c", r#"print("a b")"#, "$HOME"]);
        assert_eq!(words(&spec(None, Some("x"))).unwrap(), Vec::<String>::new());
        assert_eq!(words(&spec(Some("a 'b"), None)).unwrap_err(), "command: a quote is not closed");
    }
}
