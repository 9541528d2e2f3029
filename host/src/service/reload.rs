//! The configuration, read again while the service runs, and the versions of plugins, taken up.
//!
//! A changed file is read and checked whole, its plugins are loaded, and only then does it take the
//! place of the one before. One that is wrong changes nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::Shared;
use crate::config::{Config, ConfigError, LogConfig};
use crate::runner::RunnerError;

/// Reads the configuration, and tells whether it may have changed.
pub struct Loader {
    /// Reads and checks the file.
    pub load: Box<dyn Fn() -> Result<Config, ConfigError> + Send + Sync>,
    /// The text of the file; `None` where it cannot be read just now.
    pub text: Box<dyn Fn() -> Option<String> + Send + Sync>,
}

/// Follows the file until the service stops.
pub(super) async fn watch(
    shared: Arc<Shared>,
    loader: Loader,
    asked: Arc<Notify>,
    stop: CancellationToken,
) {
    /// A file is a few kilobytes, and looking is cheaper than any notice of the system's, which also
    /// misses what is mounted from elsewhere.
    const LOOK: Duration = Duration::from_secs(1);
    /// Looks for which an editor may have the file away before that is worth a word.
    const AWAY: u32 = 3;
    let mut known = (loader.text)();
    let begun = Begun::with(shared.host().config());
    let mut again = false;
    let mut away = 0;
    loop {
        let asked = tokio::select! {
            () = asked.notified() => true,
            () = tokio::time::sleep(LOOK) => false,
            () = stop.cancelled() => return,
        };
        let text = (loader.text)();
        away = if text.is_none() { away + 1 } else { 0 };
        if away == AWAY {
            tracing::warn!("the configuration file cannot be read; what it said stays in force");
        }
        // An editor may have the file away for a moment.
        if !asked && !again && (text.is_none() || text == known) {
            follow(&shared).await;
            continue;
        }
        known = text;
        super::systemd::reloading();
        match swap(&shared, &loader, &begun).await {
            Ok(()) => {
                again = false;
                shared.metrics().reload("in-force");
                tracing::info!("the configuration was read again and is in force");
            }
            Err(error) if error.downcast_ref().is_some_and(RunnerError::passes) => {
                if !again {
                    tracing::warn!("the configuration waits for the database: {error:#}");
                }
                again = true;
            }
            Err(error) => {
                again = false;
                shared.metrics().reload("refused");
                tracing::error!("the configuration before stays in force: {error:#}");
            }
        }
        super::systemd::ready();
    }
}

/// Takes up the versions of plugins that the ledger says are to run. In the same loop as the file, so
/// that neither undoes what the other has just swapped.
async fn follow(shared: &Shared) {
    match shared.host().followed().await {
        Ok(None) => {}
        Ok(Some(host)) => {
            shared.swap(host);
            shared.look_now();
            shared.metrics().reload("followed");
            tracing::info!("the versions of plugins that the ledger names are in force");
        }
        Err(error) => tracing::debug!(%error, "the ledger does not say which versions are to run"),
    }
}

/// What is taken from the file once, when the service starts.
struct Begun {
    log: LogConfig,
    listen: Option<SocketAddr>,
    concurrency: usize,
}

impl Begun {
    fn with(config: &Config) -> Self {
        Self {
            log: config.log.clone(),
            listen: config.http.listen,
            concurrency: config.host.concurrency,
        }
    }

    /// Says what of a file waits for the next start.
    fn compare(&self, config: &Config) {
        if config.log != self.log {
            tracing::warn!("[log] is in use as it was: restart besom for it");
        }
        if config.http.listen != self.listen {
            tracing::warn!("the address of [http] is in use as it was: restart besom for another");
        }
        if config.host.concurrency != self.concurrency {
            tracing::warn!(
                "`concurrency` of [host] is in use as it was: restart besom for another"
            );
        }
    }
}

async fn swap(shared: &Shared, loader: &Loader, begun: &Begun) -> anyhow::Result<()> {
    let config = (loader.load)()?;
    let host = shared.host().reloaded(config).await?;
    begun.compare(host.config());
    host.report_running().await?;
    shared.swap(host);
    shared.look_now();
    Ok(())
}
