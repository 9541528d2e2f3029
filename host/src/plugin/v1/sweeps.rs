//! `sweeps`: batched work on every row that meets a condition.

use wasmtime::component::Resource;

use crate::request::{Batch, Fault, Step};

use super::super::guest::State;
use super::super::sweeping::Draft;
use super::super::tree::Tree;
use super::Refusal;
use super::bindings::besom::cleanup::sweeps as wit;
use super::bindings::besom::cleanup::types;

impl wit::Host for State {}

impl State {
    /// Answers a call that belongs to a run and that this version does not carry out.
    pub(super) fn later<T>(&mut self, import: &'static str) -> Result<T, Refusal> {
        self.enter(import)?;
        self.running()?;
        Err(Fault::unsupported(&format!("`{import}`")).into())
    }
}

impl wit::HostSweep for State {
    async fn delete(
        &mut self,
        table: String,
        matching: Resource<Tree>,
    ) -> Result<Resource<Draft>, Refusal> {
        self.enter("sweep.delete")?;
        let matching = self.take(matching).map_err(Refusal::Stop)?;
        self.running()?;
        Ok(self.table.push(Draft::delete(table, matching)?)?)
    }

    async fn update(
        &mut self,
        _table: String,
        matching: Resource<Tree>,
    ) -> Result<Resource<Draft>, Refusal> {
        self.take(matching).map_err(Refusal::Stop)?;
        self.later("sweep.update")
    }

    async fn order_by(&mut self, sweep: Resource<Draft>, column: String) -> Result<(), Refusal> {
        self.enter("sweep.order-by")?;
        Ok(self.table.get_mut(&sweep)?.order_by(column)?)
    }

    async fn delete_first(
        &mut self,
        _sweep: Resource<Draft>,
        _table: String,
        _on: Vec<types::Join>,
        _parent: Option<u32>,
    ) -> Result<u32, Refusal> {
        self.later("sweep.delete-first")
    }

    async fn unlink_first(
        &mut self,
        _sweep: Resource<Draft>,
        _table: String,
        _on: Vec<types::Join>,
        _parent: Option<u32>,
    ) -> Result<u32, Refusal> {
        self.later("sweep.unlink-first")
    }

    async fn set_value(
        &mut self,
        _sweep: Resource<Draft>,
        _column: String,
        _value: types::Value,
    ) -> Result<(), Refusal> {
        self.later("sweep.set-value")
    }

    async fn set_from_column(
        &mut self,
        _sweep: Resource<Draft>,
        _column: String,
        _source: String,
    ) -> Result<(), Refusal> {
        self.later("sweep.set-from-column")
    }

    async fn set_from_related(
        &mut self,
        _sweep: Resource<Draft>,
        _column: String,
        _table: String,
        _on: Vec<types::Join>,
        _source: String,
    ) -> Result<(), Refusal> {
        self.later("sweep.set-from-related")
    }

    async fn set_network(
        &mut self,
        _sweep: Resource<Draft>,
        _column: String,
        _ipv4_prefix: u8,
        _ipv6_prefix: u8,
    ) -> Result<(), Refusal> {
        self.later("sweep.set-network")
    }

    async fn next(&mut self, sweep: Resource<Draft>) -> Result<wit::Step, Refusal> {
        self.enter("sweep.next")?;
        let context = self.running()?;
        let cursor = self.table.get(&sweep)?.cursor();
        // Nothing of the state is touched from here on: the future may be dropped.
        let step = cursor.next(&context).await?;
        Ok(match step {
            Step::Batch(done) => wit::Step::Batch(batch(done)),
            Step::Drained => wit::Step::Drained,
            Step::Suspended(reason) => wit::Step::Suspended(reason.as_str().to_owned()),
        })
    }

    async fn drop(&mut self, sweep: Resource<Draft>) -> wasmtime::Result<()> {
        self.enter("sweep.drop")?;
        self.table.delete(sweep)?;
        Ok(())
    }
}

fn batch(batch: Batch) -> types::Batch {
    types::Batch {
        examined: batch.examined,
        affected: batch.affected,
        dependents: batch.dependents,
        cascaded: batch.cascaded,
        locked: batch.locked,
        blocked: batch.blocked,
        revived: batch.revived,
    }
}
