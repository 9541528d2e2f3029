//! Sessions that have been finished for a while, and what hangs on them.

use besom_plugin::prelude::*;

/// Compatibility sessions finished before `cutoff`, with their tokens and logins. Refresh tokens go
/// first: each holds its access token by a foreign key.
pub(crate) fn compat(cutoff: Timestamp) -> Result<Sweep> {
    let sessions: String = setting("compat-sessions-table")?;
    let id: String = setting("compat-sessions-id-column")?;
    let finished_at: String = setting("compat-sessions-finished-at-column")?;

    let of_the_session = |column: &str| Ok::<_, Error>(join(setting::<String>(column)?).to(&id));
    Ok(delete(sessions)
        .matching(column(&finished_at).older_than(cutoff))
        .order_by(finished_at)
        .delete_first(
            setting::<String>("compat-refresh-tokens-table")?,
            of_the_session("compat-refresh-tokens-session-column")?,
        )
        .delete_first(
            setting::<String>("compat-access-tokens-table")?,
            of_the_session("compat-access-tokens-session-column")?,
        )
        .delete_first(
            setting::<String>("compat-sso-logins-table")?,
            of_the_session("compat-sso-logins-session-column")?,
        ))
}

/// OAuth 2.0 sessions finished before `cutoff`, with their tokens and device codes. A session that an
/// authorization grant refers to stays until the grant has gone.
pub(crate) fn oauth2(cutoff: Timestamp) -> Result<Sweep> {
    let sessions: String = setting("oauth2-sessions-table")?;
    let id: String = setting("oauth2-sessions-id-column")?;
    let finished_at: String = setting("oauth2-sessions-finished-at-column")?;
    let refresh_tokens: String = setting("oauth2-refresh-tokens-table")?;
    let access_token: String = setting("oauth2-refresh-tokens-access-token-column")?;
    let next: String = setting("oauth2-refresh-tokens-next-column")?;

    let of_the_session = |column: &str| Ok::<_, Error>(join(setting::<String>(column)?).to(&id));
    Ok(delete(sessions)
        .matching(column(&finished_at).older_than(cutoff))
        .order_by(finished_at)
        .delete_first(
            &refresh_tokens,
            of_the_session("oauth2-refresh-tokens-session-column")?,
        )
        .delete_first(
            setting::<String>("oauth2-access-tokens-table")?,
            of_the_session("oauth2-access-tokens-session-column")?,
        )
        // Whatever refresh token points at a deleted token forgets it.
        .sets_null(&refresh_tokens, access_token)
        .sets_null(refresh_tokens, next)
        .cascades_to(
            setting::<String>("device-code-grants-table")?,
            setting::<String>("device-code-grants-session-column")?,
        ))
}

/// Browser sessions finished before `cutoff` that nothing was ever logged in from, or from which
/// everything has gone. Until then a session stays, finished children or not: back-channel logout
/// walks through it from the upstream session to the sessions below.
pub(crate) fn browser(cutoff: Timestamp) -> Result<Sweep> {
    let sessions: String = setting("user-sessions-table")?;
    let id: String = setting("user-sessions-id-column")?;
    let finished_at: String = setting("user-sessions-finished-at-column")?;

    let of_the_session = |column: &str| Ok::<_, Error>(join(setting::<String>(column)?).to(&id));
    let childless = all([
        column(&finished_at).older_than(cutoff),
        not_exists(
            setting::<String>("oauth2-sessions-table")?,
            of_the_session("oauth2-sessions-user-session-column")?,
        ),
        not_exists(
            setting::<String>("compat-sessions-table")?,
            of_the_session("compat-sessions-user-session-column")?,
        ),
    ]);
    Ok(delete(sessions)
        .matching(childless)
        .order_by(finished_at)
        .delete_first(
            setting::<String>("user-session-authentications-table")?,
            of_the_session("user-session-authentications-user-session-column")?,
        )
        .cascades_to(
            setting::<String>("compat-sso-logins-table")?,
            setting::<String>("compat-sso-logins-user-session-column")?,
        )
        // There are none, or the session would stay; but until 2026 the key had this rule.
        .sets_null(
            setting::<String>("compat-sessions-table")?,
            setting::<String>("compat-sessions-user-session-column")?,
        )
        .sets_null(
            setting::<String>("upstream-authorization-sessions-table")?,
            setting::<String>("upstream-authorization-sessions-user-session-column")?,
        )
        .sets_null(
            setting::<String>("email-authentications-table")?,
            setting::<String>("email-authentications-user-session-column")?,
        )
        .sets_null(
            setting::<String>("authorization-grants-table")?,
            setting::<String>("authorization-grants-user-session-column")?,
        ))
}
