//! What a guest prints, on its way to the host's log: line by line, up to a number of bytes.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use super::guest_log::{GuestLog, Level, escape};

/// Bytes of stderr kept for the error that follows a panic: its message and place.
const SAID_BYTES: usize = 1 << 10;

/// Bytes that a guest may write at once: what the runtimes of languages buffer.
const WRITE_BYTES: usize = 4 << 10;

/// What a guest prints to stdout and stderr: lines of the log, up to a number of bytes.
#[derive(Debug, Clone)]
pub(super) struct Printed(Arc<Mutex<Pipe>>);

#[derive(Debug)]
struct Pipe {
    log: GuestLog,
    left: usize,
    cut: bool,
    /// Lines not yet ended, of stdout and of stderr.
    partial: [Vec<u8>; 2],
    /// The last of stderr.
    said: Vec<u8>,
}

impl Printed {
    /// A pipe into that log.
    pub(super) fn new(log: GuestLog) -> Self {
        let left = log.limits().output_bytes;
        let partial = [Vec::new(), Vec::new()];
        Self(Arc::new(Mutex::new(Pipe {
            log,
            left,
            cut: false,
            partial,
            said: Vec::new(),
        })))
    }

    /// The end of the pipe that the guest gets, `stdout` or `stderr`.
    pub(super) fn stream(&self, name: &'static str) -> PrintedStream {
        PrintedStream {
            pipe: self.clone(),
            name,
        }
    }

    /// Logs lines that were never ended, and answers the last that was printed to stderr.
    pub(super) fn finish(&self) -> Option<String> {
        let mut pipe = self.lock();
        for name in ["stdout", "stderr"] {
            let rest = std::mem::take(pipe.partial_of(name));
            pipe.log_line(name, &rest);
        }
        let said = String::from_utf8_lossy(&pipe.said);
        let said = said.trim();
        (!said.is_empty()).then(|| escape(&said.replace('\n', " "), usize::MAX))
    }

    fn lock(&self) -> MutexGuard<'_, Pipe> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pipe {
    fn print(&mut self, name: &'static str, bytes: &[u8]) {
        if name == "stderr" {
            // Kept beyond the limit of what is logged: the panic comes last.
            self.said.extend_from_slice(bytes);
            let excess = self.said.len().saturating_sub(SAID_BYTES);
            self.said.drain(..excess);
        }
        let taken = bytes.get(..self.left).unwrap_or(bytes);
        self.left -= taken.len();
        for piece in taken.split_inclusive(|byte| *byte == b'\n') {
            self.partial_of(name).extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                let line = std::mem::take(self.partial_of(name));
                self.log_line(name, &line);
            }
        }
        if taken.len() < bytes.len() && !self.cut {
            self.cut = true;
            let limit = self.log.limits().output_bytes;
            self.log.emit(
                Level::Warn,
                name,
                "",
                &format!("the plugin has printed {limit} bytes; the rest is dropped"),
            );
        }
    }

    fn log_line(&self, name: &'static str, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end_matches(['\n', '\r']);
        if !text.is_empty() {
            let level = if name == "stderr" {
                Level::Warn
            } else {
                Level::Info
            };
            self.log.emit(
                level,
                name,
                "",
                &escape(text, self.log.limits().log_line_bytes),
            );
        }
    }

    fn partial_of(&mut self, name: &'static str) -> &mut Vec<u8> {
        let [out, err] = &mut self.partial;
        if name == "stderr" { err } else { out }
    }
}

/// One of a guest's two output streams.
#[derive(Debug, Clone)]
pub(super) struct PrintedStream {
    pipe: Printed,
    name: &'static str,
}

impl IsTerminal for PrintedStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for PrintedStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    /// Without this, wasmtime would wrap the stream above in a task, which writes everything that
    /// passes to the host's log at debug level, uncounted.
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for PrintedStream {
    async fn ready(&mut self) {}
}

impl OutputStream for PrintedStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.pipe.lock().print(self.name, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES)
    }
}

impl AsyncWrite for PrintedStream {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.pipe.lock().print(self.name, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::error::Site;
    use super::super::limits::Limits;
    use super::*;

    #[test]
    fn a_panic_after_a_flood_is_still_told() {
        let site = Arc::new(Site {
            plugin: "p".into(),
            version: "1.0.0".into(),
            job: None,
            export: "run",
        });
        let limits = Arc::new(Limits::default());
        let printed = Printed::new(GuestLog::new(site, String::new(), limits));

        printed
            .lock()
            .print("stderr", "noise\n".repeat(10_000).as_bytes());
        printed
            .lock()
            .print("stderr", b"panicked at src/lib.rs:1:\nno luck\n");

        let said = printed.finish().unwrap_or_default();
        assert!(
            said.ends_with("panicked at src/lib.rs:1: no luck"),
            "{said}"
        );
        assert!(said.len() <= SAID_BYTES, "{}", said.len());
    }
}
