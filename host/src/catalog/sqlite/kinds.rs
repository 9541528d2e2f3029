//! What values a column declared so and so holds.

use super::super::Kind;

/// The kind of a column by its declared type. A STRICT table enforces its types. Elsewhere the
/// declared type is a hint, read in the order of SQLite's affinity rules (<https://sqlite.org/datatype3.html>),
/// after BOOL, which they do not know.
pub(super) fn kind(declared: &str, strict: bool) -> Kind {
    let declared = declared.trim().to_ascii_uppercase();
    if strict {
        return match declared.as_str() {
            "INT" | "INTEGER" => Kind::Integer(64),
            "REAL" => Kind::Float,
            "TEXT" => Kind::Text,
            "BLOB" => Kind::Bytes,
            _ => Kind::Any,
        };
    }
    let has = |part| declared.contains(part);
    if declared.starts_with("BOOL") {
        Kind::Boolean
    } else if has("INT") {
        Kind::Integer(64)
    } else if has("CHAR") || has("CLOB") || has("TEXT") {
        Kind::Text
    } else if has("BLOB") {
        Kind::Bytes
    } else if has("REAL") || has("FLOA") || has("DOUB") {
        Kind::Float
    } else if has("NUMERIC") || has("DECIMAL") {
        Kind::Numeric
    } else {
        Kind::Any
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, kind};

    #[test]
    fn declared_types_say_what_their_columns_hold() {
        let cases = [
            ("INTEGER", Kind::Integer(64)),
            ("unsigned big int", Kind::Integer(64)),
            ("BOOLEAN", Kind::Boolean),
            ("varchar(40)", Kind::Text),
            ("CLOB", Kind::Text),
            ("BLOB", Kind::Bytes),
            ("double precision", Kind::Float),
            ("DECIMAL(10, 2)", Kind::Numeric),
            ("", Kind::Any),
            ("DATETIME", Kind::Any),
            ("TIMESTAMP", Kind::Any),
            ("UUID", Kind::Any),
        ];
        for (declared, expected) in cases {
            assert_eq!(kind(declared, false), expected, "{declared}");
        }
        assert_eq!(kind("ANY", true), Kind::Any);
        assert_eq!(kind("int", true), Kind::Integer(64));
        assert_eq!(kind("REAL", true), Kind::Float);
    }
}
