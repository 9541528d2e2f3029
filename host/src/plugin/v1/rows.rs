//! `rows`: reading. Every call answers that a later version brings it.

use wasmtime::component::Resource;

use super::super::guest::State;
use super::super::tree::Tree;
use super::Refusal;
use super::bindings::besom::cleanup::rows as wit;
use super::bindings::besom::cleanup::types;

/// A reader. There is none yet: `open` answers an error.
pub enum Reader {}

impl wit::Host for State {
    async fn count(
        &mut self,
        _table: String,
        matching: Resource<Tree>,
        _up_to: u64,
    ) -> Result<u64, Refusal> {
        self.take(matching).map_err(Refusal::Stop)?;
        self.later("rows.count")
    }
}

impl wit::HostReader for State {
    async fn open(
        &mut self,
        _table: String,
        _columns: Vec<String>,
        matching: Resource<Tree>,
    ) -> Result<Resource<Reader>, Refusal> {
        self.take(matching).map_err(Refusal::Stop)?;
        self.later("reader.open")
    }

    async fn order_by(
        &mut self,
        _reader: Resource<Reader>,
        _column: String,
        _descending: bool,
    ) -> Result<(), Refusal> {
        self.later("reader.order-by")
    }

    async fn delete_first(
        &mut self,
        _reader: Resource<Reader>,
        _table: String,
        _on: Vec<types::Join>,
        _parent: Option<u32>,
    ) -> Result<u32, Refusal> {
        self.later("reader.delete-first")
    }

    async fn next(&mut self, _reader: Resource<Reader>) -> Result<wit::Reading, Refusal> {
        self.later("reader.next")
    }

    async fn delete(
        &mut self,
        _reader: Resource<Reader>,
        _rows: Vec<u32>,
    ) -> Result<types::Batch, Refusal> {
        self.later("reader.delete")
    }

    async fn update(
        &mut self,
        _reader: Resource<Reader>,
        _rows: Vec<(u32, Vec<(String, types::Value)>)>,
    ) -> Result<types::Batch, Refusal> {
        self.later("reader.update")
    }

    async fn drop(&mut self, reader: Resource<Reader>) -> wasmtime::Result<()> {
        self.enter("reader.drop")?;
        self.table.delete(reader)?;
        Ok(())
    }
}
