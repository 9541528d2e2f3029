//! Rows that are known by their keys, as a window of their own: a read has shown them and a plugin has
//! named them, or they hang together and the sweep has put them in an order ([`super::chains`]).
//!
//! A row that a plugin has named is acted on where it is still what was shown: its key, its place in the
//! order, and the columns that were read. They are compared in one text, which the database itself makes
//! of them.

use std::sync::Arc;

use super::Plan;
use super::chains::Hold;
use super::physical::key_types;
use super::pick_notes::{TABLE, noted};
use super::signs::{all_plain, key_fields, sign};
use super::window::{Cursor, Edge, Window, key_columns};
use super::writer::{Row, Writer};
use crate::catalog::{Column, Dialect};
use crate::database::Bind;
use crate::request::{Assignment, Comparison, Fault, Source};

/// One row that was shown.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pick {
    /// Its key, as an edge has it.
    pub(crate) key: Edge,
    /// What the columns held by which it is known again.
    pub(crate) seen: Bind,
    /// It is not due: CASCADE takes it with a row behind it.
    pub(crate) rides: bool,
    /// It goes in one batch with the next one.
    pub(crate) with_next: bool,
}

impl Pick {
    /// A row to be acted on by itself.
    pub(crate) fn new(key: Edge, seen: Bind) -> Self {
        Self {
            key,
            seen,
            rides: false,
            with_next: false,
        }
    }
}

/// The rows that are to be acted on.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Picked {
    /// The columns by which a row is known again.
    pub(crate) columns: Vec<String>,
    /// The rows, in the order in which they were named.
    pub(crate) rows: Vec<Pick>,
    /// Blocked rows that were met when these were looked for.
    pub(crate) blocked_beside: u64,
    /// What holds for rows of the table that refer to them.
    pub(crate) hold: Hold,
    /// Dry run of rows that hang together: where the windows stand; `None`: at the end of the table.
    pub(crate) windows: Option<Cursor>,
}

impl Picked {
    /// The `size` rows after the cursor, by the places in which they were named.
    pub(crate) fn window(&self, cursor: &Cursor, size: u64) -> Window {
        let count = self.rows.len() as u64;
        let from = match cursor.after.as_deref() {
            Some([Bind::Integer(place)]) => u64::try_from(*place).unwrap_or(count),
            _ => 0,
        };
        let mut upto = from.saturating_add(size.max(1)).min(count);
        let goes_on = |upto: u64| {
            let last = usize::try_from(upto)
                .ok()
                .and_then(|upto| upto.checked_sub(1));
            last.and_then(|last| self.rows.get(last))
                .is_some_and(|row| row.with_next)
        };
        while upto < count && goes_on(upto) {
            upto += 1;
        }
        let edge = |place: u64| Some(vec![Bind::from(place)]);
        let next = Cursor {
            after: edge(upto),
            ..Cursor::default()
        };
        Window {
            after: edge(from),
            upto: edge(upto),
            inclusive: false,
            tie: None,
            examined: Some(match self.hold {
                Hold::Loose => upto.saturating_sub(from),
                // Windows of the table have looked at them before.
                Hold::Checked | Hold::Gone => 0,
            }),
            next: (upto < count).then_some(next),
        }
    }

    /// Rows of other rows' that CASCADE takes are among them.
    pub(super) fn has_riders(&self) -> bool {
        self.rows.iter().any(|row| row.rides)
    }

    /// The places that a window covers.
    pub(crate) fn places(&self, window: &Window) -> std::ops::Range<usize> {
        let place = |edge: &Option<Edge>, or: usize| match edge.as_deref() {
            Some([Bind::Integer(place)]) => usize::try_from(*place).unwrap_or(or),
            _ => or,
        };
        let upto = place(&window.upto, self.rows.len()).min(self.rows.len());
        place(&window.after, 0).min(upto)..upto
    }
}

impl Plan {
    /// The same plan for these rows alone.
    pub(crate) fn with_picked(&self, picked: Arc<Picked>) -> Self {
        Self {
            picked: Some(picked),
            ..self.clone()
        }
    }

    /// The row is one of those named, from the window's first place to its last; `before`: also those
    /// before it.
    pub(super) fn is_picked(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        picked: &Picked,
        window: &Window,
        before: bool,
    ) {
        let mut places = picked.places(window);
        if before {
            places.start = 0;
        }
        if w.dialect() == Dialect::Sqlite {
            let (own, names) = own_and_named(row);
            w.push(&format!(
                "{own} IN (SELECT {names} FROM temp.{TABLE} WHERE place >= "
            ))
            .bind(places.start as u64)
            .push(" AND place < ")
            .bind(places.end as u64)
            .push(")");
            return;
        }
        let rows = picked.rows.get(places).unwrap_or_default();
        is_one_of(w, row, &rows.iter().collect::<Vec<_>>());
    }

    /// The row is one of those that are not due and ride along.
    pub(super) fn rides(&self, w: &mut Writer, row: &Row<'_>, picked: &Picked) {
        if w.dialect() == Dialect::Sqlite {
            let (own, names) = own_and_named(row);
            w.push(&format!(
                "{own} IN (SELECT {names} FROM temp.{TABLE} WHERE rides)"
            ));
            return;
        }
        let riders = picked.rows.iter().filter(|row| row.rides);
        is_one_of(w, row, &riders.collect::<Vec<_>>());
    }

    /// ` AND …`: the row is named, and holds what was shown.
    pub(super) fn unchanged(&self, w: &mut Writer, row: &Row<'_>) {
        let Some(picked) = self.picked.as_ref().filter(|p| !p.columns.is_empty()) else {
            return;
        };
        self.is_what_was_seen(w, row, picked);
    }
}

/// PostgreSQL: the row is one of these.
fn is_one_of(w: &mut Writer, row: &Row<'_>, rows: &[&Pick]) {
    let keys = key_columns(row);
    let names: Vec<_> = (0..keys.len()).map(|i| format!("k{i}")).collect();
    let (own, _) = own_and_named(row);
    let column = |index: usize| {
        let texts = rows.iter().map(|row| text(row.key.get(index)));
        Bind::Texts(texts.map(Option::unwrap_or_default).collect())
    };
    let types = key_types(row.table);
    // An array of texts would become one of the elements of array keys.
    if let [sql_type] = types.as_slice()
        && !sql_type.ends_with("[]")
    {
        let sign = sign(
            key_fields(row.table).first().copied().flatten(),
            Comparison::Equal,
        );
        w.push(&format!("{own} {sign} ANY (")).bind(column(0));
        w.push(&format!("::text[]::{sql_type}[])"));
        return;
    }
    let typed = names.iter().zip(&types);
    let typed: Vec<_> = typed.map(|(name, of)| format!("u.{name}::{of}")).collect();
    let fields = key_fields(row.table);
    let plain = all_plain(&fields);
    match plain {
        true => w.push(&format!("{own} IN (SELECT {}", typed.join(", "))),
        false => w.push("EXISTS (SELECT 1"),
    };
    w.push(" FROM unnest(");
    for index in 0..types.len() {
        w.push(if index > 0 { ", " } else { "" })
            .bind(column(index))
            .push("::text[]");
    }
    w.push(&format!(") AS u({})", names.join(", ")));
    if !plain {
        let same = typed.iter().zip(&keys).zip(fields);
        let same = same.map(|((typed, key), field)| {
            let sign = sign(field, Comparison::Equal);
            format!("{typed} {sign} {key}")
        });
        let same: Vec<_> = same.collect();
        w.push(" WHERE ").push(&same.join(" AND "));
    }
    w.push(")");
}

/// A row's key, and the names that it has in the note about the picked rows.
pub(super) fn own_and_named(row: &Row<'_>) -> (String, String) {
    let keys = key_columns(row);
    let names: Vec<_> = (0..keys.len()).map(|i| format!("k{i}")).collect();
    let own = match keys.as_slice() {
        [key] => key.clone(),
        keys => format!("({})", keys.join(", ")),
    };
    (own, names.join(", "))
}

impl Plan {
    fn is_what_was_seen(&self, w: &mut Writer, row: &Row<'_>, picked: &Picked) {
        w.push(" AND ");
        let columns = picked.columns.iter().map(|name| row.column(name));
        let seen = fingerprint(w.dialect(), &columns.collect::<Vec<_>>());
        match w.dialect() {
            Dialect::Sqlite => {
                w.push("(SELECT seen FROM ");
                noted(w, row);
                w.push(&format!(") = {seen}"));
            }
            Dialect::Postgres => {
                let known = picked.rows.iter();
                let known = known.map(|pick| (name_of(&pick.key), text(Some(&pick.seen))));
                w.push("(").bind(object(known));
                w.push(&format!("::jsonb ->> {}) = {seen}", own_name(row)));
            }
        }
    }

    /// The value that each named row gets for itself; the old one where it gets none.
    pub(super) fn own_value(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        assignment: &Assignment,
        column: &Column,
    ) -> Result<(), Fault> {
        let old = row.column(&column.name);
        let (Some(picked), Source::Each(values)) = (&self.picked, &assignment.source) else {
            w.push(&old);
            return Ok(());
        };
        if w.dialect() == Dialect::Sqlite {
            let place = self.place_of_assignment(assignment);
            w.push(&format!("CASE WHEN (SELECT s{place} FROM "));
            noted(w, row);
            w.push(&format!(") THEN (SELECT v{place} FROM "));
            noted(w, row);
            w.push(&format!(") ELSE {old} END"));
            return Ok(());
        }
        let mut given = Vec::new();
        for (pick, value) in picked.rows.iter().zip(values) {
            if let Some(value) = value {
                let bind = self.assigned_bind(w.dialect(), row.table, column, value)?;
                given.push((name_of(&pick.key), text(Some(&bind))));
            }
        }
        let (map, name) = (object(given.into_iter()), own_name(row));
        w.push("CASE WHEN jsonb_exists(").bind(map.clone());
        w.push(&format!("::jsonb, {name}) THEN (")).bind(map);
        w.push(&format!(
            "::jsonb ->> {name})::{} ELSE {old} END",
            column.sql_type
        ));
        Ok(())
    }
}

/// One text for the values of some columns, that of others where any of them is another value.
pub(super) fn fingerprint(dialect: Dialect, columns: &[String]) -> String {
    match (dialect, columns) {
        (_, []) => "'-'".to_owned(),
        (Dialect::Postgres, columns) => format!(
            "encode(sha256(textsend(ROW({})::text)), 'hex')",
            columns.join(", ")
        ),
        (Dialect::Sqlite, columns) => {
            // `quote` ends a text at its first NUL character.
            let value = |c: &String| {
                format!("CASE typeof({c}) WHEN 'text' THEN 't' || hex({c}) ELSE quote({c}) END")
            };
            let values: Vec<_> = columns.iter().map(value).collect();
            in_groups(&values, " || ',' || ")
        }
    }
}

/// Terms with an operator between them, in groups: SQLite nests an expression a thousand deep at most,
/// and a table may have twice as many columns.
pub(super) fn in_groups(terms: &[String], between: &str) -> String {
    const GROUP: usize = 100;
    let groups = terms.chunks(GROUP);
    let groups: Vec<_> = groups
        .map(|group| format!("({})", group.join(between)))
        .collect();
    format!("({})", groups.join(between))
}

/// PostgreSQL: one text for a key, however many columns it has.
fn own_name(row: &Row<'_>) -> String {
    let keys: Vec<_> = key_columns(row)
        .iter()
        .map(|key| format!("{key}::text"))
        .collect();
    match keys.as_slice() {
        [key] => format!("({key})"),
        keys => {
            let parts = keys
                .iter()
                .map(|key| format!("length({key}) || ':' || {key}"));
            format!("({})", parts.collect::<Vec<_>>().join(" || "))
        }
    }
}

/// The same, of a key that the database has told.
fn name_of(key: &Edge) -> String {
    let texts = key.iter().map(|part| text(Some(part)).unwrap_or_default());
    match key.len() {
        1 => texts.collect(),
        _ => texts
            .map(|text| format!("{}:{text}", text.chars().count()))
            .collect(),
    }
}

/// A value in PostgreSQL's text form.
fn text(bind: Option<&Bind>) -> Option<String> {
    match bind {
        Some(Bind::Text(text)) => Some(text.clone()),
        Some(Bind::Integer(value)) => Some(value.to_string()),
        Some(Bind::Real(value)) => Some(value.to_string()),
        Some(Bind::Null | Bind::Blob(_) | Bind::Texts(_)) | None => None,
    }
}

fn object(pairs: impl Iterator<Item = (String, Option<String>)>) -> String {
    let value = |text: Option<String>| text.map_or(serde_json::Value::Null, Into::into);
    let map: serde_json::Map<_, _> = pairs.map(|(name, text)| (name, value(text))).collect();
    serde_json::Value::Object(map).to_string()
}
