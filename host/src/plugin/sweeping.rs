//! A guest's sweep: a draft until its first `next`, a sweep of the host from then on.

use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::request::{Fault, Problem, Request, Step};
use crate::sweep::{RunContext, Sweep};

use super::guest::{Phase, State};
use super::tree::Tree;

/// What stands in the guest's table of handles. It never changes once the sweep is open: the open
/// sweep is behind the cell, so a call that is dropped half-way leaves the table as it was.
pub struct Draft {
    request: Arc<Request>,
    opened: Arc<OnceCell<Sweep>>,
}

impl Draft {
    /// A draft of a sweep that deletes.
    pub(super) fn delete(table: String, matching: Tree) -> Result<Self, Fault> {
        let request = Request::delete(table, matching.finish()?);
        Ok(Self {
            request: Arc::new(request),
            opened: Arc::default(),
        })
    }

    /// Names the column whose index bounds the batches.
    pub(super) fn order_by(&mut self, column: String) -> Result<(), Fault> {
        if self.opened.initialized() {
            return Err(Fault::invalid(
                "too-late",
                "`order-by` comes before the first `next`; this sweep is under way",
            ));
        }
        Arc::make_mut(&mut self.request).order_by = Some(column);
        Ok(())
    }

    /// A handle to take along over an await.
    pub(super) fn cursor(&self) -> Cursor {
        Cursor {
            request: Arc::clone(&self.request),
            opened: Arc::clone(&self.opened),
        }
    }
}

/// What a step needs of a [`Draft`].
pub(super) struct Cursor {
    request: Arc<Request>,
    opened: Arc<OnceCell<Sweep>>,
}

impl Cursor {
    /// Opens the sweep where this is the first step, and takes one.
    pub(super) async fn next(self, context: &Arc<RunContext>) -> Result<Step, Fault> {
        let open = || Sweep::open(context, Request::clone(&self.request));
        let sweep = self.opened.get_or_try_init(open).await?.clone();
        sweep.next().await
    }
}

impl State {
    /// The run that the guest is part of; outside of `run` no row can be looked at or changed.
    pub(super) fn running(&self) -> Result<Arc<RunContext>, Fault> {
        match &self.phase {
            Phase::Run(context) => Ok(Arc::clone(context)),
            Phase::Describe | Phase::Probe(_) => Err(Fault::Other(Problem::new(
                "not-now",
                format!(
                    "`{}` may not look at rows; only `run` may",
                    self.site.export
                ),
            ))),
        }
    }
}
