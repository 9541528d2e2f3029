//! `unindexed-foreign-key`: the database would read a whole child table for each row that goes.

use std::collections::BTreeMap;

use super::mend::{create_index, listed};
use super::reach::Reach;
use super::weight::{Weights, grouped, pages, rows, time, told};
use super::{Finding, Severity};
use crate::catalog::{Catalog, Dialect, ForeignKey, Index, OnDelete, Table, TableId, TableKind};
use crate::request::Request;

/// Every foreign key that the deletes make the database look up without an index, each once for all of
/// them.
pub(super) fn unindexed(
    reaches: &[(&Request, Reach)],
    weights: &Weights,
    catalog: &Catalog,
) -> Vec<Finding> {
    let mut found: BTreeMap<(TableId, String), (&ForeignKey, Going)> = BTreeMap::new();
    for (request, reach) in reaches {
        for key in bare_keys(reach, catalog) {
            let more = going(request, reach, key, weights, catalog);
            let name = (key.child.clone(), key.name.clone());
            let (_, all) = found.entry(name).or_insert((key, Going::default()));
            all.rows = all.rows.saturating_add(more.rows);
            all.at_most |= more.at_most;
        }
    }
    let found = found.into_values();
    found
        .filter_map(|(key, going)| one(key, going, weights, catalog))
        .collect()
}

/// The keys of a request that no index serves.
pub(super) fn bare_keys<'a>(
    reach: &'a Reach,
    catalog: &'a Catalog,
) -> impl Iterator<Item = &'a ForeignKey> {
    let bare = |key: &&ForeignKey| {
        let child = catalog.by_id(&key.child);
        child.is_some_and(|child| !without_index(child, &key.columns, catalog).is_empty())
    };
    reach.keys.iter().filter(bare)
}

/// Rows of a key's parent that go.
#[derive(Debug, Clone, Copy, Default)]
struct Going {
    rows: u64,
    at_most: bool,
}

/// Of the swept table as many as were counted. Of a table that hangs on it the same part of its rows: how
/// many hang on those that go is not looked for.
fn going(
    request: &Request,
    reach: &Reach,
    key: &ForeignKey,
    weights: &Weights,
    catalog: &Catalog,
) -> Going {
    let swept = weights.size(&reach.swept);
    let counted = weights.to_go(request);
    if key.parent == reach.swept.id {
        return Going {
            rows: counted.unwrap_or(swept.rows),
            at_most: counted.is_none(),
        };
    }
    let parent = catalog.by_id(&key.parent);
    let rows = parent.map_or(0, |parent| weights.size(parent).rows);
    let part = counted.filter(|counted| *counted < swept.rows);
    Going {
        rows: part.map_or(rows, |counted| {
            let part = u128::from(rows) * u128::from(counted) / u128::from(swept.rows.max(1));
            u64::try_from(part).unwrap_or(rows)
        }),
        at_most: counted.is_none(),
    }
}

fn one(key: &ForeignKey, going: Going, weights: &Weights, catalog: &Catalog) -> Option<Finding> {
    let child = catalog.by_id(&key.child)?;
    let dialect = catalog.dialect();
    let does = match key.rule() {
        OnDelete::NoAction | OnDelete::Restrict => "looks for rows that still refer to it",
        OnDelete::Cascade => "looks for the rows to delete with it",
        OnDelete::SetNull | OnDelete::SetDefault => "looks for the rows to change with it",
    };
    let size = weights.size(child);
    let reads = going.rows.saturating_mul(size.pages);
    let gains = weights.gains_by_index(child);
    let message = format!(
        "foreign key `{}`: no index on {} of `{}` ({} on {}). For each row that goes from `{}` the \
         database {does}, and reads the whole table for it: {} {} to go x {} = {} page reads, {}{}",
        key.name,
        listed(&key.columns),
        key.child,
        rows(size),
        pages(size.pages),
        key.parent,
        if going.at_most { "up to" } else { "about" },
        match going.rows {
            1 => "1 row".to_owned(),
            rows => format!("{} rows", grouped(rows)),
        },
        pages(size.pages),
        grouped(reads),
        told(time(reads, dialect)),
        match gains {
            true => "",
            false => ". So small a table is read as fast as an index would be",
        },
    );
    let fix = without_index(child, &key.columns, catalog)
        .into_iter()
        .filter(|_| gains)
        .map(|table| create_index(table, &key.columns, None, catalog));
    let told = |severity| Finding::new("unindexed-foreign-key", severity, message).mended_by(fix);
    Some(match weights.too_much(going.rows, size.pages, dialect) {
        true => told(Severity::Error),
        false => told(Severity::Warning).borne(),
    })
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
