//! `commands` and `tools`.

use serde::Deserialize;
use serde_json::Value;

/// `commands`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Commands {
    /// Whether `/commands` in messages are obeyed.
    pub text: bool,
    /// `/bash`.
    pub bash: bool,
    /// `/config`.
    pub config: bool,
    /// `/debug`.
    pub debug: bool,
    /// `/restart`.
    pub restart: bool,
    /// Whether access groups decide who may command.
    pub use_access_groups: bool,
    /// Who owns the gateway: ids as strings or numbers.
    pub owner_allow_from: Vec<Value>,
}

impl Default for Commands {
    fn default() -> Commands {
        Commands {
            text: true,
            bash: false,
            config: false,
            debug: false,
            restart: true,
            use_access_groups: true,
            owner_allow_from: Vec::new(),
        }
    }
}

/// `tools`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Tools {
    /// How commands are run.
    pub exec: Exec,
}

/// `tools.exec`, as written; what is unset is the session's or upstream's business.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Exec {
    /// auto, sandbox, gateway or node.
    pub host: Option<String>,
    /// deny, allowlist or full.
    pub security: Option<String>,
    /// off, on-miss or always.
    pub ask: Option<String>,
    /// 2026.9: deny, allowlist, ask, auto or full.
    pub mode: Option<String>,
    /// The node that runs commands.
    pub node: Option<String>,
    /// Programs that need no asking.
    pub safe_bins: Vec<String>,
    /// Folders put before PATH.
    pub path_prepend: Vec<String>,
    /// Longest command, in seconds.
    pub timeout_sec: Option<u64>,
}
