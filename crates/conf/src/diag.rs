//! What the reader has to say about a file: diagnostics with file, line and remedy.

use std::fmt;

use crate::limits;

/// How serious a [`Diagnostic`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The file can be used; something in it is not as its author may think.
    Warning,
    /// The file must not be used: starting would serve something else than what is written.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Warning => "warning",
            Severity::Error => "error",
        })
    }
}

/// One remark about a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// Name of the file as the caller gave it.
    pub file: String,
    /// Line, counted from 1; 0 for the file as a whole.
    pub line: usize,
    /// What was found and what is done about it.
    pub message: String,
    /// What the user can do; may be empty.
    pub remedy: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        write!(f, ": {}: {}", self.severity, self.message)?;
        if !self.remedy.is_empty() {
            write!(f, " ({})", self.remedy)?;
        }
        Ok(())
    }
}

/// Collects diagnostics. Bounded, so that a hostile file cannot fill the memory; an error that is
/// not kept still leaves an error behind.
#[derive(Debug)]
pub(crate) struct Log {
    file: String,
    kept: Vec<Diagnostic>,
    dropped: Option<Severity>,
}

impl Log {
    pub(crate) fn new(file: &str) -> Self {
        Log { file: file.to_owned(), kept: Vec::new(), dropped: None }
    }

    /// Is there no room for more remarks? Then there is no use in wording them with care.
    pub(crate) fn is_full(&self) -> bool {
        self.kept.len() >= limits::DIAGNOSTICS
    }

    pub(crate) fn warn(&mut self, line: usize, message: impl Into<String>, remedy: impl Into<String>) {
        self.push(Severity::Warning, line, message.into(), remedy.into());
    }

    pub(crate) fn error(&mut self, line: usize, message: impl Into<String>, remedy: impl Into<String>) {
        self.push(Severity::Error, line, message.into(), remedy.into());
    }

    fn push(&mut self, severity: Severity, line: usize, message: String, remedy: String) {
        if self.is_full() {
            self.dropped = self.dropped.max(Some(severity));
            return;
        }
        self.kept.push(Diagnostic {
            severity,
            file: self.file.clone(),
            line,
            message: printable(message),
            remedy: printable(remedy),
        });
    }

    /// The diagnostics in the order of their lines.
    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        self.kept.sort_by_key(|d| d.line);
        if let Some(severity) = self.dropped {
            let message = format!("more than {} remarks; the rest is not shown", limits::DIAGNOSTICS);
            self.kept.push(Diagnostic {
                severity,
                file: self.file,
                line: 0,
                message,
                remedy: "is this a qfc.conf?".to_owned(),
            });
        }
        self.kept
    }
}

/// Escapes tabs and the like, so that what a file holds cannot rewrite a terminal's line.
fn printable(text: String) -> String {
    if !text.contains(char::is_control) {
        return text;
    }
    text.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() }).collect()
}

/// A user's text for use in a message: quoted, and cut when it is very long.
pub(crate) fn show(text: &str) -> String {
    const SHOWN: usize = 80;
    if text.chars().count() <= SHOWN {
        return format!("\"{text}\"");
    }
    let head: String = text.chars().take(SHOWN).collect();
    format!("\"{head}...\"")
}
