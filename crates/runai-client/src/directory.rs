//! A receipt store in a directory.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::receipt::{AliveMark, BoxFuture, PutResult, Receipt, ReceiptList, ReceiptStore, StoreError};

/// Stores each receipt as a JSON file that only the current user can read.
///
/// Writes are atomic and durable: a temporary file is written, synced and renamed. Other files in the directory are
/// ignored. A lock file serializes the writes of processes that share a directory.
#[derive(Clone, Debug)]
pub struct ReceiptDirectory {
    path: PathBuf,
    order: Arc<WriteOrder>,
}

/// Orders the writes of each receipt, because the threads that execute them do not.
#[derive(Debug, Default)]
struct WriteOrder {
    next: AtomicU64,
    /// The ticket of the last write of each receipt.
    done: Mutex<HashMap<String, u64>>,
}

impl ReceiptDirectory {
    /// Returns a store in the directory `path`, which is created with the first receipt.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), order: Arc::default() }
    }

    /// Returns the directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn file(&self, key: &str) -> PathBuf {
        self.path.join(format!("{key}.{EXTENSION}"))
    }

    fn mark(&self, key: &str) -> PathBuf {
        self.path.join(format!("{key}.{ALIVE_EXTENSION}"))
    }
}

impl WriteOrder {
    /// Returns the position of a write in the order of all.
    fn ticket(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Executes a write of the receipt with this key under the lock of the directory. Returns `superseded` instead if a
    /// later write was executed already.
    fn execute<T>(
        &self,
        ticket: u64,
        key: String,
        directory: &Path,
        superseded: T,
        change: impl FnOnce() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        if done.get(&key).is_some_and(|last| *last > ticket) {
            return Ok(superseded);
        }
        done.insert(key, ticket);
        let lock = private().create(true).open(directory.join(LOCK));
        let _lock =
            lock.and_then(|lock| lock.lock().map(|()| lock)).map_err(|error| failed("lock", directory, error))?;
        change()
    }
}

impl ReceiptStore for ReceiptDirectory {
    fn put(&self, receipt: Receipt, replaces: Option<String>) -> BoxFuture<'_, Result<PutResult, StoreError>> {
        let (directory, file, order) = (self.path.clone(), self.file(&receipt.key()), Arc::clone(&self.order));
        let ticket = order.ticket();
        blocking(move || {
            let temporary =
                write_temporary(&directory, &file, &receipt).map_err(|error| failed("write", &file, error))?;
            let put = order.execute(ticket, receipt.key(), &directory, PutResult::Stored, || {
                let stored = read(&file)?;
                if stored.as_ref().map(|stored| &stored.attempt) != replaces.as_ref() {
                    return Ok(PutResult::Conflict(stored.map(Box::new)));
                }
                fs::rename(&temporary, &file).map_err(|error| failed("write", &file, error))?;
                Ok(PutResult::Stored)
            });
            // Already renamed, or not needed.
            let _ = fs::remove_file(&temporary);
            sync(&directory);
            put
        })
    }

    fn find(&self, key: String) -> BoxFuture<'_, Result<Option<Receipt>, StoreError>> {
        let file = self.file(&key);
        blocking(move || read(&file))
    }

    fn remove(&self, key: String, attempt: String) -> BoxFuture<'_, Result<bool, StoreError>> {
        let (directory, file, mark) = (self.path.clone(), self.file(&key), self.mark(&key));
        let order = Arc::clone(&self.order);
        let ticket = order.ticket();
        blocking(move || {
            if !directory.is_dir() {
                return Ok(false);
            }
            order.execute(ticket, key, &directory, false, || {
                if read(&file)?.is_none_or(|stored| stored.attempt != attempt) {
                    return Ok(false);
                }
                let _ = fs::remove_file(mark);
                fs::remove_file(&file).map(|()| true).map_err(|error| failed("remove", &file, error))
            })
        })
    }

    fn list(&self) -> BoxFuture<'_, Result<ReceiptList, StoreError>> {
        let directory = self.path.clone();
        blocking(move || {
            let entries = match fs::read_dir(&directory) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(ReceiptList::default()),
                Err(error) => return Err(failed("read", &directory, error)),
            };
            let mut list = ReceiptList::default();
            for entry in entries {
                let file = entry.map_err(|error| failed("read", &directory, error))?.path();
                if has_extension(&file, EXTENSION) {
                    match read(&file) {
                        Ok(receipt) => list.receipts.extend(receipt),
                        Err(error) => list.unreadable.push(error),
                    }
                } else if has_extension(&file, TEMPORARY_EXTENSION) && is_left_over(&file) {
                    let _ = fs::remove_file(&file);
                }
            }
            Ok(list)
        })
    }

    fn mark_alive(&self, key: String) -> BoxFuture<'_, Option<AliveMark>> {
        let (directory, path) = (self.path.clone(), self.mark(&key));
        Box::pin(async {
            let marked = tokio::task::spawn_blocking(move || {
                create_directory(&directory).ok()?;
                let file = private().create(true).open(&path).ok()?;
                // If another process has the lock, the mark is set already.
                let _ = file.try_lock();
                Some(Box::new(Mark { file, path }) as AliveMark)
            });
            marked.await.ok().flatten()
        })
    }

    fn is_alive(&self, key: String) -> BoxFuture<'_, bool> {
        let path = self.mark(&key);
        Box::pin(async {
            let held = tokio::task::spawn_blocking(move || {
                let Ok(file) = File::open(&path) else { return false };
                matches!(file.try_lock(), Err(TryLockError::WouldBlock))
            });
            held.await.unwrap_or(false)
        })
    }
}

/// A locked file that marks a submission as being sent.
struct Mark {
    file: File,
    path: PathBuf,
}

impl Drop for Mark {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
        let _ = self.file.unlock();
    }
}

fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> BoxFuture<'static, Result<T, StoreError>> {
    // Spawned here, so that the work is done even if the future is dropped before its first poll.
    let task = tokio::task::spawn_blocking(work);
    Box::pin(async {
        task.await.unwrap_or_else(|error| Err(StoreError::new("cannot access the disk").with_source(error)))
    })
}

/// Writes and syncs a receipt to a temporary file, and returns its path.
fn write_temporary(directory: &Path, file: &Path, receipt: &Receipt) -> io::Result<PathBuf> {
    create_directory(directory)?;
    // Another process may write the same receipt at the same time.
    let temporary = file.with_extension(format!("{:016x}.{TEMPORARY_EXTENSION}", fastrand::u64(..)));
    let written = write_new(&temporary, &serde_json::to_vec_pretty(receipt)?);
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written.map(|()| temporary)
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = private().create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Returns options for writing files that only the current user can read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn create_directory(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)?;
    if let Some(parent) = directory.parent() {
        sync(parent);
    }
    Ok(())
}

/// Makes renames in a directory durable; not every system can sync directories.
fn sync(directory: &Path) {
    let _ = File::open(directory).and_then(|directory| directory.sync_all());
}

/// Returns the receipt in `file`; `None` if the file does not exist.
fn read(file: &Path) -> Result<Option<Receipt>, StoreError> {
    let bytes = match fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("read", file, error)),
    };
    // An unreadable receipt may belong to a running job, so it is an error and not treated as missing.
    let receipt: Receipt = serde_json::from_slice(&bytes).map_err(|error| failed("read", file, error))?;
    let needed = [("base_url", &receipt.base_url), ("name", &receipt.name), ("submission_id", &receipt.submission_id)];
    let missing = needed.into_iter().find(|(_, value)| value.is_empty()).map(|(member, _)| member);
    match missing {
        Some(member) => Err(StoreError::new(format!("cannot read `{}`: missing member `{member}`", file.display()))),
        None => Ok(Some(receipt)),
    }
}

fn has_extension(file: &Path, wanted: &str) -> bool {
    file.extension().is_some_and(|extension| extension == wanted)
}

/// Returns whether a temporary file is old enough to be a leftover.
fn is_left_over(file: &Path) -> bool {
    let age = fs::metadata(file).and_then(|metadata| metadata.modified()).ok().and_then(|time| time.elapsed().ok());
    age.is_some_and(|age| age > LEFT_OVER_AFTER)
}

fn failed(what: &str, path: &Path, error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::new(format!("cannot {what} `{}`", path.display())).with_source(error)
}

const EXTENSION: &str = "json";
const TEMPORARY_EXTENSION: &str = "part";
const ALIVE_EXTENSION: &str = "alive";
const LOCK: &str = ".lock";

/// Age from which a temporary file is a leftover of a process that died.
const LEFT_OVER_AFTER: Duration = Duration::from_mins(10);

#[cfg(test)]
mod tests {
    use crate::lifecycle::Outcome;

    use super::*;
    use crate::receipt::Progress;

    fn receipt(submission_id: &str) -> Receipt {
        Receipt {
            attempt: "one".into(),
            base_url: "https://org.run.ai".into(),
            name: format!("fit-{submission_id}"),
            submission_id: submission_id.into(),
            ..Receipt::default()
        }
    }

    #[tokio::test]
    async fn writes_reads_and_removes() {
        let scratch = tempfile::tempdir().unwrap();
        let store = ReceiptDirectory::new(scratch.path().join("made/when/needed"));
        let list = store.list().await.unwrap();
        assert!(list.receipts.is_empty() && list.unreadable.is_empty(), "{list:?}");
        let mut first = receipt("abcdefghijkl");
        assert_eq!(store.find(first.key()).await.unwrap(), None);
        assert_eq!(store.put(first.clone(), None).await.unwrap(), PutResult::Stored);
        first.progress = Progress::Ended { outcome: Outcome::Succeeded, workload_id: "w1".into() };
        assert_eq!(store.put(first.clone(), Some("one".into())).await.unwrap(), PutResult::Stored);
        assert_eq!(store.find(first.key()).await.unwrap().as_ref(), Some(&first));
        store.put(receipt("../../elsewhere"), None).await.unwrap();
        assert_eq!(store.list().await.unwrap().receipts.len(), 2);
        let files =
            fs::read_dir(store.path()).unwrap().filter(|file| has_extension(&file.as_ref().unwrap().path(), EXTENSION));
        assert_eq!(files.count(), 2);
        assert!(store.remove(first.key(), "one".into()).await.unwrap());
        assert!(!store.remove(first.key(), "one".into()).await.unwrap());
        assert_eq!(store.list().await.unwrap().receipts, [receipt("../../elsewhere")]);
    }

    #[tokio::test]
    async fn rejects_writes_of_other_attempts() {
        let scratch = tempfile::tempdir().unwrap();
        let (one, other) = (ReceiptDirectory::new(scratch.path()), ReceiptDirectory::new(scratch.path()));
        let mine = receipt("abcdefghijkl");
        let theirs = Receipt { attempt: "two".into(), ..mine.clone() };
        one.put(mine.clone(), None).await.unwrap();
        assert_eq!(other.put(theirs.clone(), None).await.unwrap(), PutResult::Conflict(Some(Box::new(mine.clone()))));
        assert_eq!(other.put(theirs.clone(), Some("one".into())).await.unwrap(), PutResult::Stored);
        // A write of the first attempt would hide the second one's.
        assert_eq!(
            one.put(mine.clone(), Some("one".into())).await.unwrap(),
            PutResult::Conflict(Some(Box::new(theirs.clone())))
        );
        assert!(!one.remove(mine.key(), "one".into()).await.unwrap());
        assert_eq!(one.find(mine.key()).await.unwrap(), Some(theirs));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn dropped_writes_keep_their_order() {
        let scratch = tempfile::tempdir().unwrap();
        let store = ReceiptDirectory::new(scratch.path());
        store.put(receipt("abcdefghijkl"), None).await.unwrap();
        for round in 0..50 {
            for sends in 0..20 {
                drop(store.put(Receipt { sends: round + sends, ..receipt("abcdefghijkl") }, Some("one".into())));
            }
            let last = Receipt { sends: 1_000 + round, ..receipt("abcdefghijkl") };
            store.put(last.clone(), Some("one".into())).await.unwrap();
            assert_eq!(store.find(last.key()).await.unwrap(), Some(last));
        }
    }

    #[tokio::test]
    async fn reports_unreadable_receipts() {
        let scratch = tempfile::tempdir().unwrap();
        let store = ReceiptDirectory::new(scratch.path());
        store.put(receipt("zzzzzzzzzzzz"), None).await.unwrap();
        let key = receipt("abcdefghijkl").key();
        for text in ["", "{", "{}", "[]"] {
            fs::write(store.file(&key), text).unwrap();
            let error = store.find(key.clone()).await.unwrap_err();
            assert!(error.to_string().contains(&key), "{error}");
            let list = store.list().await.unwrap();
            assert_eq!((list.receipts.len(), list.unreadable.len()), (1, 1));
            assert!(store.put(receipt("abcdefghijkl"), None).await.is_err());
        }
    }

    #[tokio::test]
    async fn preserves_unknown_members() {
        let scratch = tempfile::tempdir().unwrap();
        let store = ReceiptDirectory::new(scratch.path());
        let text = r#"{"version": 9, "base_url": "https://org.run.ai", "name": "fit", "submission_id": "abcdefghijkl",
            "colour": {"of": "later"}}"#;
        fs::write(store.file("abcdefghijkl"), text).unwrap();
        let read = store.find("abcdefghijkl".into()).await.unwrap().unwrap();
        assert_eq!((read.version, &read.progress, read.sends), (9, &Progress::Sending, 0));
        store.put(Receipt { attempt: "two".into(), ..read.clone() }, Some(read.attempt)).await.unwrap();
        assert!(fs::read_to_string(store.file("abcdefghijkl")).unwrap().contains("\"colour\""));
    }

    #[tokio::test]
    async fn removes_leftovers() {
        let scratch = tempfile::tempdir().unwrap();
        let store = ReceiptDirectory::new(scratch.path());
        store.put(receipt("abcdefghijkl"), None).await.unwrap();
        let (old, new) = (scratch.path().join("x.01.part"), scratch.path().join("x.02.part"));
        for file in [&old, &new] {
            fs::write(file, "").unwrap();
        }
        File::open(&old).unwrap().set_modified(std::time::SystemTime::now() - Duration::from_hours(1)).unwrap();
        store.list().await.unwrap();
        assert!(!old.exists() && new.exists());
    }

    #[tokio::test]
    async fn mark_is_released_with_its_process() {
        let scratch = tempfile::tempdir().unwrap();
        let store = ReceiptDirectory::new(scratch.path());
        assert!(!store.is_alive("abcdefghijkl".into()).await);
        let mark = store.mark_alive("abcdefghijkl".into()).await.unwrap();
        assert!(store.is_alive("abcdefghijkl".into()).await);
        drop(mark);
        assert!(!store.is_alive("abcdefghijkl".into()).await);
        // A killed process leaves the file without a lock.
        fs::write(store.mark("abcdefghijkl"), "").unwrap();
        assert!(!store.is_alive("abcdefghijkl".into()).await);
    }

    #[tokio::test]
    async fn reports_unwritable_directory() {
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("file");
        fs::write(&file, "").unwrap();
        let store = ReceiptDirectory::new(&file);
        assert!(store.put(receipt("abcdefghijkl"), None).await.unwrap_err().to_string().contains("cannot"));
    }
}
