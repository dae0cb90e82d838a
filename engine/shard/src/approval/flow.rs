//! How approvals go at home: asked for, announced, decided, timed out, told.

use std::sync::Arc;

use pincer_protocol::event::EncodedEvent;
use pincer_protocol::method::approval::{
    Decision, DeliveryRoute, RequestPayload, Requested, RequestedV3, ResolvePayload, Resolved, WaitPayload,
    already_resolved,
};
use pincer_protocol::{ErrorShape, Scope, Wire};
use pincer_sessions::persist::StoreOp;

use super::record::{Record, Ruling, Why};
use super::reviewers::Reviewers;
use super::table::{Settled, Wait};
use crate::Shard;
use crate::caller::Held;
use crate::driver::{ConnId, ShardId};
use crate::fanout::{Audience, Broadcast};
use crate::gather::{Part, Query};
use crate::message::ShardMsg;
use crate::shard::Timer;

/// A request that is answered when an approval is over.
#[derive(Debug)]
pub(crate) struct Waiter {
    pub(crate) held: Held,
    pub(crate) wanted: Wanted,
}

/// What it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The last answer to `exec.approval.request`.
    Request,
    /// The answer to `exec.approval.waitDecision`.
    Wait,
    /// The answer to an `exec.approval.resolve` that said the same as one before it.
    Resolve(Decision),
}

/// What people may decide. v4: who is asked always cannot allow for always.
pub(crate) fn allowed(ask: Option<&str>, no_always: bool) -> Vec<Decision> {
    let no_always = no_always || ask == Some("always");
    Decision::ALL.into_iter().filter(|decision| !no_always || *decision != Decision::AllowAlways).collect()
}

/// The store did not take it.
pub(crate) fn not_written(why: &str) -> ErrorShape {
    ErrorShape::unavailable(format!("not written down: {why}"))
}

/// How a client wants its request treated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    /// It wants to hear that people are asked.
    pub(crate) two_phase: bool,
    /// It ends at once when there is nobody to ask.
    pub(crate) needs_route: bool,
    /// Nobody is told.
    pub(crate) silent: bool,
}

impl Shard {
    /// A client's approval was taken into the table: makes it durable, then asks people.
    pub(crate) fn begin_approval(&mut self, id: Box<str>, ops: Vec<StoreOp>, held: Held, manner: Manner) {
        self.persist(ops, move |shard, result| {
            if let Err(why) = result {
                let waiting = shard.home.as_mut().map(|home| home.approvals.unopened(&id));
                let error = not_written(&why.message);
                for Waiter { held, .. } in waiting.unwrap_or_default() {
                    shard.answer::<()>(held, Err(error.clone()));
                }
                shard.answer::<()>(held, Err(error));
                return shard.arm_approvals();
            }
            let opened = shard.home.as_mut().and_then(|home| home.approvals.opened(&id));
            let Some(record) = opened else { return };
            shard.arm_approvals();
            if manner.silent {
                shard.route_found(record, held, manner, 0);
            } else if held.wire == Wire::V3 {
                shard.announce_approval(&record);
                shard.route_found(record, held, manner, 1);
            } else {
                shard.seek_route(record, held, manner);
            }
        });
    }

    /// v4: counts who would be asked, on every shard.
    fn seek_route(&mut self, record: Record, held: Held, manner: Manner) {
        let asked = Arc::new(requested(&record));
        self.ask_all(Query::Reviewers(Arc::clone(&asked)), move |shard, parts| {
            let count = parts.iter().map(|part| if let Part::Reviewers(n) = part { *n } else { 0 }).sum();
            if count > 0 || !manner.needs_route {
                // v3 clients without a window hear of it, too.
                shard.broadcast(Broadcast::clone(&asked));
            }
            shard.route_found(record, held, manner, count);
        });
    }

    /// It is known how many people are asked: the asker hears so, or that it is over.
    fn route_found(&mut self, record: Record, held: Held, manner: Manner, reviewers: usize) {
        let Record { id, created_at_ms, expires_at_ms, .. } = record;
        if held.wire == Wire::V4 && reviewers == 0 && manner.needs_route {
            self.wait_for_approval(&id, Waiter { held, wanted: Wanted::Request });
            return self.settle_approval(&id, Why::NoRoute);
        }
        if manner.two_phase {
            let route = if reviewers > 0 { DeliveryRoute::ApprovalClient } else { DeliveryRoute::None };
            let accepted = RequestPayload::Accepted {
                status: "accepted",
                id: id.clone(),
                delivery_route: (held.wire == Wire::V4).then_some(route),
                created_at_ms,
                expires_at_ms,
            };
            self.answer_first(&held, &accepted);
        }
        self.wait_for_approval(&id, Waiter { held, wanted: Wanted::Request });
    }

    /// Answers when the approval is over, now or later.
    pub(crate) fn wait_for_approval(&mut self, id: &str, waiter: Waiter) {
        let Some(home) = &mut self.home else { return };
        match home.approvals.wait(id, waiter) {
            Wait::Held => {}
            Wait::Over(waiter, record) => self.answer_waiter(waiter, &record),
            Wait::Unknown(Waiter { held, .. }) => {
                self.answer::<()>(held, Err(ErrorShape::invalid("approval expired or not found")));
            }
            Wait::Full(Waiter { held, .. }) => {
                self.counters.overflows += 1;
                self.answer::<()>(held, Err(ErrorShape::busy("too many requests wait for approvals", 1_000)));
            }
        }
    }

    fn answer_waiter(&mut self, waiter: Waiter, record: &Record) {
        let Waiter { held, wanted } = waiter;
        let Record { id, created_at_ms, expires_at_ms, ruling, .. } = record;
        let (id, created_at_ms, expires_at_ms) = (id.clone(), *created_at_ms, *expires_at_ms);
        let decision = ruling.as_ref().and_then(|ruling| ruling.decision);
        match wanted {
            Wanted::Request => {
                let decided = RequestPayload::Decided { id, decision, created_at_ms, expires_at_ms };
                self.answer(held, Ok(&decided));
            }
            Wanted::Wait => {
                let reason = ruling.as_ref().map(|ruling| ruling.why.terminal_reason());
                let terminal_reason = reason.filter(|_| held.wire == Wire::V4);
                let over = WaitPayload { id, decision, created_at_ms, expires_at_ms, terminal_reason };
                self.answer(held, Ok(&over));
            }
            Wanted::Resolve(said) if decision == Some(said) => {
                self.answer(held, Ok(&ResolvePayload { ok: true }));
            }
            Wanted::Resolve(_) => {
                let error = already_resolved(held.wire);
                self.answer::<()>(held, Err(error));
            }
        }
    }

    /// A person's decision counts once `op` is on disk.
    pub(crate) fn write_decision(&mut self, id: Box<str>, op: StoreOp, held: Held) {
        self.persist(vec![op], move |shard, result| match result {
            Ok(_) => {
                shard.approval_settled(&id);
                shard.answer(held, Ok(&ResolvePayload { ok: true }));
            }
            Err(why) => {
                let is_repeat = |waiter: &Waiter| matches!(waiter.wanted, Wanted::Resolve(_));
                let home = shard.home.as_mut();
                let repeats = home.map(|home| home.approvals.unsettled(&id, is_repeat)).unwrap_or_default();
                shard.arm_approvals();
                let all = repeats.into_iter().map(|waiter| waiter.held).chain([held]);
                for held in all {
                    shard.answer::<()>(held, Err(not_written(&why.message)));
                }
            }
        });
    }

    /// Nobody decided: it is over, whatever the store says.
    pub(crate) fn settle_approval(&mut self, id: &str, why: Why) {
        let ruling = Ruling::nobody(why, self.now.wall_ms);
        let op = self.home.as_mut().and_then(|home| home.approvals.settle(id, ruling));
        if let Some(op) = op {
            let id: Box<str> = id.into();
            self.persist_surely(vec![op], move |shard, _| shard.approval_settled(&id));
        }
    }

    /// The end of an approval is on disk: everybody who is concerned is told.
    fn approval_settled(&mut self, id: &str) {
        let now = self.now;
        let settled = self.home.as_mut().and_then(|home| home.approvals.settled(id, now));
        let Some(Settled { record, waiters }) = settled else { return };
        self.arm_approvals();
        if let Some(event) = record.ruling.as_ref().and_then(|ruling| resolved(&record, ruling)) {
            self.broadcast(event);
        }
        for waiter in waiters {
            self.answer_waiter(waiter, &record);
        }
        self.tell_holder(id);
    }

    /// Asks people.
    pub(crate) fn announce_approval(&mut self, record: &Record) {
        self.broadcast(requested(record));
    }

    /// Sets the timer for what is due next.
    pub(crate) fn arm_approvals(&mut self) {
        let Some(home) = &mut self.home else { return };
        let due = home.approvals.next_due();
        if home.approvals_alarm.map(|(at, _)| at) == due {
            return;
        }
        if let Some((_, timer)) = home.approvals_alarm.take() {
            self.timers.cancel(timer);
        }
        home.approvals_alarm = due.map(|at| (at, self.timers.set(at, Timer::Approvals)));
    }

    /// Time is up for some approvals.
    pub(crate) fn approvals_due(&mut self) {
        let now = self.now;
        let Some(home) = &mut self.home else { return };
        home.approvals_alarm = None;
        let due = home.approvals.due(now);
        if !due.ops.is_empty() {
            // What cannot be removed now is removed after a restart.
            self.persist(due.ops, |_, _| ());
        }
        for id in due.expired {
            self.settle_approval(&id, Why::Timeout);
        }
        self.arm_approvals();
    }

    /// How many of our connections a person would see this event on.
    pub(crate) fn count_reviewers(&self, asked: &Broadcast) -> usize {
        let reviews = |conn: ConnId| {
            let open = self.connections.get(conn).and_then(|connection| connection.open());
            open.is_some_and(|open| {
                open.who.reviews
                    && asked.on(open.wire).is_some_and(|(_, audience)| {
                        audience.includes(&open.who, open.subscriptions.as_deref(), (self.id, conn))
                    })
            })
        };
        self.connections.ids().into_iter().filter(|conn| reviews(*conn)).count()
    }

    /// A v3 client that shows approvals has come: v3 has no list of them, so it is told of those that wait.
    pub(crate) fn show_approvals(&mut self, conn: ConnId) {
        if self.is_home() {
            self.show_approvals_to(self.id, conn);
        } else {
            self.send(ShardId::HOME, ShardMsg::ShowApprovals { conn });
        }
    }

    /// Home: tells one connection of the approvals that wait.
    pub(crate) fn show_approvals_to(&mut self, shard: ShardId, conn: ConnId) {
        let Some(home) = &self.home else { return };
        let pending = home.approvals.pending();
        let events: Vec<EncodedEvent> = pending.into_iter().map(requested_v3).collect();
        for event in events {
            if shard == self.id {
                self.write_frame(conn, |out| event.write(out, None));
            } else {
                let mut text = Vec::new();
                event.write(&mut text, None);
                self.send(shard, ShardMsg::Response { conn, frame: text.into(), last: false });
            }
        }
    }
}

/// `exec.approval.requested`, for everybody who is to see it.
fn requested(record: &Record) -> Broadcast {
    let Record { id, request, created_at_ms, expires_at_ms, requester, .. } = record;
    let v4 = Requested {
        approval_kind: "exec",
        id,
        request,
        created_at_ms: *created_at_ms,
        expires_at_ms: *expires_at_ms,
    };
    let except = requester.as_ref().and_then(|requester| requester.at);
    let reviewers = Reviewers { except, requester: requester.clone() };
    Broadcast {
        v3: Some((requested_v3(record), Audience::Operators(&[Scope::Approvals]))),
        v4: Some((EncodedEvent::new(Requested::EVENT, &v4, None), Audience::Reviewers(Arc::new(reviewers)))),
        // Upstream lets slow clients miss it; whoever must decide should not.
        droppable: false,
    }
}

fn requested_v3(record: &Record) -> EncodedEvent {
    let Record { id, request, created_at_ms, expires_at_ms, .. } = record;
    let payload = RequestedV3 {
        id,
        request: request.v3(),
        created_at_ms: *created_at_ms,
        expires_at_ms: *expires_at_ms,
    };
    EncodedEvent::new(Requested::EVENT, &payload, None)
}

/// `exec.approval.resolved`; nothing when nobody decided.
fn resolved(record: &Record, ruling: &Ruling) -> Option<Broadcast> {
    let Record { id, request, requester, .. } = record;
    let Ruling { decision, by, at_ms, .. } = ruling;
    let payload = |request| {
        decision.map(|decision| Resolved { id, decision, resolved_by: by.as_deref(), ts: *at_ms, request })
    };
    let (v3, v4) = (payload(None)?, payload(Some(request))?);
    let reviewers = Reviewers { except: None, requester: requester.clone() };
    Some(Broadcast {
        v3: Some((EncodedEvent::new(Resolved::EVENT, &v3, None), Audience::Operators(&[Scope::Approvals]))),
        v4: Some((EncodedEvent::new(Resolved::EVENT, &v4, None), Audience::Reviewers(Arc::new(reviewers)))),
        // Upstream lets slow clients miss it; whoever must decide should not.
        droppable: false,
    })
}
