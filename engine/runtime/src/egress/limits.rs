//! Bounds of the egress.

use pincer_adapters::provider::WHOLE_BYTES_MAX;

/// Bounds for all model calls of the process. Look-ups have fixed ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Calls with a connection at the same time.
    pub calls_max: u32,
    /// Calls waiting for one of those to end. Beyond both a call fails at once.
    pub waiting_max: u32,
    /// Prompt bytes of all calls, running and waiting. Beyond it a call fails at once, unless it is the only one.
    pub prompts_bytes_max: u64,
    /// Bytes of one answer as received, framing included. More fails the call; what was said stands.
    pub response_bytes_max: u64,
    /// Bytes of an error's body that are read to find its reason. The rest is left unread.
    pub error_bytes_max: u32,
    /// To look up a name, connect and finish TLS.
    pub connect_timeout_ms: u64,
    /// From sending the request to the first byte of the answer's body. Local models load, and large ones think, before
    /// the first word.
    pub first_byte_timeout_ms: u64,
    /// Between two pieces of an answer.
    pub idle_timeout_ms: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            calls_max: 1024,
            waiting_max: 1024,
            prompts_bytes_max: 256 * 1024 * 1024,
            response_bytes_max: 16 * 1024 * 1024,
            error_bytes_max: 64 * 1024,
            connect_timeout_ms: 10_000,
            first_byte_timeout_ms: 300_000,
            idle_timeout_ms: 120_000,
        }
    }
}

/// Read buffer of an HTTP/1 connection, at most.
pub(super) const READ_BYTES_MAX: usize = 64 * 1024;

/// What a server may send ahead on one HTTP/2 stream.
pub(super) const STREAM_WINDOW_BYTES: u32 = 64 * 1024;

/// Look-ups under way at the same time. Beyond it one fails at once: whoever asks goes on without.
pub(super) const LOOKUPS_MAX: usize = 32;

/// Most bytes that a look-up's answer may have, whatever it asks for.
pub(super) const LOOKUP_BYTES_MAX: usize = 4 * 1024 * 1024;

/// TLS buffers, the call's task, HTTP state; an estimate, generous.
const CALL_BYTES: u64 = 128 * 1024;

impl Limits {
    /// Upper bound on what model calls hold, in bytes, when every provider sends what costs us most. A usual call holds
    /// its prompt and a few tens of kilobytes.
    pub fn memory_bound(&self) -> u64 {
        let Limits {
            calls_max,
            waiting_max: _, // a waiting call holds its prompt, which `prompts_bytes_max` counts
            prompts_bytes_max,
            response_bytes_max,
            error_bytes_max,
            connect_timeout_ms: _,
            first_byte_timeout_ms: _,
            idle_timeout_ms: _,
        } = *self;
        let calls = u64::from(calls_max);
        // A decoder holds a line and an event, or a whole answer and what was parsed from it.
        let decoder = (2 * WHOLE_BYTES_MAX as u64).min(response_bytes_max.saturating_mul(2));
        let mut bytes: u64 = 0;
        bytes = bytes.saturating_add(prompts_bytes_max.saturating_mul(2)); // prompts, and their JSON
        bytes = bytes.saturating_add(calls.saturating_mul(decoder.max(u64::from(error_bytes_max)))); // answers
        bytes = bytes.saturating_add(calls.saturating_mul(READ_BYTES_MAX as u64 + CALL_BYTES)); // connections
        bytes
    }

    /// The same for look-ups of addresses and files, where a service is configured that is asked.
    pub fn lookups_memory_bound() -> u64 {
        LOOKUPS_MAX as u64 * ((LOOKUP_BYTES_MAX + READ_BYTES_MAX) as u64 + CALL_BYTES)
    }
}
