//! Claiming a run: a new one, or one whose host is gone.

use std::time::Duration;

use super::fence::{NOTHING, lease_left};
use super::lease::{Lease, write_lease};
use super::names::rename;
use super::queue::After;
use super::{Fence, LedgerError, Origin, begin, finish, queue, run_id, slots, write_time};
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
    /// The tables that the run changes, by the names that every host gives them. No other run changes
    /// them meanwhile.
    pub relations: Vec<String>,
    /// Why there is to be a run.
    pub origin: Origin,
    /// The unfinished run to go on with; where it is that no more, nothing is claimed.
    pub only: Option<RunId>,
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
    /// Rows that it has changed until now: what it may change is meant for the whole of it.
    pub changed: u64,
    /// Of a run without a batch yet: the checkpoint that the job's last run left when it was suspended,
    /// on the same component and settings.
    pub suspended: Option<String>,
}

/// A run that was claimed so many times more often than it has committed batches ends its hosts, or never
/// gets as far as one: whoever goes on with it fares no better.
const MOST_IN_VAIN: i64 = 10;

impl Claim {
    /// Claims a run of the job. A dry run is always new; otherwise a run whose lease has ended is
    /// taken over if it was begun with the same component and settings, and cancelled if not. What
    /// the job did under a former name becomes its own.
    ///
    /// # Errors
    /// [`LedgerError::Busy`] while another host holds the job, [`LedgerError::InVain`] where its run gets
    /// nowhere, [`LedgerError::ClockWentBack`] on SQLite, or what the database says.
    pub async fn take(&self, database: &Database) -> Result<(Claimed, Lease), LedgerError> {
        let mut session = database.session().await?;
        session.begin(begin(database.dialect())).await?;
        let now = clock(&mut session, database).await?;
        match self.take_all(&mut session, now).await {
            Ok(claimed) => {
                session.commit().await?;
                let lease = Lease::new(database, claimed.fence, &self.host, self.lease);
                Ok((claimed, lease))
            }
            Err(LedgerError::InVain(run)) => {
                let words = LedgerError::InVain(run).to_string();
                finish::end(&mut session, run, ("failed", None, Some(&words)), now).await?;
                queue::settle(&mut session, run, After::Done("failed"), now).await?;
                session.commit().await?;
                Err(LedgerError::InVain(run))
            }
            Err(refused) => {
                // The refusal is the news; a connection that cannot roll back is thrown away.
                let _ = session.rollback().await;
                Err(refused)
            }
        }
    }

    /// The run, the tables that it needs, and the entry of the queue that it answers.
    async fn take_all(
        &self,
        session: &mut Session,
        now: Timestamp,
    ) -> Result<Claimed, LedgerError> {
        let claimed = self.decide(session, now).await?;
        let run = claimed.fence.run;
        if self.mode == Mode::Apply {
            slots::take(session, run, &self.relations, now).await?;
        }
        if let Some(entry) = self.origin.entry {
            queue::becomes(session, entry, run, &self.host, now).await?;
        }
        Ok(claimed)
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
            let Fence { run, token, seq } = found.claimed.fence;
            if found.same && resumed.is_none() {
                if token - seq > MOST_IN_VAIN {
                    return Err(LedgerError::InVain(run));
                }
                raise_token(session, run).await?;
                self.move_here(session, run).await?;
                write_lease(session, run, &self.host, self.lease, now).await?;
                let mut claimed = found.claimed;
                // A beginning that lies ahead is a clock's that was wrong, or somebody's who changed the
                // ledger: cut-offs by it would be too late.
                claimed.now = Timestamp(claimed.now.0.min(now.0));
                claimed.fence.token += 1;
                claimed.changed = changed(session, run).await?;
                resumed = Some(claimed);
            } else {
                let why = "its host is gone, and the plugin or its settings have changed since";
                raise_token(session, run).await?;
                finish::end(session, run, ("cancelled", Some(why), None), now).await?;
            }
        }
        if let Some(only) = self.only
            && resumed.as_ref().is_none_or(|one| one.fence.run != only)
        {
            return Err(LedgerError::Lost(only));
        }
        rename(session, &self.job, &self.formerly).await?;
        let mut claimed = match resumed {
            Some(claimed) => claimed,
            None => self.begin(session, now).await?,
        };
        if claimed.fence.seq == 0 && claimed.checkpoint == NOTHING {
            claimed.suspended = self.left_by_the_last(session).await?;
        }
        Ok(claimed)
    }

    /// What the job's last run left, if it was suspended. One that noted nothing has nothing to leave.
    /// One that failed leaves nothing either: what it failed at would keep the rows before it from their
    /// turn.
    async fn left_by_the_last(&self, session: &mut Session) -> Result<Option<String>, LedgerError> {
        let mut w = Statement::new(session.dialect());
        w.push("SELECT state, digest, settings, checkpoint FROM besom_run WHERE plugin = ")
            .bind(self.job.plugin.as_str());
        w.push(" AND job = ").bind(self.job.job.as_str());
        w.push(" AND mode = 'apply' AND state <> 'running' AND (seq > 0 OR state = 'failed' OR checkpoint <> ");
        w.bind(NOTHING).push(")");
        w.push(" ORDER BY started_at DESC LIMIT 1");
        let rows = session.fetch(&w).await.map_err(LedgerError::of)?;
        let left = rows.first().filter(|row| {
            let is = |index: usize, word: &str| row.get(index).as_text() == Some(word);
            is(0, "suspended") && is(1, &self.digest) && is(2, &self.settings)
        });
        Ok(left.and_then(|row| row.get(3).as_text().map(str::to_owned)))
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
        let id = run_id(row.get(0))?;
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
                changed: 0,
                suspended: None,
            },
        })
    }

    /// The record names the host that has the run now.
    async fn move_here(&self, session: &mut Session, run: RunId) -> Result<(), LedgerError> {
        let mut w = Statement::new(session.dialect());
        w.push("UPDATE besom_run SET host = ")
            .bind(self.host.as_str());
        w.push(" WHERE id = ").bind_as(run.to_string(), "uuid");
        session.execute(&w).await.map_err(LedgerError::of)?;
        Ok(())
    }

    async fn begin(&self, session: &mut Session, now: Timestamp) -> Result<Claimed, LedgerError> {
        let run = self.origin.first_run().unwrap_or_else(RunId::fresh);
        let w = self.record(session.dialect(), run, "running", now, None);
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
        write_lease(session, run, &self.host, self.lease, now).await?;
        Ok(Claimed {
            fence: Fence {
                run,
                token: 1,
                seq: 0,
            },
            now,
            checkpoint: NOTHING.to_owned(),
            resumed: false,
            changed: 0,
            suspended: None,
        })
    }
}

impl Claim {
    /// Writes the run's record; `ended` at once, with these texts by column.
    pub(super) fn record(
        &self,
        dialect: Dialect,
        run: RunId,
        state: &str,
        now: Timestamp,
        ended: Option<[(&str, &str); 3]>,
    ) -> Statement {
        let mut w = Statement::new(dialect);
        w.push(
            "INSERT INTO besom_run (id, plugin, job, mode, state, host, version, digest, contract, \
             settings, cause, asked_by, attempt, due_at, started_at",
        );
        for (column, _) in ended.iter().flatten() {
            w.push(", ").push(column);
        }
        w.push(if ended.is_some() { ", ended_at" } else { "" });
        w.push(") VALUES (").bind_as(run.to_string(), "uuid");
        for text in [
            self.job.plugin.as_str(),
            &self.job.job,
            self.mode.as_str(),
            state,
            &self.host,
            &self.version,
            &self.digest,
            &self.contract,
            &self.settings,
        ] {
            w.push(", ").bind(text);
        }
        self.origin.write(&mut w);
        w.push(", ");
        write_time(&mut w, now);
        for (_, text) in ended.iter().flatten() {
            w.push(", ").bind(*text);
        }
        if ended.is_some() {
            w.push(", ");
            write_time(&mut w, now);
        }
        w.push(")");
        w
    }
}

/// Rows that the batches of a run have changed.
async fn changed(session: &mut Session, run: RunId) -> Result<u64, LedgerError> {
    let mut w = Statement::new(session.dialect());
    w.push("SELECT CAST(coalesce(sum(affected + dependents + cascaded), 0) AS bigint)");
    w.push(" FROM besom_batch WHERE run = ")
        .bind_as(run.to_string(), "uuid");
    let row = session.fetch_one(&w).await.map_err(LedgerError::of)?;
    Ok(row.get(0).as_count())
}

struct Active {
    claimed: Claimed,
    host: String,
    /// Microseconds until its lease ends.
    left: i64,
    /// Begun with the same component and settings.
    same: bool,
}

pub(super) async fn clock(
    session: &mut Session,
    database: &Database,
) -> Result<Timestamp, DatabaseError> {
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

/// Raises the token, so that the former host's next batch finds its fence empty.
pub(super) async fn raise_token(session: &mut Session, run: RunId) -> Result<(), LedgerError> {
    let mut w = Statement::new(session.dialect());
    w.push("UPDATE besom_run SET token = token + 1");
    w.push(" WHERE id = ").bind_as(run.to_string(), "uuid");
    session.execute(&w).await.map_err(LedgerError::of)?;
    Ok(())
}
