//! What the defender decides by, as people write it.
//!
//! A [`Policy`] is read from TOML, JSON or the `defender` section of a config ([`Policy::from_text`],
//! [`Policy::from_value`]); every field may be left out, none may be unknown, every number has its bounds. A [`Compiled`]
//! is built from it once and holds its matchers; a reload builds another and swaps it whole. [`Policy::decide`] makes a
//! [`Decision`] of a guard's assessment. A [`bundle`] is a policy that came signed.
//!
//! Nothing here reads a file or a clock.
//!
//! ```toml
//! version = 3
//! mode = "enforce"
//!
//! [thresholds]
//! review = 50
//! block = 85
//!
//! [tools.exec]
//! floor = "review"
//!
//! [allow]
//! commands = [["git", "status"]]
//!
//! [rules]
//! "prompt.override" = "off"      # a rule's name holds dots: in TOML it needs the quotes
//! ```

pub mod bundle;

mod compiled;
mod decide;
mod document;
mod error;
mod host;
mod intel;
mod limits;
mod lists;
mod load;
mod names;
mod number;
mod phrases;
mod quarantine;
mod rules;
mod scope;
mod source;
mod thresholds;
mod tools;
mod verdict;
mod weaker;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use compiled::{Compiled, Hit, ListKind, Listing};
pub use decide::{Decision, REASONS_MAX, Reason, Subject};
pub use document::TEXT_BYTES_MAX;
pub use error::PolicyError;
pub use host::Host;
pub use intel::{ApiKey, FailMode, Intel, Service};
pub use limits::Limits;
pub use lists::{Allow, COMMAND_WORDS_MAX, Command, Deny, LIST_ENTRIES_MAX};
pub use load::Format;
pub use number::{Bounded, Points, Risk};
pub use phrases::fold;
pub use quarantine::Quarantine;
pub use rules::{RuleChange, Rules};
pub use scope::{SCOPES_MAX, Scope};
pub use source::Source;
pub use thresholds::Thresholds;
pub use tools::{Channel, TOOLS_MAX, Tool};
pub use verdict::{Mode, Verdict};
pub use weaker::CHANGES_MAX;

/// Number of a policy; grows with every bundle. At most what a JSON number holds exactly.
pub type Version = Bounded<0, 9_007_199_254_740_991>;

/// A checked policy. [`Policy::default`] is what an empty one means: findings are recorded and nothing is stopped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Policy {
    /// For people, and against going back: see [`bundle`]. 0 when it is not said.
    pub version: Version,
    /// Whether decisions are acted on.
    pub mode: Mode,
    /// From which risk on.
    pub thresholds: Thresholds,
    /// By name of the tool: its floor and bonus.
    pub tools: BTreeMap<String, Tool>,
    /// By name of the channel: its bonus.
    pub channels: BTreeMap<String, Channel>,
    /// Points that an operator's own words have for free: whoever holds the gateway can do all that a prompt could ask for,
    /// so there a person is asked only about what is clear. 0: their words count as anybody's.
    pub operator_credit: Risk,
    /// What passes.
    pub allow: Allow,
    /// What never passes.
    pub deny: Deny,
    /// Rules that count otherwise, everywhere.
    pub rules: Rules,
    /// By agent id: what is different there.
    pub agents: BTreeMap<String, Scope>,
    /// By session key: what is different there. Goes before [`Policy::agents`].
    pub sessions: BTreeMap<String, Scope>,
    /// Bounds of the work.
    pub limits: Limits,
    /// Looking things up outside.
    pub intel: Intel,
    /// How long and how much is kept of what was stopped.
    pub quarantine: Quarantine,
    /// What is watched on this machine.
    pub host: Host,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            version: Version::clamped(0),
            mode: Mode::default(),
            thresholds: Thresholds::default(),
            tools: BTreeMap::new(),
            channels: BTreeMap::new(),
            operator_credit: Risk::clamped(10.0),
            allow: Allow::default(),
            deny: Deny::default(),
            rules: Rules::default(),
            agents: BTreeMap::new(),
            sessions: BTreeMap::new(),
            limits: Limits::default(),
            intel: Intel::default(),
            quarantine: Quarantine::default(),
            host: Host::default(),
        }
    }
}

#[cfg(test)]
mod tests;
