//! Whether a new value has room in its column: PostgreSQL would refuse it row by row, where it is the same for all.

use crate::catalog::{Column, Kind, Table};
use crate::database::Bind;
use crate::request::Fault;

/// # Errors
/// `value`: it has no room in any row.
pub(super) fn has_room(table: &Table, column: &Column, bind: &Bind) -> Result<(), Fault> {
    let Bind::Text(text) = bind else {
        return Ok(());
    };
    let fits = match (&column.kind, bounds(&column.stored_type)) {
        // Blanks at the end are cut without a word.
        (Kind::Text, Some((most, _))) => text.trim_end_matches(' ').chars().count() <= most,
        (Kind::Numeric, Some((precision, scale))) => {
            let whole = text.split('.').next().unwrap_or_default();
            let digits = whole.trim_start_matches(['-', '+', '0']).len();
            digits <= precision.saturating_sub(scale)
        }
        _ => true,
    };
    match fits {
        true => Ok(()),
        false => Err(Fault::invalid(
            "value",
            format!(
                "`{text}` does not fit into `{}.{}`, which is {}",
                table.id, column.name, column.stored_type
            ),
        )),
    }
}

/// The numbers of `character varying(20)`, or of `numeric(10,2)`.
fn bounds(stored: &str) -> Option<(usize, usize)> {
    let (_, within) = stored.split_once('(')?;
    let (within, _) = within.split_once(')')?;
    let mut numbers = within.split(',').map(|number| number.trim().parse());
    let most = numbers.next()?.ok()?;
    match numbers.next() {
        None => Some((most, 0)),
        // A negative scale is left to the database.
        Some(scale) => Some((most, scale.ok()?)),
    }
}

#[cfg(test)]
mod tests {
    use super::bounds;

    #[test]
    fn the_numbers_of_a_type_are_read() {
        assert_eq!(bounds("character varying(20)"), Some((20, 0)));
        assert_eq!(bounds("numeric(10,2)"), Some((10, 2)));
        assert_eq!(bounds("numeric(3,-2)"), None);
        assert_eq!(bounds("text"), None);
    }
}
