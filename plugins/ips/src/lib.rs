//! The ips plugin: forgets where sessions were used from, once nobody has used them for a while.
//!
//! The sessions stay, whatever their state. What a job does, when and why stands in the README.

mod addresses;
mod manifest;

use besom_plugin::prelude::*;

/// The plugin.
#[derive(Debug)]
pub struct Ips;

impl Plugin for Ips {
    fn describe() -> Manifest {
        manifest::manifest()
    }

    fn plan(job: &str) -> Result<Vec<Sweep>> {
        if !in_profile(&manifest::jobs(), job)? {
            return Ok(Vec::new());
        }
        let cutoff = now() - setting::<Duration>("retention")?;
        let sweep = match job {
            "inactive-oauth2" => addresses::nullable("oauth2-sessions", cutoff),
            "inactive-compat" => addresses::nullable("compat-sessions", cutoff),
            "inactive-browser" => addresses::nullable("user-sessions", cutoff),
            "inactive-personal" => addresses::nullable("personal-sessions", cutoff),
            "server-sessions" => addresses::not_null("sessions", cutoff),
            _ => Err(Error::unknown_job(job)),
        };
        Ok(vec![sweep?])
    }
}

besom_plugin::export!(Ips);
