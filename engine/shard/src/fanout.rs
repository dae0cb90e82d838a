//! Events to many connections: encoded once per wire, finished per connection.
//!
//! An event is appended to a bounded number of outboxes, those are flushed, then the next: what a fan-out holds at one
//! time does not grow with the number of connections. Each connection still sees everything in order, since whatever is
//! written to it for another reason goes behind the events that it has not got yet ([`Shard::catch_up`]).

use std::collections::VecDeque;
use std::sync::Arc;

use pincer_protocol::event::EncodedEvent;
use pincer_protocol::{Role, Scope, Wire};
use pincer_sessions::key::SessionKey;

use crate::Shard;
use crate::approval::Reviewers;
use crate::caller::Principal;
use crate::connection::{Stage, Subscriptions};
use crate::driver::{ConnId, ShardId};

/// Connections that get an event before they are flushed.
const CHUNK: usize = 128;

/// Who receives an event on one wire.
#[derive(Debug, Clone)]
pub(crate) enum Audience {
    /// Every connection, nodes and scope-less operators too.
    Everyone,
    /// Operators that hold one of these scopes.
    Operators(&'static [Scope]),
    /// v4's `exec.approval.*`: clients that show approvals to people, and may see this one.
    Reviewers(Arc<Reviewers>),
    /// v4's `agent` and `chat`: operators that may read, unless they asked for the sessions they subscribed to only.
    Run(SessionKey),
    /// v4's `sessions.changed`: readers that subscribed to the session index.
    SessionIndex,
    /// v4's `session.message`: readers that subscribed to the index or to this session.
    SessionMessages(SessionKey),
}

impl Audience {
    /// Whether the connection `at` is part of it.
    pub(crate) fn includes(
        &self,
        who: &Principal,
        subscriptions: Option<&Subscriptions>,
        at: (ShardId, ConnId),
    ) -> bool {
        let reads = || who.allows(Scope::Read);
        match self {
            Audience::Everyone => true,
            Audience::Operators(scopes) => who.role == Role::Operator && who.scopes.allows_any(scopes),
            Audience::Reviewers(reviewers) => reviewers.includes(who, at),
            Audience::Run(key) => {
                reads()
                    && (!who.session_scoped_events || subscriptions.is_some_and(|held| held.has_session(key)))
            }
            Audience::SessionIndex => reads() && subscriptions.is_some_and(|held| held.index),
            Audience::SessionMessages(key) => {
                reads() && subscriptions.is_some_and(|held| held.index || held.has_session(key))
            }
        }
    }
}

/// An event on its way to every shard.
#[derive(Debug, Clone)]
pub(crate) struct Broadcast {
    /// For protocol 3 connections.
    pub(crate) v3: Option<(EncodedEvent, Audience)>,
    /// For protocol 4 connections.
    pub(crate) v4: Option<(EncodedEvent, Audience)>,
    /// Whether a slow connection may miss it.
    pub(crate) droppable: bool,
}

impl Broadcast {
    /// The same frame and audience on both wires.
    pub(crate) fn both(event: EncodedEvent, audience: Audience) -> Broadcast {
        Broadcast {
            v3: Some((event.clone(), audience.clone())),
            v4: Some((event, audience)),
            droppable: false,
        }
    }

    /// The same, for an event that a slow connection may miss.
    pub(crate) fn droppable(self) -> Broadcast {
        Broadcast { droppable: true, ..self }
    }

    /// What a connection on `wire` gets.
    pub(crate) fn on(&self, wire: Wire) -> Option<&(EncodedEvent, Audience)> {
        match wire {
            Wire::V3 => self.v3.as_ref(),
            Wire::V4 => self.v4.as_ref(),
        }
    }
}

/// An event that some connections of this shard have not got yet.
struct Fanout {
    number: u64,
    broadcast: Arc<Broadcast>,
    /// Its `seq` on v3.
    seq_v3: u64,
}

/// Events on their way to this shard's connections, oldest first.
///
/// They last no longer than a turn of the driver, which takes every effect before it waits; so there are never more than
/// one turn makes.
#[derive(Default)]
pub(crate) struct Fanouts {
    under_way: VecDeque<Fanout>,
    /// Number of the newest.
    latest: u64,
    /// Connections in the slots before this have got all up to `sweeping`.
    next_slot: usize,
    /// What was the newest when the connections began to be gone through.
    sweeping: u64,
}

impl Fanouts {
    /// Number of the newest event.
    pub(crate) fn latest(&self) -> u64 {
        self.latest
    }
}

impl Shard {
    /// Delivers an event to this shard's part of the audience: from now on, for who was there when it happened.
    pub(crate) fn deliver(&mut self, broadcast: Arc<Broadcast>) {
        if broadcast.v3.is_some() {
            self.seq_v3 += 1;
        }
        self.fanouts.latest += 1;
        let (number, seq_v3) = (self.fanouts.latest, self.seq_v3);
        self.fanouts.under_way.push_back(Fanout { number, broadcast, seq_v3 });
    }

    /// Appends the events under way to the next connections. `false`: there are none.
    pub(crate) fn fan_out(&mut self) -> bool {
        let Fanouts { under_way, latest, next_slot, sweeping } = &mut self.fanouts;
        if under_way.is_empty() {
            return false;
        }
        if *next_slot == 0 {
            *sweeping = *latest;
        }
        let from = *next_slot;
        *next_slot += CHUNK;
        let (conns, more) = self.connections.in_slots(from..from + CHUNK);
        if !more {
            self.fanouts.next_slot = 0;
        }
        for conn in conns {
            self.catch_up(conn);
        }
        if !more {
            let done = self.fanouts.sweeping;
            while self.fanouts.under_way.front().is_some_and(|fanout| fanout.number <= done) {
                self.fanouts.under_way.pop_front();
            }
        }
        true
    }

    /// Appends every event under way that `conn` has not got.
    pub(crate) fn catch_up(&mut self, conn: ConnId) {
        let latest = self.fanouts.latest;
        let Some(connection) = self.connections.get_mut(conn) else { return };
        let seen = std::mem::replace(&mut connection.caught_up, latest);
        if seen == latest {
            return;
        }
        let Stage::Open(open) = &mut connection.stage else { return };
        let (before, mut slow) = (connection.outbox.len(), false);
        for Fanout { number, broadcast, seq_v3, .. } in &self.fanouts.under_way {
            let Some((event, audience)) = broadcast.on(open.wire).filter(|_| *number > seen) else {
                continue;
            };
            if !audience.includes(&open.who, open.subscriptions.as_deref(), (self.id, conn)) {
                continue;
            }
            if connection.outbox.len() + event.len_max() > self.limits.outbox_bytes_max as usize {
                if broadcast.droppable {
                    self.counters.events_dropped += 1;
                    continue;
                }
                slow = true;
                break;
            }
            let seq = match open.wire {
                Wire::V3 => *seq_v3,
                Wire::V4 => {
                    open.seq += 1;
                    open.seq
                }
            };
            connection.outbox.append(&mut self.pool, |out| {
                pincer_ws::encode::append_text_with(out, |out| event.write(out, Some(seq)))
            });
            self.counters.events += 1;
        }
        let added = connection.outbox.len() - before;
        if added > 0 {
            self.outbox_bytes += added as u64;
            Shard::flush(&mut self.effects, conn, connection);
        }
        if slow {
            let before = connection.outbox.len();
            connection.outbox.drop_unbegun();
            self.outbox_bytes -= (before - connection.outbox.len()) as u64;
            self.counters.slow_consumers += 1;
            self.warn("gateway/ws", "a connection did not read and was closed: slow consumer".to_owned());
            self.close(conn, 1008, "slow consumer");
        }
    }
}
