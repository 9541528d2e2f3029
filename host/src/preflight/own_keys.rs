//! `held-by-its-own`: due rows to which rows of their own table refer that stay.

use super::mend::listed;
use super::{Finding, Severity};
use crate::catalog::{Catalog, OnDelete};
use crate::sweep::OwnHeld;

/// The code of [`held_by_its_own`].
pub const HELD_BY_ITS_OWN: &str = "held-by-its-own";

/// What to say of a key by which rows that are not due hold due ones. Information: a chain whose newest row is alive
/// may be meant to stay whole.
pub fn held_by_its_own(held: &OwnHeld, catalog: &Catalog) -> Finding {
    let key = &held.key;
    let more = if held.more { " or more" } else { "" };
    let (rows, stay, them) = match held.rows {
        1 => ("row", "is due and stays", "it"),
        _ => ("rows", "are due and stay", "them"),
    };
    let rule = match key.on_delete {
        OnDelete::Restrict => "RESTRICT",
        _ => "NO ACTION",
    };
    let columns = listed(&key.columns);
    let cure = match held.can_let_go {
        true => String::new(),
        false => format!("let {columns} take NULL, and then "),
    };
    let message = format!(
        "{}{more} {rows} of `{}` {stay}, and with {them} all that such a row refers to in turn: rows that are not due \
         refer to {them} by `{}` on {columns}, a key of the table to itself that is ON DELETE {rule}. The job counts \
         them as blocked. If they are to go, {cure}use `unlink-first` on that key in the job, which needs `update` on \
         {columns} in its grant, or make the key ON DELETE SET NULL",
        held.rows,
        catalog.spelling(&key.parent),
        key.name,
    );
    Finding::new(HELD_BY_ITS_OWN, Severity::Info, message)
}
