//! The HTTP clients: one for `http`, and one for `https` that is built when first needed.

use std::error::Error;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::http::uri::Scheme;
use hyper::{Request, Response, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
pub(super) use hyper_util::client::legacy::Error as ClientError;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{ClientConfig, RootCertStore};
use tower_service::Service;

use super::limits::{Limits, READ_BYTES_MAX, STREAM_WINDOW_BYTES};

/// Connections kept for the next call, a host. A few calls follow each other in a conversation; more are not missed.
const IDLE_CONNECTIONS_MAX: usize = 8;

/// How long one is kept. Some servers close after 5 s, most later; a closed one is noticed.
const IDLE_CONNECTION: Duration = Duration::from_secs(15);

/// Hosts remembered as warned about. Beyond it nobody is warned: whoever has that many has seen the warning.
const WARNED_HOSTS_MAX: usize = 64;

/// Whose certificates are believed.
#[derive(Clone)]
pub(super) enum Trust {
    /// The machine's, or Mozilla's when it has none.
    Machine,
    /// These only.
    #[cfg(test)]
    Only(Arc<RootCertStore>),
}

type HttpClient<C> = Client<Deadline<C>, Full<Bytes>>;

/// Sends requests. Connections are shared by all calls.
pub(super) struct Clients {
    trust: Trust,
    connect_timeout: Duration,
    http: OnceLock<HttpClient<HttpConnector>>,
    https: OnceLock<Result<HttpClient<HttpsConnector<HttpConnector>>, rustls::Error>>,
    warned_hosts: Mutex<Vec<String>>,
}

impl Clients {
    pub(super) fn new(limits: &Limits, trust: Trust) -> Clients {
        Clients {
            trust,
            connect_timeout: Duration::from_millis(limits.connect_timeout_ms),
            http: OnceLock::new(),
            https: OnceLock::new(),
            warned_hosts: Mutex::default(),
        }
    }

    /// Sends a request whose address is absolute, and waits for the head of the answer.
    pub(super) async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, Box<dyn Error + Send + Sync>> {
        if request.uri().scheme() != Some(&Scheme::HTTPS) {
            let client = self.http.get_or_init(|| self.client(tcp()));
            return Ok(client.request(request).await?);
        }
        match self.https.get_or_init(|| Ok(self.client(self.tls()?))) {
            Ok(client) => Ok(client.request(request).await?),
            Err(error) => Err(Box::new(error.clone())),
        }
    }

    /// Whether `uri` sends prompts unencrypted to another machine, and nobody has been told yet.
    pub(super) fn should_warn(&self, uri: &Uri) -> bool {
        let host = uri.host().unwrap_or_default();
        if uri.scheme() == Some(&Scheme::HTTPS) || is_this_machine(host) {
            return false;
        }
        let mut warned = self.warned_hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.len() >= WARNED_HOSTS_MAX || warned.iter().any(|known| known == host) {
            return false;
        }
        warned.push(host.to_owned());
        true
    }

    fn client<C>(&self, connector: C) -> HttpClient<C>
    where
        Deadline<C>: hyper_util::client::legacy::connect::Connect + Clone,
    {
        Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .pool_idle_timeout(IDLE_CONNECTION)
            .http1_max_buf_size(READ_BYTES_MAX)
            .http2_initial_stream_window_size(STREAM_WINDOW_BYTES)
            // A connection that died in silence would otherwise take every new call with it.
            .http2_keep_alive_interval(Duration::from_secs(30))
            .http2_keep_alive_timeout(Duration::from_secs(20))
            .build(Deadline { connector, timeout: self.connect_timeout })
    }

    fn tls(&self) -> Result<HttpsConnector<HttpConnector>, rustls::Error> {
        let roots = match &self.trust {
            Trust::Machine => Arc::new(machine_roots()),
            #[cfg(test)]
            Trust::Only(roots) => roots.clone(),
        };
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let builder = HttpsConnectorBuilder::new().with_tls_config(config);
        Ok(builder.https_only().enable_all_versions().wrap_connector(tcp()))
    }
}

fn tcp() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    // Finds a peer that is gone while an answer is awaited.
    connector.set_keepalive(Some(Duration::from_secs(60)));
    connector
}

fn machine_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    // Certificates that cannot be read are skipped: one odd file must not cut off every provider.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}

fn is_this_machine(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<std::net::IpAddr>() {
        Ok(ip) => ip.is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost") || host.to_ascii_lowercase().ends_with(".localhost"),
    }
}

/// A connector that gives up: name look-up, TCP and TLS together.
#[derive(Clone)]
struct Deadline<C> {
    connector: C,
    timeout: Duration,
}

type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, Box<dyn Error + Send + Sync>>> + Send>>;

impl<C> Service<Uri> for Deadline<C>
where
    C: Service<Uri>,
    C::Future: Send + 'static,
    C::Error: Into<Box<dyn Error + Send + Sync>>,
{
    type Response = C::Response;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = Connecting<C::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.connector.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let (connecting, timeout) = (self.connector.call(uri), self.timeout);
        Box::pin(async move {
            match tokio::time::timeout(timeout, connecting).await {
                Ok(connected) => connected.map_err(Into::into),
                Err(_) => {
                    let message = format!("no connection within {} ms", timeout.as_millis());
                    Err(io::Error::new(io::ErrorKind::TimedOut, message).into())
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_elsewhere_is_warned_about_once() {
        let clients = Clients::new(&Limits::default(), Trust::Machine);
        for (uri, warns) in [
            ("http://127.0.0.1:11434/v1", false),
            ("http://127.9.9.9/v1", false),
            ("http://[::1]:8080/v1", false),
            ("http://localhost/v1", false),
            ("http://ollama.LOCALHOST/v1", false),
            ("https://api.example.com/v1", false),
            ("http://10.0.0.5:11434/v1", true),
            ("http://10.0.0.5:11434/v1", false),
            ("http://models.example.com/v1", true),
            ("http://localhost.example.com/v1", true),
        ] {
            assert_eq!(clients.should_warn(&uri.parse().unwrap()), warns, "{uri}");
        }
    }

    #[test]
    fn there_are_always_roots() {
        assert!(!machine_roots().is_empty());
    }
}
