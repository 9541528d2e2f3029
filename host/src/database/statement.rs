//! A statement and its bound values, for either dialect.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::catalog::Dialect;

/// A value bound to a statement. PostgreSQL takes every value as text that the statement casts to
/// the column's type, so no value is ever converted (and rounded) on the way; SQLite takes its
/// four storage classes.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bind {
    /// NULL.
    Null,
    /// A 64-bit integer.
    Integer(i64),
    /// A floating point number.
    Real(f64),
    /// Text; on PostgreSQL also the text form of any other type.
    Text(String),
    /// Bytes (SQLite).
    Blob(Vec<u8>),
    /// Several texts at once, as a PostgreSQL `text[]`.
    Texts(Vec<String>),
}

impl From<&str> for Bind {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Bind {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Bind {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<u64> for Bind {
    /// Counts; those past `i64::MAX` stop there.
    fn from(value: u64) -> Self {
        Self::Integer(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

/// SQL text under construction, with its values bound in order.
#[derive(Debug, Clone)]
pub struct Statement {
    dialect: Dialect,
    text: String,
    binds: Vec<Bind>,
    /// Where each value is bound, once there are many.
    places: HashMap<String, usize>,
    reuse: bool,
}

impl Statement {
    /// An empty statement.
    pub fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            text: String::new(),
            binds: Vec::new(),
            places: HashMap::new(),
            reuse: true,
        }
    }

    /// The dialect it is written in.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Appends SQL that the host itself wrote.
    pub fn push(&mut self, sql: &str) -> &mut Self {
        self.text.push_str(sql);
        self
    }

    /// Appends a placeholder and binds `value` to it.
    pub fn bind(&mut self, value: impl Into<Bind>) -> &mut Self {
        let place = self.place(value.into());
        let sign = match self.dialect {
            Dialect::Postgres => '$',
            Dialect::Sqlite => '?',
        };
        // Writing to a String cannot fail.
        let _ = write!(self.text, "{sign}{place}");
        self
    }

    /// Where the value is bound. A long list stands in one statement several times, and SQLite takes
    /// 32 766 values, PostgreSQL 65 535: from many on, equal values share a place.
    fn place(&mut self, value: Bind) -> usize {
        const MANY: usize = 500;
        if self.binds.len() < MANY {
            self.binds.push(value);
            return self.binds.len();
        }
        if self.places.is_empty() {
            let bound = self.binds.iter().enumerate();
            self.places = bound
                .map(|(index, bind)| (format!("{bind:?}"), index + 1))
                .collect();
        }
        let next = self.binds.len() + 1;
        let place = *self.places.entry(format!("{value:?}")).or_insert(next);
        if place == next {
            self.binds.push(value);
        }
        place
    }

    /// Appends a placeholder with a cast to `sql_type`, which SQLite does not need.
    pub fn bind_as(&mut self, value: impl Into<Bind>, sql_type: &str) -> &mut Self {
        self.bind(value);
        if self.dialect == Dialect::Postgres {
            self.push("::").push(sql_type);
        }
        self
    }

    /// Asks PostgreSQL to plan this statement for its values each time: a generic plan of a
    /// statement with relations picks the wrong join.
    pub fn plan_each_time(&mut self) -> &mut Self {
        self.reuse = false;
        self
    }

    /// The same statement for other lists: where it has been written with one of `names`, the list in its place.
    /// PostgreSQL may keep it prepared from one to the next.
    pub(crate) fn with_lists(&self, names: &[Vec<String>], lists: &[Vec<String>]) -> Self {
        let list_of = |bind: &Bind| match bind {
            Bind::Texts(name) => {
                let place = names.iter().position(|known| known == name);
                place.and_then(|place| lists.get(place))
            }
            _ => None,
        };
        let binds = self.binds.iter().map(|bind| match list_of(bind) {
            Some(list) => Bind::Texts(list.clone()),
            None => bind.clone(),
        });
        Self {
            binds: binds.collect(),
            reuse: true,
            ..self.clone()
        }
    }

    /// The statement that asks the database how it would go about this one, which is not run. With
    /// `analyze` PostgreSQL does run it, and says what it met; SQLite has no such thing.
    #[must_use]
    pub fn explained(&self, analyze: bool) -> Self {
        let ask = match (self.dialect, analyze) {
            (Dialect::Postgres, false) => "EXPLAIN (COSTS OFF) ",
            (Dialect::Postgres, true) => "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ",
            (Dialect::Sqlite, _) => "EXPLAIN QUERY PLAN ",
        };
        Self {
            text: format!("{ask}{}", self.text),
            reuse: false,
            ..self.clone()
        }
    }

    /// The SQL so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The values so far.
    pub fn binds(&self) -> &[Bind] {
        &self.binds
    }

    /// Whether a prepared statement may be kept for the next use.
    pub(super) fn reusable(&self) -> bool {
        self.reuse
    }
}
