//! Personal sessions: long-lived, made for a script by a user or a client. No job deletes one.

use super::dialect::{Dialect, Kind};
use super::parents::{client_id, user_id};
use super::{Counts, DAY, HOUR, choose, spread};

/// One in four each, by how long ago it was last used: lately, over 30 days ago, never, and over 30
/// days ago but revoked since.
const LAST_USED: [Option<(i64, i64)>; 4] = [
    Some((HOUR, 25 * DAY)),
    Some((33 * DAY, 90 * DAY)),
    None,
    Some((33 * DAY, 90 * DAY)),
];

/// One in five acts for a client.
const OF_A_CLIENT: &str = "n % 5 = 0";

pub(super) fn statements(dialect: Dialect, counts: &Counts, now: i64) -> Vec<String> {
    let created = format!("{now} - {}", spread("n", 100 * DAY, 290 * DAY));
    let used = choose(
        "n % 4",
        LAST_USED.map(|range| {
            range.map_or_else(
                || "NULL".to_owned(),
                |(from, to)| format!("{now} - {}", spread("n", from, to)),
            )
        }),
    );
    let user = user_id(dialect, &format!("n % {}", counts.users), now);
    let sessions = format!(
        "INSERT INTO personal_sessions (personal_session_id, owner_user_id, \
             owner_oauth2_client_id, actor_user_id, human_name, scope_list, created_at, revoked_at, \
             last_active_at, last_active_ip) \
         SELECT {id}, CASE WHEN NOT ({OF_A_CLIENT}) THEN {user} END, \
                CASE WHEN {OF_A_CLIENT} THEN {client} END, {user}, 'script ' || n, {scopes}, \
                {created_at}, {revoked_at}, {used_at}, \
                CASE WHEN n % 4 <> 2 THEN {address} END \
         FROM (SELECT n, CAST({used} AS bigint) AS used FROM demo_numbers WHERE n < {count}) \
             AS scripts",
        id = dialect.ulid(&created, Kind::PersonalSession, "n"),
        client = client_id(dialect, "0", now),
        scopes = dialect.list(&["'urn:demo'"]),
        created_at = dialect.time(&created),
        revoked_at = dialect.time(&format!("CASE WHEN n % 4 = 3 THEN used + {DAY} END")),
        used_at = dialect.time("used"),
        address = dialect.address("n"),
        count = counts.personal_sessions,
    );
    vec![sessions]
}
