//! What the process is told from outside.

use std::sync::Arc;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// What the process is told from outside.
#[derive(Debug, Clone, Default)]
pub struct Signals {
    /// Stop: SIGTERM or SIGINT.
    pub stop: CancellationToken,
    /// Read the configuration again: SIGHUP.
    pub reload: Arc<Notify>,
}

/// What a shell answers for a process that an interrupt ended.
const INTERRUPTED: i32 = 130;

impl Signals {
    /// Listens to the process's signals. A second SIGTERM or SIGINT leaves at once: the database rolls
    /// the batch in hand back, and the lease runs out.
    ///
    /// # Errors
    /// When the system does not let signals be caught.
    pub fn of_process() -> std::io::Result<Self> {
        let signals = Self::default();
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let mut hangup = signal(SignalKind::hangup())?;
        let (stop, reload) = (signals.stop.clone(), Arc::clone(&signals.reload));
        tokio::spawn(async move {
            asked_to_stop(&mut interrupt, &mut terminate).await;
            tracing::warn!("stopping after the batches in hand; a second signal stops at once");
            stop.cancel();
            asked_to_stop(&mut interrupt, &mut terminate).await;
            std::process::exit(INTERRUPTED);
        });
        tokio::spawn(async move {
            while hangup.recv().await.is_some() {
                reload.notify_one();
            }
        });
        Ok(signals)
    }
}

async fn asked_to_stop(interrupt: &mut Signal, terminate: &mut Signal) {
    tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
}
