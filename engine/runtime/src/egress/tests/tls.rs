//! TLS and HTTP/2.

use std::sync::mpsc::{Sender, channel};

use bytes::Bytes;
use h2::server::SendResponse;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::*;

/// A certificate for this machine, and the key.
fn certificate() -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    (made.cert.into(), PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap())
}

fn trusting(certificate: &CertificateDer<'static>) -> Trust {
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    Trust::Only(Arc::new(roots))
}

/// What the stand-in noticed.
#[derive(Debug, PartialEq, Eq)]
enum Noticed {
    Request { authority: String, path: String },
    StreamReset,
    HandshakeFailed,
}

/// An HTTP/2 server behind TLS on a thread of its own: sends a head and one delta, and then waits until the stream is
/// reset. Returns its address.
fn serve_h2(
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
    noticed: Sender<Noticed>,
) -> String {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let (told, address) = channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            told.send(listener.local_addr().unwrap().to_string()).unwrap();
            let (stream, _) = listener.accept().await.unwrap();
            let serving = serve_connection(TlsAcceptor::from(Arc::new(config)), stream, noticed);
            let _ = tokio::time::timeout(PATIENCE, serving).await;
        });
    });
    address.recv().unwrap()
}

async fn serve_connection(acceptor: TlsAcceptor, stream: TcpStream, noticed: Sender<Noticed>) {
    let Ok(stream) = acceptor.accept(stream).await else {
        noticed.send(Noticed::HandshakeFailed).unwrap();
        return;
    };
    let mut connection = h2::server::handshake(stream).await.unwrap();
    while let Some(Ok((request, respond))) = connection.accept().await {
        let (authority, path) =
            (request.uri().authority().unwrap().to_string(), request.uri().path().to_owned());
        noticed.send(Noticed::Request { authority, path }).unwrap();
        tokio::spawn(answer(respond, noticed.clone()));
    }
}

async fn answer(mut respond: SendResponse<Bytes>, noticed: Sender<Noticed>) {
    let mut body = respond.send_response(hyper::Response::new(()), false).unwrap();
    let delta = "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n";
    body.send_data(Bytes::from_static(delta.as_bytes()), false).unwrap();
    if poll_fn(|cx| body.poll_reset(cx)).await.is_ok() {
        noticed.send(Noticed::StreamReset).unwrap();
    }
}

use std::future::poll_fn;

#[test]
fn http2_over_tls_and_cancelled() {
    let (certificate, key) = certificate();
    let (noticed, notices) = channel();
    let trust = trusting(&certificate);
    let address = serve_h2(certificate, key, noticed);
    let desk = Desk::trusting(trust, Limits::default());
    desk.start(1, request(&format!("https://{address}/v1")));
    let (_, CallProgress::Events(events)) = desk.next() else { panic!() };
    assert_eq!(events, [ModelEvent::Text("a".to_owned())]);
    let path = "/v1/chat/completions".to_owned();
    assert_eq!(notices.recv_timeout(PATIENCE), Ok(Noticed::Request { authority: address, path }));
    desk.egress.cancel(SHARD, CallId(1));
    assert_eq!(notices.recv_timeout(PATIENCE), Ok(Noticed::StreamReset));
}

#[test]
fn strangers_are_not_trusted() {
    let (certificate, key) = certificate();
    let (noticed, notices) = channel();
    let address = serve_h2(certificate, key, noticed);
    let desk = Desk::new(Limits::default());
    desk.start(1, request(&format!("https://{address}/v1")));
    let why = "invalid peer certificate: UnknownIssuer";
    assert_eq!(desk.outcome(), [format!("failed Network cannot reach {address}: {why}")]);
    assert_eq!(notices.recv_timeout(PATIENCE), Ok(Noticed::HandshakeFailed));
}
