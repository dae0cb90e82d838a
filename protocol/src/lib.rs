//! What travels on the socket, typed.
//!
//! Frames, every method's params and result, events, errors, scopes and ids, for both wire generations OpenClaw
//! speaks: [`Wire::V3`] (2026.2) and [`Wire::V4`] (2026.9). Nothing here reads a clock, does IO, or decides policy.
//!
//! Start with [`frame::RequestFrame`], then [`method::Rpc`]. A method's params are described twice on purpose: by a
//! [`schema::Object`], which refuses bad input with the wording upstream's clients know, and by a serde struct, which
//! the handler works with.

pub mod access;
pub mod connect;
pub mod error;
pub mod event;
pub mod field;
pub mod frame;
pub mod json;
pub mod method;
pub mod queue;
pub mod schema;
pub mod wire;

pub use access::{Role, Scope, ScopeSet};
pub use error::{ErrorCode, ErrorShape};
pub use field::Field;
pub use wire::Wire;
