//! How long one call may take, and how much memory.

use std::time::Duration;

use peak_alloc::PeakAlloc;

/// Counts what is allocated. libFuzzer's own limits see the whole process, which grows with the corpus, or single
/// allocations.
#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Most bytes that one call may hold at any time, beyond those that were held before it.
const MAX_MEMORY: usize = 64 * 1024 * 1024;

/// The promise is 100 ms for [`MAX_LENGTH`](crate::MAX_LENGTH), and some calls read two texts. Counting branches makes a
/// program two or three times slower, and leaving optimisations out much more.
const MAX_TIME: Duration = Duration::from_millis(if cfg!(debug_assertions) { 3_000 } else { 400 });

/// Others on the machine take its caches and its memory; something is slow if it is slow every time.
const TRIES: usize = 5;

/// Calls `body`, and panics if it took too long or too much memory.
pub(crate) fn limited<T>(body: impl Fn() -> T) -> T {
    let mut fastest = Duration::MAX;
    for _ in 0..TRIES {
        MEMORY.reset_peak_usage();
        let before = MEMORY.current_usage();
        let start = worked();
        let result = body();
        fastest = fastest.min(worked().saturating_sub(start));
        let held = MEMORY.peak_usage().saturating_sub(before);
        assert!(held <= MAX_MEMORY, "a call held {held} bytes");
        if fastest <= MAX_TIME {
            return result;
        }
    }
    panic!("a call took {fastest:?} at best");
}

/// How long this thread has worked. How long it waits for a busy machine is not the fault of any input.
#[cfg(unix)]
fn worked() -> Duration {
    use nix::time::{ClockId, clock_gettime};
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("a thread has a clock of its own").into()
}

/// The clock on the wall, where no other is at hand.
#[cfg(not(unix))]
fn worked() -> Duration {
    static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    START.elapsed()
}
