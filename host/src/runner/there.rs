//! What a job asks for, as far as the database has it.

use crate::catalog::Catalog;
use crate::plugin::TableAccess;

/// The same list without what may be missing and is: of an entry that is `if_there` the whole, where its
/// table or a column that it reads is not there (the foreign key that it speaks of is not there either),
/// and each updated column that is not.
pub(super) fn there(access: Vec<TableAccess>, catalog: &Catalog) -> Vec<TableAccess> {
    let left = |mut of: TableAccess| {
        if !of.if_there {
            return Some(of);
        }
        let table = catalog.table(&of.table).ok()?;
        let known = |column: &String| table.column(column).is_some();
        if !of.read.iter().all(known) {
            return None;
        }
        of.update.retain(known);
        (of.delete || !of.read.is_empty() || !of.update.is_empty()).then_some(of)
    };
    access.into_iter().filter_map(left).collect()
}
