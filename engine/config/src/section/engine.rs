//! `engine`: what is Pincer's own.

use serde::Deserialize;

/// `engine`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Engine {
    /// How many cores serve.
    pub shards: Shards,
    /// How sockets are driven.
    pub backend: Backend,
    /// Path of the store; `None`: the state directory's default.
    pub store: Option<String>,
    /// What an acknowledgement promises.
    pub durability: Durability,
    /// The model when `agents.defaults.model` names none.
    pub default_model: Option<String>,
    /// How long runs may take when the gateway stops, in milliseconds; `None`: the engine's own.
    pub drain_ms: Option<u64>,
    /// Bounds.
    pub limits: Limits,
}

/// `engine.shards`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "ShardsForms")]
pub enum Shards {
    /// As many as the machine offers.
    #[default]
    Auto,
    /// This many, at least 1.
    Count(u8),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ShardsForms {
    Count(u8),
    Word(serde::de::IgnoredAny),
}

impl From<ShardsForms> for Shards {
    fn from(forms: ShardsForms) -> Shards {
        match forms {
            ShardsForms::Count(count) => Shards::Count(count.max(1)),
            // The table lets only "auto" pass.
            ShardsForms::Word(_) => Shards::Auto,
        }
    }
}

/// `engine.backend`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// The best that the machine allows.
    #[default]
    Auto,
    /// io_uring or nothing.
    Uring,
    /// epoll.
    Epoll,
}

impl Backend {
    /// As the config says it.
    pub fn as_str(self) -> &'static str {
        match self {
            Backend::Auto => "auto",
            Backend::Uring => "uring",
            Backend::Epoll => "epoll",
        }
    }
}

/// `engine.durability`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// What is acknowledged survives a power cut.
    #[default]
    Full,
    /// It survives a crash of the process; a power cut may take the last moments.
    Normal,
}

/// `engine.limits`. `None`: the engine's own bound.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Limits {
    /// Open connections of the process.
    pub connections: Option<u32>,
    /// Longest frame before `connect`, in bytes.
    pub pre_auth_frame_bytes: Option<u32>,
    /// Longest frame, in bytes.
    pub frame_bytes: Option<u32>,
    /// What may wait for one slow client, in bytes.
    pub buffered_bytes: Option<u32>,
    /// Sessions in memory.
    pub sessions: Option<u32>,
    /// Runs at the same time.
    pub runs: Option<u32>,
    /// Connections that have not said yet who they are.
    pub handshakes: Option<u32>,
    /// What may wait for all clients together, in bytes.
    pub buffered_bytes_total: Option<u64>,
    /// Unfinished messages of all clients together, in bytes.
    pub inbound_bytes_total: Option<u64>,
    /// What runs that wait may hold together, in bytes.
    pub run_bytes_total: Option<u64>,
    /// Requests that wait for the store or for another core.
    pub waiting: Option<u32>,
    /// Model calls at the same time; as many more wait.
    pub model_calls: Option<u32>,
    /// Prompts of all model calls together, in bytes.
    pub prompt_bytes_total: Option<u64>,
    /// Longest answer of a model, as received, in bytes.
    pub answer_bytes: Option<u32>,
}
