//! Events to many connections: encoded once per wire, finished per connection.

use pincer_protocol::event::EncodedEvent;
use pincer_protocol::{Role, Scope, Wire};
use pincer_sessions::key::SessionKey;

use crate::caller::Principal;
use crate::connection::Subscriptions;

/// Who receives an event on one wire.
#[derive(Debug, Clone)]
pub(crate) enum Audience {
    /// Every connection, nodes and scope-less operators too.
    Everyone,
    /// Operators that hold one of these scopes.
    Operators(&'static [Scope]),
    /// v4's `agent` and `chat`: operators that may read, unless they asked for the sessions they subscribed to only.
    Run(SessionKey),
    /// v4's `sessions.changed`: readers that subscribed to the session index.
    SessionIndex,
    /// v4's `session.message`: readers that subscribed to the index or to this session.
    SessionMessages(SessionKey),
}

impl Audience {
    /// Whether a connection is part of it.
    pub(crate) fn includes(&self, who: &Principal, subscriptions: Option<&Subscriptions>) -> bool {
        let reads = || who.allows(Scope::Read);
        match self {
            Audience::Everyone => true,
            Audience::Operators(scopes) => who.role == Role::Operator && who.scopes.allows_any(scopes),
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
