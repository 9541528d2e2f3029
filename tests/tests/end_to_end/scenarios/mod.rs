//! Stories of sessions over days and weeks: both bundled plugins, through their components, on the
//! reference schema of both databases, at the days that the story says.

mod leftover_grant;
mod logout;
mod signing_keys;
mod without_an_index;

use std::path::Path;

use besom::catalog::Dialect;
use besom::cli::bundled_names;
use besom::cli::demo::schema;
use besom::config::{Config, Environment, Rules};
use besom::plugin::{Settings, TableAccess};
use besom::request::{Batch, JobName, Timestamp};
use besom::runner::Host;
use besom::scope::{Grants, TableGrant};
use besom::sweep::Progress;
use besom_tests::fixtures;
use besom_tests::lab::Lab;

/// Day 0: 2026-01-02 03:04:05.678901 UTC, in microseconds.
const DAY_ZERO: i64 = 1_767_323_045_678_901;

const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Far beyond what any run here takes.
const WALL: std::time::Duration = std::time::Duration::from_secs(120);

/// A database with the reference schema, and the plugins.
struct Scene {
    lab: Lab,
    host: Host,
}

/// The scene on both databases.
async fn both() -> [Scene; 2] {
    [
        Scene::on(Lab::postgres("").await).await,
        Scene::on(Lab::sqlite("").await).await,
    ]
}

impl Scene {
    async fn on(lab: Lab) -> Self {
        let mut session = lab.session().await;
        session.hold().await.unwrap();
        match session.as_postgres() {
            Some(connection) => schema::apply_postgres(connection).await,
            None => schema::apply_sqlite(session.as_sqlite().unwrap()).await,
        }
        .unwrap();
        session.release().await.unwrap();
        drop(session);
        let text = format!(
            "[database]\nurl = \"{}\"\n[host]\ncache = \"{}\"\n[plugins.tokens]\n[plugins.sessions]\n",
            lab.home.url,
            fixtures::code_cache().display(),
        );
        let rules = Rules {
            environment: Environment::of([]),
            bundled: &bundled_names(),
        };
        let config = Config::parse(&text, Path::new("besom.toml"), &rules).unwrap();
        let host = Host::open(config).await.unwrap();
        Self { lab, host }
    }

    fn dialect(&self) -> Dialect {
        self.lab.dialect()
    }

    /// Every job that is not opt-in, in the order in which `besom run` takes them.
    fn jobs(&self) -> Vec<JobName> {
        let named = self.host.plugins().iter().flat_map(|(name, plugin)| {
            let jobs = plugin.manifest().jobs.iter().filter(|job| !job.opt_in);
            jobs.map(|job| JobName::new(name, &job.name))
                .collect::<Vec<_>>()
        });
        self.host.in_order(named.collect()).unwrap()
    }

    /// One run of a job with the clock at `now`, drained, under the grant of its own access list.
    async fn run(&mut self, job: &JobName, now: i64) -> Progress {
        let plugin = &self.host.plugins()[&job.plugin];
        let none = toml::Table::new();
        let settings = Settings::resolve(plugin.manifest(), &job.job, &none, &none, &[]).unwrap();
        let access = plugin.access(&job.job, &settings).await.unwrap();
        self.lab.grants = Some(granted(&access));
        let context = self.lab.begin_as(job.clone(), Timestamp(now)).await;
        plugin
            .run(&job.job, &settings, context.clone(), WALL)
            .await
            .unwrap_or_else(|error| panic!("{job}: {error}"));
        let progress = context.settle().await;
        assert!(
            progress.suspended.is_none() && !progress.unfinished,
            "{job} has left rows to a later run"
        );
        self.lab.end(&context).await;
        progress
    }

    /// The same, by the job's full name, for what it came to.
    async fn count(&mut self, job: &str, now: i64) -> Batch {
        self.run(&job.parse().unwrap(), now).await.totals
    }

    /// A row's key: its name, in 16 bytes.
    fn key(&self, name: &str) -> String {
        let mut bytes = [0; 16];
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        self.uuid(bytes)
    }

    /// A key that holds the time of its making, and then `rest`.
    fn ulid(&self, made: i64, rest: u16) -> String {
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&made.div_euclid(1000).to_be_bytes()[2..]);
        bytes[14..].copy_from_slice(&rest.to_be_bytes());
        self.uuid(bytes)
    }

    fn uuid(&self, bytes: [u8; 16]) -> String {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        match self.dialect() {
            Dialect::Postgres => format!("'{hex}'::uuid"),
            Dialect::Sqlite => format!("x'{hex}'"),
        }
    }

    /// A moment as the column holds it.
    fn time(&self, micros: Option<i64>) -> String {
        match (self.dialect(), micros) {
            (_, None) => "NULL".to_owned(),
            (Dialect::Postgres, Some(at)) => format!("'{}'::timestamptz", Timestamp(at)),
            (Dialect::Sqlite, Some(at)) => at.to_string(),
        }
    }

    /// A client, and a user for all that is logged in.
    async fn user_and_client(&self) {
        self.lab
            .script(&format!(
                "INSERT INTO users (user_id, username, created_at) VALUES ({}, 'user', {at});
                 {client}",
                self.key("user"),
                at = self.time(Some(DAY_ZERO - 400 * DAY)),
                client = self.insert("oauth2_clients (oauth2_client_id)", self.key("client")),
            ))
            .await;
    }

    /// An OAuth 2.0 session with an access token, that a refresh token refers to.
    async fn oauth2_session(&self, name: &str, browser: Option<&str>, finished: Option<i64>) {
        let browser = browser.map_or("NULL".to_owned(), |name| self.key(name));
        let made = self.time(Some(DAY_ZERO - DAY));
        let (session, client) = (self.key(name), self.key("client"));
        let sessions = self.insert(
            "oauth2_sessions (oauth2_session_id, user_session_id, oauth2_client_id, human_name, \
             created_at, finished_at)",
            format!(
                "{session}, {browser}, {client}, '{name}', {made}, {}",
                self.time(finished)
            ),
        );
        self.lab
            .script(&format!(
                "{sessions};
                 INSERT INTO oauth2_access_tokens (oauth2_access_token_id, oauth2_session_id, \
                     access_token, created_at) VALUES ({session}, {session}, '{name}', {made});
                 INSERT INTO oauth2_refresh_tokens (oauth2_refresh_token_id, oauth2_session_id, \
                     oauth2_access_token_id, refresh_token, created_at) \
                 VALUES ({session}, {session}, {session}, '{name}', {made})"
            ))
            .await;
    }

    /// A grant that refers to an OAuth 2.0 session.
    async fn grant(&self, session: &str, made: i64) {
        let script = self.insert_grant(session, made, 7);
        self.lab.script(&script).await;
    }

    fn insert_grant(&self, session: &str, made: i64, rest: u16) -> String {
        self.insert(
            "oauth2_authorization_grants (oauth2_authorization_grant_id, oauth2_client_id, \
             oauth2_session_id, authorization_code, created_at)",
            format!(
                "{}, {}, {}, 'code of {session}', {}",
                self.ulid(made, rest),
                self.key("client"),
                self.key(session),
                self.time(Some(made)),
            ),
        )
    }

    fn insert(&self, into: &str, row: String) -> String {
        crate::auth::insert(self.dialect(), into, &[row])
    }

    /// The first column of every row, which is text, sorted.
    async fn texts(&self, sql: &str) -> Vec<String> {
        let mut statement = besom::database::Statement::new(self.dialect());
        statement.push(sql);
        let mut session = self.lab.session().await;
        let rows = session
            .fetch(&statement)
            .await
            .unwrap_or_else(|error| panic!("{error} in:\n{sql}"));
        let mut texts: Vec<_> = rows
            .iter()
            .map(|row| row.get(0).as_text().unwrap().to_owned())
            .collect();
        texts.sort_unstable();
        texts
    }
}

fn granted(access: &[TableAccess]) -> Grants {
    let mut grants = Grants::default();
    for table in access {
        let grant: &mut TableGrant = grants.tables.entry(table.table.clone()).or_default();
        grant.read.extend(table.read.iter().cloned());
        grant.update.extend(table.update.iter().cloned());
        grant.delete |= table.delete;
        grant.all_rows |= table.all_rows;
    }
    grants
}
