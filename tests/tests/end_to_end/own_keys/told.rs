//! Preflight tells of chains that never go, with the cure, and of no others.

use besom::preflight::{self, Finding, Severity};
use besom::request::{Join, Request};
use besom::sweep::own_held;
use besom_tests::lab::{Lab, both};

use super::{chain, dead, labs, left, yes};
use crate::cli::{Desk, both as databases};

async fn told(lab: &Lab, request: Request) -> Vec<Finding> {
    let (catalog, rehearsed) = crate::preflight::rehearsed(lab, &[request]).await;
    let held = own_held(&lab.database, &rehearsed.plans).await.unwrap();
    let told = held.iter();
    told.map(|held| preflight::held_by_its_own(held, &catalog))
        .collect()
}

/// Each row refers to the one before it, and the newest is alive.
#[tokio::test(flavor = "multi_thread")]
async fn a_chain_to_the_predecessor_whose_newest_is_alive_is_told_with_its_cure() {
    for rule in ["", "ON DELETE RESTRICT"] {
        for lab in labs(rule).await {
            chain(&lab, 500, -1).await;
            let yes = yes(&lab);
            lab.script(&format!("UPDATE link SET live = {yes} WHERE id = 500"))
                .await;

            let found = told(&lab, dead()).await;

            let [found] = found.as_slice() else {
                panic!("{found:?}")
            };
            assert_eq!(
                (found.code.as_str(), found.severity),
                ("held-by-its-own", Severity::Info)
            );
            assert!(
                found
                    .message
                    .starts_with("1 row of `link` is due and stays"),
                "{}",
                found.message
            );
            for word in ["`next`", "unlink-first", "ON DELETE SET NULL", "`update`"] {
                assert!(found.message.contains(word), "{word} in {}", found.message);
            }
            // The cure, and nothing is told of it.
            let cured = dead().unlink_first("link", vec![Join::new("next", "id")], None);
            assert_eq!(told(&lab, cured.clone()).await, []);
            let (batch, _) = lab.run(cured).await.unwrap();
            assert_eq!((batch.affected, batch.blocked), (499, 0));
            assert_eq!(left(&lab).await, [500]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn chains_that_go_are_not_told() {
    // To the successor with the newest alive, to the predecessor with all due, and a tree.
    for (rule, step) in [
        ("", 1),
        ("", -1),
        ("ON DELETE CASCADE", -1),
        ("ON DELETE SET NULL", -1),
    ] {
        for lab in labs(rule).await {
            chain(&lab, 50, step).await;
            let yes = yes(&lab);
            if step > 0 || !rule.is_empty() {
                lab.script(&format!("UPDATE link SET live = {yes} WHERE id = 50"))
                    .await;
            }
            assert_eq!(
                told(&lab, dead()).await,
                [],
                "{rule} {step} {:?}",
                lab.dialect()
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_column_takes_no_null_the_cure_begins_with_that() {
    let table = |boolean: &str, integer: &str| {
        format!(
            "CREATE TABLE link (id {integer} PRIMARY KEY, next {integer} NOT NULL REFERENCES link, live {boolean} NOT NULL);
             CREATE INDEX link_next ON link (next);"
        )
    };
    for lab in both(&table("boolean", "bigint"), &table("INTEGER", "INTEGER")).await {
        let (no, yes) = (super::no(&lab), yes(&lab));
        lab.script(&format!(
            "INSERT INTO link VALUES (1, 1, {no}), (2, 1, {yes})"
        ))
        .await;
        let found = told(&lab, dead()).await;
        assert!(
            found[0].message.contains("let `next` take NULL"),
            "{found:?}"
        );
    }
}

#[tokio::test]
async fn check_tells_of_it_once_a_key_and_not_where_it_is_tolerated() {
    let file = |more: &str| {
        format!(
            "[plugins.sessions]\n{more}settings = {{ profile = \"server-sessions\", sessions-table = \"app_logins\", \
             sessions-absolute-expires-at-column = \"ends_at\" }}\n"
        )
    };
    for database in databases().await {
        let desk = Desk::with_file(database, &file(""));
        desk.script(
            "CREATE TABLE app_logins (id bigint PRIMARY KEY, ends_at timestamp NOT NULL, previous bigint REFERENCES app_logins);
             CREATE INDEX logins_end ON app_logins (ends_at); CREATE INDEX logins_previous ON app_logins (previous);
             INSERT INTO app_logins VALUES (1, '2025-01-01 00:00:00', NULL), (2, '2025-01-02 00:00:00', 1),
                 (3, '2025-01-03 00:00:00', 2), (4, '2093-01-01 00:00:00', 3), (5, '2093-01-01 00:00:00', 2)",
        )
        .await;
        desk.says(&["migrate"]);
        let codes = |desk: &Desk| {
            let checked = desk.json(&["check", "--json"]);
            let mut jobs = checked["jobs"].as_array().unwrap().iter();
            let job = jobs.find(|of| of["job"] == "sessions/expired").unwrap();
            let findings = job["findings"].as_array().unwrap().iter();
            let mine = findings.filter(|of| of["code"] == "held-by-its-own");
            mine.map(|of| of["message"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };

        let told = codes(&desk);
        let report = desk.json(&["run", "sessions/expired", "--json"]);

        assert_eq!(told.len(), 1, "{told:?}");
        assert!(
            told[0].starts_with("2 rows of `app_logins` are due and stay"),
            "{told:?}"
        );
        assert_eq!(
            (&report[0]["affected"], &report[0]["blocked"]),
            (&0.into(), &3.into())
        );
        let tolerant = file("tolerate = [\"held-by-its-own\"]\n");
        let toml = std::fs::read_to_string(desk.folder.path().join("besom.toml")).unwrap();
        let (before, _) = toml.split_once("[plugins.sessions]").unwrap();
        std::fs::write(
            desk.folder.path().join("besom.toml"),
            format!("{before}{tolerant}"),
        )
        .unwrap();
        assert_eq!(codes(&desk), Vec::<String>::new());
    }
}
