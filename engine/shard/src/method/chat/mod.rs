//! `chat.*`, `agent`, `agent.wait` and our `sessions.send`: saying something, and reading what was said.

mod abort;
mod agent;
mod command;
pub(crate) mod history;
mod inject;
mod send;
mod since;
mod startup;

pub(crate) use history::raw;
pub(crate) use send::{Spoken, sender, speak};
