//! Rows that others of their table wait for, looked for by their keys in a run that goes on in the middle of it.
//!
//! Windows bring together what lies within the reach of one run. What hangs together over a longer way, or round in a
//! circle, would be told by one run and by another, and known to none.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::chained::{ask, read};
use super::context::RunContext;
use super::inner::Inner;
use super::links::{Told, Waits};
use super::probe::begin_reading;
use super::transaction::Failed;
use super::windows::size;
use crate::catalog::{Dialect, ForeignKey, OnDelete};
use crate::database::{Bind, Session};
use crate::sql::{Cursor, Hold, Pick, Picked, Plan, forget_picked};

/// For as long as windows take, such looks may take so many times that: a row that is told by its key costs less than one
/// that is told by a window, and what hangs together may be far longer than the way that windows come.
const SHARE: u32 = 3;

/// What such looks take.
#[derive(Debug, Default)]
pub(super) struct Seeking {
    windows: Duration,
    looks: Duration,
    /// A look has failed, and the run does without.
    failed: Option<String>,
}

/// Due rows of a table that wait for others of it, which the run did not come to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FurtherOn {
    /// The table's keys by which rows hold others.
    pub keys: Vec<ForeignKey>,
    /// One of the rows, by its key.
    pub row: String,
    /// The one that it waits for, over however many others.
    pub for_row: String,
    /// So many rows wait.
    pub rows: u64,
    /// Why the looks have ended; `None`: with the run.
    pub failed: Option<String>,
}

impl Inner {
    /// Looks for rows that those of the last windows wait for.
    pub(super) async fn seek(&mut self, context: &RunContext, window: Duration, is_last: bool) {
        let plan = Arc::clone(&self.plan);
        let Some(chains) = &mut self.chains else {
            return;
        };
        let Some(seeking) = &mut chains.seeking else {
            return;
        };
        seeking.windows += window;
        let time = (seeking.windows * SHARE).saturating_sub(seeking.looks);
        let links = &mut chains.links;
        if is_last {
            links.ripen();
        }
        if time.is_zero() {
            return;
        }
        let began = Instant::now();
        while began.elapsed() < time && seeking.failed.is_none() && context.due_to_stop().is_none()
        {
            let most = usize::try_from(size(context)).unwrap_or(usize::MAX);
            let keys = links.sought(most);
            if keys.is_empty() {
                break;
            }
            match look_for(context, &plan, &keys).await {
                Ok(told) => links.tell_of(&keys, told),
                Err(why) => {
                    tracing::debug!(table = %plan.table().id, %why, "rows that others wait for were not looked for");
                    links.seek_again(&keys);
                    seeking.failed = Some(why.to_string());
                }
            }
        }
        links.close_circles();
        seeking.looks += began.elapsed();
    }

    /// Rows that wait for others which were not looked for.
    pub(super) fn further_on(&self) -> Option<FurtherOn> {
        let chains = self.chains.as_ref()?;
        let seeking = chains.seeking.as_ref()?;
        let Waits { row, for_row, rows } = chains.links.waits()?;
        let keys = self.plan.authorized.chains().iter();
        Some(FurtherOn {
            keys: keys
                .filter(|key| key.on_delete != OnDelete::Cascade)
                .cloned()
                .collect(),
            row: shown(&row),
            for_row: shown(&for_row),
            rows,
            failed: seeking.failed.clone(),
        })
    }
}

async fn look_for(context: &RunContext, plan: &Plan, keys: &[Box<str>]) -> Result<Told, Failed> {
    /// Of the time that is left to the run.
    const PART: u32 = 4;
    let left = context.ends.saturating_duration_since(Instant::now());
    let limit = context.database.options().statement_timeout;
    let limit = limit.min(left / PART).max(Duration::from_millis(1));
    let picked = Picked {
        columns: Vec::new(),
        rows: keys
            .iter()
            .map(|key| Pick::new(read(key), Bind::Null))
            .collect(),
        blocked_beside: 0,
        hold: Hold::Loose,
        windows: None,
    };
    let window = picked.window(&Cursor::default(), keys.len() as u64);
    let plan = plan.with_picked(Arc::new(picked));
    let mut session = context.database.session().await?;
    let noted = session.dialect() == Dialect::Sqlite;
    if noted {
        for statement in plan.note_picked()? {
            session.execute(&statement).await?;
        }
    }
    let told = told(&mut session, &plan, &window, limit).await?;
    if noted {
        for statement in forget_picked() {
            session.execute(&statement).await?;
        }
    }
    Ok(told)
}

async fn told(
    session: &mut Session,
    plan: &Plan,
    window: &crate::sql::Window,
    limit: Duration,
) -> Result<Told, Failed> {
    let look = begin_reading(session, limit).await?;
    let told = match ask(session, plan, window).await {
        Err(Failed::Database(error)) => Err(error),
        told => Ok(told),
    };
    look.end(session, told).await?
}

/// A key as it is told to people.
fn shown(key: &str) -> String {
    let parts = read(key).into_iter().map(|part| match part {
        Bind::Text(text) => text,
        Bind::Integer(number) => number.to_string(),
        Bind::Real(number) => number.to_string(),
        Bind::Blob(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        Bind::Null | Bind::Texts(_) => "NULL".to_owned(),
    });
    parts.collect::<Vec<_>>().join(", ")
}
