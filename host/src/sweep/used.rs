//! Which indexes the database would use, by its own word.

use std::collections::BTreeSet;
use std::time::Duration;

use super::probe::begin_reading;
use crate::catalog::{Dialect, quote_ident};
use crate::database::{Bind, Cells, Database, DatabaseError, Session};
use crate::sql::{Cursor, Edge, Plan};

/// What the looks of one sweep may take together: finding where a window ends is what a batch does, too.
const TIMEOUT: Duration = Duration::from_secs(2);

/// How the database goes about one step of a batch.
#[derive(Debug, Clone, Default)]
pub struct Used {
    /// The indexes that its plan names.
    pub indexes: Vec<String>,
    /// Its plan, as it writes it.
    pub plan: Vec<String>,
}

/// For each step of [`Plan::sample`] the database's own plan. Nothing is run but the look for where a
/// window ends, in a transaction that cannot write; with `analyze`, that and a page are run once more, for
/// the plan to say how many rows each part of it met. A step that the database does not explain, for want
/// of a right or of what an earlier step puts down, has none.
pub async fn indexes_used(
    database: &Database,
    plan: &Plan,
    size: u64,
    analyze: bool,
) -> Result<Vec<Used>, DatabaseError> {
    let mut session = database.session().await?;
    let upto = within(&mut session, async |session| {
        edge(session, plan, size).await
    })
    .await;
    let upto = upto.unwrap_or_default();
    let Ok(steps) = plan.explained(size, upto) else {
        return Ok(Vec::new());
    };
    let mut used = Vec::new();
    for (step, statement) in steps {
        let mut session = database.session().await?;
        let reads = matches!(step, "window" | "page");
        let told = within(&mut session, async |session| {
            session.explain(&statement, analyze && reads).await
        })
        .await;
        let lines = lines(&told.unwrap_or_default());
        used.push(Used {
            indexes: named(plan, &lines),
            plan: lines,
        });
    }
    Ok(used)
}

/// Where the first window ends.
async fn edge(
    session: &mut Session,
    plan: &Plan,
    size: u64,
) -> Result<Option<Edge>, DatabaseError> {
    if plan.only_reads() || plan.axis().physical {
        return Ok(None);
    }
    let Ok(statement) = plan.edge(&Cursor::default(), size) else {
        return Ok(None);
    };
    let rows = session.fetch(&statement).await?;
    let first = rows.into_iter().next();
    Ok(first.map(|row| row.0.into_iter().map(Bind::from).collect()))
}

/// Under the settings of a batch, without a way to write. On PostgreSQL an error takes the connection
/// with it.
async fn within<T>(
    session: &mut Session,
    look: impl AsyncFnOnce(&mut Session) -> Result<T, DatabaseError>,
) -> Result<T, DatabaseError> {
    match session.dialect() {
        Dialect::Postgres => {
            let limit = TIMEOUT.as_millis();
            let begin = format!("BEGIN READ ONLY; SET LOCAL statement_timeout = {limit}");
            session.begin(&begin).await?;
            let seen = look(session).await?;
            session.rollback().await?;
            Ok(seen)
        }
        Dialect::Sqlite => {
            let begun = begin_reading(session, TIMEOUT).await?;
            let seen = look(session).await;
            begun.end(session, seen).await
        }
    }
}

/// A plan as text: the last cell of each row.
fn lines(told: &[Cells]) -> Vec<String> {
    let text = |row: &Cells| {
        let mut cells = row.0.iter().rev();
        cells.find_map(|cell| cell.as_text().map(str::to_owned))
    };
    told.iter().filter_map(text).collect()
}

/// The indexes that the lines of a plan name.
fn named(plan: &Plan, lines: &[String]) -> Vec<String> {
    let tables = plan.catalog.tables();
    let indexes = tables.flat_map(|table| table.indexes.iter());
    let used = indexes.filter(|index| {
        let quoted = quote_ident(&index.name);
        let names = [index.name.as_str(), quoted.as_str()];
        lines.iter().any(|line| {
            let mut names = names.iter();
            names.any(|name| is_named(line, name, plan.dialect()))
        })
    });
    let used: BTreeSet<String> = used.map(|index| index.name.clone()).collect();
    used.into_iter().collect()
}

/// `Index Scan using NAME on t r1`, `Bitmap Index Scan on NAME`; `SEARCH r1 USING COVERING INDEX NAME
/// (a=?)`.
fn is_named(line: &str, name: &str, dialect: Dialect) -> bool {
    // What was met follows in parentheses where the statement was run.
    let line = line
        .split(" (actual ")
        .next()
        .unwrap_or_default()
        .trim_end();
    match dialect {
        Dialect::Postgres => {
            line.contains(&format!(" using {name} on "))
                || line.ends_with(&format!("Bitmap Index Scan on {name}"))
        }
        Dialect::Sqlite => {
            line.ends_with(&format!(" INDEX {name}"))
                || line.contains(&format!(" INDEX {name} ("))
                || name == "rowid" && line.contains("USING INTEGER PRIMARY KEY")
        }
    }
}
