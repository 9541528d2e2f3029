//! `sweeps`: batched work on every row that meets a condition.

use std::sync::Arc;

use wasmtime::component::Resource;

use crate::request::{Assignment, Batch, Dependent, Fate, Source, Step};

use super::super::guest::State;
use super::super::sweeping::{Draft, dependent_of};
use super::super::tree::Tree;
use super::Refusal;
use super::bindings::besom::cleanup::sweeps as wit;
use super::bindings::besom::cleanup::types;
use super::conditions::{joins, value};

impl wit::Host for State {}

impl State {
    fn assign(
        &mut self,
        import: &'static str,
        sweep: &Resource<Draft>,
        column: String,
        source: Source,
    ) -> Result<(), Refusal> {
        self.enter(import)?;
        let limits = Arc::clone(&self.limits);
        let draft = self.table.get_mut(sweep)?;
        Ok(draft.assign(Assignment { column, source }, &limits)?)
    }
}

impl State {
    fn dependent(&mut self, sweep: &Resource<Draft>, dependent: Dependent) -> Result<u32, Refusal> {
        let limits = Arc::clone(&self.limits);
        Ok(self.table.get_mut(sweep)?.dependent(dependent, &limits)?)
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
        table: String,
        matching: Resource<Tree>,
    ) -> Result<Resource<Draft>, Refusal> {
        self.enter("sweep.update")?;
        let matching = self.take(matching).map_err(Refusal::Stop)?;
        self.running()?;
        Ok(self.table.push(Draft::update(table, matching)?)?)
    }

    async fn order_by(&mut self, sweep: Resource<Draft>, column: String) -> Result<(), Refusal> {
        self.enter("sweep.order-by")?;
        Ok(self.table.get_mut(&sweep)?.order_by(column)?)
    }

    async fn delete_first(
        &mut self,
        sweep: Resource<Draft>,
        table: String,
        on: Vec<types::Join>,
        parent: Option<u32>,
    ) -> Result<u32, Refusal> {
        self.enter("sweep.delete-first")?;
        self.dependent(
            &sweep,
            dependent_of(table, joins(on), None, parent, Fate::Delete),
        )
    }

    async fn unlink_first(
        &mut self,
        sweep: Resource<Draft>,
        table: String,
        on: Vec<types::Join>,
        parent: Option<u32>,
    ) -> Result<u32, Refusal> {
        self.enter("sweep.unlink-first")?;
        self.dependent(
            &sweep,
            dependent_of(table, joins(on), None, parent, Fate::Unlink),
        )
    }

    async fn delete_first_where(
        &mut self,
        sweep: Resource<Draft>,
        table: String,
        on: Vec<types::Join>,
        matching: Resource<Tree>,
        parent: Option<u32>,
    ) -> Result<u32, Refusal> {
        self.enter("sweep.delete-first-where")?;
        let matching = self.take(matching).map_err(Refusal::Stop)?.finish()?;
        self.dependent(
            &sweep,
            dependent_of(table, joins(on), Some(matching), parent, Fate::Delete),
        )
    }

    async fn unlink_first_where(
        &mut self,
        sweep: Resource<Draft>,
        table: String,
        on: Vec<types::Join>,
        matching: Resource<Tree>,
        parent: Option<u32>,
    ) -> Result<u32, Refusal> {
        self.enter("sweep.unlink-first-where")?;
        let matching = self.take(matching).map_err(Refusal::Stop)?.finish()?;
        self.dependent(
            &sweep,
            dependent_of(table, joins(on), Some(matching), parent, Fate::Unlink),
        )
    }

    async fn set_value(
        &mut self,
        sweep: Resource<Draft>,
        column: String,
        to: types::Value,
    ) -> Result<(), Refusal> {
        self.assign("sweep.set-value", &sweep, column, Source::Value(value(to)))
    }

    async fn set_from_column(
        &mut self,
        sweep: Resource<Draft>,
        column: String,
        source: String,
    ) -> Result<(), Refusal> {
        let source = Source::Column(source);
        self.assign("sweep.set-from-column", &sweep, column, source)
    }

    async fn set_from_related(
        &mut self,
        sweep: Resource<Draft>,
        column: String,
        table: String,
        on: Vec<types::Join>,
        source: String,
    ) -> Result<(), Refusal> {
        let source = Source::Related {
            table,
            on: joins(on),
            column: source,
        };
        self.assign("sweep.set-from-related", &sweep, column, source)
    }

    async fn set_network(
        &mut self,
        sweep: Resource<Draft>,
        column: String,
        ipv4_prefix: u8,
        ipv6_prefix: u8,
    ) -> Result<(), Refusal> {
        let source = Source::Network {
            ipv4_prefix,
            ipv6_prefix,
        };
        self.assign("sweep.set-network", &sweep, column, source)
    }

    async fn next(&mut self, sweep: Resource<Draft>) -> Result<wit::Step, Refusal> {
        self.enter("sweep.next")?;
        let context = self.running()?;
        let cursor = self.table.get(&sweep)?.cursor();
        // Nothing of the state is touched from here on: the future may be dropped.
        let step = self.for_guest(cursor.next(&context)).await?;
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

pub(super) fn batch(batch: Batch) -> types::Batch {
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
