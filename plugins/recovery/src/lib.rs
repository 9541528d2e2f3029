//! The recovery plugin: cleans up what is left of recovering an account, making one, and proving that an
//! address belongs to somebody. What a job does, when and why stands in the README.

mod emails;
mod manifest;
mod recovery;
mod resets;

use besom_plugin::prelude::*;

/// The plugin.
#[derive(Debug)]
pub struct Recovery;

impl Plugin for Recovery {
    fn describe() -> Manifest {
        manifest::manifest()
    }

    fn plan(job: &str) -> Result<Vec<Sweep>> {
        if !in_profile(&manifest::jobs(), job)? {
            return Ok(Vec::new());
        }
        let cutoff = now() - setting::<Duration>("retention")?;
        match job {
            "recovery-sessions" => Ok(vec![recovery::sessions(cutoff)?]),
            "registrations" => Ok(vec![emails::registrations(cutoff)?]),
            "email-authentications" => Ok(vec![emails::authentications(cutoff)?]),
            "password-resets" => resets::used_or_expired(cutoff),
            _ => Err(Error::unknown_job(job)),
        }
    }
}

besom_plugin::export!(Recovery);
