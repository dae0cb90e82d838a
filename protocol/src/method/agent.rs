//! `agent` and `agent.wait`: what programs talk through.

pub mod run;
pub mod wait;

pub use run::{Accepted, Run, RunParams, RunPayload};
pub use wait::{Wait, WaitParams, WaitPayload};
