//! Tables, foreign keys and rows as plain data: what the cases are made of and the oracle judges.

use std::collections::BTreeMap;

/// 2026-01-01 00:00 UTC, in microseconds.
pub(super) const NOW: i64 = 1_767_225_600_000_000;
pub(super) const DAY: i64 = 86_400_000_000;

/// Columns that every table has, by their place: `n` names a row in the model and in assertions.
pub(super) const N: usize = 0;
pub(super) const LIVE: usize = 1;
pub(super) const AT: usize = 2;
pub(super) const V: usize = 3;
pub(super) const W: usize = 4;
pub(super) const COMMON: [(&str, Kind); 5] = [
    ("n", Kind::Integer),
    ("live", Kind::Boolean),
    ("at", Kind::Time),
    ("v", Kind::Integer),
    ("w", Kind::Integer),
];

/// How a cell's number is written in a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Integer,
    Text,
    Id,
    Boolean,
    Time,
}

#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) nullable: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    pub(super) primary: Vec<usize>,
    /// On SQLite: the table has no rowid.
    pub(super) without_rowid: bool,
    /// `at` has an index.
    pub(super) indexed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    NoAction,
    Restrict,
    Cascade,
    SetNull,
}

impl Rule {
    pub(super) fn restricts(self) -> bool {
        matches!(self, Self::NoAction | Self::Restrict)
    }
}

/// A foreign key: `columns` of `child` refer to `parent_columns` of `parent`.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) child: usize,
    pub(super) columns: Vec<usize>,
    pub(super) parent: usize,
    pub(super) parent_columns: Vec<usize>,
    pub(super) rule: Rule,
    pub(super) deferred: bool,
    pub(super) indexed: bool,
}

#[derive(Debug, Clone, Default)]
pub(super) struct World {
    pub(super) tables: Vec<Table>,
    pub(super) keys: Vec<Key>,
}

/// A row's values; each kind is written from a number.
pub(super) type Cells = Vec<Option<i64>>;
/// The rows of every table, by `n`.
pub(super) type State = Vec<BTreeMap<i64, Cells>>;
/// A table's place and a row's `n`.
pub(super) type RowId = (usize, i64);

impl World {
    pub(super) fn table(&self, name: &str) -> usize {
        let found = self.tables.iter().position(|table| table.name == name);
        found.unwrap_or_else(|| panic!("no table {name}"))
    }

    pub(super) fn column(&self, table: usize, name: &str) -> usize {
        let columns = &self.tables[table].columns;
        let found = columns.iter().position(|column| column.name == name);
        found.unwrap_or_else(|| panic!("no column {name}"))
    }

    /// Adds a table with the common columns and the primary key that `kinds` say; none: `n`.
    pub(super) fn add_table(&mut self, name: impl Into<String>, kinds: &[Kind]) -> usize {
        let common = COMMON.iter().map(|(name, kind)| Column {
            name: (*name).to_owned(),
            kind: *kind,
            nullable: *name != "n",
        });
        let key = kinds.iter().zip(["a", "b"]).map(|(kind, name)| Column {
            name: name.to_owned(),
            kind: *kind,
            nullable: false,
        });
        let primary = match kinds.len() {
            0 => vec![N],
            more => (COMMON.len()..COMMON.len() + more).collect(),
        };
        self.tables.push(Table {
            name: name.into(),
            columns: common.chain(key).collect(),
            primary,
            without_rowid: false,
            indexed: true,
        });
        self.tables.len() - 1
    }

    /// Adds a foreign key on columns of its own.
    pub(super) fn add_key(&mut self, child: usize, parent: usize, rule: Rule) -> usize {
        let parent_columns = self.tables[parent].primary.clone();
        let columns = (0..parent_columns.len())
            .map(|at| self.add_column(child, parent, parent_columns[at], at))
            .collect();
        self.keys.push(Key {
            child,
            columns,
            parent,
            parent_columns,
            rule,
            deferred: false,
            indexed: true,
        });
        self.keys.len() - 1
    }

    /// A nullable column of `child` for the next key's column number `at`.
    pub(super) fn add_column(
        &mut self,
        child: usize,
        parent: usize,
        of: usize,
        at: usize,
    ) -> usize {
        let kind = self.tables[parent].columns[of].kind;
        let name = format!("f{}_{at}", self.keys.len());
        self.tables[child].columns.push(Column {
            name,
            kind,
            nullable: true,
        });
        self.tables[child].columns.len() - 1
    }

    /// The row that `row` refers to by `key`: none where a column is NULL (MATCH SIMPLE).
    pub(super) fn target(&self, state: &State, key: &Key, row: &Cells) -> Option<RowId> {
        let wanted: Option<Vec<i64>> = key.columns.iter().map(|at| row[*at]).collect();
        let wanted = wanted?;
        let meets = |cells: &Cells| {
            let own = key.parent_columns.iter().map(|at| cells[*at]);
            own.eq(wanted.iter().copied().map(Some))
        };
        let mut parents = state[key.parent].iter();
        let found = parents.find(|(_, cells)| meets(cells));
        found.map(|(n, _)| (key.parent, *n))
    }

    /// Foreign keys that do not hold: for rows that were read back.
    pub(super) fn broken(&self, state: &State) -> Vec<(RowId, usize)> {
        let mut broken = Vec::new();
        for (number, key) in self.keys.iter().enumerate() {
            for (n, row) in &state[key.child] {
                let refers = key.columns.iter().all(|at| row[*at].is_some());
                if refers && self.target(state, key, row).is_none() {
                    broken.push(((key.child, *n), number));
                }
            }
        }
        broken
    }

    /// Whether CASCADE leads from a row of `from` to rows of `to`.
    pub(super) fn cascades(&self, from: usize, to: usize) -> bool {
        let mut below = self.keys.iter();
        from == to
            || below.any(|key| {
                key.rule == Rule::Cascade && key.parent == from && self.cascades(key.child, to)
            })
    }
}
