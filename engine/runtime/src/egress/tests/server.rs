//! A provider made of acts: each request is answered by the same ones.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::PATIENCE;

/// What the server does after it has read a request.
#[derive(Clone)]
pub(super) enum Act {
    Write(String),
    /// Writes the same again and again, until the other side closes.
    WriteForever(String),
    Pause(u64),
    /// Closes both ways.
    Close,
    /// Breaks the connection without a goodbye.
    Reset,
    /// Waits until the other side closes.
    AwaitClose,
}

pub(super) struct Server {
    address: SocketAddr,
    requests: Receiver<String>,
    closes: Receiver<()>,
    connections: Arc<AtomicUsize>,
    stopped: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Server {
    pub(super) fn start(acts: Vec<Act>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let ((asked, requests), (closed, closes)) = (channel(), channel());
        let (connections, stopped) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, stop) = (connections.clone(), stopped.clone());
        let accepting = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                count.fetch_add(1, Ordering::SeqCst);
                let (acts, asked, closed) = (acts.clone(), asked.clone(), closed.clone());
                std::thread::spawn(move || serve(stream.unwrap(), &acts, &asked, &closed));
            }
        });
        Server { address, requests, closes, connections, stopped, accepting: Some(accepting) }
    }

    pub(super) fn host(&self) -> String {
        self.address.to_string()
    }

    pub(super) fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The next request, as it was sent.
    pub(super) fn request(&self) -> String {
        self.requests.recv_timeout(PATIENCE).expect("a request")
    }

    /// Whether a request came that was not looked at.
    pub(super) fn was_asked(&self) -> bool {
        self.requests.try_recv().is_ok()
    }

    /// Returns once a connection in [`Act::AwaitClose`] was closed by the other side.
    pub(super) fn saw_close(&self) {
        self.closes.recv_timeout(PATIENCE).expect("the other side closed");
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the accepting thread, which then frees the port.
        let _ = TcpStream::connect(self.address);
        let _ = self.accepting.take().unwrap().join();
    }
}

fn serve(mut stream: TcpStream, acts: &[Act], asked: &Sender<String>, closed: &Sender<()>) {
    stream.set_nodelay(true).unwrap();
    // Threads of a test that gave up end too.
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    while let Some(request) = read_request(&mut stream) {
        let _ = asked.send(request);
        for act in acts {
            match act {
                Act::Write(bytes) => {
                    if stream.write_all(bytes.as_bytes()).is_err() {
                        return;
                    }
                }
                Act::WriteForever(bytes) => {
                    while stream.write_all(bytes.as_bytes()).is_ok() {}
                    return;
                }
                Act::Pause(ms) => std::thread::sleep(Duration::from_millis(*ms)),
                Act::Close => {
                    let _ = stream.shutdown(Shutdown::Both);
                    return;
                }
                Act::Reset => {
                    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
                    return;
                }
                Act::AwaitClose => {
                    if matches!(stream.read(&mut [0; 64]), Ok(0)) {
                        let _ = closed.send(());
                    }
                    return;
                }
            }
        }
    }
}

/// A head, and as much body as it announces.
fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(text.into_owned());
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
        }
    }
}

/// The head of an event stream.
pub(super) fn head() -> String {
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n".to_owned()
}

/// One HTTP chunk.
pub(super) fn chunk(body: &str) -> String {
    format!("{:x}\r\n{body}\r\n", body.len())
}

/// The chunk that ends a body.
pub(super) fn last_chunk() -> String {
    "0\r\n\r\n".to_owned()
}

/// A chunk with one delta.
pub(super) fn text(text: &str) -> String {
    chunk(&format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n"))
}

/// The usual end of a stream, body included: reason, usage, `[DONE]`.
pub(super) fn end() -> String {
    let usage = "{\"prompt_tokens\":120,\"completion_tokens\":9,\"total_tokens\":129,\
                 \"prompt_tokens_details\":{\"cached_tokens\":20}}";
    let stop = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    let events = format!("{stop}data: {{\"choices\":[],\"usage\":{usage}}}\n\ndata: [DONE]\n\n");
    chunk(&events) + &last_chunk()
}

/// An answer that is no stream.
pub(super) fn plain(status: u16, headers: &str, body: &str) -> String {
    let length = match status {
        204 => String::new(),
        _ => format!("content-length: {}\r\n", body.len()),
    };
    format!("HTTP/1.1 {status} x\r\n{headers}{length}\r\n{body}")
}
