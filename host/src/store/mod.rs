//! Versions of plugins in the ledger, and which of them the hosts run.
//!
//! `besom plugin install` puts a component into the ledger by its SHA-256, and every host that shares
//! the database takes it up. Nothing in these tables is trusted, because whoever can write the database
//! could otherwise have code of his own run: the bytes are held against their digest, the digest against
//! the file's pins, the signature against the file's keys ([`Trust`]), and what the version asks for
//! against the grant, each time that it is loaded.
//!
//! A [`Deployment`] says what runs. It changes by compare-and-set on a counter, so that two who decide
//! at once do not undo each other, and polling the counters ([`counters`]) tells a host that something
//! is new.

mod audit;
mod collect;
mod components;
mod deployments;
mod error;
mod generations;
mod quarantine;
mod rows;
mod trust;

pub use audit::{
    Action, Audit, AuditRecord, Brought, Outcome, Who, audit, comparisons, refusals, was_undone,
};
pub use collect::collect;
pub(crate) use components::namesake_of;
pub use components::{Component, Load, component, components, load, size};
pub use deployments::{
    Counters, Deployment, Shadow, change, change_with, counters, deployment, deployments,
    shadow_ran,
};
pub use error::StoreError;
pub(crate) use generations::forget;
pub use generations::{Generation, State, Verdict, generations, report, verdict};
pub use quarantine::{EVERY_JOB, STRIKES, Suspended, absolve, clear, strike, suspended};
pub use trust::{Trust, Untrusted};
