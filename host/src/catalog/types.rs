//! The parts of a catalog.

use std::fmt;
use std::sync::Arc;

use super::behind::Behind;
use super::operators::{Equality, Operators};
use super::quote::quote_ident;
use super::{Clock, Times};

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
            TableKind::Table | TableKind::View | TableKind::Foreign => &self.partitions,
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

/// What happens to the child when the parent goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDelete {
    /// The delete fails (at the end of the statement, or at commit if deferred).
    NoAction,
    /// The delete fails at once.
    Restrict,
    /// The child goes too.
    Cascade,
    /// The child's columns become NULL.
    SetNull,
    /// The child's columns become their default.
    SetDefault,
}

/// One foreign key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    /// The constraint's name; on SQLite `fk_<id>`.
    pub name: String,
    /// The table that refers.
    pub child: TableId,
    /// Its columns, in the constraint's order.
    pub columns: Vec<String>,
    /// The table referred to.
    pub parent: TableId,
    /// The parent's columns, in the same order.
    pub parent_columns: Vec<String>,
    /// By what each pair of them is held to be equal, where that is not what `=` between the two says; shorter
    /// than `columns`, or empty: it is.
    pub equalities: Vec<Option<Equality>>,
    /// PostgreSQL: MATCH FULL. All of its columns are NULL, or none is.
    pub full: bool,
    /// Columns of `stuck` would be NULL beside others that are not, which MATCH FULL refuses.
    pub torn: bool,
    /// What happens to the child when the parent goes.
    pub on_delete: OnDelete,
    /// Columns that ON DELETE SET NULL or SET DEFAULT touches: all of `columns`, unless the
    /// constraint lists fewer (PostgreSQL 15). Empty under the other rules.
    pub set_columns: Vec<String>,
    /// May be checked at commit. On SQLite: is, for `DEFERRABLE INITIALLY DEFERRED` only.
    pub deferrable: bool,
    /// False for NOT VALID constraints. True on SQLite, which never looks at old rows.
    pub validated: bool,
    /// Columns of `set_columns` that cannot take what the rule would put there: every delete of a parent with such
    /// a child fails. See [`ForeignKey::rule`].
    pub stuck: Vec<String>,
    /// That is because no row of the parent has the default: the constants that SET DEFAULT would put there.
    pub lone_default: Option<String>,
    /// That is because of what stands beside the columns.
    pub held_by: Option<Obstacle>,
    /// What may refuse the rule, by the rows that are there.
    pub may_be_held_by: Vec<Obstacle>,
    /// Some of the triggers that carry the key out are disabled: it neither holds nor acts. False on SQLite.
    pub disabled: bool,
}

/// What refuses a value that a foreign key's rule puts into a column which would take it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// A generated column, which takes no NULL and is worked out from columns that become NULL.
    Generated {
        /// The generated column.
        column: String,
        /// Those that it is worked out from and that become NULL.
        from: Vec<String>,
    },
    /// A unique index, in which rows with the new value meet.
    Unique {
        /// Its name.
        index: String,
        /// What it is on, as SQL.
        columns: Vec<String>,
        /// Its predicate.
        predicate: Option<String>,
        /// It takes NULLs for equal.
        nulls_meet: bool,
        /// What the rule puts there: `a = 1, b = NULL`.
        values: String,
    },
}

impl Obstacle {
    /// The other one is the same, of another partition.
    pub fn is_copy_of(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Unique {
                    columns, predicate, ..
                },
                Self::Unique {
                    columns: others,
                    predicate: another,
                    ..
                },
            ) => (columns, predicate) == (others, another),
            _ => self == other,
        }
    }
}

impl ForeignKey {
    /// What the rule comes to: one that cannot act forbids the delete.
    pub fn rule(&self) -> OnDelete {
        match self.stuck.is_empty() {
            true => self.on_delete,
            false => OnDelete::Restrict,
        }
    }
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

/// When a trigger fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the names say it
pub enum TriggerTiming {
    Before,
    After,
    InsteadOf,
}

/// One user trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    /// Its name.
    pub name: String,
    /// When it fires.
    pub timing: TriggerTiming,
    /// It fires on DELETE.
    pub on_delete: bool,
    /// It fires on UPDATE.
    pub on_update: bool,
    /// Once a row rather than once a statement.
    pub for_each_row: bool,
    /// By the look of its source it may keep a row from being deleted: a function that returns
    /// NULL, or NEW and never OLD, which is NULL when a row goes; on SQLite RAISE(IGNORE).
    pub may_keep_rows: bool,
    /// The same of a change: a function that returns NULL, or OLD whatever fired it.
    pub may_undo_changes: bool,
    /// Columns whose UPDATE fires it; empty: all.
    pub of_columns: Vec<String>,
    /// Columns of its table that it assigns by the look of its source, be it to `NEW` or by an UPDATE.
    pub assigns: Vec<String>,
    /// Its source is in a language that is not looked at.
    pub unread: bool,
    /// It cannot refuse that a row goes, as far as its own source says: it only inserts rows, into these tables.
    /// `None`: it may do anything.
    pub only_notes: Option<Notes>,
    /// PostgreSQL: its function as the server names it in errors.
    pub function: Option<String>,
}

/// What a trigger writes that does nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notes {
    /// The tables, as its source names them.
    pub into: Vec<String>,
    /// It writes with the rights of whoever deletes; otherwise with those of its function's owner.
    pub as_invoker: bool,
}

impl Trigger {
    /// An UPDATE that sets one of these columns fires it, if it fires on updates at all.
    pub fn fires_on<'c>(&self, set: impl IntoIterator<Item = &'c String>) -> bool {
        let of = &self.of_columns;
        let mut set = set.into_iter();
        set.any(|column| of.is_empty() || of.contains(column))
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
