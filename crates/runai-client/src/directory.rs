//! Receipts as files of a directory.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::receipt::{Receipt, ReceiptStore, StoreError, Storing};

/// Keeps every receipt as a JSON file of its own, readable for this user alone.
///
/// A file is there as a whole or not at all, also when the machine loses power: it is written beside its place, synced,
/// and moved. Files of other kinds in the directory are left alone.
#[derive(Clone, Debug)]
pub struct ReceiptDirectory {
    path: PathBuf,
}

impl ReceiptDirectory {
    /// Receipts below `path`, which is made when the first one is written.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn file(&self, key: &str) -> PathBuf {
        self.path.join(format!("{key}.{EXTENSION}"))
    }
}

impl ReceiptStore for ReceiptDirectory {
    fn put(&self, receipt: Receipt) -> Storing<'_, ()> {
        let (directory, file) = (self.path.clone(), self.file(&receipt.key()));
        blocking(move || write(&directory, &file, &receipt).map_err(|error| failed("write", &file, &error)))
    }

    fn find(&self, key: String) -> Storing<'_, Option<Receipt>> {
        let file = self.file(&key);
        blocking(move || read(&file))
    }

    fn remove(&self, key: String) -> Storing<'_, ()> {
        let file = self.file(&key);
        blocking(move || match fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", &file, &error)),
            _ => Ok(()),
        })
    }

    fn all(&self) -> Storing<'_, Vec<Receipt>> {
        let directory = self.path.clone();
        blocking(move || {
            let entries = match fs::read_dir(&directory) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
                Err(error) => return Err(failed("read", &directory, &error)),
            };
            let mut receipts = Vec::new();
            for entry in entries {
                let file = entry.map_err(|error| failed("read", &directory, &error))?.path();
                if file.extension().is_some_and(|extension| extension == EXTENSION) {
                    receipts.extend(read(&file)?);
                }
            }
            Ok(receipts)
        })
    }
}

fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, StoreError> + Send + 'static) -> Storing<'static, T> {
    Box::pin(async {
        let done = tokio::task::spawn_blocking(work).await;
        done.unwrap_or_else(|error| Err(StoreError::new(format!("cannot use the disk: {error}"))))
    })
}

fn write(directory: &Path, file: &Path, receipt: &Receipt) -> io::Result<()> {
    make(directory)?;
    // Another process may write the same receipt at the same time.
    let beside = file.with_extension(format!("{:016x}.part", fastrand::u64(..)));
    let written = write_new(&beside, &serde_json::to_vec_pretty(receipt)?).and_then(|()| fs::rename(&beside, file));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written?;
    // A move is lasting once its directory is; not every system can sync one.
    let _ = File::open(directory).and_then(|directory| directory.sync_all());
    Ok(())
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn make(directory: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// The receipt in `file`; nothing, if there is no such file.
fn read(file: &Path) -> Result<Option<Receipt>, StoreError> {
    let bytes = match fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("read", file, &error)),
    };
    // A receipt that cannot be understood may stand for a job that runs: it is an error, and never counts as none.
    serde_json::from_slice(&bytes).map(Some).map_err(|error| failed("read", file, &error))
}

fn failed(what: &str, path: &Path, error: &dyn std::error::Error) -> StoreError {
    StoreError::new(format!("cannot {what} `{}`: {error}", path.display()))
}

const EXTENSION: &str = "json";

#[cfg(test)]
mod tests {
    use runai_spec::wait::{Outcome, WaitPolicy, WaitState};

    use super::*;
    use crate::receipt::Progress;

    fn receipt(submission_id: &str) -> Receipt {
        Receipt {
            base_url: "https://org.run.ai".into(),
            cluster_id: "u1".into(),
            name: format!("fit-{submission_id}"),
            policy: WaitPolicy::default(),
            project_id: "7".into(),
            project_name: "vision".into(),
            progress: Progress::Sending,
            submission_id: submission_id.into(),
            wait: WaitState::default(),
        }
    }

    #[tokio::test]
    async fn receipts_are_written_read_and_forgotten() {
        let scratch = tempfile::tempdir().unwrap();
        let store = ReceiptDirectory::new(scratch.path().join("made/when/needed"));
        assert_eq!(store.all().await.unwrap(), []);
        let mut first = receipt("abcdefghijkl");
        assert_eq!(store.find(first.key()).await.unwrap(), None);
        store.put(first.clone()).await.unwrap();
        first.progress = Progress::Ended { outcome: Outcome::Succeeded, workload_id: "w1".into() };
        store.put(first.clone()).await.unwrap();
        assert_eq!(store.find(first.key()).await.unwrap().as_ref(), Some(&first));
        store.put(receipt("../../elsewhere")).await.unwrap();
        assert_eq!(store.all().await.unwrap().len(), 2);
        assert_eq!(fs::read_dir(store.path()).unwrap().count(), 2);
        store.remove(first.key()).await.unwrap();
        store.remove(first.key()).await.unwrap();
        assert_eq!(store.all().await.unwrap(), [receipt("../../elsewhere")]);
    }

    #[tokio::test]
    async fn a_receipt_that_is_broken_never_counts_as_none() {
        let scratch = tempfile::tempdir().unwrap();
        let store = ReceiptDirectory::new(scratch.path());
        let key = receipt("abcdefghijkl").key();
        for text in ["", "{", "{}", "[]"] {
            fs::write(store.file(&key), text).unwrap();
            let error = store.find(key.clone()).await.unwrap_err();
            assert!(error.to_string().contains(&key), "{error}");
            assert!(store.all().await.is_err());
        }
    }

    #[tokio::test]
    async fn a_place_that_cannot_be_written_is_an_error() {
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("file");
        fs::write(&file, "").unwrap();
        let store = ReceiptDirectory::new(&file);
        assert!(store.put(receipt("abcdefghijkl")).await.unwrap_err().to_string().contains("cannot write"));
    }

    #[test]
    fn the_same_run_at_another_control_plane_has_another_receipt() {
        let one = receipt("abcdefghijkl");
        let other = Receipt { base_url: "https://other.run.ai".into(), ..one.clone() };
        assert_ne!(one.key(), other.key());
    }
}
