//! A model call, the same for every provider.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A secret that never shows itself.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(value: impl Into<String>) -> Secret {
        Secret(value.into())
    }

    /// The secret itself, for the one place that sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// How a provider speaks; OpenClaw's `models.providers.<id>.api`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Api {
    /// The embedded deterministic model; no network.
    Loopback,
    /// `POST {baseUrl}/chat/completions`, streaming.
    OpenaiCompletions,
    /// `POST {baseUrl}/v1/messages`, streaming.
    AnthropicMessages,
}

/// Where and how to reach a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Provider id in the config.
    pub provider: String,
    /// Model id at that provider.
    pub model: String,
    /// How it speaks.
    pub api: Api,
    /// Without a trailing slash.
    pub base_url: String,
    /// Empty when none is needed.
    pub api_key: Secret,
    /// Extra headers.
    pub headers: Vec<(String, Secret)>,
}

/// Who said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// The person (or another agent).
    User,
    /// The model.
    Assistant,
}

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text.
    Text(String),
    /// An image, base64.
    Image {
        /// `image/png` …
        mime: String,
        /// Base64 of the bytes.
        data: String,
    },
}

impl Part {
    /// Bytes of the text, or of the image's base64.
    pub fn bytes(&self) -> usize {
        match self {
            Part::Text(text) => text.len(),
            Part::Image { data, .. } => data.len(),
        }
    }
}

/// One message of the context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Who said it.
    pub speaker: Speaker,
    /// What.
    pub parts: Vec<Part>,
}

/// How hard the model is asked to think.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    /// Barely.
    Minimal,
    /// A little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
}

/// A call to one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelRequest {
    /// Where to.
    pub endpoint: Endpoint,
    /// Instructions before the conversation; may be empty.
    pub system: String,
    /// The conversation, oldest first, ending with the user.
    pub messages: Vec<Message>,
    /// Most tokens to answer with.
    pub tokens_max: Option<u32>,
    /// `None`: the model does not reason, or should not.
    pub effort: Option<Effort>,
    /// The whole call must end within this.
    pub timeout_ms: u64,
}

impl ModelRequest {
    /// Bytes of the prompt: instructions, texts and base64 images. What the call's body costs, without JSON around it.
    pub fn prompt_bytes(&self) -> u64 {
        let parts = self.messages.iter().flat_map(|message| &message.parts);
        let bytes: usize = parts.map(Part::bytes).sum();
        (bytes + self.system.len()) as u64
    }
}

/// Tokens of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TokenUsage {
    /// Prompt tokens that were not cached.
    pub input: u64,
    /// Answer tokens.
    pub output: u64,
    /// Prompt tokens read from a cache.
    pub cache_read: u64,
    /// Prompt tokens written to a cache.
    pub cache_write: u64,
    /// As the provider counts: everything.
    pub total: u64,
}

/// Why the model stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// It was done.
    Stop,
    /// It hit `tokens_max`.
    Length,
    /// It wants a tool. Tools are not built yet: the turn ends with what was said so far.
    ToolUse,
}

/// Something a model said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelEvent {
    /// More text.
    Text(String),
    /// More reasoning.
    Thinking(String),
    /// Token counts; the last one stands.
    Usage(TokenUsage),
    /// Why it stopped. Comes at most once, and the stream may go on with `Usage`.
    Stop(StopReason),
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderError {
    /// HTTP status, when the provider answered.
    pub status: Option<u16>,
    /// What people see: `400 mock failure requested`.
    pub message: String,
    /// What went wrong, to choose between failing over and giving up.
    pub kind: ProviderErrorKind,
    /// When the provider said it may be asked again, counted from its answer.
    pub retry_after_ms: Option<u64>,
}

impl ProviderError {
    /// An error without a status: nothing a provider said.
    pub fn new(kind: ProviderErrorKind, message: impl Into<String>) -> ProviderError {
        ProviderError { status: None, message: message.into(), kind, retry_after_ms: None }
    }
}

impl fmt::Display for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ProviderError {}

/// Kinds of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderErrorKind {
    /// The request was wrong; another model may still take it.
    BadRequest,
    /// Key refused.
    Auth,
    /// Too many requests or no credit.
    RateLimit,
    /// The provider is overloaded or broken.
    Server,
    /// No answer in time.
    Timeout,
    /// Could not be reached, or the connection broke.
    Network,
    /// What came back was not what the API promises.
    Protocol,
    /// The prompt did not fit the model's window.
    ContextOverflow,
    /// Not the provider's fault: this gateway already has as many calls as it allows. Retry after one has ended;
    /// another model would meet the same bound.
    Busy,
}
