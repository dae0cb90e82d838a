//! WebSocket frames: out of what a socket read, and into what a socket writes.

use pincer_buffers::Pool;
use pincer_shard::Limits;
use pincer_ws::{Decoder, Incoming, encode};
use serde_json::json;

use crate::micro::case::{Case, Operation, Steps};
use crate::micro::world::{masked, request};

pub(in crate::micro) const CASES: &[Case] = &[
    Case { name: "ws.decode.small", unit: "frame", each: 1, warm: 10, count: 5_000, make: small },
    Case { name: "ws.decode.16k", unit: "frame", each: 1, warm: 10, count: 1_000, make: long },
    Case { name: "ws.decode.split", unit: "frame", each: 1, warm: 10, count: 2_000, make: split },
    Case { name: "ws.encode.256", unit: "frame", each: 1, warm: 10, count: 5_000, make: encode },
];

struct Decoding {
    decoder: Decoder,
    pool: Pool,
    frame: Vec<u8>,
    /// What the socket read: decoding overwrites it.
    read: Vec<u8>,
    /// Where the socket stopped in between.
    cut: usize,
    messages: u64,
}

impl Decoding {
    fn take(&mut self, from: usize, to: usize) {
        let mut input = &mut self.read[from..to];
        while let Some(incoming) = self.decoder.next(&mut input, &mut self.pool).unwrap() {
            if let Incoming::Text(_) = incoming {
                self.messages += 1;
            }
        }
    }
}

fn decoding(frame: Vec<u8>, cut: usize) -> Box<dyn Operation> {
    let limits = Limits::default();
    let state = Decoding {
        decoder: Decoder::new(limits.message_bytes_max as usize),
        pool: Pool::new(limits.pool()),
        read: frame.clone(),
        frame,
        cut,
        messages: 0,
    };
    Box::new(Steps {
        state,
        prepare: |state| state.read.copy_from_slice(&state.frame),
        run: |state| {
            if state.cut > 0 {
                state.take(0, state.cut);
            }
            state.take(state.cut, state.read.len());
        },
        check: |state, runs| assert_eq!(state.messages, runs),
    })
}

fn small() -> Box<dyn Operation> {
    decoding(request("health", &json!({})), 0)
}

fn long() -> Box<dyn Operation> {
    decoding(masked(&vec![b'x'; 16 << 10]), 0)
}

/// A small frame that came in two reads.
fn split() -> Box<dyn Operation> {
    decoding(request("health", &json!({})), 20)
}

fn encode() -> Box<dyn Operation> {
    Box::new(Steps {
        state: (Vec::<u8>::new(), [b'x'; 256]),
        prepare: |(out, _)| out.clear(),
        run: |(out, payload)| encode::append_text_with(out, |out| out.extend_from_slice(&payload[..])),
        check: |(out, payload), _| assert_eq!(out.len(), payload.len() + 4),
    })
}
