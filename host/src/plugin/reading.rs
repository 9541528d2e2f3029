//! A guest's reader: a draft until its first `next`, a reader of the host from then on.

use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::request::{Action, Batch, Dependent, Fault, Reading, Request};
use crate::sweep::{Change, Reader, RunContext};

use super::guest::{Phase, State};
use super::limits::Limits;
use super::sizes::fits;
use super::sweeping::add_dependent;
use super::tree::Tree;

/// What stands in the guest's table of handles. As with a sweep, it never changes once the reader is
/// open.
pub struct ReadDraft {
    request: Arc<Request>,
    /// What the names in columns and dependents take, in bytes.
    bytes: usize,
    opened: Arc<OnceCell<Reader>>,
}

impl ReadDraft {
    /// A draft of a read.
    pub(super) fn read(
        table: String,
        columns: Vec<String>,
        matching: Tree,
        limits: &Limits,
    ) -> Result<Self, Fault> {
        fits("read-columns", columns.len(), limits.read_columns)?;
        let bytes = columns.iter().map(String::len).sum();
        fits("sweep-bytes", bytes, limits.sweep_bytes)?;
        Ok(Self {
            request: Arc::new(Request::read(table, columns, matching.finish()?)),
            bytes,
            opened: Arc::default(),
        })
    }

    /// Names the order, and which end of it comes first.
    pub(super) fn order_by(&mut self, column: String, descending: bool) -> Result<(), Fault> {
        let request = self.still_open_to("`order-by` comes")?;
        request.order_by = Some(column);
        if let Action::Read(look) = &mut request.action {
            look.descending = descending;
        }
        Ok(())
    }

    /// Adds rows that go ahead of a row that is deleted, and answers their number.
    pub(super) fn dependent(
        &mut self,
        dependent: Dependent,
        limits: &Limits,
    ) -> Result<u32, Fault> {
        let bytes = self.bytes;
        let request = self.still_open_to("dependents come")?;
        let (number, bytes) = add_dependent(request, bytes, dependent, limits)?;
        self.bytes = bytes;
        Ok(number)
    }

    /// The request, as long as no page has been read. `what` comes too late otherwise.
    fn still_open_to(&mut self, what: &str) -> Result<&mut Request, Fault> {
        if self.opened.initialized() {
            return Err(Fault::invalid(
                "too-late",
                format!("{what} before the first `next`; this reader is under way"),
            ));
        }
        Ok(Arc::make_mut(&mut self.request))
    }

    /// A handle to take along over an await.
    pub(super) fn cursor(&self) -> ReadCursor {
        ReadCursor {
            request: Arc::clone(&self.request),
            opened: Arc::clone(&self.opened),
        }
    }
}

/// What a call on a reader needs of a [`ReadDraft`].
pub(super) struct ReadCursor {
    request: Arc<Request>,
    opened: Arc<OnceCell<Reader>>,
}

impl ReadCursor {
    /// Opens the reader where this is the first page, and reads one.
    pub(super) async fn next(self, context: &Arc<RunContext>) -> Result<Reading, Fault> {
        let open = || Reader::open(context, Request::clone(&self.request));
        let reader = self.opened.get_or_try_init(open).await?.clone();
        reader.next().await
    }

    /// Acts on rows of the page in hand.
    pub(super) async fn act(self, change: Change) -> Result<Batch, Fault> {
        match self.opened.get() {
            Some(reader) => reader.act(change).await,
            None => Err(Fault::invalid(
                "position",
                "there is no page in hand to act on: call `next` first",
            )),
        }
    }
}

impl State {
    /// What rows may be looked at with: a run's context, or that of a preflight.
    pub(super) fn looking(&self) -> Result<Arc<RunContext>, Fault> {
        match &self.phase {
            Phase::Look(context) => Ok(Arc::clone(context)),
            Phase::Run(_) | Phase::Describe | Phase::Probe(_) => self.running(),
        }
    }
}
