//! The upstream-oauth plugin: cleans up what logins through somebody else's identity provider leave
//! behind. What a job does, when and why stands in the README.

mod authorizations;
mod links;
mod manifest;
mod providers;

use besom_plugin::prelude::*;

/// The plugin.
#[derive(Debug)]
pub struct UpstreamOauth;

impl Plugin for UpstreamOauth {
    fn describe() -> Manifest {
        manifest::manifest()
    }

    fn plan(job: &str) -> Result<Vec<Sweep>> {
        if !in_profile(&manifest::jobs(), job)? {
            return Ok(Vec::new());
        }
        if job == "backfill-user-session" {
            return Ok(vec![authorizations::backfill_user_session()?]);
        }
        let cutoff = now() - setting::<Duration>("retention")?;
        let sweep = match job {
            "authorization-sessions" => authorizations::without_a_session(cutoff),
            "orphaned-links" => links::orphaned(cutoff),
            _ => Err(Error::unknown_job(job)),
        };
        Ok(vec![sweep?])
    }

    fn access(job: &str) -> Result<Vec<TableAccess>> {
        let plan = Self::plan(job)?;
        let mut access: Vec<_> = plan.iter().flat_map(Sweep::access).collect();
        if !plan.is_empty() {
            access.extend(providers::access()?);
        }
        Ok(TableAccess::merged(access))
    }

    fn preflight(job: &str) -> Result<Vec<Finding>> {
        match in_profile(&manifest::jobs(), job)? {
            true => providers::unknown(),
            false => Ok(Vec::new()),
        }
    }
}

besom_plugin::export!(UpstreamOauth);
