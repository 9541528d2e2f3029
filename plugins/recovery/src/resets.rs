//! Password resets: a link that works once, for a while.

use besom_plugin::prelude::*;

/// Resets used before `cutoff`, then resets that expired before it. Two sweeps, for two indexes: one
/// condition with an OR could use neither in order.
pub(crate) fn used_or_expired(cutoff: Timestamp) -> Result<Vec<Sweep>> {
    let resets: String = setting("password-resets-table")?;
    let along = |time: &str| {
        let time: String = setting(time)?;
        let over = column(&time).older_than(cutoff);
        Ok::<_, Error>(delete(&resets).matching(over).order_by(time))
    };
    Ok(vec![
        along("password-resets-used-at-column")?,
        along("password-resets-expires-at-column")?,
    ])
}
