//! The operator file and environment variables.

pub(crate) mod connect;
pub(crate) mod credentials;
pub(crate) mod env_file;
pub(crate) mod input;
pub(crate) mod sources;

use std::env;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy as _;
use runai_spec::{OPERATOR_KEYS, VARIABLE_PREFIX};

use self::input::Input;
use crate::failure::Failure;

/// Variable that names the operator file.
const CONFIG_VARIABLE: &str = "RUNAI_STEP_CONFIG";
/// Names of the operator file; the first that exists is used.
pub(crate) const FILE_NAMES: [&str; 3] = ["runai-step.toml", "runai-step.yaml", "runai-step.yml"];
/// Folder of the operator file in the user's configuration directory.
const FOLDER: &str = "runai-step";

/// Finds the operator file: `--config`, else `RUNAI_STEP_CONFIG`, else the nearest in the working directory and its
/// parents, else the one in the user's configuration directory.
///
/// # Errors
///
/// The file cannot be read.
pub(crate) fn operator_file(flag: Option<&Path>) -> Result<Option<Input>, Failure> {
    let named = flag.map(Path::to_owned).or_else(|| env::var_os(CONFIG_VARIABLE).map(PathBuf::from));
    let read = |path: &Path| input::read(path).map_err(Failure::usage);
    if let Some(path) = named {
        return read(&path).map(Some);
    }
    if let Some(path) = upward() {
        return Ok(Some(Input { found_upward: true, ..read(&path)? }));
    }
    in_user_directory().map(|path| read(&path)).transpose()
}

/// Returns the environment variables that may be settings, sorted by name.
pub(crate) fn variables() -> Vec<(String, String)> {
    let mut variables: Vec<_> = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(name, _)| name.starts_with(VARIABLE_PREFIX))
        .collect();
    variables.sort();
    variables
}

/// A value of an operator key, from a variable or a flag.
#[derive(Clone, Debug)]
pub(crate) struct ConfigOverride {
    /// Its name in messages: `RUNAI_BASE_URL`, `--base-url`.
    pub(crate) name: String,
    pub(crate) key: &'static str,
    pub(crate) value: String,
}

impl ConfigOverride {
    /// Returns the value of a flag.
    pub(crate) fn flag(flag: &str, key: &'static str, value: &str) -> Self {
        Self { name: flag.to_owned(), key, value: value.to_owned() }
    }
}

/// The key of the client secret, whose value is never printed.
pub(crate) const SECRET_KEY: &str = "client_secret";

/// Returns the variable of a key: `RUNAI_` and the key in capitals, without a leading `runai_`.
pub(crate) fn operator_variable(key: &str) -> String {
    format!("{VARIABLE_PREFIX}{}", key.strip_prefix("runai_").unwrap_or(key).to_ascii_uppercase())
}

/// Returns the operator keys that variables set, except the secret.
pub(crate) fn overrides() -> Vec<ConfigOverride> {
    let given = |key: &'static str| {
        let name = operator_variable(key);
        let value = env::var(&name).ok().filter(|value| !value.is_empty())?;
        Some(ConfigOverride { name, key, value })
    };
    OPERATOR_KEYS.into_iter().filter(|key| *key != SECRET_KEY).filter_map(given).collect()
}

fn upward() -> Option<PathBuf> {
    let here = env::current_dir().ok()?;
    // Use a relative path for the working directory.
    in_folder(Path::new("")).or_else(|| here.ancestors().skip(1).find_map(in_folder))
}

/// The path of the operator file that applies to files of `folder`: that of `RUNAI_STEP_CONFIG`, else the nearest upward,
/// else the user's.
pub(crate) fn operator_path(folder: Option<&Path>) -> Option<PathBuf> {
    let named = env::var_os(CONFIG_VARIABLE).map(PathBuf::from);
    let upward = || folder.and_then(|folder| folder.ancestors().find_map(in_folder));
    named.or_else(upward).or_else(in_user_directory)
}

fn in_user_directory() -> Option<PathBuf> {
    in_folder(&user_folder()?)
}

/// Returns the folder of the operator file in the user's configuration directory.
pub(crate) fn user_folder() -> Option<PathBuf> {
    Some(etcetera::choose_base_strategy().ok()?.config_dir().join(FOLDER))
}

fn in_folder(folder: &Path) -> Option<PathBuf> {
    FILE_NAMES.iter().map(|name| folder.join(name)).find(|path| path.is_file())
}
