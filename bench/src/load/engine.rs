//! Many connections on one thread: non-blocking sockets over epoll, each taken through upgrade and `connect`.
//!
//! A [`Load`] says what to do with a connection that is open and with the frames it gets; what it appends for sending
//! while the bytes of one read are gone through leaves in one write.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use pincer_tests::Hello;
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime,
};
use serde_json::{Value, json};

use super::wire::{masked, next_frame};

/// The key of RFC 6455's example and the answer to it; a server computes it all the same.
const UPGRADE: &str = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Bytes read at once.
const READ_BYTES: usize = 256 << 10;
/// Readiness taken at once.
const EVENTS: usize = 256;
/// Stands for the timer among the connections.
const TIMER: u64 = u64::MAX;
/// Handshakes under way at once, when many connections are opened.
const OPENING_MAX: usize = 16;

const TEXT: u8 = 0x1;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;

/// What becomes of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// It stays.
    Keep,
    /// It is closed now.
    Close,
}

/// What is done with connections. `out` takes frames to send.
pub(crate) trait Load {
    /// The connection `at` has been let in, `took` after it was begun.
    fn opened(&mut self, at: usize, took: Duration, out: &mut Vec<u8>) -> Next;
    /// It got a text frame; `now` is when it was read.
    fn frame(&mut self, at: usize, text: &[u8], now: Instant, out: &mut Vec<u8>) -> Next;
    /// It is gone though nobody wanted that.
    fn lost(&mut self, at: usize, why: String);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Upgrading,
    Challenged,
    Connecting,
    Open,
}

struct Line {
    socket: TcpStream,
    since: Instant,
    stage: Stage,
    inbox: Vec<u8>,
    outbox: Vec<u8>,
    /// Whether epoll tells when the socket takes more.
    waits: bool,
}

/// Connections, and who they say they are.
pub(crate) struct Engine {
    port: u16,
    hellos: Vec<Hello>,
    /// `connect` without a device, the same for everybody; `None`: every one is signed.
    hello: Option<Vec<u8>>,
    epoll: OwnedFd,
    timer: OwnedFd,
    lines: Vec<Option<Box<Line>>>,
    opening: usize,
    open: usize,
    scratch: Vec<u8>,
    events: Vec<epoll::Event>,
}

impl Engine {
    /// Connects to `port`, as one of `hellos` after the other.
    pub(crate) fn new(port: u16, hellos: Vec<Hello>) -> Engine {
        let hello = match &hellos[..] {
            [hello] if hello.device.is_none() => Some(connect(hello, "")),
            _ => None,
        };
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)
            .unwrap();
        epoll::add(&epoll, &timer, epoll::EventData::new_u64(TIMER), epoll::EventFlags::IN).unwrap();
        Engine {
            port,
            hellos,
            hello,
            epoll,
            timer,
            lines: Vec::new(),
            opening: 0,
            open: 0,
            scratch: vec![0; READ_BYTES],
            events: Vec::with_capacity(EVENTS),
        }
    }

    /// Connections that are open.
    pub(crate) fn open(&self) -> usize {
        self.open
    }

    /// Connections that have begun and are not open yet.
    pub(crate) fn opening(&self) -> usize {
        self.opening
    }

    /// Begins a connection in the first free place.
    pub(crate) fn begin(&mut self) -> Result<(), String> {
        let since = Instant::now();
        let socket =
            TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).map_err(|e| format!("connect: {e}"))?;
        socket.set_nodelay(true).unwrap();
        socket.set_nonblocking(true).unwrap();
        let at = self.lines.iter().position(Option::is_none).unwrap_or(self.lines.len());
        if at == self.lines.len() {
            self.lines.push(None);
        }
        let data = epoll::EventData::new_u64(at as u64);
        epoll::add(&self.epoll, &socket, data, epoll::EventFlags::IN).unwrap();
        let mut line = Box::new(Line {
            socket,
            since,
            stage: Stage::Upgrading,
            inbox: Vec::new(),
            outbox: UPGRADE.as_bytes().to_vec(),
            waits: false,
        });
        self.flush(at, &mut line).map_err(|e| format!("upgrade: {e}"))?;
        self.lines[at] = Some(line);
        self.opening += 1;
        Ok(())
    }

    /// Opens connections until there are `count`, a few at a time.
    ///
    /// # Errors
    /// When that takes longer than `patience`, or one is refused.
    pub(crate) fn fill(
        &mut self,
        count: usize,
        load: &mut impl Load,
        patience: Duration,
    ) -> Result<(), String> {
        let deadline = Instant::now() + patience;
        while self.open < count {
            while self.opening < OPENING_MAX.min(count - self.open) {
                self.begin()?;
            }
            self.turn(load, Duration::from_millis(20))?;
            if Instant::now() > deadline {
                return Err(format!("only {} of {count} connections after {patience:?}", self.open));
            }
        }
        Ok(())
    }

    /// The same as [`Engine::turn`], to the microsecond: epoll itself counts in milliseconds.
    pub(crate) fn turn_exactly(&mut self, load: &mut impl Load, wait: Duration) -> Result<(), String> {
        if wait.is_zero() {
            return self.turn(load, wait);
        }
        let never = Timespec { tv_sec: 0, tv_nsec: 0 };
        let wait = Timespec { tv_sec: wait.as_secs() as i64, tv_nsec: i64::from(wait.subsec_nanos()) };
        // Setting it forgets that it has gone off.
        let set = Itimerspec { it_interval: never, it_value: wait };
        timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &set).map_err(|e| format!("timer: {e}"))?;
        self.turn(load, Duration::from_secs(1))
    }

    /// Takes what came, waiting for it at most so long.
    ///
    /// # Errors
    /// A connection was refused, or a server broke the protocol.
    pub(crate) fn turn(&mut self, load: &mut impl Load, wait: Duration) -> Result<(), String> {
        let wait = Timespec { tv_sec: wait.as_secs() as i64, tv_nsec: i64::from(wait.subsec_nanos()) };
        let mut events = std::mem::take(&mut self.events);
        events.clear();
        match epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&wait)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(format!("epoll: {e}")),
        }
        let now = Instant::now();
        let mut result = Ok(());
        for event in &events {
            let (at, flags) = (event.data.u64() as usize, event.flags);
            // The timer is none.
            let Some(mut line) = self.lines.get_mut(at).and_then(Option::take) else { continue };
            let opened = line.stage == Stage::Open;
            let mut kept = Ok(Next::Keep);
            if flags.contains(epoll::EventFlags::OUT) {
                kept = self.flush(at, &mut line).map(|()| Next::Keep).map_err(|e| e.to_string());
            }
            if kept.is_ok() && flags != epoll::EventFlags::OUT {
                kept = self.readable(at, &mut line, load, now);
            }
            match kept {
                Ok(Next::Keep) => {
                    if !opened && line.stage == Stage::Open {
                        (self.opening, self.open) = (self.opening - 1, self.open + 1);
                    }
                    self.lines[at] = Some(line);
                }
                ended => {
                    *(if opened { &mut self.open } else { &mut self.opening }) -= 1;
                    drop(line);
                    match ended {
                        Err(why) if opened => load.lost(at, why),
                        Err(why) => result = Err(why),
                        Ok(_) => {}
                    }
                }
            }
        }
        self.events = events;
        result
    }

    /// Sends on the connection `at` what `fill` appends, if it is open.
    pub(crate) fn send(&mut self, at: usize, fill: impl FnOnce(&mut Vec<u8>)) {
        let Some(mut line) = self.lines[at].take() else { return };
        fill(&mut line.outbox);
        // A connection that is gone is noticed by the next read.
        let _ = self.flush(at, &mut line);
        self.lines[at] = Some(line);
    }

    fn flush(&self, at: usize, line: &mut Line) -> std::io::Result<()> {
        while !line.outbox.is_empty() {
            match line.socket.write(&line.outbox) {
                Ok(sent) if sent == line.outbox.len() => line.outbox.clear(),
                Ok(sent) => drop(line.outbox.drain(..sent)),
                Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                Err(e) => return Err(e),
            }
        }
        if line.waits == line.outbox.is_empty() {
            line.waits = !line.waits;
            let room = if line.waits { epoll::EventFlags::OUT } else { epoll::EventFlags::empty() };
            let data = epoll::EventData::new_u64(at as u64);
            epoll::modify(&self.epoll, &line.socket, data, epoll::EventFlags::IN | room)?;
        }
        Ok(())
    }

    fn readable(
        &mut self,
        at: usize,
        line: &mut Line,
        load: &mut impl Load,
        now: Instant,
    ) -> Result<Next, String> {
        let count = match line.socket.read(&mut self.scratch) {
            Ok(0) => return Err("the server closed the connection".to_owned()),
            Ok(count) => count,
            Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(Next::Keep),
            Err(e) => return Err(e.to_string()),
        };
        // What came is read where it lies, unless the beginning of a frame has been waiting for it.
        let mut scratch = std::mem::take(&mut self.scratch);
        let next = if line.inbox.is_empty() {
            self.take(at, line, load, now, &scratch[..count]).map(|(used, next)| {
                line.inbox.extend_from_slice(&scratch[used..count]);
                next
            })
        } else {
            let mut held = std::mem::take(&mut line.inbox);
            held.extend_from_slice(&scratch[..count]);
            self.take(at, line, load, now, &held).map(|(used, next)| {
                held.drain(..used);
                line.inbox = if held.is_empty() { Vec::new() } else { held };
                next
            })
        };
        std::mem::swap(&mut self.scratch, &mut scratch);
        let next = next?;
        self.flush(at, line).map_err(|e| e.to_string())?;
        Ok(next)
    }

    /// Goes through `bytes`; returns how many belonged to whole frames.
    fn take(
        &mut self,
        at: usize,
        line: &mut Line,
        load: &mut impl Load,
        now: Instant,
        bytes: &[u8],
    ) -> Result<(usize, Next), String> {
        let mut used = 0;
        if line.stage == Stage::Upgrading {
            let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
                return Ok((0, Next::Keep));
            };
            let head = String::from_utf8_lossy(&bytes[..end]);
            if !head.starts_with("HTTP/1.1 101") || !head.contains(ACCEPT) {
                return Err(format!("the upgrade was answered with {head:?}"));
            }
            line.stage = Stage::Challenged;
            used = end + 4;
        }
        while let Some((opcode, payload, length)) = next_frame(&bytes[used..])? {
            used += length;
            let next = match (opcode, line.stage) {
                (TEXT, Stage::Open) => load.frame(at, payload, now, &mut line.outbox),
                (TEXT, _) => self.greet(at, line, load, payload)?,
                (PING, _) => {
                    masked(&mut line.outbox, PONG, payload);
                    Next::Keep
                }
                (PONG, _) => Next::Keep,
                (CLOSE, _) => return Err(format!("closed: {}", String::from_utf8_lossy(payload))),
                _ => return Err(format!("a frame of kind {opcode}")),
            };
            if next == Next::Close {
                return Ok((used, next));
            }
        }
        Ok((used, Next::Keep))
    }

    fn greet(&self, at: usize, line: &mut Line, load: &mut impl Load, text: &[u8]) -> Result<Next, String> {
        let is_event = text.starts_with(b"{\"type\":\"event\"");
        match line.stage {
            Stage::Challenged if is_event => {
                match &self.hello {
                    Some(hello) => line.outbox.extend_from_slice(hello),
                    None => {
                        let challenge: Value = serde_json::from_slice(text).map_err(|e| e.to_string())?;
                        let nonce = challenge["payload"]["nonce"].as_str().unwrap_or_default();
                        let frame = connect(&self.hellos[at % self.hellos.len()], nonce);
                        line.outbox.extend(frame);
                    }
                }
                line.stage = Stage::Connecting;
                Ok(Next::Keep)
            }
            Stage::Connecting if is_event => Ok(Next::Keep),
            Stage::Connecting => {
                const GOOD: &[u8] =
                    b"{\"type\":\"res\",\"id\":\"c\",\"ok\":true,\"payload\":{\"type\":\"hello-ok\"";
                if !text.starts_with(GOOD) {
                    let shown = &text[..text.len().min(300)];
                    return Err(format!("connect was answered with {}", String::from_utf8_lossy(shown)));
                }
                line.stage = Stage::Open;
                Ok(load.opened(at, line.since.elapsed(), &mut line.outbox))
            }
            _ => Err("a frame that nobody awaits".to_owned()),
        }
    }
}

/// A framed `connect`.
fn connect(hello: &Hello, nonce: &str) -> Vec<u8> {
    let request = json!({"type": "req", "id": "c", "method": "connect", "params": hello.params(nonce)});
    let mut frame = Vec::new();
    masked(&mut frame, TEXT, request.to_string().as_bytes());
    frame
}
