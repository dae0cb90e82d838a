//! From text, or from the `defender` section of a config, to a checked [`Policy`].

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Policy;
use super::document;
use super::error::PolicyError;

/// What a policy is written in. The names of the fields are the same in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// TOML 1.
    Toml,
    /// JSON.
    Json,
}

impl Format {
    /// By a file's ending, in any case.
    pub fn of(file_name: &str) -> Result<Format, PolicyError> {
        let ending = file_name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
        match ending.as_deref() {
            Some("toml") => Ok(Format::Toml),
            Some("json") => Ok(Format::Json),
            _ => Err(PolicyError::NoFormat { name: file_name.to_owned() }),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Toml => "TOML",
            Format::Json => "JSON",
        })
    }
}

impl Policy {
    /// Reads and checks a policy. Nothing unknown, doubled or out of bounds passes: a slip in a security policy would
    /// otherwise look like protection.
    pub fn from_text(text: &str, format: Format) -> Result<Policy, PolicyError> {
        Policy::from_value(&document::parse(text, format)?)
    }

    /// Reads and checks the `defender` section of a config. The caller takes out keys of its own first.
    pub fn from_value(value: &Value) -> Result<Policy, PolicyError> {
        check_tables(value)?;
        let policy: Policy = serde_path_to_error::deserialize(value).map_err(|error| {
            let path = error.path().to_string();
            // The path of a value that is no object at all is `.`.
            let path = if path == "." { "(the whole)".to_owned() } else { path };
            PolicyError::field(path, error.inner().to_string())
        })?;
        policy.check()?;
        Ok(policy)
    }

    /// What single fields cannot see: how they go together, how many there are, and what their texts say.
    fn check(&self) -> Result<(), PolicyError> {
        self.thresholds.check()?;
        super::tools::check(&self.tools, &self.channels)?;
        self.allow.check()?;
        self.deny.check()?;
        super::rules::check_all(self)?;
        self.intel.check()?;
        self.host.check()
    }
}

/// Serde takes a list for a table too, its items in the order of the fields: `thresholds = [10, 20]`. Nobody who writes
/// that means it, so lists are only where a list belongs.
fn check_tables(policy: &Value) -> Result<(), PolicyError> {
    let must_be_table =
        |path: &str| PolicyError::field(path, "a list, where a table of named fields belongs");
    if policy.is_array() {
        return Err(must_be_table("(the whole)"));
    }
    for (name, section) in policy.as_object().into_iter().flatten() {
        if section.is_array() {
            return Err(must_be_table(name));
        }
        let holds_lists = matches!(name.as_str(), "allow" | "deny" | "host");
        for (inner, value) in section.as_object().into_iter().flatten() {
            let path = format!("{name}.{inner}");
            let is_list = holds_lists || path == "intel.lists";
            if value.is_array() && !is_list {
                return Err(must_be_table(&path));
            }
            let innermost = value.as_object().into_iter().flatten();
            if let Some((field, _)) = innermost.into_iter().find(|(_, value)| value.is_array()) {
                return Err(must_be_table(&format!("{path}.{field}")));
            }
        }
    }
    Ok(())
}
