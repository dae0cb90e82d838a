//! Why a policy was not taken. Each text names the cause and the cure.

use std::fmt;

use super::document::TEXT_BYTES_MAX;
use super::load::Format;

/// Longest piece of somebody's text that is quoted in an error, in characters.
const QUOTE_CHARS_MAX: usize = 400;

/// Why a policy could not be loaded. The one in force stays in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyError {
    /// Longer than [`TEXT_BYTES_MAX`].
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// The file's ending names no format.
    NoFormat {
        /// The file name.
        name: String,
    },
    /// Not JSON or TOML at all, or a name stands twice.
    Syntax {
        /// What it was read as.
        format: Format,
        /// What is wrong, and where.
        message: String,
    },
    /// A field that no policy has, or a value that the field cannot have.
    Field {
        /// Where: `limits.queue`, `allow.domains[3]`.
        path: String,
        /// What is wrong with it, and what is allowed.
        message: String,
    },
}

impl PolicyError {
    /// A wrong field.
    pub(super) fn field(path: impl Into<String>, message: impl Into<String>) -> PolicyError {
        PolicyError::Field { path: path.into(), message: message.into() }
    }
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PolicyError::TooLong { bytes } => {
                write!(
                    f,
                    "the policy has {bytes} bytes, allowed are {TEXT_BYTES_MAX}: move long lists to the intel files"
                )
            }
            PolicyError::NoFormat { name } => {
                write!(f, "{}: a policy file must end in .toml or .json", quoted(name))
            }
            PolicyError::Syntax { format, message } => {
                write!(f, "the policy is no {format}: {}", quoted(message))
            }
            PolicyError::Field { path, message } => {
                write!(f, "policy field {}: {}", quoted(path), quoted(message))
            }
        }
    }
}

impl std::error::Error for PolicyError {}

/// Bounded, and without control characters: errors are printed to terminals and logs.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::new();
    for (count, character) in text.chars().enumerate() {
        if count == QUOTE_CHARS_MAX {
            out.push('…');
            break;
        }
        match character.is_control() {
            true => out.extend(character.escape_default()),
            false => out.push(character),
        }
    }
    out
}
