//! Dependents that are joined by an equality which takes different keys of the parent for one: a row that belongs to a
//! parent that stays would go, or be let go, with another.

use super::check::Check;
use super::tables::find_column;
use crate::catalog::{Affinity, Column, Dialect, Kind, Table};
use crate::request::{Fault, Join};

impl Check<'_> {
    /// Refuses a join by which a row of the child may hang on several keys of the parent. By a foreign key of
    /// PostgreSQL's it hangs on whatever that finds.
    pub(super) fn hangs_on_one(
        &self,
        parent: &Table,
        child: &Table,
        on: &[Join],
    ) -> Result<(), Fault> {
        let dialect = self.catalog.dialect();
        for join in on {
            let (key, refers) = (
                find_column(parent, &join.local)?,
                find_column(child, &join.foreign)?,
            );
            let tied = dialect == Dialect::Postgres && self.is_tied(parent, child, join);
            if let (Some(why), false) = (wider(dialect, key, refers), tied) {
                return Err(Fault::invalid(
                    "wider-join",
                    format!(
                        "rows of `{}` are joined by `{}` ({}) to `{}` ({}) of `{}`: {why}, so that a row that belongs to \
                         one which stays could go with another. Give both columns one type and collation",
                        child.id, refers.name, refers.sql_type, key.name, key.sql_type, parent.id,
                    ),
                ));
            }
        }
        Ok(())
    }

    /// A foreign key of the child refers by that column to that one of the parent, or of what it is a part of.
    fn is_tied(&self, parent: &Table, child: &Table, join: &Join) -> bool {
        let mut keys = child.foreign_keys.iter();
        keys.any(|key| {
            let (to, of) = (&key.parent, &parent.id);
            let holds = self.catalog.holds(to, of) || self.catalog.holds(of, to);
            let mut pairs = key.columns.iter().zip(&key.parent_columns);
            holds && pairs.any(|(own, of)| *own == join.foreign && *of == join.local)
        })
    }
}

/// Why one value of `refers` may be equal to two of `key` that are not equal to each other.
fn wider(dialect: Dialect, key: &Column, refers: &Column) -> Option<&'static str> {
    match dialect {
        // What is declared as numbers makes numbers of the texts that it is held against, also where a foreign key
        // makes a text of the number.
        Dialect::Sqlite => {
            let texts = key.affinity == Some(Affinity::Text);
            let numbers = refers.affinity == Some(Affinity::Number);
            // A column declared `UUID`, say, mostly holds texts: its rows are told apart by `sql::blurred`.
            let declared = refers.kind != Kind::Any;
            (texts && numbers && declared).then_some(
                "SQLite takes the texts `1` and `01` for equal to the number 1, and not to each other",
            )
        }
        Dialect::Postgres => {
            let finds_more = |column: &Column| {
                let collation = column.collation.as_ref();
                collation.is_some_and(|collation| !collation.deterministic)
            };
            let of_bytes = key.collation.is_some() && !finds_more(key);
            let exact = matches!(key.kind, Kind::Integer(64) | Kind::Numeric);
            if of_bytes && finds_more(refers) {
                Some(
                    "they are compared under the collation of the former, which takes different texts for equal",
                )
            } else if key.sql_type == "character varying" && refers.sql_type == "bpchar" {
                Some(
                    "they are compared without the blanks behind them, by which texts of the latter may differ",
                )
            } else if exact && refers.kind == Kind::Float {
                Some(
                    "they are compared as floats, which takes different numbers of the latter for equal",
                )
            } else {
                None
            }
        }
    }
}
