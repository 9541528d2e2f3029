//! `max-fraction`: the part of a table that one run may change.
//!
//! How many rows that is, is told when a run's first sweep of the table opens. More eligible rows than
//! that are refused before the first batch; what comes on top later meets the line.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::checkpoint::Checkpoint;
use super::context::{RunContext, State};
use super::probe::fetch_within;
use super::stretches::{remaining_within, rows_within};
use crate::catalog::{Dialect, TableId};
use crate::config::Fraction;
use crate::database::{Cause, Statement};
use crate::request::{Fault, Mode, Problem};
use crate::sql::Plan;

/// Longer than any index takes that serves a sweep; what takes longer is left to the line.
const LIMIT: Duration = Duration::from_secs(10);

/// Where the run must stop in one table, whichever hosts go on with it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Line {
    /// Rows that may change.
    pub(super) most: u64,
    /// Rows that have changed.
    pub(super) changed: u64,
}

impl State {
    /// The checkpoint with the lines as they are: the next batch stores it. The batch after which a run is
    /// taken over does not count towards them.
    pub(super) fn checkpoint_with_lines(&self) -> Checkpoint {
        let mut checkpoint = self.checkpoint.clone();
        for (table, line) in &self.lines {
            checkpoint.lines.insert(table.to_string(), *line);
        }
        checkpoint
    }

    /// The line of a table, drawn by this host or by one before it.
    fn line(&self, table: &TableId) -> Option<Line> {
        let here = self.lines.get(table);
        here.or_else(|| self.checkpoint.lines.get(&table.to_string()))
            .copied()
    }

    /// Rows of the plan's table that the run may still change.
    pub(super) fn up_to_the_line(&self, plan: &Plan) -> u64 {
        let line = self.lines.get(whole(plan));
        line.map_or(u64::MAX, |line| line.most.saturating_sub(line.changed))
    }

    /// Notes rows that have changed.
    pub(super) fn towards_the_line(&mut self, plan: &Plan, changed: u64) {
        if let Some(line) = self.lines.get_mut(whole(plan)) {
            line.changed += changed;
        }
    }
}

/// The table that was asked for: a partitioned one counts as a whole.
fn whole(plan: &Plan) -> &TableId {
    let root = plan.authorized.root();
    root.map_or(&plan.table().id, |root| &root.id)
}

/// Draws the line for a sweep of these plans, which are leaves of one table, and refuses what would
/// cross it. `counted`: the rows can be counted beforehand, and the sweep is at its beginning.
pub(super) async fn draw(
    context: &RunContext,
    plans: &[Arc<Plan>],
    counted: bool,
) -> Result<(), Fault> {
    let (Some(fraction), Some(first)) = (context.options.max_fraction, plans.first()) else {
        return Ok(());
    };
    // A dry run is told of a refusal, and meets no line.
    if context.rehearsal || (context.options.mode == Mode::DryRun && !counted) {
        return Ok(());
    }
    let table = whole(first).clone();
    let known = context.state.lock().await.line(&table);
    let mut rows = None;
    let mut line = match known {
        Some(line) => line,
        None => {
            let estimate = estimated(context, plans).await?;
            rows = Some(estimate);
            Line {
                most: fraction.of(estimate),
                changed: 0,
            }
        }
    };
    if counted {
        let left = line.most.saturating_sub(line.changed);
        let mut eligible = count_eligible(context, plans, left).await?;
        // An estimate may be far off. One that is too low must not keep a job from running, and one of
        // rows that are gone must not let it empty the table.
        if let (Some(found), Some(_), Dialect::Postgres) = (eligible, rows, first.dialect()) {
            let wanted = (found <= left).then(|| fraction.least_whole(found));
            let known = counted_rows(context, plans, wanted.unwrap_or(u64::MAX)).await?;
            let enough = |known: u64| wanted.is_some_and(|wanted| known >= wanted);
            if let Some(exact) = known.filter(|known| !enough(*known)) {
                rows = Some(exact);
                line.most = fraction.of(exact);
                eligible = count_eligible(context, plans, line.most).await?;
            }
        }
        let left = line.most.saturating_sub(line.changed);
        if eligible.is_some_and(|eligible| eligible > left) {
            let refusal = too_many(&table, fraction, line, rows);
            if context.options.mode == Mode::Apply {
                return Err(refusal);
            }
            tracing::warn!(run = %context.run, job = %context.subject.job, "a run would be refused: {refusal}");
            return Ok(()); // a dry run is how one finds out by how much
        }
    }
    if context.options.mode == Mode::Apply {
        context.state.lock().await.lines.insert(table, line);
    }
    Ok(())
}

/// Eligible rows, counted one past `most`; `None`: that took too long.
async fn count_eligible(
    context: &RunContext,
    plans: &[Arc<Plan>],
    most: u64,
) -> Result<Option<u64>, Fault> {
    let mut found: u64 = 0;
    for plan in plans {
        let beyond = most.saturating_sub(found).saturating_add(1);
        match remaining_within(&context.database, plan, beyond, LIMIT).await {
            Ok(rows) => found += rows,
            Err(error) if error.cause == Cause::StatementTimeout => {
                tracing::warn!(run = %context.run, table = %plan.table().id, "how many rows are eligible could not be counted in {} s; max-fraction stops the run on its way instead", LIMIT.as_secs());
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        }
        if found > most {
            break;
        }
    }
    Ok(Some(found))
}

/// The table's rows: by the statistics and its size now, or counted where there are none.
async fn estimated(context: &RunContext, plans: &[Arc<Plan>]) -> Result<u64, Fault> {
    let mut rows: u64 = 0;
    for plan in plans {
        let known = match plan.dialect() {
            Dialect::Sqlite => None,
            Dialect::Postgres => {
                let found = fetch_within(&context.database, &plan.extent(), LIMIT).await?;
                let extent = found.first().map(|row| plan.read_extent(row));
                // Rows a page then, times the pages now, as the planner has it.
                extent
                    .filter(|extent| extent.file.rows > 0 && extent.file.pages > 0)
                    .map(|extent| {
                        let rows = u128::from(extent.file.rows) * u128::from(extent.pages);
                        u64::try_from(rows / u128::from(extent.file.pages)).unwrap_or(u64::MAX)
                    })
            }
        };
        rows = rows.saturating_add(match known {
            Some(known) => known,
            None => match count_rows(context, plan, u64::MAX).await? {
                Some(counted) => counted,
                None => return Err(unknown_size(plan)),
            },
        });
    }
    Ok(rows)
}

/// The table's rows, counted no further than `most`; `None`: that took too long.
async fn counted_rows(
    context: &RunContext,
    plans: &[Arc<Plan>],
    most: u64,
) -> Result<Option<u64>, Fault> {
    let mut rows: u64 = 0;
    for plan in plans {
        if rows >= most {
            break;
        }
        match count_rows(context, plan, most - rows).await? {
            Some(counted) => rows = rows.saturating_add(counted),
            None => return Ok(None),
        }
    }
    Ok(Some(rows))
}

async fn count_rows(context: &RunContext, plan: &Plan, most: u64) -> Result<Option<u64>, Fault> {
    let mut w = Statement::new(plan.dialect());
    let only = match plan.dialect() {
        Dialect::Postgres => "ONLY ",
        Dialect::Sqlite => "",
    };
    let table = plan.table().sql_name();
    w.push(&match i64::try_from(most) {
        Ok(most) => {
            format!("SELECT count(*) FROM (SELECT 1 FROM {only}{table} LIMIT {most}) AS counted")
        }
        Err(_) => format!("SELECT count(*) FROM {only}{table}"),
    });
    match rows_within(&context.database, plan, &w, most, LIMIT).await {
        Ok(rows) => Ok(Some(rows)),
        Err(error) if error.cause == Cause::StatementTimeout => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn too_many(table: &TableId, fraction: Fraction, line: Line, rows: Option<u64>) -> Fault {
    let of = rows.map_or_else(String::new, |rows| format!(" of {rows} rows"));
    let before = match line.changed {
        0 => String::new(),
        changed => format!(", {changed} of which this run has changed already"),
    };
    Fault::Other(Problem::new(
        "max-fraction",
        format!(
            "the sweep of `{table}` would change more than {} rows{before}: {fraction}{of} is all that \
             max-fraction allows a run. `--dry-run` counts them; if they are the right ones, give the job \
             a larger `max-fraction`, or none",
            line.most
        ),
    ))
}

fn unknown_size(plan: &Plan) -> Fault {
    Fault::Other(Problem::new(
        "max-fraction",
        format!(
            "how many rows `{}` has could not be counted in {} s, and max-fraction needs to know: ANALYZE \
             the table, so that there is an estimate",
            plan.table().id,
            LIMIT.as_secs()
        ),
    ))
}
