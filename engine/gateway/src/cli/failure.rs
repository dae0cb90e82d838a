//! A command that did not work, and what helps.

use std::fmt;

use serde_json::{Value, json};

use crate::client::{ClientError, Credentials, ServerError};

/// Exit codes. 2 is clap's, for wrong usage.
pub(crate) mod exit {
    /// It did not work.
    pub(crate) const FAILED: u8 = 1;
    /// The config or the state directory does not allow a start (sysexits' `EX_CONFIG`): a service manager should not
    /// try again.
    pub(crate) const CONFIG: u8 = 78;
}

/// Why a command failed. Shown as `error: cause`, then `fix: cure`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Failure {
    /// The process's exit code.
    pub(crate) code: u8,
    /// What happened.
    pub(crate) message: String,
    /// The part that failed, where that is known.
    pub(crate) part: Option<&'static str>,
    /// What to do; empty when the message says it.
    pub(crate) fix: String,
    /// What the gateway answered.
    pub(crate) details: Option<Box<ServerError>>,
}

impl Failure {
    /// A failure with exit code 1.
    pub(crate) fn new(message: impl fmt::Display) -> Failure {
        Failure {
            code: exit::FAILED,
            message: message.to_string(),
            part: None,
            fix: String::new(),
            details: None,
        }
    }

    /// A failure with exit code 78.
    pub(crate) fn config(message: impl fmt::Display) -> Failure {
        Failure { code: exit::CONFIG, ..Failure::new(message) }
    }

    /// The same, with a cure.
    pub(crate) fn fix(self, fix: impl Into<String>) -> Failure {
        Failure { fix: fix.into(), ..self }
    }

    /// What a client ran into.
    pub(crate) fn client(error: &ClientError, credentials: &Credentials) -> Failure {
        let explained = error.explain(credentials);
        let details = match error {
            ClientError::Refused(error) | ClientError::Call { error, .. } => Some(error.clone()),
            _ => None,
        };
        Failure {
            code: exit::FAILED,
            message: error.to_string(),
            part: Some(explained.part),
            fix: explained.fix,
            details,
        }
    }

    /// As `--json` shows it.
    pub(crate) fn to_json(&self) -> Value {
        let mut error = json!({"message": self.message});
        if let Value::Object(map) = &mut error {
            if let Some(part) = self.part {
                map.insert("part".to_owned(), part.into());
            }
            if !self.fix.is_empty() {
                map.insert("fix".to_owned(), self.fix.as_str().into());
            }
            if let Some(details) = &self.details {
                map.insert("error".to_owned(), json!(details));
            }
        }
        json!({"ok": false, "error": error})
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        Failure::new(error)
    }
}
