//! A folder whose components are installed as they appear: for whoever writes a plugin.
//!
//! It is the same as `besom plugin install`, with every check, and under the file's policy. Other bytes
//! under the same version are taken, and what was rolled back or quarantined is not brought in again.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio_util::sync::CancellationToken;

use super::Shared;
use crate::plugin::{Digest, Limits, Signature};
use crate::runner::Install;
use crate::store::{self, Who};

/// What tells that a file is another one: when it was changed, and its length.
type Mark = (SystemTime, u64);

/// Follows the folder until the service stops.
pub(super) async fn watch(shared: Arc<Shared>, folder: PathBuf, stop: CancellationToken) {
    /// A compiler takes longer than this to write the next one.
    const LOOK: Duration = Duration::from_secs(1);
    let mut seen: BTreeMap<PathBuf, Mark> = BTreeMap::new();
    let mut done: BTreeMap<PathBuf, Mark> = BTreeMap::new();
    loop {
        let now = components(&folder);
        for (file, mark) in &now {
            // One that has just changed may be half written.
            let still = seen.get(file) == Some(mark);
            if still && done.get(file) != Some(mark) && bring(&shared, file).await {
                done.insert(file.clone(), *mark);
            }
        }
        seen = now;
        tokio::select! { () = tokio::time::sleep(LOOK) => {}, () = stop.cancelled() => return }
    }
}

/// The component files of the folder; none while it is away.
fn components(folder: &Path) -> BTreeMap<PathBuf, Mark> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let components = paths.filter(|path| path.extension().is_some_and(|end| end == "wasm"));
    let marked = components.filter_map(|path| {
        // Of what a link leads to; a pipe would be read for ever.
        let about = std::fs::metadata(&path)
            .ok()
            .filter(std::fs::Metadata::is_file)?;
        Some((path, (about.modified().ok()?, about.len())))
    });
    marked.collect()
}

/// A file's bytes; `None` where they are more than `limit`.
fn read(file: &Path, limit: usize) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let beyond = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    std::fs::File::open(file)?
        .take(beyond)
        .read_to_end(&mut bytes)?;
    Ok((bytes.len() <= limit).then_some(bytes))
}

/// Installs a component; false where the database has to be asked again.
async fn bring(shared: &Shared, file: &Path) -> bool {
    let file_name = file.display();
    let component = match read(file, Limits::default().component_bytes) {
        Ok(Some(component)) => component,
        Ok(None) => {
            tracing::error!("{file_name} is not installed: it is larger than any plugin may be");
            return true;
        }
        Err(_) => return true, // it has gone again
    };
    let digest = Digest::of(&component);
    match store::was_undone(shared.database(), &digest).await {
        Ok(false) => {}
        Ok(true) => {
            tracing::info!(file = %file_name, %digest, "rolled back or quarantined before, and not installed again");
            return true;
        }
        Err(error) => {
            tracing::debug!(%error, "the ledger does not say what became of a component");
            return false;
        }
    }
    let beside = PathBuf::from(format!("{file_name}.sig"));
    let signature = std::fs::read_to_string(beside).ok();
    let signature = signature.and_then(|text| text.parse::<Signature>().ok());
    let install = Install {
        component,
        signature,
        who: Who {
            name: shared.name().to_owned(),
            origin: file_name.to_string(),
        },
        dry_run: false,
        shadow: None,
        same_version: true,
    };
    match shared.host().install(&install).await {
        Ok(installed) => {
            let (plugin, version) = (&installed.plugin, &installed.version);
            tracing::info!(file = %file_name, plugin, version, standing = ?installed.place, "installed");
            true
        }
        Err(error) if error.passes() => {
            tracing::debug!(%error, "the database does not answer yet");
            false
        }
        Err(error) => {
            tracing::error!("{file_name} is not installed: {error}");
            true
        }
    }
}
