//! Notifications to systemd; without effect where the process was not started by it.

use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

use super::Shared;

/// The service does its work.
pub(super) fn ready() {
    say(&[NotifyState::Ready]);
}

/// The configuration is being read again.
pub(super) fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => say(&[NotifyState::Reloading, now]),
        Err(error) => tracing::debug!(%error, "systemd was not told"),
    }
}

/// The service is about to end.
pub(super) fn stopping() {
    say(&[NotifyState::Stopping]);
}

/// Says that the service is alive while its scheduler goes round, also while the database is away:
/// a restart would not bring that back.
pub(super) async fn watchdog(shared: Arc<Shared>, stop: CancellationToken) {
    /// Rounds of the scheduler that may be late on a machine that is busy.
    const SILENCE: i64 = 30;
    let Some(within) = sd_notify::watchdog_enabled() else {
        return;
    };
    let mut beat = tokio::time::interval((within / 2).max(Duration::from_millis(100)));
    loop {
        tokio::select! { _ = beat.tick() => {}, () = stop.cancelled() => return }
        if shared.health().silent_seconds() < SILENCE {
            say(&[NotifyState::Watchdog]);
        }
    }
}

fn say(what: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(what) {
        tracing::debug!(%error, "systemd was not told");
    }
}
