//! The epoll backend: one readiness loop a shard.
//!
//! Edge triggered: a level would be looked up once more for each event, only to find that it was dealt with. Every read and
//! write is attempted without waiting. An idle connection costs its table entry and nothing else. The loop sleeps until the kernel, the bell or a deadline wakes it, and never spins.

mod poll;

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};

use pincer_shard::driver::Core;

use self::poll::{Event, Events, Poll};
use crate::bell::Bell;
use crate::engine::{Engine, Hangup, Io, Token};
use crate::seat::Seat;
use crate::socket::{
    ACCEPT_PAUSE_MS, ACCEPTS_PER_TURN, AcceptFailure, READ_BUFFER_BYTES, READS_PER_TURN, accept_failure,
    greet, recv,
};

/// Events handled before the clock is read again.
const EVENTS_PER_LOOK: usize = 32;

/// Runs one shard until its core has finished. `go_on` is told whether the kernel gave what is needed, and says whether
/// to start.
pub(crate) fn run<C: Core>(seat: Seat<C>, go_on: impl FnOnce(io::Result<()>) -> bool) -> io::Result<()> {
    let Seat { core, ports, clock, gauges, listeners, mesh, shard } = seat;
    let Some(bell) = mesh.bell(shard) else { return Err(io::ErrorKind::NotFound.into()) };
    let (setup, io) = match EpollIo::open(listeners, bell) {
        Ok(io) => (Ok(()), Some(io)),
        Err(error) => (Err(error), None),
    };
    let started = go_on(setup);
    let Some(io) = io.filter(|_| started) else { return Ok(()) };
    let engine = Engine::new(core, io, ports, clock, gauges);
    EpollLoop { engine, buffer: vec![0; READ_BUFFER_BYTES] }.run(bell)
}

/// The kernel's side of one shard.
struct EpollIo {
    poll: Poll,
    listeners: Vec<(TcpListener, SocketAddr)>,
    /// When accepting goes on after a lack of descriptors, `mono_ms`.
    paused_until: Option<u64>,
}

/// A connection, and what the kernel was asked to report of it.
struct Watched {
    stream: TcpStream,
    events: Option<u32>,
}

impl AsFd for Watched {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// What an event is about. Connections are named by their token; a table never gets as far as place `u32::MAX`, which
/// leaves it for the rest.
enum Source {
    Bell,
    Listener(usize),
    Socket(Token),
}

const NO_PLACE: u64 = u32::MAX as u64;

impl Source {
    fn to_bits(&self) -> u64 {
        match self {
            Source::Bell => NO_PLACE,
            Source::Listener(index) => (*index as u64 + 1) << 32 | NO_PLACE,
            Source::Socket(token) => token.to_bits(),
        }
    }

    fn from_bits(bits: u64) -> Source {
        match (bits & NO_PLACE, bits >> 32) {
            (NO_PLACE, 0) => Source::Bell,
            (NO_PLACE, number) => Source::Listener(usize::try_from(number - 1).unwrap_or(usize::MAX)),
            _ => Source::Socket(Token::from_bits(bits)),
        }
    }
}

impl EpollIo {
    fn open(listeners: Vec<TcpListener>, bell: &Bell) -> io::Result<EpollIo> {
        let poll = Poll::new()?;
        if let Some(eventfd) = bell.eventfd() {
            // Edge triggered: each write is reported once and nobody has to read it.
            poll.add(eventfd, Source::Bell.to_bits(), poll::READ | poll::EDGE)?;
        }
        let mut named = Vec::with_capacity(listeners.len());
        for (index, listener) in listeners.into_iter().enumerate() {
            listener.set_nonblocking(true)?;
            poll.add(&listener, Source::Listener(index).to_bits(), poll::READ)?;
            let addr = listener.local_addr()?;
            named.push((listener, addr));
        }
        Ok(EpollIo { poll, listeners: named, paused_until: None })
    }

    fn watch_listeners(&self, events: u32) {
        for (index, (listener, _)) in self.listeners.iter().enumerate() {
            // Both are open and registered; there is nothing to fail but memory, and then the next pause tries again.
            drop(self.poll.change(listener, Source::Listener(index).to_bits(), events));
        }
    }
}

impl Io for EpollIo {
    type Handle = Watched;

    fn watch(&mut self, token: Token, handle: &mut Watched, read: bool, room: bool) -> io::Result<()> {
        let mut events = poll::EDGE;
        if read {
            events |= poll::READ | poll::END;
        }
        if room {
            events |= poll::ROOM;
        }
        match handle.events.replace(events) {
            Some(before) if before == events => Ok(()),
            Some(_) => self.poll.change(&handle.stream, Source::Socket(token).to_bits(), events),
            None => self.poll.add(&handle.stream, Source::Socket(token).to_bits(), events),
        }
    }

    fn report_again(&mut self, token: Token, handle: &mut Watched) {
        if let Some(events) = handle.events {
            // Registered and open: asking for the same again only has it looked at now.
            drop(self.poll.change(&handle.stream, Source::Socket(token).to_bits(), events));
        }
    }

    fn close(&mut self, _: Token, handle: Watched) {
        drop(handle); // leaves the epoll set with its last descriptor
    }

    fn stop_accepting(&mut self) {
        self.listeners.clear();
        self.paused_until = None;
    }
}

struct EpollLoop<C: Core> {
    engine: Engine<C, EpollIo>,
    buffer: Vec<u8>,
}

impl<C: Core> EpollLoop<C> {
    fn run(mut self, bell: &Bell) -> io::Result<()> {
        let mut events = Events::new();
        self.engine.begin_turn();
        self.engine.start();
        self.engine.end_turn();
        while !self.engine.is_over() {
            let count = self.sleep(bell, &mut events)?;
            self.engine.begin_turn();
            for index in 0..count {
                if index % EVENTS_PER_LOOK == EVENTS_PER_LOOK - 1 {
                    self.engine.look_at_clock();
                }
                if let Some(event) = events.get(index) {
                    self.handle(event);
                }
            }
            self.engine.mail();
            self.engine.tick();
            self.resume_accepting();
            self.engine.end_turn();
        }
        Ok(())
    }

    /// Waits until something happens. With mail left over, only looks.
    fn sleep(&self, bell: &Bell, events: &mut Events) -> io::Result<usize> {
        let poll = &self.engine.io.poll;
        if !self.engine.is_idle() {
            return poll.wait(events, Some(0));
        }
        bell.lie_down();
        let timeout = if self.engine.is_idle() { self.timeout() } else { Some(0) };
        let count = poll.wait(events, timeout);
        bell.get_up();
        count
    }

    fn timeout(&self) -> Option<u64> {
        let deadline = [self.engine.deadline(), self.engine.io.paused_until].into_iter().flatten().min()?;
        Some(deadline.saturating_sub(self.engine.clock_ms()))
    }

    fn handle(&mut self, event: Event) {
        match Source::from_bits(event.data) {
            Source::Bell => {}
            Source::Listener(index) => self.accept(index),
            Source::Socket(token) => self.serve(token, event.events),
        }
    }

    fn accept(&mut self, index: usize) {
        for _ in 0..ACCEPTS_PER_TURN {
            // Looked up each time: a core may stop accepting at any connection.
            let Some((listener, addr)) = self.engine.io.listeners.get(index) else { return };
            let addr = *addr;
            match listener.accept() {
                Ok((stream, remote)) => {
                    if let Some(peer) = greet(&stream, Some(remote), addr) {
                        self.engine.connected(Watched { stream, events: None }, peer);
                    }
                }
                Err(error) => match accept_failure(&error) {
                    AcceptFailure::Nobody => return,
                    AcceptFailure::Gone => {}
                    AcceptFailure::Exhausted => return self.pause_accepting(&error),
                },
            }
        }
    }

    fn pause_accepting(&mut self, error: &io::Error) {
        let until = self.engine.now().mono_ms + ACCEPT_PAUSE_MS;
        self.engine.io.watch_listeners(0);
        self.engine.io.paused_until = Some(until);
        self.engine.accept_paused(error);
    }

    fn resume_accepting(&mut self) {
        if self.engine.io.paused_until.is_some_and(|until| until <= self.engine.now().mono_ms) {
            self.engine.io.paused_until = None;
            self.engine.io.watch_listeners(poll::READ);
        }
    }

    /// A socket has something to read, room to write, or is broken.
    fn serve(&mut self, token: Token, events: u32) {
        if events & (poll::ROOM | poll::BROKEN) != 0 {
            self.engine.room(token);
        }
        if events & (poll::READ | poll::END | poll::BROKEN) == 0 {
            return;
        }
        // The end is reported once, maybe with the last bytes: then everything is read up to it.
        let ended = events & (poll::END | poll::BROKEN) != 0;
        for _ in 0..READS_PER_TURN {
            let Some((handle, reading, blocked)) = self.engine.socket(token) else { return };
            if !reading {
                // A socket that is neither read nor written has nothing to wait for.
                if !blocked {
                    self.engine.hung_up(token, Hangup::Broken);
                }
                return;
            }
            match recv(&handle.stream, &mut self.buffer) {
                Ok(0) => return self.engine.hung_up(token, Hangup::Eof),
                Ok(bytes) => {
                    let Some(got) = self.buffer.get_mut(..bytes) else { return };
                    self.engine.received(token, got);
                    if bytes < READ_BUFFER_BYTES && !ended {
                        // That was all; what comes now is a new event. Only a peer that sends urgent data, which ends a
                        // read early, waits for its own next bytes.
                        return;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => return self.engine.hung_up(token, Hangup::Broken),
            }
        }
        // More may wait, and nothing new would report it.
        self.engine.report_again(token);
    }
}
