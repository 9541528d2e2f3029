//! Tables that a fake host holds, for jobs that read rows.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::batch::Batch;
use crate::error::{Error, Result};
use crate::rows::{Cells, Page, Read, Reading};
use crate::value::Value;

/// Rows of a page where the test does not say otherwise: as many as the real host shows.
pub(super) const PAGE_ROWS: u32 = 1_000;

/// What a job did to rows of a page, by their positions.
#[derive(Debug, Clone, PartialEq)]
pub enum Acted {
    /// They were to go.
    Delete(Vec<u32>),
    /// Each was to get its own values.
    Update(Vec<(u32, Vec<(String, Value)>)>),
}

/// A table with its rows; `None` where one has gone.
#[derive(Debug, Clone, Default)]
pub(super) struct Table {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Option<Vec<Value>>>,
}

impl Table {
    /// The rows that are left.
    pub(super) fn left(self) -> Vec<Vec<Value>> {
        self.rows.into_iter().flatten().collect()
    }

    fn place(&self, column: &str) -> Result<usize> {
        let place = self.columns.iter().position(|known| known == column);
        place.ok_or_else(|| {
            Error::invalid(
                "unknown-column",
                format!("the fake table has no column `{column}`"),
            )
        })
    }

    /// The numbers of the rows in the order of a read.
    pub(super) fn order(&self, read: &Read) -> Result<Vec<usize>> {
        for column in &read.columns {
            self.place(column)?;
        }
        let numbers = self.rows.iter().enumerate();
        let mut order: Vec<_> = numbers
            .filter_map(|(number, row)| Some((number, row.as_ref()?)))
            .collect();
        if let Some((column, descending)) = &read.order_by {
            let place = self.place(column)?;
            order.sort_by(|(_, a), (_, b)| {
                let upwards = compare(a.get(place), b.get(place));
                if *descending {
                    upwards.reverse()
                } else {
                    upwards
                }
            });
        }
        Ok(order.into_iter().map(|(number, _)| number).collect())
    }

    /// These rows as a page of these columns.
    pub(super) fn page(
        &self,
        numbers: &[usize],
        columns: &[String],
        offset: u64,
    ) -> Result<Reading> {
        let mut cells = Vec::new();
        for column in columns {
            let place = self.place(column)?;
            let of = numbers.iter().map(|number| self.value(*number, place));
            cells.push(list(of.collect()));
        }
        Ok(Reading::Page(Page {
            length: u32::try_from(numbers.len()).unwrap_or(u32::MAX),
            columns: cells,
            offset,
        }))
    }

    fn value(&self, number: usize, place: usize) -> Value {
        let row = self.rows.get(number).and_then(Option::as_ref);
        row.and_then(|row| row.get(place).cloned())
            .unwrap_or(Value::Null)
    }

    /// Deletes rows of a page, no more than `most`; those that have gone already are left alone.
    pub(super) fn delete(&mut self, page: &[usize], places: &[u32], most: u64) -> Batch {
        let places: BTreeSet<_> = places.iter().collect();
        let mut batch = Batch::default();
        for place in places {
            if batch.affected == most {
                break;
            }
            batch.examined += 1;
            let number = usize::try_from(*place).ok().and_then(|at| page.get(at));
            let row = number.and_then(|number| self.rows.get_mut(*number));
            batch.affected += u64::from(row.is_some_and(|row| row.take().is_some()));
        }
        batch
    }

    /// Gives rows of a page their new values, no more than `most`; a row that holds them already is not
    /// touched.
    pub(super) fn update(
        &mut self,
        page: &[usize],
        changes: &[(u32, Vec<(String, Value)>)],
        most: u64,
    ) -> Result<Batch> {
        let mut batch = Batch::default();
        for (position, values) in changes {
            if batch.affected == most {
                break;
            }
            batch.examined += 1;
            let mut changed = false;
            for (column, value) in values {
                let place = self.place(column)?;
                let number = usize::try_from(*position).ok().and_then(|at| page.get(at));
                let row = number.and_then(|number| self.rows.get_mut(*number));
                let cell = row
                    .and_then(Option::as_mut)
                    .and_then(|row| row.get_mut(place));
                if let Some(cell) = cell.filter(|cell| *cell != value) {
                    cell.clone_from(value);
                    changed = true;
                }
            }
            batch.affected += u64::from(changed);
        }
        Ok(batch)
    }
}

/// As a database orders values of one type; what has no order here stays as it was given.
fn compare(a: Option<&Value>, b: Option<&Value>) -> Ordering {
    match (a, b) {
        (Some(Value::Boolean(a)), Some(Value::Boolean(b))) => a.cmp(b),
        (Some(Value::Integer(a)), Some(Value::Integer(b))) => a.cmp(b),
        (Some(Value::Float(a)), Some(Value::Float(b))) => a.total_cmp(b),
        (Some(Value::Timestamp(a)), Some(Value::Timestamp(b))) => a.cmp(b),
        (Some(Value::Bytes(a)), Some(Value::Bytes(b))) => a.cmp(b),
        (Some(Value::Uuid(a)), Some(Value::Uuid(b)))
        | (Some(Value::Text(a)), Some(Value::Text(b))) => a.cmp(b),
        _ => Ordering::Equal,
    }
}

/// The values of one column as a page has them: by the first that is not NULL.
fn list(values: Vec<Value>) -> Cells {
    macro_rules! cells {
        ($case:ident, $list:ident) => {{
            let of = values.into_iter().map(|value| match value {
                Value::$case(value) => Some(value),
                _ => None,
            });
            Cells::$list(of.collect())
        }};
    }
    match values.iter().find(|value| **value != Value::Null) {
        Some(Value::Boolean(_)) => cells!(Boolean, Booleans),
        Some(Value::Integer(_)) => cells!(Integer, Integers),
        Some(Value::Float(_)) => cells!(Float, Floats),
        Some(Value::Bytes(_)) => cells!(Bytes, Blobs),
        Some(Value::Timestamp(_)) => cells!(Timestamp, Timestamps),
        _ => {
            let text = |value| match value {
                Value::Null => None,
                Value::Text(text)
                | Value::Uuid(text)
                | Value::Decimal(text)
                | Value::Json(text)
                | Value::Other(text) => Some(text),
                other => Some(other.to_string()),
            };
            Cells::Texts(values.into_iter().map(text).collect())
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::Acted;
    use crate::prelude::*;
    use crate::testing::{FakeHost, Ran};

    /// Reads letters, the newest first, and does something to each page.
    struct Letters;

    impl Plugin for Letters {
        fn describe() -> Manifest {
            ["tidy", "stamp", "twice", "beyond", "rename"]
                .iter()
                .fold(Manifest::new("letters", "1.0.0", ""), |manifest, job| {
                    manifest.job(Job::new(*job, ""))
                })
        }

        fn access(_job: &str) -> Result<Vec<TableAccess>> {
            let letters = table("letters").reads(["id", "stamp"]).all_rows();
            Ok(vec![letters.deletes().updates(["stamp"])])
        }

        fn run(job: &str) -> Result<()> {
            let read = read("letters", ["id", "stamp"], everything()).newest_first("id");
            let mut reader = read.open()?;
            while let Reading::Page(page) = reader.next()? {
                let stamped = |row| (row, vec![("stamp".to_owned(), Value::from("paid"))]);
                match job {
                    "tidy" => {
                        reader.delete(&[0, 0])?;
                        let again = reader.delete(&[0])?;
                        assert_eq!((again.examined, again.affected), (1, 0));
                    }
                    "stamp" => {
                        let all: Vec<_> = (0..page.length).map(stamped).collect();
                        reader.update(&all)?;
                    }
                    "twice" => {
                        reader.update(&[stamped(0), stamped(0)])?;
                    }
                    "rename" => {
                        reader.update(&[(0, vec![("id".to_owned(), Value::from(7))])])?;
                    }
                    _ => {
                        reader.delete(&[page.length])?;
                    }
                }
            }
            Ok(())
        }
    }

    fn host() -> FakeHost {
        let rows = [
            [Value::from(1), Value::Null],
            [Value::from(3), Value::from("paid")],
            [Value::from(2), Value::Null],
        ];
        FakeHost::at(Timestamp::from_micros(0))
            .rows("letters", ["id", "stamp"], rows)
            .page_rows(2)
    }

    fn ids(ran: &Ran) -> Vec<&Value> {
        ran.rows["letters"].iter().map(|row| &row[0]).collect()
    }

    fn code(job: &str) -> String {
        host()
            .run::<Letters>(job)
            .result
            .unwrap_err()
            .problem()
            .code
            .clone()
    }

    #[test]
    fn rows_of_a_page_go_once_in_the_order_of_the_read() {
        let ran = host().run::<Letters>("tidy");

        assert_eq!(ran.result, Ok(()));
        assert_eq!(ids(&ran), [&Value::from(2)]);
        let first = &ran.acted[0];
        assert_eq!(*first, ("letters".to_owned(), Acted::Delete(vec![0, 0])));
    }

    #[test]
    fn rows_get_their_values_within_the_budget_and_the_reader_is_suspended() {
        let all = host().run::<Letters>("stamp");
        let some = host().max_rows(1).run::<Letters>("stamp");

        let stamped = |ran: &Ran| {
            let rows = ran.rows["letters"].iter();
            rows.filter(|row| row[1] != Value::Null).count()
        };
        assert_eq!((stamped(&all), stamped(&some)), (3, 2));
        assert_eq!((all.acted.len(), some.acted.len()), (2, 1));
    }

    #[test]
    fn what_the_real_host_refuses_is_refused() {
        assert_eq!(code("beyond"), "position");
        assert_eq!(code("twice"), "not-assignable");
        assert_eq!(code("rename"), "not-granted");
    }
}
