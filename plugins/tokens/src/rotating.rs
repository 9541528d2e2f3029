//! Rotating refresh tokens: each use revokes the token and issues another of the same family.

use besom_plugin::prelude::*;

/// Tokens that are revoked, then tokens that expired before `cutoff`. Two sweeps, for two indexes:
/// one condition with an OR could use neither in order.
pub(crate) fn refresh_tokens(cutoff: Timestamp) -> Result<Vec<Sweep>> {
    let tokens: String = setting("refresh-tokens-table")?;
    let expires_at: String = setting("expires-at-column")?;

    let expired = column(&expires_at).older_than(cutoff);
    Ok(vec![
        delete(&tokens).matching(revoked()?),
        delete(tokens).matching(expired).order_by(expires_at),
    ])
}

/// A revoked token that is used once more betrays that its family was stolen, so it stays as long
/// as that family has a live token to lose.
fn revoked() -> Result<Condition> {
    let revoked: String = setting("revoked-column")?;
    let expires_at: String = setting("expires-at-column")?;

    let is_revoked = column(&revoked).equals(true);
    let family: Option<String> = setting("family-column")?;
    match family {
        Some(family) if setting("keep-live-families")? => {
            let live = all([
                column(revoked).equals(false),
                column(expires_at).at_least(now()),
            ]);
            let tokens: String = setting("refresh-tokens-table")?;
            let family_is_dead = not_exists(tokens, join(family).matching(live));
            Ok(all([is_revoked, family_is_dead]))
        }
        _ => Ok(is_revoked),
    }
}
