//! What every peer says, whatever carries it: the gateway's handshake, its `health`, and one event for everybody.
//!
//! The texts under `answers/` were taken from the gateway, so that all servers move the same bytes. A request is really
//! parsed and its id written into the answer; like the gateway, a peer keeps the payload of `health` encoded.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

/// What a client hears first.
pub const CHALLENGE: &str = include_str!("../answers/challenge.json");
const HELLO_OK: &str = include_str!("../answers/hello-ok.json");
const HEALTH: &str = include_str!("../answers/health.json");
const EVENT: &str = include_str!("../answers/event.json");

/// Bytes an answer to `health` has at most besides its id; for buffers.
pub const ANSWER_BYTES: usize = 4096;

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Connect<'a> {
    #[serde(borrow)]
    auth: Auth<'a>,
}

#[derive(Deserialize)]
struct Auth<'a> {
    #[serde(borrow)]
    token: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Inject<'a> {
    #[serde(borrow)]
    message: Cow<'a, str>,
}

/// What became of a request. Its answer was appended unless it broke the protocol.
pub enum Outcome {
    /// It was answered.
    Answered,
    /// It was answered, and everybody gets this event.
    Published(String),
    /// The connection is to be closed.
    Broken,
}

/// What is the same for all connections.
pub struct Gateway {
    token: String,
    published: u64,
    event: (&'static str, &'static str),
}

impl Gateway {
    /// One that lets in who knows `token`.
    pub fn new(token: String) -> Gateway {
        let event = EVENT.trim_end().split_once("\"TEXT\"").unwrap_or((EVENT, ""));
        Gateway { token, published: 0, event }
    }

    /// Appends the answer to one request to `out`. `opened` says whether the connection has passed `connect`.
    pub fn answer(&mut self, request: &[u8], opened: &mut bool, out: &mut Vec<u8>) -> Outcome {
        let Ok(request) = serde_json::from_slice::<Request<'_>>(request) else { return Outcome::Broken };
        if request.kind != "req" || *opened == (request.method == "connect") {
            return Outcome::Broken;
        }
        match &*request.method {
            "connect" => {
                let params = request.params.map_or("null", RawValue::get);
                match serde_json::from_str::<Connect<'_>>(params) {
                    Ok(connect) if connect.auth.token == self.token => {}
                    _ => return Outcome::Broken,
                }
                *opened = true;
                respond(out, &request.id, HELLO_OK.trim_end());
                Outcome::Answered
            }
            "health" => {
                respond(out, &request.id, HEALTH.trim_end());
                Outcome::Answered
            }
            "chat.inject" => {
                let params = request.params.map_or("null", RawValue::get);
                let Ok(inject) = serde_json::from_str::<Inject<'_>>(params) else { return Outcome::Broken };
                self.published += 1;
                let text = serde_json::to_string(&inject.message).unwrap_or_default();
                let (head, tail) = self.event;
                let event = format!("{head}{text}{tail},\"seq\":{}}}", self.published);
                respond(out, &request.id, "{\"ok\":true,\"messageId\":\"00000000\"}");
                Outcome::Published(event)
            }
            _ => {
                out.extend_from_slice(b"{\"type\":\"res\",\"id\":");
                id_into(out, &request.id);
                out.extend_from_slice(
                    b",\"ok\":false,\"error\":{\"code\":\"INVALID_REQUEST\",\"message\":\"unknown method\"}}",
                );
                Outcome::Answered
            }
        }
    }
}

fn respond(out: &mut Vec<u8>, id: &str, payload: &str) {
    out.extend_from_slice(b"{\"type\":\"res\",\"id\":");
    id_into(out, id);
    out.extend_from_slice(b",\"ok\":true,\"payload\":");
    out.extend_from_slice(payload.as_bytes());
    out.push(b'}');
}

fn id_into(out: &mut Vec<u8>, id: &str) {
    let _ = serde_json::to_writer(out, id); // into memory: cannot fail
}

/// `PORT TOKEN`, the peers' only arguments.
pub fn arguments() -> (u16, String) {
    let mut words = std::env::args().skip(1);
    let port = words.next().and_then(|port| port.parse().ok());
    match (port, words.next()) {
        (Some(port), Some(token)) => (port, token),
        _ => {
            eprintln!("usage: peer PORT TOKEN");
            std::process::exit(2);
        }
    }
}
