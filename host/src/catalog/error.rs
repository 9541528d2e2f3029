//! What can go wrong while the catalog is loaded and told about time columns.

use super::{TableId, UnknownTable};

/// The catalog could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The server is older than besom supports.
    #[error(
        "the server is PostgreSQL {version}, and besom needs 14 or later: upgrade the server, or \
         point `[database] url` at another one"
    )]
    TooOld {
        /// The server's own version text.
        version: String,
    },
    /// A query on the system tables failed.
    #[error("cannot read the {what} from the system tables of the database: {source}")]
    Query {
        /// What was being read.
        what: &'static str,
        /// Why it failed.
        #[source]
        source: sqlx::Error,
    },
}

impl CatalogError {
    /// Names what was being read when `source` happened.
    pub(super) fn reading(what: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Query { what, source }
    }
}

/// The operator's word on a time column does not fit the database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeFormError {
    /// The table is not there.
    #[error("[time-forms]: {0}")]
    UnknownTable(#[from] UnknownTable),
    /// The column is not there.
    #[error("[time-forms]: table `{table}` has no column `{column}`; it has {}", columns.join(", "))]
    UnknownColumn {
        /// The table.
        table: TableId,
        /// The name that is not among its columns.
        column: String,
        /// The columns that it has.
        columns: Vec<String>,
    },
    /// A column of that type cannot hold a time in that form.
    #[error(
        "[time-forms]: column `{place}` is declared {declared}, which cannot hold `{form}`: {way_out}"
    )]
    Unfit {
        /// The column, as `schema.table.column`.
        place: String,
        /// Its type, as declared.
        declared: String,
        /// What the operator said.
        form: String,
        /// What would fit.
        way_out: String,
    },
    /// One number would be an instant in two of the forms.
    #[error(
        "[time-forms]: `{place}` is said to hold {forms} and times before 1973-01-01, and there one number is a time          in each of several units: leave out `oldest`, say 1973-01-01 or later, or name one of the forms"
    )]
    Ambiguous {
        /// The column, as `schema.table.column`.
        place: String,
        /// What the operator said.
        forms: String,
    },
}
