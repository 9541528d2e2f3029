//! Tokens of compatibility sessions: the clients that log in as they did before OAuth 2.0.

use besom_plugin::prelude::*;

/// Refresh tokens consumed before `cutoff`, then access tokens expired before it, of sessions that
/// are still active. The tokens of a finished session go with the session.
///
/// Refresh tokens first: each holds its access token by a foreign key. An access token whose refresh
/// token is not consumed stays, as a blocked row.
pub(crate) fn compat_tokens(cutoff: Timestamp) -> Result<Vec<Sweep>> {
    let consumed_at: String = setting("compat-refresh-tokens-consumed-at-column")?;
    let access_tokens: String = setting("compat-access-tokens-table")?;
    let expires_at: String = setting("compat-access-tokens-expires-at-column")?;

    let consumed = all([
        column(&consumed_at).older_than(cutoff),
        of_an_active_session(setting("compat-refresh-tokens-session-column")?)?,
    ]);
    let expired = all([
        column(&expires_at).older_than(cutoff),
        of_an_active_session(setting("compat-access-tokens-session-column")?)?,
    ]);
    Ok(vec![
        delete(setting::<String>("compat-refresh-tokens-table")?)
            .matching(consumed)
            .order_by(consumed_at),
        delete(&access_tokens)
            .matching(expired)
            .order_by(&expires_at)
            .also_touches(table(&access_tokens).expiry(&expires_at)),
    ])
}

fn of_an_active_session(session: String) -> Result<Condition> {
    let finished_at: String = setting("compat-sessions-finished-at-column")?;
    let id: String = setting("compat-sessions-id-column")?;
    Ok(exists(
        setting::<String>("compat-sessions-table")?,
        join(id).to(session).matching(column(finished_at).is_null()),
    ))
}
