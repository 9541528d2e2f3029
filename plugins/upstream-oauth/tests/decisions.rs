//! What each job decides, by the sweeps that it opens on a fake host.

#![allow(clippy::panic, clippy::indexing_slicing)]

use besom_plugin::prelude::*;
use besom_plugin::testing::{FakeHost, Ran};
use besom_upstream_oauth::UpstreamOauth;

const DAY: Duration = Duration::from_secs(86_400);
/// Any instant will do; this one is in 2026.
const NOW: Timestamp = Timestamp::from_micros(1_790_000_000_123_456);

const TRIPS: &str = "upstream_oauth_authorization_sessions";
const ID: &str = "upstream_oauth_authorization_session_id";

fn host() -> FakeHost {
    FakeHost::at(NOW)
}

fn swept(ran: &Ran) -> Vec<Sweep> {
    assert_eq!(ran.result, Ok(()));
    ran.opened.iter().map(|swept| swept.sweep.clone()).collect()
}

/// The trip led to a browser session: it says so, or an authentication does.
fn led_to_a_session() -> Condition {
    any([
        column("user_session_id").is_not_null(),
        exists("user_session_authentications", join(ID)),
    ])
}

fn forgotten(sweep: Sweep) -> Sweep {
    sweep
        .sets_null("user_session_authentications", ID)
        .sets_null("user_registrations", ID)
}

#[test]
fn authorization_sessions_without_a_session_go_by_their_key() {
    let ran = host().run::<UpstreamOauth>("authorization-sessions");

    let abandoned = all([
        column(ID).id_older_than(NOW - 30 * DAY),
        not(led_to_a_session()),
    ]);
    assert_eq!(swept(&ran), [forgotten(delete(TRIPS).matching(abandoned))]);
}

#[test]
fn orphaned_links_take_their_authorization_sessions_along_unless_one_led_somewhere() {
    let ran = host().run::<UpstreamOauth>("orphaned-links");

    let of_the_link = || join("upstream_oauth_link_id");
    let orphaned = all([
        column("user_id").is_null(),
        column("upstream_oauth_link_id").id_older_than(NOW - 7 * DAY),
        not_exists(TRIPS, of_the_link().matching(led_to_a_session())),
    ]);
    assert_eq!(
        swept(&ran),
        [forgotten(
            delete("upstream_oauth_links")
                .matching(orphaned)
                .delete_first(TRIPS, of_the_link())
        )]
    );
}

#[test]
fn the_back_fill_takes_the_session_from_the_authentication() {
    let ran = host().run::<UpstreamOauth>("backfill-user-session");

    assert_eq!(
        swept(&ran),
        [update(TRIPS)
            .set_from_related(
                "user_session_id",
                "user_session_authentications",
                join(ID),
                "user_session_id",
            )
            .matching(column("user_session_id").is_null())]
    );
}

#[test]
fn what_preflight_reads_is_asked_for() {
    let access = host()
        .access::<UpstreamOauth>("authorization-sessions")
        .unwrap_or_default();

    let reads = |name: &str| {
        let of = access.iter().find(|of| of.table == name);
        of.map(|of| of.read.clone()).unwrap_or_default()
    };
    assert!(reads("upstream_oauth_providers").contains(&"upstream_oauth_provider_id".to_owned()));
    assert!(reads("upstream_oauth_links").contains(&"upstream_oauth_provider_id".to_owned()));
    assert!(reads(TRIPS).contains(&"upstream_oauth_provider_id".to_owned()));
}

#[test]
fn rows_of_an_unknown_provider_are_an_error_a_table() {
    let clean = host().preflight::<UpstreamOauth>("orphaned-links");
    assert_eq!(clean, Ok(Vec::new()));

    let host = host().count("upstream_oauth_links", 3).count(TRIPS, 5_000);
    let found = host
        .preflight::<UpstreamOauth>("orphaned-links")
        .unwrap_or_default();

    let told: Vec<_> = found
        .iter()
        .map(|finding| (&*finding.code, finding.severity))
        .collect();
    assert_eq!(told, [("unknown-provider", Severity::Error); 2]);
    assert!(
        found[0]
            .message
            .starts_with("3 rows of `upstream_oauth_links`"),
        "{found:?}"
    );
    assert!(
        found[1].message.starts_with("1000 rows or more of"),
        "{found:?}"
    );
}
