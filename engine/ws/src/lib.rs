//! The server side of RFC 6455 and of the HTTP/1.1 upgrade before it, as a pure codec.
//!
//! Bytes in, messages out: no sockets, no timers, no policy about when to ping or how long to wait. Extensions are
//! never negotiated (no permessage-deflate), and HTTP bodies are left to the caller.
//!
//! - [`http::Head::parse`] and [`http::upgrade_response`] take a connection to the WebSocket protocol.
//! - [`Decoder`] takes messages out of what a socket read. A frame that lies whole in the read buffer is unmasked and
//!   handed out in place; only what is incomplete is copied, into a pooled buffer that goes back as soon as it is empty.
//! - [`encode`] appends frames to an output buffer.
//!
//! Frame heads (but for those of whole text messages, which nearly all are) and the handshake key are tungstenite's; its
//! `WebSocket` is not used, because it owns a read buffer of 128 KiB per connection and copies every message.

mod close;
mod decode;
pub mod encode;
pub mod http;
mod mask;

pub use close::{CloseFrame, CloseReason, code};
pub use decode::{Decoder, Incoming};
