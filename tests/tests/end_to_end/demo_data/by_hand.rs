//! The jobs as somebody would write them by hand, one statement each, for a database that nobody
//! else uses: what a demo must come to.

use sqlx::SqliteConnection;

use super::jobs::JOBS;
use super::{NOW, with_times};

/// What one job did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    pub affected: u64,
    pub dependents: u64,
    pub cascaded: u64,
    pub blocked: u64,
}

/// A table, and its column that refers to the swept row.
pub type Child = (&'static str, &'static str);

/// A table, its column, and the rows that it refers to, of those that hang on the rows `going`.
pub type Grandchild = (&'static str, &'static str, &'static str);

pub struct Sweep {
    pub table: &'static str,
    pub key: &'static str,
    /// On the alias `t`.
    pub eligible: &'static str,
    /// What an update sets; none: the rows are deleted.
    pub set: Option<&'static str>,
    /// Rows that keep the one that they refer to.
    pub held_by: &'static [Child],
    /// Rows that go with the one that they refer to; children of children come first.
    pub dependents: &'static [Child],
    /// Rows that the database takes with the one that they refer to.
    pub taken_by_cascade: &'static [Child],
    /// Rows that go with those.
    pub taken_further: &'static [Grandchild],
    /// Rows that forget the one that they refer to.
    pub forgotten_by: &'static [Child],
    /// Rows that forget a dependent.
    pub forgotten_further: &'static [Grandchild],
}

pub const fn sweep(table: &'static str, key: &'static str, eligible: &'static str) -> Sweep {
    Sweep {
        table,
        key,
        eligible,
        set: None,
        held_by: &[],
        dependents: &[],
        taken_by_cascade: &[],
        taken_further: &[],
        forgotten_by: &[],
        forgotten_further: &[],
    }
}

/// The names of all jobs.
pub fn jobs() -> impl Iterator<Item = &'static str> {
    JOBS.iter().map(|(name, _)| *name)
}

/// Whether a job's rows refer to one another, so that what of them is `cascaded` and what goes by
/// itself hangs on which batch comes first.
pub fn refers_to_itself(job: &str) -> bool {
    [
        "tokens/revoked-refresh",
        "tokens/consumed-refresh",
        "queue/finished",
    ]
    .contains(&job)
}

/// Does the job's work.
pub async fn run(connection: &mut SqliteConnection, job: &str) -> sqlx::Result<Done> {
    let (_, sweeps) = JOBS
        .iter()
        .find(|(name, _)| *name == job)
        .unwrap_or_else(|| panic!("no job {job} is written by hand"));
    let mut done = Done::default();
    for sweep in *sweeps {
        let Sweep { table, key, .. } = sweep;
        let eligible = with_times(sweep.eligible, |ago| format!("{}", NOW - ago));
        execute(
            connection,
            &format!(
                "CREATE TEMP TABLE going AS SELECT t.{key} AS k FROM {table} AS t WHERE {eligible}"
            ),
        )
        .await?;
        let held: Vec<String> = sweep
            .held_by
            .iter()
            .map(|(child, column)| format!("k IN (SELECT {column} FROM {child})"))
            .collect();
        if !held.is_empty() {
            let held = held.join(" OR ");
            done.blocked +=
                execute(connection, &format!("DELETE FROM temp.going WHERE {held}")).await?;
        }
        for (child, column, rows) in sweep.forgotten_further {
            let forgets = format!("UPDATE {child} SET {column} = NULL WHERE {column} IN ({rows})");
            done.cascaded += execute(connection, &forgets).await?;
        }
        for (child, column) in sweep.dependents {
            let taken = format!("DELETE FROM {child} WHERE {column} IN (SELECT k FROM going)");
            done.dependents += execute(connection, &taken).await?;
        }
        for (child, column, rows) in sweep.taken_further {
            let taken = format!("DELETE FROM {child} WHERE {column} IN ({rows})");
            done.cascaded += execute(connection, &taken).await?;
        }
        for (child, column) in sweep.taken_by_cascade {
            let taken = format!("DELETE FROM {child} WHERE {column} IN (SELECT k FROM going)");
            done.cascaded += execute(connection, &taken).await?;
        }
        for (child, column) in sweep.forgotten_by {
            let forgets = format!(
                "UPDATE {child} SET {column} = NULL WHERE {column} IN (SELECT k FROM going)"
            );
            done.cascaded += execute(connection, &forgets).await?;
        }
        let gone = match sweep.set {
            None => format!("DELETE FROM {table} WHERE {key} IN (SELECT k FROM going)"),
            Some(set) => {
                let set = with_times(set, |ago| format!("{}", NOW - ago));
                format!("UPDATE {table} AS t SET {set} WHERE {key} IN (SELECT k FROM going)")
            }
        };
        done.affected += execute(connection, &gone).await?;
        execute(connection, "DROP TABLE temp.going").await?;
    }
    Ok(done)
}

async fn execute(connection: &mut SqliteConnection, sql: &str) -> sqlx::Result<u64> {
    let statement = sqlx::AssertSqlSafe(sql.to_owned());
    let done = sqlx::raw_sql(statement).execute(connection).await?;
    Ok(done.rows_affected())
}
