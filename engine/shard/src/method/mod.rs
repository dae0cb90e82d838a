//! The thinking halves of the methods, one file a family.

mod agents;
mod chat;
mod config;
mod device;
mod empty;
mod sessions;
mod system;

/// What the method table needs to name.
pub(crate) mod prelude {
    pub(crate) use pincer_protocol::method::{
        agent, agents, channels, chat, config, device, empty, gateway, models, sessions, system, usage,
    };
}
