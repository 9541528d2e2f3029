//! The cut-off of a real run hangs on the database's clock when the run began, and on nothing else.

use super::*;

/// So many rows a job, this far apart: from ten seconds before the cut-off of a run that began
/// with the test to two minutes after it, so that a slow machine finds it among them too.
const RUNGS: i64 = 2000;
const APART: i64 = 65 * SECOND / 1000;
const AHEAD: i64 = 10 * SECOND;

/// A job, the table that it cleans, and its retention.
const LADDERS: [(&str, &str, i64); 9] = [
    ("revoked-access", "oauth2_access_tokens", HOUR),
    ("expired-access", "oauth2_access_tokens", 30 * DAY),
    ("revoked-refresh", "oauth2_refresh_tokens", HOUR),
    ("consumed-refresh", "oauth2_refresh_tokens", HOUR),
    (
        "authorization-grants",
        "oauth2_authorization_grants",
        7 * DAY,
    ),
    ("device-code-grants", "oauth2_device_code_grant", 7 * DAY),
    ("compat-tokens", "compat_refresh_tokens", 30 * DAY),
    ("compat-tokens", "compat_access_tokens", 30 * DAY),
    ("refresh-tokens", "refresh_tokens", 0),
];

/// The row of one rung: its literals, without the name, in the order of [`columns`].
fn row(auth: &Auth, number: usize, rung: i64, at: i64, name: &str) -> String {
    let key = auth.key(&format!("{number}/{rung}"));
    let (session, active) = (auth.key("session"), auth.key("active"));
    let ulid = || {
        let mut rest = [0; 10];
        rest[2..].copy_from_slice(&rung.to_be_bytes());
        auth.ulid(at.div_euclid(1000), rest)
    };
    let client = auth.key("client");
    let at = auth.time(Some(at));
    match number {
        0 => format!("{key}, {session}, '{name}', {at}, NULL, {at}"),
        1 => format!("{key}, {session}, '{name}', {at}, {at}, NULL"),
        2 => format!("{key}, {session}, '{name}', {at}, NULL, {at}"),
        3 => format!("{key}, {session}, '{name}', {at}, {at}, NULL"),
        4 => format!("{}, {client}, '{name}', {at}", ulid()),
        5 => format!("{}, {client}, '{name}', '{name}', {at}, {at}", ulid()),
        6 => format!(
            "{key}, {active}, {}, '{name}', {at}, {at}",
            auth.key("lasting")
        ),
        7 => format!("{key}, {active}, '{name}', {at}, {at}"),
        _ => format!(
            "{key}, {}, '{name}', {key}, FALSE, {at}, {at}",
            auth.key("user")
        ),
    }
}

fn columns(number: usize) -> &'static str {
    match number {
        0 | 1 => {
            "oauth2_access_tokens (oauth2_access_token_id, oauth2_session_id, access_token, \
             created_at, expires_at, revoked_at)"
        }
        2 | 3 => {
            "oauth2_refresh_tokens (oauth2_refresh_token_id, oauth2_session_id, refresh_token, \
             created_at, consumed_at, revoked_at)"
        }
        4 => {
            "oauth2_authorization_grants (oauth2_authorization_grant_id, oauth2_client_id, \
             authorization_code, created_at)"
        }
        5 => {
            "oauth2_device_code_grant (oauth2_device_code_grant_id, oauth2_client_id, device_code, \
             user_code, created_at, expires_at)"
        }
        6 => {
            "compat_refresh_tokens (compat_refresh_token_id, compat_session_id, \
             compat_access_token_id, refresh_token, created_at, consumed_at)"
        }
        7 => {
            "compat_access_tokens (compat_access_token_id, compat_session_id, access_token, \
             created_at, expires_at)"
        }
        _ => "refresh_tokens (id, user_id, token_hash, family_id, revoked, expires_at, created_at)",
    }
}

/// The moment of a rung; not a round number of anything, and every one different.
fn moment(began: i64, retention: i64, rung: i64) -> i64 {
    began - retention - AHEAD + rung * (APART + 1)
}

#[tokio::test]
async fn every_job_cuts_at_the_clock_of_its_run() {
    for auth in both().await {
        let host = auth.host("[plugins.tokens]\nbatch-size = 300\n").await;
        let began = host.database().now().await.unwrap().0;
        auth.compat_access_token("active", "lasting", None).await;
        for (number, (_, _, retention)) in LADDERS.into_iter().enumerate() {
            let rows = (0..RUNGS).map(|rung| {
                let at = moment(began, retention, rung);
                row(&auth, number, rung, at, &format!("{number} {at}"))
            });
            auth.insert(columns(number), &rows.collect::<Vec<_>>())
                .await;
        }

        let reports = besom_run(&host, Mode::Apply).await;

        for (number, (job, table, retention)) in LADDERS.into_iter().enumerate() {
            let report = reports.iter().find(|report| report.job.job == job).unwrap();
            assert_eq!(report.error, None);
            let cutoff = started(&auth, &report.run.to_string()).await - retention;
            // A key holds whole milliseconds: one made in that of the cut-off may be younger.
            let held = |at: i64| {
                if matches!(number, 4 | 5) {
                    at / 1000
                } else {
                    at
                }
            };
            let mut expected: Vec<_> = (0..RUNGS)
                .map(|rung| moment(began, retention, rung))
                .filter(|at| held(*at) >= held(cutoff))
                .map(|at| format!("{number} {at}"))
                .collect();
            expected.sort_unstable();
            let mut left = auth.names(table).await;
            left.retain(|name| name.starts_with(&format!("{number} ")));
            assert_eq!(left, expected, "{job} on {:?}", auth.dialect());
            let among = (1..RUNGS).contains(&(left.len() as i64));
            assert!(
                among,
                "the cut-off of {job} is not among the rows: {}",
                left.len()
            );
        }
    }
}

/// The run's clock, in microseconds, as the ledger has it.
async fn started(auth: &Auth, run: &str) -> i64 {
    let micros = match auth.dialect() {
        Dialect::Postgres => "(extract(epoch FROM started_at) * 1000000)::bigint",
        Dialect::Sqlite => "started_at",
    };
    let sql = format!("SELECT {micros} FROM besom_run WHERE id = '{run}'");
    auth.lab.count(&sql).await
}
