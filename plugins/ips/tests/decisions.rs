//! What each job decides, by the sweeps that it opens on a fake host.

#![allow(clippy::panic, clippy::indexing_slicing)]

use besom_ips::Ips;
use besom_plugin::prelude::*;
use besom_plugin::testing::{FakeHost, Ran};

const DAY: Duration = Duration::from_secs(86_400);
/// Any instant will do; this one is in 2026.
const NOW: Timestamp = Timestamp::from_micros(1_790_000_000_123_456);

/// The jobs on sessions whose address can be NULL, and their tables.
const NULLABLE: [(&str, &str); 4] = [
    ("inactive-oauth2", "oauth2_sessions"),
    ("inactive-compat", "compat_sessions"),
    ("inactive-browser", "user_sessions"),
    ("inactive-personal", "personal_sessions"),
];

fn host() -> FakeHost {
    FakeHost::at(NOW)
}

fn swept(ran: &Ran) -> Vec<Sweep> {
    assert_eq!(ran.result, Ok(()));
    ran.opened.iter().map(|swept| swept.sweep.clone()).collect()
}

/// A session that has an address and was last active 30 days ago or earlier.
fn inactive(known: Condition) -> Condition {
    all([known, column("last_active_at").older_than(NOW - 30 * DAY)])
}

#[test]
fn an_inactive_sessions_address_becomes_null_whatever_the_sessions_state() {
    for (job, name) in NULLABLE {
        let ran = host().run::<Ips>(job);

        assert_eq!(
            swept(&ran),
            [update(name)
                .set("last_active_ip", Value::Null)
                .matching(inactive(column("last_active_ip").is_not_null()))
                .order_by("last_active_at")]
        );
        assert_eq!(
            host().access::<Ips>(job),
            Ok(vec![
                table(name)
                    .reads(["last_active_ip", "last_active_at"])
                    .updates(["last_active_ip"])
            ])
        );
    }
}

#[test]
fn an_address_that_cannot_be_null_becomes_the_empty_text() {
    let ran = host().run::<Ips>("server-sessions");

    assert_eq!(
        swept(&ran),
        [update("sessions")
            .set("ip_address", "")
            .matching(all([
                column("ip_address").not_equals(""),
                column("last_seen_at").older_than(NOW - 30 * DAY),
            ]))
            .order_by("last_seen_at")]
    );
    assert_eq!(
        host().access::<Ips>("server-sessions"),
        Ok(vec![
            table("sessions")
                .reads(["ip_address", "last_seen_at"])
                .updates(["ip_address"])
        ])
    );
}

#[test]
fn coarse_keeps_the_network_and_asks_for_no_other_right() {
    for job in Ips::describe().jobs {
        let coarse = host().set("coarse", true);

        let ran = coarse.run::<Ips>(&job.name);

        let network = |ip: &str| Assignment::Network {
            column: ip.to_owned(),
            ipv4_prefix: 24,
            ipv6_prefix: 48,
        };
        let ip = match job.name.as_str() {
            "server-sessions" => "ip_address",
            _ => "last_active_ip",
        };
        assert_eq!(*swept(&ran)[0].action(), Action::Update(vec![network(ip)]));
        let erasing = host().run::<Ips>(&job.name);
        assert_eq!(
            swept(&ran)[0].condition(),
            swept(&erasing)[0].condition(),
            "{}",
            job.name
        );
        assert_eq!(
            coarse.access::<Ips>(&job.name),
            host().access::<Ips>(&job.name)
        );
    }
}

#[test]
fn the_operator_says_how_much_of_an_address_stays() {
    let prefixes = [
        ((0, 0), (0, 0)),
        ((32, 128), (32, 128)),
        ((16, 32), (16, 32)),
    ];
    for ((ipv4, ipv6), (ipv4_prefix, ipv6_prefix)) in prefixes {
        let host = host()
            .set("coarse", true)
            .set("ipv4-prefix", ipv4)
            .set("ipv6-prefix", ipv6);

        let ran = host.run::<Ips>("inactive-browser");

        let network = Assignment::Network {
            column: "last_active_ip".to_owned(),
            ipv4_prefix,
            ipv6_prefix,
        };
        assert_eq!(*swept(&ran)[0].action(), Action::Update(vec![network]));
    }
}

#[test]
fn more_bits_than_an_address_has_are_refused_and_none_is_opened() {
    for (name, bits, range) in [
        ("ipv4-prefix", 33, "0 to 32"),
        ("ipv4-prefix", -1, "0 to 32"),
        ("ipv6-prefix", 129, "0 to 128"),
        ("ipv6-prefix", 1000, "0 to 128"),
    ] {
        let ran = host()
            .set("coarse", true)
            .set(name, bits)
            .run::<Ips>("inactive-oauth2");

        let refused = ran.result.map_err(|error| error.problem().clone());
        let refused = refused.err().unwrap_or_else(|| panic!("{bits}: it ran"));
        assert_eq!(refused.code, "bad-prefix");
        for word in [name, &bits.to_string(), range] {
            assert!(refused.message.contains(word), "{}", refused.message);
        }
        assert_eq!(ran.opened, []);
        // Nobody asks for it where addresses are erased.
        let erasing = host().set(name, bits).run::<Ips>("inactive-oauth2");
        assert_eq!(erasing.result, Ok(()));
    }
}

#[test]
fn a_job_of_another_profile_touches_nothing_and_says_so() {
    for job in Ips::describe().jobs {
        let own = &job.extras[0].1;
        for profile in ["mas", "server-sessions"] {
            let host = host().set("profile", profile);

            let ran = host.run::<Ips>(&job.name);

            if profile == own {
                assert!(!swept(&ran).is_empty(), "{}", job.name);
                continue;
            }
            assert_eq!(swept(&ran), [], "{}", job.name);
            assert_eq!(host.access::<Ips>(&job.name), Ok(Vec::new()));
            assert_eq!(ran.logs[0].level, Level::Debug);
            assert_eq!(ran.logs[0].message, "not a job of the profile in force");
        }
    }
}

#[test]
fn every_table_and_column_can_be_named_otherwise() {
    let manifest = Ips::describe();
    let mut renamed = host();
    for setting in &manifest.settings {
        if let (Kind::Table | Kind::Column, Some(default)) = (&setting.kind, &setting.default) {
            renamed = renamed.set(&setting.name, format!("my_{default}"));
        }
    }

    for job in &manifest.jobs {
        let access = renamed.access::<Ips>(&job.name);

        assert_ne!(access, Ok(Vec::new()));
        for entry in access.iter().flatten() {
            let names = [&entry.table]
                .into_iter()
                .chain(&entry.read)
                .chain(&entry.update);
            for name in names {
                assert!(
                    name.starts_with("my_"),
                    "{}: {name} has no setting",
                    job.name
                );
            }
        }
        assert_eq!(renamed.run::<Ips>(&job.name).result, Ok(()));
    }
}

#[test]
fn an_unknown_job_is_named() {
    let ran = host().run::<Ips>("inactive-browsers");

    assert_eq!(
        ran.result.map_err(|error| error.to_string()),
        Err("invalid: this plugin has no job `inactive-browsers`".to_owned())
    );
}

#[test]
fn schedules_retentions_profiles_and_settings_are_those_of_the_readme() {
    let readme = include_str!("../README.md");
    let row_of = |name: &str| {
        let row = readme
            .lines()
            .find(|row| row.starts_with(&format!("| `{name}` |")));
        row.unwrap_or_else(|| panic!("the README has no row for {name}"))
    };

    for job in Ips::describe().jobs {
        let row = row_of(&job.name);
        let schedule = job.schedule.unwrap_or_default();
        assert!(row.contains("| 30d |"), "{row}");
        assert!(row.contains(&format!("`{schedule}`")), "{row}");
        assert!(row.contains(&format!("| {} |", job.extras[0].1)), "{row}");
    }
    for setting in Ips::describe().settings {
        let row = row_of(&setting.name);
        let default = setting.default.unwrap_or_default();
        assert!(row.contains(&format!("| {default} |")), "{row}");
    }
}
