//! Receipts as files of a directory.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::receipt::{AliveMark, BoxFuture, Put, Receipt, ReceiptList, ReceiptStore, StoreError};

/// Stores every receipt as a JSON file, readable for this user alone.
///
/// A file is there as a whole or not at all, also when the machine loses power: it is written beside its place, synced,
/// and moved. Files of other kinds in the directory are left alone. Processes that share a directory take turns, by a
/// lock file.
#[derive(Clone, Debug)]
pub struct ReceiptDirectory {
    path: PathBuf,
    order: Arc<Order>,
}

/// The order of the calls about each receipt, which the threads that carry them out do not keep.
#[derive(Debug, Default)]
struct Order {
    next: AtomicU64,
    /// The latest change to each receipt that was carried out.
    done: Mutex<HashMap<String, u64>>,
}

impl ReceiptDirectory {
    /// Returns a store of receipts below `path`, which is created when the first one is written.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), order: Arc::default() }
    }

    /// The directory.
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

impl Order {
    /// The place of a call in the order of all.
    fn ticket(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Carries out a change to the receipt with this key, alone among all processes, unless a later one was carried out
    /// already; then `superseded` is the result.
    fn take_turn<T>(
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
    fn put(&self, receipt: Receipt, replaces: Option<String>) -> BoxFuture<'_, Result<Put, StoreError>> {
        let (directory, file, order) = (self.path.clone(), self.file(&receipt.key()), Arc::clone(&self.order));
        let ticket = order.ticket();
        blocking(move || {
            let part = write_part(&directory, &file, &receipt).map_err(|error| failed("write", &file, error))?;
            let put = order.take_turn(ticket, receipt.key(), &directory, Put::Stored, || {
                let stored = read(&file)?;
                if stored.as_ref().map(|stored| &stored.attempt) != replaces.as_ref() {
                    return Ok(Put::Conflict(stored.map(Box::new)));
                }
                fs::rename(&part, &file).map_err(|error| failed("write", &file, error))?;
                Ok(Put::Stored)
            });
            // Moved, or of no use.
            let _ = fs::remove_file(&part);
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
            order.take_turn(ticket, key, &directory, false, || {
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
                } else if has_extension(&file, PART_EXTENSION) && is_left_over(&file) {
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
                make(&directory).ok()?;
                let file = private().create(true).open(&path).ok()?;
                // Someone else may hold it: then that process lives, which is just as well.
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

/// A locked file that says that a process is sending.
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
    // Begun at once, so that what is dropped before its first poll happens all the same.
    let task = tokio::task::spawn_blocking(work);
    Box::pin(async {
        task.await.unwrap_or_else(|error| Err(StoreError::new("cannot use the disk").with_source(error)))
    })
}

/// Writes a receipt beside its place, and returns where; it lasts from then on.
fn write_part(directory: &Path, file: &Path, receipt: &Receipt) -> io::Result<PathBuf> {
    make(directory)?;
    // Another process may write the same receipt at the same time.
    let part = file.with_extension(format!("{:016x}.{PART_EXTENSION}", fastrand::u64(..)));
    let written = write_new(&part, &serde_json::to_vec_pretty(receipt)?);
    if written.is_err() {
        let _ = fs::remove_file(&part);
    }
    written.map(|()| part)
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = private().create_new(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Opens files for writing that only this user can read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn make(directory: &Path) -> io::Result<()> {
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

/// Makes moves into a directory lasting; not every system can sync one.
fn sync(directory: &Path) {
    let _ = File::open(directory).and_then(|directory| directory.sync_all());
}

/// Returns the receipt in `file`; `None` if there is no such file.
fn read(file: &Path) -> Result<Option<Receipt>, StoreError> {
    let bytes = match fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("read", file, error)),
    };
    // A receipt that cannot be understood may stand for a job that runs: it is an error, and never counts as none.
    let receipt: Receipt = serde_json::from_slice(&bytes).map_err(|error| failed("read", file, error))?;
    let needed = [("base_url", &receipt.base_url), ("name", &receipt.name), ("submission_id", &receipt.submission_id)];
    let missing = needed.into_iter().find(|(_, value)| value.is_empty()).map(|(member, _)| member);
    match missing {
        Some(member) => Err(StoreError::new(format!("cannot read `{}`: it has no `{member}`", file.display()))),
        None => Ok(Some(receipt)),
    }
}

fn has_extension(file: &Path, wanted: &str) -> bool {
    file.extension().is_some_and(|extension| extension == wanted)
}

/// Whether nobody writes this file any more.
fn is_left_over(file: &Path) -> bool {
    let age = fs::metadata(file).and_then(|metadata| metadata.modified()).ok().and_then(|time| time.elapsed().ok());
    age.is_some_and(|age| age > LEFT_OVER_AFTER)
}

fn failed(what: &str, path: &Path, error: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    StoreError::new(format!("cannot {what} `{}`", path.display())).with_source(error)
}

const EXTENSION: &str = "json";
const PART_EXTENSION: &str = "part";
const ALIVE_EXTENSION: &str = "alive";
const LOCK: &str = ".lock";

/// A file that was not moved to its place for so long was left by a process that died.
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
    async fn receipts_are_written_read_and_removed() {
        let scratch = tempfile::tempdir().unwrap();
        let store = ReceiptDirectory::new(scratch.path().join("made/when/needed"));
        let list = store.list().await.unwrap();
        assert!(list.receipts.is_empty() && list.unreadable.is_empty(), "{list:?}");
        let mut first = receipt("abcdefghijkl");
        assert_eq!(store.find(first.key()).await.unwrap(), None);
        assert_eq!(store.put(first.clone(), None).await.unwrap(), Put::Stored);
        first.progress = Progress::Ended { outcome: Outcome::Succeeded, workload_id: "w1".into() };
        assert_eq!(store.put(first.clone(), Some("one".into())).await.unwrap(), Put::Stored);
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
    async fn only_the_attempt_that_wrote_a_receipt_replaces_or_removes_it() {
        let scratch = tempfile::tempdir().unwrap();
        let (one, other) = (ReceiptDirectory::new(scratch.path()), ReceiptDirectory::new(scratch.path()));
        let mine = receipt("abcdefghijkl");
        let theirs = Receipt { attempt: "two".into(), ..mine.clone() };
        one.put(mine.clone(), None).await.unwrap();
        assert_eq!(other.put(theirs.clone(), None).await.unwrap(), Put::Conflict(Some(Box::new(mine.clone()))));
        assert_eq!(other.put(theirs.clone(), Some("one".into())).await.unwrap(), Put::Stored);
        // What the first one writes now would hide what the second one did.
        assert_eq!(
            one.put(mine.clone(), Some("one".into())).await.unwrap(),
            Put::Conflict(Some(Box::new(theirs.clone())))
        );
        assert!(!one.remove(mine.key(), "one".into()).await.unwrap());
        assert_eq!(one.find(mine.key()).await.unwrap(), Some(theirs));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn changes_to_one_receipt_keep_their_order_when_their_futures_are_dropped() {
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
    async fn a_receipt_that_is_broken_never_counts_as_none_and_hides_no_other() {
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
    async fn members_that_are_not_known_are_kept_and_missing_ones_have_defaults() {
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
    async fn leftovers_of_dead_processes_are_removed() {
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
    async fn a_mark_says_that_its_process_lives() {
        let scratch = tempfile::tempdir().unwrap();
        let store = ReceiptDirectory::new(scratch.path());
        assert!(!store.is_alive("abcdefghijkl".into()).await);
        let mark = store.mark_alive("abcdefghijkl".into()).await.unwrap();
        assert!(store.is_alive("abcdefghijkl".into()).await);
        drop(mark);
        assert!(!store.is_alive("abcdefghijkl".into()).await);
        // A process that was killed leaves the file, and no lock on it.
        fs::write(store.mark("abcdefghijkl"), "").unwrap();
        assert!(!store.is_alive("abcdefghijkl".into()).await);
    }

    #[tokio::test]
    async fn a_place_that_cannot_be_written_is_an_error() {
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("file");
        fs::write(&file, "").unwrap();
        let store = ReceiptDirectory::new(&file);
        assert!(store.put(receipt("abcdefghijkl"), None).await.unwrap_err().to_string().contains("cannot"));
    }
}
