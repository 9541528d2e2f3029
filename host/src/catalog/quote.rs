//! Identifiers as SQL.

/// `name` as a quoted identifier, for both dialects: in double quotes, which are doubled inside.
///
/// ```
/// assert_eq!(besom::catalog::quote_ident(r#"odd "name""#), r#""odd ""name""""#);
/// ```
pub fn quote_ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `name` as an operator or a plugin would write it: quoted only where a dot or a quote in it would
/// be misread.
pub(crate) fn spell(name: &str) -> String {
    if name.contains(['.', '"']) {
        quote_ident(name)
    } else {
        name.to_owned()
    }
}
