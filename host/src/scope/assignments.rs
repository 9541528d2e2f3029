//! What an update assigns, and every right that takes.

use std::sync::Arc;

use super::cascade::referred_to;
use super::check::Check;
use super::tables::{find, find_column};
use super::zoned::{is_zoned, ties_the_same};
use crate::catalog::{Catalog, Column, Kind, Table};
use crate::request::{Assignment, Fault, Request, Right, Source, Value};

impl Check<'_> {
    /// Every assigned column, and every column that a value comes from.
    pub(super) fn assignments(
        &mut self,
        table: &Table,
        request: &Request,
        assignments: &[Assignment],
    ) -> Result<(), Fault> {
        for Assignment { column, source } in assignments {
            let column = find_column(table, column)?;
            assignable(table, request, column, self.catalog)?;
            self.stays(table, column)?;
            let keys = table.foreign_keys.iter();
            for key in keys.filter(|key| key.columns.contains(&column.name)) {
                ties_the_same(key, self.catalog)?;
                self.zoned |= is_zoned(key, self.catalog);
            }
            self.needs_right(
                table,
                Right::Update,
                Some(&column.name),
                "the sweep assigns it",
            );
            self.source(table, column, source)?;
        }
        let keyless = table.primary_key.is_empty() && !table.has_rowid;
        let assigned = |from: &String| assignments.iter().any(|a| a.column == *from);
        for Assignment { source, .. } in assignments {
            if let (true, Source::Column(from)) = (keyless, source)
                && assigned(from)
            {
                return Err(not_assignable(
                    table,
                    find_column(table, from)?,
                    "is also where another one's new value comes from, and without a primary key \
                     a row that has been updated may be met again",
                ));
            }
        }
        Ok(())
    }

    /// The new value leaves the row in its partition.
    fn stays(&self, table: &Table, column: &Column) -> Result<(), Fault> {
        let moves = |above: &&Arc<Table>| {
            above.partition_key.contains(&column.name) && self.catalog.holds(&above.id, &table.id)
        };
        match self.catalog.tables().find(moves) {
            None => Ok(()),
            Some(above) => Err(not_assignable(
                table,
                column,
                &format!("says which partition of `{}` a row is in", above.id),
            )),
        }
    }

    fn source(&mut self, table: &Table, column: &Column, source: &Source) -> Result<(), Fault> {
        match source {
            Source::Value(Value::Null) if !column.nullable => {
                Err(not_assignable(table, column, "is NOT NULL"))
            }
            Source::Each(values) if !column.nullable && values.contains(&Some(Value::Null)) => {
                Err(not_assignable(table, column, "is NOT NULL"))
            }
            Source::Value(_) | Source::Each(_) => Ok(()),
            Source::Column(from) => {
                self.reads(table, from, "set-from-column")?;
                alike(table, column, table, find_column(table, from)?)
            }
            Source::Related {
                table: other,
                on,
                column: from,
            } => {
                let related = Arc::clone(find(self.catalog, other)?);
                self.joins(table, &related, on)?;
                self.reads(&related, from, "set-from-related")?;
                alike(table, column, &related, find_column(&related, from)?)
            }
            Source::Network { .. } => {
                self.reads(table, &column.name, "set-network")?;
                match column.kind {
                    Kind::Inet | Kind::Text | Kind::Any => Ok(()),
                    _ => Err(not_assignable(table, column, "holds no IP address")),
                }
            }
        }
    }
}

fn assignable(
    table: &Table,
    request: &Request,
    column: &Column,
    catalog: &Catalog,
) -> Result<(), Fault> {
    let name = &column.name;
    if column.generated {
        return Err(not_assignable(table, column, "is generated"));
    }
    if table.primary_key.contains(name) {
        return Err(not_assignable(
            table,
            column,
            "is part of the primary key, which tells the rows of a batch apart",
        ));
    }
    if request.order_by.as_ref() == Some(name) {
        return Err(not_assignable(
            table,
            column,
            "is the order of the sweep: rows would move while they are gone through",
        ));
    }
    match referred_to(table, std::slice::from_ref(name), catalog) {
        None => Ok(()),
        Some(key) => Err(Fault::unsupported(&format!(
            "assigning column `{name}` of `{}`, which `{}` of `{}` refers to: what its ON UPDATE \
             rule does then is not known,",
            table.id, key.name, key.child
        ))),
    }
}

/// The two columns hold the same kind of thing.
fn alike(table: &Table, column: &Column, other: &Table, from: &Column) -> Result<(), Fault> {
    let kinds = std::mem::discriminant(&column.kind) == std::mem::discriminant(&from.kind);
    let same_enum = !matches!(column.kind, Kind::Enum(_)) || column.sql_type == from.sql_type;
    if kinds && same_enum && column.time_form == from.time_form {
        return Ok(());
    }
    Err(Fault::invalid(
        "value",
        format!(
            "column `{}` of `{}` ({}) cannot take its value from `{}` of `{}` ({}): they hold \
             different things",
            column.name, table.id, column.sql_type, from.name, other.id, from.sql_type
        ),
    ))
}

fn not_assignable(table: &Table, column: &Column, why: &str) -> Fault {
    Fault::invalid(
        "not-assignable",
        format!(
            "column `{}` of `{}` cannot be assigned: it {why}",
            column.name, table.id
        ),
    )
}
