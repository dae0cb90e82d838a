//! The `fastwebsockets` peer: one thread of tokio, one write for all that was read at once, an event written directly to
//! every socket. That is more care than the library's examples take, and what somebody would do who wants it fast.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::poll_fn;
use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use fastwebsockets::{Frame, OpCode, Payload, Role, WebSocketError, after_handshake_split};
use pincer_peers::{ANSWER_BYTES, CHALLENGE, Gateway, Outcome, arguments};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{LocalSet, spawn_local};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Longest head of an upgrade, in bytes.
const HEAD_MAX: usize = 4096;

/// The sending side of one connection.
struct Outgoing {
    half: OwnedWriteHalf,
    /// What the socket did not take; while it is not empty, a task sends it.
    waiting: RefCell<Vec<u8>>,
}

struct Server {
    gateway: RefCell<Gateway>,
    everybody: RefCell<HashMap<u64, Rc<Outgoing>>>,
    /// Answers on their way, of the one connection that is being served.
    scratch: RefCell<Vec<u8>>,
    /// Room for one answer.
    answer: RefCell<Vec<u8>>,
}

fn main() {
    let (port, token) = arguments();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
    LocalSet::new().block_on(&runtime, listen(port, token));
}

async fn listen(port: u16, token: String) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.expect("the port");
    let server = Rc::new(Server {
        gateway: RefCell::new(Gateway::new(token)),
        everybody: RefCell::default(),
        scratch: RefCell::default(),
        answer: RefCell::new(Vec::with_capacity(ANSWER_BYTES)),
    });
    for number in 0.. {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let server = Rc::clone(&server);
        spawn_local(async move {
            let _ = serve(&server, number, stream).await; // a client that went away
            // Nothing was awaited since these were made, so they are this connection's.
            server.scratch.borrow_mut().clear();
            server.everybody.borrow_mut().remove(&number);
        });
    }
}

async fn serve(server: &Rc<Server>, number: u64, mut stream: TcpStream) -> Result<(), WebSocketError> {
    stream.set_nodelay(true)?;
    upgrade(&mut stream).await?;
    let (read, half) = stream.into_split();
    let outgoing = Rc::new(Outgoing { half, waiting: RefCell::default() });
    // The library reads; frames are written by `put`, several at once.
    let (mut read, _) = after_handshake_split(read, tokio::io::sink(), Role::Server);
    let mut out = Vec::new();
    put(&mut out, CHALLENGE.trim_end().as_bytes());
    send(&outgoing, &out);
    drop(out);
    let mut opened = false;
    let mut sent = async |_: Frame<'_>| Ok::<(), WebSocketError>(());
    loop {
        let frame = {
            let mut next = pin!(read.read_frame(&mut sent));
            let at_once = poll_fn(|cx| match next.as_mut().poll(cx) {
                Poll::Ready(frame) => Poll::Ready(Some(frame)),
                Poll::Pending => Poll::Ready(None),
            });
            match at_once.await {
                Some(frame) => frame?,
                None => {
                    // All that was read is answered.
                    let mut scratch = server.scratch.borrow_mut();
                    if !scratch.is_empty() {
                        send(&outgoing, &scratch);
                        scratch.clear();
                    }
                    drop(scratch);
                    next.await?
                }
            }
        };
        match frame.opcode {
            OpCode::Text | OpCode::Binary => {}
            OpCode::Close => return Ok(()),
            _ => continue,
        }
        let before = opened;
        let mut answer = server.answer.borrow_mut();
        answer.clear();
        let outcome = server.gateway.borrow_mut().answer(&frame.payload, &mut opened, &mut answer);
        match outcome {
            Outcome::Answered => {}
            Outcome::Published(event) => {
                let mut out = Vec::new();
                put(&mut out, event.as_bytes());
                for outgoing in server.everybody.borrow().values() {
                    send(outgoing, &out);
                }
            }
            Outcome::Broken => return Ok(()),
        }
        put(&mut server.scratch.borrow_mut(), &answer);
        if opened && !before {
            server.everybody.borrow_mut().insert(number, Rc::clone(&outgoing));
        }
    }
}

/// Appends a text frame.
fn put(out: &mut Vec<u8>, text: &[u8]) {
    let mut head = [0; 16];
    let length = Frame::text(Payload::Borrowed(text)).fmt_head(&mut head);
    out.extend_from_slice(&head[..length]);
    out.extend_from_slice(text);
}

/// Sends now what the socket takes, the rest when it takes more.
fn send(outgoing: &Rc<Outgoing>, bytes: &[u8]) {
    let mut waiting = outgoing.waiting.borrow_mut();
    if !waiting.is_empty() {
        return waiting.extend_from_slice(bytes);
    }
    let taken = match outgoing.half.try_write(bytes) {
        Ok(taken) => taken,
        Err(e) if e.kind() == ErrorKind::WouldBlock => 0,
        Err(_) => return, // the reader notices
    };
    if taken < bytes.len() {
        waiting.extend_from_slice(&bytes[taken..]);
        spawn_local(drain(Rc::clone(outgoing)));
    }
}

async fn drain(outgoing: Rc<Outgoing>) {
    while outgoing.half.writable().await.is_ok() {
        let mut waiting = outgoing.waiting.borrow_mut();
        match outgoing.half.try_write(&waiting) {
            Ok(taken) => drop(waiting.drain(..taken)),
            Err(e) if e.kind() == ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
        if waiting.is_empty() {
            *waiting = Vec::new();
            return;
        }
    }
}

async fn upgrade(stream: &mut TcpStream) -> Result<(), WebSocketError> {
    let mut head = Vec::with_capacity(512);
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > HEAD_MAX || stream.read_buf(&mut head).await? == 0 {
            return Err(WebSocketError::ConnectionClosed);
        }
    }
    let text = String::from_utf8_lossy(&head);
    let key = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("sec-websocket-key").then(|| value.trim().to_owned())
    });
    let key = key.ok_or(WebSocketError::MissingSecWebSocketKey)?;
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\r\n",
        derive_accept_key(key.as_bytes())
    );
    stream.write_all(answer.as_bytes()).await?;
    Ok(())
}
