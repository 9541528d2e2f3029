//! Keys that are MATCH FULL: NULL in all of their columns, or in none.

use super::*;

fn tables(rule: &str) -> String {
    format!(
        "CREATE TABLE sessions (org bigint, id bigint, dead_at bigint, PRIMARY KEY (org, id));
         CREATE TABLE tokens (n bigint PRIMARY KEY, org bigint, session bigint DEFAULT 9,
             FOREIGN KEY (org, session) REFERENCES sessions MATCH FULL {rule});
         CREATE INDEX ON tokens (org, session);
         INSERT INTO sessions VALUES (1, 1, 1), (1, 2, 1), (1, 9, NULL); INSERT INTO tokens VALUES (1, 1, 1);"
    )
}

#[tokio::test]
async fn a_key_of_which_the_rule_would_set_a_part_to_null_cannot_act() {
    for rule in [
        "ON DELETE SET NULL (session)",
        "ON DELETE SET DEFAULT (org)",
        "ON DELETE SET DEFAULT",
    ] {
        let lab = Lab::postgres(&tables(rule)).await;
        let finding = crate::preflight::found(&lab, &sessions(), "key-cannot-act").await;
        assert_eq!(finding.severity, Severity::Error);
        assert!(finding.message.contains("MATCH FULL"), "{finding:?}");

        let batch = drained(&lab, &sessions()).await;

        assert_eq!((batch.affected, batch.blocked), (1, 1), "{rule}");
        assert_eq!(lab.ids("SELECT id FROM sessions").await, [1, 9], "{rule}");
    }
}

#[tokio::test]
async fn a_key_that_is_set_as_a_whole_or_to_a_value_acts() {
    for (rule, left, told) in [
        ("ON DELETE SET NULL", "session IS NULL", vec![]),
        // Beside `org` only the delete tells whether that row is there.
        (
            "ON DELETE SET DEFAULT (session)",
            "session = 9",
            vec!["key-may-not-act"],
        ),
    ] {
        let lab = Lab::postgres(&tables(rule)).await;
        assert_eq!(crate::preflight::codes(&lab, &sessions()).await, told);
        let batch = drained(&lab, &sessions()).await;
        assert_eq!((batch.affected, batch.cascaded), (2, 1), "{rule}");
        let asked = format!("SELECT count(*) FROM tokens WHERE {left}");
        assert_eq!(lab.count(&asked).await, 1, "{rule}");
    }
}

#[tokio::test]
async fn rows_are_unlinked_by_all_of_its_columns_and_not_by_some() {
    let lab = Lab::postgres(&tables("")).await;
    let some = sessions().unlink_first("tokens", on("session", "id"), None);
    let fault = lab.run(some).await.unwrap_err();
    assert_eq!(fault.problem().code, "unlink");
    assert!(
        fault.problem().message.contains("tokens_org_session_fkey"),
        "{fault}"
    );

    let both = vec![Join::new("org", "org"), Join::new("session", "id")];
    let batch = drained(&lab, &sessions().unlink_first("tokens", both, None)).await;
    assert_eq!((batch.affected, batch.dependents), (2, 1));
}
