//! Ways back into an account and into a first one: recovery, registration, the proof of an address,
//! and the password resets of the refresh-tokens profile.

use super::browsers::browser_session_id;
use super::dialect::{Dialect, Kind};
use super::parents::user_id;
use super::upstream::{session_of_orphan_id, upstream_session_id};
use super::{Counts, DAY, HOUR, MINUTE, choose, spread};

/// How long a ticket or a code is good for.
const GOOD_FOR: i64 = 10 * MINUTE;

/// The age of a registration, from and to, one in four each: never completed, completed, its
/// address proven over seven days ago, and lately.
const REGISTERED: [(i64, i64); 4] = [
    (33 * DAY, 80 * DAY),
    (33 * DAY, 80 * DAY),
    (8 * DAY, 25 * DAY),
    (HOUR, 6 * DAY),
];

/// A password reset, one in four each.
struct Reset {
    age: (i64, i64),
    used_after: Option<i64>,
}

const RESETS: [Reset; 4] = [
    // Used, and not expired: its link would open once more.
    Reset {
        age: (2 * HOUR, 20 * HOUR),
        used_after: Some(5 * MINUTE),
    },
    // Expired.
    Reset {
        age: (2 * DAY, 60 * DAY),
        used_after: None,
    },
    // Good still.
    Reset {
        age: (HOUR, 20 * HOUR),
        used_after: None,
    },
    // Used, and expired since.
    Reset {
        age: (2 * DAY, 60 * DAY),
        used_after: Some(5 * MINUTE),
    },
];

const RESET_GOOD_FOR: i64 = DAY;

pub(super) fn statements(dialect: Dialect, counts: &Counts, now: i64) -> Vec<String> {
    vec![
        emails(dialect, counts, now),
        sessions(dialect, counts, now),
        tickets(dialect, counts, now),
        registration_tokens(dialect, now),
        registrations(dialect, counts, now),
        authentications(dialect, counts, now),
        codes(dialect, counts, now),
        proven_addresses(),
        password_resets(dialect, counts, now),
    ]
}

/// Every user's.
fn emails(dialect: Dialect, counts: &Counts, now: i64) -> String {
    format!(
        "INSERT INTO user_emails (user_email_id, user_id, email, created_at) \
         SELECT {id}, {user}, 'user-' || n || '@demo.example', {created} \
         FROM demo_numbers WHERE n < {count}",
        id = email_id(dialect, "n", now),
        user = user_id(dialect, "n", now),
        created = dialect.time(&email_made("n", now)),
        count = counts.users,
    )
}

fn email_id(dialect: Dialect, number: &str, now: i64) -> String {
    dialect.ulid(&email_made(number, now), Kind::Email, number)
}

fn email_made(number: &str, now: i64) -> String {
    format!("{now} - {}", spread(number, 295 * DAY, 299 * DAY))
}

/// Every second one is old.
fn old_or_young(number: &str, now: i64) -> String {
    let old = spread(number, 8 * DAY, 60 * DAY);
    let young = spread(number, HOUR, 6 * DAY);
    format!("{now} - CASE ({number}) % 2 WHEN 0 THEN {old} ELSE {young} END")
}

fn sessions(dialect: Dialect, counts: &Counts, now: i64) -> String {
    let made = old_or_young("n", now);
    format!(
        "INSERT INTO user_recovery_sessions (user_recovery_session_id, email, user_agent, \
             ip_address, locale, created_at, consumed_at) \
         SELECT {id}, 'user-' || (n % {users}) || '@demo.example', 'Mozilla/5.0 (demo)', \
                {address}, 'en', {created}, {consumed} \
         FROM demo_numbers WHERE n < {count}",
        id = dialect.ulid(&made, Kind::RecoverySession, "n"),
        users = counts.users,
        address = dialect.address("n"),
        created = dialect.time(&made),
        consumed = dialect.time(&format!("CASE WHEN n % 3 = 0 THEN {made} + {MINUTE} END")),
        count = counts.recovery_sessions,
    )
}

fn tickets(dialect: Dialect, counts: &Counts, now: i64) -> String {
    let made = old_or_young("n", now);
    format!(
        "INSERT INTO user_recovery_tickets (user_recovery_ticket_id, user_recovery_session_id, \
             user_email_id, ticket, created_at, expires_at) \
         SELECT {id}, {session}, {email}, {secret}, {created}, {expires} \
         FROM demo_numbers WHERE n < {count}",
        id = dialect.ulid(&made, Kind::RecoveryTicket, "n"),
        session = dialect.ulid(&made, Kind::RecoverySession, "n"),
        email = email_id(dialect, &format!("n % {}", counts.users), now),
        secret = dialect.secret("t-", Kind::RecoveryTicket, "n"),
        created = dialect.time(&made),
        expires = dialect.time(&format!("{made} + {GOOD_FOR}")),
        count = counts.recovery_sessions,
    )
}

fn registered(number: &str, now: i64) -> String {
    choose(
        &format!("({number}) % 4"),
        REGISTERED.map(|(from, to)| format!("{now} - {}", spread(number, from, to))),
    )
}

/// What one in five registered with.
const TOKENS: i64 = 3;

fn token_id(dialect: Dialect, number: &str, now: i64) -> String {
    let made = format!("{now} - {} + ({number}) * {HOUR}", 900 * DAY);
    dialect.ulid(&made, Kind::RegistrationToken, number)
}

fn registration_tokens(dialect: Dialect, now: i64) -> String {
    format!(
        "INSERT INTO user_registration_tokens (user_registration_token_id, token, times_used, \
             created_at, last_used_at) \
         SELECT {id}, 'welcome-' || n, 100, {created}, {used} \
         FROM demo_numbers WHERE n < {TOKENS}",
        id = token_id(dialect, "n", now),
        created = dialect.time(&format!("{now} - {}", 900 * DAY)),
        used = dialect.time(&format!("{now} - {DAY}")),
    )
}

/// Of those that stay, half came through a provider: in a login that was never completed, long ago, or in
/// one of an account that never came to be, and goes with it.
fn registrations(dialect: Dialect, counts: &Counts, now: i64) -> String {
    let made = registered("n", now);
    let abandoned = format!("n / 4 % {} * 6 + 4", counts.browser_sessions() / 6);
    let orphan = format!("n / 4 % {} * 3 + 1", counts.orphaned_links / 3);
    format!(
        "INSERT INTO user_registrations (user_registration_id, username, ip_address, user_agent, \
             created_at, completed_at, user_registration_token_id, \
             upstream_oauth_authorization_session_id) \
         SELECT {id}, 'newcomer-' || n, {address}, 'Mozilla/5.0 (demo)', {created}, {completed}, \
                CASE WHEN n % 5 = 0 THEN {token} END, \
                CASE n % 8 WHEN 2 THEN {abandoned} WHEN 3 THEN {orphan} END \
         FROM demo_numbers WHERE n < {count}",
        id = dialect.ulid(&made, Kind::Registration, "n"),
        address = dialect.address("n"),
        created = dialect.time(&made),
        completed = dialect.time(&format!(
            "CASE WHEN n % 4 = 1 THEN {made} + 3 * {MINUTE} END"
        )),
        token = token_id(dialect, &format!("n % {TOKENS}"), now),
        abandoned = upstream_session_id(dialect, &abandoned, now),
        orphan = session_of_orphan_id(dialect, counts, &orphan, now),
        count = counts.registrations,
    )
}

/// One for each registration, and after those the ones from within a browser session.
fn authenticated(counts: &Counts, now: i64) -> String {
    let count = counts.registrations;
    let added = old_or_young(&format!("n - {count}"), now);
    format!(
        "CASE WHEN n < {count} THEN {} + {MINUTE} ELSE {added} END",
        registered("n", now)
    )
}

fn authentications(dialect: Dialect, counts: &Counts, now: i64) -> String {
    let made = authenticated(counts, now);
    let registrations = counts.registrations;
    format!(
        "INSERT INTO user_email_authentications (user_email_authentication_id, user_session_id, \
             email, created_at, completed_at, user_registration_id) \
         SELECT {id}, CASE WHEN n >= {registrations} THEN {session} END, \
                'address-' || n || '@demo.example', {created}, {completed}, \
                CASE WHEN n < {registrations} THEN {registration} END \
         FROM demo_numbers WHERE n < {count}",
        id = dialect.ulid(&made, Kind::EmailAuthentication, "n"),
        session = browser_session_id(
            dialect,
            &format!("(n - {registrations}) % {}", counts.browser_sessions()),
            now
        ),
        created = dialect.time(&made),
        completed = dialect.time(&format!("CASE WHEN n % 4 > 0 THEN {made} + {MINUTE} END")),
        registration = dialect.ulid(&registered("n", now), Kind::Registration, "n"),
        count = registrations + counts.added_addresses,
    )
}

fn codes(dialect: Dialect, counts: &Counts, now: i64) -> String {
    let made = authenticated(counts, now);
    format!(
        "INSERT INTO user_email_authentication_codes (user_email_authentication_code_id, \
             user_email_authentication_id, code, created_at, expires_at) \
         SELECT {id}, {authentication}, 'code-' || n, {created}, {expires} \
         FROM demo_numbers WHERE n < {count}",
        id = dialect.ulid(&made, Kind::EmailCode, "n"),
        authentication = dialect.ulid(&made, Kind::EmailAuthentication, "n"),
        created = dialect.time(&made),
        expires = dialect.time(&format!("{made} + {GOOD_FOR}")),
        count = counts.registrations + counts.added_addresses,
    )
}

/// A registration and the proof of its address refer to each other.
fn proven_addresses() -> String {
    "UPDATE user_registrations SET email_authentication_id = \
         (SELECT proof.user_email_authentication_id FROM user_email_authentications AS proof \
          WHERE proof.user_registration_id = user_registrations.user_registration_id)"
        .to_owned()
}

fn password_resets(dialect: Dialect, counts: &Counts, now: i64) -> String {
    let made = choose(
        "n % 4",
        RESETS
            .iter()
            .map(|reset| format!("{now} - {}", spread("n", reset.age.0, reset.age.1))),
    );
    let used = choose(
        "n % 4",
        RESETS.iter().map(|reset| match reset.used_after {
            Some(after) => format!("made + {after}"),
            None => "NULL".to_owned(),
        }),
    );
    format!(
        "INSERT INTO password_resets (id, user_id, token_hash, expires_at, used_at, created_at) \
         SELECT {id}, {user}, {hash}, {expires}, {used}, {created} \
         FROM (SELECT n, {made} AS made FROM demo_numbers WHERE n < {count}) AS resets",
        id = dialect.random_uuid(Kind::PasswordReset, "n"),
        user = dialect.random_uuid(Kind::User, &format!("n % {}", counts.users)),
        hash = dialect.secret("", Kind::PasswordReset, "n"),
        expires = dialect.time(&format!("made + {RESET_GOOD_FOR}")),
        used = dialect.time(&format!("CAST({used} AS bigint)")),
        created = dialect.time("made"),
        count = counts.password_resets,
    )
}
