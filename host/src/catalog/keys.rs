//! Foreign keys, and what keeps their rules from acting.

use super::TableId;
use super::operators::Equality;

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
    /// SQLite: the unique index on the columns referred to, where it is of another collation than they are and no other
    /// serves. SQLite calls that a mismatch, and refuses every delete at either end.
    pub mismatched: Option<String>,
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
    /// An exclusion constraint, which rows come under or meet in by the new value.
    Exclusion {
        /// Its name.
        name: String,
        /// As SQL.
        definition: String,
        /// What the rule puts there.
        values: String,
    },
    /// A check that may not hold for the new values.
    Check {
        /// Its name; `None` on SQLite.
        name: Option<String>,
        /// As SQL.
        expression: String,
        /// The columns in it that the rule sets.
        columns: Vec<String>,
    },
    /// The row that the default refers to is looked up at the delete.
    Default {
        /// The columns that the rule sets.
        columns: Vec<String>,
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
            (
                Self::Exclusion { definition, .. },
                Self::Exclusion {
                    definition: other, ..
                },
            ) => definition == other,
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
