use pincer_buffers::PoolLimits;

use super::*;

/// What came out, owned, in order, with the reason it ended if it did.
#[derive(Debug, PartialEq, Eq, Clone)]
enum Got {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
    Error(CloseReason),
}

fn pool() -> Pool {
    Pool::new(PoolLimits { retained_bytes_max: 1 << 20, leased_bytes_max: 64 << 20 })
}

fn own(incoming: Incoming<'_>) -> Got {
    match incoming {
        Incoming::Text(text) => Got::Text(String::from_utf8(text.to_vec()).unwrap()),
        Incoming::Binary(bytes) => Got::Binary(bytes.to_vec()),
        Incoming::Ping(bytes) => Got::Ping(bytes.to_vec()),
        Incoming::Pong(bytes) => Got::Pong(bytes.to_vec()),
        Incoming::Close(close) => Got::Close(close.map(|close| (close.code, close.reason.to_owned()))),
    }
}

/// Feeds one read and takes everything out.
fn feed(decoder: &mut Decoder, pool: &mut Pool, read: &[u8]) -> Vec<Got> {
    let mut read = read.to_vec();
    let mut input = &mut read[..];
    let mut got = Vec::new();
    loop {
        match decoder.next(&mut input, pool) {
            Ok(Some(incoming)) => got.push(own(incoming)),
            Ok(None) => break,
            Err(reason) => got.push(Got::Error(reason)),
        }
    }
    assert!(input.is_empty(), "all input is consumed");
    got
}

/// Decodes `reads` and checks that all memory came home once the stream is between messages.
fn decode<'r>(max: usize, reads: impl IntoIterator<Item = &'r [u8]>) -> Vec<Got> {
    let (mut decoder, mut pool) = (Decoder::new(max), pool());
    let mut got = Vec::new();
    for read in reads {
        got.extend(feed(&mut decoder, &mut pool, read));
        if !decoder.is_mid_message() {
            assert_eq!((decoder.held_bytes(), pool.stats().leased), (0, 0));
        }
    }
    decoder.release(&mut pool);
    assert_eq!((pool.stats().leased, pool.stats().leased_bytes), (0, 0));
    got
}

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const FIN: u8 = 0x80;

/// A client frame with the shortest length form.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    frame_masked(first, MASK, payload)
}

fn frame_masked(first: u8, mask: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        len @ 0..=125 => bytes.push(0x80 | len as u8),
        len @ 126..=0xffff => {
            bytes.push(0x80 | 126);
            bytes.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            bytes.push(0x80 | 127);
            bytes.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    bytes.extend_from_slice(&mask);
    bytes.extend(payload.iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]));
    bytes
}

fn text(text: &str) -> Got {
    Got::Text(text.to_owned())
}

/// Checks a stream whole, split in two everywhere, and byte by byte.
#[track_caller]
fn check(frames: &[Vec<u8>], expected: &[Got]) {
    let stream = frames.concat();
    assert_eq!(decode(1 << 20, [&stream[..]]), expected, "whole");
    for at in 0..=stream.len() {
        let (first, second) = stream.split_at(at);
        assert_eq!(decode(1 << 20, [first, second]), expected, "split at {at}");
    }
    assert_eq!(decode(1 << 20, stream.chunks(1)), expected, "byte by byte");
}

#[test]
fn single_frames() {
    check(&[frame(FIN | 1, b"Hello")], &[text("Hello")]);
    check(&[frame(FIN | 1, b"")], &[text("")]);
    check(&[frame(FIN | 2, &[0, 255, 128])], &[Got::Binary(vec![0, 255, 128])]);
    check(&[frame(FIN | 9, b"are you")], &[Got::Ping(b"are you".to_vec())]);
    check(&[frame(FIN | 10, b"")], &[Got::Pong(vec![])]);
    check(&[frame(FIN | 9, &[7; 125])], &[Got::Ping(vec![7; 125])]);
    check(&[frame(FIN | 8, b"")], &[Got::Close(None)]);
    check(&[frame(FIN | 8, b"\x03\xe8bye")], &[Got::Close(Some((1000, "bye".to_owned())))]);
}

#[test]
fn lengths_around_the_forms() {
    for len in [125, 126, 127, 128] {
        check(&[frame(FIN | 1, &vec![b'a'; len])], &[text(&"a".repeat(len))]);
    }
    for len in [65_535, 65_536, 65_537, 300_000] {
        let stream = [frame(FIN | 2, &vec![7; len]), frame(FIN | 1, b"next")].concat();
        for chunk in [stream.len(), 65_536, 8192, 1460, 13] {
            assert_eq!(decode(1 << 20, stream.chunks(chunk)), [Got::Binary(vec![7; len]), text("next")]);
        }
    }
}

#[test]
fn lengths_need_not_be_minimal() {
    check(&[vec![FIN | 1, 0x80 | 126, 0, 1, 0, 0, 0, 0, b'a']], &[text("a")]);
    check(&[vec![FIN | 1, 0x80 | 127, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, b'a']], &[text("a")]);
}

#[test]
fn several_messages_in_one_read() {
    check(
        &[frame(FIN | 1, b"a"), frame(FIN | 9, b"b"), frame(FIN | 1, "c€".as_bytes())],
        &[text("a"), Got::Ping(b"b".to_vec()), text("c€")],
    );
}

#[test]
fn fragments_with_control_frames_between() {
    check(
        &[
            frame(1, b"one "),
            frame(FIN | 9, b"ping"),
            frame(0, b""),
            frame(0, b"two "),
            frame(FIN | 10, b""),
            frame(FIN, b"three"),
            frame(FIN | 1, b"next"),
        ],
        &[Got::Ping(b"ping".to_vec()), Got::Pong(vec![]), text("one two three"), text("next")],
    );
    check(&[frame(2, b""), frame(FIN, b"")], &[Got::Binary(vec![])]);
    check(&[frame(1, b""), frame(FIN | 9, b"p"), frame(FIN, b"a")], &[Got::Ping(b"p".to_vec()), text("a")]);
    check(&[frame(1, b"a"), frame(FIN | 8, b"")], &[Got::Close(None)]);
}

#[test]
fn characters_may_be_cut_between_fragments() {
    let smile = "😀".as_bytes();
    for at in 0..=4 {
        check(&[frame(1, &smile[..at]), frame(FIN, &smile[at..])], &[text("😀")]);
        check(
            &[frame(1, &smile[..at]), frame(FIN | 9, b"\xff"), frame(FIN, &smile[at..])],
            &[Got::Ping(b"\xff".to_vec()), text("😀")],
        );
    }
}

#[track_caller]
fn check_error(frames: &[Vec<u8>], reason: CloseReason, code: u16) {
    check(frames, &[Got::Error(reason)]);
    assert_eq!(reason.code(), code);
}

#[test]
fn what_breaks_the_protocol() {
    check_error(&[vec![FIN | 1, 1, b'a']], CloseReason::Unmasked, 1002);
    for bit in [0x40, 0x20, 0x10] {
        check_error(&[frame(FIN | bit | 1, b"a")], CloseReason::ReservedBits, 1002);
        check_error(&[frame(FIN | bit | 9, b"a")], CloseReason::ReservedBits, 1002);
    }
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        check_error(&[frame(FIN | opcode, b"a")], CloseReason::ReservedOpcode, 1002);
        check_error(&[frame(opcode, b"")], CloseReason::ReservedOpcode, 1002);
    }
    for opcode in [8, 9, 10] {
        check_error(&[frame(opcode, b"")], CloseReason::ControlFragmented, 1002);
        check_error(&[frame(FIN | opcode, &[0; 126])], CloseReason::ControlTooLong, 1002);
    }
    check_error(&[frame(FIN, b"a")], CloseReason::UnexpectedContinuation, 1002);
    check_error(&[frame(0, b"a")], CloseReason::UnexpectedContinuation, 1002);
    check_error(&[frame(1, b"a"), frame(FIN | 1, b"b")], CloseReason::ExpectedContinuation, 1002);
    check_error(&[frame(2, b"a"), frame(1, b"b")], CloseReason::ExpectedContinuation, 1002);
    check_error(&[frame(FIN | 8, b"\x03")], CloseReason::BadCloseLength, 1002);
    check_error(&[frame(FIN | 8, b"\x03\xed")], CloseReason::BadCloseCode(1005), 1002);
    check_error(&[frame(FIN | 8, b"\x03\xe8\xff")], CloseReason::InvalidUtf8, 1007);
}

#[test]
fn text_that_is_not_utf8() {
    for bad in [&b"a\xff"[..], b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"a\xe2\x82b"]
    {
        check_error(&[frame(FIN | 1, bad)], CloseReason::InvalidUtf8, 1007);
        for at in 0..bad.len() {
            check_error(&[frame(1, &bad[..at]), frame(FIN, &bad[at..])], CloseReason::InvalidUtf8, 1007);
        }
    }
}

#[test]
fn bad_text_is_refused_as_soon_as_it_is_seen() {
    // F4 may be followed by 80..8F only, so the second byte decides, inside the frame and between frames.
    let bytes = frame(FIN | 1, b"abc\xf4\x90\x80\x80and a lot more");
    let seen = 6 + 5;
    assert_eq!(decode(100, [&bytes[..seen - 1]]), []);
    assert_eq!(decode(100, [&bytes[..seen]]), [Got::Error(CloseReason::InvalidUtf8)]);
    assert_eq!(decode(100, [&frame(1, b"\xf4")[..]]), []);
    assert_eq!(
        decode(100, [&frame(1, b"\xf4")[..], &frame(0, b"\x90")]),
        [Got::Error(CloseReason::InvalidUtf8)]
    );
}

#[test]
fn messages_are_bounded() {
    let max = 1000;
    let exact = [frame(1, &[b'a'; 600]), frame(FIN, &[b'a'; 400])].concat();
    assert_eq!(decode(max, [&exact[..]]), [text(&"a".repeat(1000))]);
    let over = [frame(1, &[b'a'; 600]), frame(FIN, &[b'a'; 401])].concat();
    assert_eq!(decode(max, [&over[..]]), [Got::Error(CloseReason::MessageTooBig)]);
    assert_eq!(decode(max, [&frame(FIN | 2, &[0; 1000])[..]]), [Got::Binary(vec![0; 1000])]);
    // Refused by the header alone, before a byte of it is kept.
    assert_eq!(decode(max, [&frame(FIN | 2, &[0; 1001])[..8]]), [Got::Error(CloseReason::MessageTooBig)]);
    for len in [1 << 32, 1 << 63, u64::MAX] {
        let mut header = vec![FIN | 2, 0xff];
        header.extend_from_slice(&u64::to_be_bytes(len));
        header.extend_from_slice(&MASK);
        assert_eq!(decode(max, [&header[..]]), [Got::Error(CloseReason::MessageTooBig)]);
        assert_eq!(decode(usize::MAX, [&header[..]]), [Got::Error(CloseReason::MessageTooBig)]);
    }
    assert_eq!(CloseReason::MessageTooBig.code(), 1009);
}

#[test]
fn the_limit_can_be_raised_between_messages() {
    let (mut decoder, mut pool) = (Decoder::new(10), pool());
    assert_eq!(feed(&mut decoder, &mut pool, &frame(FIN | 1, b"connect")), [text("connect")]);
    decoder.set_message_bytes_max(20);
    let long = "a".repeat(20);
    assert_eq!(feed(&mut decoder, &mut pool, &frame(FIN | 1, long.as_bytes())), [text(&long)]);
    decoder.release(&mut pool);
}

#[test]
fn nothing_is_read_after_the_end() {
    for end in [frame(FIN | 8, b""), frame(FIN | 0x40, b"")] {
        let (mut decoder, mut pool) = (Decoder::new(100), pool());
        assert_eq!(feed(&mut decoder, &mut pool, &[&end[..], &frame(FIN | 1, b"late")].concat()).len(), 1);
        assert_eq!(feed(&mut decoder, &mut pool, &frame(FIN | 1, b"later")), []);
        assert_eq!(pool.stats().leased, 0);
    }
}

#[test]
fn whole_frames_are_handed_out_where_they_lie() {
    let mut pool = pool();
    let mut decoder = Decoder::new(1000);
    let mut read = [frame(FIN | 1, b"first"), frame(FIN | 9, b"ping"), frame(FIN | 2, b"last")].concat();
    let place = read.as_ptr_range();
    let mut input = &mut read[..];
    let mut seen = 0;
    while let Some(incoming) = decoder.next(&mut input, &mut pool).unwrap() {
        let payload = match incoming {
            Incoming::Text(bytes) | Incoming::Binary(bytes) => &*bytes,
            Incoming::Ping(bytes) => bytes,
            other => panic!("{other:?}"),
        };
        assert!(place.contains(&payload.as_ptr()));
        seen += 1;
    }
    assert_eq!(seen, 3);
    assert_eq!(pool.stats().allocated, 0);
}

#[test]
fn a_promise_costs_no_memory() {
    let (mut decoder, mut pool) = (Decoder::new(26_214_400), pool());
    let bytes = frame(FIN | 2, &vec![0; 26_214_400]);
    feed(&mut decoder, &mut pool, &bytes[..14]);
    assert_eq!((decoder.held_bytes(), pool.stats().leased_bytes), (0, 0));
    assert!(decoder.is_mid_message());
    feed(&mut decoder, &mut pool, &bytes[14..15]);
    assert_eq!((decoder.held_bytes(), pool.stats().leased_bytes), (1, LEASE_AHEAD_BYTES));
    assert_eq!(feed(&mut decoder, &mut pool, &bytes[15..]), [Got::Binary(vec![0; 26_214_400])]);
    assert_eq!((decoder.held_bytes(), pool.stats().leased_bytes), (0, 0));
    decoder.release(&mut pool);
}

#[test]
fn without_buffers_the_peer_is_told_to_come_back() {
    let mut pool = Pool::new(PoolLimits { retained_bytes_max: 0, leased_bytes_max: 1024 });
    let mut decoder = Decoder::new(10_000);
    let bytes = frame(FIN | 2, &[0; 5000]);
    // 1000 bytes fit, if only what is needed is leased.
    assert_eq!(feed(&mut decoder, &mut pool, &bytes[..2000]), [Got::Error(CloseReason::Overloaded)]);
    assert_eq!(CloseReason::Overloaded.code(), 1013);
    assert_eq!(pool.stats().leased, 0);
}

#[test]
fn every_mask_and_alignment() {
    let payload = "mask me if you can, at any place".as_bytes();
    for at in 0..9 {
        for mask in [[0, 0, 0, 0], [1, 2, 3, 4], [255, 0, 255, 0]] {
            check(
                &[frame(FIN | 9, &vec![0; at]), frame_masked(FIN | 1, mask, payload)],
                &[Got::Ping(vec![0; at]), text("mask me if you can, at any place")],
            );
        }
    }
}
