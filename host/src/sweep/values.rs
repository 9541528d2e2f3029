//! The cells of a page as the lists that a plugin gets.

use crate::catalog::{Column, Kind, Raw, Reading, Table, Times};
use crate::database::Cell;
use crate::request::{Fault, Timestamp, Values};
use crate::sql::Shape;

/// One column of a page.
///
/// # Errors
/// `invalid` where SQLite holds a value of another storage class than the column's others.
pub(super) fn list(
    table: &Table,
    column: &Column,
    shape: Shape,
    cells: Vec<Cell>,
) -> Result<Values, Fault> {
    let odd = |cell: &Cell| odd_one(table, column, cell);
    Ok(match shape {
        Shape::Boolean => Values::Booleans(each(cells, odd, |cell| match cell {
            Cell::Integer(value @ (0 | 1)) => Some(*value == 1),
            Cell::Text(word) => match word.to_ascii_lowercase().as_str() {
                "t" | "true" => Some(true),
                "f" | "false" => Some(false),
                _ => None,
            },
            _ => None,
        })?),
        Shape::Integer => Values::Integers(each(cells, odd, Cell::as_integer)?),
        Shape::Float => Values::Floats(each(cells, odd, |cell| match cell {
            Cell::Real(value) => Some(*value),
            // An integer in a REAL column of a table that is not STRICT.
            #[allow(clippy::cast_precision_loss)]
            Cell::Integer(value) => Some(*value as f64),
            _ => None,
        })?),
        Shape::Text => Values::Texts(each(cells, odd, |cell| match cell {
            Cell::Text(text) => Some(text.clone()),
            Cell::Integer(value) => Some(value.to_string()),
            Cell::Real(value) => Some(value.to_string()),
            Cell::Null | Cell::Blob(_) => None,
        })?),
        Shape::Blob => Values::Blobs(each(cells, odd, |cell| match cell {
            Cell::Blob(bytes) => Some(bytes.clone()),
            _ => None,
        })?),
        Shape::Instant => {
            Values::Timestamps(each(cells, odd, |cell| cell.as_integer().map(Timestamp))?)
        }
        Shape::Time(times) => {
            let instants = cells.iter().map(|cell| instant(&times, column, cell));
            Values::Timestamps(instants.collect())
        }
        Shape::Any => {
            let first = cells.iter().find(|cell| **cell != Cell::Null);
            let shape = match first {
                Some(Cell::Integer(_)) => Shape::Integer,
                Some(Cell::Real(_)) => Shape::Float,
                Some(Cell::Blob(_)) => Shape::Blob,
                Some(Cell::Text(_) | Cell::Null) | None => Shape::Text,
            };
            return list(table, column, shape, cells);
        }
    })
}

/// The instant that a cell holds; `None` of what is none. To a plugin that compares for itself "never" is no time
/// long past.
fn instant(times: &Times, column: &Column, cell: &Cell) -> Option<Timestamp> {
    let raw = match cell {
        Cell::Integer(number) => Raw::Integer(*number),
        Cell::Real(number) => Raw::Real(*number),
        Cell::Text(text) if column.kind == Kind::Numeric => Raw::number(text),
        Cell::Text(text) => Raw::Text(text.clone()),
        Cell::Null | Cell::Blob(_) => return None,
    };
    match times.read(&raw) {
        Reading::Instant(at) => Some(at),
        Reading::Never(_) | Reading::Unread => None,
    }
}

fn each<T>(
    cells: Vec<Cell>,
    odd: impl Fn(&Cell) -> Fault,
    take: impl Fn(&Cell) -> Option<T>,
) -> Result<Vec<Option<T>>, Fault> {
    let one = |cell: &Cell| match (cell, take(cell)) {
        (Cell::Null, _) => Ok(None),
        (_, Some(value)) => Ok(Some(value)),
        (cell, None) => Err(odd(cell)),
    };
    cells.iter().map(one).collect()
}

fn odd_one(table: &Table, column: &Column, cell: &Cell) -> Fault {
    let class = match cell {
        Cell::Null => "NULL",
        Cell::Integer(_) => "an integer",
        Cell::Real(_) => "a real number",
        Cell::Text(_) => "a text",
        Cell::Blob(_) => "a blob",
    };
    Fault::invalid(
        "mixed-representation",
        format!(
            "column `{}` of `{}` holds {class} beside values of another kind, so it cannot be read as \
             one list: make its values alike, or leave the column out",
            column.name, table.id
        ),
    )
}
