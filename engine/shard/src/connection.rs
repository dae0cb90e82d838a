//! Connections of one shard.

use std::sync::Arc;

use pincer_protocol::Wire;
use pincer_sessions::key::SessionKey;
use pincer_ws::Decoder;

use crate::caller::Principal;
use crate::driver::{ConnId, Peer};
use crate::handshake::Handshake;
use crate::outbox::Outbox;

/// One socket, from accept to close.
pub(crate) struct Connection {
    pub(crate) stage: Stage,
    pub(crate) decoder: Decoder,
    pub(crate) outbox: Outbox,
    /// Whether a flush is already queued in this turn.
    pub(crate) flush_queued: bool,
    /// When the socket was accepted, `mono_ms`.
    pub(crate) accepted_ms: u64,
    /// When bytes last arrived, `mono_ms`.
    pub(crate) heard_ms: u64,
    /// Whether a ping waits for its pong.
    pub(crate) pinged: bool,
    /// Requests that wait for an answer.
    pub(crate) calls: u16,
    /// Number of the last event that was appended or was not for it.
    pub(crate) caught_up: u64,
}

/// How far a connection has come.
pub(crate) enum Stage {
    /// Reading an HTTP head.
    Http(Box<Arrival>),
    /// Upgraded; waiting for `connect`.
    Greeting(Box<Handshake>),
    /// `connect` was lawful; home is judging. Holds what arrived meanwhile, bounded by the handshake's message size.
    Judging(Vec<u8>),
    /// Authenticated.
    Open(Box<Open>),
    /// A close frame is on its way; input is ignored.
    Closing,
}

/// A connection of which nothing is known but where it comes from.
pub(crate) struct Arrival {
    pub(crate) peer: Peer,
    /// What has arrived of the HTTP head, bounded by its parser.
    pub(crate) head: Vec<u8>,
}

/// State of an authenticated connection.
pub(crate) struct Open {
    pub(crate) who: Arc<Principal>,
    pub(crate) wire: Wire,
    /// Last `seq` sent (v4; v3's counter is the shard's).
    pub(crate) seq: u64,
    pub(crate) subscriptions: Option<Box<Subscriptions>>,
}

/// What a v4 client subscribed to.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    /// `sessions.subscribe`
    pub(crate) index: bool,
    sessions: Vec<SessionKey>,
}

impl Subscriptions {
    pub(crate) fn has_session(&self, key: &SessionKey) -> bool {
        self.sessions.contains(key)
    }

    /// Adds a session; `false` when `max` is reached.
    pub(crate) fn add(&mut self, key: SessionKey, max: u16) -> bool {
        if !self.has_session(&key) {
            if self.sessions.len() >= usize::from(max) {
                return false;
            }
            self.sessions.push(key);
        }
        true
    }

    pub(crate) fn remove(&mut self, key: &SessionKey) {
        self.sessions.retain(|held| held != key);
    }
}

impl Connection {
    pub(crate) fn new(peer: Peer, now_ms: u64, message_bytes_max: usize) -> Connection {
        Connection {
            stage: Stage::Http(Box::new(Arrival { peer, head: Vec::new() })),
            decoder: Decoder::new(message_bytes_max),
            outbox: Outbox::default(),
            flush_queued: false,
            accepted_ms: now_ms,
            heard_ms: now_ms,
            pinged: false,
            calls: 0,
            caught_up: 0,
        }
    }

    /// Where it comes from, as long as it is HTTP.
    pub(crate) fn peer(&self) -> Option<Peer> {
        match &self.stage {
            Stage::Http(arrival) => Some(arrival.peer),
            _ => None,
        }
    }

    pub(crate) fn open(&self) -> Option<&Open> {
        match &self.stage {
            Stage::Open(open) => Some(open),
            _ => None,
        }
    }

    pub(crate) fn open_mut(&mut self) -> Option<&mut Open> {
        match &mut self.stage {
            Stage::Open(open) => Some(open),
            _ => None,
        }
    }
}

/// The table of connections. Slots are reused, ids are not: the generation differs. Connections are boxed, so that the
/// table itself stays small and memory goes back when they leave.
#[derive(Default)]
pub(crate) struct Connections {
    slots: Vec<Slot>,
    free: Vec<u32>,
    len: usize,
}

#[derive(Default)]
struct Slot {
    generation: u32,
    connection: Option<Box<Connection>>,
}

impl Connections {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn insert(&mut self, connection: Connection) -> ConnId {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            // The caller bounds the table far below u32::MAX.
            (self.slots.len() - 1) as u32
        });
        self.len += 1;
        let mut generation = 0;
        if let Some(place) = self.slots.get_mut(slot as usize) {
            place.connection = Some(Box::new(connection));
            generation = place.generation;
        }
        ConnId { slot, generation }
    }

    pub(crate) fn get(&self, id: ConnId) -> Option<&Connection> {
        let slot = self.slots.get(id.slot as usize).filter(|slot| slot.generation == id.generation)?;
        slot.connection.as_deref()
    }

    pub(crate) fn get_mut(&mut self, id: ConnId) -> Option<&mut Connection> {
        let slot = self.slots.get_mut(id.slot as usize).filter(|slot| slot.generation == id.generation)?;
        slot.connection.as_deref_mut()
    }

    pub(crate) fn remove(&mut self, id: ConnId) -> Option<Box<Connection>> {
        let slot = self.slots.get_mut(id.slot as usize).filter(|slot| slot.generation == id.generation)?;
        let connection = slot.connection.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        self.free.push(id.slot);
        self.len -= 1;
        Some(connection)
    }

    /// The connections in some slots, and whether there are slots behind them.
    pub(crate) fn in_slots(&self, slots: std::ops::Range<usize>) -> (Vec<ConnId>, bool) {
        let some = self.slots.get(slots.start..slots.end.min(self.slots.len())).unwrap_or_default();
        let ids = some
            .iter()
            .zip(slots.start..)
            .filter(|(slot, _)| slot.connection.is_some())
            .map(|(slot, index)| ConnId { slot: index as u32, generation: slot.generation })
            .collect();
        (ids, slots.end < self.slots.len())
    }

    /// Every connection, oldest slot first.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (ConnId, &mut Connection)> {
        self.slots.iter_mut().enumerate().filter_map(|(index, slot)| {
            let id = ConnId { slot: index as u32, generation: slot.generation };
            Some((id, slot.connection.as_deref_mut()?))
        })
    }

    /// Ids of every connection.
    pub(crate) fn ids(&self) -> Vec<ConnId> {
        self.slots
            .iter()
            .enumerate()
            .filter(|(_, slot)| slot.connection.is_some())
            .map(|(index, slot)| ConnId { slot: index as u32, generation: slot.generation })
            .collect()
    }
}
