//! Files beside the open documents: operator files and the facts of a cluster.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use runai_ide::ClusterFacts;
use runai_syntax::MAX_BYTES;
use url::Url;

use crate::config;

/// What the client configured.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Settings {
    /// `runai.config`: path of the operator file, relative to the root of the workspace.
    pub(super) config: Option<String>,
    /// `runai.factsFile`: path of the file that `runai-step snapshot` writes.
    pub(super) facts_file: Option<String>,
    /// `runai.format`: whether documents are formatted on request.
    pub(super) format: bool,
}

impl Settings {
    /// Reads the section `runai` of a client's settings; what does not fit counts as not set.
    pub(super) fn of(section: &serde_json::Value) -> Self {
        let text = |key: &str| section[key].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let format = section["format"].as_bool().unwrap_or_default();
        Self { config: text("config"), facts_file: text("factsFile"), format }
    }
}

/// The folders of the client and what was read from disk.
#[derive(Debug, Default)]
pub(super) struct Workspace {
    pub(super) roots: Vec<PathBuf>,
    pub(super) settings: Settings,
    files: BTreeMap<PathBuf, DiskFile>,
    facts: Option<(PathBuf, Stamp, Option<Arc<ClusterFacts>>)>,
}

/// Tells whether a file has changed.
type Stamp = Option<(SystemTime, u64)>;

#[derive(Debug)]
struct DiskFile {
    stamp: Stamp,
    text: Option<String>,
}

fn stamp(path: &Path) -> Stamp {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

fn read(path: &Path) -> Option<String> {
    let is_small = fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() <= MAX_BYTES as u64);
    is_small.then(|| fs::read_to_string(path).ok()).flatten()
}

impl Workspace {
    /// The operator file that applies to a document: that of the setting, else the one that the commands would find from
    /// the document's folder.
    pub(super) fn operator_path(&self, document: Option<&Path>) -> Option<PathBuf> {
        if let Some(path) = &self.settings.config {
            return Some(self.absolute(Path::new(path), document));
        }
        let folder = document.and_then(Path::parent).or_else(|| self.roots.first().map(PathBuf::as_path));
        config::operator_path(folder)
    }

    /// A configured path, from the root that contains the document.
    fn absolute(&self, path: &Path, document: Option<&Path>) -> PathBuf {
        let around = self.roots.iter().find(|root| document.is_some_and(|document| document.starts_with(root)));
        match around.or(self.roots.first()) {
            Some(root) => root.join(path),
            None => path.to_owned(),
        }
    }

    /// The text of a file, which is read once until it changes.
    pub(super) fn text(&mut self, path: &Path) -> Option<String> {
        if let Some(file) = self.files.get(path) {
            return file.text.clone();
        }
        let file = DiskFile { stamp: stamp(path), text: read(path) };
        let text = file.text.clone();
        self.files.insert(path.to_owned(), file);
        text
    }

    /// Forgets files that have changed, and returns whether any has.
    pub(super) fn forget_changed(&mut self) -> bool {
        let before = self.files.len();
        self.files.retain(|path, file| stamp(path) == file.stamp);
        let facts = self.facts.as_ref().is_some_and(|(path, known, _)| stamp(path) != *known);
        if facts {
            self.facts = None;
        }
        facts || self.files.len() != before
    }

    /// Forgets everything that was read.
    pub(super) fn forget_all(&mut self) {
        self.files.clear();
        self.facts = None;
    }

    /// The facts of the cluster.
    pub(super) fn facts(&mut self) -> Option<Arc<ClusterFacts>> {
        let path = self.absolute(Path::new(self.settings.facts_file.as_deref()?), None);
        if let Some((known, _, facts)) = &self.facts
            && *known == path
        {
            return facts.clone();
        }
        let facts = read(&path).and_then(|text| ClusterFacts::from_json(&text).ok()).map(Arc::new);
        self.facts = Some((path.clone(), stamp(&path), facts.clone()));
        facts
    }
}

/// The path of a `file:` URI.
pub(super) fn path_of(uri: &str) -> Option<PathBuf> {
    Url::parse(uri).ok()?.to_file_path().ok()
}

/// The URI of a path.
pub(super) fn uri_of(path: &Path) -> Option<String> {
    Url::from_file_path(path).ok().map(String::from)
}
