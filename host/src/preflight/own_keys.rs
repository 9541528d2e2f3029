//! `held-by-its-own`: due rows to which rows of their own table refer that stay; and `waits-further-on`: those that wait
//! for due rows to which a run did not come.

use super::mend::listed;
use super::{Finding, Severity};
use crate::catalog::{Catalog, OnDelete};
use crate::sweep::{FurtherOn, OwnHeld};

/// The code of [`held_by_its_own`].
pub const HELD_BY_ITS_OWN: &str = "held-by-its-own";

/// The code of [`waits_further_on`].
pub const WAITS_FURTHER_ON: &str = "waits-further-on";

/// What to say of rows that a suspended run has left because it did not come to all that they wait for.
pub fn waits_further_on(left: &FurtherOn, catalog: &Catalog) -> Finding {
    let key = left.keys.first();
    let keys: Vec<_> = left
        .keys
        .iter()
        .map(|key| format!("`{}` on {}", key.name, listed(&key.columns)))
        .collect();
    let table = key
        .map(|key| catalog.spelling(&key.parent))
        .unwrap_or_default();
    let columns = key.map(|key| listed(&key.columns)).unwrap_or_default();
    let (rows, wait) = match left.rows {
        0 | 1 => ("1 row".to_owned(), "is due and waits"),
        rows => (format!("{rows} rows"), "are due and wait"),
    };
    let ended = match &left.failed {
        Some(why) => format!("the look for them by their keys has failed ({why})"),
        None => "the run was over before it had looked for all of them by their keys".to_owned(),
    };
    let message = format!(
        "{rows} of `{table}` {wait} for others of it that are due as well, such as `{}` for `{}`, which refers to it by {}: \
         {ended}. The next run goes on with that. Where no run gets further, give it a longer `deadline`; see that an \
         index leads with {columns}; or use `unlink-first` on the key in the job, by which each row goes by itself",
        left.row,
        left.for_row,
        keys.join(" or "),
    );
    Finding::new(WAITS_FURTHER_ON, Severity::Warning, message)
}

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
