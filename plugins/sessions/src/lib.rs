//! The sessions plugin: cleans up sessions that are over, with what hangs on them, and the keys
//! that signed them.
//!
//! `finished` and `inactive` are for the sessions of Matrix Authentication Service, `server` is for
//! opaque sessions of several tenants. What a job does, when and why stands in the README.

mod finished;
mod inactive;
mod manifest;
mod server;

use besom_plugin::prelude::*;

/// The plugin.
#[derive(Debug)]
pub struct Sessions;

impl Plugin for Sessions {
    fn describe() -> Manifest {
        manifest::manifest()
    }

    fn plan(job: &str) -> Result<Vec<Sweep>> {
        if !in_profile(&manifest::jobs(), job)? {
            return Ok(Vec::new());
        }
        if job == "expire-inactive" {
            return inactive::expire_inactive();
        }
        let cutoff = now() - setting::<Duration>("retention")?;
        let sweep = match job {
            "finished-compat" => finished::compat(cutoff),
            "finished-oauth2" => finished::oauth2(cutoff),
            "finished-browser" => finished::browser(cutoff),
            "pre-login" => server::pre_login(cutoff),
            "expired" => server::expired(cutoff),
            "idle" => server::idle(cutoff),
            "revoked" => server::revoked(cutoff),
            "signing-keys" => server::signing_keys(cutoff),
            _ => Err(Error::unknown_job(job)),
        };
        Ok(vec![sweep?])
    }
}

besom_plugin::export!(Sessions);
