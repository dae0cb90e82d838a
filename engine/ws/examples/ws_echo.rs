//! An echo server made of this codec, a thread per connection: what Autobahn's test suite talks to.
//!
//! `cargo run --release --example ws_echo -- 127.0.0.1:9001` prints the address it listens on, then serves until killed.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

use pincer_buffers::{Pool, PoolLimits};
use pincer_ws::http::{Head, HeadStatus, ResponseOptions, simple_response, upgrade_response};
use pincer_ws::{Decoder, Incoming, encode};

/// The gateway's own limit after `connect`.
const MESSAGE_BYTES_MAX: usize = 26_214_400;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let listener = TcpListener::bind(address)?;
    writeln!(io::stdout(), "listening on {}", listener.local_addr()?)?;
    for stream in listener.incoming() {
        let stream = stream?;
        std::thread::spawn(move || {
            if let Err(error) = serve(stream) {
                let _ = writeln!(io::stderr(), "{error}");
            }
        });
    }
    Ok(())
}

fn serve(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut read = vec![0; 64 << 10];
    let Some(mut filled) = shake_hands(&mut stream, &mut read)? else { return Ok(()) };

    let mut pool = Pool::new(PoolLimits { retained_bytes_max: 1 << 20, leased_bytes_max: 64 << 20 });
    let mut decoder = Decoder::new(MESSAGE_BYTES_MAX);
    let mut out = Vec::new();
    loop {
        let mut input = read.get_mut(..filled).unwrap_or_default();
        let ended = answer(&mut decoder, &mut pool, &mut input, &mut out);
        stream.write_all(&out)?;
        out.clear();
        out.shrink_to(1 << 20);
        if ended {
            return linger(&mut stream, &mut read);
        }
        filled = stream.read(&mut read)?;
        if filled == 0 {
            return Ok(());
        }
    }
}

/// Answers everything in `input` into `out`. Returns whether that ended the conversation.
fn answer(decoder: &mut Decoder, pool: &mut Pool, input: &mut &mut [u8], out: &mut Vec<u8>) -> bool {
    loop {
        match decoder.next(input, pool) {
            Ok(None) => return false,
            Ok(Some(Incoming::Text(text))) => encode::append_text(out, text),
            Ok(Some(Incoming::Binary(bytes))) => encode::append_binary(out, bytes),
            Ok(Some(Incoming::Ping(payload))) => encode::append_pong(out, payload),
            Ok(Some(Incoming::Pong(_))) => {}
            Ok(Some(Incoming::Close(close))) => {
                match close {
                    Some(close) => encode::append_close(out, close.code, close.reason),
                    None => encode::append_close_empty(out),
                }
                return true;
            }
            Err(reason) => {
                encode::append_close(out, reason.code(), "");
                return true;
            }
        }
    }
}

/// Upgrades the connection. Returns how much of `read` is already WebSocket; `None` when there is no WebSocket.
fn shake_hands(stream: &mut TcpStream, read: &mut [u8]) -> io::Result<Option<usize>> {
    let mut filled = 0;
    loop {
        match stream.read(read.get_mut(filled..).unwrap_or_default())? {
            0 => return Ok(None),
            more => filled += more,
        }
        let (response, head_len) = match Head::parse(read.get(..filled).unwrap_or_default()) {
            HeadStatus::Partial => continue,
            HeadStatus::Complete { head, len } => match upgrade_response(&head) {
                Ok(response) => (response, Some(len)),
                Err(refusal) => (refusal.response(), None),
            },
            HeadStatus::Bad(status) => {
                let options = ResponseOptions { head_only: false, keep_alive: false };
                (simple_response(status, "text/plain", b"", &[], options), None)
            }
        };
        stream.write_all(&response)?;
        return Ok(head_len.map(|len| {
            read.copy_within(len..filled, 0);
            filled - len
        }));
    }
}

/// Lets the peer read our last words: closing with its bytes unread would reset the connection.
fn linger(stream: &mut TcpStream, read: &mut [u8]) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    while matches!(stream.read(read), Ok(1..)) {}
    Ok(())
}
