//! Sessions that nobody has used for a while: finished, not deleted.

use besom_plugin::prelude::*;

/// Finishes the compatibility, OAuth 2.0 and browser sessions last active longer ago than the
/// `ttl`, of the kinds that the settings name. A session that was never active has no such time and
/// stays open.
pub(crate) fn expire_inactive() -> Result<Vec<Sweep>> {
    let ttl: Duration = setting("ttl")?;
    if ttl.is_zero() {
        return Err(Error::invalid(
            "no-ttl",
            "setting `ttl` is 0, which would finish every session: give it a length of time",
        ));
    }
    let cutoff = now() - ttl;
    let mut sweeps = Vec::new();
    if setting("expire-compat-sessions")? {
        sweeps.push(expire("compat-sessions", Vec::new(), cutoff)?);
    }
    if setting("expire-oauth2-sessions")? {
        sweeps.push(expire("oauth2-sessions", of_a_person()?, cutoff)?);
    }
    if setting("expire-user-sessions")? {
        sweeps.push(expire("user-sessions", Vec::new(), cutoff)?);
    }
    match sweeps.is_empty() {
        false => Ok(sweeps),
        true => Err(Error::invalid(
            "nothing-to-expire",
            "`expire-compat-sessions`, `expire-oauth2-sessions` and `expire-user-sessions` are all \
             false: set one of them, or do not name the job",
        )),
    }
}

fn expire(kind: &str, and: Vec<Condition>, cutoff: Timestamp) -> Result<Sweep> {
    let sessions: String = setting(&format!("{kind}-table"))?;
    let finished_at: String = setting(&format!("{kind}-finished-at-column"))?;
    let last_active_at: String = setting(&format!("{kind}-last-active-at-column"))?;

    let mut inactive = vec![
        column(&finished_at).is_null(),
        column(&last_active_at).older_than(cutoff),
    ];
    inactive.extend(and);
    Ok(update(sessions)
        .set(finished_at, now())
        .matching(all(inactive))
        .order_by(last_active_at))
}

/// A session of somebody's, with a client that registered itself: a client that acts for itself, and one
/// that the operator wrote into the server's configuration, keep theirs.
fn of_a_person() -> Result<Vec<Condition>> {
    let user: String = setting("oauth2-sessions-user-column")?;
    let mut conditions = vec![column(user).is_not_null()];
    if setting("keep-static-clients")? {
        let client: String = setting("oauth2-sessions-client-column")?;
        let id: String = setting("oauth2-clients-id-column")?;
        let is_static: String = setting("oauth2-clients-static-column")?;
        conditions.push(not_exists(
            setting::<String>("oauth2-clients-table")?,
            join(id).to(client).matching(column(is_static).equals(true)),
        ));
    }
    Ok(conditions)
}
