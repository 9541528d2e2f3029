//! Rows as the host's own statements return them.

use sqlx::{Column as _, Row as _, TypeInfo, ValueRef};

use super::{Bind, DatabaseError};

/// One value of a row: what the host's own statements return.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// NULL.
    Null,
    /// Any integer or boolean type.
    Integer(i64),
    /// A floating point number.
    Real(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

impl Cell {
    /// The cell as a count; NULL and other types count nothing.
    pub fn as_count(&self) -> u64 {
        self.as_integer()
            .and_then(|value| u64::try_from(value).ok())
            .unwrap_or(0)
    }

    /// The cell as an integer.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(value) => Some(*value),
            _ => None,
        }
    }

    /// The cell as text.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl From<Cell> for Bind {
    fn from(cell: Cell) -> Self {
        match cell {
            Cell::Null => Self::Null,
            Cell::Integer(value) => Self::Integer(value),
            Cell::Real(value) => Self::Real(value),
            Cell::Text(text) => Self::Text(text),
            Cell::Blob(bytes) => Self::Blob(bytes),
        }
    }
}

/// A row of cells. Reading past the end gives NULL.
#[derive(Debug, Clone, PartialEq)]
pub struct Cells(pub Vec<Cell>);

impl Cells {
    /// The cell at `index`.
    pub fn get(&self, index: usize) -> &Cell {
        self.0.get(index).unwrap_or(&Cell::Null)
    }
}

pub(super) fn postgres_cells(row: &sqlx::postgres::PgRow) -> Result<Cells, DatabaseError> {
    let mut cells = Vec::with_capacity(row.len());
    for (index, column) in row.columns().iter().enumerate() {
        let null = row.try_get_raw(index)?.is_null();
        cells.push(match column.type_info().name() {
            _ if null => Cell::Null,
            "BOOL" => Cell::Integer(i64::from(row.try_get::<bool, _>(index)?)),
            "INT2" => Cell::Integer(i64::from(row.try_get::<i16, _>(index)?)),
            "INT4" => Cell::Integer(i64::from(row.try_get::<i32, _>(index)?)),
            "INT8" => Cell::Integer(row.try_get(index)?),
            "FLOAT8" => Cell::Real(row.try_get(index)?),
            "BYTEA" => Cell::Blob(row.try_get(index)?),
            "VOID" => Cell::Null,
            _ => Cell::Text(row.try_get(index)?),
        });
    }
    Ok(Cells(cells))
}

pub(super) fn sqlite_cells(row: &sqlx::sqlite::SqliteRow) -> Result<Cells, DatabaseError> {
    let mut cells = Vec::with_capacity(row.len());
    for index in 0..row.len() {
        let value = row.try_get_raw(index)?;
        let kind = if value.is_null() {
            "NULL".into()
        } else {
            value.type_info().name().to_owned()
        };
        cells.push(match kind.as_str() {
            "NULL" => Cell::Null,
            "INTEGER" | "BOOLEAN" => Cell::Integer(row.try_get_unchecked(index)?),
            "REAL" => Cell::Real(row.try_get_unchecked(index)?),
            "BLOB" => Cell::Blob(row.try_get_unchecked(index)?),
            _ => Cell::Text(sqlite_text(row, index)?),
        });
    }
    Ok(Cells(cells))
}

/// Bytes of a text that an error shows: a text may be as large as a file.
const SHOWN: usize = 64;

/// SQLite keeps any bytes as text.
fn sqlite_text(row: &sqlx::sqlite::SqliteRow, index: usize) -> Result<String, DatabaseError> {
    row.try_get_unchecked(index).map_err(|error| {
        let Ok(bytes) = row.try_get_unchecked::<Vec<u8>, _>(index) else {
            return error.into();
        };
        let shown: String = bytes
            .iter()
            .take(SHOWN)
            .map(|byte| format!("{byte:02X}"))
            .collect();
        let row = match bytes.len() > SHOWN {
            true => format!("substr(CAST(… AS BLOB), 1, {SHOWN})"),
            false => "CAST(… AS BLOB)".to_owned(),
        };
        let message = format!(
            "a text that is not UTF-8 stands in a column that besom has to read, such as the key of a table WITHOUT \
             ROWID: rewrite it. The row is the one WHERE {row} = X'{shown}'"
        );
        DatabaseError::other("not-utf-8", message)
    })
}
