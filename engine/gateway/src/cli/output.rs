//! What commands print: people's text, or JSON.

use std::io::{self, Write};
use std::process::ExitCode;

use serde::Serialize;
use serde_json::Value;

use super::failure::Failure;

/// Where a command's answer goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    /// Text for people, or JSON.
    pub(crate) fn new(json: bool) -> Output {
        Output { json }
    }

    /// Whether JSON is wanted.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// Prints a line (or several) on standard output.
    pub(crate) fn line(self, text: impl AsRef<str>) {
        write_or_leave(&mut io::stdout().lock(), text.as_ref());
    }

    /// Prints a remark for people on standard error; programs that read our output are not disturbed by it.
    pub(crate) fn remark(self, text: impl AsRef<str>) {
        write_or_leave(&mut io::stderr().lock(), text.as_ref());
    }

    /// Prints a document, whatever mode we are in.
    pub(crate) fn document(self, value: &impl Serialize) {
        self.line(serde_json::to_string_pretty(value).unwrap_or_else(|_| Value::Null.to_string()));
    }

    /// Prints a failure and says how the process ends.
    pub(crate) fn failure(self, failure: &Failure) -> ExitCode {
        if self.json {
            self.document(&failure.to_json());
        } else {
            let mut text = format!("error: {}", failure.message);
            if !failure.fix.is_empty() {
                text.push_str("\n  fix: ");
                text.push_str(&failure.fix);
            }
            self.remark(text);
        }
        ExitCode::from(failure.code)
    }
}

/// A reader that went away (`pincer logs | head`) is no failure: there is nothing left to do.
fn write_or_leave(to: &mut impl Write, text: &str) {
    if let Err(error) = writeln!(to, "{text}").and_then(|()| to.flush())
        && error.kind() == io::ErrorKind::BrokenPipe
    {
        std::process::exit(0);
    }
}
