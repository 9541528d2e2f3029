//! Which rows of a batch are tried together, where the database refuses some of them.
//!
//! A piece that is refused is halved until the one row is found; a piece that goes is followed by one twice as
//! large. After a refused row the next piece is as large as the run of rows that went before it, so that each
//! refused row costs one attempt where all are, and few more than the steps of a search where hardly any is.

use std::ops::Range;

/// The rows of one batch, by their places, and how they have gone so far.
#[derive(Debug, Clone)]
pub(super) struct Pieces {
    rows: usize,
    /// Rows before this have gone or have been refused.
    at: usize,
    /// Rows of the next piece, where nothing is known of them.
    size: usize,
    /// One of the rows before this is refused.
    suspect: Option<usize>,
    /// Rows that have gone since the last refused one.
    gone: usize,
    /// Rows that were refused.
    pub(super) refused: u64,
}

impl Pieces {
    /// Of so many rows, `size` of them at first.
    pub(super) fn new(rows: usize, size: usize) -> Self {
        Self {
            rows,
            at: 0,
            size: size.max(1),
            suspect: None,
            gone: 0,
            refused: 0,
        }
    }

    /// The places of the next piece; `None`: all were tried.
    pub(super) fn next(&self) -> Option<Range<usize>> {
        let length = match self.suspect {
            Some(end) => (end.saturating_sub(self.at) / 2).max(1),
            None => self.size,
        };
        let end = self.at.saturating_add(length).min(self.rows);
        (self.at < self.rows).then_some(self.at..end)
    }

    /// The piece has gone.
    pub(super) fn went(&mut self, piece: &Range<usize>) {
        self.at = piece.end;
        self.gone += piece.len();
        match self.suspect {
            Some(end) if self.at < end => {}
            Some(_) => self.suspect = None,
            None => self.size = self.size.saturating_mul(2),
        }
    }

    /// The piece was refused; true: it is one row, which stays.
    pub(super) fn was_refused(&mut self, piece: &Range<usize>) -> bool {
        if piece.len() > 1 {
            self.suspect = Some(piece.end);
            return false;
        }
        self.at = piece.end;
        self.refused += 1;
        self.size = self.gone.max(1);
        self.gone = 0;
        self.suspect = None;
        true
    }

    /// Rows of the first piece of the batch after this one.
    pub(super) fn size(&self) -> usize {
        self.size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows that were refused, and the attempts that it took.
    fn tried(rows: usize, size: usize, refuses: impl Fn(usize) -> bool) -> (Vec<usize>, usize) {
        let mut pieces = Pieces::new(rows, size);
        let (mut refused, mut attempts, mut visited) = (Vec::new(), 0, 0);
        while let Some(piece) = pieces.next() {
            attempts += 1;
            if piece.clone().any(&refuses) {
                if pieces.was_refused(&piece) {
                    refused.push(piece.start);
                    visited += 1;
                }
            } else {
                visited += piece.len();
                pieces.went(&piece);
            }
        }
        assert_eq!(visited, rows, "every row once");
        assert_eq!(pieces.refused as usize, refused.len());
        (refused, attempts)
    }

    #[test]
    fn each_refused_row_is_found_and_no_other() {
        for every in 1..50 {
            for size in [1, 7, 100, 5000] {
                let refuses = |row: usize| row % every == every / 2;
                let (refused, _) = tried(1000, size, refuses);
                let right: Vec<_> = (0..1000).filter(|row| refuses(*row)).collect();
                assert_eq!(refused, right, "every {every} from {size}");
            }
        }
    }

    #[test]
    fn attempts_are_few_whether_all_rows_are_refused_or_hardly_any() {
        let attempts = |refuses: fn(usize) -> bool| tried(1000, 500, refuses).1;
        assert_eq!(attempts(|_| false), 2);
        assert!(attempts(|_| true) < 1020);
        assert!(attempts(|row| row % 2 == 0) < 1600);
        assert!(attempts(|row| row == 700) < 30);
        assert!(attempts(|row| row < 500) < 530, "held ones in front");
        assert!(attempts(|row| row >= 500) < 530, "and behind");
    }

    #[test]
    fn rows_that_are_refused_only_together_are_let_go_one_after_the_other() {
        let mut pieces = Pieces::new(4, 4);
        assert_eq!(pieces.next(), Some(0..4));
        assert!(!pieces.was_refused(&(0..4)));
        while let Some(piece) = pieces.next() {
            pieces.went(&piece);
        }
        assert_eq!(pieces.refused, 0);
    }
}
