//! Sessions that nobody has used for a while: finished, not deleted.

use besom_plugin::prelude::*;

/// Finishes the compatibility, OAuth 2.0 and browser sessions last active longer ago than the
/// `ttl`. A session that was never active has no such time and stays open.
pub(crate) fn expire_inactive() -> Result<Vec<Sweep>> {
    let ttl: Duration = setting("ttl")?;
    if ttl.is_zero() {
        return Err(Error::invalid(
            "no-ttl",
            "setting `ttl` is 0, which would finish every session: give it a length of time",
        ));
    }
    ["compat-sessions", "oauth2-sessions", "user-sessions"]
        .into_iter()
        .map(|kind| expire(kind, now() - ttl))
        .collect()
}

fn expire(kind: &str, cutoff: Timestamp) -> Result<Sweep> {
    let sessions: String = setting(&format!("{kind}-table"))?;
    let finished_at: String = setting(&format!("{kind}-finished-at-column"))?;
    let last_active_at: String = setting(&format!("{kind}-last-active-at-column"))?;

    let inactive = all([
        column(&finished_at).is_null(),
        column(&last_active_at).older_than(cutoff),
    ]);
    Ok(update(sessions)
        .set(finished_at, now())
        .matching(inactive)
        .order_by(last_active_at))
}
