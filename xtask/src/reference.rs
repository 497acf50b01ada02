//! The reference implementations, ZenML's step operator and the Run:ai SDK, in a Python environment.

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

/// A Python virtual environment in the target folder.
pub(crate) struct Environment {
    pub(crate) folder: &'static str,
    /// Packages with versions.
    pub(crate) packages: &'static [&'static str],
}

/// The reference implementations, in the versions that the documentation names.
pub(crate) const REFERENCE: Environment =
    Environment { folder: "reference", packages: &["zenml==0.98.0", "runapy==1.224.0"] };

/// Returns the interpreter of the environment with the reference implementations, which is created if missing.
pub(crate) fn python() -> Result<PathBuf> {
    REFERENCE.python()
}

impl Environment {
    /// Returns the environment's interpreter. Creates the environment if it is missing.
    pub(crate) fn python(&self) -> Result<PathBuf> {
        let folder = workspace::target_dir()?.join(self.folder);
        let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
        if self.is_installed(&python) {
            return Ok(python);
        }
        let can_create = || process::output(command("python3").args(["-c", "import ensurepip, venv"])).is_ok();
        if !can_create() && debian::may_install() {
            debian::install(&["python3-venv"])?;
        }
        workspace::remove_folder(&folder)?;
        process::run(command("python3").args(["-m", "venv"]).arg(&folder))
            .context("cannot create a Python environment: install Python 3 with `venv` (on Debian: `apt-get install python3-venv`)")?;
        println!("note: installing {} from PyPI into {}", self.packages.join(" and "), folder.display());
        let mut install = command(&python);
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(self.packages);
        process::run(&mut install)?;
        Ok(python)
    }

    fn is_installed(&self, python: &Path) -> bool {
        const SCRIPT: &str = "import sys; from importlib.metadata import version\n\
                                sys.exit(any(version(name) != wanted for name, wanted in (p.split('==') for p in sys.argv[1:])))";
        python.exists() && process::output(command(python).args(["-c", SCRIPT]).args(self.packages)).is_ok()
    }
}

/// Runs the clients of the reference implementations against the simulator.
pub(crate) fn test() -> Result<()> {
    let python = python()?;
    let mut test = command(python);
    test.args(["-B", "-W", "ignore", "-m", "unittest", "discover", "-s", "tests/reference"])
        .env("RUNAI_STEP", program()?);
    process::run(&mut test)
}

/// Builds the program and returns its path.
pub(crate) fn program() -> Result<PathBuf> {
    process::run(process::cargo().args(["build", "--package", "runai-cli"]))?;
    Ok(workspace::target_dir()?.join("debug").join(format!("runai-step{}", env::consts::EXE_SUFFIX)))
}
