//! `${NAME:-default}` in the file's strings, and where the values come from.

use std::collections::BTreeMap;
use std::fmt;

/// The environment that a configuration is read under. It is passed in, so that a test does not
/// depend on the machine's own.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Environment(…)") // values may be secrets
    }
}

impl Environment {
    /// The environment of this process. A variable that is not UTF-8 counts as not set.
    pub fn of_process() -> Self {
        let variables = std::env::vars_os();
        let readable = variables.filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Self(readable.collect())
    }

    /// Exactly these variables.
    pub fn of<const N: usize>(variables: [(&str, &str); N]) -> Self {
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self(variables.into())
    }

    /// The value of a variable; `None` where it is not set, or empty.
    pub fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).filter(|value| !value.is_empty()).cloned()
    }

    /// The variables whose names begin so, by name. An empty value is a value here.
    pub(super) fn beginning_with(&self, prefix: &str) -> impl Iterator<Item = (&str, &str)> {
        let variables = self.0.range(prefix.to_owned()..);
        let variables = variables.map(|(name, value)| (name.as_str(), value.as_str()));
        let prefix = prefix.to_owned();
        variables.take_while(move |(name, _)| name.starts_with(&prefix))
    }

    /// `text` with every `${NAME}` and `${NAME:-default}` replaced and every `$$` made a `$`.
    /// As in a shell, `:-` also stands in for a variable that is set and empty. What comes out of
    /// a variable is not looked at again.
    ///
    /// # Errors
    /// Says what to write instead; never quotes a value.
    pub(super) fn interpolate(&self, text: &str) -> Result<String, String> {
        let mut done = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            done.push_str(before);
            if let Some(literal) = after.strip_prefix('$') {
                done.push('$');
                rest = literal;
            } else if let Some(inside) = after.strip_prefix('{') {
                let (expression, remaining) = inside
                    .split_once('}')
                    .ok_or("`${` without `}`: write `${NAME}`, or `$$` for a dollar sign")?;
                done.push_str(&self.evaluate(expression)?);
                rest = remaining;
            } else {
                return Err("a single `$`: write `$$` for a dollar sign, \
                            or `${NAME}` for a variable"
                    .to_owned());
            }
        }
        done.push_str(rest);
        Ok(done)
    }

    fn evaluate(&self, expression: &str) -> Result<String, String> {
        let (name, default) = match expression.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (expression, None),
        };
        if !is_name(name) {
            return Err(
                "what stands between `${` and `}` is not a variable's name: write \
                        `${NAME}` or `${NAME:-default}`"
                    .to_owned(),
            );
        }
        match (default, self.0.get(name).cloned()) {
            (Some(default), value) => Ok(value
                .filter(|v| !v.is_empty())
                .unwrap_or_else(|| default.to_owned())),
            (None, Some(value)) => Ok(value),
            (None, None) => Err(format!(
                "the environment variable {name} is not set: set it, or give a default: \
                 `${{{name}:-…}}`"
            )),
        }
    }
}

fn is_name(text: &str) -> bool {
    !text.starts_with(|first: char| first.is_ascii_digit())
        && !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn interpolate(text: &str) -> Result<String, String> {
        let environment =
            Environment::of([("HOME", "/home/me"), ("EMPTY", ""), ("COST", "5$ ${HOME}")]);
        environment.interpolate(text)
    }

    #[test]
    fn variables_defaults_and_dollars() {
        assert_eq!(interpolate("no variable").unwrap(), "no variable");
        assert_eq!(interpolate("a${HOME}/b").unwrap(), "a/home/me/b");
        assert_eq!(interpolate("${GONE:-0 3 * * *}").unwrap(), "0 3 * * *");
        assert_eq!(interpolate("${HOME:-x}${GONE:-}").unwrap(), "/home/me");
        assert_eq!(interpolate("5$$ $${HOME}").unwrap(), "5$ ${HOME}");
    }

    #[test]
    fn an_empty_variable_takes_the_default_only_where_one_is_given() {
        assert_eq!(interpolate("${EMPTY:-x}").unwrap(), "x");
        assert_eq!(interpolate("[${EMPTY}]").unwrap(), "[]");
    }

    #[test]
    fn what_a_variable_holds_is_not_looked_at_again() {
        assert_eq!(interpolate("${COST}").unwrap(), "5$ ${HOME}");
    }

    #[test]
    fn a_missing_variable_is_named() {
        let error = interpolate("${GONE}").unwrap_err();
        assert!(error.contains("GONE is not set"), "{error}");
    }

    #[test]
    fn half_written_variables_are_refused() {
        for text in [
            "$HOME",
            "${HOME",
            "100$",
            "${}",
            "${1X}",
            "${HOME-x}",
            "${A B}",
        ] {
            assert!(interpolate(text).is_err(), "{text}");
        }
    }
}
