//! One shard's life, the same on every backend.
//!
//! A backend ([`Io`]) waits for the kernel and tells the engine what happened; the engine drives the [`Core`] and
//! performs its effects. Writes are attempted at once; what the socket does not take waits in the core's outbox until
//! the backend reports room.
//!
//! A socket that the core has closed, or whose peer closed only its sending side, *lingers*: what was queued for it is
//! still written, then our side is shut, and it is dropped when the peer closes too or its time is up. Closing at once
//! could destroy the last bytes on their way.

mod outgoing;
mod table;

use std::collections::BTreeSet;
use std::io;
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Instant;

use pincer_sessions::time::Now;
use pincer_shard::driver::{ConnId, Core, LogLevel, LogLine, Mail, Peer};
use socket2::SockRef;

use self::outgoing::Sent;
pub(crate) use self::table::Token;
use self::table::{Goodbye, Socket, Table};
use crate::clock::Clock;
use crate::gauges::ShardGauges;
use crate::memory::Afterwards;
use crate::ports::{Ports, Rest};

/// Sockets that linger at once; beyond it the one whose time is up first is dropped.
const LINGERING_MAX: usize = 1024;

/// How long a peer that closed its sending side may take to read what was queued for it.
const HALF_CLOSED_MS: u64 = 5_000;

/// Mails handed to the core before sockets get their turn again.
const MAILS_PER_TURN: usize = 256;

/// What the engine needs of a backend.
pub(crate) trait Io {
    /// A connected socket. Dropping it closes it.
    type Handle: AsFd;

    /// From now on report when `handle` can be read, and when it has room, or not.
    fn watch(&mut self, token: Token, handle: &mut Self::Handle, read: bool, room: bool) -> io::Result<()>;

    /// Has a socket reported once more if something waits at it, for one that was left before all was read. Backends that
    /// read until a socket is empty need not do anything.
    fn report_again(&mut self, _: Token, _: &mut Self::Handle) {}

    /// Closes a socket.
    fn close(&mut self, token: Token, handle: Self::Handle);

    /// Closes the listeners.
    fn stop_accepting(&mut self);
}

/// How a peer went away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hangup {
    /// It will send no more; it may still read.
    Eof,
    /// The connection is gone.
    Broken,
}

/// A core, its sockets, and its ends of all queues.
pub(crate) struct Engine<C: Core, I: Io> {
    core: C,
    pub(crate) io: I,
    ports: Ports<C::Message>,
    sockets: Table<I::Handle>,
    /// Lingering sockets by the moment their time is up.
    lingering: BTreeSet<(u64, u32)>,
    clock: Clock,
    now: Now,
    turn_began: Instant,
    gauges: Arc<ShardGauges>,
    /// Whether the last accept failed for lack of something.
    exhausted: bool,
    finished: bool,
    /// Memory to be taken back once large requests are done.
    afterwards: Afterwards,
}

impl<C: Core, I: Io> Engine<C, I> {
    pub(crate) fn new(
        core: C,
        io: I,
        ports: Ports<C::Message>,
        clock: Clock,
        gauges: Arc<ShardGauges>,
    ) -> Engine<C, I> {
        let turn_began = Instant::now();
        Engine {
            core,
            io,
            ports,
            sockets: Table::default(),
            lingering: BTreeSet::new(),
            clock,
            now: clock.at(turn_began),
            turn_began,
            gauges,
            exhausted: false,
            finished: false,
            afterwards: Afterwards::default(),
        }
    }

    /// The kernel woke us: looks at the clock.
    pub(crate) fn begin_turn(&mut self) {
        self.turn_began = Instant::now();
        self.now = self.clock.at(self.turn_began);
    }

    /// Looks at the clock again, within a long turn.
    pub(crate) fn look_at_clock(&mut self) {
        self.now = self.clock.now();
    }

    /// Everything that happened was handled: wakes the shards that were sent something.
    pub(crate) fn end_turn(&mut self) {
        self.ports.ring();
        self.account();
    }

    /// Adds the turn to the gauges, and leaves waking others to [`Engine::end_turn`] of a later one.
    pub(crate) fn account(&self) {
        self.gauges.turned(self.turn_began.elapsed());
    }

    /// The present moment, as of the last look.
    pub(crate) fn now(&self) -> Now {
        self.now
    }

    /// The clock's present `mono_ms`, for how long to sleep.
    pub(crate) fn clock_ms(&self) -> u64 {
        self.clock.now().mono_ms
    }

    /// Whether a turn has left somebody to wake, or mail for ourselves.
    pub(crate) fn has_left_overs(&self) -> bool {
        self.ports.must_ring() || self.ports.returned() > 0
    }

    /// Whether no mail waits.
    pub(crate) fn is_idle(&self) -> bool {
        self.finished || self.ports.is_idle()
    }

    /// Whether the core has finished and every socket is closed.
    pub(crate) fn is_over(&self) -> bool {
        self.finished && self.sockets.is_empty()
    }

    /// When [`Engine::tick`] is next due, `mono_ms`.
    pub(crate) fn deadline(&self) -> Option<u64> {
        let lingering = self.lingering.first().map(|(by, _)| *by);
        let core = if self.finished { None } else { self.core.next_deadline() };
        [lingering, core, self.afterwards.due()].into_iter().flatten().min()
    }

    /// Starts the core: performs what it wants before anything happened.
    pub(crate) fn start(&mut self) {
        self.settle();
    }

    /// A peer connected. `None`: the core refused it and it is closed.
    pub(crate) fn connected(&mut self, handle: I::Handle, peer: Peer) -> Option<Token> {
        if self.finished {
            return None;
        }
        let Some(conn) = self.core.accepted(self.now, peer) else {
            self.gauges.refused.add(1);
            self.settle();
            return None;
        };
        self.exhausted = false;
        self.gauges.accepted.add(1);
        self.gauges.connections.add(1);
        let token = self.sockets.insert(handle, conn);
        self.rewatch(token);
        self.settle();
        self.sockets.get(token).map(|_| token)
    }

    /// Accepting failed for lack of descriptors or memory and goes on after a pause.
    pub(crate) fn accept_paused(&mut self, error: &io::Error) {
        self.gauges.accept_pauses.add(1);
        // Once a streak: it comes again ten times a second for as long as nobody closes anything.
        if !std::mem::replace(&mut self.exhausted, true) {
            self.log(LogLevel::Error, format!("cannot accept connections until others close: {error}"));
        }
    }

    /// Whether `token` still names a socket, its handle, and whether it is read from and waits for room.
    pub(crate) fn socket(&mut self, token: Token) -> Option<(&mut I::Handle, bool, bool)> {
        self.sockets.get_mut(token).map(|socket| (&mut socket.handle, socket.reading, socket.blocked))
    }

    /// See [`Io::report_again`].
    pub(crate) fn report_again(&mut self, token: Token) {
        if let Some(socket) = self.sockets.get_mut(token) {
            self.io.report_again(token, &mut socket.handle);
        }
    }

    /// Bytes arrived.
    pub(crate) fn received(&mut self, token: Token, bytes: &mut [u8]) {
        self.gauges.bytes_in.add(bytes.len() as u64);
        self.afterwards.arrived(bytes.len(), self.now.mono_ms);
        // A lingering socket has nobody to read them any more.
        let Some(conn) = self.sockets.get(token).and_then(|socket| socket.conn) else { return };
        if !self.finished {
            self.core.received(self.now, conn, bytes);
            self.settle();
        }
    }

    /// The peer went away.
    pub(crate) fn hung_up(&mut self, token: Token, how: Hangup) {
        let Some(socket) = self.sockets.get_mut(token) else { return };
        match (socket.conn, &socket.goodbye) {
            (Some(conn), _) => {
                self.forget(token, conn, how);
                self.settle();
            }
            (None, Some(goodbye)) if how == Hangup::Eof && !goodbye.is_written() => {
                // It may still read what is left for it. Watching for more to read would report the end for ever.
                socket.reading = false;
                self.rewatch(token);
            }
            (None, _) => self.drop_socket(token),
        }
    }

    /// There is room to write.
    pub(crate) fn room(&mut self, token: Token) {
        let Some(socket) = self.sockets.get_mut(token) else { return };
        if !socket.blocked {
            return;
        }
        socket.blocked = false;
        match socket.conn {
            Some(conn) => self.flush(conn),
            None => self.write_tail(token),
        }
        // Still blocked: watched as before. Else stop waiting for room.
        if self.sockets.get(token).is_some_and(|socket| !socket.blocked) {
            self.rewatch(token);
        }
        self.settle();
    }

    /// For a backend that must write to learn when there is room: lets it try with the first bytes that found none.
    /// `None`: nothing waits for room.
    pub(crate) fn offer<T>(
        &mut self,
        token: Token,
        write: impl FnOnce(&mut I::Handle, &[u8]) -> T,
    ) -> Option<T> {
        let Socket { handle, conn, blocked, goodbye, .. } = self.sockets.get_mut(token)?;
        if !*blocked {
            return None;
        }
        let mut first: [&[u8]; 1] = [&[]];
        match (conn, goodbye) {
            (Some(conn), _) => drop(self.core.outgoing(*conn, &mut first)),
            (None, Some(goodbye)) => first = [goodbye.rest()],
            (None, None) => {}
        }
        match first {
            [[]] => {
                *blocked = false; // the core has thought better of it
                None
            }
            [bytes] => Some(write(handle, bytes)),
        }
    }

    /// So much of what was offered has been written.
    pub(crate) fn wrote(&mut self, token: Token, bytes: usize) {
        let Some(socket) = self.sockets.get_mut(token) else { return };
        self.gauges.bytes_out.add(bytes as u64);
        match (socket.conn, &mut socket.goodbye) {
            (Some(conn), _) => self.core.written(self.now, conn, bytes),
            (None, Some(goodbye)) => goodbye.written += bytes,
            (None, None) => {}
        }
        self.room(token);
    }

    /// Hands over mail, a bounded number. [`Engine::is_idle`] tells whether some is left.
    pub(crate) fn mail(&mut self) {
        self.ports.feel_pulse();
        if self.finished {
            return;
        }
        // Only what came back before this turn: a core that sends it again at once must not keep us here.
        for _ in 0..self.ports.returned() {
            let Some(mail) = self.ports.take_returned() else { break };
            self.core.mail(self.now, mail);
        }
        for _ in 0..MAILS_PER_TURN {
            let Some(mail) = self.ports.take(&self.gauges) else { break };
            self.core.mail(self.now, mail);
        }
        // Once for all: what several mails cause for one connection leaves in one write.
        self.settle();
    }

    /// Does what is due.
    pub(crate) fn tick(&mut self) {
        let now_ms = self.now.mono_ms;
        if !self.finished && self.core.next_deadline().is_some_and(|at| at <= now_ms) {
            self.core.tick(self.now);
            self.settle();
        }
        while let Some(&(by, index)) = self.lingering.first()
            && by <= now_ms
        {
            self.drop_lingering(by, index);
        }
        self.afterwards.tick(now_ms);
    }

    /// Performs every effect, in order.
    fn settle(&mut self) {
        while !self.finished
            && let Some(effect) = self.core.poll_effect()
        {
            match self.ports.perform(effect, self.now.wall_ms, &self.gauges) {
                None => {}
                Some(Rest::Flush(conn)) => self.flush(conn),
                Some(Rest::Close { conn, by }) => self.say_goodbye(conn, by),
                Some(Rest::StopAccepting) => self.io.stop_accepting(),
                Some(Rest::Finished) => self.finish(),
                Some(Rest::GiveBack(to, message)) => self.core.mail(self.now, Mail::Undelivered(to, message)),
            }
        }
    }

    /// Writes what waits for `conn`. Blocked already: the backend will report room.
    fn flush(&mut self, conn: ConnId) {
        let Some(token) = self.sockets.find(conn) else { return };
        let Some(socket) = self.sockets.get_mut(token) else { return };
        if socket.blocked {
            return;
        }
        match outgoing::write(&mut self.core, conn, &socket.handle, self.now, &self.gauges) {
            Sent::All => {}
            Sent::Some => {
                socket.blocked = true;
                self.rewatch(token);
            }
            Sent::Failed => self.forget(token, conn, Hangup::Broken),
        }
    }

    /// The core closes a connection: writes what it can, keeps the rest, and lets the socket linger until `by`.
    fn say_goodbye(&mut self, conn: ConnId, by: u64) {
        // Not found: hung up before, and the core was told.
        let Some(token) = self.sockets.find(conn) else { return };
        let Some(socket) = self.sockets.get_mut(token) else { return };
        let broken = !socket.blocked
            && outgoing::write(&mut self.core, conn, &socket.handle, self.now, &self.gauges) == Sent::Failed;
        self.part(token, conn, if broken { 0 } else { by });
        self.core.disconnected(self.now, conn);
    }

    /// The peer of `conn` went away: tells the core, and lets the socket linger when it may still read.
    fn forget(&mut self, token: Token, conn: ConnId, how: Hangup) {
        match how {
            Hangup::Eof => {
                if let Some(socket) = self.sockets.get_mut(token) {
                    socket.reading = false;
                }
                self.part(token, conn, self.now.mono_ms.saturating_add(HALF_CLOSED_MS));
            }
            Hangup::Broken => {
                self.sockets.unlink(conn);
                self.gauges.connections.sub(1);
                self.drop_socket(token);
            }
        }
        if !self.finished {
            self.core.disconnected(self.now, conn);
        }
    }

    /// Takes over what the core still has for `conn`, unlinks the two, and lets the socket linger.
    fn part(&mut self, token: Token, conn: ConnId, by: u64) {
        let tail = outgoing::take(&mut self.core, conn, self.now);
        self.sockets.unlink(conn);
        self.gauges.connections.sub(1);
        let Some(socket) = self.sockets.get_mut(token) else { return };
        socket.conn = None;
        socket.goodbye = Some(Box::new(Goodbye { tail, written: 0, by }));
        if by <= self.now.mono_ms {
            return self.drop_socket(token);
        }
        if self.lingering.len() >= LINGERING_MAX
            && let Some(&(first, index)) = self.lingering.first()
        {
            self.drop_lingering(first, index);
        }
        self.lingering.insert((by, token.index()));
        self.gauges.lingering.set(self.lingering.len() as u64);
        if self.sockets.get(token).is_some_and(|socket| !socket.blocked) {
            self.write_tail(token);
        }
        self.rewatch(token);
    }

    /// Writes what is left for a lingering socket; when all is written, shuts our side.
    fn write_tail(&mut self, token: Token) {
        let Some(Socket { handle, goodbye: Some(goodbye), reading, blocked, .. }) =
            self.sockets.get_mut(token)
        else {
            return;
        };
        match goodbye.write(handle, &self.gauges) {
            Sent::Some => *blocked = true,
            Sent::All if *reading && SockRef::from(&*handle).shutdown(Shutdown::Write).is_ok() => {}
            // Nothing left to write and nothing left to wait for.
            Sent::All | Sent::Failed => self.drop_socket(token),
        }
    }

    /// Tells the backend what to report of a socket. One that cannot be watched is as good as broken.
    fn rewatch(&mut self, token: Token) {
        let Some(socket) = self.sockets.get_mut(token) else { return };
        let watched = self.io.watch(token, &mut socket.handle, socket.reading, socket.blocked);
        let Err(error) = watched else { return };
        let conn = socket.conn;
        self.log(LogLevel::Error, format!("cannot watch a socket: {error}"));
        match conn {
            Some(conn) => self.forget(token, conn, Hangup::Broken),
            None => self.drop_socket(token),
        }
    }

    fn drop_lingering(&mut self, by: u64, index: u32) {
        self.lingering.remove(&(by, index));
        match self.sockets.at(index) {
            Some(token) => self.drop_socket(token),
            None => self.gauges.lingering.set(self.lingering.len() as u64),
        }
    }

    fn drop_socket(&mut self, token: Token) {
        let Some(socket) = self.sockets.remove(token) else { return };
        if let Some(goodbye) = socket.goodbye {
            self.lingering.remove(&(goodbye.by, token.index()));
            self.gauges.lingering.set(self.lingering.len() as u64);
        }
        self.io.close(token, socket.handle);
    }

    /// The core is done: only lingering sockets keep us.
    fn finish(&mut self) {
        self.finished = true;
        self.io.stop_accepting();
        for token in self.sockets.tokens() {
            if self.sockets.get(token).is_some_and(|socket| socket.conn.is_some()) {
                self.drop_socket(token);
            }
        }
        self.gauges.connections.set(0);
    }

    fn log(&self, level: LogLevel, message: String) {
        self.ports.log(self.now.wall_ms, LogLine { level, subsystem: "gateway/runtime", message });
    }
}
