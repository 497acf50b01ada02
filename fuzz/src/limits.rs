//! Limits on the time and memory of a call.

use std::time::Duration;

use peak_alloc::PeakAlloc;

/// Counts allocations. libFuzzer's own limits apply to the whole process, which grows with the corpus, or to single
/// allocations.
#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Maximum memory that a call may allocate at any time, in bytes.
const MAX_MEMORY: usize = 64 * 1024 * 1024;

/// Maximum time of a call. The limit is 100 ms for [`MAX_LENGTH`](crate::MAX_LENGTH), and some calls read two texts.
/// Coverage instrumentation makes a program two to three times slower, and a debug build much more.
const MAX_TIME: Duration = Duration::from_millis(if cfg!(debug_assertions) { 3_000 } else { 400 });

/// Number of attempts: other processes on the machine may slow down a call.
const TRIES: usize = 5;

/// Calls `body`, and panics if it exceeds the limits.
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

/// Returns the CPU time of this thread, which excludes waiting on a busy machine.
#[cfg(unix)]
fn worked() -> Duration {
    use nix::time::{ClockId, clock_gettime};
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("a thread has a clock of its own").into()
}

/// Returns the wall-clock time, on platforms without a thread clock.
#[cfg(not(unix))]
fn worked() -> Duration {
    static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    START.elapsed()
}
