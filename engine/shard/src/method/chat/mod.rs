//! `chat.*`, `agent`, `agent.wait` and our `sessions.send`: saying something, and reading what was said.

mod abort;
mod agent;
mod command;
mod history;
mod inject;
mod send;

pub(crate) use history::raw;
pub(crate) use send::{Spoken, speak};
