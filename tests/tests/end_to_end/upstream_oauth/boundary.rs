//! Each job takes what is older than its retention, to the millisecond that a ULID holds.

use super::*;

/// The last key of the time's millisecond where it is to be older, the first where it is not: no key lies
/// between them and the cut-off.
fn sharpest(auth: &Auth, name: &str, at: i64) -> String {
    let rest = match name {
        "older" => [0xff; 10],
        _ => [0; 10],
    };
    auth.ulid(at.div_euclid(1000), rest)
}

#[tokio::test]
async fn authorization_sessions_go_after_thirty_days_by_their_ulid() {
    only_the_older_goes(
        both().await,
        "authorization-sessions",
        TRIPS,
        (30 * DAY, 1000),
        async |auth, name, at| {
            if let Some(at) = at {
                trip_with_key(auth, name, &sharpest(auth, name, at), Trip::default()).await;
            }
        },
    )
    .await;
}

#[tokio::test]
async fn orphaned_links_go_after_seven_days_by_their_ulid() {
    only_the_older_goes(
        both().await,
        "orphaned-links",
        LINKS,
        (7 * DAY, 1000),
        async |auth, name, at| {
            if let Some(at) = at {
                link_with_key(auth, name, &sharpest(auth, name, at), None).await;
            }
        },
    )
    .await;
}
