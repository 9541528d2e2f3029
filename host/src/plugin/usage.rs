//! What one call took of the machine.
//!
//! Processor time is that of the thread while it runs the guest: neither turns of the engine's clock nor
//! the time that passes say how much it was. A guest waits most of the time, and what it waits for is
//! counted out where it runs on the guest's own thread.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What one call took of the machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes of linear memory, all memories of the guest together, at most.
    pub memory_peak: u64,
    /// Processor time of the guest: its start, its code, and the conversion of what it and the host
    /// tell each other. What the host and the database do for it is not part of it.
    pub cpu: Duration,
}

/// Counts a guest's processor time. A clone counts into the same sum.
#[derive(Debug, Clone, Default)]
pub(super) struct Meter(Arc<Sums>);

/// Nanoseconds.
#[derive(Debug, Default)]
struct Sums {
    /// Of the guest and everything within.
    guest: AtomicU64,
    /// Of what the host does within.
    host: AtomicU64,
}

impl Meter {
    /// Counts each turn of a call into the guest.
    pub(super) async fn guest<T>(&self, call: impl Future<Output = T>) -> T {
        timed(call, &self.0.guest).await
    }

    /// Counts out each turn of what the host does for the guest within such a call.
    pub(super) fn beside<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        let sums = Arc::clone(&self.0);
        async move { timed(work, &sums.host).await }
    }

    /// The guest's own time so far.
    pub(super) fn cpu(&self) -> Duration {
        let guest = self.0.guest.load(Ordering::Relaxed);
        Duration::from_nanos(guest.saturating_sub(self.0.host.load(Ordering::Relaxed)))
    }
}

/// A future may go on in another thread at each turn, so each turn is measured by itself; one that is
/// dropped between two of them leaves nothing out.
async fn timed<T>(work: impl Future<Output = T>, sum: &AtomicU64) -> T {
    let mut work = pin!(work);
    poll_fn(|context| {
        let began = thread_time();
        let turn = work.as_mut().poll(context);
        let took = thread_time().saturating_sub(began);
        sum.fetch_add(took, Ordering::Relaxed);
        turn
    })
    .await
}

/// Nanoseconds that this thread has computed.
#[cfg(unix)]
fn thread_time() -> u64 {
    use rustix::time::{ClockId, clock_gettime};
    let now = clock_gettime(ClockId::ThreadCPUTime);
    let nanos = i128::from(now.tv_sec) * 1_000_000_000 + i128::from(now.tv_nsec);
    u64::try_from(nanos).unwrap_or_default()
}

/// Nanoseconds that have passed: the nearest there is without a clock of the thread's.
#[cfg(not(unix))]
fn thread_time() -> u64 {
    static BEGAN: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    let began = BEGAN.get_or_init(std::time::Instant::now);
    u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keeps the thread busy until it has computed for so long, however busy the machine is.
    fn compute(millis: u64) {
        let ends = thread_time() + millis * 1_000_000;
        while thread_time() < ends {
            std::hint::spin_loop();
        }
    }

    #[tokio::test]
    async fn a_guest_is_charged_for_what_it_computes_and_not_for_what_it_waits_for() {
        let meter = Meter::default();
        let inner = meter.clone();

        let call = async move {
            compute(20);
            tokio::time::sleep(Duration::from_millis(200)).await;
            inner.beside(async { compute(100) }).await;
            compute(20);
        };
        meter.guest(call).await;

        let cpu = meter.cpu();
        assert!(cpu >= Duration::from_millis(40), "{cpu:?}");
        assert!(cpu < Duration::from_millis(90), "{cpu:?}");
    }

    #[tokio::test]
    async fn a_call_that_is_dropped_is_charged_for_the_turns_that_it_had() {
        let meter = Meter::default();
        let call = meter.guest(async {
            compute(20);
            std::future::pending::<()>().await;
        });
        let cut_off = tokio::time::timeout(Duration::from_millis(50), call).await;

        assert!(cut_off.is_err());
        assert!(
            meter.cpu() >= Duration::from_millis(20),
            "{:?}",
            meter.cpu()
        );
    }
}
