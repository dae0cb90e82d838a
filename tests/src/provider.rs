//! A model provider for tests: an OpenAI-compatible endpoint on a free port that answers what the test says.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

/// How the next call is answered. Without one it is answered with `pong`.
#[derive(Debug, Clone)]
pub enum Reply {
    /// These pieces, so many milliseconds apart, as a stream.
    Stream(Vec<String>, u64),
    /// This status with this body.
    Status(u16, Value),
    /// Some words, and then the connection breaks.
    Break(Vec<String>),
}

#[derive(Debug, Default)]
struct State {
    replies: VecDeque<Reply>,
    requests: Vec<Value>,
    /// Streams whose reader went away before their end.
    cut: usize,
}

/// A running provider. Its thread lives as long as the test process.
#[derive(Debug, Clone)]
pub struct Provider {
    /// Where it listens.
    pub port: u16,
    state: Arc<Mutex<State>>,
}

impl Default for Provider {
    fn default() -> Provider {
        Provider::start()
    }
}

impl Provider {
    /// Starts one.
    pub fn start() -> Provider {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let provider = Provider { port: listener.local_addr().unwrap().port(), state: Arc::default() };
        let state = Arc::clone(&provider.state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&state);
                thread::spawn(move || serve(stream, &state));
            }
        });
        provider
    }

    /// Answers the next unanswered call with `reply`.
    pub fn then(&self, reply: Reply) {
        self.state.lock().unwrap().replies.push_back(reply);
    }

    /// The bodies of the calls so far.
    pub fn requests(&self) -> Vec<Value> {
        self.state.lock().unwrap().requests.clone()
    }

    /// How many streams were given up by the gateway.
    pub fn cut(&self) -> usize {
        self.state.lock().unwrap().cut
    }

    /// Config that makes this the default model of every agent.
    pub fn config(&self) -> Value {
        json!({
            "agents": {"defaults": {"model": {"primary": "test/small"}}},
            "models": {"providers": {"test": {
                "baseUrl": format!("http://127.0.0.1:{}/v1", self.port),
                "apiKey": "key-of-the-test-provider",
                "api": "openai-completions",
                "models": [{"id": "small", "name": "Small", "reasoning": false, "input": ["text"],
                    "cost": {"input": 1, "output": 2, "cacheRead": 0, "cacheWrite": 0},
                    "contextWindow": 8000, "maxTokens": 1000}],
            }}},
        })
    }
}

fn serve(stream: TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    // Keep-alive: one connection may carry many calls.
    while let Some(body) = read_request(&mut reader) {
        let reply = {
            let mut state = state.lock().unwrap();
            state.requests.push(body);
            state.replies.pop_front().unwrap_or_else(|| Reply::Stream(vec!["pong".to_owned()], 0))
        };
        match answer(&stream, reply) {
            Ok(true) => {}
            Ok(false) => return,
            Err(_) => {
                state.lock().unwrap().cut += 1;
                return;
            }
        }
    }
}

fn read_request(reader: &mut BufReader<TcpStream>) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(serde_json::from_slice(&body).unwrap_or(Value::Null))
}

/// `Ok(false)`: the connection is of no more use.
fn answer(mut stream: &TcpStream, reply: Reply) -> std::io::Result<bool> {
    let (pieces, gap_ms, whole) = match reply {
        Reply::Status(status, body) => {
            let body = body.to_string();
            write!(
                stream,
                "HTTP/1.1 {status} Answer\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )?;
            return Ok(true);
        }
        Reply::Stream(pieces, gap_ms) => (pieces, gap_ms, true),
        Reply::Break(pieces) => (pieces, 0, false),
    };
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )?;
    for piece in pieces {
        chunk(stream, &json!({"choices": [{"index": 0, "delta": {"content": piece}}]}).to_string())?;
        thread::sleep(Duration::from_millis(gap_ms));
    }
    if !whole {
        return Ok(false);
    }
    chunk(stream, &json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}).to_string())?;
    chunk(
        stream,
        &json!({"choices": [], "usage": {"prompt_tokens": 12, "completion_tokens": 3}}).to_string(),
    )?;
    chunk(stream, "[DONE]")?;
    write!(stream, "0\r\n\r\n")?;
    Ok(true)
}

fn chunk(mut stream: &TcpStream, data: &str) -> std::io::Result<()> {
    let text = format!("data: {data}\n\n");
    write!(stream, "{:x}\r\n{text}\r\n", text.len())
}
