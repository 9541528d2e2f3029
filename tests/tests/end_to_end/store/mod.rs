//! Versions of plugins in the ledger: installed, refused, swapped, suspended.

mod following;
mod installing;
mod keys;
mod killed;
mod known;
mod quarantine;
mod serving;
mod shadow;
mod strikes;
mod swaps;
mod trust;
mod upgrade;

use besom::database::{Bind, Statement};
use besom::plugin::Digest;
use besom_tests::TestDatabase;
use besom_tests::fixtures::Versioned;

use super::cli::{Desk, both, connect, place};

/// A plugin of which only installed versions run, and what it may touch.
const FILE: &str = "[plugins.versioned]\nsource = \"store\"\n\
                    [plugins.versioned.grant.victims]\nread = [\"id\"]\ndelete = true\n";

/// The same where the ledger is believed.
const ANY: &str = "[store]\ninstall = \"any\"\n";

const JOB: &str = "versioned/old";

/// A desk whose plugin has ten victims.
async fn desk(database: TestDatabase, store: &str) -> Desk {
    desk_with(database, &format!("{store}{FILE}")).await
}

async fn desk_with(database: TestDatabase, file: &str) -> Desk {
    let desk = Desk::with_file(database, file);
    desk.script(
        "CREATE TABLE victims (id bigint PRIMARY KEY); CREATE TABLE users (id bigint PRIMARY KEY); \
         INSERT INTO victims VALUES (1), (2), (3); INSERT INTO users VALUES (1), (2)",
    )
    .await;
    desk.says(&["migrate"]);
    desk
}

/// Writes a version into the folder and installs it; answers its digest.
fn install(desk: &Desk, version: &Versioned) -> String {
    let component = version.build();
    place(desk.folder.path(), "plugin.wasm", &component);
    desk.says(&["plugin", "install", "plugin.wasm"]);
    Digest::of(&component).to_string()
}

/// The version that the newest run ran.
async fn ran(desk: &Desk, job: &str) -> String {
    desk.says(&["run", job]);
    let runs = desk.json(&["runs", "list", "--json"]);
    runs[0]["version"].as_str().unwrap().to_owned()
}

/// The line of `besom plugin list` for a plugin.
fn listed(desk: &Desk, plugin: &str) -> serde_json::Value {
    let said = desk.run(&["plugin", "list", "--json"]);
    let all: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    let mut all = all.as_array().unwrap().iter();
    let found = all.find(|entry| entry["name"] == plugin);
    found
        .unwrap_or_else(|| panic!("no {plugin} in {}", said.stdout))
        .clone()
}

/// A statement with values, as somebody would run it who can write the database and nothing else.
async fn forge(desk: &Desk, parts: &[(&str, Bind)], end: &str) {
    let database = connect(&desk.database).await;
    let mut session = database.session().await.unwrap();
    let mut w = Statement::new(session.dialect());
    for (sql, bind) in parts {
        w.push(sql).bind(bind.clone());
    }
    w.push(end);
    session.execute(&w).await.unwrap();
    drop(session);
    database.close().await;
}

/// Puts a component into the ledger and in use, past every check.
async fn forge_version(desk: &Desk, name: &str, version: &str, component: &[u8], signature: Bind) {
    let digest = Digest::of(component).to_string();
    let now = match desk.database.url.starts_with("sqlite") {
        true => "0",
        false => "now()",
    };
    forge(
        desk,
        &[
            (
                "INSERT INTO besom_component (digest, bytes, name, version, signature, stored_by, origin, \
                 stored_at) VALUES (",
                digest.as_str().into(),
            ),
            (", ", Bind::Blob(component.to_vec())),
            (", ", name.into()),
            (", ", version.into()),
            (", ", signature),
        ],
        &format!(", 'nobody', 'nowhere', {now})"),
    )
    .await;
    deploy(desk, name, &digest).await;
}

/// Says in the ledger that a version is in use.
async fn deploy(desk: &Desk, name: &str, digest: &str) {
    let now = match desk.database.url.starts_with("sqlite") {
        true => "0",
        false => "now()",
    };
    forge(
        desk,
        &[
            (
                "INSERT INTO besom_deployment (plugin, counter, active, changed_by, changed_at) VALUES (",
                name.into(),
            ),
            (", 1, ", digest.into()),
        ],
        &format!(
            ", 'nobody', {now}) ON CONFLICT (plugin) DO UPDATE SET previous = besom_deployment.active, \
             active = excluded.active, counter = besom_deployment.counter + 1"
        ),
    )
    .await;
}
