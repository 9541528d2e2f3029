//! Telling ids with a time inside from a sample of a column.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::error::place;
use super::{IdForm, IdShape, ProbeError};
use crate::catalog::{Column, TableId};
use crate::request::Timestamp;

/// Ids sampled at either end: the largest alone unmasks random ids among ULIDs (a random one lies
/// before tomorrow with a probability of 0.65 %), the others show shapes and versions.
pub(super) const SAMPLE_EACH_END: u32 = 16;

/// Rows sampled where no index leads to the ends: some pages, whatever the table's size.
pub(super) const SAMPLE_UNORDERED: u32 = 1000;

/// Ids sampled at random besides, where both ends are: what stands at the ends need not be like the rest.
pub(super) const SAMPLE_AT_RANDOM: u32 = 100;

/// No key was made before 1973, as no instant is: below lie the nil UUID and what else stands for none.
pub const EARLIEST_ID: Timestamp = Timestamp(100_000_000_000_000);

/// Of the ULIDs that are held as UUIDs seven in eight have bits that no UUID of RFC 9562 has. Where fewer
/// than one in four do, the ids are UUIDs, and have a version. (Three ULIDs seem UUIDs once in 500 times.)
const FEWEST_ULIDS_ONE_IN: usize = 4;

/// Ids of another version than 7 are no reason to refuse where they are no more than one in so many: none of them is read,
/// wherever it sorts. Where there are more the ids are not made from the time.
const MOST_STRAYS_ONE_IN: usize = 4;

/// How far a clock that made an id may run ahead of the database's.
const TOLERATED_MICROS: i64 = 24 * 60 * 60 * 1_000_000;

/// One sampled value.
pub(super) enum Sampled {
    /// A value of the native uuid type, as text.
    Uuid(String),
    Text(String),
    Bytes(Vec<u8>),
    /// Of a type that holds no ids: what it is, for the message.
    Other(String),
}

/// A sampled value that is an id.
struct Id {
    text: String,
    bits: u128,
    shape: IdShape,
    /// False for Crockford text of digits alone, which fits either case.
    case_known: bool,
}

/// Ids drawn from a column, and how.
pub(super) struct Sample {
    pub(super) values: Vec<Sampled>,
    /// Drawn from both ends of an index; else from some rows.
    pub(super) ends: bool,
}

/// What `sample` says about the column's ids. `by_kind` is the shape that its type suggests, for a
/// column without values.
pub(super) fn form(
    table: &TableId,
    column: &Column,
    sample: &Sample,
    by_kind: IdShape,
    now: Timestamp,
) -> Result<IdForm, ProbeError> {
    let mut ids = Vec::new();
    let mut stranger = None;
    for value in &sample.values {
        match read(value) {
            Ok(id) => ids.push(id),
            Err(found) => stranger = Some(found),
        }
    }
    match (ids.first(), stranger) {
        (None, Some(found)) => return Err(unknown(table, column, found)),
        (Some(id), Some(found)) => return Err(mixed(table, column, id, found)),
        (_, None) => {}
    }
    let shape = common_shape(table, column, &ids)?.unwrap_or(by_kind);
    let crockford = matches!(shape, IdShape::Crockford { .. });
    let version7 = !crockford && are_version7(&ids);
    let is_stray = |id: &&Id| version7 && !is_version7(id.bits);
    let few = ids.iter().filter(is_stray).count() * MOST_STRAYS_ONE_IN <= ids.len();
    // all ones stands for no id, as all zeros does
    let made = ids.iter().filter(|id| id.bits != u128::MAX);
    let made = made.filter(|id| !(few && is_stray(id)));
    if let Some(latest) = made.max_by_key(|id| id.bits >> 80) {
        let at = Timestamp(time_micros(latest.bits));
        if at.0 > now.0.saturating_add(TOLERATED_MICROS) {
            return Err(ProbeError::NotTimeOrdered {
                place: place(table, column),
                id: latest.text.clone(),
                at,
                now,
                looked_at: if sample.ends {
                    "the smallest and the largest ids, and some at random"
                } else {
                    "a thousand rows at most, because no index leads with the column"
                },
            });
        }
    }
    let stray = ids.iter().find(is_stray);
    Ok(IdForm {
        shape,
        version7,
        stray: stray.map(|id| format!("`{}` ({})", id.text, version_of(id.bits))),
    })
}

/// Whether ids of another version than 7 are strangers among these: where most of them have a version at all, however few
/// they are, since the bits of another version are no time. Nil, and what else stands for no id, says nothing. A lone
/// ULID seems a UUID once in eight times, and is then kept.
fn are_version7(ids: &[Id]) -> bool {
    // the two ends of a small table overlap
    let distinct: BTreeSet<u128> = ids.iter().map(|id| id.bits).collect();
    let made: Vec<u128> = distinct
        .into_iter()
        .filter(|bits| *bits != u128::MAX && time_micros(*bits) >= EARLIEST_ID.0)
        .collect();
    let ulids = made.iter().filter(|bits| version(**bits).is_none()).count();
    made.is_empty() || ulids * FEWEST_ULIDS_ONE_IN < made.len()
}

/// That the column's type holds no such ids, or its values are none.
pub(super) fn unknown(table: &TableId, column: &Column, found: String) -> ProbeError {
    ProbeError::UnknownIdForm {
        place: place(table, column),
        declared: column.sql_type.clone(),
        found,
    }
}

fn mixed(table: &TableId, column: &Column, id: &Id, second: String) -> ProbeError {
    ProbeError::MixedRepresentation {
        place: place(table, column),
        first: format!("`{}` ({})", id.text, describe(id)),
        second,
        way_out: "rewrite the ids in one form, or use a time column instead".to_owned(),
    }
}

/// The one shape of all `ids`; none without ids.
fn common_shape(
    table: &TableId,
    column: &Column,
    ids: &[Id],
) -> Result<Option<IdShape>, ProbeError> {
    let Some(model) = ids.iter().find(|id| id.case_known).or(ids.first()) else {
        return Ok(None);
    };
    let fits = |id: &&Id| {
        id.shape == model.shape
            || !id.case_known && matches!(model.shape, IdShape::Crockford { .. })
    };
    match ids.iter().find(|id| !fits(id)) {
        None => Ok(Some(model.shape)),
        Some(other) => {
            let second = format!("`{}` ({})", other.text, describe(other));
            Err(mixed(table, column, model, second))
        }
    }
}

fn describe(id: &Id) -> &'static str {
    match id.shape {
        IdShape::Uuid => "uuid",
        IdShape::UuidText => "a hyphenated UUID as text",
        IdShape::Crockford { upper: true } => "a ULID as text in upper case",
        IdShape::Crockford { upper: false } => "a ULID as text in lower case",
        IdShape::Bytes => "16 bytes",
    }
}

/// The first 48 bits are milliseconds; they fit 64 bits of microseconds.
fn time_micros(bits: u128) -> i64 {
    i64::try_from((bits >> 80) * 1000).unwrap_or(i64::MAX)
}

/// RFC 9562: the version in the 4 bits after 48, the variant `10` in the two after 64. `None`: no UUID of
/// that standard.
fn version(bits: u128) -> Option<u128> {
    let version = (bits >> 76) & 0xf;
    ((bits >> 62) & 0b11 == 0b10 && (1..=8).contains(&version)).then_some(version)
}

fn is_version7(bits: u128) -> bool {
    version(bits) == Some(7)
}

fn version_of(bits: u128) -> String {
    match (bits, version(bits)) {
        (0, _) => "the nil UUID".to_owned(),
        (_, Some(version)) => format!("UUID version {version}"),
        (_, None) => "of no version".to_owned(),
    }
}

/// The id in a value, or what the value is instead.
fn read(value: &Sampled) -> Result<Id, String> {
    match value {
        Sampled::Uuid(text) => match hyphenated(text) {
            Some(bits) => Ok(id(text.clone(), bits, IdShape::Uuid)),
            None => Err(format!("`{text}`")),
        },
        Sampled::Text(text) => read_text(text),
        Sampled::Bytes(bytes) => match <[u8; 16]>::try_from(bytes.as_slice()) {
            Ok(array) => Ok(id(hex(bytes), u128::from_be_bytes(array), IdShape::Bytes)),
            Err(_) => Err(format!("`{}` ({} bytes)", hex(bytes), bytes.len())),
        },
        Sampled::Other(what) => Err(what.clone()),
    }
}

fn read_text(text: &str) -> Result<Id, String> {
    if let Some(bits) = hyphenated(text) {
        return Ok(id(text.to_owned(), bits, IdShape::UuidText));
    }
    let upper = text.contains(|c: char| c.is_ascii_uppercase());
    let lower = text.contains(|c: char| c.is_ascii_lowercase());
    match crockford(text) {
        Some(bits) if !(upper && lower) => Ok(Id {
            text: text.to_owned(),
            bits,
            shape: IdShape::Crockford { upper: !lower },
            case_known: upper || lower,
        }),
        Some(_) => Err(format!("`{text}` (upper and lower case)")),
        None => Err(format!(
            "`{text}` (text of {} characters)",
            text.chars().count()
        )),
    }
}

fn id(text: String, bits: u128, shape: IdShape) -> Id {
    Id {
        text,
        bits,
        shape,
        case_known: true,
    }
}

/// A UUID of 36 characters in lower case.
fn hyphenated(text: &str) -> Option<u128> {
    if text.len() != 36 || text.contains(|c: char| c.is_ascii_uppercase()) {
        return None;
    }
    uuid::Uuid::try_parse(text).ok().map(|uuid| uuid.as_u128())
}

/// 26 characters of Crockford's base 32, either case: 130 bits of which the first two are 0.
fn crockford(text: &str) -> Option<u128> {
    const ALPHABET: &[u8] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    if text.len() != 26 || !text.starts_with(|c: char| ('0'..='7').contains(&c)) {
        return None;
    }
    text.bytes().try_fold(0u128, |bits, byte| {
        let upper = byte.to_ascii_uppercase();
        let digit = ALPHABET.iter().position(|letter| *letter == upper)?;
        Some((bits << 5) | digit as u128)
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .take(16)
        .fold(String::from("x"), |mut text, byte| {
            // writing to a String does not fail
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ulid_holds_the_milliseconds_that_its_makers_publish() {
        // the example of the ULID specification: 1469918176385
        let bits = crockford("01ARYZ6S41TSV4RRFFQ69G5FAV").unwrap_or_default();
        assert_eq!(time_micros(bits), 1_469_918_176_385_000);
        assert_eq!(crockford("01aryz6s41tsv4rrffq69g5fav"), Some(bits));
    }

    #[test]
    fn text_that_only_looks_like_a_ulid_is_none() {
        for text in [
            "",
            "81ARYZ6S41TSV4RRFFQ69G5FAV", // more than 128 bits
            "01ARYZ6S41TSV4RRFFQ69G5FAU", // U is not in the alphabet
            "01ARYZ6S41TSV4RRFFQ69G5FA",  // 25 characters
            "01ARYZ6S41TSV4RRFFQ69G5FAé",
        ] {
            assert_eq!(crockford(text), None, "{text}");
        }
    }

    #[test]
    fn version_and_variant_of_the_rfcs_own_example_are_seen() {
        let v7 = hyphenated("017f22e2-79b0-7cc3-98c4-dc0c0c07398f").unwrap_or_default();
        let v4 = hyphenated("919108f7-52d1-4320-9bac-f847db4148a8").unwrap_or_default();
        assert!(is_version7(v7));
        assert!(!is_version7(v4));
        assert_eq!(time_micros(v7), 1_645_557_742_000_000);
        assert_eq!(hyphenated("017F22E2-79B0-7CC3-98C4-DC0C0C07398F"), None);
    }
}
