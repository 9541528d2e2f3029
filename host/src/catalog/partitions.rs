//! The leaves of a partitioned table, and the table that a partition belongs to.

use std::sync::Arc;

use super::{Catalog, Table, TableId, TableKind};

impl Catalog {
    /// The tables that hold the rows of a partitioned table, however deep its partitions lie, by
    /// schema and name; a partition that this role cannot see as its name alone. Nothing for any
    /// other table.
    pub fn leaves(&self, table: &Table) -> Vec<Result<Arc<Table>, TableId>> {
        let mut found = Vec::new();
        self.gather(table, &mut found);
        let id_of = |leaf: &Result<Arc<Table>, TableId>| match leaf {
            Ok(table) => table.id.clone(),
            Err(id) => id.clone(),
        };
        found.sort_by_key(id_of);
        found
    }

    /// The leaves that this role can see.
    pub(crate) fn leaves_of<'a>(
        &'a self,
        table: &'a Table,
    ) -> Box<dyn Iterator<Item = &'a Arc<Table>> + 'a> {
        if table.kind != TableKind::Partitioned {
            return Box::new(std::iter::empty());
        }
        let parts = table.partitions.iter().filter_map(|id| self.by_id(id));
        Box::new(parts.flat_map(|part| match part.kind {
            TableKind::Partitioned => self.leaves_of(part),
            _ => Box::new(std::iter::once(part)),
        }))
    }

    fn gather(&self, table: &Table, found: &mut Vec<Result<Arc<Table>, TableId>>) {
        // An ordinary table has rows of its own, and what inherits from it is another table.
        if table.kind != TableKind::Partitioned {
            return;
        }
        for id in &table.partitions {
            match self.by_id(id) {
                Some(part) if part.kind == TableKind::Partitioned => self.gather(part, found),
                Some(leaf) => found.push(Ok(Arc::clone(leaf))),
                None => found.push(Err(id.clone())),
            }
        }
    }

    /// The partitioned tables that a table is a part of, however deep it lies in them.
    pub fn partitioned_above<'a>(&'a self, id: &'a TableId) -> impl Iterator<Item = &'a TableId> {
        let all = self.tables.values();
        let above = all.filter(move |table| table.id != *id && self.holds(&table.id, id));
        above.map(|table| &table.id)
    }

    /// `id` is `table` itself or a partition below it: its rows are rows of `table`.
    pub fn holds(&self, table: &TableId, id: &TableId) -> bool {
        table == id
            || self.by_id(table).is_some_and(|table| {
                table.kind == TableKind::Partitioned
                    && table.partitions.iter().any(|part| self.holds(part, id))
            })
    }
}
