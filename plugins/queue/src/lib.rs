//! The queue plugin: clears background jobs that have run, and the workers that ran them.
//!
//! What a job does, when and why stands in the README.

mod finished;
mod manifest;
mod workers;

use besom_plugin::prelude::*;

/// The plugin.
#[derive(Debug)]
pub struct Queue;

impl Plugin for Queue {
    fn describe() -> Manifest {
        manifest::manifest()
    }

    fn plan(job: &str) -> Result<Vec<Sweep>> {
        if !in_profile(&manifest::jobs(), job)? {
            return Ok(Vec::new());
        }
        let retention: Duration = setting("retention")?;
        match job {
            "finished" => finished::finished(now() - retention),
            "workers" => workers::workers(retention),
            _ => Err(Error::unknown_job(job)),
        }
    }
}

besom_plugin::export!(Queue);
