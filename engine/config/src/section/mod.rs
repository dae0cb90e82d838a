//! The typed config, one struct a section.
//!
//! Absent keys have their defaults here; what has none is an `Option`, and then the reader decides. Sections that later
//! parts of the gateway own (`hooks`, `cron`, `channels`, `bindings`, `defender`) are kept as raw JSON.

pub mod agents;
pub mod commands;
pub mod engine;
pub mod gateway;
pub mod logging;
pub mod messages;
pub mod models;
mod ordered;
pub mod session;

use serde::Deserialize;
use serde_json::Value;

pub use agents::{Agent, Agents, ModelChoice};
pub use commands::{Commands, Exec, Tools};
pub use engine::{Backend, Durability, Engine, Limits};
pub use gateway::{Auth, AuthMode, Bind, Gateway};
pub use logging::Logging;
pub use messages::{DropPolicy, Messages, QueueMode, QueueSettings};
pub use models::{Model, ModelRef, Models, Provider};
pub use session::Session;

/// Everything a gateway reads from its config.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Config {
    /// The port and who may connect.
    pub gateway: Gateway,
    /// How conversations are kept apart.
    pub session: Session,
    /// How messages are taken.
    pub messages: Messages,
    /// The agents.
    pub agents: Agents,
    /// The model services.
    pub models: Models,
    /// What agents may do.
    pub tools: Tools,
    /// Which slash commands exist.
    pub commands: Commands,
    /// What is logged.
    pub logging: Logging,
    /// Our own: cores, backend, bounds.
    pub engine: Engine,
    /// Webhooks, raw.
    pub hooks: Value,
    /// Jobs, raw.
    pub cron: Value,
    /// Messaging services, raw.
    pub channels: Value,
    /// Which agent answers where, raw.
    pub bindings: Value,
    /// Look of apps and of the assistant, raw.
    pub ui: Value,
    /// Voice, raw.
    pub talk: Value,
    /// What is checked, raw.
    pub defender: Value,
}
