//! `rows`: reading, for plugins that must look at rows to decide.

use std::sync::Arc;

use wasmtime::component::Resource;

use crate::request::{Fate, Reading, Request, Values};
use crate::sweep::{Change, count};

use super::super::guest::State;
use super::super::reading::ReadDraft;
use super::super::sweeping::dependent_of;
use super::super::tree::Tree;
use super::Refusal;
use super::bindings::besom::cleanup::rows as wit;
use super::bindings::besom::cleanup::types;
use super::conditions::{joins, value};
use super::sweeps::batch;

impl wit::Host for State {
    async fn count(
        &mut self,
        table: String,
        matching: Resource<Tree>,
        up_to: u64,
    ) -> Result<u64, Refusal> {
        self.enter("rows.count")?;
        let matching = self.take(matching).map_err(Refusal::Stop)?;
        let context = self.looking()?;
        let request = Request::read(table, Vec::new(), matching.finish()?);
        Ok(self.for_guest(count(&context, request, up_to)).await?)
    }
}

impl wit::HostReader for State {
    async fn open(
        &mut self,
        table: String,
        columns: Vec<String>,
        matching: Resource<Tree>,
    ) -> Result<Resource<ReadDraft>, Refusal> {
        self.enter("reader.open")?;
        let matching = self.take(matching).map_err(Refusal::Stop)?;
        self.looking()?;
        let draft = ReadDraft::read(table, columns, matching, &self.limits)?;
        Ok(self.table.push(draft)?)
    }

    async fn order_by(
        &mut self,
        reader: Resource<ReadDraft>,
        column: String,
        descending: bool,
    ) -> Result<(), Refusal> {
        self.enter("reader.order-by")?;
        Ok(self.table.get_mut(&reader)?.order_by(column, descending)?)
    }

    async fn delete_first(
        &mut self,
        reader: Resource<ReadDraft>,
        table: String,
        on: Vec<types::Join>,
        parent: Option<u32>,
    ) -> Result<u32, Refusal> {
        self.enter("reader.delete-first")?;
        let limits = Arc::clone(&self.limits);
        let dependent = dependent_of(table, joins(on), None, parent, Fate::Delete);
        Ok(self.table.get_mut(&reader)?.dependent(dependent, &limits)?)
    }

    async fn delete_first_where(
        &mut self,
        reader: Resource<ReadDraft>,
        table: String,
        on: Vec<types::Join>,
        matching: Resource<Tree>,
        parent: Option<u32>,
    ) -> Result<u32, Refusal> {
        self.enter("reader.delete-first-where")?;
        let matching = self.take(matching).map_err(Refusal::Stop)?.finish()?;
        let limits = Arc::clone(&self.limits);
        let dependent = dependent_of(table, joins(on), Some(matching), parent, Fate::Delete);
        Ok(self.table.get_mut(&reader)?.dependent(dependent, &limits)?)
    }

    async fn next(&mut self, reader: Resource<ReadDraft>) -> Result<wit::Reading, Refusal> {
        self.enter("reader.next")?;
        let context = self.looking()?;
        let cursor = self.table.get(&reader)?.cursor();
        // Nothing of the state is touched from here on: the future may be dropped.
        Ok(match self.for_guest(cursor.next(&context)).await? {
            Reading::Page(page) => wit::Reading::Page(wit::Page {
                length: page.length,
                columns: page.columns.into_iter().map(column).collect(),
                offset: page.offset,
            }),
            Reading::Drained => wit::Reading::Drained,
            Reading::Suspended(reason) => wit::Reading::Suspended(reason.as_str().to_owned()),
        })
    }

    async fn delete(
        &mut self,
        reader: Resource<ReadDraft>,
        rows: Vec<u32>,
    ) -> Result<types::Batch, Refusal> {
        self.enter("reader.delete")?;
        self.running()?;
        let cursor = self.table.get(&reader)?.cursor();
        Ok(batch(
            self.for_guest(cursor.act(Change::Delete(rows))).await?,
        ))
    }

    async fn update(
        &mut self,
        reader: Resource<ReadDraft>,
        rows: Vec<(u32, Vec<(String, types::Value)>)>,
    ) -> Result<types::Batch, Refusal> {
        self.enter("reader.update")?;
        self.running()?;
        let cursor = self.table.get(&reader)?.cursor();
        let given = |(column, to)| (column, value(to));
        let rows = rows
            .into_iter()
            .map(|(row, values)| (row, values.into_iter().map(given).collect()));
        let act = cursor.act(Change::Update(rows.collect()));
        Ok(batch(self.for_guest(act).await?))
    }

    async fn drop(&mut self, reader: Resource<ReadDraft>) -> wasmtime::Result<()> {
        self.enter("reader.drop")?;
        self.table.delete(reader)?;
        Ok(())
    }
}

fn column(values: Values) -> wit::Column {
    match values {
        Values::Booleans(list) => wit::Column::Booleans(list),
        Values::Integers(list) => wit::Column::Integers(list),
        Values::Floats(list) => wit::Column::Floats(list),
        Values::Texts(list) => wit::Column::Texts(list),
        Values::Blobs(list) => wit::Column::Blobs(list),
        Values::Timestamps(list) => {
            let micros = list.into_iter().map(|at| at.map(|at| at.0));
            wit::Column::Timestamps(micros.collect())
        }
    }
}
