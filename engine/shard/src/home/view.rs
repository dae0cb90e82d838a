//! What every shard knows of the whole process: a snapshot that home replaces as a whole.

use std::sync::{Arc, OnceLock};

use jiff::tz::TimeZone;
use pincer_adapters::model::{Api, Effort, Endpoint, Secret};
use pincer_config::section::models::{DEFAULT_CONTEXT, Model, ModelRef};
use pincer_config::{Config, Loaded};
use pincer_defender::Defender;
use pincer_protocol::Wire;
use pincer_protocol::connect::{Ownership, PresenceEntry};
use pincer_protocol::event::StateVersion;
use pincer_sessions::agent::AgentId;
use pincer_sessions::context;
use pincer_sessions::entry::Entry;
use pincer_sessions::entry::level::Thinking;
use pincer_sessions::key::{KeyError, KeyRules, SessionKey, SessionKind};
use pincer_sessions::model_ref::ModelFacts;
use pincer_sessions::queue::QueueSettings;
use pincer_sessions::time::Now;
use pincer_sessions::transcript::Prices;
use pincer_sessions::turn::Turn;
use serde_json::value::RawValue;

use crate::handshake::AuthPolicy;
use crate::home::mentions::MentionTable;
use crate::host::HostIntegrity;

/// The config as it stands, and what follows from it.
pub(crate) struct Settings {
    pub(crate) loaded: Arc<Loaded>,
    /// The file's text as read; empty when there is none.
    pub(crate) raw: Arc<str>,
    /// Whether there is a file.
    pub(crate) exists: bool,
    pub(crate) config_path: String,
    pub(crate) state_dir: String,
    /// Key of v4's config hashes; made at start.
    pub(crate) hash_key: [u8; 32],
    /// What the policy protects less than the one before this start.
    pub(crate) weaker: Arc<[String]>,
    /// v4: what hellos say of the config, worked out for the first of them.
    pub(crate) applied_hash: OnceLock<String>,
    pub(crate) ownership: OnceLock<Ownership>,
}

/// The snapshot.
#[derive(Clone)]
pub(crate) struct View {
    pub(crate) settings: Arc<Settings>,
    pub(crate) auth: Arc<AuthPolicy>,
    pub(crate) default_agent: AgentId,
    pub(crate) main_key: String,
    pub(crate) global_scope: bool,
    /// What everything is judged by; replaced whole when the policy changes.
    pub(crate) defender: Arc<Defender>,
    /// How this machine's files stand; `None` when nobody watches them.
    pub(crate) host: Option<HostIntegrity>,
    /// What calls an agent in a group.
    pub(crate) mentions: Arc<MentionTable>,
    pub(crate) facts: Arc<HostFacts>,
    pub(crate) version: StateVersion,
    pub(crate) presence: Arc<[Arc<PresenceEntry>]>,
    /// The health payload, per wire, as of the last refresh.
    pub(crate) health_v3: Arc<RawValue>,
    pub(crate) health_v4: Arc<RawValue>,
    pub(crate) started: Now,
}

/// Facts about the machine and this start, that never change.
#[derive(Debug, Clone)]
pub struct HostFacts {
    /// Host name.
    pub host: String,
    /// Address other machines reach us by, if any.
    pub ip: Option<String>,
    /// `linux 5.4.0`
    pub platform: String,
    /// `x64`, `arm64`
    pub arch: String,
    /// Random id of this start.
    pub boot_id: String,
    /// `uring` or `epoll`, and why.
    pub backend: String,
    /// Where the log goes.
    pub log_file: String,
    /// The gateway's own device identity: SHA-256 of its public key, hex.
    pub device_id: String,
    /// Its Ed25519 public key, base64url.
    pub public_key: String,
    /// The machine's time zone: it says when days begin.
    pub zone: TimeZone,
}

impl View {
    pub(crate) fn config(&self) -> &Config {
        &self.settings.loaded.config
    }

    /// How keys are read.
    pub(crate) fn key_rules(&self, wire: Wire, strict: bool) -> KeyRules<'_> {
        KeyRules {
            default_agent: &self.default_agent,
            main_key: &self.main_key,
            global_scope: self.global_scope,
            wire,
            strict,
        }
    }

    /// Reads a key as most methods do.
    pub(crate) fn parse_key(&self, text: &str, wire: Wire) -> Result<SessionKey, KeyError> {
        SessionKey::parse(text, &self.key_rules(wire, false))
    }

    /// Reads a key beside which the agent may be named.
    pub(crate) fn parse_key_of(
        &self,
        text: &str,
        agent: Option<&str>,
        wire: Wire,
    ) -> Result<SessionKey, KeyError> {
        SessionKey::parse_of_agent(text, agent, &self.key_rules(wire, false))
    }

    /// The main session of the default agent.
    pub(crate) fn main_session(&self) -> SessionKey {
        self.key_rules(Wire::V3, false).main_key_of(&self.default_agent)
    }

    /// `session.scope` as clients know it.
    pub(crate) fn scope_name(&self) -> &'static str {
        if self.global_scope { "global" } else { "per-sender" }
    }

    /// Folder of an agent's transcripts, absolute.
    pub(crate) fn sessions_folder(&self, agent: &AgentId) -> String {
        format!("{}/agents/{}/sessions", self.settings.state_dir, agent.as_str())
    }

    /// The file that v3 clients are told holds an agent's sessions.
    pub(crate) fn sessions_path(&self, agent: &AgentId, wire: Wire) -> String {
        match wire {
            Wire::V3 => format!("{}/sessions.json", self.sessions_folder(agent)),
            Wire::V4 => {
                format!("{}/agents/{}/agent/openclaw-agent.sqlite", self.settings.state_dir, agent.as_str())
            }
        }
    }

    /// Folder an agent works in.
    pub(crate) fn workspace(&self, key: &SessionKey) -> String {
        let agent = key.store_agent(&self.default_agent);
        self.config()
            .agents
            .get(agent.as_str())
            .and_then(|agent| agent.workspace)
            .or_else(|| self.config().agents.defaults.workspace.clone())
            .unwrap_or_else(|| format!("{}/workspace", self.settings.state_dir))
    }

    /// What the model is told before the conversation.
    pub(crate) fn system_prompt(&self, key: &SessionKey, turn: &Turn, now: Now) -> String {
        let agent = key.store_agent(&self.default_agent);
        let known = self.config().agents.get(agent.as_str());
        let identity = known.as_ref().and_then(|agent| agent.identity.as_ref());
        let name = identity.and_then(|identity| identity.name.as_deref());
        context::SystemPrompt {
            name: name.or(known.as_ref().and_then(|agent| agent.name.as_deref())).unwrap_or(""),
            theme: identity.and_then(|identity| identity.theme.as_deref()).unwrap_or(""),
            channel: key.room().map_or("webchat", |room| room.channel),
            in_group: key.kind() == SessionKind::Group,
            now_ms: now.wall_ms,
            utc_offset_minutes: 0,
            extra: turn.options.extra_system_prompt.as_deref().unwrap_or(""),
        }
        .text()
    }

    /// Queue settings of the config, for messages of `channel`.
    pub(crate) fn queue_settings(&self, channel: Option<&str>, wire: Wire) -> QueueSettings {
        let configured = self.config().messages.queue.settings(channel, wire);
        QueueSettings {
            mode: Some(configured.mode),
            debounce_ms: u32::try_from(configured.debounce_ms).ok(),
            cap: u16::try_from(configured.cap).ok(),
            drop: Some(configured.drop),
        }
    }

    pub(crate) fn run_timeout_ms(&self) -> u64 {
        self.config().agents.defaults.run_timeout_ms()
    }

    /// The model a session uses when nothing is said in a message.
    pub(crate) fn session_model(&self, key: &SessionKey, entry: Option<&Entry>) -> ModelRef {
        let tuning = entry.map(Entry::tuning);
        let chosen = tuning.and_then(|tuning| {
            let model = tuning.model_override.as_deref()?;
            Some(match tuning.provider_override.as_deref() {
                Some(provider) => ModelRef { provider: provider.to_owned(), model: model.to_owned() },
                None => self.config().resolve_model(model)?,
            })
        });
        let agent = key.store_agent(&self.default_agent);
        chosen
            .or_else(|| self.config().model_chain(agent.as_str()).into_iter().next())
            .unwrap_or_else(ModelRef::loopback)
    }

    /// What to try in a session, best first; `chosen`: the model that a message asks for.
    pub(crate) fn models_for(
        &self,
        key: &SessionKey,
        entry: Option<&Entry>,
        chosen: Option<&str>,
    ) -> Vec<Endpoint> {
        let agent = key.store_agent(&self.default_agent);
        let mut chain = vec![match chosen {
            Some(name) => self.config().resolve_model(name).unwrap_or_else(|| self.session_model(key, entry)),
            None => self.session_model(key, entry),
        }];
        for fallback in self.config().model_chain(agent.as_str()).into_iter().skip(1) {
            if !chain.contains(&fallback) {
                chain.push(fallback);
            }
        }
        chain.iter().filter_map(|model| self.endpoint(model)).collect()
    }

    /// How to reach a model; `None` for one whose provider is not configured or speaks an API we do not.
    pub(crate) fn endpoint(&self, wanted: &ModelRef) -> Option<Endpoint> {
        let config = self.config();
        let blank = Endpoint {
            provider: wanted.provider.clone(),
            model: wanted.model.clone(),
            api: self.api(wanted)?,
            base_url: String::new(),
            api_key: Secret::default(),
            headers: Vec::new(),
        };
        let Some(provider) = config.provider(&wanted.provider) else {
            return Some(blank);
        };
        let model = config.model(wanted);
        let headers = provider.headers.iter().chain(model.iter().flat_map(|model| model.headers.iter()));
        Some(Endpoint {
            base_url: provider.base_url.trim_end_matches('/').to_owned(),
            api_key: Secret::new(provider.api_key.reveal()),
            headers: headers.map(|(name, value)| (name.clone(), Secret::new(value.reveal()))).collect(),
            ..blank
        })
    }

    /// How a model's provider is spoken to; `None` as for [`View::endpoint`].
    pub(crate) fn api(&self, wanted: &ModelRef) -> Option<Api> {
        let config = self.config();
        let Some(provider) = config.provider(&wanted.provider) else {
            return wanted.is_loopback().then_some(Api::Loopback);
        };
        let named = config.model(wanted).and_then(|model| model.api.as_deref());
        match named.or(provider.api.as_deref()) {
            None | Some("openai-completions") => Some(Api::OpenaiCompletions),
            Some("anthropic-messages") => Some(Api::AnthropicMessages),
            Some("loopback") => Some(Api::Loopback),
            Some(_) => None,
        }
    }

    fn model_of(&self, endpoint: &Endpoint) -> Option<&Model> {
        let wanted = ModelRef { provider: endpoint.provider.clone(), model: endpoint.model.clone() };
        self.config().model(&wanted)
    }

    /// The model's window, in tokens, as far as the config allows it.
    pub(crate) fn context_tokens(&self, endpoint: &Endpoint) -> u64 {
        let window = self.model_of(endpoint).map_or(DEFAULT_CONTEXT, Model::context);
        self.config().agents.defaults.capped(window)
    }

    pub(crate) fn tokens_max(&self, endpoint: &Endpoint) -> Option<u32> {
        self.model_of(endpoint).and_then(|model| model.max_tokens)
    }

    /// Whether a model reasons.
    pub(crate) fn reasons(&self, endpoint: &Endpoint) -> bool {
        self.model_of(endpoint).is_some_and(|model| model.reasoning)
    }

    /// What is known of a model, for the rules about levels.
    pub(crate) fn facts_of(&self, endpoint: &Endpoint) -> ModelFacts {
        ModelFacts { reasoning: self.reasons(endpoint), context_tokens: self.context_tokens(endpoint) }
    }

    pub(crate) fn prices(&self, endpoint: &Endpoint) -> Prices {
        self.model_of(endpoint).map_or(Prices::default(), |model| Prices {
            input: model.cost.input,
            output: model.cost.output,
            cache_read: model.cost.cache_read,
            cache_write: model.cost.cache_write,
        })
    }

    /// How hard the model is asked to think.
    pub(crate) fn effort(&self, entry: &Entry) -> Option<Effort> {
        match entry.tuning().thinking_level? {
            Thinking::Off => None,
            Thinking::Minimal => Some(Effort::Minimal),
            Thinking::Low => Some(Effort::Low),
            Thinking::Medium | Thinking::Adaptive => Some(Effort::Medium),
            _ => Some(Effort::High),
        }
    }
}

/// The name of an API in transcripts and config.
pub(crate) fn api_name(api: Api) -> &'static str {
    match api {
        Api::Loopback => "loopback",
        Api::OpenaiCompletions => "openai-completions",
        Api::AnthropicMessages => "anthropic-messages",
    }
}
