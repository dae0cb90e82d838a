//! Events, encoded once and finished per connection.

use bytes::Bytes;
use serde::Serialize;

use crate::json::write_serde;

/// Versions of the two snapshots that clients mirror.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct StateVersion {
    /// Changes to the presence list.
    pub presence: u64,
    /// Refreshes of the health snapshot.
    pub health: u64,
}

/// An event frame without its `seq`, which differs from connection to connection.
#[derive(Debug, Clone)]
pub struct EncodedEvent {
    /// `{"type":"event","event":…,"payload":…`
    head: Bytes,
    /// `,"stateVersion":{…}}` or `}`
    tail: Bytes,
}

impl EncodedEvent {
    /// Encodes `payload` under `name`.
    pub fn new<P: Serialize + ?Sized>(
        name: &str,
        payload: &P,
        version: Option<StateVersion>,
    ) -> EncodedEvent {
        let mut head = Vec::with_capacity(256);
        head.extend_from_slice(br#"{"type":"event","event":"#);
        write_serde(&mut head, name);
        head.extend_from_slice(br#","payload":"#);
        write_serde(&mut head, payload);
        let tail = match version {
            None => Bytes::from_static(b"}"),
            Some(version) => {
                let mut tail = br#","stateVersion":"#.to_vec();
                write_serde(&mut tail, &version);
                tail.push(b'}');
                tail.into()
            }
        };
        EncodedEvent { head: head.into(), tail }
    }

    /// Appends the whole frame text. `None`: a targeted event, which carries no `seq`.
    pub fn write(&self, out: &mut Vec<u8>, seq: Option<u64>) {
        out.extend_from_slice(&self.head);
        if let Some(seq) = seq {
            out.extend_from_slice(br#","seq":"#);
            write_serde(out, &seq);
        }
        out.extend_from_slice(&self.tail);
    }

    /// Upper bound of the frame's length in bytes.
    pub fn len_max(&self) -> usize {
        self.head.len() + self.tail.len() + 8 + 20
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stand_in_upstreams_order() {
        let event = EncodedEvent::new(
            "tick",
            &serde_json::json!({"ts":1}),
            Some(StateVersion { presence: 2, health: 3 }),
        );
        let mut out = Vec::new();
        event.write(&mut out, Some(9));
        assert_eq!(
            std::str::from_utf8(&out).unwrap(),
            r#"{"type":"event","event":"tick","payload":{"ts":1},"seq":9,"stateVersion":{"presence":2,"health":3}}"#
        );
        assert!(out.len() <= event.len_max());
    }
}
