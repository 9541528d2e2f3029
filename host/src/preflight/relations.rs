//! `unenforced-relation`: what no lock can make safe. PostgreSQL only: SQLite has one writer at a
//! time.
//!
//! A batch locks the rows that its condition looked at. Against a row that is *inserted* meanwhile
//! only a foreign key helps, because its check locks the row that is referred to.

use super::mend::{create_index, idents, listed, name};
use super::polymorphic::kind_beside;
use super::reach::{Reach, Tie};
use super::unindexed_keys::without_index;
use super::{Finding, Severity};
use crate::catalog::{Catalog, Column, Dialect, ForeignKey, Kind, Table, TableKind, quote_ident};

const CODE: &str = "unenforced-relation";

/// Relations and dependents that no foreign key ties, and groups of which the newest are kept.
pub(super) fn unenforced(reach: &Reach, catalog: &Catalog) -> Vec<Finding> {
    let mut found: Vec<_> = reach
        .ties
        .iter()
        .filter(|tie| !enforced(tie))
        .map(|tie| told(tie, catalog))
        .collect();
    if reach.keeps_newest {
        let message = format!(
            "the newest rows of a group of `{}` are kept: a row that is deleted or moved to another \
             group by somebody else at the same moment may leave a group with fewer",
            reach.swept.id
        );
        found.push(Finding::new(CODE, Severity::Warning, message));
    }
    found
}

/// A foreign key on some of the joined columns, either way: who inserts the referring row locks the
/// other one.
pub(super) fn enforced(tie: &Tie) -> bool {
    let joins = |key: &ForeignKey, forward: bool| {
        let mut pairs = key.columns.iter().zip(&key.parent_columns);
        pairs.all(|(from, to)| {
            tie.on.iter().any(|join| {
                let (child, parent) = match forward {
                    true => (&join.foreign, &join.local),
                    false => (&join.local, &join.foreign),
                };
                child == from && parent == to
            })
        })
    };
    let refers = |child: &Table, parent: &Table, forward| {
        let mut keys = child.foreign_keys.iter();
        keys.any(|key| key.parent == parent.id && joins(key, forward))
    };
    refers(&tie.child, &tie.parent, true) || refers(&tie.parent, &tie.child, false)
}

fn told(tie: &Tie, catalog: &Catalog) -> Finding {
    let (child, parent) = (&tie.child, &tie.parent);
    let columns: Vec<_> = tie.on.iter().map(|join| join.foreign.clone()).collect();
    let referred: Vec<_> = tie.on.iter().map(|join| join.local.clone()).collect();
    let harm = match tie.dependent {
        true => "stays behind without its parent",
        false => "is not seen, and the row that it would have kept goes",
    };
    let stored = |table: &Table| matches!(table.kind, TableKind::Table | TableKind::Partitioned);
    // A column that refers to rows of several tables takes no key.
    let one_parent = tie.matching.is_none() && kind_beside(tie).is_none();
    // PostgreSQL knows no foreign keys of foreign tables, nor of a table that has some for partitions.
    let is_foreign = |table: &Table| {
        let mut leaves = catalog.leaves(table).into_iter().flatten();
        leaves.any(|leaf| leaf.kind == TableKind::Foreign)
    };
    let could_be = one_parent
        && !is_foreign(child)
        && child.id != parent.id
        && stored(child)
        && stored(parent)
        && identifies(parent, &referred);
    let unlike = unlike_types(tie);
    let mendable = could_be && unlike.is_none();
    let way_out = match (&unlike, could_be) {
        (None, true) => "Give it one".to_owned(),
        (Some((of, to)), true) => {
            format!("Give the columns one type, they are {of} and {to}, and then a foreign key")
        }
        (_, false) => {
            "No foreign key can say this; it is safe where whoever inserts such a row locks or \
             changes a row that it is tied to"
                .to_owned()
        }
    };
    let message = format!(
        "no foreign key ties {} of `{}` to {} of `{}`: a row that is inserted there in the middle of \
         a batch {harm}. {way_out}",
        listed(&columns),
        child.id,
        listed(&referred),
        parent.id,
    );
    let finding = Finding::new(CODE, Severity::Warning, message);
    if !mendable {
        return finding;
    }
    let table = name(&child.id, Dialect::Postgres);
    let constraint = quote_ident(&format!("{}_{}_fkey", child.id.name, columns.join("_")));
    let add = format!(
        "ALTER TABLE {table} ADD CONSTRAINT {constraint} FOREIGN KEY ({}) REFERENCES {} ({})",
        idents(&columns),
        name(&parent.id, Dialect::Postgres),
        idents(&referred),
    );
    // The key is looked up at every delete from then on, which must not be slow.
    let mut fix: Vec<_> = without_index(child, &columns, &[], catalog)
        .into_iter()
        .map(|bare| create_index(bare, &columns, None, catalog))
        .collect();
    if child.kind == TableKind::Partitioned {
        fix.push(add); // PostgreSQL before 18 knows no NOT VALID there
    } else {
        // NOT VALID enforces it from now on and locks for a moment only; VALIDATE looks at old rows.
        fix.push(format!("{add} NOT VALID"));
        fix.push(format!(
            "ALTER TABLE {table} VALIDATE CONSTRAINT {constraint}"
        ));
    }
    finding.mended_by(fix)
}

/// The types of the first two columns, child's and parent's, between which PostgreSQL may make no foreign key. It
/// makes more than are known here: between those an operator may try.
fn unlike_types(tie: &Tie) -> Option<(&str, &str)> {
    let columns = tie.on.iter().filter_map(|join| {
        let own = tie.child.column(&join.foreign)?;
        Some((own, tie.parent.column(&join.local)?))
    });
    let mut unlike = columns.filter(|(own, of)| !may_refer(own, of));
    let found = unlike.next();
    found.map(|(own, of)| (own.sql_type.as_str(), of.sql_type.as_str()))
}

fn may_refer(own: &Column, of: &Column) -> bool {
    let text = |column: &Column| matches!(column.sql_type.as_str(), "text" | "character varying");
    let whole = |column: &Column| matches!(column.kind, Kind::Integer(_));
    own.sql_type == of.sql_type || text(own) && text(of) || whole(own) && whole(of)
}

/// A foreign key may refer to these columns.
fn identifies(table: &Table, columns: &[String]) -> bool {
    table.indexes.iter().any(|index| {
        let same = |column: &String| {
            let mut own = index.columns.iter();
            own.any(|c| c.name.as_ref() == Some(column))
        };
        index.unique
            && index.valid
            && index.predicate.is_none()
            && index.columns.len() == columns.len()
            && columns.iter().all(same)
    })
}
