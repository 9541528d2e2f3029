//! The tokens plugin: cleans up revoked, expired and consumed tokens and grants.
//!
//! Each file of this crate holds one family of tables; what a job deletes, when and why stands in
//! the README.

mod compat;
mod grants;
mod manifest;
mod oauth2;
mod rotating;

use besom_plugin::prelude::*;

/// The plugin.
#[derive(Debug)]
pub struct Tokens;

impl Plugin for Tokens {
    fn describe() -> Manifest {
        manifest::manifest()
    }

    fn plan(job: &str) -> Result<Vec<Sweep>> {
        if !in_profile(&manifest::jobs(), job)? {
            return Ok(Vec::new());
        }
        let cutoff = now() - setting::<Duration>("retention")?;
        match job {
            "revoked-access" => oauth2::revoked_access(cutoff),
            "expired-access" => oauth2::expired_access(cutoff),
            "revoked-refresh" => oauth2::revoked_refresh(cutoff),
            "consumed-refresh" => oauth2::consumed_refresh(cutoff),
            "authorization-grants" => grants::authorization_grants(cutoff),
            "device-code-grants" => grants::device_code_grants(cutoff),
            "compat-tokens" => compat::compat_tokens(cutoff),
            "refresh-tokens" => rotating::refresh_tokens(cutoff),
            _ => Err(Error::unknown_job(job)),
        }
    }

    fn preflight(job: &str) -> Result<Vec<Finding>> {
        match job {
            "expired-access" => oauth2::unprotected_refresh(),
            _ => Ok(Vec::new()),
        }
    }
}

besom_plugin::export!(Tokens);
