//! Labelled rows: one JSON object a line.

use std::fs;
use std::path::Path;

use serde::Deserialize;

/// One labelled text.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) label: Label,
    pub(crate) category: String,
    pub(crate) source: String,
    /// `user` or `tool`; prompts only.
    #[serde(default)]
    pub(crate) channel: Channel,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Label {
    Attack,
    Benign,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Channel {
    #[default]
    User,
    Tool,
}

/// Reads all rows of a file.
pub(crate) fn read(path: &Path) -> Vec<Row> {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
    rows(&text, &path.display().to_string())
}

/// The rows of a text that came from `name`.
pub(crate) fn rows(text: &str, name: &str) -> Vec<Row> {
    let row = |(number, line)| {
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{name}:{}: {error}", number + 1))
    };
    text.lines().enumerate().map(row).collect()
}
