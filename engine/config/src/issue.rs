//! What is wrong with a config.

use std::fmt;

use serde::Serialize;

/// How much an [`Issue`] matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The gateway starts; the key is ignored or has no effect.
    Warning,
    /// The gateway does not start with this.
    Error,
}

/// One finding, at one place of the config.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Issue {
    /// Where: `gateway.auth.token`, `agents.list.0.id`; empty for the whole document.
    pub path: String,
    /// What, in upstream's words where upstream says it too.
    pub message: String,
    /// How much it matters. Clients see it only by which list the issue is in.
    #[serde(skip)]
    pub severity: Severity,
}

impl Issue {
    /// A finding that stops a start.
    pub fn error(path: impl fmt::Display, message: impl Into<String>) -> Issue {
        Issue { path: path.to_string(), message: message.into(), severity: Severity::Error }
    }

    /// A finding that does not.
    pub fn warning(path: impl fmt::Display, message: impl Into<String>) -> Issue {
        Issue { path: path.to_string(), message: message.into(), severity: Severity::Warning }
    }
}

impl fmt::Display for Issue {
    /// `gateway.port: Invalid input: …`; the root is `<root>`, as upstream prints it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "<root>" } else { &self.path };
        write!(f, "{path}: {}", self.message)
    }
}

/// Most issues one config can collect; what a hostile or hopeless file adds beyond this is counted, not kept.
pub const ISSUES_MAX: usize = 100;

/// Collects issues up to [`ISSUES_MAX`].
#[derive(Debug, Default)]
pub struct Issues {
    kept: Vec<Issue>,
    dropped: usize,
}

impl Issues {
    /// Adds one; beyond the bound warnings go first, then whatever comes last.
    pub fn push(&mut self, issue: Issue) {
        if self.kept.len() < ISSUES_MAX {
            self.kept.push(issue);
            return;
        }
        self.dropped += 1;
        if issue.severity == Severity::Error
            && let Some(warning) = self.kept.iter_mut().rfind(|kept| kept.severity == Severity::Warning)
        {
            *warning = issue;
        }
    }

    /// Adds one that may be found in several places; the first stays.
    pub fn push_once(&mut self, issue: Issue) {
        if !self.kept.contains(&issue) {
            self.push(issue);
        }
    }

    /// Whether an error is among them.
    pub fn any_error(&self) -> bool {
        self.kept.iter().any(|issue| issue.severity == Severity::Error)
    }

    /// Errors and warnings, in the order found. A last warning says how many more there were.
    pub fn split(self) -> (Vec<Issue>, Vec<Issue>) {
        let (errors, mut warnings): (Vec<_>, Vec<_>) =
            self.kept.into_iter().partition(|issue| issue.severity == Severity::Error);
        if self.dropped > 0 {
            warnings.push(Issue::warning("", format!("and {} more issues", self.dropped)));
        }
        (errors, warnings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_survive_a_flood_of_warnings() {
        let mut issues = Issues::default();
        for number in 0..1000 {
            issues.push(Issue::warning(number, "w"));
        }
        issues.push(Issue::error("a", "e"));
        let (errors, warnings) = issues.split();
        assert_eq!(errors, [Issue::error("a", "e")]);
        assert_eq!(warnings.len(), ISSUES_MAX);
        assert_eq!(warnings.last().unwrap().message, "and 901 more issues");
    }
}
