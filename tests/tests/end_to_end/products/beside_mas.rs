//! Matrix Authentication Service cleans the same tables at the same minutes: the two beside each other.
//!
//! Its statements are written anew here, in its way: find up to a batch of rows in order, lock them where it
//! does, delete what belongs to them, delete them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::super::cli::Desk;
use super::{MAS, assert_same, fill, oracle, plugins_of, rows};

/// Rows of one of its statements, fewer than the thousand that it takes, so that the two meet more often.
const BATCH: usize = 40;

/// What it does to a table: the rows in order, whether it locks them first, and what goes with them.
struct Cleaner {
    table: &'static str,
    key: &'static str,
    /// On the alias `t`.
    due: &'static str,
    order: &'static str,
    locks: bool,
    children: &'static [(&'static str, &'static str)],
    /// Set instead of deleted.
    set: Option<&'static str>,
}

const fn cleaner(
    table: &'static str,
    key: &'static str,
    due: &'static str,
    order: &'static str,
    locks: bool,
) -> Cleaner {
    Cleaner {
        table,
        key,
        due,
        order,
        locks,
        children: &[],
        set: None,
    }
}

const fn forget_address(table: &'static str, key: &'static str) -> Cleaner {
    Cleaner {
        set: Some("last_active_ip = NULL"),
        ..cleaner(
            table,
            key,
            "t.last_active_ip IS NOT NULL AND t.last_active_at < now() - interval '30 days'",
            "t.last_active_at",
            true,
        )
    }
}

const CLEANERS: [Cleaner; 18] = [
    cleaner(
        "oauth2_access_tokens",
        "oauth2_access_token_id",
        "t.revoked_at < now() - interval '1 hour'",
        "t.revoked_at",
        true,
    ),
    cleaner(
        "oauth2_refresh_tokens",
        "oauth2_refresh_token_id",
        "t.revoked_at < now() - interval '1 hour'",
        "t.revoked_at",
        true,
    ),
    cleaner(
        "oauth2_refresh_tokens",
        "oauth2_refresh_token_id",
        "t.consumed_at < now() - interval '1 hour' AND (
             t.next_oauth2_refresh_token_id IS NULL OR EXISTS (
                 SELECT FROM oauth2_refresh_tokens AS n
                 WHERE n.oauth2_refresh_token_id = t.next_oauth2_refresh_token_id
                   AND n.consumed_at IS NOT NULL))",
        "t.consumed_at",
        false,
    ),
    cleaner(
        "oauth2_access_tokens",
        "oauth2_access_token_id",
        "t.expires_at < now() - interval '30 days'",
        "t.expires_at",
        true,
    ),
    Cleaner {
        children: &[
            ("compat_refresh_tokens", "compat_session_id"),
            ("compat_access_tokens", "compat_session_id"),
            ("compat_sso_logins", "compat_session_id"),
        ],
        ..cleaner(
            "compat_sessions",
            "compat_session_id",
            "t.finished_at < now() - interval '30 days'",
            "t.finished_at",
            true,
        )
    },
    cleaner(
        "oauth2_authorization_grants",
        "oauth2_authorization_grant_id",
        "t.created_at < now() - interval '7 days'",
        "t.oauth2_authorization_grant_id",
        false,
    ),
    cleaner(
        "oauth2_device_code_grant",
        "oauth2_device_code_grant_id",
        "t.created_at < now() - interval '7 days'",
        "t.oauth2_device_code_grant_id",
        false,
    ),
    // It would fail on a session that a grant of the last week holds; there it waits for the next hour.
    Cleaner {
        children: &[
            ("oauth2_refresh_tokens", "oauth2_session_id"),
            ("oauth2_access_tokens", "oauth2_session_id"),
        ],
        ..cleaner(
            "oauth2_sessions",
            "oauth2_session_id",
            "t.finished_at < now() - interval '30 days' AND NOT EXISTS (
                 SELECT FROM oauth2_authorization_grants AS g
                 WHERE g.oauth2_session_id = t.oauth2_session_id)",
            "t.finished_at",
            true,
        )
    },
    Cleaner {
        children: &[("user_session_authentications", "user_session_id")],
        ..cleaner(
            "user_sessions",
            "user_session_id",
            "t.finished_at < now() - interval '30 days'
             AND NOT EXISTS (SELECT FROM oauth2_sessions AS o WHERE o.user_session_id = t.user_session_id)
             AND NOT EXISTS (SELECT FROM compat_sessions AS c WHERE c.user_session_id = t.user_session_id)
             AND NOT EXISTS (SELECT FROM oauth2_device_code_grant AS d
                             WHERE d.user_session_id = t.user_session_id)",
            "t.finished_at",
            true,
        )
    },
    forget_address("oauth2_sessions", "oauth2_session_id"),
    forget_address("compat_sessions", "compat_session_id"),
    forget_address("user_sessions", "user_session_id"),
    cleaner(
        "upstream_oauth_authorization_sessions",
        "upstream_oauth_authorization_session_id",
        "t.user_session_id IS NULL AND t.created_at < now() - interval '7 days'",
        "t.upstream_oauth_authorization_session_id",
        false,
    ),
    Cleaner {
        children: &[("upstream_oauth_authorization_sessions", "upstream_oauth_link_id")],
        ..cleaner(
            "upstream_oauth_links",
            "upstream_oauth_link_id",
            "t.user_id IS NULL AND t.created_at < now() - interval '7 days'",
            "t.upstream_oauth_link_id",
            false,
        )
    },
    cleaner(
        "user_registrations",
        "user_registration_id",
        "t.created_at < now() - interval '30 days'",
        "t.user_registration_id",
        false,
    ),
    cleaner(
        "user_recovery_sessions",
        "user_recovery_session_id",
        "t.created_at < now() - interval '7 days'",
        "t.user_recovery_session_id",
        false,
    ),
    Cleaner {
        children: &[("user_email_authentication_codes", "user_email_authentication_id")],
        ..cleaner(
            "user_email_authentications",
            "user_email_authentication_id",
            "t.created_at < now() - interval '7 days'",
            "t.user_email_authentication_id",
            false,
        )
    },
    cleaner(
        "queue_jobs",
        "queue_job_id",
        "t.status IN ('completed', 'failed') AND t.created_at < now() - interval '30 days'",
        "t.queue_job_id",
        false,
    ),
];

impl Cleaner {
    fn statement(&self) -> String {
        let Self {
            table,
            key,
            due,
            order,
            ..
        } = self;
        let lock = if self.locks { "FOR UPDATE OF t" } else { "" };
        let children: String = self
            .children
            .iter()
            .enumerate()
            .map(|(n, (child, column))| {
                format!(
                    "child{n} AS (DELETE FROM {child} AS c USING due WHERE c.{column} = due.id),\n"
                )
            })
            .collect();
        let act = match self.set {
            None => format!("DELETE FROM {table} AS t USING due WHERE t.{key} = due.id"),
            Some(set) => format!("UPDATE {table} AS t SET {set} FROM due WHERE t.{key} = due.id"),
        };
        format!(
            "WITH due AS (SELECT t.{key} AS id FROM {table} AS t WHERE {due} ORDER BY {order} LIMIT {BATCH} {lock}),
             {children} done AS ({act} RETURNING 1)
             SELECT count(*) FROM done"
        )
    }
}

/// Rows that it has deleted so far, by table; each of its errors is the test's.
type Counts = BTreeMap<&'static str, i64>;

/// One hour's work: every cleaner until it finds less than a batch.
async fn clean(connection: &mut PgConnection, gone: &mut Counts) -> i64 {
    let mut in_all = 0;
    for cleaner in &CLEANERS {
        let statement = cleaner.statement();
        loop {
            let rows: i64 = sqlx::query_scalar(AssertSqlSafe(statement.clone()))
                .fetch_one(&mut *connection)
                .await
                .unwrap_or_else(|error| panic!("{error} in {statement}"));
            in_all += rows;
            if cleaner.set.is_none() {
                *gone.entry(cleaner.table).or_default() += rows;
            }
            if rows < BATCH as i64 {
                break;
            }
        }
    }
    in_all
}

#[tokio::test(flavor = "multi_thread")]
async fn two_cleaners_share_the_rows_without_a_deadlock_and_each_counts_its_own() {
    // Given a database of the server's with rows of every kind, and its twin
    let (database, twin) = (besom_tests::postgres().await, besom_tests::postgres().await);
    let mut ours = PgConnection::connect(&database.direct()).await.unwrap();
    let mut alone = PgConnection::connect(&twin.direct()).await.unwrap();
    let now = super::now(&mut ours).await;
    fill::fill(&mut ours, "mas", now).await;
    fill::fill(&mut alone, "mas", now).await;
    let before = rows(&mut ours).await;
    let url = database.direct();
    let more = format!(
        "[defaults]\nbatch-size = {BATCH}\n{}",
        plugins_of("mas", &MAS)
    );
    let desk = Arc::new(Desk::with_file(database, &more));
    desk.says(&["migrate"]);

    // When the server cleans, over and over, while besom does
    let done = Arc::new(AtomicBool::new(false));
    let server = tokio::spawn({
        let done = Arc::clone(&done);
        async move {
            let mut connection = PgConnection::connect(&url).await.unwrap();
            let mut gone = Counts::new();
            while !done.load(Ordering::Relaxed) {
                clean(&mut connection, &mut gone).await;
            }
            // What besom held at its last turn.
            while clean(&mut connection, &mut gone).await != 0 {}
            gone
        }
    });
    let besom = tokio::task::spawn_blocking({
        let desk = Arc::clone(&desk);
        move || {
            let arguments = [&["run", "--json"], MAS.as_slice()].concat();
            let mut gone = BTreeMap::new();
            for _ in 0..3 {
                let runs = desk.json(&arguments);
                for run in runs.as_array().unwrap() {
                    assert_eq!(run["outcome"], "drained", "{run}");
                    let job = run["job"].as_str().unwrap().to_owned();
                    *gone.entry(job).or_insert(0) += run["affected"].as_i64().unwrap();
                }
            }
            gone
        }
    });
    let by_besom = besom.await.unwrap();
    done.store(true, Ordering::Relaxed);
    let by_server = server.await.unwrap();

    // Then nothing is gone but what one of the two deletes when it is alone, and nothing of that is left
    let mut ignored = Counts::new();
    while clean(&mut alone, &mut ignored).await != 0 {}
    oracle::clean(&mut alone, "mas").await;
    while clean(&mut alone, &mut ignored).await != 0 {}
    let after = rows(&mut ours).await;
    assert_same(&after, &rows(&mut alone).await);

    // And neither had to be told by the database that they waited for each other
    let deadlocks: i64 = sqlx::query_scalar(
        "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()",
    )
    .fetch_one(&mut ours)
    .await
    .unwrap();
    assert_eq!(deadlocks, 0);

    // And what each says that it has deleted is what is gone
    for (table, job) in [
        ("compat_sessions", "sessions/finished-compat"),
        ("oauth2_sessions", "sessions/finished-oauth2"),
        ("user_sessions", "sessions/finished-browser"),
        ("user_recovery_sessions", "recovery/recovery-sessions"),
        ("user_registrations", "recovery/registrations"),
        ("oauth2_authorization_grants", "tokens/authorization-grants"),
        ("queue_jobs", "queue/finished"),
    ] {
        let gone = before[table].len() - after[table].len();
        assert_eq!(
            by_server[table] + by_besom[job],
            gone as i64,
            "{table}: {} by the server, {} by besom",
            by_server[table],
            by_besom[job]
        );
    }
    assert!(by_besom.values().sum::<i64>() > 0 && by_server.values().sum::<i64>() > 0);
}

#[tokio::test]
async fn what_the_server_has_in_hand_besom_leaves_counts_and_does_not_wait_for() {
    // Given a clean-up of the server's in mid transaction: it holds one session that is due, and of another
    // only the tokens that it deletes first
    let database = besom_tests::postgres().await;
    let mut server = PgConnection::connect(&database.direct()).await.unwrap();
    let now = super::now(&mut server).await;
    fill::fill(&mut server, "mas", now).await;
    let due: Vec<String> = sqlx::query_scalar(
        "SELECT compat_session_id::text FROM compat_sessions AS s
         WHERE finished_at < now() - interval '30 days'
           AND EXISTS (SELECT FROM compat_refresh_tokens AS r WHERE r.compat_session_id = s.compat_session_id)
         ORDER BY finished_at",
    )
    .fetch_all(&mut server)
    .await
    .unwrap();
    let (held, begun) = (&due[0], &due[1]);
    let desk = Desk::with_file(database, &plugins_of("mas", &["sessions"]));
    desk.says(&["migrate"]);
    fill::run(
        &mut server,
        &format!(
            "BEGIN;
             SELECT FROM compat_sessions WHERE compat_session_id = '{held}' FOR UPDATE;
             DELETE FROM compat_refresh_tokens WHERE compat_session_id = '{begun}'"
        ),
    )
    .await;

    // When besom cleans the same table
    let runs = desk.json(&["run", "sessions/finished-compat", "--json"]);

    // Then the two stay, counted, and all others are gone
    let run = &runs[0];
    let rest = due.len() as u64 - 2;
    assert_eq!(run["outcome"], "drained", "{run}");
    assert_eq!(
        (&run["affected"], &run["locked"]),
        (&rest.into(), &2.into()),
        "{run}"
    );

    // And the server goes on to its end
    fill::run(
        &mut server,
        &format!(
            "DELETE FROM compat_access_tokens WHERE compat_session_id = '{begun}';
             DELETE FROM compat_sso_logins WHERE compat_session_id = '{begun}';
             DELETE FROM compat_sessions WHERE compat_session_id = '{begun}';
             COMMIT"
        ),
    )
    .await;
    let runs = desk.json(&["run", "sessions/finished-compat", "--json"]);
    assert_eq!(
        (&runs[0]["affected"], &runs[0]["locked"]),
        (&1.into(), &0.into())
    );
}
