//! The bundled tokens plugin, through its component, on the reference schema of both databases.

mod boundary;
mod by_anyone;
mod clock;
mod dry_run;
mod kept;
mod narrowed;
mod profiles;

use std::path::Path;

use besom::catalog::Dialect;
use besom::cli::demo::schema;
use besom::cli::{ColorChoice, Exit, Output, Progress, Terminal, bundled_names, run};
use besom::config::{Config, Environment, Rules};
use besom::plugin::{Engine, EngineOptions, Limits, Plugin, Settings, TableAccess};
use besom::request::{Batch, JobName, Mode, Timestamp};
use besom::runner::{Host, JobOptions, RunReport};
use besom::scope::{Grants, TableGrant};
use besom_tests::fixtures;
use besom_tests::lab::Lab;

/// 2026-01-02 03:04:05.678901 UTC, in microseconds: the present of every run that is told its time.
/// Not a whole millisecond, because the keys that hold a time do hold whole ones.
const NOW: i64 = 1_767_323_045_678_901;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Far beyond what any run here takes.
const WALL: std::time::Duration = std::time::Duration::from_secs(120);

/// A database with the reference schema, and the plugin.
struct Auth {
    lab: Lab,
    plugin: Plugin,
}

/// A refresh token of an OAuth 2.0 session, when it matters what it looks like.
#[derive(Default)]
struct Refresh<'a> {
    /// The access token that it refers to.
    access: Option<&'a str>,
    consumed_at: Option<i64>,
    revoked_at: Option<i64>,
    /// The refresh token that it was exchanged for, which must be there already.
    next: Option<&'a str>,
}

/// Both databases, with the rows that tokens hang on and no tokens.
async fn both() -> [Auth; 2] {
    [
        Auth::on(Lab::postgres("").await).await,
        Auth::on(Lab::sqlite("").await).await,
    ]
}

impl Auth {
    async fn on(lab: Lab) -> Self {
        let mut session = lab.session().await;
        match session.as_postgres() {
            Some(connection) => schema::apply_postgres(connection).await,
            None => schema::apply_sqlite(session.as_sqlite().unwrap()).await,
        }
        .unwrap();
        drop(session);
        let cache = Some(fixtures::code_cache());
        let limits = Limits::default();
        let engine = Engine::new(EngineOptions { limits, cache }).unwrap();
        let bundled = besom_bundle::PLUGINS.iter().find(|p| p.name == "tokens");
        let plugin = engine.load(bundled.unwrap().component).await.unwrap();
        let auth = Self { lab, plugin };
        auth.parents().await;
        auth
    }

    /// The user `user`, the client `client`, its session `session`, and two compatibility sessions,
    /// one `active` and one `finished`.
    async fn parents(&self) {
        let (user, client) = (self.key("user"), self.key("client"));
        let born = self.time(Some(NOW - 400 * DAY));
        self.lab
            .script(&format!(
                "INSERT INTO users (user_id, username, created_at) VALUES ({user}, 'user', {born});
                 INSERT INTO oauth2_clients (oauth2_client_id) VALUES ({client});
                 INSERT INTO oauth2_sessions (oauth2_session_id, oauth2_client_id, scope, created_at)
                 VALUES ({session}, {client}, 'openid', {born});
                 INSERT INTO compat_sessions (compat_session_id, user_id, created_at, finished_at)
                 VALUES ({active}, {user}, {born}, NULL), ({finished}, {user}, {born}, {born})",
                session = self.key("session"),
                active = self.key("active"),
                finished = self.key("finished"),
            ))
            .await;
    }

    fn dialect(&self) -> Dialect {
        self.lab.dialect()
    }

    /// A row's key: its name, in 16 bytes.
    fn key(&self, name: &str) -> String {
        let mut bytes = [0; 16];
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        self.uuid(bytes)
    }

    /// A ULID of that millisecond; `rest` fills the other ten bytes.
    fn ulid(&self, millis: i64, rest: [u8; 10]) -> String {
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
        bytes[6..].copy_from_slice(&rest);
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

    /// Rows of SQL literals.
    async fn insert(&self, into: &str, rows: &[String]) {
        for some in rows.chunks(500) {
            let script = format!("INSERT INTO {into} VALUES ({})", some.join("), ("));
            self.lab.script(&script).await;
        }
    }

    async fn access_token(&self, name: &str, expires_at: Option<i64>, revoked_at: Option<i64>) {
        let row = format!(
            "{}, {}, '{name}', {}, {}, {}",
            self.key(name),
            self.key("session"),
            self.time(Some(NOW - 300 * DAY)),
            self.time(expires_at),
            self.time(revoked_at),
        );
        let into = "oauth2_access_tokens (oauth2_access_token_id, oauth2_session_id, access_token, \
             created_at, expires_at, revoked_at)";
        self.insert(into, &[row]).await;
    }

    async fn refresh_token(&self, name: &str, token: Refresh<'_>) {
        let reference = |to: Option<&str>| to.map_or("NULL".to_owned(), |name| self.key(name));
        let row = format!(
            "{}, {}, '{name}', {}, {}, {}, {}, {}",
            self.key(name),
            self.key("session"),
            self.time(Some(NOW - 300 * DAY)),
            reference(token.access),
            self.time(token.consumed_at),
            self.time(token.revoked_at),
            reference(token.next),
        );
        let into = "oauth2_refresh_tokens (oauth2_refresh_token_id, oauth2_session_id, \
             refresh_token, created_at, oauth2_access_token_id, consumed_at, revoked_at, \
             next_oauth2_refresh_token_id)";
        self.insert(into, &[row]).await;
    }

    async fn compat_access_token(&self, session: &str, name: &str, expires_at: Option<i64>) {
        let row = format!(
            "{}, {}, '{name}', {}, {}",
            self.key(name),
            self.key(session),
            self.time(Some(NOW - 300 * DAY)),
            self.time(expires_at),
        );
        let into = "compat_access_tokens (compat_access_token_id, compat_session_id, access_token, \
             created_at, expires_at)";
        self.insert(into, &[row]).await;
    }

    async fn compat_refresh_token(
        &self,
        session: &str,
        name: &str,
        access: &str,
        consumed_at: Option<i64>,
    ) {
        let row = format!(
            "{}, {}, '{name}', {}, {}, {}",
            self.key(name),
            self.key(session),
            self.key(access),
            self.time(Some(NOW - 300 * DAY)),
            self.time(consumed_at),
        );
        let into = "compat_refresh_tokens (compat_refresh_token_id, compat_session_id, \
             refresh_token, compat_access_token_id, created_at, consumed_at)";
        self.insert(into, &[row]).await;
    }

    async fn authorization_grant(&self, name: &str, key: &str, created_at: i64) {
        let row = format!(
            "{key}, {}, '{name}', 'https://app.example', 'openid', 'query', {}",
            self.key("client"),
            self.time(Some(created_at)),
        );
        let into = "oauth2_authorization_grants (oauth2_authorization_grant_id, oauth2_client_id, \
             authorization_code, redirect_uri, scope, response_mode, created_at)";
        self.insert(into, &[row]).await;
    }

    async fn device_code(&self, name: &str, key: &str, created_at: i64) {
        let row = format!(
            "{key}, {}, '{name}', '{name}', 'openid', {}, {}",
            self.key("client"),
            self.time(Some(created_at)),
            self.time(Some(created_at + 20 * MINUTE)),
        );
        let into = "oauth2_device_code_grant (oauth2_device_code_grant_id, oauth2_client_id, \
             device_code, user_code, scope, created_at, expires_at)";
        self.insert(into, &[row]).await;
    }

    async fn rotating_token(&self, name: &str, family: &str, revoked: bool, expires_at: i64) {
        let row = format!(
            "{}, {}, '{name}', {}, {}, {}, {}",
            self.key(name),
            self.key("user"),
            self.key(family),
            if revoked { "TRUE" } else { "FALSE" },
            self.time(Some(expires_at)),
            self.time(Some(NOW - 300 * DAY)),
        );
        let into =
            "refresh_tokens (id, user_id, token_hash, family_id, revoked, expires_at, created_at)";
        self.insert(into, &[row]).await;
    }

    /// The names of the rows that are there, sorted.
    async fn names(&self, table: &str) -> Vec<String> {
        let mut names = self
            .texts(&format!("SELECT {} FROM {table}", name_of(table)))
            .await;
        names.sort_unstable();
        names
    }

    /// The first column of every row, which is text or NULL (shown as `-`).
    async fn texts(&self, sql: &str) -> Vec<String> {
        let mut statement = besom::database::Statement::new(self.dialect());
        statement.push(sql);
        let mut session = self.lab.session().await;
        let rows = session
            .fetch(&statement)
            .await
            .unwrap_or_else(|error| panic!("{error} in:\n{sql}"));
        let text = |row: &besom::database::Cells| row.get(0).as_text().unwrap_or("-").to_owned();
        rows.iter().map(text).collect()
    }

    fn settings(&self, job: &str, set: &[(&str, &str)]) -> Settings {
        let none = toml::Table::new();
        let set: Vec<_> = set
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Settings::resolve(self.plugin.manifest(), job, &none, &none, &set).unwrap()
    }

    /// One run of a job whose clock says [`NOW`], drained, under the grant of its own access list.
    async fn run(&mut self, job: &str, set: &[(&str, &str)]) -> Batch {
        let settings = self.settings(job, set);
        let access = self.plugin.access(job, &settings).await.unwrap();
        self.lab.grants = Some(granted(&access));
        let name = JobName::new("tokens", job);
        let context = self.lab.begin_as(name, Timestamp(NOW)).await;
        self.plugin
            .run(job, &settings, context.clone(), WALL)
            .await
            .unwrap();
        let progress = context.settle().await;
        assert!(
            progress.suspended.is_none() && !progress.unfinished,
            "{job}"
        );
        self.lab.end(&context).await;
        progress.totals
    }

    /// A host with the plugin under a configuration, as `besom run` has it.
    async fn host(&self, configuration: &str) -> Host {
        let text = format!(
            "[database]\nurl = \"{}\"\n[host]\ncache = \"{}\"\n{configuration}",
            self.lab.home.url,
            fixtures::code_cache().display(),
        );
        let rules = Rules {
            environment: Environment::of([]),
            bundled: &bundled_names(),
        };
        let config = Config::parse(&text, Path::new("besom.toml"), &rules).unwrap();
        Host::open(config).await.unwrap()
    }
}

/// The column that names a row in these tests.
fn name_of(table: &str) -> &'static str {
    match table {
        "oauth2_access_tokens" | "compat_access_tokens" => "access_token",
        "oauth2_refresh_tokens" | "compat_refresh_tokens" => "refresh_token",
        "oauth2_authorization_grants" => "authorization_code",
        "oauth2_device_code_grant" => "device_code",
        "refresh_tokens" => "token_hash",
        _ => panic!("rows of {table} have no name"),
    }
}

fn granted(access: &[TableAccess]) -> Grants {
    let mut grants = Grants::default();
    for table in access {
        let grant = TableGrant {
            read: table.read.iter().cloned().collect(),
            update: table.update.iter().cloned().collect(),
            delete: table.delete,
            all_rows: table.all_rows,
            ..TableGrant::default()
        };
        grants.tables.insert(table.table.clone(), grant);
    }
    grants
}

/// `besom run tokens`: every job, in order.
async fn besom_run(host: &Host, mode: Mode) -> Vec<RunReport> {
    let manifest = host.plugins()["tokens"].manifest();
    let jobs = manifest
        .jobs
        .iter()
        .map(|job| JobName::new("tokens", &job.name));
    let jobs = host.in_order(jobs.collect()).unwrap();
    let (reports, exit) = run::run_all(host, &jobs, &options(mode), &terminal())
        .await
        .unwrap();
    assert_eq!(exit, Exit::Done);
    assert_eq!(reports.len(), 8);
    reports
}

fn options(mode: Mode) -> JobOptions {
    JobOptions {
        mode,
        set: Vec::new(),
        max_rows: None,
        deadline: None,
        stop: Default::default(),
    }
}

fn terminal() -> Terminal {
    Terminal {
        output: Output::stdout(ColorChoice::Never),
        progress: Progress::hidden(),
    }
}
