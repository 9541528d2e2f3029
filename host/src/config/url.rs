//! A database URL that never shows its password.

use std::fmt;
use std::str::FromStr;

use crate::catalog::Dialect;

/// Where the database is. `Debug` and `Display` show it without password, so it may stand in logs
/// and reports; [`DatabaseUrl::expose`] is for connecting only.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    url: String,
    dialect: Dialect,
}

/// A database URL of no known kind. It does not show the URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a database URL: write `postgres://user:password@host/database` or `sqlite://path/to/file`"
)]
pub struct UrlError;

impl DatabaseUrl {
    /// The whole URL, password included. Not for messages.
    pub fn expose(&self) -> &str {
        &self.url
    }

    /// Which kind of database the URL leads to.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }
}

impl FromStr for DatabaseUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let (scheme, rest) = text.split_once(':').ok_or(UrlError)?;
        let dialect = match scheme {
            "postgres" | "postgresql" if rest.starts_with("//") => Dialect::Postgres,
            "sqlite" if !rest.is_empty() => Dialect::Sqlite,
            _ => return Err(UrlError),
        };
        Ok(Self {
            url: text.to_owned(),
            dialect,
        })
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.dialect == Dialect::Sqlite {
            return f.write_str(&self.url); // a path, and options of which none is secret
        }
        let (scheme, rest) = self.url.split_once("://").unwrap_or(("postgres", ""));
        write!(f, "{scheme}://")?;
        let rest = match rest.rsplit_once('@') {
            None => rest,
            // A password with an unescaped character of its own, or an option with an `@`: which
            // part is secret is anybody's guess.
            Some((credentials, _)) if credentials.contains(['@', '/', '?', '#']) => {
                return f.write_str("***");
            }
            Some((credentials, rest)) => {
                match credentials.split_once(':') {
                    None => write!(f, "{credentials}@")?,
                    Some((user, _)) => write!(f, "{user}:***@")?,
                }
                rest
            }
        };
        let (address, options) = match rest.split_once('?') {
            None => (rest, None),
            Some((address, options)) => (address, Some(options)),
        };
        f.write_str(address)?;
        let Some(options) = options else {
            return Ok(());
        };
        for (position, option) in options.split('&').enumerate() {
            f.write_str(if position == 0 { "?" } else { "&" })?;
            match option.split_once('=') {
                Some((name, value)) if SHOWN.contains(&name) => write!(f, "{name}={value}")?,
                Some((name, _)) => write!(f, "{name}=***")?,
                None => f.write_str("***")?,
            }
        }
        Ok(())
    }
}

/// Connection options whose values may be shown. Any other may be a password, or the path to one.
const SHOWN: [&str; 7] = [
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "sslmode",
    "application_name",
];

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn shown(url: &str) -> String {
        let url: DatabaseUrl = url.parse().unwrap();
        assert_eq!(format!("{url:?}"), format!("DatabaseUrl({url})"));
        url.to_string()
    }

    #[test]
    fn a_password_is_never_shown() {
        for url in [
            "postgres://auth:hunter2@db/auth",
            "postgresql://auth:hunter2@db:5432/auth?sslmode=require",
            "postgres://auth:hunt@hunter2/@db/auth",
            "postgres://auth:a?hunter2@db/auth",
            "postgres://:hunter2@db/auth",
            "postgres://db/auth?user=auth&password=hunter2",
            "postgres://db/auth?hunter2",
            "postgres://a@b/auth?password=hunter2@x",
            "postgres://db:5432/auth?password=x@hunter2",
            "postgres://db/auth?user=auth&password=hunter2:@x",
        ] {
            assert!(!shown(url).contains("hunter2"), "{}", shown(url));
        }
    }

    #[test]
    fn the_rest_of_the_url_is_shown() {
        assert_eq!(
            shown("postgres://auth:secret@db:5432/auth?sslmode=require&password=x"),
            "postgres://auth:***@db:5432/auth?sslmode=require&password=***"
        );
        assert_eq!(shown("postgres://auth@db/auth"), "postgres://auth@db/auth");
        assert_eq!(
            shown("postgres:///auth?host=/run/pg"),
            "postgres:///auth?host=/run/pg"
        );
        assert_eq!(shown("sqlite://besom.db"), "sqlite://besom.db");
    }

    #[test]
    fn a_url_of_another_kind_is_refused_unseen() {
        for url in [
            "mysql://u:hunter2@db/x",
            "host=db password=hunter2",
            "",
            "postgres:x",
        ] {
            let error = url.parse::<DatabaseUrl>().unwrap_err().to_string();
            assert!(
                !error.contains("hunter2") && error.contains("sqlite://"),
                "{error}"
            );
        }
    }

    #[test]
    fn the_scheme_tells_the_dialect() {
        let dialect = |url: &str| url.parse::<DatabaseUrl>().unwrap().dialect();
        assert_eq!(dialect("postgresql://db/x"), Dialect::Postgres);
        assert_eq!(dialect("sqlite::memory:"), Dialect::Sqlite);
    }
}
