//! What every command is given: resources, progress, and one way to answer.

use std::io::{IsTerminal as _, Write};
use std::sync::Arc;

use karin_core::time::format_instant;
use karin_core::{Progress as _, Resources};
use serde::Serialize;

use crate::cli::{Color, GlobalOptions};
use crate::progress::{TerminalProgress, tell};

/// The surroundings of a command.
pub struct Context {
    /// Threads and memory that the work may use.
    pub resources: Resources,
    /// Told how far the work is; asked whether the user pressed Ctrl-C.
    pub progress: Arc<TerminalProgress>,
    /// The command as typed, for the history of what it writes.
    pub command: String,
    json: bool,
    color: bool,
}

/// An answer that can be shown as text or as JSON.
pub trait Report: Serialize {
    /// Writes the text for people.
    fn write_text(&self, out: &mut dyn Write) -> std::io::Result<()>;
}

impl Context {
    /// From the global options and the command as typed.
    pub fn new(options: &GlobalOptions, command: String) -> Self {
        let mut resources = Resources {
            memory: options.memory,
            ..Resources::default()
        };
        if let Some(jobs) = options.jobs {
            resources.jobs = usize::from(jobs);
        }
        let color = match options.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
        };
        let progress = TerminalProgress::new(options.quiet || options.json, color);
        Self {
            resources,
            progress,
            command,
            json: options.json,
            color,
        }
    }

    /// Time and command, for the history of what is written.
    pub fn history(&self) -> String {
        let unix = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        // 2000-01-01 is 946,684,800 s after 1970-01-01.
        let now = format_instant((unix.as_secs_f64() - 946_684_800.0).floor());
        format!("{now} {}", self.command)
    }

    /// Prints the answer on stdout.
    ///
    /// # Errors
    /// If stdout cannot be written; a closed pipe counts as success.
    pub fn answer(&self, report: &impl Report) -> anyhow::Result<()> {
        print(|out| {
            if self.json {
                serde_json::to_writer_pretty(&mut *out, report)?;
                writeln!(out)
            } else {
                report.write_text(out)
            }
        })
    }

    /// Prints a note for people on stderr, unless they want quiet.
    pub fn note(&self, text: &str) {
        self.progress.note(text);
    }

    /// Prints a warning on stderr.
    pub fn warn(&self, text: &str) {
        self.progress.warn(text);
    }

    /// Prints an error with its causes on stderr.
    pub fn error(&self, error: &anyhow::Error) {
        let (start, end) = if self.color {
            ("\u{1b}[1;31m", "\u{1b}[0m")
        } else {
            ("", "")
        };
        self.progress.suspend(|| {
            let mut told = error.to_string();
            tell(&format!("{start}error:{end} {told}"));
            for cause in error.chain().skip(1).map(ToString::to_string) {
                // Some messages tell their cause themselves.
                if !told.contains(&cause) {
                    tell(&format!("  because: {cause}"));
                    told = cause;
                }
            }
        });
    }
}

/// Prints on stdout what `write` writes.
///
/// # Errors
/// If stdout cannot be written; a closed pipe counts as success.
pub fn print(write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> anyhow::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}
