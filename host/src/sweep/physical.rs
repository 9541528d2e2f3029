//! The next window of a sweep that goes page by page.

use std::time::Instant;

use super::probe::until_then;
use super::transaction::Failed;
use crate::database::{Bind, Session};
use crate::request::Fault;
use crate::sql::{Cursor, Extent, File, Plan, Window, page_of, start_of};

/// Rows a page where nothing is known of the table yet: rows of about 80 bytes.
const ROWS_A_PAGE: u64 = 100;

/// Pages of one window at most: 128 MiB, which are read within any sensible statement timeout.
const MOST_PAGES: u64 = 16_384;

/// A window is at most so many times as long as the last, which may have been a hole in a dense
/// table.
const MOST_GROWTH: u64 = 8;

/// The window of about `size` rows after the cursor, and the file that its edges belong to. Pages
/// are counted out by the density of the last window; what lies on them is counted before they
/// are taken, so that empty stretches are passed at once and dense ones cut.
pub(super) async fn by_page(
    session: &mut Session,
    plan: &Plan,
    cursor: &Cursor,
    size: u64,
    ends: Option<Instant>,
) -> Result<(Window, File), Failed> {
    let Some(row) = session.fetch(&plan.extent()).await?.into_iter().next() else {
        return Err(Fault::invalid(
            "unknown-table",
            format!("`{}` is not there any more", plan.table().id),
        )
        .into());
    };
    let Extent { file: found, pages } = plan.read_extent(&row);
    let (after, mut file) = match &cursor.file {
        Some(file) if file.node == found.node => (cursor.after.clone(), file.clone()),
        None => (None, found),
        Some(_) => {
            tracing::info!(table = %plan.table().id, "the table was written anew: swept from its first page again");
            (None, found)
        }
    };
    let first = page_of(after.as_ref()).0;
    let end = file.end.unwrap_or(pages);
    // Sizes vary from page to page: this much more is no reason to look again.
    let most = size + size / 2;
    let mut span = expected(&file, size).min(end.saturating_sub(first).max(1));
    // So many pages are known to be empty, and so many to hold too much.
    let (mut empty, mut full) = (0, MOST_PAGES + 1);
    loop {
        let upto = first + span;
        let last = upto >= end;
        let mut window = Window {
            after: after.clone(),
            upto: match last {
                true => file.end.map(start_of),
                false => Some(start_of(upto)),
            },
            inclusive: true,
            tie: None,
            examined: None,
            next: None,
        };
        until_then(session, ends).await?;
        let rows = session
            .fetch_one(&plan.examine(&window)?)
            .await?
            .get(0)
            .as_count();
        if rows > most && span > empty + 1 {
            full = span;
            span = (empty + (span - empty) * size / rows).clamp(empty + 1, full - 1);
            continue;
        }
        if rows == 0 && !last && span + 1 < full {
            empty = span;
            span = (span * 2).min(full - 1);
            continue;
        }
        (file.rows, file.pages) = (rows.max(1), span);
        window.examined = Some(rows);
        if rows > most {
            // One page has too many: a row in the way must be found among its neighbours.
            until_then(session, ends).await?;
            let cut = session.fetch(&plan.nth_row(&window, size)?).await?;
            if let Some(row) = cut.into_iter().next() {
                window.upto = Some(row.0.into_iter().map(Bind::from).collect());
                window.examined = Some(size);
            }
        } else if last {
            return Ok((window, file));
        }
        window.next = Some(Cursor {
            after: window.upto.clone(),
            file: Some(file.clone()),
            ..Cursor::default()
        });
        return Ok((window, file));
    }
}

/// Pages that hold about `size` rows.
fn expected(file: &File, size: u64) -> u64 {
    let pages = match file.rows {
        0 => size / ROWS_A_PAGE,
        rows => {
            let by_density = size.saturating_mul(file.pages) / rows;
            by_density.min(file.pages.saturating_mul(MOST_GROWTH))
        }
    };
    pages.clamp(1, MOST_PAGES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_counted_out_by_what_the_last_ones_held() {
        let file = |rows, pages| File {
            node: 1,
            end: None,
            rows,
            pages,
        };
        assert_eq!(expected(&file(500, 10), 1_000), 20);
        assert_eq!(expected(&file(0, 0), 1_000), 10);
        assert_eq!(expected(&file(10_000, 10), 7), 1);
        assert_eq!(expected(&file(1, 60_000), 10_000), MOST_PAGES);
        assert_eq!(expected(&file(1, 10), 10_000), 80);
    }
}
