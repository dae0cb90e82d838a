//! The decoder against tungstenite's on the same bytes: same messages, same end.
//!
//! Streams are made of random frames, mostly lawful, then sometimes damaged, and cut into random reads.

#![allow(clippy::panic, clippy::indexing_slicing)] // a test; clippy does not count helpers of integration tests as such

mod compare;

use std::io::{Cursor, Read, Write};

use compare::{check, decode};
use pincer_ws::encode;
use proptest::prelude::*;
use tungstenite::protocol::Role;
use tungstenite::{Message, WebSocket};

/// A frame of a client, with everything that can be wrong with one.
#[derive(Debug, Clone)]
struct Wire {
    first: u8,
    masked: bool,
    mask: [u8; 4],
    /// 0: shortest, 1: at least 16 bits, 2: 64 bits.
    form: u8,
    payload: Vec<u8>,
}

impl Wire {
    fn append(&self, out: &mut Vec<u8>) {
        let bit = if self.masked { 0x80 } else { 0 };
        out.push(self.first);
        match (self.form, self.payload.len()) {
            (0, len @ 0..=125) => out.push(bit | len as u8),
            (0 | 1, len @ 0..=0xffff) => {
                out.push(bit | 126);
                out.extend_from_slice(&(len as u16).to_be_bytes());
            }
            (_, len) => {
                out.push(bit | 127);
                out.extend_from_slice(&(len as u64).to_be_bytes());
            }
        }
        if self.masked {
            out.extend_from_slice(&self.mask);
            out.extend(self.payload.iter().zip(self.mask.iter().cycle()).map(|(byte, key)| byte ^ key));
        } else {
            out.extend_from_slice(&self.payload);
        }
    }
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => "\\PC{0,20}".prop_map(String::into_bytes),
        2 => "[a-z€😀]{0,200}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..40),
        1 => (0usize..2200).prop_map(|len| vec![b'x'; len]),
    ]
}

fn wire(
    first: impl Strategy<Value = u8>,
    payload: impl Strategy<Value = Vec<u8>>,
) -> impl Strategy<Value = Wire> {
    let form = prop_oneof![8 => Just(0u8), 1 => Just(1), 1 => Just(2)];
    let masked = prop::bool::weighted(0.98);
    (first, masked, any::<[u8; 4]>(), form, payload).prop_map(|(first, masked, mask, form, payload)| Wire {
        first,
        masked,
        mask,
        form,
        payload,
    })
}

/// A message in one or more frames, cut anywhere, with control frames between.
fn message() -> impl Strategy<Value = Vec<Wire>> {
    let control = || {
        let first = prop_oneof![5 => Just(0x89u8), 5 => Just(0x8a), 1 => Just(0x88)];
        let close = (prop_oneof![3 => 1000u16..1016, 1 => any::<u16>()], "\\PC{0,10}")
            .prop_map(|(code, reason)| [&code.to_be_bytes()[..], reason.as_bytes()].concat());
        let payload = prop_oneof![3 => payload(), 1 => close, 1 => Just(vec![])];
        prop::collection::vec(wire(first, payload), 0..2)
    };
    let cuts = prop::collection::vec((any::<prop::sample::Index>(), control()), 0..4);
    (wire(prop_oneof![2 => Just(1u8), 1 => Just(2)], payload()), cuts, control()).prop_map(
        |(whole, cuts, mut behind)| {
            let mut frames = Vec::new();
            let mut rest = whole.payload.clone();
            let mut first = whole.first;
            for (at, controls) in cuts {
                let tail = rest.split_off(at.index(rest.len() + 1));
                frames.push(Wire { first, payload: std::mem::replace(&mut rest, tail), ..whole.clone() });
                frames.extend(controls);
                first = 0;
            }
            frames.push(Wire { first: 0x80 | first, payload: rest, ..whole });
            frames.append(&mut behind);
            frames
        },
    )
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let frames = prop_oneof![
        8 => prop::collection::vec(message(), 0..6).prop_map(|messages| messages.concat()),
        1 => prop::collection::vec(wire(any::<u8>(), payload()), 0..6),
    ];
    let damage = prop_oneof![
        3 => Just(Vec::new()),
        1 => prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ];
    (frames, damage, prop::option::weighted(0.3, any::<prop::sample::Index>())).prop_map(
        |(frames, damage, cut)| {
            let mut bytes = Vec::new();
            for frame in &frames {
                frame.append(&mut bytes);
            }
            for (at, value) in damage {
                if !bytes.is_empty() {
                    let at = at.index(bytes.len());
                    bytes[at] = value;
                }
            }
            if let Some(cut) = cut {
                bytes.truncate(cut.index(bytes.len() + 1));
            }
            bytes
        },
    )
}

fn cuts() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![
        Just(vec![usize::MAX]),
        Just(vec![1]),
        prop::collection::vec(1usize..40, 1..10),
        prop::collection::vec(1usize..2000, 1..10),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn same_messages_and_same_end(stream in stream(), cuts in cuts()) {
        check(&stream, &cuts);
    }

    #[test]
    fn how_reads_are_cut_makes_no_difference(stream in stream(), cuts in cuts()) {
        prop_assert_eq!(decode(&stream, &cuts), decode(&stream, &[usize::MAX]));
    }

    #[test]
    fn noise(stream in prop::collection::vec(any::<u8>(), 0..200), cuts in cuts()) {
        check(&stream, &cuts);
    }

    /// A client of tungstenite's reads what we write.
    #[test]
    fn our_frames_are_understood(texts in prop::collection::vec("\\PC{0,300}", 0..5), long in 0usize..70_000, code in 3000u16..5000) {
        let long = "x".repeat(long);
        let texts: Vec<&str> = texts.iter().map(String::as_str).chain([long.as_str()]).collect();
        let mut out = Vec::new();
        for text in &texts {
            encode::append_text(&mut out, text.as_bytes());
            encode::append_ping(&mut out, b"ping");
            encode::append_text_with(&mut out, |out| out.extend_from_slice(text.as_bytes()));
        }
        encode::append_binary(&mut out, b"\xff");
        encode::append_pong(&mut out, b"");
        encode::append_close(&mut out, code, &long);

        let mut client = WebSocket::from_raw_socket(OneWay(Cursor::new(out)), Role::Client, None);
        for text in &texts {
            prop_assert_eq!(client.read()?, Message::text(*text));
            prop_assert_eq!(client.read()?, Message::Ping(b"ping"[..].into()));
            prop_assert_eq!(client.read()?, Message::text(*text));
        }
        prop_assert_eq!(client.read()?, Message::Binary(b"\xff"[..].into()));
        prop_assert_eq!(client.read()?, Message::Pong(b""[..].into()));
        let Message::Close(Some(close)) = client.read()? else { panic!("a close frame") };
        prop_assert_eq!(u16::from(close.code), code);
        prop_assert_eq!(close.reason.as_str(), &long[..long.len().min(123)]);
    }
}

/// Gives what we wrote; swallows what the client answers.
struct OneWay(Cursor<Vec<u8>>);

impl Read for OneWay {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(into)
    }
}

impl Write for OneWay {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
