//! The calls that reach a host, answered by the [`State`] of the call under way on this thread.

use std::cell::RefCell;
use std::collections::HashSet;

use super::rules;
use super::state::{Logged, State, Swept, undeclared};
use super::tables::Acted;
use crate::access::{self, TableAccess, merged, of_condition};
use crate::batch::{Batch, Step};
use crate::condition::Condition;
use crate::context::Level;
use crate::error::{Error, Problem, Result};
use crate::rows::{Read, Reading};
use crate::setting::SettingValue;
use crate::sweep::Sweep;
use crate::time::Timestamp;
use crate::value::Value;

thread_local! {
    static STATE: RefCell<Option<State>> = const { RefCell::new(None) };
}

/// Puts the thread's host back to what it was, also when the call under test panics.
struct Installed(Option<State>);

impl Drop for Installed {
    fn drop(&mut self) {
        STATE.set(self.0.take());
    }
}

pub(super) fn with<T>(state: State, call: impl FnOnce() -> T) -> (T, State) {
    let now = state.now;
    let _before = Installed(STATE.replace(Some(state)));
    let answer = call();
    let state = STATE.take();
    (
        answer,
        state.unwrap_or_else(|| State::new(now, super::state::Grant::Nothing)),
    )
}

fn ask<T>(question: impl FnOnce(&mut State) -> Result<T>) -> Result<T> {
    STATE.with_borrow_mut(|state| match state {
        Some(state) => question(state),
        None => Err(Error::Other(Problem {
            code: "no-host".to_owned(),
            message: "there is no host here: use `besom_plugin::testing::FakeHost`".to_owned(),
        })),
    })
}

pub(crate) fn now() -> Timestamp {
    ask(|state| Ok(state.now)).unwrap_or(Timestamp::from_micros(0))
}

pub(crate) fn setting(name: &str) -> Result<Option<SettingValue>> {
    ask(|state| {
        state
            .settings
            .get(name)
            .cloned()
            .ok_or_else(|| undeclared(name))
    })
}

/// Without a host, the line is lost.
pub(crate) fn log(level: Level, message: &str, fields: Vec<(String, String)>) {
    let message = message.to_owned();
    let line = Logged {
        level,
        message,
        fields,
    };
    let _ = ask(|state| {
        state.logs.push(line);
        Ok(())
    });
}

pub(crate) fn open(sweep: &Sweep) -> Result<Cursor> {
    ask(|state| {
        rules::check(sweep)?;
        state.authorize(&sweep.access())?;
        state.opened.push(Swept {
            sweep: sweep.clone(),
            steps: 0,
        });
        let script = state.steps.get_mut(sweep.table());
        Ok(Cursor {
            index: state.opened.len() - 1,
            script: script
                .and_then(|sweeps| sweeps.pop_front())
                .unwrap_or_default(),
        })
    })
}

#[derive(Debug)]
pub(crate) struct Cursor {
    index: usize,
    script: std::collections::VecDeque<Result<Step>>,
}

impl Cursor {
    pub(crate) fn next(&mut self) -> Result<Step> {
        ask(|state| {
            if let Some(swept) = state.opened.get_mut(self.index) {
                swept.steps += 1;
            }
            self.script.pop_front().unwrap_or(Ok(Step::Drained))
        })
    }
}

pub(crate) fn count(table: &str, matching: &Condition, up_to: u64) -> Result<u64> {
    ask(|state| {
        let mut needed = Vec::new();
        of_condition(table, matching, &mut needed);
        state.authorize(&merged(needed))?;
        Ok(state.counts.get(table).copied().unwrap_or(0).min(up_to))
    })
}

pub(crate) fn read(read: &Read) -> Result<Rows> {
    ask(|state| {
        state.authorize(&read.access())?;
        let held = state.tables.get(&read.table);
        let order = held.map(|table| table.order(read)).transpose()?;
        Ok(Rows {
            table: read.table.clone(),
            columns: read.columns.clone(),
            order,
            shown: 0,
            page: Vec::new(),
        })
    })
}

#[derive(Debug)]
pub(crate) struct Rows {
    table: String,
    columns: Vec<String>,
    /// The rows of a held table in the order of the read; `None`: the pages are scripted.
    order: Option<Vec<usize>>,
    /// So many of them have been shown.
    shown: usize,
    /// The rows of the page in hand.
    page: Vec<usize>,
}

impl Rows {
    pub(crate) fn next(&mut self) -> Result<Reading> {
        self.page.clear();
        let Some(order) = &self.order else {
            let reading = ask(|state| {
                let pages = state.pages.get_mut(&self.table);
                pages
                    .and_then(|pages| pages.pop_front())
                    .unwrap_or(Ok(Reading::Drained))
            })?;
            if let Reading::Page(page) = &reading {
                self.page = (0..page.length as usize).collect();
            }
            return Ok(reading);
        };
        ask(|state| {
            let rest = order.iter().skip(self.shown).copied();
            let shown: Vec<usize> = rest.take(state.page_rows as usize).collect();
            if shown.is_empty() {
                return Ok(Reading::Drained);
            }
            if state.budget == 0 {
                return Ok(Reading::Suspended("row-budget".to_owned()));
            }
            let offset = self.shown as u64;
            self.shown += shown.len();
            self.page = shown;
            match state.tables.get(&self.table) {
                Some(table) => table.page(&self.page, &self.columns, offset),
                None => Ok(Reading::Drained),
            }
        })
    }

    pub(crate) fn delete(&mut self, rows: &[u32]) -> Result<Batch> {
        self.check(rows.iter().copied())?;
        let needed = access::table(&self.table).deletes();
        self.act(&needed, Acted::Delete(rows.to_vec()))
    }

    pub(crate) fn update(&mut self, rows: &[(u32, Vec<(String, Value)>)]) -> Result<Batch> {
        self.check(rows.iter().map(|(row, _)| *row))?;
        let mut named = HashSet::new();
        if let Some((row, _)) = rows.iter().find(|(row, _)| !named.insert(*row)) {
            return Err(Error::invalid(
                "not-assignable",
                format!("row {row} is named twice: say its new values once"),
            ));
        }
        let columns = rows.iter().flat_map(|(_, values)| values);
        let columns = columns.map(|(column, _)| column);
        let needed = access::table(&self.table).updates(columns);
        self.act(&needed, Acted::Update(rows.to_vec()))
    }

    /// Refuses rows that the page in hand does not have.
    fn check(&self, mut rows: impl Iterator<Item = u32>) -> Result<()> {
        match rows.find(|row| *row as usize >= self.page.len()) {
            Some(row) => Err(Error::invalid(
                "position",
                format!(
                    "row {row} is not on the page: it has {} rows",
                    self.page.len()
                ),
            )),
            None => Ok(()),
        }
    }

    /// As far as the row budget goes.
    fn act(&self, needed: &TableAccess, acted: Acted) -> Result<Batch> {
        ask(|state| {
            state.authorize(std::slice::from_ref(needed))?;
            let most = state.budget;
            let held = state.tables.get_mut(&self.table);
            let batch = match (held, &acted) {
                (Some(table), Acted::Delete(rows)) => table.delete(&self.page, rows, most),
                (Some(table), Acted::Update(rows)) => table.update(&self.page, rows, most)?,
                // Scripted rows are all there.
                (None, Acted::Delete(rows)) => all(most.min(rows.len() as u64)),
                (None, Acted::Update(rows)) => all(most.min(rows.len() as u64)),
            };
            state.budget -= batch.affected.min(state.budget);
            state.acted.push((self.table.clone(), acted));
            Ok(batch)
        })
    }
}

fn all(rows: u64) -> Batch {
    Batch {
        examined: rows,
        affected: rows,
        ..Batch::default()
    }
}
