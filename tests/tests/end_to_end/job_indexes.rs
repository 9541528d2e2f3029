//! The indexes that the bundled jobs say they go by, against the reference schema and preflight.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use sqlx::{Connection, PgConnection, Row, SqliteConnection};

use crate::cli::{Desk, both};

/// A configuration that names every plugin and every opt-in job.
fn every_job() -> String {
    let plugins = besom_bundle::PLUGINS.iter();
    let settings = |plugin| match plugin {
        "sessions" => "settings = { ttl = \"30d\" }\n",
        _ => "",
    };
    let mut file: String = plugins
        .map(|plugin| format!("[plugins.{}]\n{}", plugin.name, settings(plugin.name)))
        .collect();
    for job in listed().iter().filter(|job| job["opt_in"] == true) {
        let (plugin, name) = job["job"].as_str().unwrap().split_once('/').unwrap();
        file.push_str(&format!("[plugins.{plugin}.jobs.{name}]\n"));
    }
    file
}

/// What `besom plugin jobs` says.
fn listed() -> Vec<Value> {
    let output = crate::cli::besom()
        .args(["plugin", "jobs", "--json"])
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// `table (column[, column])[ where predicate]`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Named {
    job: String,
    text: String,
    table: String,
    columns: Vec<String>,
    predicate: Option<String>,
}

impl Named {
    fn parse(job: &str, text: &str) -> Self {
        let (table, rest) = text.split_once(" (").unwrap();
        let (columns, rest) = rest.split_once(')').unwrap();
        let predicate = rest.strip_prefix(" where ");
        Self {
            job: job.to_owned(),
            text: text.to_owned(),
            table: table.to_owned(),
            columns: columns.split(", ").map(str::to_owned).collect(),
            predicate: predicate.map(plain),
        }
    }

    fn by_primary_key(&self) -> bool {
        self.columns == ["primary key"]
    }

    /// Whether `index` is the one meant, or does as well.
    fn is_served_by(&self, index: &Index) -> bool {
        let leading = index.columns.get(..self.columns.len()).unwrap_or_default();
        let leads = match self.by_primary_key() {
            true => index.over_primary_key,
            false => self.columns.iter().all(|column| leading.contains(column)),
        };
        // What the index leaves out no row of this job's is among.
        let wanted = |part: &str| {
            let of_the_job = self.predicate.as_deref().unwrap_or_default();
            let not_null = |column: &String| part == format!("{column} is not null");
            of_the_job.split(" and ").any(|own| own == part) || self.columns.iter().any(not_null)
        };
        let covers = index.predicate.is_empty() || index.predicate.split(" and ").all(wanted);
        index.table == self.table && leads && covers
    }
}

/// As both databases and the plugins would write it: SQLite's truth is 1.
fn plain(predicate: &str) -> String {
    let lower = predicate.to_lowercase().replace(['(', ')'], "");
    lower
        .replace("::text", "")
        .replace(" = true", "")
        .replace(" = 1", "")
}

/// What jobs would go by and the products' schemas do not have, as `besom plugin jobs` says it. docs/jobs.md
/// lists them, with what it costs.
const LEFT_OUT: [&str; 15] = [
    "compat_access_tokens (expires_at)",
    "compat_refresh_tokens (consumed_at)",
    "compat_sso_logins (compat_session_id)",
    "compat_sso_logins (user_session_id)",
    "personal_sessions (last_active_at) where last_active_ip is not null",
    "queue_leader (queue_worker_id)",
    "queue_schedules (last_scheduled_job_id)",
    "queue_workers (last_seen_at)",
    "queue_workers (shutdown_at)",
    "session_signing_keys (retired_at)",
    "sessions (created_at) where is_pre_login = true",
    "sessions (idle_expires_at)",
    "sessions (last_seen_at) where ip_address <> ''",
    "sessions (revoked_at)",
    "sessions (signing_key_id)",
];

/// The statements that make them, with names `worth_0`, `worth_1`…, in the order of [`LEFT_OUT`].
pub fn worth_building(url: &str) -> Vec<String> {
    let create = |(number, index): (usize, &&str)| {
        let index = index.replace(" where ", " WHERE ");
        let index = match url.starts_with("sqlite") {
            true => index.replace("= true", "= 1"),
            false => index,
        };
        format!("CREATE INDEX worth_{number} ON {index};")
    };
    LEFT_OUT.iter().enumerate().map(create).collect()
}

struct Index {
    table: String,
    name: String,
    columns: Vec<String>,
    predicate: String,
    unique: bool,
    over_primary_key: bool,
}

/// The indexes that the jobs name.
fn named() -> Vec<Named> {
    let jobs = listed();
    let named = jobs.iter().flat_map(|job| {
        let name = job["job"].as_str().unwrap();
        let indexes = job["indexes"].as_array().unwrap().iter();
        indexes.map(move |index| Named::parse(name, index.as_str().unwrap()))
    });
    named.collect()
}

/// The indexes of every table, those of constraints included.
async fn present(url: &str) -> Vec<Index> {
    let rows: Vec<(String, String, String, String, bool, bool)> = if url.starts_with("sqlite") {
        let sql = "SELECT t.name, i.name, (SELECT group_concat(c.name, ',') FROM \
                 (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno) AS c), \
                 coalesce(substr(s.sql, instr(s.sql, ' WHERE ') + 7 * (instr(s.sql, ' WHERE ') > 0)), ''), \
                 i.\"unique\", (SELECT c.name FROM pragma_index_info(i.name) AS c WHERE c.seqno = 0) \
                     IN (SELECT k.name FROM pragma_table_info(t.name) AS k WHERE k.pk > 0), i.partial \
             FROM sqlite_schema AS t JOIN pragma_index_list(t.name) AS i \
             LEFT JOIN sqlite_schema AS s ON s.name = i.name WHERE t.type = 'table'";
        let mut connection = SqliteConnection::connect(url).await.unwrap();
        let rows = sqlx::query(sql).fetch_all(&mut connection).await.unwrap();
        let row = |row: sqlx::sqlite::SqliteRow| {
            let predicate = match row.get::<bool, _>(6) {
                true => row.get(3),
                false => String::new(),
            };
            let (table, name, columns) = (row.get(0), row.get(1), row.get(2));
            (table, name, columns, predicate, row.get(4), row.get(5))
        };
        rows.into_iter().map(row).collect()
    } else {
        let sql = "SELECT t.relname::text, i.relname::text, array_to_string(ARRAY( \
                     SELECT a.attname FROM unnest(x.indkey) WITH ORDINALITY AS k (n, place) \
                     JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = k.n ORDER BY place), ','), \
                 coalesce(pg_get_expr(x.indpred, t.oid), ''), x.indisunique, \
                 EXISTS (SELECT 1 FROM pg_index AS p WHERE p.indrelid = t.oid AND p.indisprimary \
                         AND p.indkey[0] = x.indkey[0]) \
             FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid \
             JOIN pg_class AS t ON t.oid = x.indrelid \
             WHERE t.relnamespace = 'public'::regnamespace";
        let mut connection = PgConnection::connect(url).await.unwrap();
        let rows = sqlx::query_as(sql).fetch_all(&mut connection).await;
        rows.unwrap()
    };
    let index = |(table, name, columns, predicate, unique, over_primary_key): (
        _,
        _,
        String,
        String,
        _,
        _,
    )| {
        Index {
            table,
            name,
            columns: columns.split(',').map(str::to_owned).collect(),
            predicate: plain(&predicate),
            unique,
            over_primary_key,
        }
    };
    rows.into_iter().map(index).collect()
}

async fn desk(database: besom_tests::TestDatabase) -> Desk {
    Desk::filled(database, 2000, &every_job()).await
}

/// The indexes that jobs name and the database does not have.
async fn missing(url: &str) -> BTreeSet<String> {
    let present = present(url).await;
    let named = named();
    assert!(named.len() > 30, "{named:?}");
    let missing = named
        .iter()
        .filter(|named| !present.iter().any(|index| named.is_served_by(index)));
    missing.map(|named| named.text.clone()).collect()
}

#[tokio::test]
async fn every_index_that_a_job_names_is_in_the_products_schemas_or_known_to_be_left_out() {
    for database in both().await {
        let desk = desk(database).await;
        let url = &desk.database.url;

        let left_out = missing(url).await;

        let known: BTreeSet<String> = LEFT_OUT.map(str::to_owned).into();
        assert_eq!(left_out, known, "{url}");
        desk.script(&worth_building(url).concat()).await;
        assert_eq!(missing(url).await, BTreeSet::new(), "{url}");
    }
}

#[test]
fn what_the_products_left_out_stands_in_the_page_of_the_jobs() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/jobs.md");
    let page = std::fs::read_to_string(page).unwrap();
    let list = page
        .split("## Indexes that the products do not have")
        .nth(1);
    let list = list.unwrap().split("\n## ").next().unwrap();
    let rows = list.lines().filter_map(|line| line.strip_prefix("| `"));
    let told: BTreeSet<String> = rows
        .flat_map(|row| row.split(" | ").next().unwrap().split("<br>"))
        .map(|index| index.trim_matches('`').to_owned())
        .collect();
    assert_eq!(told, LEFT_OUT.map(str::to_owned).into());
}

#[tokio::test]
async fn an_index_that_a_job_names_is_missed_on_a_large_table() {
    for database in both().await {
        let desk = desk(database).await;
        desk.script(&worth_building(&desk.database.url).concat())
            .await;
        for job in checked(&desk) {
            assert_eq!(unindexed(&job, "unindexed"), [] as [&str; 0], "{job:#}");
        }

        let present = present(&desk.database.url).await;
        let mut script = large(&desk.database.url, &present);
        for index in present.iter().filter(|index| !index.unique) {
            script.push_str(&format!("DROP INDEX {};", index.name));
        }
        desk.script(&script).await;

        let jobs = checked(&desk);
        for named in named() {
            let Named { table, columns, .. } = &named;
            let kept = |index: &&Index| index.unique && index.table == *table;
            let by_constraint =
                |index: &Index| index.columns.get(..columns.len()) == Some(columns.as_slice());
            if named.by_primary_key() || present.iter().filter(kept).any(by_constraint) {
                continue;
            }
            let job = jobs.iter().find(|job| job["job"] == named.job.as_str());
            let found = unindexed(job.unwrap(), "unindexed");
            let names_it = |found: &&String| {
                found.contains(table.as_str()) && columns.iter().all(|c| found.contains(c.as_str()))
            };
            assert!(
                found.iter().any(|f| names_it(&f)),
                "{named:?} in {found:#?}"
            );
        }
    }
}

/// What `besom check` says of each job.
fn checked(desk: &Desk) -> Vec<Value> {
    let said: Value = serde_json::from_str(&desk.run(&["check", "--json"]).stdout).unwrap();
    said["jobs"].as_array().unwrap().clone()
}

/// The messages of the findings whose codes begin so.
fn unindexed(job: &Value, code: &str) -> Vec<String> {
    let findings = job["findings"].as_array().unwrap().iter();
    findings
        .filter(|found| found["code"].as_str().unwrap().starts_with(code))
        .map(|found| found["message"].to_string())
        .collect()
}

/// The same of what a sweep goes by and looks up, where tables seem large.
fn gone_without(desk: &Desk) -> Vec<String> {
    let by_job = checked(desk).into_iter().flat_map(|job| {
        let codes = ["unindexed-sweep", "unindexed-relation"];
        codes.map(|code| unindexed(&job, code)).concat()
    });
    by_job.collect()
}

/// Makes every table large in the eyes of the database's own estimate.
fn large(url: &str, present: &[Index]) -> String {
    let mut tables: Vec<&str> = present.iter().map(|index| index.table.as_str()).collect();
    tables.sort_unstable();
    tables.dedup();
    let estimate = |table: &&str| match url.starts_with("sqlite") {
        true => format!(
            "DELETE FROM sqlite_stat1 WHERE tbl = '{table}'; \
             INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('{table}', NULL, '200000');"
        ),
        false => format!(
            "UPDATE pg_class SET reltuples = 200000, relpages = greatest(relpages, 1) \
             WHERE oid = '{table}'::regclass;"
        ),
    };
    tables.iter().map(estimate).collect()
}

/// What drops every index that no constraint needs.
fn drop_all(postgres: bool) -> &'static str {
    match postgres {
        true => {
            "DO $$ DECLARE i record; BEGIN FOR i IN SELECT x.indexrelid::regclass AS name FROM pg_index AS x \
             JOIN pg_class AS t ON t.oid = x.indrelid WHERE t.relnamespace = 'public'::regnamespace \
             AND NOT EXISTS (SELECT 1 FROM pg_constraint AS c WHERE c.conindid = x.indexrelid) \
             LOOP EXECUTE 'DROP INDEX ' || i.name; END LOOP; END $$"
        }
        false => {
            "SELECT 'DROP INDEX \"' || name || '\"' FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"
        }
    }
}

#[tokio::test]
async fn what_the_jobs_recommend_and_nothing_else_is_what_their_sweeps_go_by() {
    for database in both().await {
        let desk = desk(database).await;
        let url = desk.database.url.clone();
        let postgres = url.starts_with("postgres");
        let large = large(&url, &present(&url).await);
        if postgres {
            desk.script(drop_all(true)).await;
        } else {
            let mut connection = SqliteConnection::connect(&url).await.unwrap();
            let drops: Vec<(String,)> = sqlx::query_as(drop_all(false))
                .fetch_all(&mut connection)
                .await
                .unwrap();
            for (drop,) in drops {
                desk.script(&drop).await;
            }
        }
        desk.script(&large).await;
        let missed = gone_without(&desk);
        assert!(missed.len() > 15, "{url}: {missed:#?}");
        let texts: BTreeSet<String> = named()
            .into_iter()
            .filter(|named| !named.by_primary_key())
            .map(|named| named.text)
            .collect();
        for (number, text) in texts.iter().enumerate() {
            desk.script(&format!("CREATE INDEX recommended_{number} ON {text}"))
                .await;
        }

        let mut along = 0;
        for job in listed() {
            let name = job["job"].as_str().unwrap();
            let explained = desk.run(&["explain", name, "--json"]);
            let explained: Value = serde_json::from_str(&explained.stdout).unwrap();
            for sweep in explained["sweeps"].as_array().unwrap() {
                assert_eq!(sweep["note"], Value::Null, "{url} {name}: {sweep:#}");
                if sweep["along"] != Value::Null {
                    along += 1;
                    let index = sweep["index"].as_str().unwrap_or_default();
                    assert!(index.starts_with("recommended_"), "{url} {name}: {sweep:#}");
                }
            }
        }
        assert!(along > 15, "{along}");
        desk.script(&large).await;
        assert_eq!(gone_without(&desk), [""; 0], "{url}");
    }
}
