//! Plugins that misbehave: each is refused or stopped with an error that names it and the reason,
//! and the next good run on the same engine is fine.

mod at_load;
mod in_probes;
mod in_readers;
mod in_run;
mod in_sweeps;
mod in_the_code_cache;
mod in_the_log;

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use besom::plugin::{
    CallError, Cause, Engine, EngineOptions, Limits, LoadError, Plugin, Settings, Severity,
};
use besom::request::{JobName, Timestamp};
use besom::sweep::RunContext;
use besom_tests::fixtures;
use besom_tests::lab::Lab;

/// 2026-01-02 03:04:05 UTC: the present, as every run here believes.
const NOW: Timestamp = Timestamp(1_767_323_045_000_000);
/// Far beyond what any run here takes that is not waiting for its deadline.
const WALL: Duration = Duration::from_secs(120);

/// A run on a database of its own, which must be held as long as the context is used.
async fn context(job: &str) -> (Lab, Arc<RunContext>) {
    let mut lab = match job {
        // Every batch takes some ten milliseconds there.
        "wait" => Lab::postgres(SLOW).await,
        _ => Lab::sqlite("CREATE TABLE victims (id BLOB PRIMARY KEY) STRICT").await,
    };
    lab.options.batch_size = 1;
    let context = lab.begin_as(JobName::new("hostile", job), NOW).await;
    (lab, context)
}

/// What `preflight` looks with.
async fn looking(lab: &Lab) -> Arc<RunContext> {
    let catalog = lab.catalog().await;
    let grants = besom_tests::lab::all_granted(&catalog);
    let subject = besom::scope::Subject {
        job: JobName::new("hostile", "good"),
        bundled: false,
    };
    let (database, options) = (lab.database.clone(), lab.options.clone());
    RunContext::looking(database, catalog, Arc::new(grants), subject, NOW, options)
}

/// Three hundred rows, and a ledger whose every fence is slow.
const SLOW: &str = "CREATE TABLE victims (id bigint PRIMARY KEY);
    INSERT INTO victims SELECT n FROM generate_series(1, 300) AS n;
    CREATE FUNCTION drag() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_sleep(0.012); RETURN NEW; END';
    CREATE TRIGGER drag BEFORE UPDATE ON besom_run FOR EACH ROW EXECUTE FUNCTION drag();";

fn engine(limits: Limits) -> Engine {
    let cache = Some(fixtures::code_cache());
    Engine::new(EngineOptions { limits, cache }).unwrap()
}

fn settings(plugin: &Plugin) -> Settings {
    let none = toml::Table::new();
    Settings::resolve(plugin.manifest(), "good", &none, &none, &[]).unwrap()
}

async fn hostile(limits: Limits) -> Plugin {
    engine(limits).load(&fixtures::hostile()).await.unwrap()
}

async fn run(plugin: &Plugin, job: &str, wall: Duration) -> Result<(), CallError> {
    let (_lab, context) = context(job).await;
    plugin.run(job, &settings(plugin), context, wall).await
}

/// Runs a job that misbehaves, and then a good one on the same engine.
async fn stopped_with(limits: Limits, job: &str, wall: Duration) -> CallError {
    let plugin = hostile(limits).await;
    let error = run(&plugin, job, wall).await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains(&format!("plugin hostile 1.0.0, job {job}, export run")),
        "{text}"
    );
    run(&plugin, "good", WALL).await.unwrap();
    error
}

async fn stopped(job: &str) -> Cause {
    stopped_with(Limits::default(), job, WALL)
        .await
        .cause()
        .clone()
}

/// What the plugin itself answers, for jobs that report by their error.
async fn told(job: &str) -> String {
    match stopped(job).await {
        Cause::Failed(text) => text,
        other => panic!("{job} ended otherwise: {other}"),
    }
}

async fn refused(component: &[u8]) -> LoadError {
    let engine = engine(Limits::default());
    let error = engine.load(component).await.unwrap_err();
    let good = engine.load(&fixtures::hostile()).await.unwrap();
    run(&good, "good", WALL).await.unwrap();
    error
}

/// Everything that is logged on this thread until the guard is dropped.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Logged {
    fn begin() -> (Self, tracing::subscriber::DefaultGuard) {
        let logged = Self::default();
        let writer = logged.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(tracing::Level::DEBUG)
            .with_writer(move || writer.clone())
            .finish();
        (logged, tracing::subscriber::set_default(subscriber))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn count(&self, word: &str) -> usize {
        self.text().matches(word).count()
    }
}
