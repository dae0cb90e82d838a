//! The thinking halves of the methods, one file a family.

mod agents;
mod approval;
pub(crate) mod chat;
mod config;
mod device;
mod empty;
mod security;
pub(crate) mod sessions;
mod system;
pub(crate) mod usage;

/// What the method table needs to name.
pub(crate) mod prelude {
    pub(crate) use pincer_protocol::method::{
        agent, agents, approval, channels, chat, config, device, empty, gateway, models, security, sessions,
        system, usage,
    };
}
