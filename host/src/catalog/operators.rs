//! The operators by which PostgreSQL compares values of a type that is not one of its own.
//!
//! A bare `=` means whatever the search path finds. Where the schema of an extension is not on it, that is the
//! operator of another type, to which the values are cast without a word (citext becomes text, and minds its case), or
//! none at all. Indexes, keys and ORDER BY mean the operators of the type's own operator class wherever that lies, and
//! so does a statement that names them.

use crate::request::Comparison;

/// What compares two values of one type; `None`: its operator class has no such operator, or it has no class.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Operators {
    /// As SQL writes them: `OPERATOR(schema.=)`.
    pub equal: Option<String>,
    /// The opposite of `equal`.
    pub not_equal: Option<String>,
    /// `<` in the type's own order.
    pub less: Option<String>,
    /// `<=`
    pub less_or_equal: Option<String>,
    /// `>`
    pub greater: Option<String>,
    /// `>=`
    pub greater_or_equal: Option<String>,
    /// The schema that they lie in, where it is not the server's own: to name them takes USAGE on it.
    pub schema: Option<String>,
    /// The connected role has that.
    pub usable: bool,
}

impl Operators {
    /// The one that compares so.
    pub fn of(&self, comparison: Comparison) -> Option<&str> {
        let operator = match comparison {
            Comparison::Equal => &self.equal,
            Comparison::NotEqual => &self.not_equal,
            Comparison::Less => &self.less,
            Comparison::LessOrEqual => &self.less_or_equal,
            Comparison::Greater => &self.greater,
            Comparison::GreaterOrEqual => &self.greater_or_equal,
        };
        operator.as_deref()
    }
}

/// By what a foreign key of PostgreSQL tells whether a column of the child equals one of the parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Equality {
    /// The operator, the parent's value on its left: `OPERATOR(schema.=)`.
    pub operator: String,
    /// What the parent's value is cast to, where the operator is one of another type.
    pub parent: Option<String>,
    /// What the child's value is cast to.
    pub child: Option<String>,
}
