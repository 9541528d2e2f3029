//! Write cleanup plugins for the besom host in Rust.
//!
//! A plugin says which rows have outlived their purpose. The host decides whether it may, how fast
//! and in which SQL, commits the rows in small batches and accounts for every one.
//!
//! This is a complete plugin:
//!
//! ```
//! use besom_plugin::prelude::*;
//!
//! struct Audit;
//!
//! impl Plugin for Audit {
//!     fn describe() -> Manifest {
//!         Manifest::new("audit", "1.0.0", "Deletes old rows of the audit log")
//!             .setting(Setting::duration("retention", "How long a row is kept").default("90d"))
//!             .job(Job::new("expired", "Rows past the retention").schedule("0 3 * * *"))
//!     }
//!
//!     fn plan(_job: &str) -> Result<Vec<Sweep>> {
//!         let cutoff = now() - setting::<Duration>("retention")?;
//!         let expired = column("created_at").older_than(cutoff);
//!         Ok(vec![delete("audit_log").matching(expired).order_by("created_at")])
//!     }
//! }
//!
//! besom_plugin::export!(Audit);
//! # fn main() {}
//! ```
//!
//! Build it with `crate-type = ["cdylib", "rlib"]` and `cargo build --release --target
//! wasm32-wasip2`, and hand the `.wasm` file to besom.
//!
//! # Testing
//!
//! What a plugin decides is plain data: [`Condition`], [`Sweep`] and [`TableAccess`] compare and
//! print. [`testing::FakeHost`] runs a job natively, without wasm and without a database, and says
//! which sweeps it opened. Whether the rows are the right ones only a real database can tell: that
//! is for the host's dry run.
//!
//! # What the host allows
//!
//! There is no file, socket, environment or clock in a component. A panic ends the run; its text
//! goes to the host's log. The host caps memory, time, rows, log lines and live handles; this crate
//! holds a handle only while a sweep is opened or running.

#![warn(missing_docs)]

mod access;
mod batch;
mod condition;
mod context;
mod display;
mod error;
mod finding;
#[cfg_attr(not(target_family = "wasm"), allow(dead_code))]
mod index;
mod join;
mod manifest;
mod plugin;
mod profile;
mod rows;
mod setting;
mod sweep;
mod time;
mod value;

#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub mod component;
#[cfg(not(target_family = "wasm"))]
pub mod testing;

// Who answers: the real host in a component, the fake one everywhere else.
#[cfg(target_family = "wasm")]
use component::host;
#[cfg(not(target_family = "wasm"))]
use testing::host;

/// Everything that a plugin uses: `use besom_plugin::prelude::*;`
pub mod prelude {
    pub use crate::access::{TableAccess, table};
    pub use crate::batch::{Batch, Outcome, Step};
    pub use crate::condition::{
        Column, Comparison, Condition, all, any, beyond_newest, column, everything, exists, not,
        not_exists,
    };
    pub use crate::context::{Level, log, now};
    pub use crate::error::{Error, Problem, Result};
    pub use crate::finding::{Finding, Severity};
    pub use crate::join::{Join, Related, join};
    pub use crate::manifest::{Job, Kind, Manifest, Setting};
    pub use crate::plugin::Plugin;
    pub use crate::profile::in_profile;
    pub use crate::rows::{Cells, Page, Read, Reader, Reading, count, read};
    pub use crate::setting::{FromSetting, SettingValue, setting};
    pub use crate::sweep::{
        Action, Assignment, Delete, Dependent, Opened, Sweep, Update, delete, update,
    };
    pub use crate::time::Timestamp;
    pub use crate::value::Value;
    pub use std::time::Duration;
}

pub use prelude::*;
