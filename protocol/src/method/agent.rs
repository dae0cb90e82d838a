//! `agent` and `agent.wait`: what programs talk through.

pub mod event;
pub mod meta;
pub mod receipt;
pub mod run;
pub mod wait;

pub use event::{AgentEvent, AgentStream, Lifecycle};
pub use run::{Accepted, Run, RunParams, RunPayload};
pub use wait::{Wait, WaitParams, WaitPayload};
