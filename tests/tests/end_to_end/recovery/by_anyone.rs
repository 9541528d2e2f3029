//! The same component as anybody else's plugin: it may do nothing until the file says so.

use besom::request::Mode;

use super::*;

use crate::auth::third_party::*;

#[tokio::test]
async fn what_its_refusals_print_is_what_it_needs() {
    let (_folder, component) = component_file("recovery");
    for auth in both().await {
        let key = key_of(&auth, "old", OLD);
        recovery_session(&auth, "old", &key, None).await;
        ticket(&auth, "ticket", &key).await;
        authentication(&auth, "old", &key, None).await;
        code(&auth, "code", &key).await;
        registration(&auth, "old", &key, Some(&key)).await;
        reset(&auth, "expired", NOW - HOUR, None).await;

        let grants = printed_grants(&auth, &component, &[]).await;

        let host = third_party_host(&auth, &component, &grants).await;
        for report in run_plugins(&host, &["recovery"], Mode::Apply).await {
            assert_eq!((report.outcome.as_str(), report.error), ("drained", None));
        }
        for table in [
            "user_recovery_tickets",
            "user_registrations",
            "password_resets",
        ] {
            assert_eq!(auth.names(table).await, [""; 0], "{table}");
        }
    }
}
