//! The parts of a catalog.

use std::fmt;
use std::sync::Arc;

use super::behind::Behind;
use super::operators::Operators;
use super::quote::quote_ident;
use super::{Affinity, Clock, ForeignKey, Times, Trigger};

/// Schema and name of a table, spelled as the database spells them (no quotes).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableId {
    /// The schema; `main` on SQLite.
    pub schema: String,
    /// The table's name.
    pub name: String,
}

impl TableId {
    /// A table by schema and name.
    pub fn new(schema: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            schema: schema.into(),
            name: name.into(),
        }
    }
}

impl fmt::Display for TableId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

/// What a relation is. Tables and partitioned tables can be swept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableKind {
    /// An ordinary table.
    Table,
    /// A partitioned parent; its leaves are in [`Table::partitions`].
    Partitioned,
    /// A view or materialized view.
    View,
    /// A foreign (PostgreSQL) or virtual (SQLite) table.
    Foreign,
    /// SQLite: a table WITHOUT ROWID in which rows that its key tells apart are one by its columns' collations.
    Blurred,
}

/// One relation and everything that hangs on it.
#[derive(Debug, Clone)]
pub struct Table {
    /// Schema and name.
    pub id: TableId,
    /// Table, partitioned table, view or foreign table.
    pub kind: TableKind,
    /// Columns in the table's order.
    pub columns: Vec<Column>,
    /// Primary key columns in key order; empty where there is none.
    pub primary_key: Vec<String>,
    /// Foreign keys of this table, pointing away. A partition has those of its parent, as its own.
    pub foreign_keys: Vec<ForeignKey>,
    /// Foreign keys of any table (this one included) that point at this table. Children that are
    /// partitioned are named once, by their root; a foreign key at a partitioned table is found at
    /// the root and at every partition. The child may lie in a schema that the role may not use:
    /// then [`super::Catalog::by_id`] does not know it, and nothing can be granted on it.
    pub referenced_by: Vec<ForeignKey>,
    /// Indexes, the primary key's included: also SQLite's `INTEGER PRIMARY KEY`, which has no
    /// index of its own, under the name `rowid`.
    pub indexes: Vec<Index>,
    /// User triggers that are enabled, the internal ones of foreign keys excluded.
    pub triggers: Vec<Trigger>,
    /// Direct partitions; of a table that is not partitioned those that inherit from it, see
    /// [`Table::heirs`].
    pub partitions: Vec<TableId>,
    /// Columns of a partitioned table that say which partition a row is in.
    pub partition_key: Vec<String>,
    /// What the connected role may do. All true on SQLite.
    pub privileges: Privileges,
    /// Row-level security is enabled on the table and applies to the connected role.
    pub row_security: bool,
    /// The planner's estimate; 0 where it has none (and on SQLite without ANALYZE).
    pub estimated_rows: u64,
    /// SQLite only: the table has a rowid (is not WITHOUT ROWID). False on PostgreSQL.
    pub has_rowid: bool,
    /// SQLite only: the `INTEGER PRIMARY KEY` column, which is the rowid under another name.
    pub rowid_alias: Option<String>,
    /// What the database does besides, or in place of, what a statement on it says.
    pub behind: Behind,
}

impl Table {
    /// The column of that exact name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Tables that inherit from this one, whose rows a SELECT on it shows. None of a partitioned table.
    pub fn heirs(&self) -> &[TableId] {
        match self.kind {
            TableKind::Partitioned => &[],
            TableKind::Table | TableKind::View | TableKind::Foreign | TableKind::Blurred => {
                &self.partitions
            }
        }
    }

    /// The table's full name as SQL: `"schema"."table"`.
    pub fn sql_name(&self) -> String {
        format!(
            "{}.{}",
            quote_ident(&self.id.schema),
            quote_ident(&self.id.name)
        )
    }

    /// SQLite only: a name under which the rowid can be reached, which a column of the same name
    /// hides. `None` for tables without a rowid and where columns hide all three names.
    pub fn rowid_name(&self) -> Option<&str> {
        if !self.has_rowid {
            return None;
        }
        let hidden = |name: &str| {
            self.columns
                .iter()
                .any(|c| c.name.eq_ignore_ascii_case(name))
        };
        self.rowid_alias.as_deref().or_else(|| {
            ["rowid", "_rowid_", "oid"]
                .into_iter()
                .find(|name| !hidden(name))
        })
    }
}

/// One column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name, unquoted.
    pub name: String,
    /// The type as SQL can cast to it: on PostgreSQL `format_type(oid, -1)`, safely quoted and
    /// qualified by the server itself; on SQLite the declared type, for messages only.
    pub sql_type: String,
    /// The same with what the column cuts values to, such as `numeric(10,2)`.
    pub stored_type: String,
    /// What values it holds.
    pub kind: Kind,
    /// By what it is compared; `None`: its type knows no collations, or this is SQLite and it is BINARY.
    pub collation: Option<Collation>,
    /// SQLite: what it makes of its values, and of those that it is compared with.
    pub affinity: Option<Affinity>,
    /// PostgreSQL: what compares its values, where the type is not the server's own; `None`: the plain signs do.
    pub operators: Option<Arc<Operators>>,
    /// It may hold NULL. A domain's NOT NULL does not count: PostgreSQL can be talked around it.
    pub nullable: bool,
    /// Generated (stored, virtual, or ALWAYS AS IDENTITY): cannot be assigned.
    pub generated: bool,
    /// Its value is worked out from other columns of the row.
    pub computed: bool,
    /// The connected role may SELECT it. True on SQLite.
    pub readable: bool,
    /// The connected role may UPDATE it. True on SQLite.
    pub assignable: bool,
    /// The operator's word on how it holds instants, set by [`super::Catalog::with_time_forms`].
    /// Where the operator said nothing the probes of this room look at the data.
    pub time_form: Option<Times>,
    /// By whose clock the schema itself writes it; nothing for a `timestamptz`.
    pub clocks: Vec<Clock>,
}

/// How the database compares the texts of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collation {
    /// Its name, qualified and quoted.
    pub sql_name: String,
    /// Texts are equal only where their bytes are.
    pub deterministic: bool,
    /// Ids of one shape, in digits and letters of one case, stand in the order of their bytes.
    pub orders_ids: bool,
}

/// What values a column holds, as far as besom tells types apart. Domains are resolved to their
/// base type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// boolean. On SQLite: declared BOOL or BOOLEAN, held as integers 0 and 1.
    Boolean,
    /// int2, int4, int8 with its width in bits. On SQLite always 64.
    Integer(u8),
    /// float4, float8, REAL.
    Float,
    /// numeric.
    Numeric,
    /// text, varchar, bpchar, citext, TEXT.
    Text,
    /// bytea, BLOB.
    Bytes,
    /// uuid (PostgreSQL).
    Uuid,
    /// timestamptz (PostgreSQL).
    Timestamp,
    /// timestamp without time zone (PostgreSQL), read as UTC unless the operator names a zone.
    LocalTimestamp,
    /// date.
    Date,
    /// interval.
    Interval,
    /// json or jsonb.
    Json,
    /// inet or cidr.
    Inet,
    /// An enum with its labels in order.
    Enum(Vec<String>),
    /// SQLite: ANY, or a column of a table that is not STRICT whose declared type says nothing.
    Any,
    /// Anything else, by its type name in [`Column::sql_type`].
    Other,
}

/// One index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// Key columns in order, without INCLUDE columns.
    pub columns: Vec<IndexColumn>,
    /// No two rows have equal key columns.
    pub unique: bool,
    /// Of a unique index: rows with NULL in a key column differ from all others. False for NULLS NOT DISTINCT
    /// (PostgreSQL 15).
    pub nulls_distinct: bool,
    /// The predicate of a partial index, as SQL from the database itself.
    pub predicate: Option<String>,
    /// False where a failed CREATE INDEX CONCURRENTLY left it behind.
    pub valid: bool,
    /// A B-tree, the only method that supports sweeps.
    pub btree: bool,
    /// A hash index, which serves a search for one value and no order.
    pub hash: bool,
    /// Its entries by the database's own estimate; `None` where it has none. What an index serves, and
    /// which of several is the narrowest, is told by [`super::serving`] and nowhere else.
    pub rows: Option<u64>,
}

/// One key column of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexColumn {
    /// The column; `None` for an expression.
    pub name: Option<String>,
    /// Newest first.
    pub descending: bool,
    /// NULLs come before all values.
    pub nulls_first: bool,
    /// In the column's own order, one way or the other: the default operator class and the column's
    /// collation (on SQLite: BINARY). Only such a column serves an ORDER BY.
    pub ordered: bool,
    /// In the column's own collation (on SQLite: BINARY): serves a search for one value.
    pub collated: bool,
    /// What it is where it is not the column itself in its own order: an expression, a collation, an
    /// operator class, as SQL.
    pub instead: Option<String>,
}

impl IndexColumn {
    /// A column in its own order, smallest first.
    pub fn plain(name: impl Into<String>) -> Self {
        Self {
            name: Some(name.into()),
            descending: false,
            nulls_first: false,
            ordered: true,
            collated: true,
            instead: None,
        }
    }
}

/// What the connected role may do with a table, table-wide rights and column rights taken together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Privileges {
    /// SELECT on every column.
    pub select: bool,
    /// SELECT on the table itself, and so on the system's own columns (`ctid`, `tableoid`), too.
    pub select_whole: bool,
    /// DELETE.
    pub delete: bool,
    /// UPDATE on at least one column, which row locks need.
    pub update_any: bool,
    /// INSERT on every column.
    pub insert: bool,
}
