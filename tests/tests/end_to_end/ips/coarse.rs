//! `coarse`: the network of an address stays, and a second run changes nothing.

use besom::request::Mode;
use besom::sweep::Verification;

use super::*;

const COARSE: (&str, &str) = ("coarse", "true");

/// Addresses by the name of their session, and what stays of each. All are addresses to `inet`.
const NETWORKS: [(&str, &str, &str); 7] = [
    ("a v4", "192.0.2.7", "192.0.2.0"),
    ("b v4 network", "198.51.100.0", "198.51.100.0"),
    ("c v6", "2001:db8:1:2::3", "2001:db8:1::"),
    ("d v6 network", "2001:db8:2::", "2001:db8:2::"),
    ("e mapped", "::ffff:192.0.2.7", "::ffff:192.0.2.0"),
    ("f mapped too", "::ffff:203.0.113.0", "::ffff:203.0.113.0"),
    ("g loopback", "::1", "::"),
];

fn listed(of: impl Fn(&(&str, &str, &str)) -> String) -> Vec<String> {
    NETWORKS.iter().map(of).collect()
}

#[tokio::test]
async fn the_network_stays_and_a_second_run_affects_nothing() {
    for mut auth in both().await {
        for (job, table) in JOBS {
            for (name, ip, _) in NETWORKS {
                session(&auth, table, name, Some(ip), OLD).await;
            }
            session(&auth, table, "h nowhere", None, OLD).await;
            let mut before = listed(|(name, ip, _)| format!("{name}: {ip}"));
            before.push(format!("h nowhere: {}", nothing(table)));
            let mut after = listed(|(name, _, network)| format!("{name}: {network}"));
            after.push(format!("h nowhere: {}", nothing(table)));

            auth.lab.options.mode = Mode::DryRun;
            let told = auth.run(job, &[COARSE]).await;
            assert_eq!(addresses(&auth, table).await, before, "{job}");
            auth.lab.options.mode = Mode::Apply;
            let done = auth.run(job, &[COARSE]).await;

            assert_eq!(addresses(&auth, table).await, after, "{job}");
            assert_eq!((told.affected, done.affected), (4, 4), "{job}");
            let again = auth.run(job, &[COARSE]).await;
            assert_eq!((again.affected, again.revived), (0, 0), "{job}");
            assert_eq!(addresses(&auth, table).await, after, "{job}");
        }
    }
}

#[tokio::test]
async fn two_runs_are_verified_and_the_second_has_nothing_to_do() {
    for auth in both().await {
        for (_, table) in JOBS {
            for (name, ip, _) in NETWORKS {
                session(&auth, table, name, Some(ip), OLD).await;
            }
        }
        let host = auth
            .host("[plugins.ips]\nsettings = { coarse = true }\n")
            .await;

        for affected in [4, 0] {
            let reports = run_plugins(&host, &["ips"], Mode::Apply).await;

            assert_eq!(reports.len(), 5);
            for report in reports {
                assert_eq!((report.outcome.as_str(), report.error), ("drained", None));
                assert_eq!(report.totals.affected, affected, "{}", report.job);
                assert_eq!(report.verification, Verification::Verified);
            }
        }
    }
}

#[tokio::test]
async fn a_text_that_is_no_address_stays_as_it_is() {
    const ODD: [&str; 5] = [
        "192.0.2.7, ::1",
        "192.0.2.7:443",
        "[2001:db8::1]",
        "fe80::1%eth0",
        "unknown",
    ];
    for mut auth in both().await {
        for text in ODD {
            session(&auth, "sessions", text, Some(text), OLD).await;
        }

        let done = auth.run("server-sessions", &[COARSE]).await;

        let stay = ODD.map(|text| format!("{text}: {text}"));
        assert_eq!(addresses(&auth, "sessions").await, stay);
        assert_eq!(done.affected, 0);
    }
}

#[tokio::test]
async fn the_operator_says_how_much_stays_and_what_is_gone_does_not_come_back() {
    for mut auth in both().await {
        for (job, table) in JOBS {
            session(&auth, table, "four", Some("192.0.2.7"), OLD).await;
            session(&auth, table, "six", Some("2001:db8:1:2::3"), OLD).await;
            let wider = [COARSE, ("ipv4-prefix", "16"), ("ipv6-prefix", "32")];

            assert_eq!(auth.run(job, &wider).await.affected, 2, "{job}");
            assert_eq!(auth.run(job, &[COARSE]).await.affected, 0, "{job}");

            assert_eq!(
                addresses(&auth, table).await,
                ["four: 192.0.0.0", "six: 2001:db8::"],
                "{job}"
            );
        }
    }
}

#[tokio::test]
async fn a_network_is_erased_where_the_operator_no_longer_wants_it() {
    for mut auth in both().await {
        for (job, table) in JOBS {
            session(&auth, table, "s", HOME, OLD).await;
            auth.run(job, &[COARSE]).await;

            assert_eq!(auth.run(job, &[]).await.affected, 1, "{job}");

            let erased = format!("s: {}", nothing(table));
            assert_eq!(addresses(&auth, table).await, [erased], "{job}");
        }
    }
}

#[tokio::test]
async fn in_windows_smaller_than_a_group_of_equal_times_every_address_is_met_once() {
    for mut auth in both().await {
        auth.lab.options.batch_size = 7;
        for (job, table) in JOBS {
            for number in 0..40 {
                let (name, ip) = (format!("s{number}"), format!("10.0.{number}.7"));
                session(&auth, table, &name, Some(&ip), OLD).await;
            }

            assert_eq!(auth.run(job, &[COARSE]).await.affected, 40, "{job}");

            let left = addresses(&auth, table).await;
            assert!(left.iter().all(|known| known.ends_with(".0")), "{left:?}");
            assert_eq!(auth.run(job, &[COARSE]).await.affected, 0, "{job}");
        }
    }
}
