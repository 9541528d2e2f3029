//! The server-sessions profile: two tenants that rotate their signing keys, and sessions signed
//! with the key that was active when they began.

use super::dialect::{Dialect, Kind};
use super::{Counts, DAY, HOUR, MINUTE, SECOND, choose, spread};

/// A session ends so long after it began, whatever its user does…
const ABSOLUTE: i64 = 90 * DAY;
/// …and so long after it was last used: two weeks, or two months where the user asked for it.
const IDLE: i64 = 14 * DAY;
const IDLE_REMEMBERED: i64 = 60 * DAY;

/// A key is active for so long; the present ones are half as old.
const ROTATION: i64 = 12 * DAY;
/// The number of the active key of each tenant, whose first is number 0. Fourteen of them reach
/// back 162 days, further than any session.
const ACTIVE: i64 = 13;
/// The next one is made, not used yet; the one after it was retired hours ago, never used.
const GENERATIONS: i64 = ACTIVE + 3;
/// Of both tenants.
pub(super) const KEYS: i64 = 2 * GENERATIONS;

/// Ages, from and to. The same number is as far along in each range.
struct Life {
    created: (i64, i64),
    last_active: (i64, i64),
    revoked: Option<(i64, i64)>,
}

/// One session in ten each, by the last digit of its number.
const LIVES: [Life; 10] = [
    IN_USE,
    REMEMBERED,
    EXPIRED,
    LEFT_IDLE,
    IDLE_LATELY,
    REVOKED,
    REVOKED_LATELY,
    ABANDONED_LOGIN,
    LOGGING_IN,
    IN_USE_FOR_LONG,
];

const IN_USE: Life = Life {
    created: (6 * DAY, 60 * DAY),
    last_active: (MINUTE, 5 * DAY),
    revoked: None,
};
/// Not used for over 30 days, by somebody who asked to stay signed in.
const REMEMBERED: Life = Life {
    created: (50 * DAY, 60 * DAY),
    last_active: (33 * DAY, 45 * DAY),
    revoked: None,
};
/// Used until five days before its end, so that it never was idle.
const EXPIRED: Life = Life {
    created: (91 * DAY, 150 * DAY),
    last_active: (6 * DAY, 65 * DAY),
    revoked: None,
};
/// Idle for two days and more.
const LEFT_IDLE: Life = Life {
    created: (40 * DAY, 60 * DAY),
    last_active: (16 * DAY, 30 * DAY),
    revoked: None,
};
/// Idle for less than the 24 hours that it is kept.
const IDLE_LATELY: Life = Life {
    created: (40 * DAY, 60 * DAY),
    last_active: (IDLE + HOUR, IDLE + 22 * HOUR),
    revoked: None,
};
const REVOKED: Life = Life {
    created: (10 * DAY, 40 * DAY),
    last_active: (2 * DAY, 9 * DAY),
    revoked: Some((2 * DAY, 9 * DAY)),
};
const REVOKED_LATELY: Life = Life {
    created: (10 * DAY, 40 * DAY),
    last_active: (HOUR, 22 * HOUR),
    revoked: Some((HOUR, 22 * HOUR)),
};
/// Before the login, which never came.
const ABANDONED_LOGIN: Life = Life {
    created: (20 * MINUTE, 10 * DAY),
    last_active: (20 * MINUTE, 10 * DAY),
    revoked: None,
};
/// Kept for ten minutes: a minute before the data's nine are over.
const LOGGING_IN: Life = Life {
    created: (SECOND, 20 * SECOND),
    last_active: (SECOND, 20 * SECOND),
    revoked: None,
};
/// Signed with keys of which one tenant has no other session.
const IN_USE_FOR_LONG: Life = Life {
    created: (61 * DAY, 89 * DAY),
    last_active: (MINUTE, 5 * DAY),
    revoked: None,
};

/// The sessions of the last kind are all one tenant's.
const TENANT: &str = "CASE WHEN n % 10 < 9 AND n / 10 % 2 = 1 THEN 'globex' ELSE 'acme' END";
const PRE_LOGIN: &str = "n % 10 IN (7, 8)";

pub(super) fn statements(dialect: Dialect, counts: &Counts, now: i64) -> Vec<String> {
    vec![
        tenants(),
        keys(dialect, now),
        sessions(dialect, counts, now),
    ]
}

/// Sessions were signed with key `g` of a tenant from so long ago on.
fn in_use_since(g: &str) -> String {
    format!("({ACTIVE} - {g}) * {ROTATION} + {}", ROTATION / 2)
}

fn tenants() -> String {
    "INSERT INTO tenants (id) VALUES ('acme'), ('globex')".to_owned()
}

fn keys(dialect: Dialect, now: i64) -> String {
    let first_used = format!(
        "CASE WHEN g <= {ACTIVE} THEN {now} - ({}) END",
        in_use_since("g")
    );
    let retired = format!(
        "CASE WHEN g < {ACTIVE} THEN {now} - ({}) WHEN g > {ACTIVE} + 1 THEN {now} - {} END",
        in_use_since("(g + 1)"),
        3 * HOUR
    );
    let created = format!("coalesce({first_used}, {now} - {DAY}) - {HOUR}");
    format!(
        "INSERT INTO session_signing_keys (id, tenant_id, key_material_encrypted, created_at, \
             retired_at) \
         SELECT tenant || '-key-' || (100 + g), tenant, {bytes}, {created}, {retired} \
         FROM (SELECT n, n / 2 AS g, CASE n % 2 WHEN 1 THEN 'globex' ELSE 'acme' END AS tenant \
               FROM demo_numbers WHERE n < {KEYS}) AS generations",
        bytes = dialect.bytes(Kind::SigningKey, "n"),
        created = dialect.time(&created),
        retired = dialect.time(&retired),
    )
}

fn sessions(dialect: Dialect, counts: &Counts, now: i64) -> String {
    let at = |of: fn(&Life) -> Option<(i64, i64)>| {
        let moments = LIVES.iter().map(move |life| {
            of(life).map_or_else(
                || "NULL".to_owned(),
                |(from, to)| format!("{now} - {}", spread("n", from, to)),
            )
        });
        choose("n % 10", moments)
    };
    // The key that was active then.
    let key = format!(
        "CASE WHEN {now} - created < {half} THEN {ACTIVE} \
         ELSE {ACTIVE} - 1 - ({now} - created - {half}) / {ROTATION} END",
        half = ROTATION / 2
    );
    let idle = format!("active + CASE n % 10 WHEN 1 THEN {IDLE_REMEMBERED} ELSE {IDLE} END");
    // Nothing is idle for longer than it is there.
    let last = format!("created + {ABSOLUTE} - {SECOND}");
    let idle = format!("CASE WHEN {idle} < {last} THEN {idle} ELSE {last} END");
    format!(
        "INSERT INTO sessions (id, tenant_id, actor_id, actor_type, signing_key_id, is_pre_login, \
             csrf_token_hash, ip_address, user_agent, created_at, last_seen_at, idle_expires_at, \
             absolute_expires_at, revoked_at) \
         SELECT {id}, tenant, CASE WHEN {PRE_LOGIN} THEN '' ELSE 'user-' || (n % {users}) END, \
                CASE WHEN {PRE_LOGIN} THEN 'anonymous' ELSE 'user' END, \
                tenant || '-key-' || (100 + {key}), {PRE_LOGIN}, {id}, \
                '198.51.100.' || (1 + n % 254), 'Mozilla/5.0 (demo)', {created}, {last_seen}, \
                {idle}, {absolute}, {revoked} \
         FROM (SELECT n, {TENANT} AS tenant, {began} AS created, {used} AS active, \
                   CAST({ended} AS bigint) AS revoked \
               FROM demo_numbers WHERE n < {count}) AS lives",
        id = dialect.secret("", Kind::ServerSession, "n"),
        users = counts.users,
        created = dialect.time("created"),
        last_seen = dialect.time("active"),
        idle = dialect.time(&idle),
        absolute = dialect.time(&format!("created + {ABSOLUTE}")),
        revoked = dialect.time("revoked"),
        began = at(|life| Some(life.created)),
        used = at(|life| Some(life.last_active)),
        ended = at(|life| life.revoked),
        count = counts.server_sessions,
    )
}
