//! Compiled components on disk, so that a host starts in milliseconds.
//!
//! A file is named by the component's digest and by everything that its code depends on (engine
//! version, settings, processor), and begins with a checksum of its code. What is missing, torn or
//! from another engine is compiled anew; nothing here is ever needed.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use wasmtime::component::Component;

use super::digest::Digest;
use super::error::EngineError;

/// How the name of a file begins that is being written.
const UNFINISHED: &str = ".tmp";

/// Many times what writing a file takes: who began one longer ago has been killed.
const STALE: Duration = Duration::from_secs(60 * 60);

/// A folder of compiled components that only this user may write to.
#[derive(Debug)]
pub(super) struct CodeCache {
    folder: PathBuf,
    compatibility: u64,
}

impl CodeCache {
    /// Makes the folder where it is missing, and takes everybody else's rights to it away.
    pub(super) fn open(folder: PathBuf, engine: &wasmtime::Engine) -> Result<Self, EngineError> {
        if let Err(source) = make_private(&folder) {
            return Err(EngineError::Cache { folder, source });
        }
        clear(&folder);
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        Ok(Self {
            folder,
            compatibility: hasher.finish(),
        })
    }

    /// The compiled component, if a good one is there.
    pub(super) fn read(&self, engine: &wasmtime::Engine, digest: &Digest) -> Option<Component> {
        let file = fs::read(self.path(digest)).ok()?;
        let (checksum, code) = file.split_at_checked(size_of::<Digest>())?;
        if Digest::of(code).as_bytes() != checksum {
            tracing::debug!(%digest, "compiled plugin in the cache is damaged; compiling it anew");
            return None;
        }
        match deserialize(engine, code) {
            Ok(component) => Some(component),
            Err(error) => {
                tracing::debug!(%digest, %error, "compiled plugin in the cache does not load; compiling it anew");
                None
            }
        }
    }

    /// Keeps a compiled component. A failure costs the next start some time and nothing else.
    pub(super) fn write(&self, digest: &Digest, component: &Component) {
        let written = component
            .serialize()
            .map_err(io::Error::other)
            .and_then(|code| self.replace(digest, &code));
        if let Err(error) = written {
            tracing::warn!(%digest, %error, folder = %self.folder.display(), "a compiled plugin could not be cached");
        }
    }

    /// Keeps compiled code that no component has been made of yet.
    pub(super) fn keep(&self, digest: &Digest, code: &[u8]) -> io::Result<()> {
        self.replace(digest, code)
    }

    /// Where the code is.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    fn replace(&self, digest: &Digest, code: &[u8]) -> io::Result<()> {
        let mut file = tempfile::Builder::new()
            .prefix(UNFINISHED)
            .tempfile_in(&self.folder)?;
        file.write_all(Digest::of(code).as_bytes())?;
        file.write_all(code)?;
        file.persist(self.path(digest))?;
        Ok(())
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.folder
            .join(format!("{digest}-{:016x}.cwasm", self.compatibility))
    }
}

/// Removes what processes left that were killed while they wrote. Where that fails, the next one tries.
fn clear(folder: &Path) {
    let stale = |file: &fs::DirEntry| {
        let name = file.file_name();
        let written = file.metadata().and_then(|about| about.modified()).ok();
        let age = written.and_then(|at| at.elapsed().ok());
        name.to_string_lossy().starts_with(UNFINISHED) && age.is_some_and(|age| age > STALE)
    };
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    for file in files.filter(stale) {
        let _ = fs::remove_file(file.path());
    }
}

/// Whoever can write here can have the host run their machine code: the folder must be ours, and
/// ours alone.
#[cfg(unix)]
fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};

    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    // What we make is ours: its owner tells who we are.
    let ours = tempfile::tempfile_in(folder)?.metadata()?.uid();
    let owner = fs::metadata(folder)?.uid();
    if owner != ours {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!("it belongs to user {owner}, and this is user {ours}"),
        ));
    }
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

#[cfg(not(unix))]
fn make_private(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

#[allow(unsafe_code)] // the one place: code that this host compiled itself
fn deserialize(engine: &wasmtime::Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the bytes are exactly what `Component::serialize` gave (the checksum says so), in a
    // folder that nobody else may write to; wasmtime checks version and settings itself.
    unsafe { Component::deserialize(engine, code) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_process_left_half_written_goes_and_what_is_being_written_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let long_ago = std::time::SystemTime::now() - 2 * STALE;
        for (name, old) in [(".tmp1", true), (".tmp2", false), ("code.cwasm", true)] {
            let file = fs::File::create(path(name)).unwrap();
            if old {
                file.set_modified(long_ago).unwrap();
            }
        }

        clear(folder.path());

        assert!(!path(".tmp1").exists(), "nobody writes for two hours");
        assert!(path(".tmp2").exists() && path("code.cwasm").exists());
    }
}
