//! What a plugin author implements.

use crate::access::{TableAccess, merged};
use crate::error::{Error, Result};
use crate::finding::Finding;
use crate::manifest::Manifest;
use crate::sweep::Sweep;

/// A plugin: a type without a value, since every call may meet a fresh instance.
///
/// [`describe`](Self::describe) and [`plan`](Self::plan) make a complete plugin: what a job may
/// touch and how it runs follow from the sweeps that it plans, so the two can never differ. A job
/// that decides on its way implements [`run`](Self::run) and [`access`](Self::access) instead.
pub trait Plugin {
    /// What the plugin says about itself: the same answer always. Settings, clock and log are not
    /// there yet.
    fn describe() -> Manifest;

    /// The sweeps of a job, in order, under the settings in force. None: the job has nothing to do
    /// here.
    ///
    /// # Errors
    ///
    /// What is wrong with the settings, or [`Error::unknown_job`].
    fn plan(job: &str) -> Result<Vec<Sweep>> {
        Err(Error::unknown_job(job))
    }

    /// What the job touches under the settings in force. By default, what its plan touches.
    ///
    /// # Errors
    ///
    /// What is wrong with the settings.
    fn access(job: &str) -> Result<Vec<TableAccess>> {
        Ok(merged(Self::plan(job)?.iter().flat_map(Sweep::access)))
    }

    /// Looks for data or settings that would make the job fail or do harm. Changes nothing.
    ///
    /// # Errors
    ///
    /// What kept it from looking.
    fn preflight(job: &str) -> Result<Vec<Finding>> {
        let _ = job;
        Ok(Vec::new())
    }

    /// Runs the job until it is drained or the host suspends it. By default, drains the sweeps of
    /// its plan one after the other.
    ///
    /// # Errors
    ///
    /// What failed; the host logs it and decides about another try.
    fn run(job: &str) -> Result<()> {
        for sweep in Self::plan(job)? {
            if !sweep.drain()?.is_drained() {
                break;
            }
        }
        Ok(())
    }
}

/// Makes a [`Plugin`] the one that this component exports. Does nothing on other targets, so that
/// the crate's unit tests build and run natively.
#[macro_export]
macro_rules! export {
    ($plugin:ty) => {
        #[cfg(target_family = "wasm")]
        #[allow(unsafe_code, missing_docs)]
        const _: () = {
            type Component = $crate::component::Component<$plugin>;
            $crate::component::bindings::export!(Component with_types_in $crate::component::bindings);
        };
    };
}
