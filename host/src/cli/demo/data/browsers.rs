//! Browser sessions, how their users signed in, and the logins at upstream providers behind some.

use super::dialect::{Dialect, Kind};
use super::parents::user_id;
use super::{Counts, DAY, HOUR, SECOND, spread};

const PROVIDERS: i64 = 2;

/// Of the browser sessions without OAuth 2.0 sessions, one in five each is
/// - ended over 30 days ago, and opened a compatibility session that is as old,
/// - ended over 30 days ago, and nothing hangs on it,
/// - ended less than 30 days ago,
/// - open,
/// - ended over 30 days ago; a device code was approved in it afterwards, in the first of them.
const KINDS: i64 = 5;

/// One browser session in so many began at an upstream provider.
const UPSTREAM: i64 = 3;

pub(super) fn statements(dialect: Dialect, counts: &Counts, now: i64) -> Vec<String> {
    vec![
        browser_sessions(dialect, counts, now),
        providers(dialect, now),
        links(dialect, counts, now),
        upstream_sessions(dialect, counts, now),
        authentications(dialect, counts, now),
    ]
}

/// The key of the browser session with this number.
pub(super) fn browser_session_id(dialect: Dialect, number: &str, now: i64) -> String {
    dialect.ulid(&created(number, now), Kind::BrowserSession, number)
}

/// The number of the browser session that the `number`-th compatibility session of old hangs on.
pub(super) fn of_old(counts: &Counts, number: &str) -> String {
    format!("{} + {number} * {KINDS}", counts.browsers_with)
}

/// The number of the browser session that the `number`-th device code was approved in too late.
pub(super) fn left_over(counts: &Counts, number: &str) -> String {
    format!("{} + {number} * {KINDS} + 4", counts.browsers_with)
}

/// Before every session that was opened from it, the oldest of which are some 160 days old.
fn created(number: &str, now: i64) -> String {
    format!("{now} - {}", spread(number, 170 * DAY, 290 * DAY))
}

fn browser_sessions(dialect: Dialect, counts: &Counts, now: i64) -> String {
    let long_ago = format!("{now} - {}", spread("n", 33 * DAY, 90 * DAY));
    let lately = format!("{now} - {}", spread("n", DAY, 20 * DAY));
    let active = format!("{now} - {}", spread("n", HOUR, 25 * DAY));
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

fn provider_id(dialect: Dialect, number: &str, now: i64) -> String {
    let created = format!("{now} - {} + ({number}) * {HOUR}", 1000 * DAY);
    dialect.ulid(&created, Kind::Provider, number)
}

fn providers(dialect: Dialect, now: i64) -> String {
    format!(
        "INSERT INTO upstream_oauth_providers (upstream_oauth_provider_id, issuer, client_id, \
             scope, created_at) \
         SELECT {id}, 'https://id-' || n || '.example', 'besom-demo', 'openid', {created} \
         FROM demo_numbers WHERE n < {PROVIDERS}",
        id = provider_id(dialect, "n", now),
        created = dialect.time(&format!("{now} - {}", 1000 * DAY)),
    )
}

fn link_id(dialect: Dialect, number: &str, now: i64) -> String {
    dialect.ulid(&linked(number, now), Kind::Link, number)
}

/// After the account was made, before any browser session.
fn linked(number: &str, now: i64) -> String {
    format!("{now} - {}", spread(number, 295 * DAY, 299 * DAY))
}

/// Every user has one.
fn links(dialect: Dialect, counts: &Counts, now: i64) -> String {
    format!(
        "INSERT INTO upstream_oauth_links (upstream_oauth_link_id, upstream_oauth_provider_id, \
             user_id, subject, created_at) \
         SELECT {id}, {provider}, {user}, 'subject-' || n, {created} \
         FROM demo_numbers WHERE n < {count}",
        id = link_id(dialect, "n", now),
        provider = provider_id(dialect, &format!("n % {PROVIDERS}"), now),
        user = user_id(dialect, "n", now),
        created = dialect.time(&linked("n", now)),
        count = counts.users,
    )
}

/// The key of the login that browser session `number` began with.
fn upstream_session_id(dialect: Dialect, number: &str, now: i64) -> String {
    dialect.ulid(&created(number, now), Kind::UpstreamSession, number)
}

/// Those behind browser sessions, and as many that were never completed. Which browser session is
/// filled in by a trigger, as [`authentications`] come.
fn upstream_sessions(dialect: Dialect, counts: &Counts, now: i64) -> String {
    let user = format!("n % {}", counts.users);
    let completed = format!("n % {UPSTREAM} = 0");
    let time = |offset: i64| {
        dialect.time(&format!(
            "CASE WHEN {completed} THEN {} + {offset} END",
            created("n", now)
        ))
    };
    format!(
        "INSERT INTO upstream_oauth_authorization_sessions \
             (upstream_oauth_authorization_session_id, upstream_oauth_provider_id, \
             upstream_oauth_link_id, state, created_at, completed_at, consumed_at) \
         SELECT {id}, {provider}, CASE WHEN {completed} THEN {link} END, {state}, {made}, \
                {completed_at}, {consumed_at} \
         FROM demo_numbers WHERE n < {count} AND n % {UPSTREAM} < 2",
        id = upstream_session_id(dialect, "n", now),
        provider = provider_id(dialect, &format!("{user} % {PROVIDERS}"), now),
        link = link_id(dialect, &user, now),
        state = dialect.secret("s-", Kind::UpstreamSession, "n"),
        made = dialect.time(&created("n", now)),
        completed_at = time(8 * SECOND),
        consumed_at = time(9 * SECOND),
        count = counts.browser_sessions(),
    )
}

/// One for each browser session: by password, or by the upstream login behind it.
fn authentications(dialect: Dialect, counts: &Counts, now: i64) -> String {
    let made = format!("{} + 10 * {SECOND}", created("n", now));
    format!(
        "INSERT INTO user_session_authentications (user_session_authentication_id, \
             user_session_id, upstream_oauth_authorization_session_id, created_at) \
         SELECT {id}, {session}, CASE WHEN n % {UPSTREAM} = 0 THEN {upstream} END, {created} \
         FROM demo_numbers WHERE n < {count}",
        id = dialect.ulid(&made, Kind::Authentication, "n"),
        session = browser_session_id(dialect, "n", now),
        upstream = upstream_session_id(dialect, "n", now),
        created = dialect.time(&made),
        count = counts.browser_sessions(),
    )
}
