//! OAuth 2.0 access and refresh tokens.

use besom_plugin::prelude::*;

/// Access tokens that were revoked before `cutoff`.
pub(crate) fn revoked_access(cutoff: Timestamp) -> Result<Vec<Sweep>> {
    let revoked_at: String = setting("oauth2-access-tokens-revoked-at-column")?;

    let revoked = column(&revoked_at).older_than(cutoff);
    Ok(vec![delete_access_tokens(revoked)?.order_by(revoked_at)])
}

/// Access tokens that expired before `cutoff`. While a live refresh token points at one, it stays:
/// its row is how the server tells whether it was ever used, and so whether a second use of the
/// refresh token is a retry or a theft.
pub(crate) fn expired_access(cutoff: Timestamp) -> Result<Vec<Sweep>> {
    let tokens: String = setting("oauth2-access-tokens-table")?;
    let expires_at: String = setting("oauth2-access-tokens-expires-at-column")?;

    let mut eligible = vec![column(&expires_at).older_than(cutoff)];
    if setting("protect-refresh")? {
        eligible.push(without_live_refresh_token()?);
    }
    Ok(vec![
        delete_access_tokens(all(eligible))?
            .order_by(&expires_at)
            .also_touches(table(tokens).expiry(&expires_at)),
    ])
}

/// Refresh tokens that were revoked before `cutoff`.
pub(crate) fn revoked_refresh(cutoff: Timestamp) -> Result<Vec<Sweep>> {
    let revoked_at: String = setting("oauth2-refresh-tokens-revoked-at-column")?;

    let revoked = column(&revoked_at).older_than(cutoff);
    Ok(vec![delete_refresh_tokens(revoked)?.order_by(revoked_at)])
}

/// Refresh tokens that were consumed before `cutoff` and whose successor is consumed, or gone. Until
/// its successor is used, a consumed token stays: the client may not have received the successor. One
/// that is to be consumed at a time to come is not yet.
pub(crate) fn consumed_refresh(cutoff: Timestamp) -> Result<Vec<Sweep>> {
    let tokens: String = setting("oauth2-refresh-tokens-table")?;
    let id: String = setting("oauth2-refresh-tokens-id-column")?;
    let next: String = setting("oauth2-refresh-tokens-next-column")?;
    let consumed_at: String = setting("oauth2-refresh-tokens-consumed-at-column")?;

    let successor_is_consumed = exists(
        tokens,
        join(id)
            .to(&next)
            .matching(column(&consumed_at).older_than(now())),
    );
    let eligible = all([
        column(&consumed_at).older_than(cutoff),
        any([column(next).is_null(), successor_is_consumed]),
    ]);
    Ok(vec![delete_refresh_tokens(eligible)?.order_by(consumed_at)])
}

/// Warns of what `protect-refresh = false` gives up.
pub(crate) fn unprotected_refresh() -> Result<Vec<Finding>> {
    if setting("protect-refresh")? {
        return Ok(Vec::new());
    }
    Ok(vec![Finding::warning(
        "unprotected-refresh",
        "protect-refresh is off: once an access token is gone, the server cannot tell whether it \
         was ever used, and a second use of its refresh token goes unnoticed",
    )])
}

fn without_live_refresh_token() -> Result<Condition> {
    let access_token: String = setting("oauth2-refresh-tokens-access-token-column")?;
    let id: String = setting("oauth2-access-tokens-id-column")?;
    let consumed_at: String = setting("oauth2-refresh-tokens-consumed-at-column")?;
    let revoked_at: String = setting("oauth2-refresh-tokens-revoked-at-column")?;

    let live = all([not_yet(&consumed_at), not_yet(&revoked_at)]);
    Ok(not_exists(
        setting::<String>("oauth2-refresh-tokens-table")?,
        join(access_token).to(id).matching(live),
    ))
}

/// What is to happen at a time to come has not happened.
fn not_yet(at: &str) -> Condition {
    any([column(at).is_null(), column(at).at_least(now())])
}

/// A refresh token that points at a deleted access token forgets it: ON DELETE SET NULL.
fn delete_access_tokens(eligible: Condition) -> Result<Sweep> {
    Ok(delete(setting::<String>("oauth2-access-tokens-table")?)
        .matching(eligible)
        .sets_null(
            setting::<String>("oauth2-refresh-tokens-table")?,
            setting::<String>("oauth2-refresh-tokens-access-token-column")?,
        ))
}

/// The predecessor of a deleted refresh token forgets it: ON DELETE SET NULL.
fn delete_refresh_tokens(eligible: Condition) -> Result<Sweep> {
    let tokens: String = setting("oauth2-refresh-tokens-table")?;
    let next: String = setting("oauth2-refresh-tokens-next-column")?;
    Ok(delete(&tokens).matching(eligible).sets_null(tokens, next))
}
