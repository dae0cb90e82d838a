//! The event stream parser, on any bytes.
//!
//! Input: the length of the pieces less one, then the stream.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pincer_adapters::provider::sse::{SseError, SseEvent, SseParser};

type Event = (Vec<u8>, Vec<u8>);

fuzz_target!(|input: &[u8]| {
    let Some((length, stream)) = input.split_first() else { return };
    let events = read(&[stream]);
    let pieces: Vec<&[u8]> = stream.chunks(usize::from(*length) + 1).collect();
    assert_eq!(read(&pieces), events, "however it is cut");

    let mut written = Vec::new();
    for (name, data) in &events {
        written.extend([b"event: ", &name[..], b"\n"].concat());
        for line in data.split(|byte| *byte == b'\n') {
            written.extend([b"data: ", line, b"\n"].concat());
        }
        written.push(b'\n');
    }
    assert_eq!(read(&[&written]), events, "written again");
});

fn read(pieces: &[&[u8]]) -> Vec<Event> {
    let (mut parser, mut events) = (SseParser::default(), Vec::new());
    let mut note = |event: SseEvent<'_>| {
        events.push((event.name.to_vec(), event.data.to_vec()));
        Ok::<(), SseError>(())
    };
    for piece in pieces {
        parser.feed(piece, &mut note).expect("fuzzed streams are shorter than the bounds");
    }
    parser.finish(&mut note).expect("fuzzed streams are shorter than the bounds");
    events
}
