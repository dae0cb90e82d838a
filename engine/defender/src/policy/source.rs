//! Where a policy came from.

use std::fmt;

/// Where the policy in force was read from, for people who look at it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Source {
    /// Nobody wrote one.
    #[default]
    Default,
    /// The config's `defender` section.
    Config,
    /// A signed bundle.
    Bundle {
        /// The key that vouched for it.
        key_id: String,
    },
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Default => f.write_str("default"),
            Source::Config => f.write_str("config"),
            Source::Bundle { key_id } => write!(f, "bundle {key_id}"),
        }
    }
}
