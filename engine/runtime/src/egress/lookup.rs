//! One small question to a service that is no model: a request, a whole answer, nothing else.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hyper::body::{Body, Incoming};
use pincer_adapters::http::HttpRequest;
use pincer_adapters::model::ProviderErrorKind;
use pincer_adapters::provider;
use pincer_defender::Cleared;
use pincer_shard::driver::{Lookup, LookupAnswer, LookupError};
use tokio::time::{Instant, timeout_at};

use super::Shared;
use super::call::{self, Unsendable};
use super::client::Clients;
use super::limits::{LOOKUP_BYTES_MAX, LOOKUPS_MAX};

/// Longest a look-up may take, whatever it says.
const LOOKUP_MS_MAX: u64 = 60 * 1000;

type Report = dyn FnOnce(Result<LookupAnswer, LookupError>) + Send;

/// How many are under way.
#[derive(Default)]
pub(super) struct Lookups(AtomicUsize);

/// A look-up that was let in.
pub(super) struct LookupJob {
    lookup: Cleared<Lookup>,
    deadline: Instant,
    answer: Box<Report>,
    place: Place,
}

/// A place among the look-ups under way; dropping it gives it back.
struct Place(Arc<Shared>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.lookups.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl LookupJob {
    /// Takes a look-up in, within the bound.
    pub(super) fn admit(
        shared: &Arc<Shared>,
        lookup: Cleared<Lookup>,
        answer: Box<Report>,
    ) -> Result<LookupJob, LookupError> {
        let before = shared.lookups.0.fetch_add(1, Ordering::AcqRel);
        let place = Place(shared.clone());
        if before >= LOOKUPS_MAX {
            return Err(LookupError::Busy);
        }
        let deadline = Instant::now() + Duration::from_millis(lookup.get().timeout_ms.min(LOOKUP_MS_MAX));
        Ok(LookupJob { lookup, deadline, answer, place })
    }

    /// Asks and reports.
    pub(super) async fn run(self, clients: Arc<Clients>) {
        let LookupJob { lookup, deadline, answer, place } = self;
        let Lookup { request, body_bytes_max, .. } = lookup.into_inner();
        let work = ask(request, body_bytes_max.min(LOOKUP_BYTES_MAX), &clients);
        let result = match timeout_at(deadline, work).await {
            Ok(result) => result,
            Err(_) => Err(LookupError::Timeout),
        };
        // Its connection is closed or back by now; whoever is told may ask the next question at once.
        drop(place);
        answer(result);
    }
}

async fn ask(
    request: HttpRequest,
    body_bytes_max: usize,
    clients: &Clients,
) -> Result<LookupAnswer, LookupError> {
    let http = call::prepared(request)
        .map_err(|(Unsendable::Address | Unsendable::Header)| LookupError::Unsendable)?;
    let host = call::host(http.uri());
    let head = clients.send(http).await.map_err(|error| {
        let error = call::unanswered(&host, &*error);
        match error.kind {
            ProviderErrorKind::Timeout => LookupError::Timeout,
            _ => LookupError::Network(error.message),
        }
    })?;
    let status = head.status().as_u16();
    let headers = head.headers();
    let retry_after_ms =
        provider::retry_after_ms(|name| headers.get(name).and_then(|value| value.to_str().ok()));
    let body = read_body(head.into_body(), body_bytes_max, &host).await?;
    Ok(LookupAnswer { status, retry_after_ms, body })
}

async fn read_body(mut body: Incoming, bytes_max: usize, host: &str) -> Result<Vec<u8>, LookupError> {
    let mut whole = Vec::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        let frame = frame.map_err(|error| LookupError::Network(call::broken(host, &error).message))?;
        let Ok(data) = frame.into_data() else { continue };
        if data.len() > bytes_max.saturating_sub(whole.len()) {
            return Err(LookupError::TooLarge);
        }
        whole.extend_from_slice(&data);
        // A flood of frames that are ready must not keep the thread from others, nor from the deadline.
        tokio::task::yield_now().await;
    }
    Ok(whole)
}
