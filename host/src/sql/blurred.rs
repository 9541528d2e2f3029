//! SQLite: rows that `=` ties and that need not belong together.
//!
//! Between a column of texts and one of numbers `=` makes numbers of the texts, so that 7 equals `'7'` and `'007'`; what
//! has no affinity is made a number as well. A foreign key lets the child's 7 in for `'7'` alone, and its
//! rules take it along with `'007'` all the same. So a row is held where one is tied to it that may be another's.

use super::Plan;
use super::writer::Row;
use crate::catalog::{Affinity, Column, Dialect};
use crate::scope::{Link, Path};

impl Plan {
    /// Rows at the end of the path may be tied to more than the row that they belong to.
    pub(super) fn is_blurred(&self, path: &Path) -> bool {
        let Some(link) = path.0.last() else {
            return false;
        };
        let (parent, child) = (
            self.catalog.by_id(&link.parent),
            self.catalog.by_id(&link.child),
        );
        let (Some(parent), Some(child)) = (parent, child) else {
            return false;
        };
        let mut pairs = link.columns.iter().zip(&link.parent_columns);
        self.dialect() == Dialect::Sqlite
            && pairs.any(|(to, from)| {
                let columns = parent.column(from).zip(child.column(to));
                columns.is_some_and(|(parent, child)| means(parent, child) != Meant::ByEqual)
            })
    }
}

/// What a foreign key compares of the child's value.
#[derive(PartialEq, Eq)]
enum Meant {
    /// The same as `=`.
    ByEqual,
    AsText,
    AsItIs,
}

fn means(parent: &Column, child: &Column) -> Meant {
    match (parent.affinity, child.affinity) {
        (Some(Affinity::Text), Some(Affinity::Number)) => Meant::AsText,
        (Some(Affinity::None), Some(Affinity::Number)) => Meant::AsItIs,
        _ => Meant::ByEqual,
    }
}

/// Of a child that `=` ties to the parent: it is that one's.
pub(super) fn strictly(link: &Link, child: &Row<'_>, parent: &Row<'_>) -> String {
    let pairs = link.columns.iter().zip(&link.parent_columns);
    let terms = pairs.filter_map(|(to, from)| {
        let (above, below) = (parent.table.column(from)?, child.table.column(to)?);
        let (left, right) = (parent.column(from), child.column(to));
        match means(above, below) {
            Meant::ByEqual => None,
            Meant::AsText if link.key.is_some() => Some(format!("{left} = CAST({right} AS TEXT)")),
            // Where no key says that 7 is `'7'`, it may have been written as `'007'`.
            Meant::AsText => Some(format!("typeof({right}) = 'text'")),
            Meant::AsItIs => Some(format!("{left} = +{right}")),
        }
    });
    terms.collect::<Vec<_>>().join(" AND ")
}
