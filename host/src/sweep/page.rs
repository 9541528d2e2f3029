//! A page of a read: from the database's rows to what the plugin gets, and from what the plugin wants done
//! to a request.

use std::collections::{BTreeMap, BTreeSet};

use super::values;
use crate::database::{Bind, Cell, Cells};
use crate::request::{Assignment, Fault, Page, Problem, Request, Source, Value};
use crate::scope::find_column;
use crate::sql::{Edge, PAGE_BYTES, Pick, Plan};

/// The page as the plugin gets it, its rows as the host knows them, and the edge that it ends at.
pub(super) fn taken_apart(
    plan: &Plan,
    rows: Vec<Cells>,
    offset: u64,
) -> Result<(Page, Vec<Pick>, Option<Edge>), Fault> {
    let look = plan.look().cloned().unwrap_or_default();
    let table = plan.table();
    let length = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    let mut columns = vec![Vec::with_capacity(rows.len()); look.columns.len()];
    let mut picks = Vec::with_capacity(rows.len());
    let mut last = None;
    for row in rows {
        let mut cells = row.0.into_iter();
        let size = cells.next().map_or(0, |cell| cell.as_count());
        if size > PAGE_BYTES {
            return Err(too_large(plan, size));
        }
        let edge: Edge = cells
            .by_ref()
            .take(plan.edge_width())
            .map(Bind::from)
            .collect();
        let key = cells
            .by_ref()
            .take(plan.row_width())
            .map(Bind::from)
            .collect();
        let seen = cells.next().map_or(Bind::Null, Bind::from);
        picks.push(Pick::new(key, seen));
        for (column, cell) in columns
            .iter_mut()
            .zip(cells.chain(std::iter::repeat(Cell::Null)))
        {
            column.push(cell);
        }
        last = Some(edge);
    }
    let named = look.columns.iter().zip(columns);
    let columns = named.map(|(name, cells)| {
        let column = find_column(table, name)?;
        values::list(table, column, plan.shape(column), cells)
    });
    let page = Page {
        length,
        columns: columns.collect::<Result<_, Fault>>()?,
        offset,
    };
    Ok((page, picks, last))
}

fn too_large(plan: &Plan, size: u64) -> Fault {
    Fault::Exhausted(Problem::new(
        "page-bytes",
        format!(
            "a row of `{}` has {size} bytes in the columns that are read; a page has {PAGE_BYTES} at \
             most: read fewer columns",
            plan.table().id
        ),
    ))
}

/// There is no row at a position.
pub(super) fn no_such_row(place: u32, length: usize) -> Fault {
    let message = match length {
        0 => format!("row {place} was named, and there is no page in hand: call `next` first"),
        length => format!(
            "row {place} is not on the page: it has the rows 0 to {}",
            length - 1
        ),
    };
    Fault::invalid("position", message)
}

/// An update of some rows of a page of `length` as a request, and the rows in the order of its values.
pub(super) fn updating(
    plan: &Plan,
    length: usize,
    rows: Vec<(u32, Vec<(String, Value)>)>,
) -> Result<(Request, Vec<u32>), Fault> {
    let mut named = BTreeSet::new();
    for (place, _) in &rows {
        if usize::try_from(*place).map_or(true, |place| place >= length) {
            return Err(no_such_row(*place, length));
        }
        if !named.insert(*place) {
            return Err(twice(&format!("row {place} is named twice")));
        }
    }
    let count = rows.len();
    let mut places = Vec::with_capacity(count);
    let mut given: BTreeMap<String, Vec<Option<Value>>> = BTreeMap::new();
    for (index, (place, values)) in rows.into_iter().enumerate() {
        places.push(place);
        for (column, value) in values {
            // No more lists than the table has columns, whatever the plugin names.
            find_column(plan.table(), &column)?;
            let list = given.entry(column.clone());
            let list = list.or_insert_with(|| vec![None; count]);
            if let Some(slot) = list.get_mut(index) {
                if slot.is_some() {
                    return Err(twice(&format!("row {place} gets `{column}` twice")));
                }
                *slot = Some(value);
            }
        }
    }
    if given.is_empty() {
        return Ok((plan.request().clone(), Vec::new())); // nothing to do
    }
    let assignments = given.into_iter().map(|(column, values)| Assignment {
        column,
        source: Source::Each(values),
    });
    Ok((plan.request().updating(assignments.collect()), places))
}

fn twice(what: &str) -> Fault {
    Fault::invalid("not-assignable", format!("{what}: say its new values once"))
}
