//! Where a gateway is.

use std::fmt;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use tungstenite::http::Uri;

use super::error::ClientError;

/// A gateway's address, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    tls: bool,
    host: String,
    port: u16,
    path: String,
}

impl Endpoint {
    /// Reads `ws://`, `wss://`, `http://` or `https://` addresses; a bare `host:port` counts as `ws://`. Unencrypted
    /// addresses must be this machine's, since the token would travel in the clear, unless `insecure`.
    pub(crate) fn parse(text: &str, insecure: bool) -> Result<Endpoint, ClientError> {
        let bad = |why: &str| ClientError::BadUrl { url: text.to_owned(), why: why.to_owned() };
        let text = text.trim();
        let with_scheme = if text.contains("://") { text.to_owned() } else { format!("ws://{text}") };
        let uri: Uri = with_scheme.parse().map_err(|_| bad("it cannot be read"))?;
        let tls = match uri.scheme_str() {
            Some("ws" | "http") => false,
            Some("wss" | "https") => true,
            _ => return Err(bad("it must start with ws:// or wss://")),
        };
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(|| bad("it names no host"))?;
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(bad("it carries a user or password; pass --token or --password instead"));
        }
        let endpoint = Endpoint {
            tls,
            host: host.trim_matches(['[', ']']).to_owned(),
            port: uri.port_u16().unwrap_or(if tls { 443 } else { 80 }),
            path: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        };
        if !endpoint.tls && !endpoint.is_loopback() && !insecure {
            return Err(ClientError::Insecure(endpoint.to_string()));
        }
        Ok(endpoint)
    }

    /// The gateway of this machine. Its address may be any of ours: what it listens on is what the config says.
    pub(crate) fn local(listen: SocketAddr) -> Endpoint {
        let ip = match listen.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => "127.0.0.1".to_owned(),
            IpAddr::V6(ip) if ip.is_unspecified() => "::1".to_owned(),
            ip => ip.to_string(),
        };
        Endpoint { tls: false, host: ip, port: listen.port(), path: "/".to_owned() }
    }

    /// Whether it is this machine by name or address.
    pub(crate) fn is_loopback(&self) -> bool {
        self.host.eq_ignore_ascii_case("localhost")
            || self.host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// Whether it is reached over TLS.
    pub(crate) fn tls(&self) -> bool {
        self.tls
    }

    /// The host and port, for `Host` headers and messages.
    pub(crate) fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// Looks the host up.
    pub(crate) fn addresses(&self) -> Result<Vec<SocketAddr>, ClientError> {
        let failed = |cause: String| ClientError::Unreachable { url: self.to_string(), cause };
        let found =
            (self.host.as_str(), self.port).to_socket_addrs().map_err(|error| failed(error.to_string()))?;
        let found: Vec<SocketAddr> = found.collect();
        if found.is_empty() { Err(failed("the name has no address".to_owned())) } else { Ok(found) }
    }
}

impl fmt::Display for Endpoint {
    /// `ws://127.0.0.1:18789`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "wss" } else { "ws" };
        let path = if self.path == "/" { "" } else { &self.path };
        write!(f, "{scheme}://{}{path}", self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, insecure: bool, want: Result<&str, &str>) {
        let got = Endpoint::parse(text, insecure);
        match (got, want) {
            (Ok(got), Ok(want)) => assert_eq!(got.to_string(), want, "{text:?}"),
            (Err(got), Err(want)) => assert!(got.to_string().contains(want), "{text:?}: {got}"),
            (got, want) => panic!("{text:?}: {got:?} instead of {want:?}"),
        }
    }

    #[test]
    fn addresses_as_people_write_them() {
        check("ws://127.0.0.1:18789", false, Ok("ws://127.0.0.1:18789"));
        check("localhost:1", false, Ok("ws://localhost:1"));
        check("http://[::1]:18789/", false, Ok("ws://[::1]:18789"));
        check("wss://gw.example/ws?x=1", false, Ok("wss://gw.example:443/ws?x=1"));
        check("ws://gw.example:1", true, Ok("ws://gw.example:1"));
        check("ws://127.9.9.9:1", false, Ok("ws://127.9.9.9:1"));
    }

    #[test]
    fn the_token_never_leaves_the_machine_in_the_clear() {
        check("ws://gw.example:1", false, Err("unencrypted"));
        check("http://192.168.0.5:18789", false, Err("unencrypted"));
        check("ws://127.0.0.1.evil.example", false, Err("unencrypted"));
        check("ws://localhost.evil.example", false, Err("unencrypted"));
        check("ws://user:pw@127.0.0.1", false, Err("--password"));
        check("ftp://127.0.0.1", false, Err("ws://"));
        check("", false, Err("cannot be"));
    }

    #[test]
    fn local_gateways() {
        let of = |listen: &str| Endpoint::local(listen.parse().unwrap()).to_string();
        assert_eq!(of("0.0.0.0:5"), "ws://127.0.0.1:5");
        assert_eq!(of("[::]:5"), "ws://[::1]:5");
        assert_eq!(of("192.168.0.5:5"), "ws://192.168.0.5:5");
    }
}
