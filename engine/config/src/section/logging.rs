//! `logging`.

use serde::Deserialize;

/// `logging`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Logging {
    /// Least important lines in the file; `None`: info.
    pub level: Option<Level>,
    /// Where lines are written; `None`: the state directory's log folder.
    pub file: Option<String>,
    /// Least important lines on the console; `None`: as `level`.
    pub console_level: Option<Level>,
    /// How lines look on the console.
    pub console_style: Option<ConsoleStyle>,
}

/// `logging.level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Everything.
    Trace,
    /// For whoever debugs us.
    Debug,
    /// What happened.
    Info,
    /// Something to look at.
    Warn,
    /// Something broke.
    Error,
    /// It broke for good.
    Fatal,
    /// Nothing.
    Silent,
}

/// `logging.consoleStyle`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConsoleStyle {
    /// For people.
    Pretty,
    /// For people, in one line.
    Compact,
    /// For programs.
    Json,
}
