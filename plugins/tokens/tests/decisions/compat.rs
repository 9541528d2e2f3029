//! Tokens of compat sessions.

use besom_plugin::prelude::*;
use besom_tokens::Tokens;

use super::{DAY, NOW, host, swept};

#[test]
fn compat_refresh_tokens_go_before_the_access_tokens_that_they_hold_and_only_of_active_sessions() {
    let host = host();

    let ran = host.run::<Tokens>("compat-tokens");

    let active = || {
        let active = column("finished_at").is_null();
        exists(
            "compat_sessions",
            join("compat_session_id").matching(active),
        )
    };
    let cutoff = NOW - 30 * DAY;
    assert_eq!(
        swept(&ran),
        [
            delete("compat_refresh_tokens")
                .matching(all([column("consumed_at").older_than(cutoff), active()]))
                .order_by("consumed_at"),
            delete("compat_access_tokens")
                .matching(all([column("expires_at").older_than(cutoff), active()]))
                .order_by("expires_at")
                .also_touches(table("compat_access_tokens").expiry("expires_at")),
        ]
    );
    assert_eq!(
        host.access::<Tokens>("compat-tokens"),
        Ok(vec![
            table("compat_refresh_tokens")
                .reads(["consumed_at", "compat_session_id"])
                .deletes(),
            table("compat_sessions").reads(["compat_session_id", "finished_at"]),
            table("compat_access_tokens")
                .reads(["expires_at", "compat_session_id"])
                .deletes()
                .expiry("expires_at"),
        ])
    );
}
