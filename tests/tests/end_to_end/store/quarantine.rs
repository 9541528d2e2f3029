//! A job that crashes on a version.

use besom_tests::fixtures::{Versioned, padded};

use super::*;

fn crashing(version: &'static str) -> Versioned {
    Versioned {
        mode: "crash",
        ..Versioned::at(version)
    }
}

async fn victims(desk: &Desk) {
    desk.script("DELETE FROM victims; INSERT INTO victims VALUES (1), (2)")
        .await;
}

#[tokio::test]
async fn a_version_on_which_a_job_crashes_three_times_in_a_row_gives_way_to_the_one_before() {
    for database in both().await {
        let desk = desk(database, ANY).await;
        install(&desk, &Versioned::at("1.0.0"));
        let digest = install(&desk, &crashing("2.0.0"));

        for attempt in 0..3 {
            victims(&desk).await;
            let said = desk.run(&["run", JOB]);
            assert_eq!(
                said.code, 1,
                "attempt {attempt}: {}{}",
                said.stdout, said.stderr
            );
        }
        victims(&desk).await;
        assert_eq!(ran(&desk, JOB).await, "1.0.0");
        let installed = listed(&desk, "versioned")["installed"].clone();
        assert_eq!(installed["suspended"][0]["digest"], digest);
        let why = installed["passed_over"][0]["why"].as_str().unwrap();
        assert!(why.contains("crashed 3 times in a row"), "{why}");

        // By hand it gets another try.
        desk.says(&["plugin", "pin", "versioned", &digest]);
        victims(&desk).await;
        assert_eq!(desk.run(&["run", JOB]).code, 1);
    }
}

#[tokio::test]
async fn a_job_without_a_version_to_fall_back_to_is_suspended_and_says_how_to_go_on() {
    for database in both().await {
        let desk = desk(database, ANY).await;
        install(&desk, &crashing("1.0.0"));
        for _ in 0..3 {
            victims(&desk).await;
            desk.run(&["run", JOB]);
        }

        let said = desk.run(&["run", JOB]);

        assert_eq!(said.code, 1, "{}", said.stderr);
        assert!(
            said.stderr.contains("is suspended on 1.0.0"),
            "{}",
            said.stderr
        );
        assert!(
            said.stderr.contains("besom plugin pin versioned"),
            "{}",
            said.stderr
        );
        // The next version runs at once.
        install(&desk, &Versioned::at("1.0.1"));
        assert_eq!(ran(&desk, JOB).await, "1.0.1");
    }
}

#[tokio::test]
async fn a_bundled_plugin_runs_again_where_every_installed_version_crashes() {
    let desk = Desk::with_schema(besom_tests::sqlite(), "[plugins.tokens]\n").await;
    for note in [1, 2] {
        let other = padded(besom_bundle::PLUGINS[0].component, note);
        forge_version(&desk, "tokens", "1.0.0", &other, Bind::Null).await;
        let digest = Digest::of(&other);
        let row = format!("'{digest}', 'tokens', 'revoked-access', 3, 'it was in a mood', 0");
        desk.script(&format!("INSERT INTO besom_quarantine VALUES ({row})"))
            .await;
    }

    let entry = listed(&desk, "tokens");
    assert_eq!(entry["source"], "bundled", "{entry}");
    let passed = entry["installed"]["passed_over"].as_array().unwrap();
    assert_eq!(passed.len(), 2, "{entry}");
    desk.says(&["run", "tokens/revoked-access"]);
}

#[tokio::test]
async fn crashes_with_a_good_run_between_them_are_not_in_a_row() {
    let desk = desk(besom_tests::sqlite(), ANY).await;
    install(&desk, &crashing("1.0.0"));
    for round in 0..3 {
        for _ in 0..2 {
            victims(&desk).await;
            assert_eq!(desk.run(&["run", JOB]).code, 1);
        }
        // Without rows there is no batch to crash after.
        desk.script("DELETE FROM victims").await;
        let said = desk.run(&["run", JOB]);
        assert_eq!(
            said.code, 0,
            "round {round}: {}{}",
            said.stdout, said.stderr
        );
    }
}
