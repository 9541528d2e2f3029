//! What the store's statements have in common.

use crate::catalog::Dialect;
use crate::database::{Bind, Cell, Session, Statement};
use crate::plugin::Digest;

use super::StoreError;

/// A digest, or NULL.
pub(super) fn of(digest: Option<&Digest>) -> Bind {
    digest.map_or(Bind::Null, |digest| Bind::Text(digest.to_string()))
}

/// A text, or NULL.
pub(super) fn text(text: Option<&str>) -> Bind {
    text.map_or(Bind::Null, Bind::from)
}

/// A truth value as the dialect's column takes it.
pub(super) fn write_flag(w: &mut Statement, flag: bool) {
    w.push(match (w.dialect(), flag) {
        (Dialect::Postgres, true) => "true",
        (Dialect::Postgres, false) => "false",
        (Dialect::Sqlite, true) => "1",
        (Dialect::Sqlite, false) => "0",
    });
}

/// A digest of the ledger's; what is none counts as missing.
pub(super) fn digest(cell: &Cell) -> Option<Digest> {
    cell.as_text().and_then(|text| text.parse().ok())
}

/// A text of the ledger's. It is shown to people: nothing in it may move their cursor.
pub(super) fn words(cell: &Cell) -> Option<String> {
    let shown = |c: char| {
        if c.is_control() && c != '\n' {
            '\u{fffd}'
        } else {
            c
        }
    };
    cell.as_text().map(|text| text.chars().map(shown).collect())
}

/// The rows of a statement.
pub(super) async fn fetch(
    session: &mut Session,
    w: &Statement,
) -> Result<Vec<crate::database::Cells>, StoreError> {
    session.fetch(w).await.map_err(StoreError::of)
}
