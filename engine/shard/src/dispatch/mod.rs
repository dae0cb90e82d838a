//! From a request frame to a handler: existence, rights, params, place.

mod absent;
pub(crate) mod table;

use pincer_protocol::access::{Access, Need};
use pincer_protocol::frame::{self, RequestFrame, RequestId};
use pincer_protocol::json::{DecodeError, Node};
use pincer_protocol::method::Rpc;
use pincer_protocol::schema::{self, Object};
use pincer_protocol::{ErrorShape, Role, Scope, Wire};
use serde::Serialize;
use serde_json::value::RawValue;
use std::sync::Arc;

use crate::Shard;
use crate::caller::{Caller, Held, Principal};
use crate::driver::{ConnId, ShardId};
use crate::message::{ForwardedCall, ShardMsg};

pub(crate) use table::MethodCall;

/// What a handler answers.
pub(crate) type Outcome<P> = Result<Answer<P>, ErrorShape>;

/// A handler's success.
pub(crate) enum Answer<P> {
    /// Here it is.
    Now(P),
    /// Here it is, encoded before.
    Encoded(Arc<RawValue>),
    /// The handler holds the request ([`Cx::hold`]) and answers it later.
    Later,
}

/// The thinking half of a method.
pub(crate) trait Handle: Rpc {
    /// Decides, on the shard that owns what the method is about.
    fn handle(cx: &mut Cx<'_>, params: Self::Params) -> Outcome<Self::Payload>;
}

/// What a handler works with.
pub(crate) struct Cx<'a> {
    /// The shard it runs on.
    pub(crate) shard: &'a mut Shard,
    /// Who asks.
    pub(crate) caller: Caller,
    id: Asker<'a>,
}

/// The request's id: still in the frame, or owned.
enum Asker<'a> {
    Frame(&'a str),
    Owned(RequestId),
    Held,
}

impl Cx<'_> {
    /// Takes over the duty to answer. Return [`Answer::Later`] afterwards.
    pub(crate) fn hold(&mut self) -> Held {
        let id = match std::mem::replace(&mut self.id, Asker::Held) {
            Asker::Frame(text) => RequestId::Text(text.into()),
            Asker::Owned(id) => id,
            // A handler that holds twice is our mistake; the second answer will look odd to the client, no more.
            Asker::Held => RequestId::invalid(),
        };
        let Caller { origin, conn, wire, who } = self.caller.clone();
        // Calls of our own connections that outlive the turn count against the connection's bound.
        if origin == self.shard.id
            && let Some(connection) = self.shard.connections.get_mut(conn)
        {
            connection.calls = connection.calls.saturating_add(1);
        }
        Held { origin, conn, wire, who, id }
    }
}

/// Who answers a method.
pub(crate) enum Place<P> {
    /// The connection's own shard, from its view or by asking the others.
    Local,
    /// Shard 0.
    Home,
    /// The owner of the session that this finds in the params; no key: the connection's shard.
    Session(fn(&P) -> Option<&str>),
    /// The same where the params may name the agent too (v4's `agentId`): key, then agent.
    SessionOf(fn(&P) -> (Option<&str>, Option<&str>)),
}

/// Where one call goes.
pub(crate) enum Target<'a> {
    Local,
    Home,
    Session(&'a str),
    /// Key, agent.
    SessionOf(&'a str, Option<&'a str>),
}

impl<P> Place<P> {
    pub(crate) fn of<'p>(&self, params: &'p P) -> Target<'p> {
        match self {
            Place::Local => Target::Local,
            Place::Home => Target::Home,
            Place::Session(key) => key(params).map_or(Target::Local, Target::Session),
            Place::SessionOf(names) => {
                let (key, agent) = names(params);
                key.map_or(Target::Local, |key| Target::SessionOf(key, agent))
            }
        }
    }
}

/// What dispatch needs to know of a method before its handler runs.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) access: Access,
    pub(crate) precheck: fn(Wire, Option<Node<'_, '_>>) -> Result<(), ErrorShape>,
    pub(crate) schema: fn(Wire) -> Option<&'static Object>,
    /// Decodes the params, and runs the handler or sends the call to the shard that does.
    pub(crate) call: fn(&mut Shard, Caller, RequestFrame<'_, '_>) -> Result<(), ErrorShape>,
}

/// Names of the methods built for `wire`, as `hello-ok` lists them.
pub(crate) fn listed(wire: Wire) -> impl Iterator<Item = &'static str> {
    table::ROWS.iter().filter(move |row| row.access.listed(wire)).map(|row| row.name)
}

/// What a client is told whose params do not fit the method.
fn misfit(method: &str, error: &DecodeError) -> ErrorShape {
    ErrorShape::invalid_params(method, &error.to_string())
}

/// Whether `who` may call something with this need, and what upstream says when not.
fn permit(wire: Wire, who: &Principal, need: Need) -> Result<(), ErrorShape> {
    match (need, who.role) {
        (Need::Nothing, _) | (Need::Node, Role::Node) => Ok(()),
        (Need::Node, Role::Operator) | (Need::Scope(_), Role::Node) => {
            Err(ErrorShape::invalid(format!("unauthorized role: {}", who.role.as_str())))
        }
        (Need::Scope(scope), Role::Operator) if who.scopes.allows(scope) => Ok(()),
        (Need::Scope(scope), Role::Operator) => Err(ErrorShape::missing_scope(wire, scope)),
    }
}

impl Shard {
    /// Handles one request of an authenticated connection.
    pub(crate) fn dispatch(&mut self, conn: ConnId, request: RequestFrame<'_, '_>) {
        let Some(open) = self.connections.get(conn).and_then(|connection| connection.open()) else { return };
        let caller = Caller { origin: self.id, conn, wire: open.wire, who: Arc::clone(&open.who) };
        self.counters.requests += 1;
        if let Err(error) = self.try_dispatch(caller, request) {
            self.counters.refused += 1;
            let id = RequestId::Text(request.id.into());
            self.write_frame(conn, |out| frame::write_error(out, &id, None, &error));
        }
    }

    fn try_dispatch(&mut self, caller: Caller, request: RequestFrame<'_, '_>) -> Result<(), ErrorShape> {
        let (wire, method) = (caller.wire, request.method);
        let found = table::find(method).and_then(|row| Some((row, row.access.on(wire)?)));
        let Some((row, need)) = found else {
            // Upstream checks rights first: without admin, a method that does not exist looks like one you may not call.
            if !absent::is_upstream(method) || caller.who.role == Role::Node {
                permit(wire, &caller.who, Need::Scope(Scope::Admin))?;
            }
            return Err(match method {
                "connect" => ErrorShape::invalid("connect is only valid as the first request"),
                _ => ErrorShape::unknown_method(method),
            });
        };
        permit(wire, &caller.who, need)?;
        (row.precheck)(wire, request.params)?;
        if let Some(object) = (row.schema)(wire) {
            schema::check(wire, object, request.params)
                .map_err(|problems| ErrorShape::invalid_params(method, &problems))?;
        }
        (row.call)(self, caller, request)
    }

    /// Sends a call to the shard that answers it.
    fn forward(
        &mut self,
        caller: Caller,
        id: &str,
        target: ShardId,
        call: MethodCall,
    ) -> Result<(), ErrorShape> {
        let limit = self.limits.calls_per_connection_max;
        let Some(connection) = self.connections.get_mut(caller.conn) else { return Ok(()) };
        if connection.calls >= limit {
            return Err(ErrorShape::busy(format!("{limit} requests of this connection wait already"), 100));
        }
        let Caller { origin, conn, wire, who } = caller;
        connection.calls += 1;
        let held = Held { origin, conn, wire, who, id: RequestId::Text(id.into()) };
        self.counters.forwarded += 1;
        self.send(target, ShardMsg::Call(Box::new(ForwardedCall { call, held })));
        Ok(())
    }

    /// Runs a call that another shard forwarded to us, or that was held and starts over.
    pub(crate) fn run_forwarded(&mut self, forwarded: ForwardedCall) {
        let ForwardedCall { call, held } = forwarded;
        let Held { origin, conn, wire, who, id } = held;
        let caller = Caller { origin, conn, wire, who };
        call.run(Cx { shard: self, caller, id: Asker::Owned(id) });
    }

    /// Runs the handler of `M` and answers.
    fn run<M: Handle>(mut cx: Cx<'_>, params: M::Params) {
        let outcome = M::handle(&mut cx, params);
        Shard::conclude(cx, outcome);
    }

    fn succeed<P: Serialize + ?Sized>(shard: &mut Shard, caller: Caller, id: Asker<'_>, payload: &P) {
        let Caller { origin, conn, wire, who } = caller;
        match id {
            Asker::Frame(text) => {
                shard.write_frame(conn, |out| frame::write_ok_for(out, text, payload));
            }
            Asker::Owned(id) => shard.answer(Held { origin, conn, wire, who, id }, Ok(payload)),
            Asker::Held => {}
        }
    }

    /// Finishes a handler's call.
    pub(crate) fn conclude<P: Serialize>(cx: Cx<'_>, outcome: Outcome<P>) {
        let Cx { shard, caller, id } = cx;
        let error = match outcome {
            Ok(Answer::Later) => return,
            Ok(Answer::Now(payload)) => return Self::succeed(shard, caller, id, &payload),
            Ok(Answer::Encoded(payload)) => {
                if let Asker::Frame(id) = id {
                    return shard.write_frame(caller.conn, |out| frame::write_ok_encoded(out, id, &payload));
                }
                return Self::succeed(shard, caller, id, &*payload);
            }
            Err(error) => error,
        };
        shard.counters.refused += 1;
        let Caller { origin, conn, wire, who } = caller;
        match id {
            Asker::Frame(text) => {
                let id = RequestId::Text(text.into());
                shard.write_frame(conn, |out| frame::write_error(out, &id, None, &error));
            }
            Asker::Owned(id) => shard.answer::<()>(Held { origin, conn, wire, who, id }, Err(error)),
            Asker::Held => {}
        }
    }
}
