//! Claiming a run: a new one, or one whose host is gone.

use std::time::Duration;

use super::fence::lease_left;
use super::names::rename;
use super::{Fence, LedgerError, write_time};
use crate::catalog::Dialect;
use crate::database::{Cells, Database, DatabaseError, Session, Statement};
use crate::request::{JobName, Mode, RunId, Timestamp};

/// What is claimed, and by whom.
#[derive(Debug, Clone)]
pub struct Claim {
    /// The job.
    pub job: JobName,
    /// The names that the job had before: runs under them are its runs.
    pub formerly: Vec<String>,
    /// Whether rows are changed.
    pub mode: Mode,
    /// The host's name.
    pub host: String,
    /// The plugin's version.
    pub version: String,
    /// The digest of its component.
    pub digest: String,
    /// The contract it speaks.
    pub contract: String,
    /// The settings in force, as canonical JSON.
    pub settings: String,
    /// How long the claim holds without a heartbeat.
    pub lease: Duration,
}

/// A run in this host's hands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The fence that its batches carry.
    pub fence: Fence,
    /// The run's clock: the database's when it began.
    pub now: Timestamp,
    /// The checkpoint to resume from, as stored.
    pub checkpoint: String,
    /// It was begun by a host that is gone.
    pub resumed: bool,
}

/// Keeps a claim alive.
#[derive(Debug, Clone)]
pub struct Lease {
    database: Database,
    run: RunId,
    host: String,
    length: Duration,
}

impl Claim {
    /// Claims a run of the job. A dry run is always new; otherwise a run whose lease has ended is
    /// taken over if it was begun with the same component and settings, and cancelled if not. What
    /// the job did under a former name becomes its own.
    ///
    /// # Errors
    /// [`LedgerError::Busy`] while another host holds the job, [`LedgerError::ClockWentBack`] on
    /// SQLite, or what the database says.
    pub async fn take(&self, database: &Database) -> Result<(Claimed, Lease), LedgerError> {
        let mut session = database.session().await?;
        let begin = match database.dialect() {
            Dialect::Postgres => "BEGIN",
            Dialect::Sqlite => "BEGIN IMMEDIATE",
        };
        session.begin(begin).await?;
        let now = clock(&mut session, database).await?;
        match self.decide(&mut session, now).await {
            Ok(claimed) => {
                session.commit().await?;
                let lease = Lease {
                    database: database.clone(),
                    run: claimed.fence.run,
                    host: self.host.clone(),
                    length: self.lease,
                };
                Ok((claimed, lease))
            }
            Err(refused) => {
                // The refusal is the news; a connection that cannot roll back is thrown away.
                let _ = session.rollback().await;
                Err(refused)
            }
        }
    }

    async fn decide(&self, session: &mut Session, now: Timestamp) -> Result<Claimed, LedgerError> {
        if session.dialect() == Dialect::Sqlite {
            clock_goes_forward(session, now).await?;
        }
        if self.mode == Mode::DryRun {
            return self.begin(session, now).await;
        }
        // One a name: two where an older version of the plugin ran beside this one.
        let active = self.active(session, now).await?;
        if let Some(found) = active.iter().find(|found| found.left > 0) {
            return Err(LedgerError::Busy {
                job: self.job.clone(),
                run: found.claimed.fence.run,
                host: found.host.clone(),
                seconds: found.left / 1_000_000 + 1,
            });
        }
        let mut resumed = None;
        for found in active {
            let run = found.claimed.fence.run;
            if found.same && resumed.is_none() {
                raise_token(session, run, None).await?;
                self.write_lease(session, run, now).await?;
                let mut claimed = found.claimed;
                claimed.fence.token += 1;
                resumed = Some(claimed);
            } else {
                let why = "its host is gone, and the plugin or its settings have changed since";
                raise_token(session, run, Some((why, now))).await?;
            }
        }
        rename(session, &self.job, &self.formerly).await?;
        match resumed {
            Some(claimed) => Ok(claimed),
            None => self.begin(session, now).await,
        }
    }

    /// The job's active runs, locked: this waits for a batch in flight.
    async fn active(
        &self,
        session: &mut Session,
        now: Timestamp,
    ) -> Result<Vec<Active>, LedgerError> {
        let dialect = session.dialect();
        let mut w = Statement::new(dialect);
        w.push("SELECT ").push(if dialect == Dialect::Postgres {
            "r.id::text"
        } else {
            "r.id"
        });
        w.push(", r.token, r.seq, r.checkpoint, r.digest, r.settings, ");
        w.push(&super::micros(dialect, "r.started_at"))
            .push(", coalesce(l.host, r.host), coalesce(");
        lease_left(&mut w, now);
        w.push(", 0) FROM besom_run AS r LEFT JOIN besom_lease AS l ON l.run = r.id");
        w.push(" WHERE r.state = 'running' AND r.mode = 'apply' AND r.plugin = ")
            .bind(self.job.plugin.as_str());
        w.push(" AND r.job");
        super::names::among(&mut w, &self.job.job, &self.formerly);
        w.push(" ORDER BY r.id");
        if dialect == Dialect::Postgres {
            w.push(" FOR UPDATE OF r");
        }
        let rows = session.fetch(&w).await.map_err(LedgerError::of)?;
        rows.iter().map(|row| self.found(row)).collect()
    }

    fn found(&self, row: &Cells) -> Result<Active, LedgerError> {
        let id = row
            .get(0)
            .as_text()
            .and_then(|id| id.parse().ok())
            .ok_or_else(|| {
                DatabaseError::other(
                    "ledger",
                    "a run's id in the ledger is not a UUID: it was changed by hand",
                )
            })?;
        let integer = |index: usize| row.get(index).as_integer().unwrap_or_default();
        let text = |index: usize| row.get(index).as_text().unwrap_or_default().to_owned();
        Ok(Active {
            same: text(4) == self.digest && text(5) == self.settings,
            host: text(7),
            left: integer(8),
            claimed: Claimed {
                fence: Fence {
                    run: id,
                    token: integer(1),
                    seq: integer(2),
                },
                now: Timestamp(integer(6)),
                checkpoint: text(3),
                resumed: true,
            },
        })
    }

    async fn begin(&self, session: &mut Session, now: Timestamp) -> Result<Claimed, LedgerError> {
        let run = RunId::fresh();
        let mut w = Statement::new(session.dialect());
        w.push(
            "INSERT INTO besom_run (id, plugin, job, mode, state, host, version, digest, contract, \
             settings, started_at) VALUES (",
        );
        w.bind_as(run.to_string(), "uuid");
        w.push(", ")
            .bind(self.job.plugin.as_str())
            .push(", ")
            .bind(self.job.job.as_str());
        w.push(", ").bind(self.mode.as_str()).push(", 'running'");
        for text in [
            &self.host,
            &self.version,
            &self.digest,
            &self.contract,
            &self.settings,
        ] {
            w.push(", ").bind(text.as_str());
        }
        w.push(", ");
        write_time(&mut w, now);
        w.push(")");
        if let Err(error) = session.execute(&w).await {
            // Two hosts began at once: the unique index let one through.
            if error.code == "23505" {
                return Err(LedgerError::Busy {
                    job: self.job.clone(),
                    run,
                    host: "another host".to_owned(),
                    seconds: i64::try_from(self.lease.as_secs()).unwrap_or(i64::MAX),
                });
            }
            return Err(LedgerError::of(error));
        }
        self.write_lease(session, run, now).await?;
        Ok(Claimed {
            fence: Fence {
                run,
                token: 1,
                seq: 0,
            },
            now,
            checkpoint: "{}".to_owned(),
            resumed: false,
        })
    }

    async fn write_lease(
        &self,
        session: &mut Session,
        run: RunId,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        let mut w = Statement::new(session.dialect());
        w.push("INSERT INTO besom_lease (run, host, expires) VALUES (");
        w.bind_as(run.to_string(), "uuid")
            .push(", ")
            .bind(self.host.as_str())
            .push(", ");
        write_expiry(&mut w, self.lease, now);
        w.push(
            ") ON CONFLICT (run) DO UPDATE SET host = excluded.host, expires = excluded.expires",
        );
        session.execute(&w).await.map_err(LedgerError::of)?;
        Ok(())
    }
}

impl Lease {
    /// Renews the lease; false where the run is no longer this host's.
    ///
    /// # Errors
    /// What the database says; the caller may try again until the lease has ended.
    pub async fn renew(&self) -> Result<bool, DatabaseError> {
        let now = self.database.now().await?;
        let mut session = self.database.session().await?;
        let mut w = Statement::new(session.dialect());
        w.push("UPDATE besom_lease SET expires = ");
        write_expiry(&mut w, self.length, now);
        w.push(" WHERE run = ")
            .bind_as(self.run.to_string(), "uuid");
        w.push(" AND host = ")
            .bind(self.host.as_str())
            .push(" RETURNING 1");
        Ok(!session.fetch(&w).await?.is_empty())
    }

    /// How long one renewal holds.
    pub fn length(&self) -> Duration {
        self.length
    }
}

struct Active {
    claimed: Claimed,
    host: String,
    /// Microseconds until its lease ends.
    left: i64,
    /// Begun with the same component and settings.
    same: bool,
}

async fn clock(session: &mut Session, database: &Database) -> Result<Timestamp, DatabaseError> {
    match session.dialect() {
        Dialect::Sqlite => database.now().await,
        Dialect::Postgres => {
            let mut w = Statement::new(Dialect::Postgres);
            w.push("SELECT ")
                .push(&super::micros(Dialect::Postgres, "clock_timestamp()"));
            Ok(Timestamp(
                session
                    .fetch_one(&w)
                    .await?
                    .get(0)
                    .as_integer()
                    .unwrap_or_default(),
            ))
        }
    }
}

/// SQLite's clock is the host's: one that went back would bring young rows under a cut-off late,
/// and leases to an early end.
async fn clock_goes_forward(session: &mut Session, now: Timestamp) -> Result<(), LedgerError> {
    /// What two hosts' clocks may be apart without anybody having set one back.
    const SLACK: i64 = 2_000_000;
    let mut w = Statement::new(Dialect::Sqlite);
    w.push("SELECT max(coalesce(ended_at, started_at)) FROM besom_run");
    let last = session.fetch_one(&w).await.map_err(LedgerError::of)?;
    match last.get(0).as_integer() {
        Some(last) if last - now.0 > SLACK => Err(LedgerError::ClockWentBack {
            behind_seconds: (last - now.0) / 1_000_000,
        }),
        _ => Ok(()),
    }
}

/// Raises the token, so that the former host's next batch finds its fence empty; with `cancel`,
/// ends the run as well.
async fn raise_token(
    session: &mut Session,
    run: RunId,
    cancel: Option<(&str, Timestamp)>,
) -> Result<(), LedgerError> {
    let mut w = Statement::new(session.dialect());
    w.push("UPDATE besom_run SET token = token + 1");
    if let Some((why, now)) = cancel {
        w.push(", state = 'cancelled', reason = ")
            .bind(why)
            .push(", ended_at = ");
        write_time(&mut w, now);
    }
    w.push(" WHERE id = ").bind_as(run.to_string(), "uuid");
    session.execute(&w).await.map_err(LedgerError::of)?;
    Ok(())
}

fn write_expiry(w: &mut Statement, lease: Duration, now: Timestamp) {
    let micros = i64::try_from(lease.as_micros()).unwrap_or(i64::MAX);
    match w.dialect() {
        Dialect::Postgres => {
            w.push("clock_timestamp() + ")
                .bind_as(format!("{micros} microseconds"), "interval");
        }
        Dialect::Sqlite => {
            w.bind(now.0.saturating_add(micros));
        }
    }
}
