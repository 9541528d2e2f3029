//! Each job takes what is older than its retention: to the millisecond that a ULID holds, or to the
//! microsecond.

use super::*;

/// The last key of the time's millisecond where it is to be older, the first where it is not.
fn sharpest(auth: &Auth, name: &str, at: i64) -> String {
    let rest = match name {
        "older" => [0xff; 10],
        _ => [0; 10],
    };
    auth.ulid(at.div_euclid(1000), rest)
}

#[tokio::test]
async fn recovery_sessions_go_after_seven_days_by_their_ulid() {
    let plant = async |auth: &Auth, name: &str, at: Option<i64>| {
        if let Some(at) = at {
            recovery_session(auth, name, &sharpest(auth, name, at), None).await;
        }
    };
    let table = "user_recovery_sessions";
    only_the_older_goes(
        both().await,
        "recovery-sessions",
        table,
        (7 * DAY, 1000),
        plant,
    )
    .await;
}

#[tokio::test]
async fn registrations_go_after_thirty_days_by_their_ulid() {
    let plant = async |auth: &Auth, name: &str, at: Option<i64>| {
        if let Some(at) = at {
            registration(auth, name, &sharpest(auth, name, at), None).await;
        }
    };
    let table = "user_registrations";
    only_the_older_goes(
        both().await,
        "registrations",
        table,
        (30 * DAY, 1000),
        plant,
    )
    .await;
}

#[tokio::test]
async fn email_authentications_go_after_seven_days_by_their_ulid() {
    let plant = async |auth: &Auth, name: &str, at: Option<i64>| {
        if let Some(at) = at {
            authentication(auth, name, &sharpest(auth, name, at), None).await;
        }
    };
    let table = "user_email_authentications";
    only_the_older_goes(
        both().await,
        "email-authentications",
        table,
        (7 * DAY, 1000),
        plant,
    )
    .await;
}

#[tokio::test]
async fn password_resets_go_when_they_have_expired() {
    let plant = async |auth: &Auth, name: &str, at: Option<i64>| {
        if let Some(at) = at {
            reset(auth, name, at, None).await;
        }
    };
    only_the_older_goes(
        both().await,
        "password-resets",
        "password_resets",
        (0, 1),
        plant,
    )
    .await;
}

#[tokio::test]
async fn password_resets_go_when_they_have_been_used() {
    let plant = async |auth: &Auth, name: &str, at: Option<i64>| {
        reset(auth, name, NOW + DAY, at).await;
    };
    only_the_older_goes(
        both().await,
        "password-resets",
        "password_resets",
        (0, 1),
        plant,
    )
    .await;
}
