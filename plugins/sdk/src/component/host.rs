//! Calls to the real host. Handles live here only: a tree of conditions becomes the contract's
//! resources when a call needs it, and is handed over whole.

use super::bindings::besom::cleanup::{context, rows, sweeps, types};
use super::convert;
use crate::batch::{Batch, Step};
use crate::condition::Condition;
use crate::context::Level;
use crate::error::Result;
use crate::rows::{Read, Reading};
use crate::setting::SettingValue;
use crate::sweep::{Action, Assignment, Dependent, Sweep};
use crate::time::Timestamp;
use crate::value::Value;

pub(crate) fn now() -> Timestamp {
    Timestamp::from_micros(context::now())
}

pub(crate) fn setting(name: &str) -> Result<Option<SettingValue>> {
    Ok(context::setting(name).map(Into::into))
}

pub(crate) fn log(level: Level, message: &str, fields: Vec<(String, String)>) {
    let level = match level {
        Level::Debug => context::Level::Debug,
        Level::Info => context::Level::Info,
        Level::Warn => context::Level::Warn,
        Level::Error => context::Level::Error,
    };
    context::log(level, message, &fields);
}

pub(crate) fn open(sweep: &Sweep) -> Result<Cursor> {
    let matching = convert::condition(sweep.condition());
    let opened = match sweep.action() {
        Action::Delete => sweeps::Sweep::delete(sweep.table(), matching)?,
        Action::Update(assignments) => {
            let opened = sweeps::Sweep::update(sweep.table(), matching)?;
            for assignment in assignments {
                assign(&opened, assignment)?;
            }
            opened
        }
    };
    if let Some(column) = sweep.order() {
        opened.order_by(column)?;
    }
    for dependent in sweep.dependents() {
        add_dependent(&opened, dependent, None)?;
    }
    Ok(Cursor(opened))
}

fn assign(sweep: &sweeps::Sweep, assignment: &Assignment) -> Result<()> {
    match assignment {
        Assignment::Value { column, value } => {
            sweep.set_value(column, &convert::value(value))?;
        }
        Assignment::Column { column, source } => sweep.set_from_column(column, source)?,
        Assignment::Related {
            column,
            table,
            on,
            source,
        } => sweep.set_from_related(column, table, &convert::join(on), source)?,
        Assignment::Network {
            column,
            ipv4_prefix,
            ipv6_prefix,
        } => sweep.set_network(column, *ipv4_prefix, *ipv6_prefix)?,
    }
    Ok(())
}

/// The host numbers dependents in the order in which they are added, parents first.
fn add_dependent(sweep: &sweeps::Sweep, dependent: &Dependent, parent: Option<u32>) -> Result<()> {
    let (table, on) = (&dependent.table, convert::join(&dependent.on));
    let matching = dependent.matching.as_ref().map(convert::condition);
    let number = match (dependent.delete, matching) {
        (true, None) => sweep.delete_first(table, &on, parent)?,
        (true, Some(matching)) => sweep.delete_first_where(table, &on, matching, parent)?,
        (false, None) => sweep.unlink_first(table, &on, parent)?,
        (false, Some(matching)) => sweep.unlink_first_where(table, &on, matching, parent)?,
    };
    for child in &dependent.dependents {
        add_dependent(sweep, child, Some(number))?;
    }
    Ok(())
}

#[derive(Debug)]
pub(crate) struct Cursor(sweeps::Sweep);

impl Cursor {
    pub(crate) fn next(&mut self) -> Result<Step> {
        Ok(match self.0.next()? {
            sweeps::Step::Batch(batch) => Step::Batch(batch.into()),
            sweeps::Step::Drained => Step::Drained,
            sweeps::Step::Suspended(reason) => Step::Suspended(reason),
        })
    }
}

pub(crate) fn count(table: &str, matching: &Condition, up_to: u64) -> Result<u64> {
    Ok(rows::count(table, convert::condition(matching), up_to)?)
}

pub(crate) fn read(read: &Read) -> Result<Rows> {
    let matching = convert::condition(&read.matching);
    let reader = rows::Reader::open(&read.table, &read.columns, matching)?;
    if let Some((column, descending)) = &read.order_by {
        reader.order_by(column, *descending)?;
    }
    for dependent in &read.dependents {
        let (table, on) = (&dependent.table, convert::join(&dependent.on));
        match &dependent.matching {
            None => reader.delete_first(table, &on, None)?,
            Some(matching) => {
                reader.delete_first_where(table, &on, convert::condition(matching), None)?
            }
        };
    }
    Ok(Rows(reader))
}

#[derive(Debug)]
pub(crate) struct Rows(rows::Reader);

impl Rows {
    pub(crate) fn next(&mut self) -> Result<Reading> {
        Ok(match self.0.next()? {
            rows::Reading::Page(page) => Reading::Page(page.into()),
            rows::Reading::Drained => Reading::Drained,
            rows::Reading::Suspended(reason) => Reading::Suspended(reason),
        })
    }

    pub(crate) fn delete(&mut self, rows: &[u32]) -> Result<Batch> {
        Ok(self.0.delete(rows)?.into())
    }

    pub(crate) fn update(&mut self, rows: &[(u32, Vec<(String, Value)>)]) -> Result<Batch> {
        let rows: Vec<(u32, Vec<(String, types::Value)>)> = rows
            .iter()
            .map(|(row, values)| {
                let values = values.iter();
                let values = values.map(|(column, value)| (column.clone(), convert::value(value)));
                (*row, values.collect())
            })
            .collect();
        Ok(self.0.update(&rows)?.into())
    }
}
