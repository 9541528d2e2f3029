//! Access and refresh tokens of OAuth 2.

use besom_plugin::prelude::*;
use besom_tokens::Tokens;

use super::{DAY, HOUR, NOW, forgets, host, swept};

#[test]
fn revoked_access_tokens_go_after_an_hour_along_the_time_of_revocation() {
    let host = host();

    let ran = host.run::<Tokens>("revoked-access");

    assert_eq!(
        swept(&ran),
        [delete("oauth2_access_tokens")
            .matching(column("revoked_at").older_than(NOW - HOUR))
            .order_by("revoked_at")
            .sets_null("oauth2_refresh_tokens", "oauth2_access_token_id")]
    );
    assert_eq!(
        host.access::<Tokens>("revoked-access"),
        Ok(vec![
            table("oauth2_access_tokens")
                .reads(["revoked_at"])
                .deletes(),
            forgets("oauth2_access_token_id"),
        ])
    );
}

#[test]
fn expired_access_tokens_stay_while_a_live_refresh_token_points_at_them() {
    let host = host();

    let ran = host.run::<Tokens>("expired-access");

    let not_yet = |at| any([column(at).is_null(), column(at).at_least(NOW)]);
    let live = all([not_yet("consumed_at"), not_yet("revoked_at")]);
    let eligible = all([
        column("expires_at").older_than(NOW - 30 * DAY),
        not_exists(
            "oauth2_refresh_tokens",
            join("oauth2_access_token_id").matching(live),
        ),
    ]);
    assert_eq!(
        swept(&ran),
        [delete("oauth2_access_tokens")
            .matching(eligible)
            .sets_null("oauth2_refresh_tokens", "oauth2_access_token_id")
            .order_by("expires_at")
            .also_touches(table("oauth2_access_tokens").expiry("expires_at"))]
    );
    assert_eq!(
        host.access::<Tokens>("expired-access"),
        Ok(vec![
            table("oauth2_access_tokens")
                .reads(["expires_at", "oauth2_access_token_id"])
                .deletes()
                .expiry("expires_at"),
            table("oauth2_refresh_tokens").reads([
                "oauth2_access_token_id",
                "consumed_at",
                "revoked_at"
            ]),
            forgets("oauth2_access_token_id"),
        ])
    );
    assert_eq!(host.preflight::<Tokens>("expired-access"), Ok(Vec::new()));
}

#[test]
fn without_protect_refresh_every_expired_access_token_goes_and_preflight_warns() {
    let host = host().set("protect-refresh", false);

    let ran = host.run::<Tokens>("expired-access");
    let findings = host.preflight::<Tokens>("expired-access");

    assert_eq!(
        *swept(&ran)[0].condition(),
        all([column("expires_at").older_than(NOW - 30 * DAY)])
    );
    let codes: Vec<_> = findings
        .iter()
        .flatten()
        .map(|of| (of.code.as_str(), of.severity))
        .collect();
    assert_eq!(codes, [("unprotected-refresh", Severity::Warning)]);
}

#[test]
fn revoked_refresh_tokens_go_after_an_hour_and_empty_their_predecessors_link() {
    let host = host();

    let ran = host.run::<Tokens>("revoked-refresh");

    assert_eq!(
        swept(&ran),
        [delete("oauth2_refresh_tokens")
            .matching(column("revoked_at").older_than(NOW - HOUR))
            .order_by("revoked_at")
            .sets_null("oauth2_refresh_tokens", "next_oauth2_refresh_token_id")]
    );
    assert_eq!(
        host.access::<Tokens>("revoked-refresh"),
        Ok(vec![
            table("oauth2_refresh_tokens")
                .reads(["revoked_at"])
                .deletes(),
            forgets("next_oauth2_refresh_token_id"),
        ])
    );
}

#[test]
fn a_consumed_refresh_token_stays_until_its_successor_is_consumed_or_gone() {
    let host = host();

    let ran = host.run::<Tokens>("consumed-refresh");

    let successor = join("oauth2_refresh_token_id").to("next_oauth2_refresh_token_id");
    let eligible = all([
        column("consumed_at").older_than(NOW - HOUR),
        any([
            column("next_oauth2_refresh_token_id").is_null(),
            exists(
                "oauth2_refresh_tokens",
                successor.matching(column("consumed_at").older_than(NOW)),
            ),
        ]),
    ]);
    assert_eq!(*swept(&ran)[0].condition(), eligible);
    assert_eq!(swept(&ran)[0].order(), Some("consumed_at"));
    assert_eq!(
        host.access::<Tokens>("consumed-refresh"),
        Ok(vec![
            table("oauth2_refresh_tokens")
                .reads([
                    "consumed_at",
                    "next_oauth2_refresh_token_id",
                    "oauth2_refresh_token_id"
                ])
                .deletes(),
            forgets("next_oauth2_refresh_token_id"),
        ])
    );
}
