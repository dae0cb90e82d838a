//! The `tokio-tungstenite` peer: one thread of tokio, the library's own upgrade and stream, answers flushed when nothing
//! more was read, events through a channel to the task of each connection.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::poll_fn;
use std::net::Ipv4Addr;
use std::rc::Rc;
use std::task::Poll;

use futures_util::{SinkExt as _, StreamExt as _};
use pincer_peers::{ANSWER_BYTES, CHALLENGE, Gateway, Outcome, arguments};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{LocalSet, spawn_local};
use tokio_tungstenite::accept_async_with_config;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The library's default of 128 KiB a connection is a poor choice for a server with many.
const READ_BUFFER_BYTES: usize = 8 << 10;

struct Server {
    gateway: RefCell<Gateway>,
    everybody: RefCell<HashMap<u64, UnboundedSender<Utf8Bytes>>>,
}

fn main() {
    let (port, token) = arguments();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().expect("a runtime");
    LocalSet::new().block_on(&runtime, listen(port, token));
}

async fn listen(port: u16, token: String) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.expect("the port");
    let server =
        Rc::new(Server { gateway: RefCell::new(Gateway::new(token)), everybody: RefCell::default() });
    for number in 0.. {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let server = Rc::clone(&server);
        spawn_local(async move {
            let _ = serve(&server, number, stream).await; // a client that went away
            server.everybody.borrow_mut().remove(&number);
        });
    }
}

/// What a connection waits for.
enum Next {
    Read(Option<Result<Message, Error>>),
    Event(Utf8Bytes),
    /// Nothing yet.
    Idle,
}

async fn serve(server: &Rc<Server>, number: u64, stream: TcpStream) -> Result<(), Error> {
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER_BYTES);
    let mut socket = accept_async_with_config(stream, Some(config)).await?;
    socket.send(Message::text(CHALLENGE.trim_end())).await?;
    let (events, mut incoming): (_, UnboundedReceiver<Utf8Bytes>) = unbounded_channel();
    let mut events = Some(events);
    let (mut opened, mut unflushed) = (false, false);
    loop {
        let next = poll_fn(|cx| {
            if let Poll::Ready(Some(event)) = incoming.poll_recv(cx) {
                return Poll::Ready(Next::Event(event));
            }
            match socket.poll_next_unpin(cx) {
                Poll::Ready(read) => Poll::Ready(Next::Read(read)),
                Poll::Pending if unflushed => Poll::Ready(Next::Idle),
                Poll::Pending => Poll::Pending,
            }
        });
        let message = match next.await {
            Next::Read(Some(message)) => message?,
            Next::Read(None) => return Ok(()),
            Next::Event(event) => {
                socket.feed(Message::Text(event)).await?;
                unflushed = true;
                continue;
            }
            Next::Idle => {
                socket.flush().await?;
                unflushed = false;
                continue;
            }
        };
        if !(message.is_text() || message.is_binary()) {
            continue;
        }
        let mut answer = Vec::with_capacity(ANSWER_BYTES);
        let outcome = server.gateway.borrow_mut().answer(&message.into_data(), &mut opened, &mut answer);
        match outcome {
            Outcome::Answered => {}
            Outcome::Published(event) => {
                let event = Utf8Bytes::from(event);
                for to in server.everybody.borrow().values() {
                    let _ = to.send(event.clone()); // gone meanwhile
                }
            }
            Outcome::Broken => return Ok(()),
        }
        if opened && let Some(events) = events.take() {
            server.everybody.borrow_mut().insert(number, events);
        }
        socket.feed(Message::Text(Utf8Bytes::try_from(answer).unwrap_or_default())).await?;
        unflushed = true;
    }
}
