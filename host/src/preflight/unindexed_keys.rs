//! `unindexed-foreign-key`: the database would read a whole child table for each row that goes.

use super::mend::{create_index, listed};
use super::reach::Reach;
use super::{Finding, Severity};
use crate::catalog::{Catalog, Dialect, ForeignKey, Index, OnDelete, Table, TableKind};

/// A table of so few rows is a page or two, which the database reads as fast as an index.
const SMALL: u64 = 100;

/// Every foreign key that the deletes make the database look up without an index.
pub(super) fn unindexed(reach: &Reach, catalog: &Catalog) -> Vec<Finding> {
    let keys = reach.keys.iter();
    keys.filter_map(|key| one(key, catalog)).collect()
}

fn one(key: &ForeignKey, catalog: &Catalog) -> Option<Finding> {
    let child = catalog.by_id(&key.child)?;
    let bare = without_index(child, &key.columns, catalog);
    if bare.is_empty() {
        return None;
    }
    let does = match key.on_delete {
        OnDelete::NoAction | OnDelete::Restrict => "looks for rows that still refer to it",
        OnDelete::Cascade => "looks for the rows to delete with it",
        OnDelete::SetNull | OnDelete::SetDefault => "looks for the rows to change with it",
    };
    let rows = match child.estimated_rows {
        0 => "not counted yet".to_owned(),
        rows => format!("about {rows} rows"),
    };
    let message = format!(
        "foreign key `{}`: no index on {} of `{}` ({rows}). For each row that goes from `{}` the \
         database {does}, and reads the whole table for it",
        key.name,
        listed(&key.columns),
        key.child,
        key.parent,
    );
    let fix = bare
        .into_iter()
        .map(|table| create_index(table, &key.columns, None, catalog));
    // What was never counted may be of any size.
    let severity = match child.estimated_rows {
        1..=SMALL => Severity::Warning,
        _ => Severity::Error,
    };
    Some(Finding::new("unindexed-foreign-key", severity, message).mended_by(fix))
}

/// The tables that need the index: none where there is one, or where a failed build of one needs
/// mending first (`invalid-index`). A partitioned table without is looked at leaf by leaf, because
/// CREATE INDEX CONCURRENTLY does not work on the whole.
pub(super) fn without_index<'a>(
    table: &'a Table,
    columns: &[String],
    catalog: &'a Catalog,
) -> Vec<&'a Table> {
    let mut fitting = table
        .indexes
        .iter()
        .filter(|index| finds(index, columns, catalog.dialect()));
    let ordinary = table.kind != TableKind::Partitioned;
    if fitting.any(|index| index.valid || ordinary) {
        return Vec::new();
    }
    if ordinary {
        return vec![table];
    }
    let leaves = table.partitions.iter().filter_map(|id| catalog.by_id(id));
    leaves
        .flat_map(|leaf| without_index(leaf, columns, catalog))
        .collect()
}

/// The index leads from these columns' values to every row that has them. One that also leaves out
/// rows where a column is NULL does: those refer to nothing.
fn finds(index: &Index, columns: &[String], dialect: Dialect) -> bool {
    let leading: Vec<_> = index
        .columns
        .iter()
        .take(columns.len())
        .filter(|column| column.collated)
        .filter_map(|column| column.name.as_deref())
        .collect();
    let covered = columns
        .iter()
        .all(|column| leading.contains(&column.as_str()));
    let method = index.btree || (index.hash && index.columns.len() == columns.len());
    let whole = index
        .predicate
        .as_deref()
        .is_none_or(|predicate| only_skips_nulls(predicate, columns, dialect));
    method && covered && leading.len() == columns.len() && whole
}

/// `a IS NOT NULL`, or several of these joined by AND, for columns of the key.
fn only_skips_nulls(predicate: &str, columns: &[String], dialect: Dialect) -> bool {
    predicate.split(" AND ").all(|term| {
        let term = term.trim().trim_matches(['(', ')']).trim();
        let Some(at) = term.len().checked_sub(" IS NOT NULL".len()) else {
            return false;
        };
        let (Some(name), Some(rest)) = (term.get(..at), term.get(at..)) else {
            return false;
        };
        let name = name.trim().trim_matches('"').replace("\"\"", "\"");
        rest.eq_ignore_ascii_case(" IS NOT NULL")
            && columns.iter().any(|column| match dialect {
                Dialect::Postgres => *column == name,
                Dialect::Sqlite => column.eq_ignore_ascii_case(&name),
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::IndexColumn;

    fn index(columns: &[&str], predicate: Option<&str>) -> Index {
        let column = |name: &&str| IndexColumn {
            name: Some((*name).to_owned()),
            descending: false,
            ordered: true,
            collated: true,
        };
        Index {
            name: "i".to_owned(),
            columns: columns.iter().map(column).collect(),
            unique: false,
            predicate: predicate.map(str::to_owned),
            valid: true,
            btree: true,
            hash: false,
        }
    }

    fn serves(index: &Index, key: &[&str]) -> bool {
        let key: Vec<String> = key.iter().map(|name| (*name).to_owned()).collect();
        finds(index, &key, Dialect::Postgres)
    }

    #[test]
    fn an_index_serves_a_key_whose_columns_lead_it_in_any_order() {
        assert!(serves(&index(&["a"], None), &["a"]));
        assert!(serves(&index(&["b", "a", "c"], None), &["a", "b"]));
        assert!(!serves(&index(&["c", "a"], None), &["a"]));
        assert!(!serves(&index(&["a", "c", "b"], None), &["a", "b"]));
        assert!(!serves(&index(&["a"], None), &["a", "b"]));
    }

    #[test]
    fn a_partial_index_serves_where_only_nulls_are_left_out() {
        assert!(serves(&index(&["a"], Some("(a IS NOT NULL)")), &["a"]));
        let both = "((a IS NOT NULL) AND (\"b\" is not null))";
        assert!(serves(&index(&["a", "b"], Some(both)), &["a", "b"]));
        assert!(!serves(&index(&["a"], Some("(live)")), &["a"]));
        assert!(!serves(&index(&["a"], Some("(c IS NOT NULL)")), &["a"]));
        assert!(!serves(
            &index(&["a"], Some("(a IS NOT NULL) OR live")),
            &["a"]
        ));
    }

    #[test]
    fn a_hash_index_serves_its_one_column_and_an_index_in_another_collation_nothing() {
        let hash = Index {
            btree: false,
            hash: true,
            ..index(&["a"], None)
        };
        assert!(serves(&hash, &["a"]));
        let mut foreign = index(&["a"], None);
        foreign.columns.iter_mut().for_each(|c| c.collated = false);
        assert!(!serves(&foreign, &["a"]));
    }
}
