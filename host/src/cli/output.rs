//! What a command writes to stdout: text, tables, JSON.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::time::Duration;

use comfy_table::CellAlignment;
use serde::Serialize;

pub use crate::runner::thousands;

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set or TERM is dumb.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl ColorChoice {
    /// Whether what goes to this stream is coloured.
    pub fn applies_to(self, stream: &impl IsTerminal) -> bool {
        let forbidden = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        self.decides(stream.is_terminal(), forbidden)
    }

    fn decides(self, terminal: bool, forbidden: bool) -> bool {
        match self {
            Self::Auto => terminal && !forbidden,
            Self::Always => true,
            Self::Never => false,
        }
    }
}

/// Stdout, and whether it is coloured.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    color: bool,
}

impl Output {
    /// Stdout under a choice of colour.
    pub fn stdout(choice: ColorChoice) -> Self {
        Self {
            color: choice.applies_to(&io::stdout()),
        }
    }

    /// Whether to colour what is printed.
    pub fn color(self) -> bool {
        self.color
    }

    /// Prints text that ends its own lines.
    ///
    /// # Errors
    /// When stdout cannot be written. A reader that has gone away (`besom … | head`) is no error.
    pub fn print(self, text: &str) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        match stdout
            .write_all(text.as_bytes())
            .and_then(|()| stdout.flush())
        {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            Err(error) => Err(io::Error::new(
                error.kind(),
                format!("what was to be printed cannot be written to stdout: {error}"),
            )),
            Ok(()) => Ok(()),
        }
    }

    /// Prints JSON, indented, with a line end.
    ///
    /// # Errors
    /// When stdout cannot be written.
    pub fn json(self, value: &impl Serialize) -> io::Result<()> {
        let mut text = serde_json::to_string_pretty(value)?;
        text.push('\n');
        self.print(&text)
    }
}

/// How a line is meant, which is its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As everything else.
    Plain,
    /// Headings and totals.
    Strong,
    /// Worth a look.
    Warning,
    /// Gone wrong.
    Bad,
}

impl Tone {
    /// `line` in this tone, if colour is wanted.
    pub fn paint(self, line: &str, color: bool) -> String {
        let code = match self {
            Self::Plain => return line.to_owned(),
            Self::Strong => "1",
            Self::Warning => "33",
            Self::Bad => "31",
        };
        if color {
            format!("\u{1b}[{code}m{line}\u{1b}[0m")
        } else {
            line.to_owned()
        }
    }
}

/// How a column is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// A table with a heading and, where wanted, a line of totals.
#[derive(Debug)]
pub struct Table {
    columns: Vec<(&'static str, Align)>,
    rows: Vec<(Vec<String>, Tone)>,
    totals: Option<Vec<String>>,
}

impl Table {
    /// A table with these columns and no rows.
    pub fn new<const N: usize>(columns: [(&'static str, Align); N]) -> Self {
        Self {
            columns: columns.to_vec(),
            rows: Vec::new(),
            totals: None,
        }
    }

    /// Adds a row, one cell a column. What a cell holds is made one printable line.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>, tone: Tone) {
        self.rows.push((cells.into_iter().collect(), tone));
    }

    /// Sets the line under the rows.
    pub fn totals(&mut self, cells: impl IntoIterator<Item = String>) {
        self.totals = Some(cells.into_iter().collect());
    }

    /// Whether there is no row yet.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as lines of text.
    pub fn render(&self, color: bool) -> String {
        let lines = self.lines();
        let width = lines
            .iter()
            .map(|line| line.chars().count())
            .max()
            .unwrap_or(0);
        let rule = "─".repeat(width);
        let mut text = String::new();
        for (position, line) in lines.iter().enumerate() {
            let (under_heading, totals) = match position.checked_sub(1) {
                None => (false, false),
                Some(row) => (row == 0, row == self.rows.len() && self.totals.is_some()),
            };
            if under_heading || totals {
                text.push_str(&rule);
                text.push('\n');
            }
            let tone = match position.checked_sub(1).map(|row| self.rows.get(row)) {
                Some(Some((_, tone))) => *tone,
                _ => Tone::Strong, // the heading, the totals
            };
            text.push_str(&tone.paint(line, color));
            text.push('\n');
        }
        text
    }

    fn lines(&self) -> Vec<String> {
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        table.set_header(self.columns.iter().map(|(title, _)| *title));
        for cells in self.rows.iter().map(|(cells, _)| cells).chain(&self.totals) {
            table.add_row(cells.iter().map(|cell| one_line(cell)));
        }
        for (index, (_, align)) in self.columns.iter().enumerate() {
            if let Some(column) = table.column_mut(index) {
                column.set_padding((0, 2));
                column.set_cell_alignment(match align {
                    Align::Left => CellAlignment::Left,
                    Align::Right => CellAlignment::Right,
                });
            }
        }
        table
            .lines()
            .map(|line| line.trim_end().to_owned())
            .collect()
    }
}

/// Seconds with two decimals.
pub fn seconds(elapsed: Duration) -> String {
    format!("{:.2}", elapsed.as_secs_f64())
}

/// Text of others (a plugin, a database) on one line that a terminal shows as it is: control
/// characters, which could steer the terminal, are escaped.
pub fn one_line(text: &str) -> String {
    printable(text, |_| false)
}

/// The same for text of several lines.
pub fn many_lines(text: &str) -> String {
    printable(text, |c| c == '\n')
}

fn printable(text: &str, keep: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if keep(c) || !(c.is_control() || is_direction(c)) {
            shown.push(c);
        } else {
            shown.extend(c.escape_default());
        }
    }
    shown
}

/// Characters that make a terminal show text in another order than it is in.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_thousands_apart() {
        let shown = [0, 999, 1000, 123_456, 1_234_567].map(thousands);
        assert_eq!(shown, ["0", "999", "1,000", "123,456", "1,234,567"]);
    }

    fn sample() -> Table {
        let mut table = Table::new([
            ("job", Align::Left),
            ("rows", Align::Right),
            ("", Align::Left),
        ]);
        table.row(
            ["a/b".to_owned(), "1,234".to_owned(), String::new()],
            Tone::Plain,
        );
        table.row(
            ["long/name".to_owned(), "5".to_owned(), "x\ny".to_owned()],
            Tone::Bad,
        );
        table
    }

    #[test]
    fn a_table_sets_numbers_to_the_right_and_ends_no_line_in_blanks() {
        let mut table = sample();
        table.totals(["total".to_owned(), "1,239".to_owned(), String::new()]);
        let expected = "\
job         rows
──────────────────────
a/b        1,234
long/name      5  x\\ny
──────────────────────
total      1,239
";
        assert_eq!(table.render(false), expected);
    }

    #[test]
    fn colour_is_a_frame_around_whole_lines() {
        let text = sample().render(true);
        assert!(
            text.starts_with("\u{1b}[1mjob         rows\u{1b}[0m\n"),
            "{text}"
        );
        assert!(
            text.ends_with("\u{1b}[31mlong/name      5  x\\ny\u{1b}[0m\n"),
            "{text}"
        );
        assert!(text.contains("\na/b        1,234\n"), "{text}");
    }

    #[test]
    fn a_table_without_rows_is_its_heading() {
        let table = Table::new([("run", Align::Left), ("job", Align::Left)]);
        assert_eq!(table.render(false), "run  job\n");
    }

    #[test]
    fn text_of_others_cannot_steer_the_terminal() {
        assert_eq!(
            one_line("a\u{1b}[2Jb\u{7}\r\n\u{202e}é"),
            "a\\u{1b}[2Jb\\u{7}\\r\\n\\u{202e}é"
        );
        assert_eq!(many_lines("a\nb\tc"), "a\nb\\tc");
    }

    #[test]
    fn colour_is_for_terminals_unless_the_operator_says_otherwise() {
        assert!(ColorChoice::Auto.decides(true, false));
        assert!(!ColorChoice::Auto.decides(true, true));
        assert!(!ColorChoice::Auto.decides(false, false));
        assert!(ColorChoice::Always.decides(false, true));
        assert!(!ColorChoice::Never.decides(true, false));
    }
}
