//! Runs what every client's first moments run, so that the first client does not wait for code to be read, and memory at
//! rest already holds it.
//!
//! A scratch shard with no sessions takes one connection in memory: upgrade, `connect`, `health`. Nothing it wants done is
//! done; then it is dropped.

use std::net::{Ipv4Addr, SocketAddr};

use pincer_sessions::time::Now;
use pincer_shard::driver::{ConnId, Core, Peer};
use pincer_shard::{Boot, Shard};
use serde_json::{Value, json};

const UPGRADE: &[u8] = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";

/// A shard that nobody reaches.
pub(crate) struct Scratch {
    shard: Shard,
    connect: Value,
    now: Now,
}

impl Scratch {
    /// Made before the start's code is dropped, for no shard is made after it.
    pub(crate) fn new(boot: Boot) -> Scratch {
        let (now, mut auth) = (boot.now, json!({}));
        for (name, secret) in [("token", &boot.settings.token), ("password", &boot.settings.password)] {
            if let (Some(secret), Some(auth)) = (secret, auth.as_object_mut()) {
                auth.insert(name.to_owned(), secret.as_str().into());
            }
        }
        let connect = json!({
            "minProtocol": 3, "maxProtocol": 4, "role": "operator", "scopes": ["operator.read"], "auth": auth,
            "client": {"id": "cli", "mode": "cli", "version": "0", "platform": "linux"},
        });
        Scratch { shard: Shard::new(boot), connect, now }
    }

    /// Serves one connection.
    pub(crate) fn serve(&mut self) {
        let Scratch { shard, connect, now } = self;
        let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        let Some(conn) = shard.accepted(*now, Peer { remote: here, local: here }) else { return };
        say(shard, conn, UPGRADE.to_vec(), *now);
        say(shard, conn, frame("connect", connect), *now);
        say(shard, conn, frame("health", &json!({})), *now);
        shard.disconnected(*now, conn);
        while shard.poll_effect().is_some() {}
    }
}

fn say(shard: &mut Shard, conn: ConnId, mut bytes: Vec<u8>, now: Now) {
    shard.received(now, conn, &mut bytes);
    while shard.poll_effect().is_some() {}
    let mut slices: [&[u8]; 1] = [&[]];
    shard.outgoing(conn, &mut slices);
    let written = slices.iter().map(|slice| slice.len()).sum();
    shard.written(now, conn, written);
}

/// A request in one text frame, masked with zeroes.
fn frame(method: &str, params: &Value) -> Vec<u8> {
    let text = json!({"type": "req", "id": "1", "method": method, "params": params}).to_string();
    let mut frame = vec![0x81, 0x80 | 126];
    frame.extend_from_slice(&u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(text.as_bytes());
    frame
}
