//! Where a sweep stands, and how large its next window is.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::careful::Careful;
use super::chained::Chained;
use super::checkpoint::{Identity, Place};
use super::leaves::Leaves;
use super::scout::Scout;
use super::span::Span;
use super::turns::Turn;
use crate::sql::{Cursor, Plan, Technique};

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) leaves: Leaves,
    /// That of the leaf in hand.
    pub(super) plan: Arc<Plan>,
    pub(super) technique: Technique,
    pub(super) ordinal: usize,
    pub(super) asks: Identity,
    /// `None`: drained.
    pub(super) cursor: Option<Cursor>,
    /// The run began here where an earlier one stood: at the end of the table it comes round.
    pub(super) midway: bool,
    pub(super) turn: Turn,
    /// Batches still to run with SKIP LOCKED after the fast pass met a locked row.
    pub(super) skip_locked: u32,
    /// Rows that a window may have.
    pub(super) span: Span,
    /// The latest batch was a piece of a row, which is not yet gone.
    pub(super) in_pieces: bool,
    /// Rows that a piece may have.
    pub(super) pieces: Span,
    /// Of the row that is being taken apart: parts of which nothing is left.
    pub(super) gone_before: usize,
    pub(super) scout: Scout,
    /// The database has refused rows: how the next batch is tried.
    pub(super) careful: Option<Careful>,
    /// Rows of the table that hang together.
    pub(super) chains: Option<Chained>,
    /// Batches of such rows: where the windows stand, whatever these rows come to.
    pub(super) stands: Option<Cursor>,
    /// Batches of such rows: with them the sweep is at its end.
    pub(super) is_last: bool,
    /// Nothing is left but to record so many rows that others of the table hold.
    pub(super) closes: Option<u64>,
    /// Rows that went in the batch in hand beside those that it counts.
    pub(super) beside: AtomicU64,
    /// Dry run: rows that would have gone in an order, by their keys, where later batches may change them.
    pub(super) gone: Arc<HashSet<Box<str>>>,
}

impl Inner {
    /// At its end, until it goes on.
    pub(super) fn new(leaves: Leaves, plan: Arc<Plan>, ordinal: usize, asks: Identity) -> Self {
        Self {
            span: Span::first(&plan),
            technique: plan.technique().0,
            leaves,
            plan,
            ordinal,
            asks,
            cursor: None,
            midway: false,
            turn: Turn::default(),
            skip_locked: 0,
            in_pieces: false,
            pieces: Span::of_pieces(),
            gone_before: 0,
            scout: Scout::default(),
            careful: None,
            chains: None,
            stands: None,
            is_last: false,
            closes: None,
            beside: AtomicU64::new(0),
            gone: Arc::default(),
        }
    }

    /// Rows that others hang on are not skipped by one statement: where rows are held, a batch
    /// with dependents locks first.
    pub(super) fn technique(&self) -> Technique {
        match self.skip_locked > 0 && self.plan.has_dependents() {
            true => Technique::LockThenCheck,
            false => self.technique,
        }
    }

    /// Where the sweep stands after a window with this cursor behind it: at the end of the table a sweep
    /// that began midway comes round to the first row.
    pub(super) fn place_after(&self, next: Option<&Cursor>) -> Place {
        match next {
            None if self.midway => Place {
                cursor: Some(Cursor::default()),
                midway: false,
            },
            next => Place {
                cursor: next.cloned(),
                midway: self.midway,
            },
        }
    }

    /// Takes the sweep to where a cursor points; `None`: to its end.
    pub(super) fn go_on(&mut self, cursor: Option<Cursor>) {
        self.cursor = cursor.and_then(|cursor| self.leaves.resume(cursor));
        if let Some(plan) = self.leaves.plan()
            && plan.table().id != self.plan.table().id
        {
            self.plan = Arc::clone(plan);
            self.technique = plan.technique().0;
            self.span = Span::first(&self.plan).knowing(self.span.in_time_rows());
            self.scout = Scout::default();
            self.careful = None;
        }
    }

    /// After a locked row: the next windows skip locked rows at once, because where one row is
    /// held its neighbours often are too.
    pub(super) fn met_a_lock(&mut self) {
        const STICKY: u32 = 20;
        self.skip_locked = STICKY;
    }

    pub(super) fn one_window_on(&mut self) {
        self.skip_locked = self.skip_locked.saturating_sub(1);
    }
}
