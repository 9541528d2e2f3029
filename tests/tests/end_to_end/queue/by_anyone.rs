//! The same component as anybody else's plugin: it may do nothing until the file says so.

use besom::request::Mode;

use super::*;

use crate::auth::third_party::*;

#[tokio::test]
async fn what_its_refusals_print_is_what_it_needs() {
    let (_folder, component) = component_file("queue");
    for auth in both().await {
        worker(&auth, "gone", NOW - 60 * DAY, None).await;
        let ran = Job {
            started_by: Some("gone"),
            ..completed(OLD)
        };
        job(&auth, "ran", ran).await;

        let grants = printed_grants(&auth, &component, &[]).await;

        let forgotten = grants["queue_jobs"]["update"].to_string();
        assert_eq!(forgotten, "[\"next_attempt_id\"]");
        let host = third_party_host(&auth, &component, &grants).await;
        for report in run_plugins(&host, &["queue"], Mode::Apply).await {
            assert_eq!((report.outcome.as_str(), report.error), ("drained", None));
        }
        assert_eq!(auth.names("queue_jobs").await, [""; 0]);
        assert_eq!(workers(&auth, &["gone"]).await, [""; 0]);
    }
}
