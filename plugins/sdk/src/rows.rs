//! Reading, for plugins that must look at rows to decide.

use crate::access::{TableAccess, merged, of_condition, of_dependent, table};
use crate::batch::Batch;
use crate::condition::Condition;
use crate::error::Result;
use crate::host;
use crate::join::Related;
use crate::sweep::Dependent;
use crate::time::Timestamp;
use crate::value::Value;

/// How many rows of `table` match, counted no further than `up_to`.
///
/// # Errors
///
/// [`Error::Denied`](crate::Error::Denied) where the grant does not cover it, and whatever fails
/// the statement.
pub fn count(table: impl Into<String>, matching: &Condition, up_to: u64) -> Result<u64> {
    host::count(&table.into(), matching, up_to)
}

/// A read of some columns of the rows that meet a condition, as plain data until it is opened.
///
/// Prefer a [`Sweep`](crate::Sweep) wherever a condition can say which rows: nothing crosses into
/// the plugin then.
///
/// ```no_run
/// use besom_plugin::prelude::*;
///
/// # fn main() -> Result<()> {
/// let mut reader = read("policy_data", ["id"], everything()).newest_first("id").open()?;
/// while let Reading::Page(page) = reader.next()? {
///     let old: Vec<u32> = (0..page.length).filter(|row| page.offset + u64::from(*row) >= 10).collect();
///     reader.delete(&old)?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a read does nothing until it is opened"]
pub struct Read {
    pub(crate) table: String,
    pub(crate) columns: Vec<String>,
    pub(crate) matching: Condition,
    pub(crate) order_by: Option<(String, bool)>,
    pub(crate) dependents: Vec<Dependent>,
}

/// Reads these columns of the rows of `table` that meet `matching`.
pub fn read<C: Into<String>>(
    table: impl Into<String>,
    columns: impl IntoIterator<Item = C>,
    matching: Condition,
) -> Read {
    Read {
        table: table.into(),
        columns: columns.into_iter().map(Into::into).collect(),
        matching,
        order_by: None,
        dependents: Vec::new(),
    }
}

impl Read {
    /// Smallest value of this column first; without an order, by primary key.
    pub fn oldest_first(mut self, column: impl Into<String>) -> Self {
        self.order_by = Some((column.into(), false));
        self
    }

    /// Largest value of this column first.
    pub fn newest_first(mut self, column: impl Into<String>) -> Self {
        self.order_by = Some((column.into(), true));
        self
    }

    /// Rows of another table that go ahead of a row that [`Reader::delete`] names.
    pub fn delete_first(mut self, table: impl Into<String>, on: impl Into<Related>) -> Self {
        self.dependents.push(Dependent::delete(table, on));
        self
    }

    /// What this read needs. Where its rows are also deleted or updated, add that with
    /// [`table`](crate::table).
    pub fn access(&self) -> Vec<TableAccess> {
        let mut list = vec![table(&self.table).reads(&self.columns)];
        of_condition(&self.table, &self.matching, &mut list);
        list.extend(
            self.order_by
                .iter()
                .map(|(column, _)| table(&self.table).reads([column])),
        );
        for dependent in &self.dependents {
            of_dependent(&self.table, dependent, &mut list);
        }
        merged(list)
    }

    /// Opens the read.
    ///
    /// # Errors
    ///
    /// [`Error::Denied`](crate::Error::Denied) where the grant does not cover it,
    /// [`Error::Invalid`](crate::Error::Invalid) where a part of it makes no sense for the table.
    pub fn open(&self) -> Result<Reader> {
        Ok(Reader {
            cursor: host::read(self)?,
        })
    }
}

/// What a reader answers when it is asked for its next page.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// Some rows.
    Page(Page),
    /// Every row has been read.
    Drained,
    /// Stop here; the text is the host's reason.
    Suspended(String),
}

/// Rows of one read, column by column.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Rows in this page.
    pub length: u32,
    /// The columns, in the order in which the read names them.
    pub columns: Vec<Cells>,
    /// Rows of this read that came before this page.
    pub offset: u64,
}

/// The values of one column, one a row of the page; `None` is NULL.
#[derive(Debug, Clone, PartialEq)]
pub enum Cells {
    /// Truth values.
    Booleans(Vec<Option<bool>>),
    /// Whole numbers.
    Integers(Vec<Option<i64>>),
    /// Floating point numbers.
    Floats(Vec<Option<f64>>),
    /// Text, and every type without a case of its own, in the database's text form.
    Texts(Vec<Option<String>>),
    /// Bytes.
    Blobs(Vec<Option<Vec<u8>>>),
    /// Instants.
    Timestamps(Vec<Option<Timestamp>>),
}

/// A read under way. It always starts at the first row, also where the run was taken up again.
#[derive(Debug)]
pub struct Reader {
    cursor: host::Rows,
}

impl Reader {
    /// The next page; the one before it can no longer be acted on.
    ///
    /// # Errors
    ///
    /// Whatever fails the statement, after the host's own retries.
    #[allow(clippy::should_implement_trait)] // an iterator would hide that a page can fail
    pub fn next(&mut self) -> Result<Reading> {
        self.cursor.next()
    }

    /// Deletes rows of the page, by position from 0. A row that no longer matches, or whose
    /// columns read here have changed since, is left alone.
    ///
    /// # Errors
    ///
    /// Whatever fails the batch; nothing of it is committed then.
    pub fn delete(&mut self, rows: &[u32]) -> Result<Batch> {
        self.cursor.delete(rows)
    }

    /// Gives each named row of the page its own values, on the same terms.
    ///
    /// # Errors
    ///
    /// Whatever fails the batch; nothing of it is committed then.
    pub fn update(&mut self, rows: &[(u32, Vec<(String, Value)>)]) -> Result<Batch> {
        self.cursor.update(rows)
    }
}
