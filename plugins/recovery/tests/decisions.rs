//! What each job decides, by the sweeps that it opens on a fake host.

#![allow(clippy::panic, clippy::indexing_slicing)]

use besom_plugin::prelude::*;
use besom_plugin::testing::{FakeHost, Ran};
use besom_recovery::Recovery;

const DAY: Duration = Duration::from_secs(86_400);
/// Any instant will do; this one is in 2026.
const NOW: Timestamp = Timestamp::from_micros(1_790_000_000_123_456);

fn host() -> FakeHost {
    FakeHost::at(NOW)
}

fn swept(ran: &Ran) -> Vec<Sweep> {
    assert_eq!(ran.result, Ok(()));
    ran.opened.iter().map(|swept| swept.sweep.clone()).collect()
}

#[test]
fn recovery_sessions_go_by_their_key_and_their_tickets_by_the_databases_rule() {
    let ran = host().run::<Recovery>("recovery-sessions");

    assert_eq!(
        swept(&ran),
        [delete("user_recovery_sessions")
            .matching(column("user_recovery_session_id").id_older_than(NOW - 7 * DAY))
            .cascades_to("user_recovery_tickets", "user_recovery_session_id")]
    );
}

#[test]
fn a_registration_takes_the_proofs_made_for_it_along_and_forgets_one_that_goes() {
    let host = host();

    assert_eq!(
        swept(&host.run::<Recovery>("registrations")),
        [delete("user_registrations")
            .matching(column("user_registration_id").id_older_than(NOW - 30 * DAY))
            .cascades_to("user_email_authentications", "user_registration_id")
            .cascades_to(
                "user_email_authentication_codes",
                "user_email_authentication_id"
            )
            .sets_null("user_registrations", "email_authentication_id")]
    );
    assert_eq!(
        swept(&host.run::<Recovery>("email-authentications")),
        [delete("user_email_authentications")
            .matching(column("user_email_authentication_id").id_older_than(NOW - 7 * DAY))
            .delete_first(
                "user_email_authentication_codes",
                join("user_email_authentication_id"),
            )
            .sets_null("user_registrations", "email_authentication_id")]
    );
}

#[test]
fn password_resets_go_in_two_sweeps_as_soon_as_they_are_of_no_use() {
    let ran = host().run::<Recovery>("password-resets");

    let along = |time: &str| {
        delete("password_resets")
            .matching(column(time).older_than(NOW))
            .order_by(time)
    };
    assert_eq!(swept(&ran), [along("used_at"), along("expires_at")]);
}

#[test]
fn names_and_retention_are_the_operators() {
    let ran = host()
        .set("recovery-sessions-table", "recoveries")
        .set("recovery-sessions-id-column", "id")
        .set("recovery-tickets-table", "tickets")
        .set("retention", DAY)
        .run::<Recovery>("recovery-sessions");

    assert_eq!(
        swept(&ran),
        [delete("recoveries")
            .matching(column("id").id_older_than(NOW - DAY))
            .cascades_to("tickets", "user_recovery_session_id")]
    );
}

#[test]
fn a_job_of_another_profile_opens_nothing_and_asks_for_nothing() {
    for (profile, job) in [
        ("mas", "password-resets"),
        ("refresh-tokens", "registrations"),
    ] {
        let host = host().set("profile", profile);

        assert_eq!(swept(&host.run::<Recovery>(job)), []);
        assert_eq!(host.access::<Recovery>(job), Ok(Vec::new()));
    }
}
