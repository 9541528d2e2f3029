//! What the fake host remembers during one call.

use std::collections::{HashMap, VecDeque};

use super::tables::{Acted, PAGE_ROWS, Table};
use crate::access::TableAccess;
use crate::batch::Step;
use crate::context::Level;
use crate::error::{Error, Problem, Result};
use crate::rows::Reading;
use crate::setting::SettingValue;
use crate::sweep::Sweep;
use crate::time::Timestamp;

/// A sweep that a job opened.
#[derive(Debug, Clone, PartialEq)]
pub struct Swept {
    /// The sweep, as the job wrote it.
    pub sweep: Sweep,
    /// How often the job asked for a step.
    pub steps: usize,
}

/// A line that a job logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// How much it matters.
    pub level: Level,
    /// What it says.
    pub message: String,
    /// Its fields, in order.
    pub fields: Vec<(String, String)>,
}

/// What the call may touch.
#[derive(Debug)]
pub(super) enum Grant {
    /// Nothing: the call is `access`, which only names things.
    Nothing,
    /// What is listed.
    Only(Vec<TableAccess>),
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) now: Timestamp,
    pub(super) granted: Grant,
    pub(super) settings: HashMap<String, Option<SettingValue>>,
    pub(super) steps: HashMap<String, VecDeque<VecDeque<Result<Step>>>>,
    pub(super) pages: HashMap<String, VecDeque<Result<Reading>>>,
    pub(super) counts: HashMap<String, u64>,
    pub(super) tables: HashMap<String, Table>,
    /// Rows of a page at most.
    pub(super) page_rows: u32,
    /// Rows that readers may still change.
    pub(super) budget: u64,
    pub(super) acted: Vec<(String, Acted)>,
    pub(super) opened: Vec<Swept>,
    pub(super) logs: Vec<Logged>,
}

impl State {
    pub(super) fn new(now: Timestamp, granted: Grant) -> Self {
        Self {
            now,
            granted,
            settings: HashMap::new(),
            steps: HashMap::new(),
            pages: HashMap::new(),
            counts: HashMap::new(),
            tables: HashMap::new(),
            page_rows: PAGE_ROWS,
            budget: u64::MAX,
            acted: Vec::new(),
            opened: Vec::new(),
            logs: Vec::new(),
        }
    }

    /// Refuses what the access list does not ask for.
    pub(super) fn authorize(&self, needed: &[TableAccess]) -> Result<()> {
        let granted = match &self.granted {
            Grant::Nothing => &[],
            Grant::Only(list) => list.as_slice(),
        };
        for one in needed {
            let entries: Vec<_> = granted.iter().filter(|of| of.table == one.table).collect();
            if !covers(&entries, one) {
                return Err(Error::Denied(Problem {
                    code: "not-granted".to_owned(),
                    message: format!("the job's access list does not cover {one:?}"),
                }));
            }
        }
        Ok(())
    }
}

/// Whether everything that `needed` asks for is in `granted`, all of which is for the same table.
fn covers(granted: &[&TableAccess], needed: &TableAccess) -> bool {
    let has = |part: &dyn Fn(&TableAccess) -> bool| granted.iter().any(|of| part(of));
    !granted.is_empty()
        && needed
            .read
            .iter()
            .all(|name| has(&|of| of.read.contains(name)))
        && needed
            .update
            .iter()
            .all(|name| has(&|of| of.update.contains(name)))
        && (!needed.delete || has(&|of| of.delete))
        && needed
            .extras
            .iter()
            .all(|extra| has(&|of| of.extras.contains(extra)))
}

pub(super) fn undeclared(name: &str) -> Error {
    Error::invalid(
        "undeclared-setting",
        format!("the manifest declares no setting `{name}`"),
    )
}
