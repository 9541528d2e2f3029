//! A bundled plugin, through its component, on the reference schema of both databases.

pub mod third_party;

use std::path::Path;

use besom::catalog::Dialect;
use besom::cli::demo::schema;
use besom::cli::{ColorChoice, Output, Progress, Terminal, bundled_names, run};
use besom::config::{Config, Environment, Rules};
use besom::plugin::{CallError, Engine, EngineOptions, Limits, Plugin, Settings, TableAccess};
use besom::request::{Batch, JobName, Mode, Timestamp};
use besom::runner::{Host, JobOptions, RunReport};
use besom::scope::{Grants, TableGrant};
use besom::sweep::Progress as Counted;
use besom_tests::fixtures;
use besom_tests::lab::Lab;

use super::cli::Desk;

/// 2026-01-02 03:04:05.678901 UTC, in microseconds: the present of every run that is told its time.
/// Not a whole millisecond, because the keys that hold a time do hold whole ones.
pub const NOW: i64 = 1_767_323_045_678_901;

pub const SECOND: i64 = 1_000_000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

/// Far beyond what any run here takes.
pub const WALL: std::time::Duration = std::time::Duration::from_secs(120);

/// A database with the reference schema, and the plugin.
pub struct Auth {
    pub lab: Lab,
    pub plugin: Plugin,
}

impl Auth {
    pub async fn with(plugin: &str, lab: Lab) -> Self {
        let mut session = lab.session().await;
        session.hold().await.unwrap();
        match session.as_postgres() {
            Some(connection) => schema::apply_postgres(connection).await,
            None => schema::apply_sqlite(session.as_sqlite().unwrap()).await,
        }
        .unwrap();
        session.release().await.unwrap();
        drop(session);
        let cache = Some(fixtures::code_cache());
        let limits = Limits::default();
        let engine = Engine::new(EngineOptions { limits, cache }).unwrap();
        let bundled = besom_bundle::PLUGINS.iter().find(|p| p.name == plugin);
        let plugin = engine.load(bundled.unwrap().component).await.unwrap();
        Self { lab, plugin }
    }

    pub fn dialect(&self) -> Dialect {
        self.lab.dialect()
    }

    /// A row's key: its name, in 16 bytes.
    pub fn key(&self, name: &str) -> String {
        let mut bytes = [0; 16];
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        self.uuid(bytes)
    }

    /// A ULID of that millisecond; `rest` fills the other ten bytes.
    pub fn ulid(&self, millis: i64, rest: [u8; 10]) -> String {
        let mut bytes = [0; 16];
        bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
        bytes[6..].copy_from_slice(&rest);
        self.uuid(bytes)
    }

    pub fn uuid(&self, bytes: [u8; 16]) -> String {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        match self.dialect() {
            Dialect::Postgres => format!("'{hex}'::uuid"),
            Dialect::Sqlite => format!("x'{hex}'"),
        }
    }

    /// A moment as the column holds it.
    pub fn time(&self, micros: Option<i64>) -> String {
        match (self.dialect(), micros) {
            (_, None) => "NULL".to_owned(),
            (Dialect::Postgres, Some(at)) => format!("'{}'::timestamptz", Timestamp(at)),
            (Dialect::Sqlite, Some(at)) => at.to_string(),
        }
    }

    /// Rows of SQL literals.
    pub async fn insert(&self, into: &str, rows: &[String]) {
        for some in rows.chunks(500) {
            self.lab.script(&insert(self.dialect(), into, some)).await;
        }
    }

    /// The names of the rows that are there, sorted.
    pub async fn names(&self, table: &str) -> Vec<String> {
        let mut names = self
            .texts(&format!("SELECT {} FROM {table}", name_of(table)))
            .await;
        names.sort_unstable();
        names
    }

    /// The first column of every row, which is text or NULL (shown as `-`).
    pub async fn texts(&self, sql: &str) -> Vec<String> {
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

    pub fn settings(&self, job: &str, set: &[(&str, &str)]) -> Settings {
        let none = toml::Table::new();
        let set: Vec<_> = set
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Settings::resolve(self.plugin.manifest(), job, &none, &none, &set).unwrap()
    }

    /// One run of a job whose clock says [`NOW`], drained, under the grant of its own access list.
    pub async fn run(&mut self, job: &str, set: &[(&str, &str)]) -> Batch {
        let (done, progress) = self.try_run(job, set).await;
        done.unwrap();
        assert!(
            progress.suspended.is_none() && !progress.unfinished,
            "{job}"
        );
        progress.totals
    }

    /// Why such a run fails.
    pub async fn refused(&mut self, job: &str, set: &[(&str, &str)]) -> String {
        let (done, _) = self.try_run(job, set).await;
        done.unwrap_err().to_string()
    }

    async fn try_run(
        &mut self,
        job: &str,
        set: &[(&str, &str)],
    ) -> (Result<(), CallError>, Counted) {
        let settings = self.settings(job, set);
        let access = self.plugin.access(job, &settings).await.unwrap();
        self.lab.grants = Some(granted(&access));
        let name = JobName::new(&self.plugin.manifest().name, job);
        let context = self.lab.begin_as(name, Timestamp(NOW)).await;
        let done = self.plugin.run(job, &settings, context.clone(), WALL).await;
        let progress = context.settle().await;
        self.lab.end(&context).await;
        (done, progress)
    }

    /// A host with the plugin under a configuration, as `besom run` has it.
    pub async fn host(&self, configuration: &str) -> Host {
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

/// Rows of SQL literals into `table (columns)`, completed with what the table wants and no test has anything
/// to say about.
pub fn insert(dialect: Dialect, into: &str, rows: &[String]) -> String {
    let (table, columns) = into.split_once(" (").unwrap();
    let (mut columns, mut more) = (columns.trim_end_matches(')').to_owned(), String::new());
    let named: Vec<String> = columns
        .split(',')
        .map(|name| name.trim().to_owned())
        .collect();
    for (column, value) in wanted(dialect, table) {
        if !named.iter().any(|name| name == column) {
            columns.push_str(&format!(", {column}"));
            more.push_str(&format!(", {value}"));
        }
    }
    let rows: Vec<String> = rows.iter().map(|row| format!("({row}{more})")).collect();
    format!("INSERT INTO {table} ({columns}) VALUES {}", rows.join(", "))
}

/// What NOT NULL without a default wants, beside keys, names and times.
fn wanted(dialect: Dialect, table: &str) -> &'static [(&'static str, &'static str)] {
    let postgres = dialect == Dialect::Postgres;
    match table {
        "oauth2_clients" => &[
            ("grant_type_authorization_code", "TRUE"),
            ("grant_type_refresh_token", "TRUE"),
        ],
        "oauth2_sessions" | "personal_sessions" if postgres => &[("scope_list", "'{openid}'")],
        "oauth2_sessions" | "personal_sessions" => &[("scope_list", "'[\"openid\"]'")],
        "oauth2_authorization_grants" => &[
            ("redirect_uri", "'https://app.example'"),
            ("scope", "'openid'"),
            ("response_mode", "'query'"),
            ("response_type_code", "TRUE"),
            ("response_type_id_token", "FALSE"),
        ],
        "oauth2_device_code_grant" => &[("scope", "'openid'")],
        "upstream_oauth_providers" => &[
            ("client_id", "'us'"),
            ("scope", "'openid'"),
            ("token_endpoint_auth_method", "'none'"),
        ],
        "session_signing_keys" if postgres => &[("key_material_encrypted", "'\\x00'")],
        "session_signing_keys" => &[("key_material_encrypted", "x'00'")],
        "sessions" => &[("actor_id", "'user'"), ("actor_type", "'user'")],
        _ => &[],
    }
}

/// The host that `besom` would be in this folder.
pub async fn host_of(desk: &Desk) -> Host {
    let rules = Rules {
        environment: Environment::of([]),
        bundled: &bundled_names(),
    };
    let file = desk.folder.path().join("besom.toml");
    let config = Config::load(Some(&file), &rules).unwrap();
    Host::open(config).await.unwrap()
}

/// The column that names a row in these tests.
pub fn name_of(table: &str) -> &'static str {
    match table {
        "oauth2_access_tokens" | "compat_access_tokens" => "access_token",
        "oauth2_refresh_tokens" | "compat_refresh_tokens" => "refresh_token",
        "oauth2_authorization_grants" => "authorization_code",
        "oauth2_device_code_grant" => "device_code",
        "refresh_tokens" => "token_hash",
        "compat_sso_logins" => "login_token",
        "compat_sessions" | "oauth2_sessions" | "personal_sessions" => "human_name",
        "queue_jobs" => "queue_name",
        "upstream_oauth_links" => "subject",
        "user_recovery_sessions" => "email",
        "user_recovery_tickets" => "ticket",
        "user_registrations" => "username",
        "user_email_authentication_codes" => "code",
        "password_resets" => "token_hash",
        "user_sessions" => "user_agent",
        "upstream_oauth_authorization_sessions" => "state",
        "user_email_authentications" => "email",
        "sessions" | "session_signing_keys" => "id",
        _ => panic!("rows of {table} have no name"),
    }
}

pub fn granted(access: &[TableAccess]) -> Grants {
    let mut grants = Grants::default();
    for table in access {
        let grant = grants.tables.entry(table.table.clone());
        let grant = grant.or_insert_with(TableGrant::default);
        grant.read.extend(table.read.iter().cloned());
        grant.update.extend(table.update.iter().cloned());
        grant.delete |= table.delete;
        grant.all_rows |= table.all_rows;
    }
    grants
}

/// `besom run PLUGIN…`: every job that is not opt-in, in order.
pub async fn run_plugins(host: &Host, plugins: &[&str], mode: Mode) -> Vec<RunReport> {
    let mut jobs = Vec::new();
    for plugin in plugins {
        let offered = host.plugins()[*plugin].manifest().jobs.iter();
        let offered = offered.filter(|job| !job.opt_in);
        jobs.extend(offered.map(|job| JobName::new(*plugin, &job.name)));
    }
    let jobs = host.in_order(jobs).unwrap();
    let ran = run::run_all(host, &jobs, &options(mode), &terminal())
        .await
        .unwrap();
    assert!(ran.not_run.is_empty(), "{:?}", ran.not_run);
    ran.reports
}

pub fn options(mode: Mode) -> JobOptions {
    JobOptions {
        mode,
        set: Vec::new(),
        tolerate: Vec::new(),
        max_rows: None,
        deadline: None,
        stop: Default::default(),
        queued: None,
        cause: besom::ledger::Cause::Command,
    }
}

pub fn terminal() -> Terminal {
    Terminal {
        output: Output::stdout(ColorChoice::Never),
        progress: Progress::hidden(),
    }
}

/// Plants a row one step before the cut-off, on it and behind it, runs the job, and looks which of
/// them is left. A row whose time is NULL has no age, and stays where there can be one.
pub async fn only_the_older_goes(
    databases: [Auth; 2],
    job: &str,
    table: &str,
    (retention, step): (i64, i64),
    mut plant: impl AsyncFnMut(&Auth, &str, Option<i64>),
) {
    for mut auth in databases {
        let cutoff = NOW - retention;
        plant(&auth, "older", Some(cutoff - step)).await;
        plant(&auth, "exact", Some(cutoff)).await;
        plant(&auth, "younger", Some(cutoff + step)).await;
        plant(&auth, "never", None).await;
        let before = auth.names(table).await;

        auth.lab.options.mode = Mode::DryRun;
        let told = auth.run(job, &[]).await;
        assert_eq!(
            auth.names(table).await,
            before,
            "{job} on {:?}",
            auth.dialect()
        );
        auth.lab.options.mode = Mode::Apply;
        let done = auth.run(job, &[]).await;

        let mut left = before.clone();
        left.retain(|name| name != "older");
        assert_eq!(
            auth.names(table).await,
            left,
            "{job} on {:?}",
            auth.dialect()
        );
        assert_eq!(
            (told.affected, done.affected),
            (1, 1),
            "{job} on {:?}",
            auth.dialect()
        );
    }
}
