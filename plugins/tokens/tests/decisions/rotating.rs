//! One table of rotating refresh tokens, with or without families.

use besom_plugin::prelude::*;
use besom_tokens::Tokens;

use super::{DAY, NOW, condition_of, host, swept};

#[test]
fn rotating_refresh_tokens_go_in_two_sweeps_as_soon_as_they_are_revoked_or_expired() {
    let host = host();

    let ran = host.run::<Tokens>("refresh-tokens");

    assert_eq!(
        swept(&ran),
        [
            delete("refresh_tokens").matching(column("revoked").equals(true)),
            delete("refresh_tokens")
                .matching(column("expires_at").older_than(NOW))
                .order_by("expires_at"),
        ]
    );
    assert_eq!(
        host.access::<Tokens>("refresh-tokens"),
        Ok(vec![
            table("refresh_tokens")
                .reads(["revoked", "expires_at"])
                .deletes()
        ])
    );
}

#[test]
fn with_a_family_column_revoked_tokens_of_a_live_family_stay_however_long_the_retention() {
    let host = host()
        .set("family-column", "family_id")
        .set("retention", 5 * DAY);

    let ran = host.run::<Tokens>("refresh-tokens");

    let live = all([
        column("revoked").equals(false),
        column("expires_at").at_least(NOW),
    ]);
    let sweeps = swept(&ran);
    assert_eq!(
        *sweeps[0].condition(),
        all([
            column("revoked").equals(true),
            not_exists("refresh_tokens", join("family_id").matching(live)),
        ])
    );
    assert_eq!(
        *sweeps[1].condition(),
        column("expires_at").older_than(NOW - 5 * DAY)
    );
    assert_eq!(
        host.access::<Tokens>("refresh-tokens"),
        Ok(vec![
            table("refresh_tokens")
                .reads(["revoked", "family_id", "expires_at"])
                .deletes()
        ])
    );
}

#[test]
fn without_keep_live_families_the_family_is_not_looked_at() {
    let ran = host()
        .set("family-column", "family_id")
        .set("keep-live-families", false)
        .run::<Tokens>("refresh-tokens");

    assert_eq!(
        condition_of(&ran),
        format!("revoked = true; expires_at before {NOW}")
    );
}
