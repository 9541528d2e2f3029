//! Work that finishes whatever is dropped.

use std::future::Future;

use tokio_util::task::TaskTracker;
use tracing::Instrument;

use super::DatabaseError;

/// The database work of one run. Each piece runs in a task of its own; dropping the future that
/// waits for it leaves the piece running, and [`Work::finished`] waits for it all the same. What a
/// piece logs is logged where it was begun.
#[derive(Debug, Clone, Default)]
pub struct Work {
    tracker: TaskTracker,
}

impl Work {
    /// Runs `piece` to its end and answers what it answered.
    ///
    /// # Errors
    /// Only when the piece panicked or the runtime is going down.
    pub async fn run<T, F>(&self, piece: F) -> Result<T, DatabaseError>
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        self.tracker
            .spawn(piece.in_current_span())
            .await
            .map_err(|failure| {
                DatabaseError::other("task", format!("a database task did not finish: {failure}"))
            })
    }

    /// Waits until every piece has ended. New ones may not be started afterwards.
    pub async fn finished(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_piece_goes_on_when_the_one_who_waits_is_dropped() {
        let work = Work::default();
        let done = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&done);
        let waiting = work.run(async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            flag.store(true, Ordering::SeqCst);
        });

        let dropped = tokio::time::timeout(Duration::from_millis(5), waiting).await;
        assert!(dropped.is_err(), "the waiting future was dropped half-way");

        work.finished().await;
        assert!(done.load(Ordering::SeqCst));
    }
}
