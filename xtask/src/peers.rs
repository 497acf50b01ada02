//! The Python peers: ZenML's step operator and the Run:ai SDK, in an environment of their own.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{
    debian,
    process::{self, command},
    workspace,
};

/// Python packages in an environment of their own, below the target folder.
pub(crate) struct Environment {
    pub(crate) folder: &'static str,
    /// With their versions.
    pub(crate) packages: &'static [&'static str],
}

/// What is compared with, in the versions that the documentation names.
pub(crate) const PEERS: Environment = Environment { folder: "peers", packages: &["zenml==0.98.0", "runapy==1.224.0"] };

/// The interpreter of an environment that has the peers; it is made if it is not there.
pub(crate) fn python() -> Result<PathBuf> {
    PEERS.python()
}

impl Environment {
    /// The interpreter of the environment, which is made if it is not there.
    pub(crate) fn python(&self) -> Result<PathBuf> {
        let folder = workspace::target_dir()?.join(self.folder);
        let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
        if self.is_in(&python) {
            return Ok(python);
        }
        let can_make = || process::output(command("python3").args(["-c", "import ensurepip, venv"])).is_ok();
        if !can_make() && debian::may_install() {
            debian::install(&["python3-venv"])?;
        }
        workspace::remove_folder(&folder)?;
        process::run(command("python3").args(["-m", "venv"]).arg(&folder))
            .context("this needs Python 3 with `venv` (on Debian: `apt-get install python3-venv`)")?;
        println!("note: installing {} from PyPI below {}", self.packages.join(" and "), folder.display());
        let mut install = command(&python);
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(self.packages);
        process::run(&mut install)?;
        Ok(python)
    }

    fn is_in(&self, python: &Path) -> bool {
        const QUESTION: &str = "import sys; from importlib.metadata import version\n\
                                sys.exit(any(version(name) != wanted for name, wanted in (p.split('==') for p in sys.argv[1:])))";
        python.exists() && process::output(command(python).args(["-c", QUESTION]).args(self.packages)).is_ok()
    }
}

/// Run the peers' own clients against the simulator.
pub(crate) fn test() -> Result<()> {
    let python = python()?;
    let mut test = command(python);
    test.args(["-B", "-W", "ignore", "-m", "unittest", "discover", "-s", "tests/peers"]).env("RUNAI_STEP", program()?);
    process::run(&mut test)
}

/// The program, built.
pub(crate) fn program() -> Result<PathBuf> {
    process::run(process::cargo().args(["build", "--package", "runai-cli"]))?;
    Ok(workspace::target_dir()?.join("debug").join(format!("runai-step{}", env::consts::EXE_SUFFIX)))
}
