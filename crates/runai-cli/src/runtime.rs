//! The tokio runtime of commands.

use crate::exit::Exit;
use crate::failure::Failure;

/// Runs `work` on a new runtime with two worker threads.
pub(crate) fn block_on(work: impl Future<Output = Result<Exit, Failure>>) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|problem| Failure::usage(format!("cannot start the async runtime: {problem}")))?;
    let done = runtime.block_on(work);
    // The result does not depend on background tasks.
    runtime.shutdown_background();
    done
}
