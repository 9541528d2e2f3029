//! OAuth 2.0 sessions with their chains of tokens.
//!
//! A session has five refresh tokens, numbered 0 to 4, each consumed when the next was made; the
//! access tokens 0 to 4 that came with them; and access token 5, which came without one. What
//! became of it is one of the [`LIVES`].

use super::browsers::browser_session_id;
use super::dialect::{Dialect, Kind};
use super::parents::{USER_CLIENTS, client_id, user_id};
use super::{Counts, DAY, HOUR, MINUTE, SECOND, choose, spread};

/// How long an access token is good for.
const ACCESS_LIFETIME: i64 = 5 * MINUTE;

/// What became of a session. Ages and durations are in microseconds.
struct Life {
    /// The age of token 4, the newest: from, to.
    newest: (i64, i64),
    /// Between one refresh and the next.
    step: i64,
    /// An access token is revoked as its refresh token is consumed; else it just expires.
    revokes: bool,
    end: End,
}

#[derive(PartialEq, Eq)]
enum End {
    /// Refresh token 4 is live.
    Open,
    /// The user logged out so long after token 4, which revoked what was left where the session
    /// revokes at all.
    LoggedOut(i64),
    /// Refresh token 4 was consumed, and its successor is gone.
    Abandoned,
    /// A client that acts for itself, with access tokens 4 and 5 good until revoked.
    Service,
}

/// One session in ten each, by the last digit of its number.
const LIVES: [Life; 10] = [
    BUSY,
    FORGOTTEN,
    IDLE,
    LEFT_QUIETLY,
    AWAY,
    LEFT,
    LEFT_LONG_AGO,
    LEFT_JUST_NOW,
    LOST,
    SERVICE,
];

/// In use: consumed and revoked tokens on both sides of one hour.
const BUSY: Life = Life {
    newest: (30 * SECOND, 4 * MINUTE),
    step: 35 * MINUTE,
    revokes: true,
    end: End::Open,
};
/// Its newest access token expired over 30 days ago and is protected by the live refresh token.
const IDLE: Life = Life {
    newest: (32 * DAY, 58 * DAY),
    step: 6 * HOUR,
    revokes: false,
    end: End::Open,
};
/// The same, for more than the 60 days after which the demo finishes a session.
const FORGOTTEN: Life = Life {
    newest: (62 * DAY, 85 * DAY),
    step: 6 * HOUR,
    revokes: false,
    end: End::Open,
};
/// Its access tokens have expired, but less than 30 days ago.
const AWAY: Life = Life {
    newest: (DAY, 5 * DAY),
    step: 6 * HOUR,
    revokes: false,
    end: End::Open,
};
const LEFT: Life = Life {
    newest: (2 * HOUR, 5 * DAY),
    step: 6 * HOUR,
    revokes: true,
    end: End::LoggedOut(3 * MINUTE),
};
const LEFT_LONG_AGO: Life = Life {
    newest: (33 * DAY, 80 * DAY),
    step: 6 * HOUR,
    revokes: true,
    end: End::LoggedOut(3 * MINUTE),
};
/// A logout that revoked nothing: refresh tokens 3 and 4 and the access token that 4 protects are
/// there still, and go with the session.
const LEFT_QUIETLY: Life = Life {
    newest: (33 * DAY, 80 * DAY),
    step: 6 * HOUR,
    revokes: false,
    end: End::LoggedOut(3 * MINUTE),
};
/// Everything that logging out revoked is younger than one hour.
const LEFT_JUST_NOW: Life = Life {
    newest: (6 * MINUTE, 12 * MINUTE),
    step: 35 * MINUTE,
    revokes: true,
    end: End::LoggedOut(3 * MINUTE),
};
const LOST: Life = Life {
    newest: (33 * DAY, 60 * DAY),
    step: 6 * HOUR,
    revokes: false,
    end: End::Abandoned,
};
const SERVICE: Life = Life {
    newest: (10 * DAY, 25 * DAY),
    step: DAY,
    revokes: true,
    end: End::Service,
};

pub(super) fn statements(dialect: Dialect, counts: &Counts, now: i64) -> Vec<String> {
    vec![
        scratch(dialect, counts, now),
        sessions(dialect, counts, now),
        access_tokens(dialect),
        refresh_tokens(dialect),
    ]
}

/// `demo_oauth2`: one row a session, moments as integers. `newest` is when token 4 was made.
fn scratch(dialect: Dialect, counts: &Counts, now: i64) -> String {
    let newest = choose(
        "n % 10",
        LIVES
            .iter()
            .map(|life| format!("{now} - {}", spread("n", life.newest.0, life.newest.1))),
    );
    let step = choose("n % 10", LIVES.iter().map(|life| life.step.to_string()));
    let left_after = choose(
        "n % 10",
        LIVES.iter().map(|life| match life.end {
            End::LoggedOut(after) => after.to_string(),
            End::Open | End::Abandoned | End::Service => "NULL".to_owned(),
        }),
    );
    let is = |holds: fn(&Life) -> bool| {
        choose(
            "n % 10",
            LIVES
                .iter()
                .map(move |life| u8::from(holds(life)).to_string()),
        )
    };
    let lives = format!(
        "SELECT n, {newest} AS newest, CAST({step} AS bigint) AS step, \
             CAST({left_after} AS bigint) AS left_after, {revokes} AS revokes, {lost} AS lost, \
             {service} AS service \
         FROM demo_numbers WHERE n < {count}",
        revokes = is(|life| life.revokes),
        lost = is(|life| life.end == End::Abandoned),
        service = is(|life| life.end == End::Service),
        count = counts.oauth2_sessions,
    );
    dialect.scratch(
        "demo_oauth2",
        &format!(
            "SELECT life.*, newest + left_after AS finished, \
                 newest - 4 * step - {SECOND} AS created, {id} AS session_id \
             FROM ({lives}) AS life",
            id = dialect.ulid(
                &format!("newest - 4 * step - {SECOND}"),
                Kind::Oauth2Session,
                "n"
            ),
        ),
    )
}

fn sessions(dialect: Dialect, counts: &Counts, now: i64) -> String {
    let browser = format!("n % {}", counts.browsers_with);
    let user = format!("n % {} % {}", counts.browsers_with, counts.users);
    let client = format!(
        "CASE service WHEN 1 THEN {USER_CLIENTS} + n / 10 % 2 ELSE {} END",
        client_of("n")
    );
    format!(
        "INSERT INTO oauth2_sessions (oauth2_session_id, user_session_id, user_id, \
             oauth2_client_id, scope_list, created_at, finished_at, user_agent, last_active_at, \
             last_active_ip) \
         SELECT session_id, CASE service WHEN 0 THEN {browser} END, \
                CASE service WHEN 0 THEN {user} END, {client}, {scopes}, {created}, \
                {finished}, 'demo-client/1.0', {newest}, {address} \
         FROM demo_oauth2",
        browser = browser_session_id(dialect, &browser, now),
        user = user_id(dialect, &user, now),
        client = client_id(dialect, &client, now),
        scopes = dialect.list(&["'openid'", "'profile'"]),
        created = dialect.time("created"),
        finished = dialect.time("finished"),
        newest = dialect.time("newest"),
        address = dialect.address("n"),
    )
}

/// The number of a user's session's client. Each client has sessions of each kind of life.
pub(super) fn client_of(number: &str) -> String {
    format!("({number} + {number} / 10 * 3) % {USER_CLIENTS}")
}

/// When token `g` was made; token 5 half a minute after token 2.
const MADE: &str =
    "CASE WHEN g < 5 THEN newest - (4 - g) * step ELSE newest - 2 * step + 30000000 END";
/// When token `g`, 0 to 3, gave way to the next.
const REPLACED: &str = "newest - (3 - g) * step";

fn access_tokens(dialect: Dialect) -> String {
    format!(
        "INSERT INTO oauth2_access_tokens (oauth2_access_token_id, oauth2_session_id, \
             access_token, created_at, expires_at, revoked_at, first_used_at) \
         SELECT {id}, session_id, {secret}, {made}, {expires}, {revoked}, {used} \
         FROM demo_oauth2 CROSS JOIN (SELECT n AS g FROM demo_numbers WHERE n < 6) AS tokens",
        id = dialect.ulid(MADE, Kind::AccessToken, "n * 6 + g"),
        secret = dialect.secret("mat_", Kind::AccessToken, "n * 6 + g"),
        made = dialect.time(MADE),
        expires = dialect.time(&format!(
            "CASE WHEN service = 0 OR g < 4 THEN {MADE} + {ACCESS_LIFETIME} END"
        )),
        revoked = dialect.time(&format!(
            "CASE WHEN g < 4 AND revokes = 1 THEN {REPLACED} \
             WHEN g >= 4 AND revokes = 1 THEN finished END"
        )),
        used = dialect.time(&format!(
            "CASE WHEN n % 7 < 6 THEN {MADE} + 2 * {SECOND} END"
        )),
    )
}

fn refresh_tokens(dialect: Dialect) -> String {
    format!(
        "INSERT INTO oauth2_refresh_tokens (oauth2_refresh_token_id, oauth2_session_id, \
             oauth2_access_token_id, refresh_token, created_at, consumed_at, revoked_at, \
             next_oauth2_refresh_token_id) \
         SELECT {id}, session_id, {access}, {secret}, {made}, {consumed}, {revoked}, \
                CASE WHEN g < 4 THEN {next} END \
         FROM demo_oauth2 CROSS JOIN (SELECT n AS g FROM demo_numbers WHERE n < 5) AS tokens",
        id = dialect.ulid(MADE, Kind::RefreshToken, "n * 5 + g"),
        access = dialect.ulid(MADE, Kind::AccessToken, "n * 6 + g"),
        secret = dialect.secret("mar_", Kind::RefreshToken, "n * 5 + g"),
        made = dialect.time(MADE),
        consumed = dialect.time(&format!(
            "CASE WHEN g < 4 THEN {REPLACED} WHEN lost = 1 THEN newest + step END"
        )),
        revoked = dialect.time("CASE WHEN g = 4 AND revokes = 1 THEN finished END"),
        next = dialect.ulid(REPLACED, Kind::RefreshToken, "n * 5 + g + 1"),
    )
}
