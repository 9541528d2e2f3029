//! Reads the manifest's defaults as the real host does.

use std::time::Duration;

use crate::error::{Error, Result};
use crate::manifest::{Kind, Setting};
use crate::setting::SettingValue;

/// The value that a default stands for.
pub(super) fn read(setting: &Setting, text: &str) -> Result<SettingValue> {
    let value = match &setting.kind {
        Kind::Boolean => text.parse().ok().map(SettingValue::Boolean),
        Kind::Integer => text
            .replace('_', "")
            .parse()
            .ok()
            .map(SettingValue::Integer),
        Kind::Float => text.parse().ok().map(SettingValue::Float),
        Kind::Duration => duration(text).map(SettingValue::Duration),
        Kind::Texts => texts(text).map(SettingValue::Texts),
        Kind::Integers => items(text)
            .and_then(|of| of.iter().map(|item| item.parse().ok()).collect())
            .map(SettingValue::Integers),
        Kind::Choice(of) if !of.iter().any(|choice| choice == text) => None,
        Kind::Text | Kind::Choice(_) | Kind::Table | Kind::Column => {
            Some(SettingValue::Text(text.to_owned()))
        }
    };
    value.ok_or_else(|| {
        Error::invalid(
            "bad-default",
            format!(
                "setting `{}`: `{text}` is not of kind {}",
                setting.name, setting.kind
            ),
        )
    })
}

/// `90s`, `1h 30m`; a bare `0` needs no unit.
fn duration(text: &str) -> Option<Duration> {
    const UNITS: [(&str, u64); 7] = [
        ("us", 1),
        ("ms", 1_000),
        ("s", 1_000_000),
        ("m", 60_000_000),
        ("h", 3_600_000_000),
        ("d", 86_400_000_000),
        ("w", 604_800_000_000),
    ];
    let text: String = text.split_whitespace().collect();
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text.as_str();
    let mut micros: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|of: char| !of.is_ascii_digit())?;
        let (number, tail) = rest.split_at(digits);
        let end = tail
            .find(|of: char| of.is_ascii_digit())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let (_, scale) = UNITS.iter().find(|(name, _)| *name == unit)?;
        micros = micros.checked_add(number.parse::<u64>().ok()?.checked_mul(*scale)?)?;
        rest = tail;
    }
    (!text.is_empty()).then(|| Duration::from_micros(micros))
}

/// The items of `["a", "b"]`; a default needs no escapes.
fn texts(text: &str) -> Option<Vec<String>> {
    let unquote = |item: &String| item.strip_prefix('"')?.strip_suffix('"').map(str::to_owned);
    items(text)?.iter().map(unquote).collect()
}

fn items(text: &str) -> Option<Vec<String>> {
    let inner = text.trim().strip_prefix('[')?.strip_suffix(']')?.trim();
    let items = inner.split(',').map(|item| item.trim().to_owned());
    Some(items.filter(|item| !item.is_empty()).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_the_operators_file_writes_them() {
        let seconds = |text| duration(text).map(|of| of.as_secs());

        assert_eq!(seconds("30d"), Some(30 * 86_400));
        assert_eq!(seconds("1h 30m"), Some(5_400));
        assert_eq!(seconds("0"), Some(0));
        assert_eq!(duration("1500us"), Some(Duration::from_micros(1_500)));
        for wrong in [
            "",
            "30",
            "d",
            "-1d",
            "1.5h",
            "1 fortnight",
            "99999999999999w",
        ] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_default_of_the_wrong_kind_is_named() {
        let setting = Setting::choice("level", ["all", "minor"], "");

        let error = read(&setting, "major").unwrap_err();

        assert_eq!(
            error.to_string(),
            "invalid: setting `level`: `major` is not of kind choice:all|minor"
        );
    }

    #[test]
    fn lists_are_read_in_the_operators_notation() {
        let names = Setting::new("names", Kind::Texts, "");
        let numbers = Setting::new("numbers", Kind::Integers, "");

        assert_eq!(
            read(&names, r#"["a", "b"]"#),
            Ok(SettingValue::Texts(vec!["a".to_owned(), "b".to_owned()]))
        );
        assert_eq!(
            read(&numbers, "[1, 2]"),
            Ok(SettingValue::Integers(vec![1, 2]))
        );
        assert_eq!(read(&numbers, "[]"), Ok(SettingValue::Integers(Vec::new())));
    }
}
