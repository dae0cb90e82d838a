//! `session`.

use std::collections::BTreeMap;

use serde::Deserialize;

/// `session`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Session {
    /// One conversation a sender, or one for all.
    pub scope: SessionScope,
    /// How direct messages are kept apart.
    pub dm_scope: DmScope,
    /// Ids of one person on several channels, by a name for the person.
    pub identity_links: BTreeMap<String, Vec<String>>,
    /// Name of the shared direct message session, as written; see [`Session::main_key`].
    #[serde(rename = "mainKey")]
    pub main_key_as_written: Option<String>,
    /// Messages that start a new session.
    pub reset_triggers: Vec<String>,
    /// Upstream's older form of `reset.idleMinutes`.
    pub idle_minutes: Option<u32>,
    /// When a session starts over by itself.
    pub reset: Option<Reset>,
    /// The same, by `direct`, `dm`, `group` or `thread`.
    pub reset_by_type: BTreeMap<String, Reset>,
    /// The same, by channel.
    pub reset_by_channel: BTreeMap<String, Reset>,
    /// Who may send.
    pub send_policy: Option<SendPolicy>,
    /// How much is kept.
    pub maintenance: Maintenance,
    /// Conversations of agents with each other.
    pub agent_to_agent: AgentToAgent,
}

impl Default for Session {
    fn default() -> Session {
        Session {
            scope: SessionScope::PerSender,
            dm_scope: DmScope::Main,
            identity_links: BTreeMap::new(),
            main_key_as_written: None,
            reset_triggers: vec!["/new".to_owned(), "/reset".to_owned()],
            idle_minutes: None,
            reset: None,
            reset_by_type: BTreeMap::new(),
            reset_by_channel: BTreeMap::new(),
            send_policy: None,
            maintenance: Maintenance::default(),
            agent_to_agent: AgentToAgent::default(),
        }
    }
}

impl Session {
    /// The main key: trimmed and lower-case, `main` when unset or blank.
    pub fn main_key(&self) -> String {
        let written = self.main_key_as_written.as_deref().unwrap_or("").trim().to_lowercase();
        if written.is_empty() { "main".to_owned() } else { written }
    }
}

/// `session.scope`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionScope {
    /// One conversation a sender.
    PerSender,
    /// One for everybody.
    Global,
}

impl SessionScope {
    /// As the wire says it.
    pub fn as_str(self) -> &'static str {
        match self {
            SessionScope::PerSender => "per-sender",
            SessionScope::Global => "global",
        }
    }
}

/// `session.dmScope`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DmScope {
    /// All in the main session.
    Main,
    /// By person.
    PerPeer,
    /// By channel and person.
    PerChannelPeer,
    /// By account, channel and person.
    PerAccountChannelPeer,
}

/// `session.reset`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Reset {
    /// By the clock or by silence; `None`: daily, and after so much silence where that is set.
    pub mode: Option<ResetMode>,
    /// Local hour of the daily reset; upstream's is 4.
    pub at_hour: Option<u8>,
    /// Minutes of silence.
    pub idle_minutes: Option<u32>,
}

/// `session.reset.mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResetMode {
    /// At an hour of the day.
    Daily,
    /// After silence.
    Idle,
}

/// `session.sendPolicy`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct SendPolicy {
    /// When no rule matches; `None`: allow.
    pub default: Option<SendAction>,
    /// The first that matches decides.
    pub rules: Vec<SendRule>,
}

/// Allow or deny.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SendAction {
    /// May send.
    #[default]
    Allow,
    /// May not.
    Deny,
}

/// One rule of [`SendPolicy`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct SendRule {
    /// What it decides.
    pub action: SendAction,
    /// When it matches; empty: always.
    pub r#match: SendMatch,
}

/// What a [`SendRule`] looks at; all given fields must match.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SendMatch {
    /// The channel.
    pub channel: Option<String>,
    /// `direct`, `group` or `channel`.
    pub chat_type: Option<String>,
    /// Start of the key after `agent:<id>:`.
    pub key_prefix: Option<String>,
    /// Start of the whole key.
    pub raw_key_prefix: Option<String>,
}

/// `session.maintenance`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Maintenance {
    /// Whether old sessions go or are only counted.
    pub mode: MaintenanceMode,
    /// Most sessions of one agent.
    pub max_entries: u32,
}

impl Default for Maintenance {
    fn default() -> Maintenance {
        Maintenance { mode: MaintenanceMode::Warn, max_entries: 500 }
    }
}

/// `session.maintenance.mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MaintenanceMode {
    /// Remove.
    Enforce,
    /// Only say so.
    Warn,
}

/// `session.agentToAgent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AgentToAgent {
    /// Most turns two agents take with each other.
    pub max_ping_pong_turns: u32,
}

impl Default for AgentToAgent {
    fn default() -> AgentToAgent {
        AgentToAgent { max_ping_pong_turns: 5 }
    }
}
