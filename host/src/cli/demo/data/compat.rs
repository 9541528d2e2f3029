//! Compatibility sessions: three access tokens, numbered 0 to 2, each expired when the next was
//! made, the refresh tokens of 1 (consumed) and 2 (live), and the SSO logins that most began with.

use super::browsers::{browser_session_id, childless, of_old, open};
use super::dialect::{Dialect, Kind};
use super::parents::user_id;
use super::{Counts, DAY, MINUTE, SECOND, choose, spread};

/// Between one token and the next: more than the 30 days that expired ones are kept.
const STEP: i64 = 35 * DAY;

/// Longer than the age of any newest token, so that those are good still.
const LONG_LIFETIME: i64 = 120 * DAY;
const SHORT_LIFETIME: i64 = 5 * MINUTE;

/// One session in six each.
struct Life {
    /// The age of token 2, the newest: from, to.
    newest: (i64, i64),
    /// How long token 2 is good for; none: as long as its session.
    lifetime: Option<i64>,
    /// Logged out so long after token 2. Its tokens go with the session, not before.
    finished_after: Option<i64>,
}

const LIVES: [Life; 6] = [
    // Tokens 0 and 1 have been of no use for over 30 days.
    Life {
        newest: (33 * DAY, 58 * DAY),
        lifetime: Some(LONG_LIFETIME),
        finished_after: None,
    },
    // Only token 0 has.
    Life {
        newest: (DAY, 20 * DAY),
        lifetime: Some(LONG_LIFETIME),
        finished_after: None,
    },
    // Not used for more than the 60 days after which the demo finishes a session.
    Life {
        newest: (62 * DAY, 80 * DAY),
        lifetime: None,
        finished_after: None,
    },
    Life {
        newest: (43 * DAY, 80 * DAY),
        lifetime: Some(LONG_LIFETIME),
        finished_after: Some(3 * DAY),
    },
    Life {
        newest: (4 * DAY, 23 * DAY),
        lifetime: Some(LONG_LIFETIME),
        finished_after: Some(3 * DAY),
    },
    // An idle client: token 2 expired long ago, but its live refresh token refers to it.
    Life {
        newest: (33 * DAY, 58 * DAY),
        lifetime: Some(SHORT_LIFETIME),
        finished_after: None,
    },
];

pub(super) fn statements(dialect: Dialect, counts: &Counts, now: i64) -> Vec<String> {
    vec![
        scratch(dialect, counts, now),
        sessions(dialect, counts, now),
        access_tokens(dialect),
        refresh_tokens(dialect),
        sso_logins(dialect, counts, now),
    ]
}

/// `demo_compat`: one row a session, moments as integers. `newest` is when token 2 was made.
fn scratch(dialect: Dialect, counts: &Counts, now: i64) -> String {
    let newest = choose(
        "n % 6",
        LIVES
            .iter()
            .map(|life| format!("{now} - {}", spread("n", life.newest.0, life.newest.1))),
    );
    let optional = |of: fn(&Life) -> Option<i64>| {
        choose(
            "n % 6",
            LIVES.iter().map(move |life| {
                of(life).map_or_else(|| "NULL".to_owned(), |duration| duration.to_string())
            }),
        )
    };
    let created = format!("newest - 2 * {STEP} - {SECOND}");
    dialect.scratch(
        "demo_compat",
        &format!(
            "SELECT life.*, {created} AS created, newest + lifetime AS expires, \
                 newest + finished_after AS finished, {id} AS session_id \
             FROM (SELECT n, {newest} AS newest, CAST({lifetime} AS bigint) AS lifetime, \
                       CAST({finished_after} AS bigint) AS finished_after \
                   FROM demo_numbers WHERE n < {count}) AS life",
            id = dialect.ulid(&created, Kind::CompatSession, "n"),
            lifetime = optional(|life| life.lifetime),
            finished_after = optional(|life| life.finished_after),
            count = counts.compat_sessions,
        ),
    )
}

/// The number of the browser session that one was opened from, where it was.
fn browser(counts: &Counts) -> String {
    format!(
        "CASE WHEN n % 12 = 3 THEN {} ELSE n % {} END",
        of_old(counts, "n / 12"),
        counts.browsers_with
    )
}

const OF_A_BROWSER: &str = "(n % 2 = 0 OR n % 12 = 3)";

/// Every second one was opened from a browser session that opened others too; some that ended long
/// ago, from one that ended as long ago and opened nothing else.
fn sessions(dialect: Dialect, counts: &Counts, now: i64) -> String {
    let browser = browser(counts);
    let user = format!("({browser}) % {}", counts.users);
    format!(
        "INSERT INTO compat_sessions (compat_session_id, user_id, user_session_id, device_id, \
             created_at, finished_at, user_agent, last_active_at, last_active_ip) \
         SELECT session_id, {user}, CASE WHEN {OF_A_BROWSER} THEN {browser} END, \
                'DEVICE' || n, {created}, {finished}, 'demo-phone/1.0', {newest}, {address} \
         FROM demo_compat",
        user = user_id(dialect, &user, now),
        browser = browser_session_id(dialect, &browser, now),
        created = dialect.time("created"),
        finished = dialect.time("finished"),
        newest = dialect.time("newest"),
        address = dialect.address("n"),
    )
}

fn made() -> String {
    format!("newest - (2 - g) * {STEP}")
}

fn access_tokens(dialect: Dialect) -> String {
    let made = made();
    format!(
        "INSERT INTO compat_access_tokens (compat_access_token_id, compat_session_id, \
             access_token, created_at, expires_at) \
         SELECT {id}, session_id, {secret}, {created}, {expires} \
         FROM demo_compat CROSS JOIN (SELECT n AS g FROM demo_numbers WHERE n < 3) AS tokens",
        id = dialect.ulid(&made, Kind::CompatAccessToken, "n * 3 + g"),
        secret = dialect.secret("mct_", Kind::CompatAccessToken, "n * 3 + g"),
        created = dialect.time(&made),
        expires = dialect.time(&format!(
            "CASE WHEN g < 2 THEN {made} + {STEP} ELSE expires END"
        )),
    )
}

fn refresh_tokens(dialect: Dialect) -> String {
    let made = made();
    format!(
        "INSERT INTO compat_refresh_tokens (compat_refresh_token_id, compat_session_id, \
             compat_access_token_id, refresh_token, created_at, consumed_at) \
         SELECT {id}, session_id, {access}, {secret}, {created}, {consumed} \
         FROM demo_compat \
         CROSS JOIN (SELECT n AS g FROM demo_numbers WHERE n BETWEEN 1 AND 2) AS tokens",
        id = dialect.ulid(&made, Kind::CompatRefreshToken, "n * 3 + g"),
        access = dialect.ulid(&made, Kind::CompatAccessToken, "n * 3 + g"),
        secret = dialect.secret("mcr_", Kind::CompatRefreshToken, "n * 3 + g"),
        created = dialect.time(&made),
        consumed = dialect.time("CASE WHEN g = 1 THEN newest END"),
    )
}

/// Three in four led to a session, which came from the browser session that the login was approved in. The
/// others were approved, and the phone never came back: every second one in a browser session that has
/// ended long ago and goes, the others in one that is open.
fn sso_logins(dialect: Dialect, counts: &Counts, now: i64) -> String {
    let made = format!(
        "CASE WHEN n % 4 < 3 THEN created - 30 * {SECOND} ELSE {now} - {} END",
        spread("n", DAY, 90 * DAY)
    );
    let led = dialect.time("CASE WHEN n % 4 < 3 THEN created END");
    let approved = format!(
        "CASE n % 8 WHEN 3 THEN {} WHEN 7 THEN {} ELSE {} END",
        childless(counts, "n / 8"),
        open(counts, "n / 8"),
        browser(counts),
    );
    format!(
        "INSERT INTO compat_sso_logins (compat_sso_login_id, compat_session_id, user_session_id, \
             login_token, redirect_uri, created_at, fulfilled_at, exchanged_at) \
         SELECT {id}, CASE WHEN n % 4 < 3 THEN session_id END, \
                CASE WHEN {OF_A_BROWSER} OR n % 4 = 3 THEN {browser} END, {secret}, \
                'https://phone.example/sso', {created}, {fulfilled}, {led} \
         FROM demo_compat",
        id = dialect.ulid(&made, Kind::SsoLogin, "n"),
        browser = browser_session_id(dialect, &approved, now),
        fulfilled = dialect.time(&made),
        secret = dialect.secret("sso-", Kind::SsoLogin, "n"),
        created = dialect.time(&made),
    )
}
