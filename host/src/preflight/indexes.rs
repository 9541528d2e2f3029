//! `invalid-index` (also what SQLite knows nothing of) and `unindexed-sweep`.

use super::mend::{create_index, sentence};
use super::reach::Reach;
use super::weight::{Weights, grouped, rows, time, told};
use super::{Finding, Severity};
use crate::catalog::{Dialect, Index, TableKind, quote_ident};
use crate::request::Condition;
use crate::sql::Plan;

/// Below, a run that reads the whole table takes a second or two, and an index costs its writers
/// more than it saves.
pub(super) const LARGE: u64 = 100_000;

/// Indexes that a failed CREATE INDEX CONCURRENTLY or REINDEX left behind: they cost every writer and
/// help no reader. A partitioned table's is invalid as long as a partition has none, which is no
/// accident.
pub(super) fn invalid(reach: &Reach) -> Vec<Finding> {
    let mut found = Vec::new();
    for touched in reach.tables.values() {
        let table = &touched.table;
        if table.kind != TableKind::Table {
            continue;
        }
        for index in table.indexes.iter().filter(|index| !index.valid) {
            let full = format!(
                "{}.{}",
                quote_ident(&table.id.schema),
                quote_ident(&index.name)
            );
            // What REINDEX CONCURRENTLY calls the copy that it did not finish; the index is there.
            let copy = ["_ccnew", "_ccold"].iter().any(|mark| {
                index
                    .name
                    .trim_end_matches(char::is_numeric)
                    .ends_with(mark)
            });
            let (what, fix) = if copy {
                ("drop it", format!("DROP INDEX CONCURRENTLY {full}"))
            } else {
                (
                    "build it anew",
                    format!("REINDEX INDEX CONCURRENTLY {full}"),
                )
            };
            let message = format!(
                "index `{}` of `{}` is invalid: it was not built to its end, every writer keeps it \
                 up and no query uses it; {what}",
                index.name, table.id
            );
            found.push(Finding::new("invalid-index", Severity::Error, message).mended_by([fix]));
        }
    }
    found
}

/// SQLite: indexes that only the application's own connections can write, on tables that change. Every run would fail.
pub(super) fn unknown(reach: &Reach) -> Vec<Finding> {
    let mut found = Vec::new();
    for touched in reach.tables.values() {
        let table = &touched.table;
        for (index, what) in &table.behind.unknown_indexes {
            let written = table.indexes.iter().find(|own| own.name == *index);
            let written = written.is_none_or(|own| {
                let mut changes = touched.changes.iter();
                touched.loses || changes.any(|column| holds(own, column))
            });
            if !written {
                continue;
            }
            let message = format!(
                "index `{index}` of `{}` is on the {what}, which only the application's own connections know: SQLite \
                 refuses every statement of another program that changes what is in it. Make the index anew without \
                 that (DROP INDEX {}), or delete such rows in the application",
                table.id,
                quote_ident(index)
            );
            let finding = Finding::new("invalid-index", Severity::Error, message);
            found.push(finding.inevitable());
        }
    }
    found
}

/// A change of the column may be one of the index.
fn holds(index: &Index, column: &str) -> bool {
    let column = column.to_lowercase();
    let mut texts = index
        .columns
        .iter()
        .flat_map(|own| [&own.name, &own.instead]);
    let names = |text: &Option<String>| {
        let text = text.as_ref().map(|text| text.to_lowercase());
        text.is_some_and(|text| text.contains(&column))
    };
    texts.any(names) || names(&index.predicate)
}

/// A sweep that asked for an order which no index serves.
pub(super) fn unserved(plan: &Plan) -> bool {
    let Some(along) = plan.request().order_by.as_ref() else {
        return false;
    };
    let table = plan.table();
    // On PostgreSQL an order takes a key beside it; without one an index would not help.
    let keyed = plan.dialect() == Dialect::Sqlite || !table.primary_key.is_empty();
    let served = match plan.only_reads() {
        // In either direction, and the key needs not stand beside it.
        true => {
            let by_key = table.primary_key.first() == Some(along);
            let facts = plan.request().matching.conjuncts();
            let serving = table.in_order_of(along, &facts, plan.dialect());
            by_key || plan.axis().note.is_none() || !serving.is_empty()
        }
        false => plan.axis().note.is_none(),
    };
    // An index that only waits to be mended is `invalid-index`.
    let built = table.indexes.iter().any(|index| {
        let first = index.columns.first();
        !index.valid && first.is_some_and(|column| column.name.as_ref() == Some(along))
    });
    !served && keyed && !built
}

/// The same on a table where it tells: an error where a run does not get through the table in its time, and
/// so begins anew each time.
pub(super) fn unindexed(plan: &Plan, weights: &Weights) -> Option<Finding> {
    let along = plan.request().order_by.as_ref()?;
    let table = plan.table();
    let size = weights.size(table);
    if !unserved(plan) || size.rows <= LARGE {
        return None;
    }
    let dialect = plan.dialect();
    let (reads, how) = match (plan.only_reads(), plan.axis().physical) {
        // Each page of rows is looked for among all of them.
        (true, _) => {
            let pages = size.rows.div_ceil(weights.batch_size.max(1));
            let reads = pages.saturating_mul(size.pages);
            let how = format!(
                "every page reads the whole table: {} pages of rows x {} pages",
                grouped(pages),
                grouped(size.pages)
            );
            (reads, how)
        }
        // Each is counted out, looked through, and met again where rows go.
        (false, true) => {
            let reads = size.pages.saturating_mul(3);
            let how = "every run reads the whole table, page by page".to_owned();
            (reads, how)
        }
        // By key the rows of a page are met one by one.
        (false, false) => {
            let how = "every run reads the whole table, by key, a page for each row".to_owned();
            (size.rows, how)
        }
    };
    let takes = time(reads, dialect);
    let severity = match takes > weights.deadline {
        true => Severity::Error,
        false => Severity::Warning,
    };
    if let Some(why) = plan.axis().out_of_order {
        let message = format!(
            "the values of `{along}` of `{}` ({}) are not in the order of time: {why}. No index on it \
             helps, {how} = {} page reads, {} a run; a column of {} would",
            table.id,
            rows(size),
            grouped(reads),
            told(takes),
            match dialect {
                Dialect::Postgres => "timestamptz or bigint",
                Dialect::Sqlite => "integers alone, or of ISO text alone",
            },
        );
        return Some(Finding::new("unindexed-sweep", severity, message));
    }
    let facts = plan.request().matching.conjuncts();
    let near = table.why_not(along, &facts, dialect);
    let message = format!(
        "no index serves the {} of `{}` ({}) along `{along}`: {how} = {} page reads, {} a run{}",
        if plan.only_reads() {
            "reading"
        } else {
            "sweep"
        },
        table.id,
        rows(size),
        grouped(reads),
        told(takes),
        near.map_or_else(String::new, |near| format!(". {}", sentence(&near))),
    );
    let mut columns = vec![along.clone()];
    if plan.dialect() == Dialect::Postgres {
        let key = table.primary_key.iter();
        columns.extend(key.filter(|column| *column != along).cloned());
    }
    // Rows without a value are never swept along it, nor are those that lack what the condition asks for.
    let mut filled = vec![along];
    for fact in &facts {
        if let Condition::IsNotNull { column } = fact
            && !filled.contains(&column)
        {
            filled.push(column);
        }
    }
    let nullable = filled.into_iter().filter_map(|name| table.column(name));
    let nullable = nullable.filter(|column| column.nullable);
    let terms: Vec<_> = nullable
        .map(|column| format!("{} IS NOT NULL", quote_ident(&column.name)))
        .collect();
    let predicate = (!terms.is_empty()).then(|| terms.join(" AND "));
    let fix = create_index(table, &columns, predicate.as_deref(), &plan.catalog);
    Some(Finding::new("unindexed-sweep", severity, message).mended_by([fix]))
}
