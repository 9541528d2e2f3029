//! What preflight finds where a plugin reads: no row is shown in a rehearsal, so what it may do to
//! rows is taken from its grant.

use super::*;
use besom_tests::lab::both;

fn dead_rows() -> Request {
    Request::read("parent", vec!["id".to_owned()], dead())
}

#[tokio::test]
async fn a_key_that_a_readers_deletes_would_look_up_needs_its_index() {
    let schema = "CREATE TABLE parent (id BIGINT NOT NULL PRIMARY KEY, dead_at BIGINT);
                  CREATE TABLE child (id BIGINT PRIMARY KEY, parent BIGINT REFERENCES parent (id));";
    let schema = format!("{schema} {}", rows("child"));
    for lab in both(&schema, &schema).await {
        let finding = found(&lab, &dead_rows(), "unindexed-foreign-key").await;

        mend(&lab, &finding).await;

        assert!(codes(&lab, &dead_rows()).await.is_empty());
    }
}

#[tokio::test]
async fn an_order_of_a_large_table_needs_an_index_in_either_direction() {
    let lab = Lab::postgres(
        "CREATE TABLE parent (id bigint PRIMARY KEY, dead_at bigint);
         INSERT INTO parent SELECT n, n FROM generate_series(1, 100100) AS n; ANALYZE parent;",
    )
    .await;
    let mut request = dead_rows();
    request.order_by = Some("dead_at".to_owned());
    if let Action::Read(look) = &mut request.action {
        look.descending = true;
    }
    let finding = found(&lab, &request, "unindexed-sweep").await;
    assert!(finding.message.contains("every page reads"), "{finding:?}");

    mend(&lab, &finding).await;

    assert!(codes(&lab, &request).await.is_empty());
    let mut by_key = request;
    by_key.order_by = Some("id".to_owned());
    assert!(codes(&lab, &by_key).await.is_empty());
}

#[tokio::test]
async fn a_trigger_that_keeps_rows_stops_a_reader_that_may_delete() {
    let lab = Lab::postgres(
        "CREATE TABLE parent (id bigint PRIMARY KEY, dead_at bigint);
         CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
         CREATE TRIGGER keep BEFORE DELETE ON parent FOR EACH ROW EXECUTE FUNCTION keep();",
    )
    .await;

    assert_eq!(codes(&lab, &dead_rows()).await, ["soft-delete-trigger"]);
}
