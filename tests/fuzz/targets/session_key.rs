//! Session keys from whatever a client sends, and from whatever a channel says of its people and rooms.
//!
//! Input: a byte that chooses the rules, then text; lines are the parts of a routed key.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pincer_protocol::Wire;
use pincer_sessions::agent::AgentId;
use pincer_sessions::key::route::DirectPeer;
use pincer_sessions::key::{DmScope, KeyRules, RoomKind, SessionKey};

fuzz_target!(|input: &[u8]| {
    let Some((choice, text)) = input.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let main = AgentId::default();
    let other = AgentId::sanitise("Ops Team");
    let rules = KeyRules {
        default_agent: if choice & 1 == 0 { &main } else { &other },
        main_key: if choice & 2 == 0 { "main" } else { "home" },
        global_scope: choice & 4 != 0,
        wire: if choice & 8 == 0 { Wire::V3 } else { Wire::V4 },
        strict: choice & 16 != 0,
    };
    if let Ok(key) = SessionKey::parse(text, &rules) {
        whole(&key);
        assert_eq!(SessionKey::parse(key.as_str(), &rules).as_ref(), Ok(&key), "parsed again it is another");
    }
    let mut lines = text.lines();
    let mut line = || lines.next().unwrap_or_default();
    if let Ok(key) = SessionKey::parse_of_agent(line(), Some(line()), &rules) {
        whole(&key);
    }
    let agent = AgentId::sanitise(line());
    assert_eq!(AgentId::sanitise(agent.as_str()), agent, "sanitised twice it is another");
    let from = DirectPeer { channel: line(), account: line(), peer: line() };
    for scope in [DmScope::Main, DmScope::PerPeer, DmScope::PerChannelPeer, DmScope::PerAccountChannelPeer] {
        whole(&SessionKey::direct(&rules, &agent, scope, from));
    }
    let room = SessionKey::for_room(&agent, line(), RoomKind::Group, line());
    for key in [room.thread(line()), room.topic(line())] {
        whole(&key);
        assert!(key.as_str().starts_with(room.as_str()));
    }
    for key in [SessionKey::cron(&agent, line()), SessionKey::hook(&agent, line()), room] {
        whole(&key);
    }
});

/// What holds of every key.
fn whole(key: &SessionKey) {
    assert_eq!(key.as_str(), key.as_str().to_lowercase());
    assert_eq!(SessionKey::from_stored(key.as_str()).as_str().trim(), key.as_str().trim());
    for shards in 0..=8 {
        assert!(key.shard(shards) < shards.max(1));
    }
    if let Some(parent) = key.thread_parent() {
        assert!(key.as_str().starts_with(parent.as_str()) && parent != *key);
        whole(&parent);
    }
    let room = key.room();
    assert!(room.is_none_or(|room| !room.channel.is_empty() && !room.id.is_empty()));
    let _ = (key.kind(), key.thread_id(), key.is_cron_run(), key.is_subagent(), key.is_acp());
    let _ = (key.is_main("main"), key.store_agent(&AgentId::default()));
}
