//! What is known of a batch ahead of its COMMIT, in case that the answer is lost: the ledger has its counts alone.

use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::attempt::{Attempt, Done, Way};
use super::careful::Tried;
use super::inner::Inner;
use super::links::Told;
use super::moved_on::How;
use crate::database::Session;
use crate::request::Batch;
use crate::sql::Window;

/// A batch that is about to commit.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// As the ledger has it once the batch has committed.
    checkpoint: String,
    window: Window,
    told: Told,
    tried: Option<Tried>,
}

impl Known {
    pub(super) fn new(checkpoint: String, window: Window, told: Told) -> Self {
        Self {
            checkpoint,
            window,
            told,
            tried: None,
        }
    }

    /// The same of a batch whose rows went piece by piece.
    pub(super) fn with_tried(self, tried: Tried) -> Self {
        let tried = Some(tried);
        Self { tried, ..self }
    }
}

/// That of the attempt under way.
#[derive(Debug, Default)]
pub(super) struct InHand(Mutex<Option<Known>>);

impl InHand {
    pub(super) fn put(&self, known: Known) {
        *self.lock() = Some(known);
    }

    /// Adds how its rows went piece by piece.
    pub(super) fn tried(&self, tried: &Tried) {
        if let Some(known) = &mut *self.lock() {
            known.tried = Some(tried.clone());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Attempts at one batch whose connection was lost: one of them may have committed.
#[derive(Debug, Default)]
pub(super) struct Lost(Vec<(How, Known, u64)>);

impl Lost {
    /// Notes an attempt, where it had come so far that it may have committed.
    pub(super) fn note(&mut self, how: How, in_hand: &InHand, inner: &Inner) {
        if let Some(known) = in_hand.lock().take() {
            let beside = inner.beside.load(Ordering::Relaxed);
            self.0.push((how, known, beside));
        }
    }

    /// The one that has left this checkpoint; `None`: of none or of several that can be said.
    pub(super) fn committed(self, checkpoint: &str, inner: &Inner) -> Option<(How, Known)> {
        let left_it = |of: &(How, Known, u64)| of.1.checkpoint == checkpoint;
        let mut found = self.0.into_iter().filter(left_it);
        let (how, known, beside) = found.next()?;
        inner.beside.store(beside, Ordering::Relaxed);
        found.next().is_none().then_some((how, known))
    }
}

impl Attempt<'_> {
    /// What the batch came to, now that it has committed.
    pub(super) async fn came_to(&self, session: &mut Session, batch: Batch, known: Known) -> Done {
        let Known {
            window,
            told,
            tried,
            ..
        } = known;
        if let Way::Apart(_) = self.way {
            return Done {
                batch,
                next: window.next,
                blocked_by: Default::default(),
                gone_before: 0,
                told,
                tried,
            };
        }
        let refused = tried.as_ref().map_or(0, |tried| tried.pieces.refused);
        let by_others = Batch {
            blocked: batch.blocked.saturating_sub(refused),
            ..batch
        };
        let done = self.done(session, by_others, window, told).await;
        Done {
            batch,
            tried,
            ..done
        }
    }
}
