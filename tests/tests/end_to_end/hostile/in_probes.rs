//! Jobs that misbehave in `access` and `preflight`.

use super::*;

#[tokio::test]
async fn an_endless_loop_in_access_is_stopped() {
    let plugin = hostile(Limits::default()).await;

    let error = plugin.access("spin", &settings(&plugin)).await.unwrap_err();

    assert!(matches!(error.cause(), Cause::Spin { .. }), "{error}");
    assert!(
        error.to_string().contains("job spin, export access"),
        "{error}"
    );
    assert_eq!(
        plugin
            .access("good", &settings(&plugin))
            .await
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn rows_cannot_be_looked_at_outside_of_a_run() {
    let plugin = hostile(Limits::default()).await;

    for job in ["never-advanced", "sweep-too-late", "reader-acts"] {
        let error = plugin.access(job, &settings(&plugin)).await.unwrap_err();

        let text = error.to_string();
        assert!(text.contains("other not-now"), "{text}");
    }
}

#[tokio::test]
async fn preflight_sees_the_instant_it_is_given() {
    let plugin = hostile(Limits::default()).await;
    let (lab, _) = context("good").await;

    let findings = plugin
        .preflight("good", &settings(&plugin), looking(&lab).await)
        .await
        .unwrap();

    assert_eq!(findings[0].message, NOW.0.to_string());
    assert_eq!(findings[0].severity, Severity::Info);
}

#[tokio::test]
async fn a_severity_that_does_not_exist_is_refused() {
    let plugin = hostile(Limits::default()).await;
    let (lab, _) = context("fail").await;

    let error = plugin
        .preflight("fail", &settings(&plugin), looking(&lab).await)
        .await
        .unwrap_err();

    assert!(matches!(error.cause(), Cause::Answer(_)), "{error}");
    assert!(error.to_string().contains("catastrophe"), "{error}");
}

#[tokio::test]
async fn preflight_looks_at_rows_and_changes_none() {
    let plugin = hostile(Limits::default()).await;
    let schema = "CREATE TABLE victims (id BIGINT PRIMARY KEY, state TEXT);
                  INSERT INTO victims VALUES (1, 'a'), (2, 'b')";
    for lab in besom_tests::lab::both(schema, schema).await {
        let context = looking(&lab).await;
        let findings = plugin
            .preflight("reader-acts", &settings(&plugin), context)
            .await
            .unwrap();

        assert_eq!(
            findings[0].message,
            "count Some(2), shown 2, delete: other not-now, update: other not-now"
        );
        let untouched = "SELECT count(*) FROM victims WHERE state IS NOT NULL";
        assert_eq!(lab.count(untouched).await, 2);
    }
}
