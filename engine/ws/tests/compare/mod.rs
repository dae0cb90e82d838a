//! What our decoder and tungstenite's make of a stream, in the same terms. Shared with the fuzz target `ws_decode`.

use std::io::{self, Read, Write};

use pincer_buffers::{Pool, PoolLimits};
use pincer_ws::{Decoder, Incoming};
use tungstenite::error::{CapacityError, ProtocolError};
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Error, Message, WebSocket};

/// Limit on messages and frames; small, so that streams often pass it.
const MESSAGE_BYTES_MAX: usize = 2000;

/// What happened, in terms both sides can be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
    /// The peer is refused with this close code.
    Refused(u16),
    /// The bytes ended first.
    Starved,
}

/// Reads in the given pieces, then end of file.
struct Pieces<'a> {
    rest: &'a [u8],
    cuts: std::iter::Cycle<std::slice::Iter<'a, usize>>,
}

impl<'a> Pieces<'a> {
    fn new(rest: &'a [u8], cuts: &'a [usize]) -> Pieces<'a> {
        Pieces { rest, cuts: cuts.iter().cycle() }
    }

    fn next(&mut self, most: usize) -> &'a [u8] {
        let len = self.cuts.next().copied().unwrap_or(1).min(most).min(self.rest.len());
        let (piece, rest) = self.rest.split_at(len);
        self.rest = rest;
        piece
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let piece = self.next(into.len());
        into[..piece.len()].copy_from_slice(piece);
        Ok(piece.len())
    }
}

impl Write for Pieces<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What our decoder makes of it.
pub(crate) fn decode(stream: &[u8], cuts: &[usize]) -> Vec<Event> {
    let mut pool = Pool::new(PoolLimits { retained_bytes_max: 1 << 16, leased_bytes_max: 1 << 20 });
    let mut decoder = Decoder::new(MESSAGE_BYTES_MAX);
    let mut pieces = Pieces::new(stream, cuts);
    let mut events = Vec::new();
    'reads: while !pieces.rest.is_empty() {
        let mut read = pieces.next(usize::MAX).to_vec();
        let mut input = &mut read[..];
        loop {
            assert!(decoder.held_bytes() <= MESSAGE_BYTES_MAX + 125);
            events.push(match decoder.next(&mut input, &mut pool) {
                Ok(None) => break,
                Ok(Some(Incoming::Text(text))) => Event::Text(text.to_vec()),
                Ok(Some(Incoming::Binary(bytes))) => Event::Binary(bytes.to_vec()),
                Ok(Some(Incoming::Ping(bytes))) => Event::Ping(bytes.to_vec()),
                Ok(Some(Incoming::Pong(bytes))) => Event::Pong(bytes.to_vec()),
                Ok(Some(Incoming::Close(close))) => {
                    events.push(Event::Close(close.map(|close| (close.code, close.reason.to_owned()))));
                    break 'reads;
                }
                Err(reason) => {
                    events.push(Event::Refused(reason.code()));
                    break 'reads;
                }
            });
        }
    }
    decoder.release(&mut pool);
    assert_eq!((pool.stats().leased, pool.stats().leased_bytes), (0, 0));
    if !matches!(events.last(), Some(Event::Close(_) | Event::Refused(_))) {
        events.push(Event::Starved);
    }
    events
}

fn tungstenites(stream: &[u8], cuts: &[usize]) -> Vec<Event> {
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX));
    let mut socket = WebSocket::from_raw_socket(Pieces::new(stream, cuts), Role::Server, Some(config));
    let mut events = Vec::new();
    loop {
        let end = match socket.read() {
            Ok(Message::Text(text)) => {
                events.push(Event::Text(text.as_bytes().to_vec()));
                continue;
            }
            Ok(Message::Binary(bytes)) => {
                events.push(Event::Binary(bytes.to_vec()));
                continue;
            }
            Ok(Message::Ping(bytes)) => {
                events.push(Event::Ping(bytes.to_vec()));
                continue;
            }
            Ok(Message::Pong(bytes)) => {
                events.push(Event::Pong(bytes.to_vec()));
                continue;
            }
            // Its way of answering a close code that may not be sent.
            Ok(Message::Close(Some(close)))
                if u16::from(close.code) == 1002 && close.reason.as_str() == "Protocol violation" =>
            {
                Event::Refused(1002)
            }
            Ok(Message::Close(close)) => {
                Event::Close(close.map(|close| (close.code.into(), close.reason.to_string())))
            }
            Ok(Message::Frame(_)) => unreachable!("reading never gives raw frames"),
            Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => Event::Starved,
            Err(Error::Protocol(_)) => Event::Refused(1002),
            Err(Error::Utf8(_)) => Event::Refused(1007),
            Err(Error::Capacity(CapacityError::MessageTooLong { .. })) => Event::Refused(1009),
            Err(other) => panic!("{other:?}"),
        };
        events.push(end);
        return events;
    }
}

/// Compares both on one stream, read in pieces of the lengths `cuts`, over and over. Panics where they differ.
pub(crate) fn check(stream: &[u8], cuts: &[usize]) {
    let ours = decode(stream, cuts);
    let theirs = tungstenites(stream, cuts);
    let (Some((our_end, our_messages)), Some((their_end, their_messages))) =
        (ours.split_last(), theirs.split_last())
    else {
        panic!("both end somehow");
    };
    assert_eq!(our_messages, their_messages);
    // We refuse as soon as the fault is seen; tungstenite waits for the whole frame, which here may never come, and
    // after bad text inside a frame may find the next fault only.
    let early = matches!(our_end, Event::Refused(_)) && *their_end == Event::Starved;
    assert!(early || our_end == their_end, "{our_end:?} but tungstenite {their_end:?}");
}
