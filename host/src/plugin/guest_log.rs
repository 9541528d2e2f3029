//! What a guest logs, on its way to the host's log: counted, cut and escaped.

use std::sync::Arc;

use super::error::Site;
use super::limits::Limits;

/// By which a filter tells a guest's lines from the host's.
const TARGET: &str = "besom::guest";

/// How bad a guest says a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

/// Writes to the host's log in the name of one call of one plugin.
#[derive(Debug)]
pub(super) struct GuestLog {
    site: Arc<Site>,
    run: String,
    lines: u32,
    muted: bool,
    limits: Arc<Limits>,
}

impl GuestLog {
    /// A log for one call; `run` is empty outside of runs.
    pub(super) fn new(site: Arc<Site>, run: String, limits: Arc<Limits>) -> Self {
        Self {
            site,
            run,
            lines: 0,
            muted: false,
            limits,
        }
    }

    /// The same, which says nothing.
    pub(super) fn muted(mut self) -> Self {
        self.muted = true;
        self
    }

    /// One line that the guest logs.
    pub(super) fn line(&mut self, level: Level, message: &str, fields: &[(String, String)]) {
        self.lines = self.lines.saturating_add(1);
        if self.lines > self.limits.log_lines {
            if self.lines == self.limits.log_lines + 1 {
                let limit = self.limits.log_lines;
                self.emit(
                    Level::Warn,
                    "",
                    "",
                    &format!("the plugin has logged {limit} lines; the rest is dropped"),
                );
            }
            return;
        }
        // Fields come after the message and share its space.
        let room = self.limits.log_line_bytes;
        let message = escape(message, room);
        let mut text = String::new();
        for (name, value) in fields {
            let left = room.saturating_sub(message.len() + text.len());
            if left == 0 {
                break;
            }
            let gap = if text.is_empty() { "" } else { " " };
            text.push_str(gap);
            text.push_str(&escape(&format!("{name}={value}"), left));
        }
        self.emit(level, "", &text, &message);
    }

    /// What the guest may use up.
    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// One line as it is, not counted; `stream` is empty for what the guest logs itself.
    pub(super) fn emit(&self, level: Level, stream: &str, fields: &str, message: &str) {
        if self.muted {
            return;
        }
        let known = tracing::Span::current().has_field("run");
        macro_rules! event {
            ($level:ident) => {
                match known {
                    // The span of the run says whose line it is.
                    true => tracing::$level!(
                        target: TARGET,
                        export = self.site.export,
                        stream,
                        fields,
                        "{message}"
                    ),
                    false => tracing::$level!(
                        target: TARGET,
                        plugin = self.site.plugin,
                        version = self.site.version,
                        job = self.site.job.as_deref().unwrap_or_default(),
                        run = self.run,
                        export = self.site.export,
                        stream,
                        fields,
                        "{message}"
                    ),
                }
            };
        }
        match level {
            Level::Debug => event!(debug),
            Level::Info => event!(info),
            Level::Warn => event!(warn),
            Level::Error => event!(error),
        }
    }
}

/// The text with everything escaped that moves a cursor, ends a line or turns the writing
/// direction, cut after about `room` bytes.
pub(super) fn escape(text: &str, room: usize) -> String {
    let mut escaped = String::with_capacity(text.len().min(room));
    for (at, c) in text.char_indices() {
        if escaped.len() >= room {
            escaped.push_str(&format!("… ({} bytes more)", text.len() - at));
            break;
        }
        let garbles = matches!(c,
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        if c.is_control() || garbles {
            escaped.extend(c.escape_default());
        } else {
            escaped.push(c);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_garbles_a_terminal_is_escaped() {
        let escaped = escape("a\u{1b}[2J\r\nb\u{202e}c é\0", 100);

        assert_eq!(escaped, "a\\u{1b}[2J\\r\\nb\\u{202e}c é\\u{0}");
    }

    #[test]
    fn a_long_line_is_cut_and_says_so() {
        let escaped = escape(&"é".repeat(10), 6);

        assert_eq!(escaped, "ééé… (14 bytes more)");
    }
}
