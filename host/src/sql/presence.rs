//! `IS NULL` and `IS NOT NULL`, of values by which applications mean that there is none: see
//! [`crate::catalog::Presence`].

use super::Plan;
use super::collation::by_bytes;
use super::instant::never_in;
use super::writer::{Row, Writer};
use crate::catalog::{Column, Dialect, Kind, NONE, Presence, Table, ZEROS};
use crate::request::Fault;
use crate::scope::find_column;

impl Plan {
    /// Writes that the column is NULL, or that it is not: for certain, or that it may be.
    pub(super) fn is_null(
        &self,
        w: &mut Writer,
        row: &Row<'_>,
        column: &str,
        null: bool,
        possibly: bool,
    ) -> Result<(), Fault> {
        let known = find_column(row.table, column)?;
        let presence = self.presence(row.table, known);
        if presence == Presence::Said || null != possibly {
            return self.null(w, row, column, null);
        }
        match (presence, null) {
            // What stands for "never" is no time at which anything has happened.
            (Presence::Times(_), true) => {
                w.push("NOT (");
                self.has_instant(w, row, known)?;
            }
            (Presence::Times(_), false) => {
                w.push("(");
                self.null(w, row, column, false)?;
                w.push(" AND ");
                self.has_instant(w, row, known)?;
            }
            (_, null) => {
                w.push("(");
                self.null(w, row, column, null)?;
                w.push(if null { " OR " } else { " AND NOT " });
                self.may_stand_for_none(w, row, known);
            }
        }
        w.push(")");
        Ok(())
    }

    /// What a value of the column says, where a condition asks it for NULL.
    pub(super) fn presence(&self, table: &Table, column: &Column) -> Presence {
        self.forms.presence(self.dialect(), table, column)
    }

    /// Writes "the value is one by which applications mean that there is none". Never NULL itself; false of NULL.
    pub(super) fn may_stand_for_none(&self, w: &mut Writer, row: &Row<'_>, column: &Column) {
        let name = row.column(&column.name);
        let test = match (self.dialect(), &column.kind) {
            (Dialect::Sqlite, _) => sqlite(&name),
            (Dialect::Postgres, Kind::Boolean) => format!("NOT {name}"),
            (Dialect::Postgres, Kind::Text) => postgres_text(&name),
            (Dialect::Postgres, _) => postgres_number(&name, &column.kind),
        };
        w.push("coalesce(").push(&test).push(", ");
        w.truth(false);
        w.push(")");
    }
}

/// Numbers that stand for "never" because they are large, whatever their unit.
fn large(name: &str) -> String {
    let mut text = format!("{name} = {}", i64::MAX);
    for unit in [1_000_000_000, 1_000_000, 1_000] {
        if let Some((from, to)) = never_in(unit) {
            text.push_str(&format!(" OR {name} >= {from} AND {name} < {to}"));
        }
    }
    text
}

fn words() -> String {
    let words: Vec<_> = NONE.iter().map(|word| format!("'{word}'")).collect();
    words.join(", ")
}

fn postgres_number(name: &str, kind: &Kind) -> String {
    // Behind all others stand the infinity and what is no number.
    let most = match kind {
        Kind::Numeric | Kind::Float => format!(" OR {name} >= {}", i64::MAX),
        _ => String::new(),
    };
    format!("({name} <= 0 OR {}{most})", large(name))
}

fn postgres_text(name: &str) -> String {
    let plain = format!("lower(btrim({}, E' \\t\\r\\n'))", by_bytes(name));
    let number = format!("{plain}::numeric");
    format!(
        "({plain} IN ({words}) OR translate({plain}, '{ZEROS}', '') = '' \
         OR {plain} ~ '^(-[0-9]+$|(0[0-9]{{3}}|1[0-8][0-9]{{2}}|19[0-6][0-9]|197[0-2])-[0-9]{{2}}-[0-9]{{2}}|\
         9999-12-3[01])' OR {plain} LIKE '% bc' \
         OR CASE WHEN {plain} ~ '^[0-9]{{12,19}}$' THEN {large} END)",
        words = words(),
        large = large(&number),
    )
}

fn sqlite(name: &str) -> String {
    let plain = format!("lower(trim({name}, ' ' || char(9, 10, 13)))");
    let digits = "[0-9]";
    let day = format!("{digits}{digits}{digits}{digits}-{digits}{digits}-{digits}{digits}*");
    let number = format!("CAST({name} AS NUMERIC)");
    // trim leaves nothing of what is made of zeros alone.
    format!(
        "CASE typeof({name}) WHEN 'integer' THEN {name} <= 0 OR {large} \
         WHEN 'real' THEN {name} <= 0 OR {name} = 9e999 \
         WHEN 'text' THEN instr({name}, char(0)) > 0 OR {plain} IN ({words}) OR trim({plain}, '{ZEROS}') = '' \
         OR {plain} GLOB '{day}' AND ({plain} < '1973' OR {plain} >= '9999-12-30') \
         OR {plain} GLOB '-{digits}*' AND {plain} NOT GLOB '-*[^0-9]*' OR {plain} GLOB '* bc' \
         OR {plain} NOT GLOB '*[^0-9]*' AND length({plain}) BETWEEN 12 AND 19 AND ({cast}) END",
        large = large(name),
        words = words(),
        cast = large(&number),
    )
}
