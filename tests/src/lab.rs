//! A run without a plugin: requests go through scope, SQL, sweep and ledger as a guest's would.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use besom::catalog::{Catalog, Dialect, Times};
use besom::database::{Database, DatabaseError, DatabaseOptions, Pooler, Session};
use besom::ledger::{self, Claim, Claimed};
use besom::request::{Batch, Fault, JobName, Mode, Request, Step, Timestamp};
use besom::scope::{Granted, Grants, Subject, TableGrant};
use besom::sql::Plan;
use besom::sweep::{RunContext, RunOptions, Sweep};

use sqlx::{Connection as _, SqliteConnection};

use crate::pgbouncer::PgBouncerOptions;

/// A migrated database of its own, and how runs on it are begun.
pub struct Lab {
    /// The database, to be held as long as it is used.
    pub home: crate::TestDatabase,
    /// besom's way to it.
    pub database: Database,
    /// What runs are begun with.
    pub options: RunOptions,
    /// What the plugin may do; everything, until a test narrows it.
    pub grants: Option<Grants>,
    /// What the plugin says that it touches; whatever it may touch, until a test says otherwise.
    pub access: Option<Grants>,
    /// How long a claim holds.
    pub lease: Duration,
    /// `[time-forms]`, by table and column.
    pub times: BTreeMap<(String, String), Times>,
    /// `time-zone` under `[database]`.
    pub zone: Option<chrono_tz::Tz>,
}

/// Both kinds of database, for tests that must hold on each.
pub async fn both(schema_postgres: &str, schema_sqlite: &str) -> Vec<Lab> {
    vec![
        Lab::new(crate::postgres().await, schema_postgres).await,
        Lab::new(crate::sqlite(), schema_sqlite).await,
    ]
}

impl Lab {
    /// A lab on PostgreSQL.
    pub async fn postgres(schema: &str) -> Self {
        Self::new(crate::postgres().await, schema).await
    }

    /// A lab on SQLite.
    pub async fn sqlite(schema: &str) -> Self {
        Self::new(crate::sqlite(), schema).await
    }

    /// A lab on PostgreSQL behind PgBouncer, if there is one.
    pub async fn behind_pgbouncer(options: PgBouncerOptions, schema: &str) -> Option<Self> {
        let home = crate::behind_pgbouncer(options).await?;
        Some(Self::new(home, schema).await)
    }

    /// A lab on a SQLite file with a rollback journal, as applications have by default.
    pub async fn with_rollback_journal(schema: &str) -> Self {
        let mut lab = Self::sqlite(schema).await;
        lab.script("PRAGMA wal_checkpoint(TRUNCATE)").await;
        lab.database.close().await;
        let mut alone = SqliteConnection::connect(&lab.home.url).await.unwrap();
        let mode: String = sqlx::query_scalar("PRAGMA journal_mode = DELETE")
            .fetch_one(&mut alone)
            .await
            .unwrap();
        assert_eq!(mode, "delete");
        alone.close().await.unwrap();
        let options = DatabaseOptions::default();
        lab.database = Database::connect(&lab.home.url, options).await.unwrap();
        lab
    }

    async fn new(home: crate::TestDatabase, schema: &str) -> Self {
        let options = DatabaseOptions {
            create: true,
            pooler: match home.pooler() {
                "transaction" => Pooler::Transaction,
                _ => Pooler::None,
            },
            ..DatabaseOptions::default()
        };
        let database = Database::connect(&home.url, options).await.unwrap();
        ledger::migrate(&database).await.unwrap();
        let lab = Self {
            home,
            database,
            options: RunOptions {
                mode: Mode::Apply,
                batch_size: 1000,
                deadline: Duration::from_secs(300),
                max_rows: 10_000_000,
                max_fraction: None,
                stop: Default::default(),
                why: Arc::default(),
            },
            grants: None,
            access: None,
            lease: Duration::from_secs(15),
            times: BTreeMap::new(),
            zone: None,
        };
        lab.script(schema).await;
        lab
    }

    /// Which kind of database it is.
    pub fn dialect(&self) -> Dialect {
        self.database.dialect()
    }

    /// Runs statements.
    pub async fn script(&self, sql: &str) {
        /// The server's own ANALYZE may have the lock for a moment.
        const LOCKED: &str = "55P03";
        let mut session = self.session().await;
        let mut ran = session.run_script(sql).await;
        for _ in 0..10 {
            let again = |error: &DatabaseError| sql == "ANALYZE" && error.code == LOCKED;
            if !ran.as_ref().is_err_and(again) {
                break;
            }
            ran = session.run_script(sql).await;
        }
        ran.unwrap_or_else(|error| panic!("{error} in:\n{sql}"));
    }

    /// The first column of the only row, as an integer.
    pub async fn count(&self, sql: &str) -> i64 {
        let mut statement = besom::database::Statement::new(self.dialect());
        statement.push(sql);
        let mut session = self.session().await;
        let row = session
            .fetch_one(&statement)
            .await
            .unwrap_or_else(|error| panic!("{error} in:\n{sql}"));
        row.get(0)
            .as_integer()
            .unwrap_or_else(|| panic!("no integer from:\n{sql}"))
    }

    /// The first column of every row, as integers, sorted.
    pub async fn ids(&self, sql: &str) -> Vec<i64> {
        let mut statement = besom::database::Statement::new(self.dialect());
        statement.push(sql);
        let mut session = self.session().await;
        let rows = session
            .fetch(&statement)
            .await
            .unwrap_or_else(|error| panic!("{error} in:\n{sql}"));
        let mut ids: Vec<_> = rows
            .iter()
            .map(|row| row.get(0).as_integer().unwrap())
            .collect();
        ids.sort_unstable();
        ids
    }

    /// A connection.
    pub async fn session(&self) -> Session {
        self.database.session().await.unwrap()
    }

    /// The catalog as it is now.
    pub async fn catalog(&self) -> Arc<Catalog> {
        let mut session = self.session().await;
        session.hold().await.unwrap();
        let catalog = match session.as_postgres() {
            Some(connection) => Catalog::load_postgres(connection).await,
            None => Catalog::load_sqlite(session.as_sqlite().unwrap()).await,
        };
        session.release().await.unwrap();
        let catalog = catalog.unwrap().with_time_forms(&self.times).unwrap();
        Arc::new(match self.zone {
            Some(zone) => catalog.written_in(zone),
            None => catalog,
        })
    }

    /// Says how a column holds instants.
    pub fn say(&mut self, table: &str, column: &str, times: impl Into<Times>) {
        let place = (table.to_owned(), column.to_owned());
        self.times.insert(place, times.into());
    }

    /// A claim of the job `lab/sweep`.
    pub fn claim(&self) -> Claim {
        Claim {
            job: job(),
            formerly: Vec::new(),
            mode: self.options.mode,
            host: "lab".to_owned(),
            version: "1.0.0".to_owned(),
            digest: "00".to_owned(),
            contract: "besom:cleanup@1.0.0".to_owned(),
            settings: "{}".to_owned(),
            lease: self.lease,
            relations: Vec::new(),
            origin: Default::default(),
            only: None,
        }
    }

    fn granted(&self, catalog: &Catalog) -> Granted {
        let whole = self.grants.clone().unwrap_or_else(|| everything(catalog));
        Granted {
            file: whole.clone(),
            access: self.access.clone().unwrap_or_else(|| everything(catalog)),
            whole,
        }
    }

    /// Claims a run and prepares what its sweeps share.
    pub async fn begin(&self) -> (Arc<RunContext>, Claimed) {
        self.begin_after(Vec::new()).await
    }

    /// A run of any job at any time, claimed under the lab's own name.
    pub async fn begin_as(&self, job: JobName, now: Timestamp) -> Arc<RunContext> {
        let (claimed, _lease) = self.claim().take(&self.database).await.unwrap();
        let catalog = self.catalog().await;
        let granted = self.granted(&catalog);
        RunContext::new(
            self.database.clone(),
            catalog,
            Arc::new(granted),
            Subject {
                job,
                bundled: false,
            },
            &Claimed { now, ..claimed },
            Vec::new(),
            self.options.clone(),
        )
    }

    /// The same for a dry run after others.
    pub async fn begin_after(&self, history: Vec<Arc<Plan>>) -> (Arc<RunContext>, Claimed) {
        let (claimed, _lease) = self.claim().take(&self.database).await.unwrap();
        let catalog = self.catalog().await;
        let granted = self.granted(&catalog);
        let context = RunContext::new(
            self.database.clone(),
            catalog,
            Arc::new(granted),
            Subject {
                job: job(),
                bundled: false,
            },
            &claimed,
            history,
            self.options.clone(),
        );
        (context, claimed)
    }

    /// One run of one request, to its end or suspension, and the run's record closed.
    pub async fn run(&self, request: Request) -> Result<(Batch, Step), Fault> {
        let (context, _) = self.begin().await;
        let done = drain(&context, request).await;
        self.end(&context).await;
        done
    }

    /// Closes a run's record as drained.
    pub async fn end(&self, context: &Arc<RunContext>) {
        self.end_as(context, "drained").await;
    }

    /// One run of one request, and its record closed as the run ended.
    pub async fn run_as_it_ends(&self, request: Request) -> (Batch, Step) {
        let (context, _) = self.begin().await;
        let (batch, step) = drain(&context, request).await.unwrap();
        let state = match step {
            Step::Suspended(_) => "suspended",
            _ => "drained",
        };
        self.end_as(&context, state).await;
        (batch, step)
    }

    /// Closes a run's record.
    pub async fn end_as(&self, context: &Arc<RunContext>, state: &str) {
        let progress = context.settle().await;
        let ending = ledger::Ending {
            state,
            reason: None,
            error: None,
            verification: None,
            dry_run: (self.options.mode == Mode::DryRun)
                .then_some((progress.totals, progress.batches)),
            findings: "[]",
            blocked_by: "{}",
            remains: "[]",
            throttled: "{}",
            again: ledger::Again::No,
        };
        ledger::finish(&self.database, &progress.fence, self.options.mode, &ending)
            .await
            .unwrap();
    }
}

/// The job that the lab runs.
pub fn job() -> JobName {
    JobName::new("lab", "sweep")
}

/// Opens the request and goes on until there is no further batch.
pub async fn drain(context: &Arc<RunContext>, request: Request) -> Result<(Batch, Step), Fault> {
    let sweep = Sweep::open(context, request).await?;
    let mut total = Batch::default();
    loop {
        match sweep.next().await? {
            Step::Batch(batch) => total += batch,
            end => return Ok((total, end)),
        }
    }
}

/// A grant of every right, for a plugin that says that it uses them all.
pub fn all_granted(catalog: &Catalog) -> Granted {
    Granted {
        whole: everything(catalog),
        access: everything(catalog),
        file: everything(catalog),
    }
}

/// Every right on every table but the ledger's own.
pub fn everything(catalog: &Catalog) -> Grants {
    let mut tables = BTreeMap::new();
    for table in catalog
        .tables()
        .filter(|table| !table.id.name.starts_with("besom_"))
    {
        let columns = table.columns.iter().map(|column| column.name.clone());
        let grant = TableGrant {
            read: columns.clone().collect(),
            update: columns.collect(),
            delete: true,
            all_rows: true,
            min_age: None,
            filter: BTreeMap::new(),
        };
        tables.insert(catalog.spelling(&table.id), grant);
    }
    Grants { tables }
}
