//! The reference schema's history, from its first chapter to its end, on a database that is in use.

mod foreground;

use std::path::Path;

use besom::cli::demo::schema;
use besom::config::{Config, Environment, Rules};
use besom::request::{JobName, Mode};
use besom::runner::Host;
use besom_tests::TestDatabase;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::auth::{options, terminal};
use foreground::Foreground;

/// Rows in each of the large tables.
const MANY: u32 = 500_000;

/// Rows in every table of the first chapter. Keys are ULIDs of the last days; every third trip to the
/// provider led to a browser session, of which only the authentication knows yet, and some have two.
const ROWS: &str = "
    SET session_replication_role = replica;
    CREATE FUNCTION key(n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
        SELECT (lpad(to_hex(1767000000000 + n), 12, '0') || lpad(to_hex(n), 20, '0'))::uuid $$;
    INSERT INTO users (user_id, username, created_at) SELECT key(n), 'u' || n, now() FROM generate_series(1, 100) AS n;
    INSERT INTO user_passwords (user_password_id, user_id, hashed_password, version, created_at) VALUES (key(1), key(1), 'h', 1, now());
    INSERT INTO user_emails (user_email_id, user_id, email, created_at) VALUES (key(1), key(1), 'a@b.c', now());
    INSERT INTO user_sessions (user_session_id, user_id, created_at) SELECT key(n), key(1 + n % 100), now() FROM generate_series(1, 20000) AS n;
    INSERT INTO upstream_oauth_providers (upstream_oauth_provider_id, client_id, scope, token_endpoint_auth_method, created_at) VALUES (key(1), 'c', 's', 'none', now());
    INSERT INTO upstream_oauth_links (upstream_oauth_link_id, upstream_oauth_provider_id, user_id, subject, created_at) SELECT key(n), key(1), key(1), 's' || n, now() FROM generate_series(1, 1000) AS n;
    INSERT INTO upstream_oauth_authorization_sessions (upstream_oauth_authorization_session_id, upstream_oauth_provider_id, upstream_oauth_link_id, state, created_at) SELECT key(n), key(1), key(1 + n % 1000), 's' || n, now() FROM generate_series(1, MANY) AS n;
    INSERT INTO user_session_authentications (user_session_authentication_id, user_session_id, upstream_oauth_authorization_session_id, created_at) SELECT key(n), key(1 + n % 20000), CASE WHEN n % 3 = 0 THEN key(n) END, now() FROM generate_series(1, MANY) AS n;
    INSERT INTO user_session_authentications (user_session_authentication_id, user_session_id, upstream_oauth_authorization_session_id, created_at) SELECT key(2000000 + n), key(7), key(n * 3), now() FROM generate_series(1, 100) AS n;
    INSERT INTO oauth2_clients (oauth2_client_id, grant_type_authorization_code, grant_type_refresh_token) VALUES (key(1), TRUE, TRUE);
    INSERT INTO oauth2_sessions (oauth2_session_id, user_id, user_session_id, oauth2_client_id, created_at, scope_list) SELECT key(n), key(1), key(1 + n % 20000), key(1), now(), '{s}' FROM generate_series(1, 20000) AS n;
    INSERT INTO oauth2_access_tokens (oauth2_access_token_id, oauth2_session_id, access_token, created_at, expires_at) SELECT key(n), key(1 + n % 20000), 't' || n, now(), now() FROM generate_series(1, MANY) AS n;
    INSERT INTO oauth2_refresh_tokens (oauth2_refresh_token_id, oauth2_session_id, oauth2_access_token_id, refresh_token, created_at) SELECT key(n), key(1 + n % 20000), key(n), 'r' || n, now() FROM generate_series(1, 20000) AS n;
    INSERT INTO compat_sessions (compat_session_id, user_id, user_session_id, created_at) SELECT key(n), key(1), key(1 + n % 20000), now() FROM generate_series(1, MANY) AS n;
    INSERT INTO compat_access_tokens (compat_access_token_id, compat_session_id, access_token, created_at) SELECT key(n), key(n), 't' || n, now() FROM generate_series(1, 1000) AS n;
    INSERT INTO compat_refresh_tokens (compat_refresh_token_id, compat_session_id, compat_access_token_id, refresh_token, created_at) SELECT key(n), key(n), key(n), 'r' || n, now() FROM generate_series(1, 1000) AS n;
    INSERT INTO compat_sso_logins (compat_sso_login_id, compat_session_id, login_token, redirect_uri, created_at) VALUES (key(1), key(1), 'l', 'u', now());
    INSERT INTO queue_workers (queue_worker_id, registered_at, last_seen_at) VALUES (key(1), now(), now());
    INSERT INTO queue_jobs (queue_job_id, queue_name, status, created_at, started_by, next_attempt_id) SELECT key(n), 'q', 'failed', now(), key(1), CASE WHEN n % 2 = 0 THEN key(n - 1) END FROM generate_series(1, MANY) AS n;
    INSERT INTO user_recovery_sessions (user_recovery_session_id, email, user_agent, locale, created_at) VALUES (key(1), 'e', 'a', 'en', now());
    INSERT INTO user_recovery_tickets (user_recovery_ticket_id, user_recovery_session_id, user_email_id, ticket, created_at, expires_at) VALUES (key(1), key(1), key(1), 't', now(), now());
    INSERT INTO user_registrations (user_registration_id, username, created_at) VALUES (key(1), 'u', now());
    INSERT INTO user_email_authentications (user_email_authentication_id, email, created_at) VALUES (key(1), 'e', now());
    INSERT INTO user_email_authentication_codes (user_email_authentication_code_id, user_email_authentication_id, code, created_at, expires_at) VALUES (key(1), key(1), 'c', now(), now());
    INSERT INTO oauth2_authorization_grants (oauth2_authorization_grant_id, oauth2_client_id, oauth2_session_id, redirect_uri, scope, response_mode, response_type_code, response_type_id_token, created_at) VALUES (key(1), key(1), key(1), 'u', 's', 'm', TRUE, FALSE, now());
    INSERT INTO oauth2_device_code_grant (oauth2_device_code_grant_id, oauth2_client_id, device_code, user_code, scope, created_at, expires_at) VALUES (key(1), key(1), 'd', 'u', 's', now(), now());
    INSERT INTO personal_sessions (personal_session_id, owner_user_id, actor_user_id, human_name, scope_list, created_at) VALUES (key(1), key(1), key(1), 'n', '{s}', now());
    INSERT INTO personal_access_tokens (personal_access_token_id, personal_session_id, access_token_sha256, created_at) VALUES (key(1), key(1), sha256('x'), now());
    INSERT INTO queue_leader (elected_at, expires_at, queue_worker_id) VALUES (now(), now(), key(1));
    INSERT INTO queue_schedules (schedule_name, last_scheduled_job_id) VALUES ('s', key(1));
    INSERT INTO user_registration_tokens (user_registration_token_id, token, created_at) VALUES (key(1), 't', now());
    INSERT INTO policy_data (policy_data_id, created_at, data) VALUES (key(1), now(), '{}');
    SET session_replication_role = DEFAULT;
    ANALYZE;";

/// A database as the first chapter leaves it, with rows.
async fn as_it_was(rows: u32) -> (TestDatabase, PgConnection) {
    let database = besom_tests::postgres().await;
    let mut connection = PgConnection::connect(&database.url).await.unwrap();
    schema::apply_chapters_postgres(&mut connection, 1)
        .await
        .unwrap();
    let script = ROWS.replace("MANY", &rows.to_string());
    sqlx::raw_sql(AssertSqlSafe(script))
        .execute(&mut connection)
        .await
        .unwrap();
    (database, connection)
}

async fn number(connection: &mut PgConnection, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql).fetch_one(connection).await.unwrap()
}

/// The back-fill, as an operator runs it.
async fn back_fill(database: &TestDatabase) -> u64 {
    let cache = besom_tests::fixtures::code_cache();
    let text = format!(
        "[database]\nurl = \"{}\"\n[host]\ncache = \"{}\"\n[plugins.upstream-oauth]\nmax-rows-per-run = 5_000_000\ndeadline = \"30m\"\n",
        database.url,
        cache.display()
    );
    let rules = Rules {
        environment: Environment::of([]),
        bundled: &besom::cli::bundled_names(),
    };
    let config = Config::parse(&text, Path::new("besom.toml"), &rules).unwrap();
    let host = Host::open(config).await.unwrap();
    besom::ledger::migrate(host.database()).await.unwrap();
    let job = JobName::new("upstream-oauth", "backfill-user-session");
    let ran = besom::cli::run::run_all(&host, &[job], &options(Mode::Apply), &terminal())
        .await
        .unwrap();
    let report = &ran.reports[0];
    assert_eq!(report.outcome.as_str(), "drained", "{:?}", report.error);
    report.totals.affected
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_in_use_gets_from_the_first_chapter_to_the_last_and_nobody_waits() {
    let (database, mut connection) = as_it_was(MANY).await;
    let people = Foreground::begin(&database.url).await;

    let steps = schema::apply_postgres(&mut connection).await.unwrap();
    let filled = back_fill(&database).await;
    let told = people.end().await;

    assert!(steps > 60, "{steps}");
    assert_eq!(told.waited_too_long, Vec::<String>::new(), "{told:?}");
    assert!(told.statements > 1_000, "{told:?}");
    eprintln!("{told:?}, {filled} rows back-filled");

    let not_validated = "SELECT count(*) FROM pg_constraint WHERE NOT convalidated";
    assert_eq!(number(&mut connection, not_validated).await, 0);
    let invalid = "SELECT count(*) FROM pg_index WHERE NOT indisvalid OR NOT indisready";
    assert_eq!(number(&mut connection, invalid).await, 0);
    let rules = "SELECT string_agg(confdeltype::text, '' ORDER BY conname) FROM pg_constraint WHERE conname IN
        ('compat_sessions_user_session_id_fkey', 'queue_jobs_next_attempt_id_fkey')";
    let rules: String = sqlx::query_scalar(rules)
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(rules, "an", "NO ACTION and SET NULL");

    // Every trip that exactly one browser session came from points at it, and no other points anywhere.
    let wrong = "
        SELECT count(*) FROM upstream_oauth_authorization_sessions AS trip
        LEFT JOIN (
            SELECT upstream_oauth_authorization_session_id AS id, count(*) AS n,
                   min(user_session_id::text)::uuid AS session, min(created_at) AS first
            FROM user_session_authentications GROUP BY 1
        ) AS told ON told.id = trip.upstream_oauth_authorization_session_id
        WHERE trip.user_session_id IS DISTINCT FROM CASE WHEN told.n = 1 THEN told.session END
          AND trip.state NOT LIKE 'people%'";
    assert_eq!(number(&mut connection, wrong).await, 0);
    let right = "SELECT count(*) FROM upstream_oauth_authorization_sessions WHERE user_session_id IS NOT NULL
                 AND state NOT LIKE 'people%'";
    let pointing = number(&mut connection, right).await;
    assert_eq!(pointing, i64::from(MANY / 3 - 100));
    // And those that people made before there was a trigger.
    assert!(i64::try_from(filled).unwrap() >= pointing, "{filled}");
    // What people logged in with meanwhile, with the trigger or before it, points where it should too.
    let strays = "
        SELECT count(*) FROM upstream_oauth_authorization_sessions AS trip
        JOIN user_session_authentications AS told USING (upstream_oauth_authorization_session_id)
        WHERE trip.state LIKE 'people%' AND trip.user_session_id IS DISTINCT FROM told.user_session_id";
    assert_eq!(number(&mut connection, strays).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_notice_what_is_done_in_one_go() {
    let (database, mut connection) = as_it_was(50_000).await;
    let people = Foreground::begin(&database.url).await;

    // What the second chapter avoids: the lock of the change is held while every row is looked at.
    sqlx::raw_sql(
        "BEGIN;
         ALTER TABLE compat_sessions DROP CONSTRAINT compat_sessions_user_session_id_fkey;
         ALTER TABLE compat_sessions ADD CONSTRAINT compat_sessions_user_session_id_fkey
             FOREIGN KEY (user_session_id) REFERENCES user_sessions (user_session_id);
         SELECT pg_sleep(1);
         COMMIT",
    )
    .execute(&mut connection)
    .await
    .unwrap();

    let told = people.end().await;
    assert!(!told.waited_too_long.is_empty(), "{told:?}");
}

#[tokio::test]
async fn an_index_whose_build_broke_off_is_built_anew() {
    let (_database, mut connection) = as_it_was(1_000).await;
    let twice = "INSERT INTO user_session_authentications (user_session_authentication_id, user_session_id, created_at)
        SELECT key(5000000), key(1), now()";
    sqlx::raw_sql(twice).execute(&mut connection).await.unwrap();
    // As a failed build leaves it: there, and invalid.
    sqlx::raw_sql("CREATE INDEX user_passwords_user_fk ON user_passwords (user_id)")
        .execute(&mut connection)
        .await
        .unwrap();
    sqlx::raw_sql(
        "UPDATE pg_index SET indisvalid = FALSE WHERE indexrelid = 'user_passwords_user_fk'::regclass",
    )
    .execute(&mut connection)
    .await
    .unwrap();

    schema::apply_postgres(&mut connection).await.unwrap();

    let invalid = "SELECT count(*) FROM pg_index WHERE NOT indisvalid";
    assert_eq!(number(&mut connection, invalid).await, 0);
    assert_eq!(
        schema::apply_postgres(&mut connection).await.unwrap(),
        0,
        "all is done"
    );
}
