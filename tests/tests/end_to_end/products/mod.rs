//! besom on the schemas of real products, with nothing but a profile.

mod beside_mas;
mod fill;
mod oracle;

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::cli::Desk;

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
async fn on_the_servers_schema_of_today_every_job_does_what_plain_sql_does() {
    cleans("mas", "mas", &MAS, &[]).await;
}

#[tokio::test]
async fn on_the_servers_schema_of_april_2025_what_is_younger_is_absent() {
    let absent = [
        "ips/inactive-personal",
        "upstream-oauth/authorization-sessions",
        "upstream-oauth/orphaned-links",
    ];
    cleans("mas-2025-04", "mas", &MAS, &absent).await;
}

#[tokio::test]
async fn on_the_schema_of_server_sessions_every_job_does_what_plain_sql_does() {
    cleans(
        "server-sessions",
        "server-sessions",
        &["ips", "sessions"],
        &[],
    )
    .await;
}

/// With nothing but a profile, besom does to the product's tables what plain SQL does to their copy; these
/// jobs need what is not there.
async fn cleans(product: &str, profile: &str, plugins: &[&str], absent: &[&str]) {
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
    assert_eq!(check.code, 0, "{}", check.stdout);
    for job in absent {
        let line = check.stdout.lines().find(|line| line.starts_with(job));
        assert!(
            line.is_some_and(|line| line.contains("absent")),
            "{job}\n{}",
            check.stdout
        );
    }
    for run in runs.as_array().unwrap() {
        if absent.iter().any(|job| run["job"] == *job) {
            continue;
        }
        assert_eq!(run["outcome"], "drained", "{run}");
        // In 2025 what is tried again, or exchanged, was held by what came before it: keys with NO ACTION.
        let held = run["blocked"] != 0 || run["job"] == "queue/workers";
        let idle = product == "mas-2025-04" && held;
        assert!(run["affected"] != 0 || idle, "{run}");
    }
    let cleaned = rows(&mut ours).await;
    assert_same(&cleaned, &rows(&mut by_hand).await);

    // And once more there is nothing to do
    for run in desk.json(&arguments).as_array().unwrap() {
        if run["outcome"] != "absent" {
            let done = (&run["affected"], &run["cascaded"]);
            assert_eq!(done, (&0.into(), &0.into()), "{run}");
        }
    }
    assert_same(&rows(&mut ours).await, &cleaned);

    // And without so much as a profile the same jobs could run, and what is not there is absent
    let file = desk.folder.path().join("besom.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let (host, _) = text.split_once("[plugins.").unwrap();
    let bare = MAS.map(|name| format!("[plugins.{name}]\n")).concat();
    std::fs::write(&file, format!("{host}{bare}")).unwrap();
    let found = desk.json(&["check", "--json"]);
    let (gone, there): (Vec<_>, Vec<_>) = found["jobs"]
        .as_array()
        .unwrap()
        .iter()
        .partition(|job| job["absent"].is_string());
    let ran = runs.as_array().unwrap().iter();
    let ran = ran.filter(|run| run["outcome"] == "drained").count();
    assert_eq!(there.len(), ran, "{there:#?}");
    assert!(!gone.is_empty());
}
