//! Rows whose time stands for "never" in a column that a job compares or asks for NULL, looked for within bounds.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::probe::{MOST_READ, probe};
use super::unread::{AMONG, EXAMPLES};
use super::verify::MOST_COUNTED;
use crate::catalog::{Table, TableId};
use crate::database::{Cause, Database, DatabaseError};
use crate::request::Condition;
use crate::sql::{ByForm, Plan, ReadAs};

/// What the looks for one job may take together. They come before every run, which waits for them.
const TIMEOUT: Duration = Duration::from_millis(500);

/// Rows of one column whose time stands for none, or whose value may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoInstant {
    /// The table.
    pub table: TableId,
    /// The column.
    pub column: String,
    /// So many, counted no further than [`MOST_COUNTED`].
    pub rows: u64,
    /// There may be more.
    pub more: bool,
    /// Nothing says that the column holds times: the job asks it for NULL, and the values may stand for that.
    pub in_doubt: bool,
    /// Some of the values, as SQL would write them.
    pub examples: Vec<String>,
}

/// Every column that one of the plans compares with a time, or asks for NULL, and that holds such values; what could not be
/// counted in time is left out.
///
/// # Errors
/// What the database says.
pub async fn no_instants(
    database: &Database,
    plans: &[Arc<Plan>],
) -> Result<Vec<NoInstant>, DatabaseError> {
    let ends = Instant::now() + TIMEOUT;
    let mut looked = BTreeSet::new();
    let mut found: Vec<NoInstant> = Vec::new();
    for plan in plans {
        for of in plan.times_compared().unwrap_or_default() {
            let new = looked.insert((of.table.id.clone(), of.column.name.clone(), of.read_as));
            let small = of.table.estimated_rows <= MOST_READ;
            if !new || !small && !is_indexed(&of.table, &of.column.name, plan) {
                continue;
            }
            let left = ends.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(found);
            }
            match one(database, plan, &of, left).await {
                Ok(Some(one)) => match found.iter_mut().find(|known| known.is_of(&one)) {
                    Some(known) => known.rows += one.rows,
                    None => found.push(one),
                },
                Ok(None) => {}
                Err(error) if error.cause == Cause::StatementTimeout => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(found)
}

/// Whether such values, which sort to the ends, can be read from an index.
fn is_indexed(table: &Table, column: &str, plan: &Plan) -> bool {
    let set = Condition::IsNotNull {
        column: column.to_owned(),
    };
    !table
        .in_order_of(column, &[&set], plan.dialect())
        .is_empty()
}

impl NoInstant {
    fn is_of(&self, other: &Self) -> bool {
        (&self.table, &self.column, self.in_doubt) == (&other.table, &other.column, other.in_doubt)
    }
}

async fn one(
    database: &Database,
    plan: &Plan,
    of: &ByForm,
    limit: Duration,
) -> Result<Option<NoInstant>, DatabaseError> {
    let counted = probe(database, plan, limit, |plan| {
        plan.no_instants(of, MOST_COUNTED)
    })
    .await?;
    let rows = counted.first().map_or(0, |row| row.get(0).as_count());
    if rows == 0 {
        return Ok(None);
    }
    let shown = probe(database, plan, limit, |plan| {
        plan.no_instant_values(of, AMONG)
    })
    .await?;
    let values = shown.iter().filter_map(|row| row.get(0).as_text());
    let values: BTreeSet<String> = values.map(str::to_owned).collect();
    let root = plan.authorized.root().filter(|_| of.swept);
    Ok(Some(NoInstant {
        table: root.map_or(&of.table.id, |root| &root.id).clone(),
        column: of.column.name.clone(),
        rows,
        more: rows >= MOST_COUNTED,
        in_doubt: of.read_as == ReadAs::Presence,
        examples: values.into_iter().take(EXAMPLES).collect(),
    }))
}
