//! The JSON of requests, responses and events.

use pincer_protocol::Wire;
use pincer_protocol::event::EncodedEvent;
use pincer_protocol::frame::{RequestFrame, write_ok_for};
use pincer_protocol::json::Parser;
use pincer_protocol::method::chat::SendParams;
use serde_json::{Value, json};

use crate::micro::case::{Case, Operation, Steps};

pub(in crate::micro) const CASES: &[Case] = &[
    Case { name: "envelope.parse", unit: "request", each: 1, warm: 10, count: 5_000, make: health },
    Case { name: "envelope.parse.chat", unit: "request", each: 1, warm: 10, count: 2_000, make: chat },
    Case { name: "response.encode", unit: "response", each: 1, warm: 10, count: 5_000, make: response },
    Case { name: "event.encode", unit: "event", each: 1, warm: 10, count: 2_000, make: event },
];

struct Parsing {
    parser: Parser,
    text: Vec<u8>,
    /// Parsing overwrites it.
    read: Vec<u8>,
    well: u64,
}

fn parsing(request: &Value, run: fn(&mut Parsing)) -> Box<dyn Operation> {
    let text = request.to_string().into_bytes();
    Box::new(Steps {
        state: Parsing { parser: Parser::default(), read: text.clone(), text, well: 0 },
        prepare: |state| state.read.copy_from_slice(&state.text),
        run,
        check: |state, runs| assert_eq!(state.well, runs),
    })
}

fn health() -> Box<dyn Operation> {
    parsing(&json!({"type": "req", "id": "request-1", "method": "health", "params": {}}), |state| {
        let well = state.parser.parse(&mut state.read, |root| RequestFrame::read(root, Wire::V4).is_ok());
        state.well += u64::from(well.unwrap());
    })
}

/// With its params, typed.
fn chat() -> Box<dyn Operation> {
    let params = json!({
        "sessionKey": "agent:main:main", "message": "What is on for today, and what can wait until Monday?",
        "idempotencyKey": "4fb0f4a1-2a07-4e8a-9d54-3a7f3d6a9f10",
    });
    parsing(&json!({"type": "req", "id": "request-1", "method": "chat.send", "params": params}), |state| {
        let well = state.parser.parse(&mut state.read, |root| {
            let request = RequestFrame::read(root, Wire::V4).unwrap();
            request.params.unwrap().decode::<SendParams>().is_ok()
        });
        state.well += u64::from(well.unwrap());
    })
}

fn response() -> Box<dyn Operation> {
    #[derive(serde::Serialize)]
    struct Payload {
        ok: bool,
        ts: u64,
        status: &'static str,
    }
    Box::new(Steps {
        state: Vec::new(),
        prepare: |out: &mut Vec<u8>| out.clear(),
        run: |out| write_ok_for(out, "request-1", &Payload { ok: true, ts: 1_800_000_000_000, status: "ok" }),
        check: |out, _| assert!(out.ends_with(b"}}")),
    })
}

/// A delta of an answer, encoded once and written for one connection.
fn event() -> Box<dyn Operation> {
    let payload = json!({
        "runId": "4fb0f4a1-2a07-4e8a-9d54-3a7f3d6a9f10", "sessionKey": "agent:main:main", "seq": 7, "state": "delta",
        "message": {"role": "assistant", "content": [{"type": "text", "text": "On Monday there is the review."}]},
    });
    Box::new(Steps {
        state: (Vec::<u8>::new(), payload),
        prepare: |(out, _)| out.clear(),
        run: |(out, payload)| EncodedEvent::new("chat", payload, None).write(out, Some(4_711)),
        check: |(out, _), _| assert!(out.ends_with(b"\"seq\":4711}")),
    })
}
