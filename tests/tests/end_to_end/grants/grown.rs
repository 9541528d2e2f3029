//! A schema that has grown foreign keys since this release of besom: each ON DELETE rule that a delete
//! reaches takes a right, each refusal prints the lines that give it, and pasted they do.
//!
//! Nothing here names a table: what the bundled jobs delete from is asked of them.

use std::collections::{BTreeMap, BTreeSet};

use besom::catalog::{Catalog, OnDelete};
use besom::preflight::foreign_keys;
use besom::request::{Condition, Request};
use besom::runner::{Host, RunnerError};
use besom_tests::TestDatabase;

use super::*;
use crate::auth::Auth;
use crate::auth::third_party::{component_file, third_party_host};
use crate::cli::Desk;

/// The rules, and what of a child's table each takes.
const RULES: [(&str, &str, Right); 3] = [
    ("cascade", "CASCADE", Right::Delete),
    ("null", "SET NULL", Right::Update),
    ("default", "SET DEFAULT", Right::Update),
];

/// The part of a file that names a plugin and every job of it.
fn section(plugin: &str, jobs: &[String]) -> String {
    let settings = match plugin {
        "sessions" => "settings = { ttl = \"30d\" }\n",
        _ => "",
    };
    let jobs = jobs.iter();
    let jobs = jobs.map(|job| format!("[plugins.{plugin}.jobs.{job}]\n"));
    format!("[plugins.{plugin}]\n{settings}{}", jobs.collect::<String>())
}

fn plugins() -> Vec<String> {
    let plugins = besom_bundle::PLUGINS.iter();
    plugins.map(|plugin| plugin.name.to_owned()).collect()
}

async fn sections(auth: &Auth) -> BTreeMap<String, String> {
    let mut sections = BTreeMap::new();
    for plugin in plugins() {
        let host = auth.host(&format!("[plugins.{plugin}]\n")).await;
        let jobs = host.plugins()[&plugin].manifest().jobs.iter();
        let jobs: Vec<_> = jobs.map(|job| job.name.clone()).collect();
        sections.insert(plugin.clone(), section(&plugin, &jobs));
    }
    sections
}

/// The tables from which each job of a plugin has rows deleted, also by CASCADE.
async fn deletes(host: &Host, plugin: &str) -> BTreeMap<JobName, BTreeSet<String>> {
    let catalog = host.catalog().await.unwrap();
    let mut deletes = BTreeMap::new();
    for job in &host.plugins()[plugin].manifest().jobs {
        let job = JobName::new(plugin, &job.name);
        // A job that cannot run on this schema is another test's matter.
        let Ok(examined) = host.examine(&job, &[], &catalog).await else {
            continue;
        };
        let Some(needed) = examined.needed() else {
            continue;
        };
        let gone = needed.tables.iter().filter(|(_, grant)| grant.delete);
        let gone: BTreeSet<String> = gone.map(|(table, _)| table.clone()).collect();
        if !gone.is_empty() {
            deletes.insert(job, gone);
        }
    }
    deletes
}

fn grown(table: &str, rule: &str) -> String {
    format!("grown_{}_{rule}", table.replace('.', "_"))
}

/// A new table for each of these and each rule, which refers to it by a key with that rule.
fn growth(catalog: &Catalog, tables: &BTreeSet<String>) -> String {
    let mut script = String::new();
    for table in tables {
        let parent = catalog.table(table).unwrap();
        let [key] = &parent.primary_key[..] else {
            panic!("{table} has no key of one column to refer to");
        };
        let kind = &parent.column(key).unwrap().sql_type;
        for (name, rule, _) in RULES {
            let child = grown(table, name);
            script.push_str(&format!(
                "CREATE TABLE {child} (id {kind} PRIMARY KEY, parent_id {kind} DEFAULT NULL \
                 REFERENCES {table} ({key}) ON DELETE {rule});\n\
                 CREATE INDEX {child}_parent ON {child} (parent_id);\n\
                 INSERT INTO {child} SELECT {key}, {key} FROM {table};\n"
            ));
        }
    }
    script
}

type Need = (String, Right, Option<String>);

fn needs(refusal: &Refusal) -> BTreeSet<Need> {
    let missing = refusal.missing.iter();
    missing
        .map(|need| (need.table.clone(), need.right, need.column.clone()))
        .collect()
}

/// What the keys that grew at these tables take.
fn expected(tables: &BTreeSet<String>) -> BTreeSet<Need> {
    let of = |table: &String| {
        RULES.map(|(name, _, right)| {
            let column = (right == Right::Update).then(|| "parent_id".to_owned());
            (grown(table, name), right, column)
        })
    };
    tables.iter().flat_map(of).collect()
}

async fn refusal(host: &Host, job: &JobName) -> Option<Refusal> {
    let catalog = host.catalog().await.unwrap();
    match host.examine(job, &[], &catalog).await {
        Ok(_) => None,
        Err(RunnerError::Denied(refusal)) => Some(*refusal),
        Err(other) => panic!("{job}: {other}"),
    }
}

#[tokio::test]
async fn each_key_that_a_schema_grows_is_allowed_by_the_lines_that_its_refusal_prints() {
    for lab in both("", "").await {
        let auth = Auth::with("tokens", lab).await;
        let mut jobs = BTreeMap::new();
        let sections = sections(&auth).await;
        for (plugin, section) in &sections {
            jobs.extend(deletes(&auth.host(section).await, plugin).await);
        }
        assert!(jobs.len() > 15, "{jobs:?}");
        let tables: BTreeSet<String> = jobs.values().flatten().cloned().collect();
        let catalog = auth.lab.catalog().await;
        let script = growth(&catalog, &tables);
        auth.lab.script(&script).await;

        for (plugin, section) in &sections {
            let of_it = jobs.iter().filter(|(job, _)| job.plugin == *plugin);
            let of_it: Vec<_> = of_it.collect();
            // Every job is refused for all that it lacks at once, and one block allows all of them.
            let host = auth.host(section).await;
            let mut refusals = Vec::new();
            for (job, tables) in &of_it {
                let refusal = refusal(&host, job)
                    .await
                    .unwrap_or_else(|| panic!("{job} runs"));
                assert_eq!(needs(&refusal), expected(tables), "{job}");
                refusals.push(refusal);
            }
            let pasted = lines(&refusals);
            let whole: toml::Table = pasted.parse().unwrap();
            let grants = match whole.get("plugins") {
                Some(of) => of[plugin.as_str()]["grant"].as_table().unwrap().clone(),
                None => toml::Table::new(),
            };
            let host = auth.host(&format!("{section}{pasted}")).await;
            for (job, _) in &of_it {
                assert_eq!(refusal(&host, job).await, None, "{job}");
            }
            // Without any one of them the jobs that need it are refused for that one.
            for table in grants.keys() {
                let without = blocks(plugin, grants.iter().filter(|(name, _)| *name != table));
                let host = auth.host(&format!("{section}{without}")).await;
                let mut refusals = Vec::new();
                let lacking = of_it.iter().map(|(job, tables)| {
                    let mut lacks = expected(tables);
                    lacks.retain(|(of, _, _)| of == table);
                    (*job, lacks)
                });
                let lacking: Vec<_> = lacking.filter(|(_, lacks)| !lacks.is_empty()).collect();
                assert!(!lacking.is_empty(), "{table}");
                for (job, lacks) in &lacking {
                    let refusal = refusal(&host, job).await;
                    let needs = refusal.as_ref().map(needs).unwrap_or_default();
                    assert_eq!(needs, *lacks, "{job} without {table}");
                    refusals.extend(refusal);
                }
                let pasted = lines(&refusals);
                let host = auth.host(&format!("{section}{without}{pasted}")).await;
                for (job, _) in &lacking {
                    assert_eq!(refusal(&host, job).await, None, "{job}");
                }
            }
        }
    }
}

fn blocks<'a>(plugin: &str, grants: impl Iterator<Item = (&'a String, &'a toml::Value)>) -> String {
    let mut text = String::new();
    for (table, grant) in grants {
        let grant = toml::to_string(grant).unwrap();
        text.push_str(&format!("[plugins.{plugin}.grant.{table}]\n{grant}"));
    }
    text
}

#[tokio::test]
async fn each_rule_of_the_schema_takes_a_right_that_anybody_elses_plugin_lacks_until_it_is_pasted()
{
    let mut tried = 0;
    for lab in both("", "").await {
        let mut auth = Auth::with("tokens", lab).await;
        let sections = sections(&auth).await;
        for (plugin, section) in &sections {
            let (_folder, component) = component_file(plugin);
            let host = auth.host(section).await;
            let (deletes, catalog) = (deletes(&host, plugin).await, host.catalog().await.unwrap());
            auth.plugin = host.plugins()[plugin].clone();
            for (job, tables) in &deletes {
                let set = match plugin.as_str() {
                    "sessions" => vec![("ttl", "30d")],
                    _ => Vec::new(),
                };
                let access = auth
                    .plugin
                    .access(&job.job, &auth.settings(&job.job, &set))
                    .await;
                let whole = crate::auth::granted(&access.unwrap());
                for (child, takes) in rules(tables, &catalog) {
                    let mut given = whole.clone();
                    let less = given.tables.get_mut(&child).unwrap();
                    match &takes {
                        None => less.delete = false,
                        Some(columns) => less.update.retain(|column| !columns.contains(column)),
                    }
                    if given == whole {
                        continue; // such rows go or are unlinked ahead, by a right of another kind
                    }
                    let grants = as_toml(&given);
                    let host = third_party_host(&auth, &component, &grants).await;

                    let refused = refusal_under(&host, job, &set).await;
                    let Err(refusal) = refused else {
                        panic!("{job} runs without {takes:?} on {child}");
                    };

                    let RunnerError::Denied(refusal) = refusal else {
                        panic!("{job} without {takes:?} on {child}: {refusal}");
                    };
                    assert!(
                        refusal.missing.iter().all(|need| need.table == child),
                        "{refusal}"
                    );
                    let (_, words) = refusal
                        .to_string()
                        .split_once("besom.toml:\n")
                        .map(|(a, b)| (a.to_owned(), b.to_owned()))
                        .unwrap();
                    let printed: toml::Table = words.parse().unwrap();
                    let mut pasted = grants;
                    let printed = printed["plugins"][plugin.as_str()]["grant"]
                        .as_table()
                        .unwrap();
                    pasted.extend(printed.clone());
                    let host = third_party_host(&auth, &component, &pasted).await;
                    refusal_under(&host, job, &set).await.unwrap();
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 20, "only {tried} rules");
}

async fn refusal_under(
    host: &Host,
    job: &JobName,
    set: &[(&str, &str)],
) -> Result<(), RunnerError> {
    let catalog = host.catalog().await.unwrap();
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let set: Vec<_> = set.iter().map(owned).collect();
    host.examine(job, &set, &catalog).await.map(drop)
}

/// The children of these tables whose keys have a rule, and the columns that it changes; `None`: rows go.
fn rules(tables: &BTreeSet<String>, catalog: &Catalog) -> BTreeSet<(String, Option<Vec<String>>)> {
    let requests = tables
        .iter()
        .map(|table| Request::delete(table.clone(), Condition::Everything));
    let keys = requests.flat_map(|request| foreign_keys(&request, catalog));
    keys.filter_map(|key| {
        let takes = match key.on_delete {
            OnDelete::NoAction | OnDelete::Restrict => return None,
            OnDelete::Cascade => None,
            OnDelete::SetNull | OnDelete::SetDefault => Some(key.set_columns.clone()),
        };
        Some((catalog.spelling(&key.child), takes))
    })
    .collect()
}

fn as_toml(grants: &Grants) -> toml::Table {
    let columns =
        |of: &BTreeSet<String>| toml::Value::Array(of.iter().map(|c| c.clone().into()).collect());
    let grant = |of: &besom::scope::TableGrant| {
        toml::Table::from_iter([
            ("read".to_owned(), columns(&of.read)),
            ("update".to_owned(), columns(&of.update)),
            ("delete".to_owned(), of.delete.into()),
            ("all-rows".to_owned(), of.all_rows.into()),
        ])
    };
    let tables = grants.tables.iter();
    tables
        .map(|(name, of)| (name.clone(), grant(of).into()))
        .collect()
}

async fn grown_desk(database: TestDatabase) -> (Desk, BTreeSet<String>) {
    let file: String = plugins()
        .iter()
        .map(|plugin| section(plugin, &[]))
        .collect();
    let desk = Desk::filled(database, 2_000, &file).await;
    let pool = crate::cli::connect(&desk.database).await;
    let mut session = pool.session().await.unwrap();
    session.hold().await.unwrap();
    let catalog = match session.as_postgres() {
        Some(connection) => Catalog::load_postgres(connection).await,
        None => Catalog::load_sqlite(session.as_sqlite().unwrap()).await,
    };
    session.release().await.unwrap();
    drop(session);
    pool.close().await;
    let catalog = catalog.unwrap();
    let checked: serde_json::Value =
        serde_json::from_str(&desk.run(&["check", "--json"]).stdout).unwrap();
    let mut tables = BTreeSet::new();
    for job in checked["jobs"].as_array().unwrap() {
        for table in job["tables"].as_array().unwrap() {
            tables.insert(table.as_str().unwrap().to_owned());
        }
    }
    tables.retain(|table| {
        catalog
            .table(table)
            .is_ok_and(|table| table.primary_key.len() == 1)
    });
    desk.script(&growth(&catalog, &tables)).await;
    (desk, tables)
}

#[tokio::test]
async fn what_a_check_prints_for_all_jobs_is_pasted_at_once_and_the_rules_do_what_they_say() {
    for database in crate::cli::both().await {
        let (desk, tables) = grown_desk(database).await;

        let said = desk.run(&["check"]);
        assert_eq!(said.code, 2, "{}{}", said.stdout, said.stderr);
        assert_eq!(
            said.stdout.matches("To allow it, write").count(),
            1,
            "{}",
            said.stdout
        );
        let checked: serde_json::Value =
            serde_json::from_str(&desk.run(&["check", "--json"]).stdout).unwrap();
        let blocks = checked["allowed_by"].as_object().unwrap().values();
        let blocks: String = blocks.map(|block| block.as_str().unwrap()).collect();
        assert!(said.stdout.contains(&blocks), "{}", said.stdout);
        let file = desk.folder.path().join("besom.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, format!("{text}{blocks}")).unwrap();

        let checked: serde_json::Value =
            serde_json::from_str(&desk.run(&["check", "--json"]).stdout).unwrap();
        for job in checked["jobs"].as_array().unwrap() {
            assert!(job["refusal"].is_null(), "{job}");
            let findings = job["findings"].as_array().unwrap();
            assert!(
                findings.iter().all(|f| f["code"] != "unused-grant"),
                "{findings:?}"
            );
        }
        desk.says(
            &[
                ["run"].as_slice(),
                &plugins().iter().map(String::as_str).collect::<Vec<_>>(),
            ]
            .concat(),
        );

        let mut gone = 0;
        for table in &tables {
            let [cascade, null, default] = RULES.map(|(name, _, _)| grown(table, name));
            let count = async |sql: String| desk.count(&sql).await;
            let parents = count(format!("SELECT count(*) FROM {table}")).await;
            let before = count(format!("SELECT count(*) FROM {null}")).await;
            assert_eq!(
                count(format!("SELECT count(*) FROM {cascade}")).await,
                parents,
                "{table}"
            );
            for child in [null, default] {
                let linked = count(format!("SELECT count(parent_id) FROM {child}")).await;
                assert_eq!(linked, parents, "{child}");
            }
            gone += before - parents;
        }
        assert!(gone > 100, "only {gone} rows went");
    }
}
