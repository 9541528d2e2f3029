//! The same component as anybody else's plugin: it may do nothing until the file says so.

use besom::request::Mode;

use super::*;

use crate::auth::third_party::*;

#[tokio::test]
async fn what_its_refusals_print_is_what_it_needs() {
    let (_folder, component) = component_file("upstream-oauth");
    for auth in both().await {
        link(&auth, "orphan", OLD, None).await;
        let of_it = Trip {
            link: Some("orphan"),
            ..Trip::default()
        };
        trip(&auth, "one", NOW, of_it).await;
        trip(&auth, "two", OLD, Trip::default()).await;

        let grants = printed_grants(&auth, &component, &[]).await;

        let host = third_party_host(&auth, &component, &grants).await;
        for report in run_plugins(&host, &["upstream-oauth"], Mode::Apply).await {
            assert_eq!((report.outcome.as_str(), report.error), ("drained", None));
        }
        assert_eq!(auth.names(TRIPS).await, [""; 0]);
        assert_eq!(auth.names(LINKS).await, [""; 0]);
    }
}
