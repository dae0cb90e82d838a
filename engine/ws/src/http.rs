//! HTTP/1.1, as much as a WebSocket server needs: request heads, the upgrade, and small whole responses.
//!
//! Bodies are the caller's: [`Head::body`] says how one is framed, nothing here reads it.

mod head;
mod response;
mod upgrade;

pub use head::{Body, HEAD_BYTES_MAX, HEADERS_MAX, Head, HeadStatus};
pub use response::{ResponseOptions, reason_phrase, simple_response};
pub use upgrade::{Refusal, upgrade_response};
