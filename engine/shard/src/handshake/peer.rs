//! What is known of the other end before it says anything: its address and the headers of its upgrade request.

use std::net::IpAddr;

use pincer_protocol::Wire;
use pincer_protocol::connect::AuthMode;

use super::policy::{AuthPolicy, ProxyRule};

/// Longest header value that is kept, bytes.
const VALUE_BYTES_MAX: usize = 512;

/// The other end, as its address and its upgrade request show it. Owns what it keeps, so the request may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The socket's address, IPv4 where it is one.
    remote: IpAddr,
    /// `Host`, trimmed, lower case; empty when absent.
    host: Box<str>,
    /// `Origin`, trimmed; `None` when absent or empty.
    origin: Option<Box<str>>,
    /// `User-Agent`.
    user_agent: Option<Box<str>>,
    /// `X-Forwarded-For` or `X-Real-IP`, which v3 looks at.
    proxied: bool,
    /// Any forwarding header, which v4 looks at; v3 also minds `X-Forwarded-Host`.
    forwarded: bool,
    /// `X-Forwarded-Host`
    forwarded_host: bool,
    /// Whether the socket's other end is a proxy we trust.
    trusted: bool,
    /// The client behind the proxies; the socket's address when it is no trusted proxy.
    client_ip: Option<IpAddr>,
    /// The user a proxy vouches for, or why not; only in that mode.
    user: Result<Box<str>, ProxyProblem>,
}

/// Why a proxy's word was not enough; upstream's reason codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ProxyProblem {
    /// The gateway is not in that mode, or has no rule.
    ConfigMissing,
    /// No proxy is trusted.
    NoProxies,
    /// The socket's other end is no trusted proxy.
    UntrustedSource,
    /// A header is missing.
    MissingHeader(Box<str>),
    /// The user header is missing.
    UserMissing,
    /// That user may not pass.
    UserNotAllowed,
}

impl ProxyProblem {
    pub(super) fn reason(&self) -> String {
        match self {
            ProxyProblem::ConfigMissing => "trusted_proxy_config_missing".to_owned(),
            ProxyProblem::NoProxies => "trusted_proxy_no_proxies_configured".to_owned(),
            ProxyProblem::UntrustedSource => "trusted_proxy_untrusted_source".to_owned(),
            ProxyProblem::MissingHeader(name) => format!("trusted_proxy_missing_header_{name}"),
            ProxyProblem::UserMissing => "trusted_proxy_user_missing".to_owned(),
            ProxyProblem::UserNotAllowed => "trusted_proxy_user_not_allowed".to_owned(),
        }
    }
}

impl Peer {
    /// Reads `headers` (name, value) of the upgrade request. A repeated header: the first counts. Values that are not
    /// UTF-8 count as absent.
    pub fn new<'h>(
        remote: IpAddr,
        headers: impl IntoIterator<Item = (&'h str, &'h [u8])>,
        policy: &AuthPolicy,
    ) -> Peer {
        let remote = remote.to_canonical();
        let trusted = policy.trusts(remote);
        let rule = policy.proxy.as_ref().filter(|_| policy.mode == AuthMode::TrustedProxy);
        let (mut host, mut origin, mut user_agent) = (None, None, None);
        let (mut forwarded_for, mut real_ip, mut user) = (None, None, None);
        let (mut forwarded, mut forwarded_host) = (false, false);
        let mut present = vec![false; rule.map_or(0, |rule| rule.required_headers.len())];
        for (name, value) in headers {
            let Ok(value) = std::str::from_utf8(value) else { continue };
            let value = value.trim();
            let is = |known: &str| name.eq_ignore_ascii_case(known);
            let slot = if is("host") {
                Some(&mut host)
            } else if is("origin") {
                Some(&mut origin)
            } else if is("user-agent") {
                Some(&mut user_agent)
            } else if is("x-forwarded-for") {
                Some(&mut forwarded_for)
            } else if is("x-real-ip") {
                Some(&mut real_ip)
            } else if rule.is_some_and(|rule| is(&rule.user_header)) {
                Some(&mut user)
            } else {
                None
            };
            if let Some(slot) = slot {
                slot.get_or_insert(value);
            }
            forwarded |= is("forwarded")
                || is("x-real-ip")
                || name.get(..12).is_some_and(|start| start.eq_ignore_ascii_case("x-forwarded-"));
            forwarded_host |= is("x-forwarded-host");
            for (required, present) in
                rule.iter().flat_map(|rule| &rule.required_headers).zip(present.iter_mut())
            {
                *present |= is(required) && !value.is_empty();
            }
        }
        let client_ip = if trusted {
            forwarded_for
                .and_then(|chain| client_behind(chain, policy))
                .or_else(|| real_ip.filter(|_| policy.real_ip_fallback).and_then(parse_ip))
        } else {
            Some(remote)
        };
        let keep = |value: &str| -> Box<str> { clip(value).into() };
        Peer {
            remote,
            host: clip(host.unwrap_or_default()).to_ascii_lowercase().into(),
            origin: origin.filter(|value| !value.is_empty()).map(keep),
            user_agent: user_agent.filter(|value| !value.is_empty()).map(keep),
            proxied: [forwarded_for, real_ip].iter().flatten().any(|value| !value.is_empty()),
            forwarded,
            forwarded_host,
            trusted,
            client_ip,
            user: vouched_for(policy, rule, trusted, user, &present),
        }
    }

    /// Whether this is a program on the same machine, with nothing in between.
    ///
    /// v3 also wants a local `Host`, and lets a trusted proxy speak for a local client; v4 believes no forwarding header.
    pub fn is_local(&self, wire: Wire) -> bool {
        match wire {
            Wire::V3 => {
                let name = host_name(&self.host);
                let named_local =
                    matches!(name, "localhost" | "127.0.0.1" | "::1") || name.ends_with(".ts.net");
                self.client_ip.is_some_and(|ip| ip.is_loopback())
                    && named_local
                    && (self.trusted || !(self.proxied || self.forwarded_host))
            }
            Wire::V4 => self.remote.is_loopback() && !self.forwarded,
        }
    }

    /// The client's address as it is shown and stored: `None` for local clients and where a header may lie.
    pub fn reported_ip(&self, wire: Wire) -> Option<IpAddr> {
        let dubious = self.is_local(wire) || (self.proxied && !self.trusted);
        self.client_ip.filter(|ip| !dubious && !ip.is_loopback())
    }

    /// The address whose failures are counted: never one that an untrusted header names.
    pub fn counted_ip(&self) -> IpAddr {
        self.client_ip.unwrap_or(self.remote)
    }

    /// v4: whether headers claim a client behind a proxy, and nobody we trust says so. Upstream refuses such a request
    /// before the upgrade; we learn only from `connect` that a client is v4.
    pub fn lacks_attribution(&self) -> bool {
        self.proxied && (!self.trusted || self.client_ip.is_none())
    }

    /// `Origin`, if a browser sent one.
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// `Host` with its port, lower case.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// `User-Agent`.
    pub fn user_agent(&self) -> Option<&str> {
        self.user_agent.as_deref()
    }

    /// The socket's address.
    pub fn remote(&self) -> IpAddr {
        self.remote
    }

    /// Whether a forwarding header is there at all.
    pub(super) fn is_forwarded(&self) -> bool {
        self.forwarded
    }

    /// The user a proxy vouches for.
    pub(super) fn user(&self) -> Result<&str, &ProxyProblem> {
        self.user.as_deref()
    }
}

fn vouched_for(
    policy: &AuthPolicy,
    rule: Option<&ProxyRule>,
    trusted: bool,
    user: Option<&str>,
    present: &[bool],
) -> Result<Box<str>, ProxyProblem> {
    let rule = rule.ok_or(ProxyProblem::ConfigMissing)?;
    if policy.trusted_proxies.is_empty() {
        return Err(ProxyProblem::NoProxies);
    }
    if !trusted {
        return Err(ProxyProblem::UntrustedSource);
    }
    if let Some((name, _)) = rule.required_headers.iter().zip(present).find(|(_, present)| !**present) {
        return Err(ProxyProblem::MissingHeader(name.clone()));
    }
    let user = user.filter(|user| !user.is_empty()).ok_or(ProxyProblem::UserMissing)?;
    if !rule.allow_users.is_empty() && !rule.allow_users.iter().any(|allowed| **allowed == *user) {
        return Err(ProxyProblem::UserNotAllowed);
    }
    Ok(clip(user).into())
}

/// The last hop of `X-Forwarded-For` that is no trusted proxy. Hops before it are the client's own claim.
fn client_behind(chain: &str, policy: &AuthPolicy) -> Option<IpAddr> {
    chain.rsplit(',').filter_map(parse_ip).find(|hop| !policy.trusts(*hop))
}

/// An address, perhaps in brackets, perhaps with a port.
fn parse_ip(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let address = text
        .parse::<IpAddr>()
        .ok()
        .or_else(|| text.strip_prefix('[')?.split(']').next()?.parse().ok())
        .or_else(|| text.rsplit_once(':')?.0.parse().ok().filter(IpAddr::is_ipv4))?;
    Some(address.to_canonical())
}

/// The name in a `Host` header: without port and brackets.
pub(super) fn host_name(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next().unwrap_or_default();
    }
    if host.parse::<std::net::Ipv6Addr>().is_ok() {
        return host;
    }
    host.split(':').next().unwrap_or_default()
}

/// Whether a host name means this machine.
pub(super) fn is_loopback_name(name: &str) -> bool {
    let name = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

/// Whether an address belongs to a private network or this machine: RFC 1918, link-local, unique local, and the
/// carrier-grade range that Tailscale uses.
pub(super) fn is_private(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            ip.is_private() || ip.is_loopback() || ip.is_link_local() || (a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

/// `value`, cut to the longest that is kept.
fn clip(value: &str) -> &str {
    let mut end = value.len().min(VALUE_BYTES_MAX);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    value.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests;
