//! What SQLite makes of values before it compares them, by the declared types of the two columns.

/// What SQLite makes of the values of a column, and of those that it is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Affinity {
    /// Numbers of texts that look like them: INTEGER, REAL or NUMERIC.
    Number,
    /// Texts of numbers, where it holds them, and of nothing that it is compared with.
    Text,
    /// Nothing.
    None,
}

impl Affinity {
    /// By SQLite's own rules (<https://sqlite.org/datatype3.html>), by which `UUID`, `DATETIME` and `STRING` hold numbers.
    pub(super) fn declared(declared: &str, strict: bool) -> Self {
        let declared = declared.trim().to_ascii_uppercase();
        let has = |part| declared.contains(part);
        if has("INT") {
            Self::Number
        } else if has("CHAR") || has("CLOB") || has("TEXT") {
            Self::Text
        } else if has("BLOB") || declared.is_empty() || strict && declared == "ANY" {
            Self::None
        } else {
            Self::Number
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Affinity;

    #[test]
    fn the_declared_type_says_what_becomes_of_a_text_of_digits() {
        for (declared, affinity) in [
            ("INTEGER", Affinity::Number),
            ("charint", Affinity::Number),
            ("REAL", Affinity::Number),
            ("DECIMAL(10, 2)", Affinity::Number),
            ("BOOLEAN", Affinity::Number),
            ("uuid", Affinity::Number),
            ("DATETIME", Affinity::Number),
            ("STRING", Affinity::Number),
            ("ANY", Affinity::Number),
            ("varchar(40)", Affinity::Text),
            ("CLOB", Affinity::Text),
            ("BLOB", Affinity::None),
            (" ", Affinity::None),
        ] {
            assert_eq!(Affinity::declared(declared, false), affinity, "{declared}");
        }
        assert_eq!(Affinity::declared("any", true), Affinity::None);
    }
}
