//! Conditions: what makes a row eligible.

use super::Timestamp;

/// One value on its way to the database, before it meets a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// SQL NULL. Never equal to anything: comparisons with it are refused.
    Null,
    /// A truth value.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A floating point number.
    Float(f64),
    /// An exact decimal, as text.
    Decimal(String),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A UUID in its hyphenated form.
    Uuid(String),
    /// An instant.
    Timestamp(Timestamp),
    /// Microseconds.
    Duration(u64),
    /// JSON, as text.
    Json(String),
    /// Any other type in the database's own text form.
    Other(String),
}

impl Value {
    /// The kind of the value, for error messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean(_) => "boolean",
            Self::Integer(_) => "integer",
            Self::Float(_) => "float",
            Self::Decimal(_) => "decimal",
            Self::Text(_) => "text",
            Self::Bytes(_) => "bytes",
            Self::Uuid(_) => "uuid",
            Self::Timestamp(_) => "timestamp",
            Self::Duration(_) => "duration",
            Self::Json(_) => "json",
            Self::Other(_) => "other",
        }
    }
}

/// How two values compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // the names say it
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    /// Whether the comparison needs an order, which text does not have here.
    pub fn is_ordering(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }

    /// The comparison that holds where this one does not (NULL aside).
    pub fn inverse(self) -> Self {
        match self {
            Self::Equal => Self::NotEqual,
            Self::NotEqual => Self::Equal,
            Self::Less => Self::GreaterOrEqual,
            Self::LessOrEqual => Self::Greater,
            Self::Greater => Self::LessOrEqual,
            Self::GreaterOrEqual => Self::Less,
        }
    }
}

/// `foreign` is a column of the other table, `local` one of the row under test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Join {
    /// A column of the related table.
    pub foreign: String,
    /// A column of the row under test.
    pub local: String,
}

impl Join {
    /// The rows whose `foreign` equals the tested row's `local`.
    pub fn new(foreign: impl Into<String>, local: impl Into<String>) -> Self {
        Self {
            foreign: foreign.into(),
            local: local.into(),
        }
    }
}

/// A condition on one row. As in SQL, a comparison with a NULL column does not hold, and neither
/// does its negation.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // the fields are those of the contract, documented in `wit/`
pub enum Condition {
    Compare {
        column: String,
        operator: Comparison,
        to: Value,
    },
    CompareColumns {
        column: String,
        operator: Comparison,
        to: String,
    },
    /// `column + offset` (microseconds) is before `cutoff`.
    OlderThan {
        column: String,
        cutoff: Timestamp,
        offset: i64,
    },
    /// The creation time inside a ULID or UUIDv7 is before `cutoff`.
    IdOlderThan {
        column: String,
        cutoff: Timestamp,
    },
    IsNull {
        column: String,
    },
    IsNotNull {
        column: String,
    },
    OneOf {
        column: String,
        values: Vec<Value>,
    },
    StartsWith {
        column: String,
        prefix: String,
    },
    Exists {
        table: String,
        on: Vec<Join>,
        matching: Option<Box<Condition>>,
    },
    NotExists {
        table: String,
        on: Vec<Join>,
        matching: Option<Box<Condition>>,
    },
    /// Not among the first `keep` of the rows with equal `group_by` columns, newest first.
    BeyondNewest {
        group_by: Vec<String>,
        order_by: String,
        keep: u32,
    },
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Not(Box<Condition>),
    /// Every row; needs the grant's `all-rows`.
    Everything,
}

impl Condition {
    /// The conditions that must all hold for this one to hold: itself, or the flattened terms
    /// of nested [`Condition::All`].
    pub fn conjuncts(&self) -> Vec<&Condition> {
        match self {
            Self::All(of) => of.iter().flat_map(Self::conjuncts).collect(),
            other => vec![other],
        }
    }

    /// It looks at columns of the row under test and at no other row.
    pub fn is_of_the_row_alone(&self) -> bool {
        match self {
            Self::Exists { .. }
            | Self::NotExists { .. }
            | Self::BeyondNewest { .. }
            | Self::Everything => false,
            Self::All(of) | Self::Any(of) => of.iter().all(Self::is_of_the_row_alone),
            Self::Not(of) => of.is_of_the_row_alone(),
            _ => true,
        }
    }
}
