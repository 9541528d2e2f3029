//! The reference schema: both dialects say the same, and say what the jobs need.

use std::collections::BTreeSet;

use besom::cli::demo::schema::{self, SchemaError};
use sqlx::{Connection, PgConnection, SqliteConnection};

/// The type as SQLite says it, and whether there is a default, which each database spells its own way.
const COLUMNS_POSTGRES: &str = "
    SELECT table_name || '.' || column_name
        || CASE data_type WHEN 'uuid' THEN ' BLOB' WHEN 'bytea' THEN ' BLOB' WHEN 'integer' THEN ' INTEGER'
               WHEN 'timestamp with time zone' THEN ' INTEGER' WHEN 'boolean' THEN ' INTEGER' ELSE ' TEXT' END
        || CASE is_nullable WHEN 'NO' THEN ' not null' ELSE '' END
        || CASE WHEN column_default IS NULL THEN '' ELSE ' default' END
    FROM information_schema.columns WHERE table_schema = 'public'";
const COLUMNS_SQLITE: &str = "
    SELECT t.name || '.' || c.name || ' ' || c.type
        || CASE c.\"notnull\" WHEN 1 THEN ' not null' ELSE '' END
        || CASE WHEN c.dflt_value IS NULL THEN '' ELSE ' default' END
    FROM sqlite_schema AS t, pragma_table_info(t.name) AS c
    WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%'";

const FOREIGN_KEYS_POSTGRES: &str = "
    SELECT child.relname || '.' || c.attname || ' -> ' || parent.relname || '.' || p.attname
        || CASE k.confdeltype WHEN 'a' THEN ' NO ACTION' WHEN 'r' THEN ' RESTRICT'
               WHEN 'c' THEN ' CASCADE' WHEN 'n' THEN ' SET NULL' END
        || CASE k.convalidated WHEN TRUE THEN '' ELSE ' not validated' END
    FROM pg_constraint AS k
    JOIN pg_class AS child ON child.oid = k.conrelid
    JOIN pg_class AS parent ON parent.oid = k.confrelid
    JOIN pg_attribute AS c ON c.attrelid = child.oid AND c.attnum = k.conkey[1]
    JOIN pg_attribute AS p ON p.attrelid = parent.oid AND p.attnum = k.confkey[1]
    WHERE k.contype = 'f' AND cardinality(k.conkey) = 1";
const FOREIGN_KEYS_SQLITE: &str = "
    SELECT t.name || '.' || k.\"from\" || ' -> ' || k.\"table\" || '.' || k.\"to\" || ' ' || k.on_delete
    FROM sqlite_schema AS t, pragma_foreign_key_list(t.name) AS k WHERE t.type = 'table'";

/// What was given a name, by its text; what a key brings along, by its columns. SQLite has no INCLUDE.
const INDEXES_POSTGRES: &str = "
    SELECT CASE WHEN k.oid IS NULL
        THEN t.relname || ' ' || i.relname || CASE WHEN x.indisunique THEN ' UNIQUE' ELSE '' END || ' '
            || regexp_replace(split_part(pg_get_indexdef(x.indexrelid), ' USING btree ', 2), ' INCLUDE \\([^)]*\\)', '')
        ELSE t.relname || ' unique ' || (
            SELECT string_agg(a.attname, ', ' ORDER BY position)
            FROM unnest(x.indkey::int2[]) WITH ORDINALITY AS part (attnum, position)
            JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = part.attnum
        ) END
    FROM pg_index AS x
    JOIN pg_class AS i ON i.oid = x.indexrelid
    JOIN pg_class AS t ON t.oid = x.indrelid
    JOIN pg_namespace AS n ON n.oid = t.relnamespace
    LEFT JOIN pg_constraint AS k ON k.conindid = i.oid AND k.contype IN ('p', 'u')
    WHERE n.nspname = 'public' AND x.indisvalid";
const INDEXES_SQLITE: &str = "
    SELECT CASE i.origin WHEN 'c'
        THEN t.name || ' ' || i.name || CASE i.\"unique\" WHEN 1 THEN ' UNIQUE' ELSE '' END || ' '
            || (SELECT substr(s.sql, instr(s.sql, ' ON ' || t.name || ' ') + length(t.name) + 5)
                FROM sqlite_schema AS s WHERE s.type = 'index' AND s.name = i.name)
        ELSE t.name || ' unique ' || (
            SELECT group_concat(c.name, ', ' ORDER BY c.seqno) FROM pragma_index_info(i.name) AS c
        ) END
    FROM sqlite_schema AS t, pragma_index_list(t.name) AS i WHERE t.type = 'table'";

/// Foreign keys whose column leads no index that would find every row that refers to something.
const UNINDEXED: &str = "
    SELECT child.relname || '.' || c.attname
    FROM pg_constraint AS k
    JOIN pg_class AS child ON child.oid = k.conrelid
    JOIN pg_attribute AS c ON c.attrelid = child.oid AND c.attnum = k.conkey[1]
    WHERE k.contype = 'f' AND NOT EXISTS (
        SELECT 1 FROM pg_index AS x WHERE x.indrelid = k.conrelid AND x.indkey[0] = k.conkey[1]
          AND coalesce(pg_get_expr(x.indpred, x.indrelid), '') IN ('', '(' || c.attname || ' IS NOT NULL)'))
    ORDER BY 1";

async fn both() -> anyhow::Result<(besom_tests::TestDatabase, PgConnection, SqliteConnection)> {
    let database = besom_tests::postgres().await;
    let mut postgres = PgConnection::connect(&database.url).await?;
    let mut sqlite = SqliteConnection::connect("sqlite::memory:").await?;
    schema::apply_postgres(&mut postgres).await?;
    schema::apply_sqlite(&mut sqlite).await?;
    Ok((database, postgres, sqlite))
}

/// Indexes are printed with parentheses and types on one side, as they were typed on the other.
fn plain(lines: Vec<String>) -> BTreeSet<String> {
    let types = ["::text", "::queue_job_status", " = 1"];
    lines
        .into_iter()
        .map(|line| {
            let line = line.replace(['(', ')'], "");
            types.iter().fold(line, |line, of| line.replace(of, ""))
        })
        .collect()
}

async fn on_both(
    postgres: (&mut PgConnection, &'static str),
    sqlite: (&mut SqliteConnection, &'static str),
) -> anyhow::Result<(BTreeSet<String>, BTreeSet<String>)> {
    let one = sqlx::query_scalar(postgres.1).fetch_all(postgres.0).await?;
    let other = sqlx::query_scalar(sqlite.1).fetch_all(sqlite.0).await?;
    Ok((plain(one), plain(other)))
}

/// Fails with what only one of the two has.
fn assert_same(what: &str, postgres: &BTreeSet<String>, sqlite: &BTreeSet<String>) {
    let only_postgres: Vec<_> = postgres.difference(sqlite).collect();
    let only_sqlite: Vec<_> = sqlite.difference(postgres).collect();
    assert!(
        only_postgres.is_empty() && only_sqlite.is_empty(),
        "{what}\nonly on PostgreSQL: {only_postgres:#?}\nonly on SQLite: {only_sqlite:#?}"
    );
    assert!(!postgres.is_empty(), "no {what} found: the query is wrong");
}

#[tokio::test]
async fn both_dialects_have_the_same_columns_foreign_keys_and_indexes() -> anyhow::Result<()> {
    let (_database, mut postgres, mut sqlite) = both().await?;

    for (what, in_postgres, in_sqlite) in [
        ("columns", COLUMNS_POSTGRES, COLUMNS_SQLITE),
        ("foreign keys", FOREIGN_KEYS_POSTGRES, FOREIGN_KEYS_SQLITE),
        ("indexes", INDEXES_POSTGRES, INDEXES_SQLITE),
    ] {
        let (one, other) = on_both((&mut postgres, in_postgres), (&mut sqlite, in_sqlite)).await?;
        assert_same(what, &one, &other);
    }
    Ok(())
}

#[tokio::test]
async fn checks_that_have_a_name_are_on_both() -> anyhow::Result<()> {
    let (_database, mut postgres, mut sqlite) = both().await?;
    let checks: Vec<(String, String)> = sqlx::query_as(
        "SELECT t.relname::text, k.conname::text FROM pg_constraint AS k
         JOIN pg_class AS t ON t.oid = k.conrelid
         WHERE k.contype = 'c' AND t.relnamespace = 'public'::regnamespace",
    )
    .fetch_all(&mut postgres)
    .await?;
    // This one PostgreSQL has named by itself.
    let named = checks.iter().filter(|(_, name)| !name.ends_with("_check"));
    let named: Vec<_> = named.collect();
    assert_eq!(named.len(), 5, "{named:?}");

    for (table, name) in named {
        let made: String = sqlx::query_scalar("SELECT sql FROM sqlite_schema WHERE name = ?")
            .bind(table)
            .fetch_one(&mut sqlite)
            .await?;
        assert!(
            made.contains(&format!("CONSTRAINT {name} CHECK")),
            "{name} in {made}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn the_foreign_keys_that_jobs_rely_on_have_their_rules() -> anyhow::Result<()> {
    let (_database, mut postgres, mut sqlite) = both().await?;
    let (keys, _) = on_both(
        (&mut postgres, FOREIGN_KEYS_POSTGRES),
        (&mut sqlite, FOREIGN_KEYS_SQLITE),
    )
    .await?;

    for key in [
        "oauth2_refresh_tokens.oauth2_access_token_id -> oauth2_access_tokens.oauth2_access_token_id SET NULL",
        "oauth2_refresh_tokens.next_oauth2_refresh_token_id -> oauth2_refresh_tokens.oauth2_refresh_token_id SET NULL",
        "oauth2_authorization_grants.oauth2_session_id -> oauth2_sessions.oauth2_session_id NO ACTION",
        "compat_refresh_tokens.compat_access_token_id -> compat_access_tokens.compat_access_token_id NO ACTION",
        "compat_sessions.user_session_id -> user_sessions.user_session_id NO ACTION",
        "compat_sso_logins.compat_session_id -> compat_sessions.compat_session_id SET NULL",
        "compat_sso_logins.user_session_id -> user_sessions.user_session_id CASCADE",
        "oauth2_device_code_grant.oauth2_session_id -> oauth2_sessions.oauth2_session_id CASCADE",
        "oauth2_device_code_grant.user_session_id -> user_sessions.user_session_id NO ACTION",
        "oauth2_authorization_grants.user_session_id -> user_sessions.user_session_id SET NULL",
        "oauth2_sessions.user_session_id -> user_sessions.user_session_id NO ACTION",
        "queue_jobs.next_attempt_id -> queue_jobs.queue_job_id SET NULL",
        "queue_schedules.last_scheduled_job_id -> queue_jobs.queue_job_id SET NULL",
        "queue_leader.queue_worker_id -> queue_workers.queue_worker_id NO ACTION",
        "upstream_oauth_authorization_sessions.user_session_id -> user_sessions.user_session_id SET NULL",
        "user_recovery_tickets.user_recovery_session_id -> user_recovery_sessions.user_recovery_session_id CASCADE",
        "user_email_authentications.user_registration_id -> user_registrations.user_registration_id CASCADE",
        "user_email_authentication_codes.user_email_authentication_id -> user_email_authentications.user_email_authentication_id CASCADE",
        "user_registrations.email_authentication_id -> user_email_authentications.user_email_authentication_id SET NULL",
        "user_registrations.upstream_oauth_authorization_session_id -> upstream_oauth_authorization_sessions.upstream_oauth_authorization_session_id SET NULL",
        "sessions.signing_key_id -> session_signing_keys.id RESTRICT",
    ] {
        assert!(keys.contains(key), "missing: {key}");
    }
    Ok(())
}

#[tokio::test]
async fn referring_columns_lead_an_index_but_for_those_that_the_products_left_without()
-> anyhow::Result<()> {
    let (_database, mut postgres, _sqlite) = both().await?;

    let unindexed: Vec<String> = sqlx::query_scalar(UNINDEXED)
        .fetch_all(&mut postgres)
        .await?;

    // Half of the tables are small; on the other half preflight says what a delete costs.
    assert_eq!(
        unindexed,
        [
            "compat_sso_logins.compat_session_id",
            "compat_sso_logins.user_session_id",
            "personal_access_tokens.personal_session_id",
            "queue_leader.queue_worker_id",
            "queue_schedules.last_scheduled_job_id",
            "session_signing_keys.tenant_id",
            "sessions.signing_key_id",
            "sessions.tenant_id",
            "user_passwords.upgraded_from_id",
        ]
    );
    Ok(())
}

#[tokio::test]
async fn applying_the_schema_again_changes_nothing() -> anyhow::Result<()> {
    let (_database, mut postgres, mut sqlite) = both().await?;

    assert_eq!(schema::apply_postgres(&mut postgres).await?, 0);
    assert_eq!(schema::apply_sqlite(&mut sqlite).await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_database_with_tables_of_somebody_else_is_refused() -> anyhow::Result<()> {
    let database = besom_tests::postgres().await;
    let mut postgres = PgConnection::connect(&database.url).await?;
    let mut sqlite = SqliteConnection::connect("sqlite::memory:").await?;
    // The ledger's table may be there, and sqlx's list of the ledger's steps.
    let tables = "CREATE TABLE besom_run (id integer); CREATE TABLE _sqlx_migrations (id integer);
        CREATE TABLE oauth2_access_tokens (id integer)";
    sqlx::raw_sql(tables).execute(&mut postgres).await?;
    sqlx::raw_sql(tables).execute(&mut sqlite).await?;

    let in_postgres = schema::apply_postgres(&mut postgres).await;
    let in_sqlite = schema::apply_sqlite(&mut sqlite).await;

    assert!(matches!(
        in_postgres,
        Err(SchemaError::NotADemoDatabase { table }) if table == "public.oauth2_access_tokens"
    ));
    assert!(matches!(
        in_sqlite,
        Err(SchemaError::NotADemoDatabase { table }) if table == "oauth2_access_tokens"
    ));
    Ok(())
}

#[tokio::test]
async fn an_authentication_through_a_provider_fills_the_pointer_to_its_session()
-> anyhow::Result<()> {
    let (_database, mut postgres, mut sqlite) = both().await?;
    let rows = |time: &str, key: &str| {
        let key = |digit: char| key.replace('?', &digit.to_string().repeat(32));
        let (user, session, provider) = (key('1'), key('2'), key('3'));
        let (upstream, authentication) = (key('4'), key('5'));
        format!(
            "INSERT INTO users (user_id, username, created_at) VALUES ({user}, 'u', {time});
             INSERT INTO user_sessions (user_session_id, user_id, created_at)
                 VALUES ({session}, {user}, {time});
             INSERT INTO upstream_oauth_providers
                     (upstream_oauth_provider_id, client_id, scope,
                      token_endpoint_auth_method, created_at)
                 VALUES ({provider}, 'c', 'openid', 'none', {time});
             INSERT INTO upstream_oauth_authorization_sessions
                     (upstream_oauth_authorization_session_id, upstream_oauth_provider_id, state,
                      created_at)
                 VALUES ({upstream}, {provider}, 's', {time});
             INSERT INTO user_session_authentications
                     (user_session_authentication_id, user_session_id,
                      upstream_oauth_authorization_session_id, created_at)
                 VALUES ({authentication}, {session}, {upstream}, {time});"
        )
    };

    let script = rows("now()", "'?'");
    sqlx::raw_sql(sqlx::AssertSqlSafe(script))
        .execute(&mut postgres)
        .await?;
    let script = rows("1", "x'?'");
    sqlx::raw_sql(sqlx::AssertSqlSafe(script))
        .execute(&mut sqlite)
        .await?;

    let filled = "SELECT count(*) FROM upstream_oauth_authorization_sessions
        JOIN user_sessions USING (user_session_id)";
    let in_postgres: i64 = sqlx::query_scalar(filled).fetch_one(&mut postgres).await?;
    let in_sqlite: i64 = sqlx::query_scalar(filled).fetch_one(&mut sqlite).await?;
    assert_eq!((in_postgres, in_sqlite), (1, 1));
    Ok(())
}
