//! The grants that OAuth 2.0 sessions began with, those that led nowhere, and those that were left
//! over: approved on a page that was still open after the session behind it had ended.
//!
//! An authorization grant keeps its OAuth 2.0 session as long as it is kept itself, and forgets its browser
//! session; a device code goes with its OAuth 2.0 session, and keeps its browser session.

use super::browsers::{browser_session_id, childless, left_over};
use super::dialect::{Dialect, Kind};
use super::oauth2::client_of;
use super::parents::client_id;
use super::{Counts, DAY, HOUR, MINUTE, SECOND, spread};

/// Between the grant and the session that it leads to.
const LOGIN_TAKES: i64 = 20 * SECOND;

/// The OAuth 2.0 sessions whose number ends in 6 are those of [`super::oauth2`] that ended long ago;
/// one in five of them has a grant of the last week.
const LEFT_OVER: &str = "i % 50 = 6";

/// One device code in sixty is of the last week, as is the number of an OAuth 2.0 session that ended long
/// ago and, most times, has no grant of the last week.
const LEFT_OVER_DEVICE: &str = "i % 60 = 36";

/// Of the authorization grants that led nowhere, one in nine was approved in a browser session that ended
/// long ago.
const APPROVED_LATE: &str = "session_id IS NULL AND i % 9 = 4";

/// One device code in sixty; an odd number, so that it is young.
const LEFT_OVER_CODE: &str = "i % 60 = 1";

pub(super) fn statements(dialect: Dialect, counts: &Counts, now: i64) -> Vec<String> {
    vec![
        authorization_grants(dialect, counts, now),
        device_codes(dialect, counts, now),
    ]
}

/// Every second one 8 to 60 days old, the others one hour to six days.
fn age_of_unfinished(number: &str) -> String {
    let old = spread(number, 8 * DAY, 60 * DAY);
    let young = spread(number, HOUR, 6 * DAY);
    format!("CASE ({number}) % 2 WHEN 0 THEN {old} ELSE {young} END")
}

/// One that led to each user's session, and many that led nowhere.
fn authorization_grants(dialect: Dialect, counts: &Counts, now: i64) -> String {
    let made = format!(
        "CASE WHEN session_id IS NULL THEN {now} - {} WHEN {LEFT_OVER} THEN {now} - {} \
         ELSE created - {LOGIN_TAKES} END",
        age_of_unfinished("i"),
        spread("i", HOUR, 6 * DAY),
    );
    format!(
        "INSERT INTO oauth2_authorization_grants (oauth2_authorization_grant_id, \
             oauth2_client_id, oauth2_session_id, user_session_id, authorization_code, \
             redirect_uri, scope, response_mode, response_type_code, response_type_id_token, \
             created_at, fulfilled_at, cancelled_at, exchanged_at) \
         SELECT {id}, {client}, session_id, CASE WHEN session_id IS NOT NULL THEN {browser} \
                    WHEN {APPROVED_LATE} THEN {ended} END, \
                {code}, 'https://app.example/callback', 'openid profile', 'query', TRUE, FALSE, \
                {created}, {fulfilled}, {cancelled}, {exchanged} \
         FROM (SELECT numbers.n AS i, session_id, created \
               FROM demo_numbers AS numbers \
               LEFT JOIN demo_oauth2 ON demo_oauth2.n = numbers.n AND service = 0 \
               WHERE numbers.n < {count}) AS logins",
        id = dialect.ulid(&made, Kind::Grant, "i"),
        client = client_id(dialect, &client_of("i"), now),
        browser = browser_session_id(dialect, &format!("i % {}", counts.browsers_with), now),
        ended = browser_session_id(dialect, &childless(counts, "i / 9"), now),
        code = dialect.secret("", Kind::Grant, "i"),
        created = dialect.time(&made),
        fulfilled = dialect.time(&format!(
            "CASE WHEN session_id IS NOT NULL OR {APPROVED_LATE} THEN {made} + {LOGIN_TAKES} END"
        )),
        exchanged = dialect.time(&format!(
            "CASE WHEN session_id IS NOT NULL THEN {made} + {LOGIN_TAKES} END"
        )),
        cancelled = dialect.time(&format!(
            "CASE WHEN session_id IS NULL AND i % 5 = 0 THEN {made} + {MINUTE} END"
        )),
        count = counts.authorization_grants,
    )
}

/// A third of them led to a session. A few were approved in a browser session that had ended, and
/// the device never came back.
fn device_codes(dialect: Dialect, counts: &Counts, now: i64) -> String {
    let made = format!(
        "CASE WHEN session_id IS NULL THEN {now} - {} WHEN {LEFT_OVER_DEVICE} THEN {now} - {} \
         ELSE created - {LOGIN_TAKES} END",
        age_of_unfinished("i"),
        spread("i", HOUR, 6 * DAY),
    );
    format!(
        "INSERT INTO oauth2_device_code_grant (oauth2_device_code_grant_id, oauth2_client_id, \
             oauth2_session_id, user_session_id, device_code, user_code, scope, ip_address, \
             created_at, expires_at, fulfilled_at, exchanged_at) \
         SELECT {id}, {client}, session_id, CASE WHEN session_id IS NOT NULL THEN {browser} \
                    WHEN {LEFT_OVER_CODE} THEN {ended} END, \
                {device}, {user}, 'openid', {address}, {created}, {expires}, {fulfilled}, \
                {exchanged} \
         FROM (SELECT numbers.n AS i, session_id, created \
               FROM demo_numbers AS numbers \
               LEFT JOIN demo_oauth2 ON demo_oauth2.n = numbers.n AND service = 0 \
                   AND numbers.n % 3 = 0 \
               WHERE numbers.n < {count}) AS logins",
        id = dialect.ulid(&made, Kind::DeviceCode, "i"),
        client = client_id(dialect, &client_of("i"), now),
        browser = browser_session_id(dialect, &format!("i % {}", counts.browsers_with), now),
        ended = browser_session_id(dialect, &left_over(counts, "i / 60"), now),
        device = dialect.secret("d-", Kind::DeviceCode, "i"),
        user = dialect.secret("u-", Kind::DeviceCode, "i"),
        address = dialect.address("i"),
        created = dialect.time(&made),
        expires = dialect.time(&format!("{made} + 20 * {MINUTE}")),
        fulfilled = dialect.time(&format!(
            "CASE WHEN session_id IS NOT NULL OR {LEFT_OVER_CODE} THEN {made} + {LOGIN_TAKES} END"
        )),
        exchanged = dialect.time(&format!(
            "CASE WHEN session_id IS NOT NULL THEN {made} + {LOGIN_TAKES} END"
        )),
        count = counts.device_codes,
    )
}
