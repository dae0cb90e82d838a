//! One call, from its place in the queue to its last word.

use std::error::Error;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Incoming};
use hyper::http::header::{HeaderName, HeaderValue, USER_AGENT};
use hyper::http::uri::Scheme;
use hyper::{Request, Response, Uri};
use pincer_adapters::http::{HttpRequest, Method};
use pincer_adapters::model::{Endpoint, ProviderError, ProviderErrorKind};
use pincer_adapters::provider::{self, Provider};
use pincer_adapters::{ModelEvent, ModelRequest};
use pincer_defender::Cleared;
use pincer_shard::driver::CallProgress;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::Shared;
use super::client::{self, Clients};
use super::limits::Limits;
use super::registry::Ticket;

/// Most bytes of an answer that become one report: what has arrived is passed on together, yet one fast answer must not
/// keep the thread from the others.
const BATCH_BYTES_MAX: usize = 64 * 1024;

/// Most frames of an answer that become one report; empty ones count too.
const BATCH_FRAMES_MAX: usize = 256;

/// How long the rest of a body is waited for after the last word, so that the connection can be used again.
const REST_OF_BODY: Duration = Duration::from_millis(500);

/// A call that was let in.
pub(super) struct Job {
    pub(super) ticket: Ticket,
    pub(super) request: Cleared<ModelRequest>,
    pub(super) deadline: Instant,
}

impl Job {
    /// Makes the call and reports it.
    pub(super) async fn run(self, shared: Arc<Shared>, clients: Arc<Clients>, turns: Arc<Semaphore>) {
        let Job { ticket, request, deadline } = self;
        let request = request.into_inner();
        let endpoint = request.endpoint.clone();
        let work = async {
            let Ok(turn) = timeout_at(deadline, turns.acquire()).await else {
                let message = "the call timed out while it waited for other calls to end";
                return Err(ProviderError::new(ProviderErrorKind::Timeout, message));
            };
            // Held until the call has ended. The semaphore is never closed.
            let _turn = turn;
            let call = Call { shared: &shared, clients: &clients, ticket: &ticket, deadline };
            call.make(request).await
        };
        match ticket.unless_cancelled(work).await {
            // Everything was dropped with `work`: the connection closes, the provider stops.
            None => {}
            Some(Ok(rest)) => {
                ticket.report(CallProgress::Done).await;
                ticket.unless_cancelled(rest.read()).await;
            }
            Some(Err(error)) => ticket.report(CallProgress::Failed(error.cleaned(&endpoint))).await,
        }
    }
}

/// What may follow the last word.
struct RestOfBody(Incoming);

impl RestOfBody {
    async fn read(mut self) {
        let until = Instant::now() + REST_OF_BODY;
        let end = poll_fn(|cx| {
            loop {
                match Pin::new(&mut self.0).poll_frame(cx) {
                    Poll::Ready(Some(Ok(_))) => {}
                    Poll::Ready(_) => return Poll::Ready(()),
                    Poll::Pending => return Poll::Pending,
                }
            }
        });
        // Too late: the connection is closed instead.
        let _ = timeout_at(until, end).await;
    }
}

/// A call with its turn.
struct Call<'a> {
    shared: &'a Shared,
    clients: &'a Clients,
    ticket: &'a Ticket,
    deadline: Instant,
}

impl Call<'_> {
    async fn make(&self, request: ModelRequest) -> Result<RestOfBody, ProviderError> {
        let Some(provider) = provider::of(request.endpoint.api) else {
            return Err(bad_request("the loopback model is not called over the network"));
        };
        let http = outgoing(provider.request(&request), &request.endpoint)?;
        if self.clients.should_warn(http.uri()) {
            self.shared.warn(format!(
                "provider {}: prompts and credentials travel unencrypted to {}; use https where you can",
                request.endpoint.provider,
                host(http.uri())
            ));
        }
        // The body holds the prompt from here on.
        drop(request);
        let host = host(http.uri());
        let first_byte =
            Wait::new(self.limits().first_byte_timeout_ms, "the provider did not answer", self.deadline);
        let head =
            first_byte.within(self.clients.send(http)).await?.map_err(|error| unanswered(&host, &*error))?;
        if head.status().is_success() {
            self.read_answer(provider, head.into_body(), &host, first_byte).await
        } else {
            Err(self.read_failure(provider, head, first_byte).await)
        }
    }

    async fn read_answer(
        &self,
        provider: &dyn Provider,
        mut body: Incoming,
        host: &str,
        mut wait: Wait,
    ) -> Result<RestOfBody, ProviderError> {
        let mut decoder = provider.decoder();
        let mut received: u64 = 0;
        loop {
            let mut events = Vec::new();
            let mut take = |bytes: &[u8]| {
                received = received.saturating_add(bytes.len() as u64);
                if received > self.limits().response_bytes_max {
                    let max = self.limits().response_bytes_max;
                    let message = format!("the provider's answer is larger than {max} bytes");
                    return Err(ProviderError::new(ProviderErrorKind::Protocol, message));
                }
                decoder.feed(bytes, &mut events)
            };
            let batch = wait.within(read_batch(&mut body, &mut take)).await;
            // What was said before a failure is passed on before the failure.
            let ended = match batch {
                Ok(Batch::More) => Ok(decoder.is_complete()),
                Ok(Batch::End) => Ok(true),
                Ok(Batch::Broken(error)) => Err(broken(host, &error)),
                Ok(Batch::Refused(error)) | Err(error) => Err(error),
            };
            let finished = match ended {
                Ok(true) => Some(decoder.finish(&mut events)),
                Ok(false) => None,
                Err(error) => Some(Err(error)),
            };
            self.report(events).await;
            match finished {
                Some(result) => return result.map(|()| RestOfBody(body)),
                None => {
                    wait = Wait::new(
                        self.limits().idle_timeout_ms,
                        "the provider's answer stalled",
                        self.deadline,
                    )
                }
            }
        }
    }

    /// Why the provider refused. Its body helps, but is not waited for long: the status says enough.
    async fn read_failure(
        &self,
        provider: &dyn Provider,
        head: Response<Incoming>,
        wait: Wait,
    ) -> ProviderError {
        let status = head.status().as_u16();
        let headers = head.headers();
        let pause_ms =
            provider::retry_after_ms(|name| headers.get(name).and_then(|value| value.to_str().ok()));
        let mut reason = Vec::new();
        let room = self.limits().error_bytes_max as usize;
        let mut body = head.into_body();
        let mut take = |bytes: &[u8]| {
            let room = room.saturating_sub(reason.len());
            reason.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
            match bytes.len() < room {
                true => Ok(()),
                // Any error ends the reading.
                false => Err(()),
            }
        };
        while let Ok(Batch::More) = wait.within(read_batch(&mut body, &mut take)).await {}
        provider.failure(status, pause_ms, &reason)
    }

    async fn report(&self, events: Vec<ModelEvent>) {
        if !events.is_empty() {
            self.ticket.report(CallProgress::Events(events)).await;
        }
    }

    fn limits(&self) -> &Limits {
        &self.shared.limits
    }
}

/// A wait with an end: its own, or the whole call's when that comes first.
#[derive(Clone, Copy)]
struct Wait {
    until: Instant,
    ms: u64,
    what: &'static str,
    is_whole_call: bool,
}

impl Wait {
    fn new(ms: u64, what: &'static str, deadline: Instant) -> Wait {
        // Beyond the clock's end there is only the call's.
        let until = Instant::now().checked_add(Duration::from_millis(ms)).unwrap_or(deadline);
        Wait { until: until.min(deadline), ms, what, is_whole_call: deadline <= until }
    }

    async fn within<T>(&self, work: impl Future<Output = T>) -> Result<T, ProviderError> {
        // Work that is always ready, as a flood is, would never meet the timer.
        if Instant::now() >= self.until {
            return Err(self.over());
        }
        timeout_at(self.until, work).await.map_err(|_| self.over())
    }

    fn over(&self) -> ProviderError {
        let message = match self.is_whole_call {
            true => "the call took longer than it may".to_owned(),
            false => format!("{} for {} ms", self.what, self.ms),
        };
        ProviderError::new(ProviderErrorKind::Timeout, message)
    }
}

/// What came of reading a batch.
enum Batch<E> {
    More,
    End,
    Broken(hyper::Error),
    Refused(E),
}

/// Takes everything that has arrived, within the batch bounds; waits only when there was nothing.
async fn read_batch<E>(body: &mut Incoming, mut take: impl FnMut(&[u8]) -> Result<(), E>) -> Batch<E> {
    let (mut bytes, mut frames, mut frames_when_yielded) = (0, 0, 0);
    poll_fn(|cx| {
        while bytes < BATCH_BYTES_MAX && frames < BATCH_FRAMES_MAX {
            match Pin::new(&mut *body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    frames += 1;
                    let Ok(data) = frame.into_data() else { continue };
                    bytes += data.len();
                    if let Err(error) = take(&data) {
                        return Poll::Ready(Batch::Refused(error));
                    }
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Batch::Broken(error)),
                Poll::Ready(None) => return Poll::Ready(Batch::End),
                // The connection's task hands over one frame at a time. Letting it run once more shows whether the next
                // one is here already; a turn of the loop costs less than waking a shard.
                Poll::Pending if frames > frames_when_yielded => {
                    frames_when_yielded = frames;
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Pending if frames > 0 => break,
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Batch::More)
    })
    .await
}

/// The request as hyper takes it. Nothing of the config's values goes into the errors: they may be credentials.
fn outgoing(http: HttpRequest, endpoint: &Endpoint) -> Result<Request<Full<Bytes>>, ProviderError> {
    let provider = &endpoint.provider;
    prepared(http).map_err(|error| match error {
        Unsendable::Address => {
            bad_request(format!("baseUrl of provider {provider} is not an http or https address"))
        }
        Unsendable::Header => {
            let message = format!("a credential or header of provider {provider} cannot be sent over HTTP");
            ProviderError::new(ProviderErrorKind::Auth, message)
        }
    })
}

/// Why a request cannot be sent.
pub(super) enum Unsendable {
    /// The address is not an `http` or `https` address.
    Address,
    /// A header is none by HTTP's grammar.
    Header,
}

/// The request as hyper takes it.
pub(super) fn prepared(http: HttpRequest) -> Result<Request<Full<Bytes>>, Unsendable> {
    let uri: Uri = http.url.parse().map_err(|_| Unsendable::Address)?;
    let is_web = uri.scheme() == Some(&Scheme::HTTP) || uri.scheme() == Some(&Scheme::HTTPS);
    if !is_web || uri.host().is_none_or(str::is_empty) {
        return Err(Unsendable::Address);
    }
    let method = match http.method {
        Method::Get => hyper::Method::GET,
        Method::Post => hyper::Method::POST,
    };
    let mut request = Request::new(Full::new(http.body));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    let agent = HeaderValue::from_static(concat!("pincer/", env!("CARGO_PKG_VERSION")));
    request.headers_mut().insert(USER_AGENT, agent);
    for (name, value) in &http.headers {
        let header = HeaderName::try_from(name).ok().zip(HeaderValue::from_str(value.reveal()).ok());
        let Some((name, mut value)) = header else { return Err(Unsendable::Header) };
        value.set_sensitive(true);
        request.headers_mut().insert(name, value);
    }
    Ok(request)
}

/// Host and port, without the user and password an address may hold.
pub(super) fn host(uri: &Uri) -> String {
    let host = uri.host().unwrap_or_default();
    match uri.port_u16() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

fn bad_request(message: impl Into<String>) -> ProviderError {
    ProviderError::new(ProviderErrorKind::BadRequest, message)
}

/// No answer came.
pub(super) fn unanswered(host: &str, error: &(dyn Error + 'static)) -> ProviderError {
    // The client's error tells a connection that was never made from one that broke; any other error is about TLS.
    if error.downcast_ref::<client::ClientError>().is_some_and(|error| !error.is_connect()) {
        return broken(host, error);
    }
    let cause = root_cause(error);
    let timed_out =
        cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::TimedOut);
    let kind = match timed_out {
        true => ProviderErrorKind::Timeout,
        false => ProviderErrorKind::Network,
    };
    ProviderError::new(kind, format!("cannot reach {host}: {cause}"))
}

pub(super) fn broken(host: &str, error: &(dyn Error + 'static)) -> ProviderError {
    let message = format!("the connection to {host} broke: {}", root_cause(error));
    ProviderError::new(ProviderErrorKind::Network, message)
}

/// The innermost cause; the wrappers around it say "client error" and the like.
fn root_cause<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause
}
