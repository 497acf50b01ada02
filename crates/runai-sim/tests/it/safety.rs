//! Local commands are protected from other users of the machine, and do not outlive the simulator.

use std::time::Duration;

use runai_sim::{Account, Exec, Role, Simulator, StartError};
use serde_json::{Value, json};

use crate::exec::{Local, gone, lives, sh};

const KNOWN: &str = "sim-secret-not-real";

#[tokio::test]
async fn secret_is_random_with_exec() {
    let scripted = Simulator::builder().in_memory().unwrap();
    assert_eq!((scripted.client_secret(), scripted.control_key()), (KNOWN, None));
    assert_eq!(scripted.page_url(), format!("{}/", scripted.base_url()));
    let (one, two) = (Local::new().await, Local::new().await);
    let secrets = [one.sim.client_secret(), two.sim.client_secret(), one.sim.control_key().unwrap()];
    assert!(secrets[0] != secrets[1] && secrets[0] != secrets[2] && !secrets.contains(&KNOWN));
    assert!(secrets.iter().all(|secret| secret.len() == 64));
    let login = json!({"grantType": "client_credentials", "clientID": "sim-client", "clientSecret": KNOWN});
    assert_eq!(one.call("POST /api/v1/token", login).await.0, 400);
    one.sim.stop().await;
    two.sim.stop().await;
}

#[tokio::test]
async fn rejects_short_secret() {
    let account = |secret: &str| Account {
        client_id: "ci".into(),
        client_secret: secret.into(),
        projects: Vec::new(),
        role: Role::LeastPrivilege,
    };
    let builder = || Simulator::builder().exec(Exec::in_directory("."));
    let error = builder().account(account("not-a-secret")).in_memory().err().unwrap();
    assert!(matches!(&error, StartError::WeakSecret { client_id } if client_id == "ci"), "{error}");
    assert!(builder().account(account(&"long-and-fake-".repeat(2))).in_memory().is_ok());
    assert!(Simulator::builder().account(account("not-a-secret")).in_memory().is_ok());
}

#[tokio::test]
async fn output_requires_key_or_token() {
    let mut local = Local::new().await;
    let id = local.submit("private", sh("echo canary")).await;
    local.until(&id, "Completed").await;
    let output = format!("GET /sim/workloads/{id}/output");
    let token = std::mem::take(&mut local.token);
    for line in [
        &output,
        "GET /sim/state",
        "GET /sim/faults",
        "DELETE /sim/faults",
        "POST /sim/clock",
        "POST /sim/tokens/expire",
        &format!("POST /sim/workloads/{id}"),
    ] {
        for wrong in ["", KNOWN] {
            wrong.clone_into(&mut local.token);
            let (status, body) = local.call(line, json!({"seconds": 1})).await;
            assert!(status == 401 && !body.to_string().contains("canary"), "{line}: {status} {body}");
        }
    }
    for right in [token, local.sim.control_key().unwrap().to_owned()] {
        local.token = right;
        assert_eq!(local.call(&output, Value::Null).await, (200, json!({"lines": ["canary"]})));
    }
    assert_eq!(local.sim.page_url(), format!("{}/#{}", local.sim.base_url(), local.token));
    local.sim.stop().await;
}

#[tokio::test]
async fn hides_host_variables() {
    // Names of variables that cargo sets for every test.
    const OURS: &str = "CARGO_MANIFEST_DIR";
    assert!(std::env::var_os(OURS).is_some());
    let mut spec = json!({"image": "alpine", "command": "env"});
    spec["environmentVariables"] = json!([{"name": "dotted.name", "value": "kept"}]);
    for inherit in [false, true] {
        let mut local = Local::with(Simulator::builder(), |exec| exec.inherit_env(inherit)).await;
        let id = local.submit("env", spec.clone()).await;
        local.until(&id, "Completed").await;
        let lines = local.lines();
        let names: Vec<&str> = lines.iter().map(|line| line.split('=').next().unwrap()).collect();
        assert_eq!(names.contains(&OURS), inherit, "{names:?}");
        assert!(names.contains(&"PATH") && names.contains(&"HOSTNAME"), "{names:?}");
        assert!(lines.contains(&"dotted.name=kept".to_owned()), "{lines:?}");
        let known = |name: &&str| {
            let known = ["PATH", "HOME", "USER", "LANG", "TMPDIR", "HOSTNAME", "dotted.name"];
            known.contains(name) || name.starts_with("LC_")
        };
        assert_eq!(names.iter().all(known), !inherit, "{names:?}");
        local.sim.stop().await;
    }
}

#[tokio::test]
async fn guard_is_not_a_child() {
    let local = Local::new().await;
    // Programs that wait for any child, as `os.wait()` of Python does, would wait for it.
    assert_eq!(local.run("read -r children < /proc/$$/task/$$/children; test -z \"$children\"").await.0, "Completed");
    local.sim.stop().await;
}

/// A command whose grandchild writes its process id to a file and ignores termination signals.
const STUBBORN: &str =
    "(trap \"\" HUP INT QUIT TERM; sh -c \"echo \\$\\$ > pid.new; mv pid.new pid; sleep 600\") & wait";

#[test]
fn runtime_end_kills_grandchildren() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (pid, _directory) = runtime.block_on(async {
        let local = Local::new().await;
        let pid = stubborn(&local).await;
        // Neither stopped nor dropped, so nothing terminates the command.
        std::mem::forget(local.sim);
        (pid, local.directory)
    });
    assert!(lives(&pid));
    drop(runtime);
    tokio::runtime::Runtime::new().unwrap().block_on(gone(&pid));
}

/// Starts this command and returns the process id of its grandchild.
async fn stubborn(local: &Local) -> String {
    local.submit("stubborn", sh(STUBBORN)).await;
    let path = local.directory.path().join("pid");
    for _ in 0..1000 {
        if let Ok(pid) = std::fs::read_to_string(&path) {
            return pid;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never started");
}
