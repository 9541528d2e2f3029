//! The calls that reach a host, answered by the [`State`] of the call under way on this thread.

use std::cell::RefCell;

use super::rules;
use super::state::{Logged, State, Swept, undeclared};
use crate::access::{merged, of_condition};
use crate::batch::{Batch, Step};
use crate::condition::Condition;
use crate::context::Level;
use crate::error::{Error, Problem, Result};
use crate::rows::{Page, Read, Reading};
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
        Ok(Rows {
            table: read.table.clone(),
            page: None,
        })
    })
}

#[derive(Debug)]
pub(crate) struct Rows {
    table: String,
    page: Option<Page>,
}

impl Rows {
    pub(crate) fn next(&mut self) -> Result<Reading> {
        let reading = ask(|state| {
            let pages = state.pages.get_mut(&self.table);
            pages
                .and_then(|pages| pages.pop_front())
                .unwrap_or(Ok(Reading::Drained))
        })?;
        self.page = match &reading {
            Reading::Page(page) => Some(page.clone()),
            _ => None,
        };
        Ok(reading)
    }

    pub(crate) fn delete(&mut self, rows: &[u32]) -> Result<Batch> {
        self.act(rows.iter().copied())
    }

    pub(crate) fn update(&mut self, rows: &[(u32, Vec<(String, Value)>)]) -> Result<Batch> {
        self.act(rows.iter().map(|(row, _)| *row))
    }

    fn act(&self, rows: impl ExactSizeIterator<Item = u32>) -> Result<Batch> {
        let length = self.page.as_ref().map_or(0, |page| page.length);
        let affected = rows.len() as u64;
        let mut rows = rows;
        match rows.find(|row| *row >= length) {
            Some(row) => Err(Error::invalid(
                "no-such-row",
                format!("the page has no row {row}"),
            )),
            None => Ok(Batch {
                examined: affected,
                affected,
                ..Batch::default()
            }),
        }
    }
}
