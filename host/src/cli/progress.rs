//! Progress on stderr, if that is a terminal; nothing at all if it is not.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tracing_subscriber::fmt::MakeWriter;

/// The bars of a command. Log lines go through it too, so that the two do not write over each
/// other: see [`Progress::log_writer`].
#[derive(Debug, Clone)]
pub struct Progress {
    bars: MultiProgress,
}

/// One bar. It disappears when it is dropped.
#[derive(Debug)]
pub struct Bar(ProgressBar);

/// Often enough to look alive; drawing costs no database work.
const TICK: Duration = Duration::from_millis(120);

impl Progress {
    /// Bars on stderr, hidden where that is not a terminal.
    pub fn on_stderr() -> Self {
        if io::stderr().is_terminal() {
            Self {
                bars: MultiProgress::new(),
            }
        } else {
            Self::hidden()
        }
    }

    /// Bars that are never drawn.
    pub fn hidden() -> Self {
        let target = ProgressDrawTarget::hidden();
        Self {
            bars: MultiProgress::with_draw_target(target),
        }
    }

    /// A bar for work whose size nobody knows, counted in rows.
    pub fn rows(&self, what: &str) -> Bar {
        self.bar(
            ProgressBar::no_length(),
            what,
            "{spinner} {msg}  {human_pos} rows  {per_sec}",
        )
    }

    /// A bar for `total` steps.
    pub fn steps(&self, what: &str, total: u64) -> Bar {
        self.bar(
            ProgressBar::new(total),
            what,
            "{spinner} {msg} [{bar:30}] {human_pos}/{human_len}",
        )
    }

    fn bar(&self, bar: ProgressBar, what: &str, template: &str) -> Bar {
        let style = ProgressStyle::with_template(template);
        let bar = self.bars.add(bar.with_message(what.to_owned()));
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        if !self.bars.is_hidden() {
            bar.enable_steady_tick(TICK); // a thread, which hidden bars need not have
        }
        Bar(bar)
    }

    /// Where log lines go: stderr, with the bars out of the way while a line is written.
    pub fn log_writer(&self) -> LogWriter {
        LogWriter {
            bars: self.bars.clone(),
        }
    }
}

impl Bar {
    /// Adds to what is done.
    pub fn add(&self, done: u64) {
        self.0.inc(done);
    }

    /// Says what is being done now.
    pub fn say(&self, what: impl Into<String>) {
        self.0.set_message(what.into());
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// Makes a writer for each log line.
#[derive(Debug, Clone)]
pub struct LogWriter {
    bars: MultiProgress,
}

/// One log line on its way to stderr.
#[derive(Debug)]
pub struct LogLine<'a> {
    bars: &'a MultiProgress,
}

impl<'a> MakeWriter<'a> for LogWriter {
    type Writer = LogLine<'a>;

    fn make_writer(&'a self) -> LogLine<'a> {
        LogLine { bars: &self.bars }
    }
}

impl Write for LogLine<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bars.suspend(|| io::stderr().lock().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_of_the_bars_are_well_formed_and_hidden_bars_count() {
        let progress = Progress::hidden();
        let rows = progress.rows("tokens/revoked-access");
        let steps = progress.steps("jobs", 3);

        rows.add(1000);
        rows.add(500);
        steps.say("next");

        assert_eq!((rows.0.position(), steps.0.length()), (1500, Some(3)));
        assert_eq!(steps.0.message(), "next");
    }

    #[test]
    fn a_log_line_is_written_beside_a_bar() {
        let progress = Progress::hidden();
        let _bar = progress.rows("x");
        let writer = progress.log_writer();
        assert_eq!(writer.make_writer().write(b"").unwrap(), 0);
    }
}
