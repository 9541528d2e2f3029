//! The parameters of a PostgreSQL URL that the driver knows.
//!
//! It says of any other that it is ignored, and shows its value, which may be a password under a
//! misspelt name. The log leaves that out; this says the same without the value.

/// As the driver's documentation lists them; `options[NAME]` beside.
const KNOWN: [&str; 18] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// Warns of parameters that mean nothing.
pub(super) fn warn_of_unknown(url: &str) {
    for key in unknown(url) {
        tracing::warn!(
            key,
            "the database's URL has a parameter that PostgreSQL's driver does not know; it is ignored"
        );
    }
}

fn unknown(url: &str) -> impl Iterator<Item = &str> {
    // With an `@` behind it the question mark may be part of a password.
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let query = if query.contains('@') { "" } else { query };
    let keys = query
        .split('&')
        .filter_map(|parameter| Some(parameter.split_once('=')?.0));
    keys.filter(|key| !KNOWN.contains(key) && !key.starts_with("options"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_parameter_is_told_by_its_name_alone() {
        let url = "postgres://me@db/auth?sslmode=require&pasword=hunter2&options[jit]=on";

        assert_eq!(unknown(url).collect::<Vec<_>>(), ["pasword"]);
        assert_eq!(unknown("postgres://me@db/auth").count(), 0);
        assert_eq!(unknown("postgres://me:what?hunter2=x@db/auth").count(), 0);
    }
}
