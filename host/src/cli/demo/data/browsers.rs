//! Browser sessions: what compatibility and OAuth 2.0 sessions are opened from.

use super::dialect::{Dialect, Kind};
use super::parents::user_id;
use super::{Counts, DAY, HOUR, SECOND, choose, spread};

/// Of the browser sessions without OAuth 2.0 sessions, one in five each is
/// - ended over 30 days ago, and opened a compatibility session that is as old,
/// - ended over 30 days ago, and nothing hangs on it that would keep it,
/// - ended less than 30 days ago,
/// - open,
/// - ended over 30 days ago; a device code was approved in it afterwards, in the first of them.
const KINDS: i64 = 5;

/// When an open one was last used, by its number: one in seven more than 30 days ago, another in
/// seven more than the 60 days after which the demo finishes it.
const LAST_USED: [(i64, i64); 7] = [
    (HOUR, 25 * DAY),
    (HOUR, 25 * DAY),
    (33 * DAY, 58 * DAY),
    (62 * DAY, 150 * DAY),
    (HOUR, 25 * DAY),
    (HOUR, 25 * DAY),
    (HOUR, 25 * DAY),
];

pub(super) fn statements(dialect: Dialect, counts: &Counts, now: i64) -> Vec<String> {
    vec![browser_sessions(dialect, counts, now)]
}

/// The key of the browser session with this number.
pub(super) fn browser_session_id(dialect: Dialect, number: &str, now: i64) -> String {
    dialect.ulid(&created(number, now), Kind::BrowserSession, number)
}

/// The number of the browser session that the `number`-th compatibility session of old hangs on.
pub(super) fn of_old(counts: &Counts, number: &str) -> String {
    format!("{} + {number} * {KINDS}", counts.browsers_with)
}

/// The number of a browser session that ended over 30 days ago and that nothing hangs on but what it takes
/// along or what forgets it; every number names one of them.
pub(super) fn childless(counts: &Counts, number: &str) -> String {
    of_kind(counts, number, 1)
}

/// The same, of one that is open.
pub(super) fn open(counts: &Counts, number: &str) -> String {
    of_kind(counts, number, 3)
}

fn of_kind(counts: &Counts, number: &str, kind: i64) -> String {
    let many = counts.browsers_without / KINDS;
    format!(
        "{} + ({number}) % {many} * {KINDS} + {kind}",
        counts.browsers_with
    )
}

/// The number of the browser session that the `number`-th device code was approved in too late.
pub(super) fn left_over(counts: &Counts, number: &str) -> String {
    format!("{} + {number} * {KINDS} + 4", counts.browsers_with)
}

/// Before every session that was opened from it, the oldest of which are some 160 days old.
pub(super) fn created(number: &str, now: i64) -> String {
    format!("{now} - {}", spread(number, 170 * DAY, 290 * DAY))
}

fn browser_sessions(dialect: Dialect, counts: &Counts, now: i64) -> String {
    let long_ago = format!("{now} - {}", spread("n", 33 * DAY, 90 * DAY));
    let lately = format!("{now} - {}", spread("n", DAY, 20 * DAY));
    let active = choose(
        "n % 7",
        LAST_USED.map(|(from, to)| format!("{now} - {}", spread("n", from, to))),
    );
    let with = counts.browsers_with;
    let finished = format!(
        "CASE WHEN n < {with} AND n % 5 < 4 OR n >= {with} AND (n - {with}) % {KINDS} = 3 THEN NULL \
         WHEN n >= {with} AND (n - {with}) % {KINDS} = 2 THEN {lately} ELSE {long_ago} END"
    );
    format!(
        "INSERT INTO user_sessions (user_session_id, user_id, created_at, finished_at, \
             user_agent, last_active_at, last_active_ip) \
         SELECT {id}, {user}, {created}, {finished_at}, 'Mozilla/5.0 (demo)', {last_active_at}, \
                {address} \
         FROM (SELECT n, {finished} AS finished FROM demo_numbers WHERE n < {count}) AS browsers",
        id = browser_session_id(dialect, "n", now),
        user = user_id(dialect, &format!("n % {}", counts.users), now),
        created = dialect.time(&created("n", now)),
        finished_at = dialect.time("finished"),
        last_active_at = dialect.time(&format!("coalesce(finished - {SECOND}, {active})")),
        address = dialect.address("n"),
        count = counts.browser_sessions(),
    )
}
