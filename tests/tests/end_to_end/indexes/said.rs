//! An index that one might take for the missing one is named, with what it lacks.

use super::*;

async fn told(lab: &Lab) -> String {
    let request = Request::delete("item", due()).order_by("t");
    let found = crate::preflight::found(lab, &request, "unindexed-sweep").await;
    let note = plan(lab, request)
        .await
        .axis()
        .note
        .clone()
        .unwrap_or_default();
    format!("{}\n{note}", found.message)
}

#[tokio::test]
async fn an_expression_a_predicate_or_a_column_before_the_time_is_said() {
    for lab in both(120_000, "org INTEGER, s TEXT", "n, 'x'", "SELECT 1").await {
        let cases = [
            ("(org, t)", "index `near` has `org` before it"),
            ("(t) WHERE s = 'y'", "index `near` holds only rows `WHERE"),
            ("(t) WHERE lower(s) = 'x'", "the predicate of index `near`"),
            ("(coalesce(t, t))", "index `near` is on `"),
        ];
        for (number, (index, expected)) in cases.into_iter().enumerate() {
            let near = format!("near_{number}");
            let expected = expected.replace("`near`", &format!("`{near}`"));
            lab.script(&format!("CREATE INDEX {near} ON item {index}"))
                .await;
            let said = told(&lab).await.to_lowercase();
            let times = said.matches(expected.to_lowercase().as_str()).count();
            assert_eq!(times, 2, "{index}: {said}");
            lab.script(&format!("DROP INDEX {near}")).await;
        }
    }
}

#[tokio::test]
async fn a_collation_that_does_not_serve_is_said() {
    let lab = Lab::postgres(
        "CREATE TABLE parent (id text PRIMARY KEY, dead_at bigint);
         CREATE TABLE child (id bigint PRIMARY KEY, parent text REFERENCES parent (id));
         INSERT INTO parent SELECT n, n FROM generate_series(1, 3000) n;
         INSERT INTO child SELECT n, n FROM generate_series(1, 3000) n;
         CREATE INDEX child_parent ON child (parent COLLATE \"C\"); ANALYZE",
    )
    .await;
    let request = Request::delete("parent", set("dead_at"));
    let found = crate::preflight::found(&lab, &request, "unindexed-foreign-key").await;
    assert!(
        found
            .message
            .contains("Index `child_parent` is on `parent COLLATE \"C\"`"),
        "{}",
        found.message
    );
}

#[tokio::test]
async fn nothing_is_said_of_indexes_that_are_about_something_else() {
    for lab in both(
        120_000,
        "org INTEGER, s TEXT",
        "n, 'x'",
        "CREATE INDEX far ON item (org)",
    )
    .await
    {
        let said = told(&lab).await;
        assert!(!said.contains("far"), "{said}");
    }
}
