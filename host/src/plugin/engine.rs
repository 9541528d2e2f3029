//! The WebAssembly engine: one a host, shared by every plugin.

use std::path::PathBuf;
use std::sync::Arc;

use wasmtime::component::Linker;

use super::cache::CodeCache;
use super::error::EngineError;
use super::guest::State;
use super::limits::{Limits, TICK};
use super::v1;

/// How an [`Engine`] is set up.
#[derive(Debug, Clone, Default)]
pub struct EngineOptions {
    /// What one call into a plugin may use up.
    pub limits: Limits,
    /// The folder for compiled code, made private to this user; `None`: compile at every load.
    pub cache: Option<PathBuf>,
}

/// Compiles and runs plugins. A clone is another handle to the same engine.
#[derive(Clone)]
pub struct Engine(Arc<Shared>);

struct Shared {
    wasmtime: wasmtime::Engine,
    linker: Linker<State>,
    limits: Arc<Limits>,
    cache: Option<CodeCache>,
    /// One compiler at a time: each may take what a machine can spare.
    compiling: tokio::sync::Semaphore,
}

impl Engine {
    /// An engine, and a thread that keeps its clock until the last plugin of it is gone.
    ///
    /// # Errors
    ///
    /// A machine that cannot run it, or a cache folder that is not this user's alone.
    pub fn new(options: EngineOptions) -> Result<Self, EngineError> {
        let mut config = wasmtime::Config::new();
        config.wasm_component_model(true).epoch_interruption(true);
        let refused = |error: wasmtime::Error| EngineError::Engine(format!("{error:#}"));
        let wasmtime = wasmtime::Engine::new(&config).map_err(refused)?;
        let mut linker = Linker::new(&wasmtime);
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).map_err(refused)?;
        v1::add_to_linker(&mut linker).map_err(refused)?;
        let cache = options
            .cache
            .map(|folder| CodeCache::open(folder, &wasmtime))
            .transpose()?;
        start_clock(&wasmtime)?;
        Ok(Self(Arc::new(Shared {
            wasmtime,
            linker,
            limits: Arc::new(options.limits),
            cache,
            compiling: tokio::sync::Semaphore::new(1),
        })))
    }

    /// What one call into a plugin may use up.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    pub(super) fn shared_limits(&self) -> Arc<Limits> {
        Arc::clone(&self.0.limits)
    }

    pub(super) fn wasmtime(&self) -> &wasmtime::Engine {
        &self.0.wasmtime
    }

    pub(super) fn linker(&self) -> &Linker<State> {
        &self.0.linker
    }

    pub(super) fn compiling(&self) -> &tokio::sync::Semaphore {
        &self.0.compiling
    }

    pub(super) fn cache(&self) -> Option<&CodeCache> {
        self.0.cache.as_ref()
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine")
            .field("limits", &self.0.limits)
            .finish_non_exhaustive()
    }
}

/// An operating system's thread, because a task would wait behind the guests that it is to stop.
/// It holds the engine weakly and ends with it.
fn start_clock(engine: &wasmtime::Engine) -> Result<(), EngineError> {
    let engine = engine.weak();
    std::thread::Builder::new()
        .name("besom-clock".to_owned())
        .spawn(move || {
            loop {
                std::thread::sleep(TICK);
                match engine.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => return,
                }
            }
        })
        .map(drop)
        .map_err(EngineError::Ticker)
}
