//! A guest's sweep: a draft until its first `next`, a sweep of the host from then on.

use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::request::{
    Action, Assignment, Condition, Dependent, Fate, Fault, Join, Problem, Request, Source, Step,
};
use crate::sweep::{RunContext, Sweep};

use super::guest::{Phase, State};
use super::limits::Limits;
use super::sizes::{assignment_bytes, depth, fits, joins_bytes, tree_bytes};
use super::tree::Tree;

/// What stands in the guest's table of handles. It never changes once the sweep is open: the open
/// sweep is behind the cell, so a call that is dropped half-way leaves the table as it was.
pub struct Draft {
    request: Arc<Request>,
    /// What the names and values of dependents and assignments take, in bytes.
    bytes: usize,
    opened: Arc<OnceCell<Sweep>>,
}

impl Draft {
    /// A draft of a sweep that deletes.
    pub(super) fn delete(table: String, matching: Tree) -> Result<Self, Fault> {
        Ok(Self::of(Request::delete(table, matching.finish()?)))
    }

    /// A draft of a sweep that gives rows new values.
    pub(super) fn update(table: String, matching: Tree) -> Result<Self, Fault> {
        Ok(Self::of(Request::update(table, matching.finish()?)))
    }

    fn of(request: Request) -> Self {
        Self {
            request: Arc::new(request),
            bytes: 0,
            opened: Arc::default(),
        }
    }

    /// Names the column whose index bounds the batches.
    pub(super) fn order_by(&mut self, column: String) -> Result<(), Fault> {
        self.still_open_to("`order-by` comes")?.order_by = Some(column);
        Ok(())
    }

    /// Adds rows that go, or are let go, ahead of their parent, and answers their number.
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

    /// Adds a column that is to change.
    pub(super) fn assign(&mut self, assignment: Assignment, limits: &Limits) -> Result<(), Fault> {
        let bytes = self.bytes.saturating_add(assignment_bytes(&assignment));
        let request = self.still_open_to("`set-…` comes")?;
        if let Action::Update(assignments) = &request.action {
            fits(
                "sweep-assignments",
                assignments.len() + 1,
                limits.assignments,
            )?;
        }
        if let Source::Related { on, .. } = &assignment.source {
            fits("join-pairs", on.len(), limits.join_pairs)?;
        }
        fits("sweep-bytes", bytes, limits.sweep_bytes)?;
        request.assign(assignment)?;
        self.bytes = bytes;
        Ok(())
    }

    /// The request, as long as no step has been taken. `what` comes too late otherwise.
    fn still_open_to(&mut self, what: &str) -> Result<&mut Request, Fault> {
        if self.opened.initialized() {
            return Err(Fault::invalid(
                "too-late",
                format!("{what} before the first `next`; this sweep is under way"),
            ));
        }
        Ok(Arc::make_mut(&mut self.request))
    }

    /// A handle to take along over an await.
    pub(super) fn cursor(&self) -> Cursor {
        Cursor {
            request: Arc::clone(&self.request),
            opened: Arc::clone(&self.opened),
        }
    }
}

/// A dependent as the guest names it.
pub(super) fn dependent_of(
    table: String,
    on: Vec<Join>,
    matching: Option<Condition>,
    parent: Option<u32>,
    fate: Fate,
) -> Dependent {
    Dependent {
        table,
        on,
        // No place in a list is that large, so it is answered as no earlier dependent.
        parent: parent.map(|parent| usize::try_from(parent).unwrap_or(usize::MAX)),
        matching,
        fate,
    }
}

/// Adds a dependent to a request that takes `bytes` so far, and answers its number and the bytes with
/// it.
pub(super) fn add_dependent(
    request: &mut Request,
    bytes: usize,
    dependent: Dependent,
    limits: &Limits,
) -> Result<(u32, usize), Fault> {
    let matching = dependent.matching.as_ref().map_or(0, tree_bytes);
    let own = dependent.table.len() + joins_bytes(&dependent.on) + matching;
    let bytes = bytes.saturating_add(own);
    let place = request.dependents.len();
    fits("sweep-dependents", place + 1, limits.dependents)?;
    let depth = depth(&request.dependents, &dependent);
    fits("dependent-depth", depth, limits.dependent_depth)?;
    fits("join-pairs", dependent.on.len(), limits.join_pairs)?;
    fits("sweep-bytes", bytes, limits.sweep_bytes)?;
    let number = u32::try_from(request.add_dependent(dependent)?).unwrap_or(u32::MAX);
    Ok((number, bytes))
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
            Phase::Describe | Phase::Probe(_) | Phase::Look(_) => Err(Fault::Other(Problem::new(
                "not-now",
                format!(
                    "`{}` may not change rows{}; only `run` may",
                    self.site.export,
                    match self.phase {
                        Phase::Look(_) => "",
                        _ => " or look at them",
                    }
                ),
            ))),
        }
    }
}
