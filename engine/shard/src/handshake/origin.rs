//! Which web pages may connect.
//!
//! A browser lets any page open a socket to any host and says in `Origin` which page it was. Programs send none.

use pincer_protocol::Wire;
use pincer_protocol::connect::ClientInfo;

use super::peer::{Peer, host_name, is_loopback_name, is_private};
use super::policy::AuthPolicy;

/// Why a page may not connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OriginProblem {
    /// There is no origin, or none that can be read.
    Missing,
    /// It is another site's.
    NotAllowed,
}

impl OriginProblem {
    /// Upstream's `details.reason` on v4.
    pub(super) fn reason(self) -> &'static str {
        match self {
            OriginProblem::Missing => "origin missing or invalid",
            OriginProblem::NotAllowed => "origin not allowed",
        }
    }
}

/// Checks the page behind a connection.
///
/// v3 checks only clients that say they are pages; v4 everybody who sends an origin, too. Allowed are configured
/// origins, our own host, and pages of this machine. `*` in the config allows all on v4.
pub(super) fn check(
    wire: Wire,
    client: &ClientInfo,
    peer: &Peer,
    policy: &AuthPolicy,
) -> Result<(), OriginProblem> {
    let is_page = client.is_control_ui() || client.is_webchat();
    if !is_page && (wire == Wire::V3 || peer.origin().is_none()) {
        return Ok(());
    }
    let origin = peer.origin().and_then(Origin::parse).ok_or(OriginProblem::Missing)?;
    let listed = |text: &str| policy.allowed_origins.iter().any(|allowed| **allowed == *text);
    if listed(&origin.text) || (wire == Wire::V4 && listed("*")) {
        return Ok(());
    }
    let same_host = !peer.host().is_empty() && origin.authority() == peer.host();
    let our_name = host_name(peer.host());
    let local_page = is_loopback_name(origin.host());
    let allowed = match wire {
        Wire::V3 => same_host || (local_page && is_loopback_name(our_name)),
        // A public name in `Host` may be an attacker's that resolves to us; private names and addresses cannot be.
        Wire::V4 => {
            let local = peer.is_local(Wire::V4);
            let private = match our_name.parse() {
                _ if is_loopback_name(our_name) => local,
                Ok(ip) => is_private(ip),
                Err(_) => our_name.ends_with(".local") || our_name.ends_with(".ts.net"),
            };
            (same_host && private) || (local && local_page)
        }
    };
    if allowed { Ok(()) } else { Err(OriginProblem::NotAllowed) }
}

/// `scheme://host[:port]`, lower case, without the scheme's own port.
struct Origin {
    text: String,
    authority_at: usize,
}

impl Origin {
    /// Reads an `Origin` header. `null`, paths and user names make it unusable.
    fn parse(text: &str) -> Option<Origin> {
        let lower = text.trim().to_lowercase();
        let (scheme, rest) = lower.split_once("://")?;
        let mut bytes = scheme.bytes();
        let named = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic())
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let odd = |c: char| "/?#\\@".contains(c) || c.is_whitespace() || c.is_control();
        if !named || authority.is_empty() || authority.contains(odd) {
            return None;
        }
        // Browsers leave a scheme's own port out; so does the `Host` header.
        let own_port = match scheme {
            "http" => ":80",
            "https" => ":443",
            _ => "",
        };
        let authority = authority.strip_suffix(own_port).unwrap_or(authority);
        let text = format!("{scheme}://{authority}");
        Some(Origin { authority_at: scheme.len() + 3, text })
    }

    /// Host and port.
    fn authority(&self) -> &str {
        self.text.get(self.authority_at..).unwrap_or_default()
    }

    /// Host.
    fn host(&self) -> &str {
        host_name(self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(id: &str, mode: &str) -> ClientInfo {
        serde_json::from_value(serde_json::json!({"id": id, "mode": mode, "version": "1", "platform": "x"}))
            .unwrap()
    }

    #[track_caller]
    fn verdict(wire: Wire, id: &str, remote: &str, host: &str, origin: &str) -> Result<(), OriginProblem> {
        let policy =
            AuthPolicy { allowed_origins: vec!["https://ui.example".into()], ..AuthPolicy::default() };
        let mut headers = vec![("Host", host.as_bytes())];
        if !origin.is_empty() {
            headers.push(("Origin", origin.as_bytes()));
        }
        let peer = Peer::new(remote.parse().unwrap(), headers, &policy);
        let mode = if id == "openclaw-control-ui" { "webchat" } else { "backend" };
        check(wire, &client(id, mode), &peer, &policy)
    }

    #[test]
    fn pages_on_each_wire() {
        use OriginProblem::{Missing, NotAllowed};
        let here = "127.0.0.1";
        for (remote, host, origin, v3, v4) in [
            (here, "127.0.0.1:18789", "http://127.0.0.1:18789", Ok(()), Ok(())),
            (here, "127.0.0.1:18789", "http://localhost:5173", Ok(()), Ok(())),
            (here, "127.0.0.1:18789", "https://ui.example", Ok(()), Ok(())),
            (here, "127.0.0.1:18789", "https://UI.example:443/", Ok(()), Ok(())),
            (here, "127.0.0.1:18789", "https://evil.example", Err(NotAllowed), Err(NotAllowed)),
            (here, "127.0.0.1:18789", "", Err(Missing), Err(Missing)),
            (here, "127.0.0.1:18789", "null", Err(Missing), Err(Missing)),
            (here, "127.0.0.1:18789", "http://evil@127.0.0.1:18789", Err(Missing), Err(Missing)),
            ("192.168.1.9", "192.168.1.2:18789", "http://192.168.1.2:18789", Ok(()), Ok(())),
            ("192.168.1.9", "box.local", "http://box.local", Ok(()), Ok(())),
            // A name that an attacker can make resolve to us.
            ("192.168.1.9", "rebind.example", "http://rebind.example", Ok(()), Err(NotAllowed)),
            // From afar, nobody is a page of this machine.
            ("192.168.1.9", "127.0.0.1:18789", "http://127.0.0.1:18789", Ok(()), Err(NotAllowed)),
        ] {
            for (wire, want) in [(Wire::V3, v3), (Wire::V4, v4)] {
                assert_eq!(
                    verdict(wire, "openclaw-control-ui", remote, host, origin),
                    want,
                    "{wire:?} {host} {origin}"
                );
            }
        }
    }

    #[test]
    fn programs_need_no_origin_but_v4_checks_one_that_is_there() {
        let host = "127.0.0.1:18789";
        for wire in [Wire::V3, Wire::V4] {
            assert_eq!(verdict(wire, "gateway-client", "127.0.0.1", host, ""), Ok(()));
        }
        let evil = "https://evil.example";
        assert_eq!(verdict(Wire::V3, "gateway-client", "127.0.0.1", host, evil), Ok(()));
        assert_eq!(
            verdict(Wire::V4, "gateway-client", "127.0.0.1", host, evil),
            Err(OriginProblem::NotAllowed)
        );
    }
}
