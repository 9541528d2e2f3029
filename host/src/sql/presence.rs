//! `IS NULL` and `IS NOT NULL`, of values by which applications mean that there is none: see
//! [`crate::catalog::Presence`].

use super::Plan;
use super::collation::by_bytes;
use super::instant::{late, listed};
use super::tie::Sure;
use super::writer::{Row, Writer};
use crate::catalog::{Column, Dialect, Kind, NETWORK, NONE, Presence, Table, Times, ZEROS};
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
        sure: Sure,
    ) -> Result<(), Fault> {
        let known = find_column(row.table, column)?;
        let presence = self.presence(row.table, known);
        if presence == Presence::Said || null == (sure == Sure::Certainly) {
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

    /// Writes "the value is one by which applications mean that there is none"; false, or NULL, of NULL.
    pub(super) fn may_stand_for_none(&self, w: &mut Writer, row: &Row<'_>, column: &Column) {
        let name = row.column(&column.name);
        let test = match (self.dialect(), &column.kind) {
            (Dialect::Sqlite, _) => sqlite(&name),
            (Dialect::Postgres, Kind::Boolean) => format!("NOT {name}"),
            (Dialect::Postgres, Kind::Integer(_) | Kind::Numeric | Kind::Float) => {
                postgres_number(&name, &column.kind)
            }
            (Dialect::Postgres, Kind::Text) => postgres_text(&name),
            (Dialect::Postgres, Kind::Enum(_) | Kind::Json) => {
                format!("({})", postgres_word(&plain(&name)))
            }
            (Dialect::Postgres, Kind::Uuid) => format!("{name} = '{}'", uuid::Uuid::nil()),
            (Dialect::Postgres, Kind::Bytes) => {
                format!("length(btrim({name}, decode('00', 'hex'))) = 0")
            }
            // Of the others each value is one.
            (Dialect::Postgres, _) => "false".to_owned(),
        };
        w.push("(");
        if let Some(bound) = bound(self.dialect(), &name, &column.kind) {
            w.push(&bound).push(" AND ");
        }
        w.push("coalesce(").push(&test).push(", ");
        w.truth(false);
        w.push("))");
    }
}

/// Of numbers what an index leads to: all that are none, and others.
fn bound(dialect: Dialect, name: &str, kind: &Kind) -> Option<String> {
    let numbers = matches!(kind, Kind::Integer(_) | Kind::Numeric | Kind::Float);
    // SQLite has texts and bytes behind all numbers.
    let any = dialect == Dialect::Sqlite && *kind == Kind::Any;
    (numbers || any).then(|| format!("({name} <= 0 OR {name} >= {})", Times::LATE))
}

fn postgres_number(name: &str, kind: &Kind) -> String {
    // Behind all others stand the infinity and what is no number.
    let most = match kind {
        Kind::Numeric | Kind::Float => format!(" OR {name} >= {}", Times::LARGEST),
        _ => String::new(),
    };
    format!("({name} <= 0 OR {}{most})", late(name))
}

/// A text of PostgreSQL in lower case and without blanks around it.
fn plain(name: &str) -> String {
    format!("lower(btrim({}, E' \\t\\r\\n'))", by_bytes(name))
}

fn postgres_word(plain: &str) -> String {
    format!(
        "{plain} IN ({words}) OR translate({plain}, '{ZEROS}', '') = '' AND {plain} <> '{NETWORK}'",
        words = listed(&NONE),
    )
}

fn postgres_text(name: &str) -> String {
    let plain = plain(name);
    let number = format!("{plain}::numeric");
    let (first, end) = Times::REAL_DAYS;
    format!(
        "({word} OR {plain} ~ '^-[0-9]+$' OR {plain} LIKE '% bc' \
         OR {plain} ~ '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}' AND ({plain} < '{first}' OR {plain} >= '{end}') \
         OR CASE WHEN {plain} ~ '^[0-9]{{12,19}}$' THEN {late} END)",
        word = postgres_word(&plain),
        late = late(&number),
    )
}

fn sqlite(name: &str) -> String {
    let plain = format!("lower(trim({name}, ' ' || char(9, 10, 13)))");
    let digits = "[0-9]";
    let day = format!("{digits}{digits}{digits}{digits}-{digits}{digits}-{digits}{digits}*");
    let number = format!("CAST({name} AS NUMERIC)");
    let (first, end) = Times::REAL_DAYS;
    // trim leaves nothing of what is made of zeros alone. Ids are no longer than 64 bytes.
    format!(
        "CASE typeof({name}) WHEN 'integer' THEN {name} <= 0 OR {late} \
         WHEN 'real' THEN {name} <= 0 OR {name} = 9e999 \
         WHEN 'blob' THEN length({name}) <= 64 AND trim(hex({name}), '0') = '' \
         WHEN 'text' THEN instr({name}, char(0)) > 0 OR {plain} IN ({words}) OR trim({plain}, '{ZEROS}') = '' AND {plain} <> '{NETWORK}' \
         OR {plain} GLOB '{day}' AND ({plain} < '{first}' OR {plain} >= '{end}') \
         OR {plain} GLOB '-{digits}*' AND {plain} NOT GLOB '-*[^0-9]*' OR {plain} GLOB '* bc' \
         OR {plain} NOT GLOB '*[^0-9]*' AND length({plain}) BETWEEN 12 AND 19 AND ({cast}) END",
        late = late(name),
        words = listed(&NONE),
        cast = late(&number),
    )
}
