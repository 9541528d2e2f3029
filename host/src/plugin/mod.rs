//! Plugins: sandboxed WebAssembly components.
//!
//! ```no_run
//! use besom::plugin::{Engine, EngineOptions, Settings};
//!
//! # async fn load() -> Result<(), Box<dyn std::error::Error>> {
//! let engine = Engine::new(EngineOptions::default())?;
//! let plugin = engine.load(&std::fs::read("tokens.wasm")?).await?;
//! let none = toml::Table::new();
//! for job in &plugin.manifest().jobs {
//!     let settings = Settings::resolve(plugin.manifest(), &job.name, &none, &none, &[])?;
//!     println!("{}: {:?}", job.name, plugin.access(&job.name, &settings).await?);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Three limits guard a guest: turns of the engine's clock for one that computes without end, a
//! deadline for the whole call, and the statement and lock timeouts of the rooms below; beside
//! them [`Limits`] bounds memory, handles, bytes, calls and lines. A guest has nothing ambient: no
//! file, no socket, no environment, and neither a real clock nor real randomness.
//!
//! `v1` holds what is generated from the contract and the conversion to and from the host's own
//! types. No generated type leaves it, and no check is made in it that another version of the
//! contract would have to repeat: those are in `guest` and `tree`, and in the rooms below.

mod apart;
mod cache;
mod call;
mod contract;
mod describe;
mod digest;
mod engine;
mod error;
mod guest;
mod guest_log;
mod limits;
mod load;
mod manifest;
mod output;
mod reading;
mod settings;
mod signature;
mod sizes;
mod sweeping;
mod tree;
mod usage;
mod v1;
mod wasi;

pub use apart::{COMMAND, compile_apart_by, compile_here};
pub use call::Plugin;
pub use describe::{ManifestError, is_name as is_job_name};
pub use digest::{Digest, DigestError};
pub use engine::{Engine, EngineOptions};
pub use error::{CallError, Cause, EngineError, LoadError, Site};
pub use limits::Limits;
pub use manifest::{Finding, Job, Manifest, Setting, SettingKind, Severity, TableAccess};
pub use settings::{SettingValue, Settings, SettingsError, ValueError, Whose};
pub use signature::{KeyError, PublicKey, SecretKey, Signature};
pub use usage::Usage;
