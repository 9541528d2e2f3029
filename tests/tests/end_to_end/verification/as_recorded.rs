//! The same through the binary: the run's report, the ledger and `besom runs show`.

use serde_json::{Value, json};

use crate::cli::{Desk, both};
use besom::database::{Database, DatabaseOptions};

const FILE: &str = "[plugins.tokens]\n[plugins.sessions]\n";

/// The id of the only run of the answer, and what `runs show` says of it, as text and as JSON.
fn shown(desk: &Desk, done: &Value) -> (String, Value) {
    let id = done[0]["run"].as_str().unwrap();
    (
        desk.says(&["runs", "show", id]),
        desk.json(&["runs", "show", id, "--json"]),
    )
}

#[tokio::test]
async fn a_verified_run_says_so_by_table() {
    for database in both().await {
        let desk = Desk::filled(database, 2_000, FILE).await;
        let done = desk.json(&["run", "tokens/revoked-access", "--json"]);

        let (text, json) = shown(&desk, &done);

        assert_eq!(done[0]["verified"], true);
        assert!(text.contains("verification  verified\n"), "{text}");
        assert!(text.contains("oauth2_access_tokens  verified\n"), "{text}");
        assert_eq!(json["remains"], done[0]["remains"]);
        assert_eq!(json["remains"][0]["left"], 0);
    }
}

#[tokio::test]
async fn blocked_sessions_are_told_with_the_grants_that_hold_them() {
    for database in both().await {
        let desk = Desk::filled(database, 20_000, FILE).await;
        let done = desk.json(&["run", "sessions/finished-oauth2", "--json"]);

        let (text, json) = shown(&desk, &done);

        let blocked = done[0]["blocked"].as_u64().unwrap();
        assert!(blocked > 0);
        assert_eq!(done[0]["verified"], true);
        let sweep = &json["remains"][0];
        assert_eq!(sweep["left"], 0);
        assert_eq!(sweep["blocked"], blocked);
        let by = sweep["blocked_by"].as_object().unwrap();
        assert!(by.keys().any(|table| table.contains("grant")), "{by:?}");
        assert!(text.contains("  verified; "), "{text}");
        assert!(text.contains(" blocked, by "), "{text}");
    }
}

#[tokio::test]
async fn a_suspended_run_and_a_dry_run_are_unverified_and_say_why() {
    for database in both().await {
        let desk = Desk::filled(database, 20_000, FILE).await;
        let arguments = ["run", "tokens/revoked-access", "--json"];
        let cases: [(&[&str], i32, &str); 2] = [
            (&["--dry-run"], 0, "unverified: dry run"),
            (
                &["--max-rows", "10"],
                3,
                "unverified: suspended (row-budget)",
            ),
        ];
        for (more, code, words) in cases {
            let said = desk.run(&[&arguments[..], more].concat());
            assert_eq!(said.code, code, "{}", said.stderr);
            let done: Value = serde_json::from_str(&said.stdout).unwrap();

            let (text, json) = shown(&desk, &done);

            assert_eq!(done[0]["verified"], Value::Null);
            assert_eq!(done[0]["verification"], words);
            assert_eq!(json["verification"], words);
            assert_eq!(json["remains"], json!([]));
            assert!(text.contains(&format!("verification  {words}\n")), "{text}");
            assert!(said.stderr.contains(&words["unverified: ".len()..]) || code == 0);
        }
    }
}

#[tokio::test]
async fn a_token_held_for_the_whole_run_is_told_as_locked_in_record_report_and_log() {
    let desk = Desk::filled(besom_tests::postgres().await, 2_000, FILE).await;
    let database = Database::connect(&desk.database.url, DatabaseOptions::default())
        .await
        .unwrap();
    let mut holder = database.session().await.unwrap();
    holder.begin("BEGIN").await.unwrap();
    holder
        .run_script(
            "SELECT 1 FROM oauth2_access_tokens WHERE revoked_at < now() - interval '2 hours' LIMIT 1 FOR UPDATE",
        )
        .await
        .unwrap();

    let said = desk.run(&["run", "tokens/revoked-access"]);
    let list = desk.json(&["runs", "list", "--json"]);
    holder.rollback().await.unwrap();
    drop(holder);
    database.close().await;

    let (text, json) = shown(&desk, &list);
    assert_eq!(said.code, 0, "what others hold is no failure");
    assert!(
        said.stdout.contains("1 row left: 1 locked"),
        "{}",
        said.stdout
    );
    assert!(said.stderr.contains("left: 1"), "{}", said.stderr);
    assert!(text.contains("verification  1 row left\n"), "{text}");
    assert!(text.contains("  1 row left: 1 locked\n"), "{text}");
    assert_eq!(json["verified"], false);
    assert_eq!(json["remains"][0]["locked"], 1);
}
