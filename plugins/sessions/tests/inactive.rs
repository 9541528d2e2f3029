//! What `expire-inactive` decides, by the sweeps that it opens on a fake host.

#![allow(clippy::panic)]

use besom_plugin::prelude::*;
use besom_plugin::testing::{FakeHost, Ran};
use besom_sessions::Sessions;

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

/// What `expire-inactive` does to one kind of session, with further conditions.
fn expired(name: &str, and: &[Condition]) -> Sweep {
    let mut inactive = vec![
        column("finished_at").is_null(),
        column("last_active_at").older_than(NOW - 90 * DAY),
    ];
    inactive.extend_from_slice(and);
    update(name)
        .set("finished_at", NOW)
        .matching(all(inactive))
        .order_by("last_active_at")
}

fn of_no_static_client() -> Condition {
    not_exists(
        "oauth2_clients",
        join("oauth2_client_id").matching(column("is_static").equals(true)),
    )
}

#[test]
fn inactive_sessions_of_all_three_kinds_are_finished_now_and_not_deleted() {
    let host = host().set("ttl", 90 * DAY);

    let ran = host.run::<Sessions>("expire-inactive");

    let of_a_user = column("user_id").is_not_null();
    assert_eq!(
        swept(&ran),
        [
            expired("compat_sessions", &[]),
            expired("oauth2_sessions", &[of_a_user, of_no_static_client()]),
            expired("user_sessions", &[]),
        ]
    );
    let needed = |name| table(name).reads(["finished_at", "last_active_at"]);
    assert_eq!(
        host.access::<Sessions>("expire-inactive"),
        Ok(vec![
            needed("compat_sessions").updates(["finished_at"]),
            needed("oauth2_sessions")
                .reads(["user_id", "oauth2_client_id"])
                .updates(["finished_at"]),
            table("oauth2_clients").reads(["oauth2_client_id", "is_static"]),
            needed("user_sessions").updates(["finished_at"]),
        ])
    );
}

#[test]
fn each_kind_of_inactive_session_and_the_care_for_static_clients_has_a_switch() {
    let only = |kind: &str| {
        ["compat", "oauth2", "user"]
            .iter()
            .fold(host().set("ttl", 90 * DAY), |host, other| {
                host.set(format!("expire-{other}-sessions"), *other == kind)
            })
    };

    for (kind, sweep) in [
        ("compat", expired("compat_sessions", &[])),
        ("user", expired("user_sessions", &[])),
        (
            "oauth2",
            expired("oauth2_sessions", &[column("user_id").is_not_null()]),
        ),
    ] {
        let ran = only(kind)
            .set("keep-static-clients", false)
            .run::<Sessions>("expire-inactive");
        assert_eq!(swept(&ran), [sweep], "{kind}");
    }

    let none = only("none").run::<Sessions>("expire-inactive");
    let refused = none.result.map_err(|error| error.problem().code.clone());
    assert_eq!(refused, Err("nothing-to-expire".to_owned()));
}

#[test]
fn nothing_is_finished_for_inactivity_until_the_operator_says_after_how_long() {
    let opt_in: Vec<_> = Sessions::describe()
        .jobs
        .into_iter()
        .filter(|job| job.opt_in)
        .map(|job| job.name)
        .collect();
    assert_eq!(opt_in, ["expire-inactive"]);

    let without = host().run::<Sessions>("expire-inactive");
    let zero = host()
        .set("ttl", Duration::ZERO)
        .run::<Sessions>("expire-inactive");

    for (ran, code) in [(without, "missing-setting"), (zero, "no-ttl")] {
        let refused = ran.result.map_err(|error| error.problem().clone());
        let refused = refused.err().unwrap_or_else(|| panic!("{code}: it ran"));
        assert_eq!(refused.code, code);
        assert!(refused.message.contains("`ttl`"), "{}", refused.message);
        assert_eq!(ran.opened, []);
    }
}
