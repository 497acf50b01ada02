//! Where asynchronous work runs.

use crate::exit::Exit;
use crate::failure::Failure;

/// Does the work on threads of its own.
pub(crate) fn block_on(work: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|problem| Failure::usage(format!("cannot start: {problem}")))?;
    let done = runtime.block_on(work);
    // What still runs in the background has nothing more to give.
    runtime.shutdown_background();
    done
}
