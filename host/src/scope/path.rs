//! How rows of other tables hang on the swept row.

use super::TableGrant;
use crate::catalog::{ForeignKey, OnDelete, TableId};
use crate::request::{Condition, Fate};

/// One step down: rows of `child` tied to a row of `parent`.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// The table above.
    pub parent: TableId,
    /// The table below.
    pub child: TableId,
    /// The child's columns.
    pub columns: Vec<String>,
    /// The parent's columns that they equal, in the same order.
    pub parent_columns: Vec<String>,
    /// Only those of these rows that meet this; `None`: all.
    pub matching: Option<Condition>,
    /// The foreign key that ties them; `None`: a dependent of the request, tied as it says.
    pub key: Option<ForeignKey>,
}

impl Link {
    pub(crate) fn by_key(key: &ForeignKey) -> Self {
        Self {
            parent: key.parent.clone(),
            child: key.child.clone(),
            columns: key.columns.clone(),
            parent_columns: key.parent_columns.clone(),
            matching: None,
            key: Some(key.clone()),
        }
    }

    /// The foreign key's rule.
    pub fn rule(&self) -> Option<OnDelete> {
        self.key.as_ref().map(|key| key.on_delete)
    }

    /// Every row that refers by `key` is one that this link ties: it asks for no more.
    pub fn covers(&self, key: &ForeignKey) -> bool {
        self.matching.is_none() && self.covers_some_of(key)
    }

    /// The same but for what it asks of the rows themselves.
    pub(super) fn covers_some_of(&self, key: &ForeignKey) -> bool {
        let tied = |(child, parent): (&String, &String)| {
            let mut pairs = key.columns.iter().zip(&key.parent_columns);
            pairs.any(|(to, from)| to == child && from == parent)
        };
        self.child == key.child && self.columns.iter().zip(&self.parent_columns).all(tied)
    }
}

/// Links from the swept table down to a descendant: the first hangs on the swept row, each next
/// one on the rows of the one before.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Path(pub Vec<Link>);

impl Path {
    /// The table at the far end.
    pub fn child(&self) -> Option<&TableId> {
        self.0.last().map(|link| &link.child)
    }

    /// The foreign key at the far end.
    pub fn key(&self) -> Option<&ForeignKey> {
        self.0.last().and_then(|link| link.key.as_ref())
    }

    /// The rule of the foreign key at the far end.
    pub fn rule(&self) -> Option<OnDelete> {
        self.key().map(|key| key.on_delete)
    }

    pub(super) fn and(&self, link: Link) -> Self {
        let mut longer = self.clone();
        longer.0.push(link);
        longer
    }
}

/// Rows that the request has deleted or unlinked ahead of the swept row.
#[derive(Debug, Clone, PartialEq)]
pub struct Tied {
    /// How they hang on the swept row.
    pub path: Path,
    /// What becomes of them.
    pub fate: Fate,
    /// Their table's own `min-age` and `where`: a parent with a dependent outside them stays.
    pub narrowing: Vec<Condition>,
}

/// A foreign key whose rows forbid the delete, unless they go with the swept row themselves.
#[derive(Debug, Clone, PartialEq)]
pub struct Restriction {
    /// How the rows hang on the swept row.
    pub path: Path,
    /// Dependents, by their place, whose rows may be the ones that refer: those go first, or are
    /// unlinked by a column of this very key.
    pub within: Vec<usize>,
    /// Rows that hang on the swept row by one of these paths go with it, and hold nothing.
    pub along: Vec<Path>,
}

/// Rows of a child table that ON DELETE CASCADE, SET NULL or SET DEFAULT takes or changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Consequence {
    /// How the child hangs on the swept table.
    pub path: Path,
    /// The child's own `min-age` and `where`: a parent with a child outside them stays.
    pub narrowing: Vec<Condition>,
}

impl Consequence {
    /// The rights that it takes on the child's table.
    pub fn takes(&self) -> TableGrant {
        self.path.key().map_or_else(TableGrant::default, by_rule)
    }
}

/// The rights on a child's table that a foreign key's ON DELETE rule takes; none where it forbids the delete.
pub fn by_rule(key: &ForeignKey) -> TableGrant {
    let mut takes = TableGrant::default();
    match key.rule() {
        OnDelete::Cascade => takes.delete = true,
        OnDelete::SetNull | OnDelete::SetDefault => {
            takes.update.extend(key.set_columns.iter().cloned());
        }
        OnDelete::NoAction | OnDelete::Restrict => {}
    }
    takes
}
