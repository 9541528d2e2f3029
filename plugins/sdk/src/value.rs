//! Values on their way to the database.

use std::fmt;
use std::time::Duration;

use crate::time::{Timestamp, micros};

/// One value on its way to the database. The host converts it to the type of the column that it
/// meets, and answers [`Error::Invalid`](crate::Error::Invalid) where that means guessing.
///
/// Most are written as what they are in Rust: `true`, `5`, `"text"`, [`Timestamp`], [`Duration`].
/// The others are named.
///
/// ```
/// use besom_plugin::prelude::*;
///
/// assert_eq!(column("status").equals("failed").to_string(), "status = 'failed'");
/// let id = Value::Uuid("0190d7f0-0000-7000-8000-000000000000".to_owned());
/// let _ = column("user_id").equals(id);
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// SQL NULL: for `update`. A comparison with it never holds; write `is_null()`.
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
    /// A length of time, to the microsecond.
    Duration(Duration),
    /// JSON, as text.
    Json(String),
    /// Any other type, in the database's own text form: enums, inet.
    Other(String),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Boolean(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Float(value) => value.fmt(f),
            Self::Decimal(value) | Self::Uuid(value) => f.write_str(value),
            Self::Text(value) | Self::Json(value) | Self::Other(value) => write!(f, "'{value}'"),
            Self::Bytes(value) => write!(f, "{} bytes", value.len()),
            Self::Timestamp(value) => value.fmt(f),
            Self::Duration(value) => write!(f, "{}µs", micros(*value)),
        }
    }
}

macro_rules! value_from {
    ($($from:ty => $case:ident),* $(,)?) => {$(
        impl From<$from> for Value {
            fn from(value: $from) -> Self {
                Self::$case(value.into())
            }
        }
    )*};
}

value_from! {
    bool => Boolean,
    i64 => Integer,
    i32 => Integer,
    u32 => Integer,
    f64 => Float,
    &str => Text,
    String => Text,
    Vec<u8> => Bytes,
    Timestamp => Timestamp,
    Duration => Duration,
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
