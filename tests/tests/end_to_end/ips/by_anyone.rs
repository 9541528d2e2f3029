//! The same component as anybody else's plugin: it may do nothing until the file says so.

use besom::request::Mode;

use super::*;

use crate::auth::third_party::*;

#[tokio::test]
async fn what_its_refusals_print_is_what_it_needs_and_deletes_nothing() {
    let (_folder, component) = component_file("ips");
    for auth in both().await {
        for (_, table) in JOBS {
            session(&auth, table, "s", HOME, OLD).await;
        }

        let grants = printed_grants(&auth, &component, &[]).await;

        for (_, table) in JOBS {
            let update = grants[table]["update"].to_string();
            assert_eq!(update, format!("[\"{}\"]", ip_of(table)));
            assert!(grants[table].get("delete").is_none(), "{table}");
        }
        let host = third_party_host(&auth, &component, &grants).await;
        for report in run_plugins(&host, &["ips"], Mode::Apply).await {
            assert_eq!((report.outcome.as_str(), report.error), ("drained", None));
        }
        for (_, table) in JOBS {
            let erased = format!("s: {}", nothing(table));
            assert_eq!(addresses(&auth, table).await, [erased]);
        }
    }
}
