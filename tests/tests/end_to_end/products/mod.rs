//! besom on the schemas of real products, with nothing but a profile.

mod beside_mas;
mod fill;
mod oracle;

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::cli::Desk;

/// Products, the profile of their schema, the plugins that know it, and the jobs that need what is not there.
const PRODUCTS: [(&str, &str, &[&str], &[&str]); 3] = [
    ("mas", "mas", &MAS, &[]),
    (
        "mas-2025-04",
        "mas",
        &MAS,
        &[
            "ips/inactive-personal",
            "upstream-oauth/authorization-sessions",
            "upstream-oauth/orphaned-links",
        ],
    ),
    (
        "server-sessions",
        "server-sessions",
        &["ips", "sessions"],
        &[],
    ),
];

const MAS: [&str; 6] = [
    "ips",
    "queue",
    "recovery",
    "sessions",
    "tokens",
    "upstream-oauth",
];

/// The database's clock, in microseconds since the epoch.
async fn now(connection: &mut PgConnection) -> i64 {
    sqlx::query_scalar("SELECT (extract(epoch FROM now()) * 1000000)::bigint")
        .fetch_one(connection)
        .await
        .unwrap()
}

/// Every row of every table but besom's own, by table.
async fn rows(connection: &mut PgConnection) -> BTreeMap<String, BTreeSet<String>> {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
         AND relkind = 'r' AND relname !~ '^(besom_|_sqlx_)'",
    )
    .fetch_all(&mut *connection)
    .await
    .unwrap();
    let mut all = BTreeMap::new();
    for table in tables {
        let each = AssertSqlSafe(format!("SELECT t::text FROM {table} AS t"));
        let rows: Vec<String> = sqlx::query_scalar(each)
            .fetch_all(&mut *connection)
            .await
            .unwrap();
        all.insert(table, rows.into_iter().collect());
    }
    all
}

/// Fails with the first rows that only one of the two has.
fn assert_same(
    cleaned: &BTreeMap<String, BTreeSet<String>>,
    should: &BTreeMap<String, BTreeSet<String>>,
) {
    for (table, rows) in should {
        let some = |of: BTreeSet<&String>| of.into_iter().take(3).cloned().collect::<Vec<_>>();
        let have = &cleaned[table];
        let lost = some(rows.difference(have).collect());
        let left = some(have.difference(rows).collect());
        assert!(
            lost.is_empty() && left.is_empty(),
            "{table}: should be there and is not: {lost:#?}\nshould not be there and is: {left:#?}"
        );
    }
}

fn plugins_of(profile: &str, plugins: &[&str]) -> String {
    let named = plugins
        .iter()
        .map(|name| format!("[plugins.{name}]\nsettings = {{ profile = \"{profile}\" }}\n"));
    named.collect()
}

#[tokio::test]
async fn with_nothing_but_a_profile_every_job_does_on_the_real_schema_what_plain_sql_does() {
    for (product, profile, plugins, absent) in PRODUCTS {
        // Given the product's own tables with rows of every kind, twice
        let (database, twin) = (besom_tests::postgres().await, besom_tests::postgres().await);
        let mut ours = PgConnection::connect(&database.direct()).await.unwrap();
        let mut by_hand = PgConnection::connect(&twin.direct()).await.unwrap();
        let now = now(&mut ours).await;
        fill::fill(&mut ours, product, now).await;
        fill::fill(&mut by_hand, product, now).await;
        let before = rows(&mut ours).await;
        assert_same(&before, &rows(&mut by_hand).await);
        let desk = Desk::with_file(database, &plugins_of(profile, plugins));
        desk.says(&["migrate"]);

        // When besom cleans one and plain SQL the other
        let check = desk.run(&["check"]);
        let arguments = [&["run", "--json"], plugins].concat();
        let runs = desk.json(&arguments);
        oracle::clean(&mut by_hand, product).await;

        // Then nothing is gone that had to stay, and nothing is left that had to go
        assert_eq!(check.code, 0, "{product}\n{}", check.stdout);
        for job in absent {
            let line = check.stdout.lines().find(|line| line.starts_with(job));
            assert!(
                line.is_some_and(|line| line.contains("absent")),
                "{job}\n{}",
                check.stdout
            );
        }
        for run in runs.as_array().unwrap() {
            assert_eq!(run["outcome"], "drained", "{product}: {run}");
            // There what is tried again, or exchanged, is held by what came before it: keys with NO ACTION.
            let held = run["blocked"] != 0 || run["job"] == "queue/workers";
            let idle = product == "mas-2025-04" && held;
            assert!(run["affected"] != 0 || idle, "{product}: {run}");
        }
        let cleaned = rows(&mut ours).await;
        assert_same(&cleaned, &rows(&mut by_hand).await);

        // And once more there is nothing to do
        for run in desk.json(&arguments).as_array().unwrap() {
            assert_eq!(
                (&run["affected"], &run["cascaded"]),
                (&0.into(), &0.into()),
                "{run}"
            );
        }
        assert_same(&rows(&mut ours).await, &cleaned);
    }
}
