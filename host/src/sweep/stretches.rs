//! SQLite: counts over a whole table, in stretches between which writers commit.

use std::time::{Duration, Instant};

use super::probe::{AT_A_STRETCH, ROLLBACK_JOURNAL, cut_short, fetch_within, probe};
use crate::catalog::Dialect;
use crate::database::{Bind, Cause, Database, DatabaseError, Statement};
use crate::request::Fault;
use crate::sql::{Plan, Stretch};

/// Rows of the first stretch. The next has a quarter of them where the time was not enough, and twice as many where it took
/// less than a third of it.
const FIRST: u64 = 4_096;

/// A stretch of fewer rows is not worth its own search for an end.
const LEAST: u64 = 64;

/// Rows that the sweep would still take, counted no further than `most`.
pub(super) async fn remaining_within(
    database: &Database,
    plan: &Plan,
    most: u64,
    limit: Duration,
) -> Result<u64, DatabaseError> {
    let ends = Instant::now() + limit;
    let rows = probe(database, plan, limit, |plan| plan.remaining(most)).await;
    match rows {
        Ok(rows) => Ok(rows.first().map_or(0, |row| row.get(0).as_count())),
        Err(error) if error.code == ROLLBACK_JOURNAL && plan.adds_up() => {
            let write = |plan: &Plan, stretch: &Stretch, most| plan.remaining_of(stretch, most);
            sum(database, plan, most, ends, write).await
        }
        Err(error) => Err(error),
    }
}

/// Rows of the plan's table, by a statement that counts them no further than `most`.
pub(super) async fn rows_within(
    database: &Database,
    plan: &Plan,
    statement: &Statement,
    most: u64,
    limit: Duration,
) -> Result<u64, DatabaseError> {
    let ends = Instant::now() + limit;
    match fetch_within(database, statement, limit).await {
        Ok(rows) => Ok(rows.first().map_or(0, |row| row.get(0).as_count())),
        Err(error) if error.code == ROLLBACK_JOURNAL && plan.adds_up() => {
            let write = |plan: &Plan, stretch: &Stretch, most| plan.rows_of(stretch, most);
            sum(database, plan, most, ends, write).await
        }
        Err(error) => Err(error),
    }
}

/// The sum of what `write` counts in every stretch of the table.
async fn sum(
    database: &Database,
    plan: &Plan,
    most: u64,
    ends: Instant,
    write: impl Fn(&Plan, &Stretch, u64) -> Result<Statement, Fault>,
) -> Result<u64, DatabaseError> {
    let version = version(database).await?;
    let (mut counted, mut rows, mut after) = (0, FIRST, None);
    loop {
        let began = Instant::now();
        if began >= ends || rows < LEAST {
            return Err(cut_short());
        }
        let left = most.saturating_sub(counted);
        match one(database, plan, after.as_ref(), rows, |plan, stretch| {
            write(plan, stretch, left)
        })
        .await
        {
            Ok((found, upto)) => {
                counted += found;
                after = upto;
            }
            Err(error) if error.cause == Cause::StatementTimeout => {
                rows /= 4;
                continue;
            }
            Err(error) => return Err(error),
        }
        if after.is_none() || counted >= most {
            break;
        }
        if began.elapsed() * 3 < AT_A_STRETCH {
            rows *= 2;
        }
    }
    // VACUUM may give rows other rowids.
    match self::version(database).await? == version {
        true => Ok(counted.min(most)),
        false => Err(cut_short()),
    }
}

/// What is counted in the next stretch, and where that ends; `None`: at the end of the table.
async fn one(
    database: &Database,
    plan: &Plan,
    after: Option<&Bind>,
    rows: u64,
    write: impl Fn(&Plan, &Stretch) -> Result<Statement, Fault>,
) -> Result<(u64, Option<Bind>), DatabaseError> {
    let ended = probe(database, plan, AT_A_STRETCH, |plan| {
        plan.end_of_stretch(after, rows)
    })
    .await?;
    let upto = ended.first().map(|row| Bind::from(row.get(0).clone()));
    let stretch = Stretch {
        after: after.cloned(),
        upto: upto.clone(),
    };
    let found = probe(database, plan, AT_A_STRETCH, |plan| write(plan, &stretch)).await?;
    Ok((found.first().map_or(0, |row| row.get(0).as_count()), upto))
}

async fn version(database: &Database) -> Result<Option<i64>, DatabaseError> {
    let mut w = Statement::new(Dialect::Sqlite);
    w.push("PRAGMA main.schema_version");
    let row = database.session().await?.fetch_one(&w).await?;
    Ok(row.get(0).as_integer())
}
