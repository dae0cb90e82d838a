//! A blocking client of a gateway, for the command line.
//!
//! Speaks both generations: it offers protocol 3 to 4 and takes what the gateway answers. Every connection carries this
//! machine's device identity, as upstream's command line does. One call at a time; events that arrive meanwhile wait in
//! a bounded queue.
//!
//! Start with [`Endpoint::parse`] and [`Client::connect`].

mod endpoint;
mod error;
mod explain;
mod frame;
mod handshake;
mod identity;
#[cfg(test)]
pub(crate) mod standin;
mod tokens;
mod transport;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde_json::Value;

pub(crate) use endpoint::Endpoint;
pub(crate) use error::{ClientError, ServerError};
pub(crate) use frame::Event;
pub(crate) use handshake::{Credentials, Hello, Offer, Origin, Proto, now_ms};
pub(crate) use identity::Identity;
pub(crate) use tokens::DeviceTokens;

use frame::Incoming;
use transport::Transport;
pub(crate) use transport::{http_status, reach};

/// Most events kept while a call is answered; the oldest goes first.
const EVENTS_MAX: usize = 1_024;

/// A connection that has said who it is.
#[derive(Debug)]
pub(crate) struct Client {
    transport: Transport,
    hello: Hello,
    calls: u64,
    events: VecDeque<Event>,
}

impl Client {
    /// Connects to `endpoint` and introduces itself as `offer` says, all within `timeout`.
    pub(crate) fn connect(
        endpoint: &Endpoint,
        offer: &Offer<'_>,
        timeout: Duration,
    ) -> Result<Client, ClientError> {
        let deadline = Instant::now() + timeout;
        let mut transport = Transport::open(endpoint, deadline)?;
        let mut events = VecDeque::new();
        let nonce = loop {
            match transport.receive(deadline) {
                Ok(Incoming::Event(event)) if event.name == "connect.challenge" => {
                    break event.payload.get("nonce").and_then(Value::as_str).map(str::to_owned);
                }
                Ok(_) => {}
                Err(ClientError::Timeout(_)) => return Err(ClientError::NoChallenge),
                Err(error) => return Err(error),
            }
        };
        let params = offer.params(nonce.as_deref())?;
        transport.send("connect", "connect", &params)?;
        let answer = await_response(&mut transport, &mut events, "connect", deadline, "connect")?;
        match answer {
            Ok(payload) => {
                let hello = Hello::read(payload)?;
                Ok(Client { transport, hello, calls: 0, events })
            }
            Err(refused) => Err(ClientError::Refused(refused)),
        }
    }

    /// What the gateway said of itself.
    pub(crate) fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Calls a method and waits for its answer.
    pub(crate) fn call(
        &mut self,
        method: &str,
        params: &Value,
        timeout: Duration,
    ) -> Result<Value, ClientError> {
        self.call_until(method, params, timeout, |_| true)
    }

    /// The same for methods that answer twice: `accepted` first, then the outcome, under one id.
    pub(crate) fn call_final(
        &mut self,
        method: &str,
        params: &Value,
        timeout: Duration,
    ) -> Result<Value, ClientError> {
        self.call_until(method, params, timeout, |payload| {
            payload.get("status").and_then(Value::as_str) != Some("accepted")
        })
    }

    fn call_until(
        &mut self,
        method: &str,
        params: &Value,
        timeout: Duration,
        done: impl Fn(&Value) -> bool,
    ) -> Result<Value, ClientError> {
        let deadline = Instant::now() + timeout;
        self.calls += 1;
        let id = format!("pincer-{}", self.calls);
        self.transport.send(&id, method, params)?;
        loop {
            match await_response(&mut self.transport, &mut self.events, &id, deadline, method)? {
                Ok(payload) if !done(&payload) => {}
                Ok(payload) => return Ok(payload),
                Err(error) => return Err(ClientError::Call { method: method.to_owned(), error }),
            }
        }
    }

    /// The next event, waiting up to `timeout`; `None` when none came.
    pub(crate) fn next_event(&mut self, timeout: Duration) -> Result<Option<Event>, ClientError> {
        if let Some(event) = self.events.pop_front() {
            return Ok(Some(event));
        }
        let deadline = Instant::now() + timeout;
        loop {
            match self.transport.receive(deadline) {
                Ok(Incoming::Event(event)) => return Ok(Some(event)),
                Ok(Incoming::Response { .. } | Incoming::Other) => {}
                Err(ClientError::Timeout(_)) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
    }

    /// Says goodbye; not waiting for the answer.
    pub(crate) fn close(mut self) {
        self.transport.close();
    }
}

/// Waits for the response to `id`; events go into `events`, responses to anything else are dropped.
fn await_response(
    transport: &mut Transport,
    events: &mut VecDeque<Event>,
    id: &str,
    deadline: Instant,
    method: &str,
) -> Result<Result<Value, Box<ServerError>>, ClientError> {
    loop {
        match transport.receive(deadline) {
            Ok(Incoming::Response { id: answered, outcome }) if answered == id => return Ok(outcome),
            Ok(Incoming::Event(event)) => {
                if events.len() >= EVENTS_MAX {
                    events.pop_front();
                }
                events.push_back(event);
            }
            Ok(_) => {}
            Err(ClientError::Timeout(_)) => return Err(ClientError::Timeout(method.to_owned())),
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests;
