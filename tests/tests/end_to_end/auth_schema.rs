//! The reference schema: both dialects say the same, and say what the jobs need.

use std::collections::BTreeSet;

use besom::cli::demo::schema::{self, SchemaError};
use sqlx::{Connection, PgConnection, SqliteConnection};

/// (table, column)
const COLUMNS_POSTGRES: &str = "
    SELECT table_name || '.' || column_name || CASE is_nullable WHEN 'NO' THEN ' not null' ELSE '' END
    FROM information_schema.columns WHERE table_schema = 'public'";
const COLUMNS_SQLITE: &str = "
    SELECT t.name || '.' || c.name || CASE c.\"notnull\" WHEN 1 THEN ' not null' ELSE '' END
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

/// table (columns) unique? where predicate; names only of indexes that were given one.
const INDEXES_POSTGRES: &str = "
    SELECT t.relname || ' (' || (
            SELECT string_agg(a.attname, ', ' ORDER BY position)
            FROM unnest(x.indkey::int2[]) WITH ORDINALITY AS part (attnum, position)
            JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = part.attnum
        ) || ')' || CASE WHEN x.indisunique THEN ' unique' ELSE ' ' || i.relname END
        || coalesce(' where ' || pg_get_expr(x.indpred, x.indrelid), '')
    FROM pg_index AS x
    JOIN pg_class AS i ON i.oid = x.indexrelid
    JOIN pg_class AS t ON t.oid = x.indrelid
    JOIN pg_namespace AS n ON n.oid = t.relnamespace
    WHERE n.nspname = 'public' AND x.indisvalid";
const INDEXES_SQLITE: &str = "
    SELECT t.name || ' (' || (
            SELECT group_concat(c.name, ', ' ORDER BY c.seqno) FROM pragma_index_info(i.name) AS c
        ) || ')' || CASE i.\"unique\" WHEN 1 THEN ' unique' ELSE ' ' || i.name END
        || coalesce(' where ' || (
            SELECT substr(sql, instr(sql, ' WHERE ') + 7) FROM sqlite_schema AS s
            WHERE s.type = 'index' AND s.name = i.name AND instr(sql, ' WHERE ') > 0
        ), '')
    FROM sqlite_schema AS t, pragma_index_list(t.name) AS i WHERE t.type = 'table'";

async fn both() -> anyhow::Result<(besom_tests::TestDatabase, PgConnection, SqliteConnection)> {
    let database = besom_tests::postgres().await;
    let mut postgres = PgConnection::connect(&database.url).await?;
    let mut sqlite = SqliteConnection::connect("sqlite::memory:").await?;
    schema::apply_postgres(&mut postgres).await?;
    schema::apply_sqlite(&mut sqlite).await?;
    Ok((database, postgres, sqlite))
}

/// Predicates are printed with parentheses and types on one side, as they were typed on the other.
fn plain(lines: Vec<String>) -> BTreeSet<String> {
    lines
        .into_iter()
        .map(|line| {
            let (index, predicate) = line.split_once(" where ").unwrap_or((&line, ""));
            let predicate = predicate
                .replace(['(', ')'], "")
                .replace("::text", "")
                .replace(" = 1", "")
                .to_lowercase();
            format!("{index} {predicate}").trim_end().to_owned()
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
        "oauth2_sessions.user_session_id -> user_sessions.user_session_id NO ACTION",
        "queue_jobs.next_attempt_id -> queue_jobs.queue_job_id SET NULL",
        "upstream_oauth_authorization_sessions.user_session_id -> user_sessions.user_session_id SET NULL",
        "user_recovery_tickets.user_recovery_session_id -> user_recovery_sessions.user_recovery_session_id CASCADE",
        "sessions.signing_key_id -> session_signing_keys.id RESTRICT",
    ] {
        assert!(keys.contains(key), "missing: {key}");
    }
    Ok(())
}

#[tokio::test]
async fn every_referring_column_leads_an_index_over_all_rows() -> anyhow::Result<()> {
    let (_database, mut postgres, mut sqlite) = both().await?;
    let (keys, _) = on_both(
        (&mut postgres, FOREIGN_KEYS_POSTGRES),
        (&mut sqlite, FOREIGN_KEYS_SQLITE),
    )
    .await?;
    let indexes: Vec<String> = sqlx::query_scalar(INDEXES_POSTGRES)
        .fetch_all(&mut postgres)
        .await?;

    for key in keys {
        let (table, rest) = key.split_once('.').unwrap_or_default();
        let (column, _) = rest.split_once(" -> ").unwrap_or_default();
        let found = indexes.iter().any(|index| {
            !index.contains(" where ")
                && (index.starts_with(&format!("{table} ({column})"))
                    || index.starts_with(&format!("{table} ({column},")))
        });
        assert!(found, "no index for {key}");
    }
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
                     (upstream_oauth_provider_id, client_id, scope, created_at)
                 VALUES ({provider}, 'c', 'openid', {time});
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
