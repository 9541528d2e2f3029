//! Logins at upstream providers: links, authorization sessions and the browser sessions they opened.
//!
//! An authorization session knows its browser session by a pointer that a trigger fills; the oldest
//! are from before there was a pointer, and theirs is empty until a job fills it.

use super::browsers::{browser_session_id, created};
use super::dialect::{Dialect, Kind};
use super::parents::user_id;
use super::{Counts, DAY, HOUR, SECOND, choose, spread};

const PROVIDERS: i64 = 2;

/// One browser session in so many began at an upstream provider.
const UPSTREAM: i64 = 3;

/// Authorization sessions older than this were made before they had a pointer: a third of them.
const WITHOUT_POINTER: i64 = 250 * DAY;

/// How long ago a link was made that never became an account, one in three each: gone with its
/// sessions in any order of the jobs, gone while its session is still young, and kept.
const ORPHANS: [(i64, i64); 3] = [(33 * DAY, 60 * DAY), (8 * DAY, 25 * DAY), (HOUR, 6 * DAY)];

pub(super) fn statements(dialect: Dialect, counts: &Counts, now: i64) -> Vec<String> {
    vec![
        providers(dialect, now),
        links(dialect, counts, now),
        upstream_sessions(dialect, counts, now),
        orphaned_links(dialect, counts, now),
        sessions_of_orphans(dialect, counts, now),
        authentications(dialect, counts, now),
        without_pointer(dialect, now),
    ]
}

/// How many authorization sessions hang on this many browser sessions: two in three.
pub(super) fn sessions_beside(browser_sessions: i64) -> i64 {
    browser_sessions / UPSTREAM * 2 + (browser_sessions % UPSTREAM).min(2)
}

fn provider_id(dialect: Dialect, number: &str, now: i64) -> String {
    let created = format!("{now} - {} + ({number}) * {HOUR}", 1000 * DAY);
    dialect.ulid(&created, Kind::Provider, number)
}

fn providers(dialect: Dialect, now: i64) -> String {
    format!(
        "INSERT INTO upstream_oauth_providers (upstream_oauth_provider_id, issuer, client_id, \
             scope, token_endpoint_auth_method, created_at) \
         SELECT {id}, 'https://id-' || n || '.example', 'besom-demo', 'openid', 'none', {created} \
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

/// The key of the login that browser session `number` began with, where it began with one: `number` is a
/// multiple of three. After each of those comes one that was never completed, every second one long ago.
pub(super) fn upstream_session_id(dialect: Dialect, number: &str, now: i64) -> String {
    dialect.ulid(&began(number, now), Kind::UpstreamSession, number)
}

/// With its browser session; every second one that was never completed, in the last 25 days.
fn began(number: &str, now: i64) -> String {
    format!(
        "CASE WHEN ({number}) % {} = 1 THEN {now} - {} ELSE {} END",
        2 * UPSTREAM,
        spread(number, HOUR, 25 * DAY),
        created(number, now)
    )
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
             upstream_oauth_link_id, id_token_claims, state, created_at, completed_at, consumed_at) \
         SELECT {id}, {provider}, CASE WHEN {completed} THEN {link} END, \
                CASE WHEN {completed} THEN {claims} END, {state}, {made}, {completed_at}, \
                {consumed_at} \
         FROM demo_numbers WHERE n < {count} AND n % {UPSTREAM} < 2",
        id = upstream_session_id(dialect, "n", now),
        provider = provider_id(dialect, &format!("{user} % {PROVIDERS}"), now),
        link = link_id(dialect, &user, now),
        // By which the provider names the login when it ends it.
        claims = dialect.json(&format!(
            "'{{\"sub\": \"subject-' || {user} || '\", \"sid\": \"' || n || '\"}}'"
        )),
        state = dialect.secret("s-", Kind::UpstreamSession, "n"),
        made = dialect.time(&began("n", now)),
        completed_at = time(8 * SECOND),
        consumed_at = time(9 * SECOND),
        count = counts.browser_sessions(),
    )
}

fn orphaned(number: &str, now: i64) -> String {
    choose(
        &format!("({number}) % 3"),
        ORPHANS.map(|(from, to)| format!("{now} - {}", spread(number, from, to))),
    )
}

/// Links without a user; their numbers go on from the users'.
fn orphaned_links(dialect: Dialect, counts: &Counts, now: i64) -> String {
    format!(
        "INSERT INTO upstream_oauth_links (upstream_oauth_link_id, upstream_oauth_provider_id, \
             subject, created_at) \
         SELECT {id}, {provider}, 'guest-' || n, {created} FROM demo_numbers WHERE n < {count}",
        id = orphaned_link_id(dialect, counts, now),
        provider = provider_id(dialect, &format!("n % {PROVIDERS}"), now),
        created = dialect.time(&orphaned("n", now)),
        count = counts.orphaned_links,
    )
}

fn orphaned_link_id(dialect: Dialect, counts: &Counts, now: i64) -> String {
    let number = format!("{} + n", counts.users);
    dialect.ulid(&orphaned("n", now), Kind::Link, &number)
}

/// The key of the login that orphaned link `number` was made in; one in three, from the second on, is
/// young and goes with its link.
pub(super) fn session_of_orphan_id(
    dialect: Dialect,
    counts: &Counts,
    number: &str,
    now: i64,
) -> String {
    let of_all = format!("{} + ({number})", counts.browser_sessions());
    dialect.ulid(&orphaned(number, now), Kind::UpstreamSession, &of_all)
}

/// One for each orphaned link; their numbers go on from those beside browser sessions.
fn sessions_of_orphans(dialect: Dialect, counts: &Counts, now: i64) -> String {
    let number = format!("{} + n", counts.browser_sessions());
    let made = orphaned("n", now);
    format!(
        "INSERT INTO upstream_oauth_authorization_sessions \
             (upstream_oauth_authorization_session_id, upstream_oauth_provider_id, \
             upstream_oauth_link_id, state, created_at, completed_at) \
         SELECT {id}, {provider}, {link}, {state}, {created}, {completed} \
         FROM demo_numbers WHERE n < {count}",
        id = session_of_orphan_id(dialect, counts, "n", now),
        provider = provider_id(dialect, &format!("n % {PROVIDERS}"), now),
        link = orphaned_link_id(dialect, counts, now),
        state = dialect.secret("s-", Kind::UpstreamSession, &number),
        created = dialect.time(&made),
        completed = dialect.time(&format!("{made} + 8 * {SECOND}")),
        count = counts.orphaned_links,
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

/// History: the trigger came later than these.
fn without_pointer(dialect: Dialect, now: i64) -> String {
    format!(
        "UPDATE upstream_oauth_authorization_sessions SET user_session_id = NULL \
         WHERE created_at < {}",
        dialect.time(&format!("{now} - {WITHOUT_POINTER}"))
    )
}
