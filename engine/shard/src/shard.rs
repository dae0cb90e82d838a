//! The shard itself: its state, and its side of the contract with the driver.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use pincer_buffers::Pool;
use pincer_protocol::ErrorShape;
use pincer_protocol::frame;
use pincer_protocol::json::Parser;
use pincer_sessions::key::SessionKey;
use pincer_sessions::persist::Ticket;
use pincer_sessions::time::Now;
use pincer_sessions::turn::{Turn, TurnRelease};
use rand_chacha::ChaCha20Rng;
use serde::Serialize;
use serde_json::Value;

use crate::caller::Held;
use crate::connection::{Connection, Connections, Stage};
use crate::counters::Counters;
use crate::dispatch::Target;
use crate::driver::{ConnId, Core, Effect, LogLevel, LogLine, Mail, Peer, ShardId};
use crate::fanout::{Broadcast, Fanouts};
use crate::gather::Gathering;
use crate::guard::Guard;
use crate::home::Home;
use crate::home::view::View;
use crate::limits::{Limits, time};
use crate::live::Told;
use crate::load::LoadMeter;
use crate::message::{Message, ShardMsg};
use crate::pending::{Barrier, Pending, Unstored};
use crate::run::Runs;
use crate::sessions::Sessions;
use crate::stalled::Stalled;
use crate::timers::{TimerId, Timers};

/// One core's world. Made by [`Shard::new`] from a [`crate::Boot`], then driven through [`Core`].
pub struct Shard {
    pub(crate) id: ShardId,
    pub(crate) shards: u8,
    pub(crate) limits: Limits,
    pub(crate) now: Now,
    pub(crate) rng: ChaCha20Rng,

    pub(crate) connections: Connections,
    /// Connections that have not passed `connect`.
    pub(crate) handshaking: u32,
    /// Scopes of the last connection that passed, to share with the next that asks for the same.
    pub(crate) scope_names: Arc<[Box<str>]>,
    pub(crate) auth_limiter: crate::limiter::AuthLimiter,
    pub(crate) pool: Pool,
    /// Taken while a frame is read.
    pub(crate) parser: Option<Box<Parser>>,
    /// Bytes waiting in all outboxes.
    pub(crate) outbox_bytes: u64,
    /// Bytes of unfinished incoming messages of all connections.
    pub(crate) inbound_bytes: u64,
    /// v3's event counter: every event that v3 connections may get counts, whoever receives it. Each shard counts for
    /// itself; all of them see every event once.
    pub(crate) seq_v3: u64,
    pub(crate) fanouts: Fanouts,

    /// Measures the process, when somebody asks.
    pub(crate) load: Arc<dyn LoadMeter>,
    /// Process-wide facts, as home last published them.
    pub(crate) view: Arc<View>,
    pub(crate) sessions: Sessions,
    /// Who listens to sessions, and where.
    pub(crate) audience: crate::live::Listeners,
    pub(crate) runs: Runs,
    /// Who looks at what is said.
    pub(crate) guard: Guard,
    /// What is asked about addresses and files.
    pub(crate) intel: crate::intel::Intel,
    /// Only on shard 0.
    pub(crate) home: Option<Box<Home>>,

    pub(crate) pending: HashMap<Ticket, Pending>,
    /// What the store did not take and must take.
    pub(crate) unstored: Vec<Unstored>,
    /// What waits for all that must be on disk. Counted among what is pending.
    pub(crate) barriers: Vec<Barrier>,
    /// Messages that go into the next list, for those who listen; empty between turns of the loop.
    pub(crate) untold: Vec<Told>,
    pub(crate) store_retry: Option<TimerId>,
    pub(crate) gatherings: HashMap<u64, Gathering>,
    /// What goes on when home has answered about a label.
    pub(crate) label_waits: HashMap<u64, LabelThen>,
    pub(crate) timers: Timers<Timer>,
    pub(crate) effects: VecDeque<Effect<Message>>,
    /// Messages that found a full ring, and those behind them.
    pub(crate) stalled: Stalled,
    pub(crate) retry: Option<TimerId>,
    pub(crate) numbers: u64,
    pub(crate) counters: Counters,
    pub(crate) draining: Option<Draining>,
    /// Shards that drain and have no runs left, this one among them. At most one entry a shard.
    pub(crate) runs_ended: BTreeSet<u8>,
}

/// What waits for home's answer about a label.
pub(crate) type LabelThen = Box<dyn FnOnce(&mut Shard, Result<(), ErrorShape>) + Send>;

/// A drain under way.
pub(crate) struct Draining {
    pub(crate) reason: String,
    pub(crate) restart_expected_ms: Option<u64>,
    /// Whether close frames went out.
    pub(crate) closing: bool,
    /// Whether the driver was told that this is the end.
    pub(crate) ended: bool,
    /// When the store is given up, `mono_ms`; once everybody is gone.
    pub(crate) store_by: Option<u64>,
}

/// What a shard waits for.
#[derive(Debug)]
pub(crate) enum Timer {
    /// The next `tick` event.
    Tick,
    /// Look at every connection's clock: handshake timeout, keepalive.
    Sweep,
    /// Messages that found a full ring.
    Retry,
    /// A gathered answer is late.
    Gather(u64),
    /// Some session's queue: debounce is over.
    Queue,
    /// The loopback model of this session speaks.
    Loopback(SessionKey),
    /// The loopback model goes on with this session's summary.
    Summary(SessionKey),
    /// The run of this session has used up its time.
    RunDeadline(SessionKey),
    /// Somebody waited long enough for a run to end.
    RunWait(u64),
    /// Home: refresh the health snapshot.
    Health,
    /// Home: the minute's refresh.
    HealthMinute,
    /// Home: tell everybody who is present.
    Announce,
    /// Home: publish what changed.
    Publish,
    /// Home: an approval's time is up.
    Approvals,
    /// What the store did not take.
    StoreRetry,
    /// Old receipts and pending pairings expire.
    Expire,
    /// What waits for its verdict may go on.
    Judge,
    /// A release that an earlier life of the process began, and the store did not take.
    Release(Box<(Turn, TurnRelease)>),
    /// Home: questions to a service that nobody answered.
    Inquiries,
    /// The drain's budget is used up.
    DrainBudget,
    /// The drain's close frames had their time.
    DrainEnd,
}

impl Core for Shard {
    type Message = Message;

    fn accepted(&mut self, now: Now, peer: Peer) -> Option<ConnId> {
        self.now = now;
        let full = self.connections.len() >= self.limits.connections_max as usize
            || self.handshaking >= self.limits.handshakes_max
            || self.outbox_bytes > self.limits.outbox_bytes_total_max;
        if full || self.draining.is_some() {
            self.counters.refused_connections += 1;
            return None;
        }
        self.counters.accepted += 1;
        self.handshaking += 1;
        let first = self.connections.len() == 0;
        let max = self.limits.handshake_message_bytes_max as usize;
        let conn = self.connections.insert(Connection::new(peer, now.mono_ms, max));
        if first {
            self.timers.set(now.mono_ms + time::SWEEP_MS, Timer::Sweep);
        }
        Some(conn)
    }

    fn received(&mut self, now: Now, conn: ConnId, bytes: &mut [u8]) {
        self.now = now;
        self.ingest(conn, bytes);
    }

    fn disconnected(&mut self, now: Now, conn: ConnId) {
        self.now = now;
        self.forget(conn);
    }

    fn mail(&mut self, now: Now, mail: Mail<Message>) {
        self.now = now;
        match mail {
            Mail::Message(from, Message(message)) => self.message(from, message),
            Mail::Undelivered(to, Message(message)) => self.undelivered(to, message),
            Mail::Stored { ticket, result } => self.stored(ticket, result),
            Mail::Read { ticket, answer } => self.read_done(ticket, answer),
            Mail::Model { call, progress } => self.model_progress(call, progress),
            Mail::Drain { reason, budget_ms, restart_expected_ms } => {
                self.drain(reason, budget_ms, restart_expected_ms);
            }
            Mail::LookedUp { lookup, answer } => self.looked_up(lookup, answer),
            Mail::GuardsBuilt => self.guards_built(),
            Mail::Host(news) => self.host_news(&news),
            Mail::ConfigChanged(raw) => self.config_changed(&raw),
            Mail::Policy(change) => self.policy_changed(*change),
        }
    }

    fn tick(&mut self, now: Now) {
        self.now = now;
        // Bounded by what was due when we came: a timer that sets itself again waits for the next turn.
        while let Some(timer) = self.timers.pop(now.mono_ms) {
            self.fire(timer);
        }
    }

    fn next_deadline(&self) -> Option<u64> {
        self.timers.next_due()
    }

    fn poll_effect(&mut self) -> Option<Effect<Message>> {
        // First, so that nothing newer comes between the messages that are tried again.
        if let Some((to, message)) = self.stalled.next_try() {
            return Some(Effect::Send(to, Message(message)));
        }
        loop {
            match self.effects.pop_front() {
                // Nothing overtakes what waits for room in the same ring.
                Some(Effect::Send(to, Message(message))) if self.stalled.waits_for(to) => {
                    self.hold_back(to, message);
                }
                Some(Effect::Flush(conn)) => {
                    if let Some(connection) = self.connections.get_mut(conn) {
                        connection.flush_queued = false;
                    }
                    return Some(Effect::Flush(conn));
                }
                Some(effect) => return Some(effect),
                None if self.fan_out() => {}
                None => return None,
            }
        }
    }

    fn outgoing<'a>(&'a self, conn: ConnId, slices: &mut [&'a [u8]]) -> usize {
        let pending = self.connections.get(conn).map_or(&[][..], |connection| connection.outbox.pending());
        match slices.first_mut() {
            Some(slice) if !pending.is_empty() => {
                *slice = pending;
                1
            }
            _ => 0,
        }
    }

    fn written(&mut self, now: Now, conn: ConnId, bytes: usize) {
        self.now = now;
        if let Some(connection) = self.connections.get_mut(conn) {
            connection.outbox.consume(&mut self.pool, bytes);
            self.outbox_bytes = self.outbox_bytes.saturating_sub(bytes as u64);
        }
    }
}

impl Shard {
    /// Whether this is shard 0.
    pub(crate) fn is_home(&self) -> bool {
        self.id == ShardId::HOME
    }

    /// A number this shard has not used before.
    pub(crate) fn next_number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub(crate) fn log(&mut self, level: LogLevel, subsystem: &'static str, message: String) {
        self.effects.push_back(Effect::Log(LogLine { level, subsystem, message }));
    }

    pub(crate) fn warn(&mut self, subsystem: &'static str, message: String) {
        self.log(LogLevel::Warn, subsystem, message);
    }

    pub(crate) fn info(&mut self, subsystem: &'static str, message: String) {
        self.log(LogLevel::Info, subsystem, message);
    }

    /// The shard that owns a session.
    pub(crate) fn owner(&self, key: &SessionKey) -> ShardId {
        ShardId(key.shard(self.shards))
    }

    /// The shard that answers a call.
    pub(crate) fn place(&self, caller: &crate::caller::Caller, target: Target<'_>) -> ShardId {
        match target {
            Target::Local => self.id,
            Target::Home => ShardId::HOME,
            // A key that cannot be read is refused by the handler, here.
            Target::Session(text) => {
                self.view.parse_key(text, caller.wire).map_or(self.id, |key| self.owner(&key))
            }
            Target::SessionOf(text, agent) => {
                self.view.parse_key_of(text, agent, caller.wire).map_or(self.id, |key| self.owner(&key))
            }
        }
    }

    // Messages.

    /// Sends a message to another shard.
    pub(crate) fn send(&mut self, to: ShardId, message: ShardMsg) {
        self.effects.push_back(Effect::Send(to, Message(message)));
    }

    /// Sends the same to every other shard.
    pub(crate) fn send_others(&mut self, message: impl Fn() -> ShardMsg) {
        let own = self.id;
        for shard in (0..self.shards).map(ShardId).filter(|shard| *shard != own) {
            self.send(shard, message());
        }
    }

    fn message(&mut self, from: ShardId, message: ShardMsg) {
        match message {
            ShardMsg::Call(call) => self.run_forwarded(*call),
            ShardMsg::Response { conn, frame, last } => {
                if last && let Some(connection) = self.connections.get_mut(conn) {
                    connection.calls = connection.calls.saturating_sub(1);
                }
                self.write_frame(conn, |out| out.extend_from_slice(&frame));
            }
            ShardMsg::Broadcast(broadcast) => self.deliver(broadcast),
            ShardMsg::Admit(request) => self.judge(*request),
            ShardMsg::Admitted(admission) => self.admitted(*admission),
            ShardMsg::Departed { presence_key } => self.departed(&presence_key),
            ShardMsg::Ask { number, query } => {
                self.answer_query(&query, move |shard, part| {
                    shard.send(from, ShardMsg::Part { number, part: Box::new(part) });
                });
            }
            ShardMsg::Part { number, part } => self.gathered(number, *part),
            ShardMsg::View(view) => self.take_view(view),
            ShardMsg::ReserveLabel { number, agent, label, key } => {
                let result = self.reserve_label_here(&agent, label.as_deref(), &key);
                self.send(from, ShardMsg::LabelReserved { number, result });
            }
            ShardMsg::LabelReserved { number, result } => {
                if let Some(then) = self.label_waits.remove(&number) {
                    then(self, result);
                }
            }
            ShardMsg::Retire(retire) => self.retire_here(&retire),
            ShardMsg::OpenApproval(ask) => self.open_approval_here(*ask),
            ShardMsg::ApprovalDecided(notice) => {
                self.approval_decided(&notice.id, &notice.holder, &notice.ruling);
            }
            ShardMsg::ApprovalTaken { id } => self.approval_taken(&id),
            ShardMsg::ShowApprovals { conn } => self.show_approvals_to(from, conn),
            ShardMsg::Listens(listens) => self.audience.set(from, listens),
            ShardMsg::Wonder(unknown) => self.inquire(from, &unknown),
            ShardMsg::Intel(delta) => self.take_intel(&delta),
            ShardMsg::Unanswered(about) => self.unanswered(&about),
            ShardMsg::Release(order) => self.release_turn(*order),
            ShardMsg::ReleaseEnded(id) => self.release_ended(&id),
            ShardMsg::RunsEnded => self.runs_ended_on(from),
        }
    }

    /// A ring was full: the message waits, in front when it has waited before.
    fn undelivered(&mut self, to: ShardId, message: ShardMsg) {
        match self.stalled.take_back(to, message) {
            None => self.retry_later(),
            Some(message) => self.hold_back(to, message),
        }
    }

    /// There is no room for a new message. What can be refused is refused, what may be dropped is dropped, and the rest
    /// waits behind everything else for that shard.
    fn hold_back(&mut self, to: ShardId, message: ShardMsg) {
        self.counters.stalled += 1;
        match message {
            ShardMsg::Call(call) => {
                return self.answer::<()>(call.held, Err(ErrorShape::busy("the gateway is overloaded", 200)));
            }
            ShardMsg::Broadcast(broadcast) if broadcast.droppable => return,
            // A newer view is all that matters.
            ShardMsg::View(_) => self.stalled.discard(to, |held| matches!(held, ShardMsg::View(_))),
            // Asked again by whoever meets it again; nobody waits for it now.
            ShardMsg::Wonder(about) => return self.unanswered(&about),
            ShardMsg::Intel(ref delta) if self.stalled.merge(to, delta) => return,
            _ => {}
        }
        if self.stalled.len() >= self.limits.stalled_max as usize {
            self.counters.overflows += 1;
            return self
                .warn("mesh", format!("shard {} does not keep up; a message to it was dropped", to.0));
        }
        self.stalled.push(to, message);
        self.retry_later();
    }

    fn retry_later(&mut self) {
        if self.retry.is_none() {
            self.retry = Some(self.timers.set(self.now.mono_ms + 1, Timer::Retry));
        }
    }

    fn retry(&mut self) {
        self.retry = None;
        self.stalled.begin_try();
    }

    fn fire(&mut self, timer: Timer) {
        match timer {
            Timer::Tick => self.send_tick(),
            Timer::Sweep => self.sweep(),
            Timer::Retry => self.retry(),
            Timer::Gather(number) => self.gather_done(number),
            Timer::Queue => self.queue_due(),
            Timer::Loopback(key) => self.loopback_due(&key),
            Timer::Summary(key) => self.summary_due(&key),
            Timer::RunDeadline(key) => self.run_deadline(&key),
            Timer::RunWait(number) => self.run_wait_over(number),
            Timer::Health => self.refresh_health(),
            Timer::HealthMinute => self.health_timer(),
            Timer::Announce => self.announce_presence(),
            Timer::Publish => self.publish(),
            Timer::Approvals => self.approvals_due(),
            Timer::StoreRetry => self.retry_stores(),
            Timer::Expire => self.expire(),
            Timer::Judge => self.judge_on(),
            Timer::Release(begun) => self.release_again(begun.0, begun.1),
            Timer::Inquiries => self.inquiries_late(),
            Timer::DrainBudget => self.drain_close(),
            Timer::DrainEnd => self.drain_end(),
        }
    }

    // Writing.

    /// Queues a flush of `conn`, once a turn.
    pub(crate) fn flush(effects: &mut VecDeque<Effect<Message>>, conn: ConnId, connection: &mut Connection) {
        if !connection.flush_queued {
            connection.flush_queued = true;
            effects.push_back(Effect::Flush(conn));
        }
    }

    /// Appends one text frame to `conn`, written by `write`. A connection that is gone or closing gets nothing.
    pub(crate) fn write_frame(&mut self, conn: ConnId, write: impl FnOnce(&mut Vec<u8>)) {
        self.catch_up(conn);
        let Some(connection) = self.connections.get_mut(conn) else { return };
        if matches!(connection.stage, Stage::Closing) {
            return;
        }
        let added =
            connection.outbox.append(&mut self.pool, |out| pincer_ws::encode::append_text_with(out, write));
        self.outbox_bytes += added as u64;
        Self::flush(&mut self.effects, conn, connection);
    }

    /// Appends bytes that are no text frame: an HTTP response, a ping, a pong.
    pub(crate) fn write_bytes(&mut self, conn: ConnId, write: impl FnOnce(&mut Vec<u8>)) {
        self.catch_up(conn);
        let Some(connection) = self.connections.get_mut(conn) else { return };
        let added = connection.outbox.append(&mut self.pool, write);
        self.outbox_bytes += added as u64;
        Self::flush(&mut self.effects, conn, connection);
    }

    /// Answers a held request, for good.
    pub(crate) fn answer<P: Serialize + ?Sized>(&mut self, held: Held, result: Result<&P, ErrorShape>) {
        let mut text = Vec::new();
        match result {
            Ok(payload) => frame::write_ok(&mut text, &held.id, payload),
            Err(error) => frame::write_error(&mut text, &held.id, None, &error),
        }
        self.respond(&held, text, true);
    }

    /// Answers a held request with a failure that carries a payload too.
    pub(crate) fn answer_failure(&mut self, held: Held, payload: &Value, error: &ErrorShape) {
        let mut text = Vec::new();
        frame::write_error(&mut text, &held.id, Some(payload), error);
        self.respond(&held, text, true);
    }

    /// Answers a held request, with more to come under the same id.
    pub(crate) fn answer_first<P: Serialize + ?Sized>(&mut self, held: &Held, payload: &P) {
        let mut text = Vec::new();
        frame::write_ok(&mut text, &held.id, payload);
        self.respond(held, text, false);
    }

    fn respond(&mut self, held: &Held, text: Vec<u8>, last: bool) {
        if held.origin != self.id {
            let (conn, frame) = (held.conn, text.into());
            return self.send(held.origin, ShardMsg::Response { conn, frame, last });
        }
        if last && let Some(connection) = self.connections.get_mut(held.conn) {
            connection.calls = connection.calls.saturating_sub(1);
        }
        self.write_frame(held.conn, |out| out.extend_from_slice(&text));
    }

    // Events.

    /// Sends an event to its audience on every shard.
    pub(crate) fn broadcast(&mut self, broadcast: Broadcast) {
        let broadcast = Arc::new(broadcast);
        self.send_others(|| ShardMsg::Broadcast(Arc::clone(&broadcast)));
        self.deliver(broadcast);
    }

    // Closing.

    /// Sends a close frame and lets the driver hang up once it is flushed.
    pub(crate) fn close(&mut self, conn: ConnId, code: u16, reason: &str) {
        self.catch_up(conn);
        let Some(connection) = self.connections.get_mut(conn) else { return };
        if matches!(connection.stage, Stage::Closing) {
            return;
        }
        let added = connection
            .outbox
            .append(&mut self.pool, |out| pincer_ws::encode::append_close(out, code, reason));
        self.outbox_bytes += added as u64;
        self.hang_up(conn);
    }

    /// Lets the driver hang up once everything is written.
    pub(crate) fn hang_up(&mut self, conn: ConnId) {
        self.catch_up(conn);
        let by = self.now.mono_ms + time::CLOSE_FLUSH_MS;
        let Some(connection) = self.connections.get_mut(conn) else { return };
        if matches!(connection.stage, Stage::Closing) {
            return;
        }
        let stage = std::mem::replace(&mut connection.stage, Stage::Closing);
        self.left(stage);
        self.effects.push_back(Effect::Close { conn, by });
    }

    /// The socket is gone: forgets the connection.
    pub(crate) fn forget(&mut self, conn: ConnId) {
        let Some(mut connection) = self.connections.remove(conn) else { return };
        self.outbox_bytes = self.outbox_bytes.saturating_sub(connection.outbox.len() as u64);
        connection.outbox.release(&mut self.pool);
        let Connection { stage, decoder, .. } = *connection;
        self.inbound_bytes = self.inbound_bytes.saturating_sub(decoder.held_bytes() as u64);
        decoder.release(&mut self.pool);
        self.left(stage);
        if self.connections.len() == 0 && self.draining.as_ref().is_some_and(|draining| draining.closing) {
            self.drain_end();
        }
    }

    /// A connection left a stage for good.
    pub(crate) fn left(&mut self, stage: Stage) {
        match stage {
            Stage::Http(_) | Stage::Greeting(_) | Stage::Judging(_) => self.handshaking -= 1,
            Stage::Open(open) => {
                if open.subscriptions.is_some() {
                    self.listener_left();
                }
                if let Some(presence_key) = open.who.presence_key.clone() {
                    if self.is_home() {
                        self.departed(&presence_key);
                    } else {
                        self.send(ShardId::HOME, ShardMsg::Departed { presence_key });
                    }
                }
            }
            Stage::Closing => {}
        }
    }
}
