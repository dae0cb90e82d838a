//! What the config says about who may connect.

use std::net::IpAddr;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use pincer_config::section::{self, Gateway};
use pincer_protocol::connect::AuthMode;
use pincer_protocol::{Role, Wire};
use sha2::{Digest, Sha256};

use super::Candidate;
use super::secret::SecretDigest;
use crate::limiter::AuthLimits;
use crate::pairing::TokenValue;

/// What the config says about who may connect. Made once per config change, shared by all handshakes of a shard.
#[derive(Debug, Clone)]
pub struct AuthPolicy {
    /// How clients prove themselves.
    pub mode: AuthMode,
    /// The shared token; `None` when the config has none.
    pub token: Option<SecretDigest>,
    /// The shared password; `None` when the config has none.
    pub password: Option<SecretDigest>,
    /// Proxies whose headers are believed.
    pub trusted_proxies: Vec<Network>,
    /// Whether a trusted proxy's `X-Real-IP` stands in for a missing `X-Forwarded-For`.
    pub real_ip_fallback: bool,
    /// What a trusted proxy must tell, for [`AuthMode::TrustedProxy`].
    pub proxy: Option<ProxyRule>,
    /// Origins, besides our own, whose pages may connect; lower case.
    pub allowed_origins: Vec<Box<str>>,
    /// Whether a v3 Control UI that knows the secret needs no device.
    pub control_ui_without_device: bool,
    /// Limits on failed proofs, when the config has any.
    pub limits: Option<AuthLimits>,
}

/// What a trusted proxy must tell of the user it let through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyRule {
    /// The header that names the user; lower case.
    pub user_header: Box<str>,
    /// Headers that must be there too; as configured, compared without case.
    pub required_headers: Vec<Box<str>>,
    /// Users that may pass; empty: all.
    pub allow_users: Vec<Box<str>>,
}

impl Default for AuthPolicy {
    /// A token is asked for and there is none: nobody passes.
    fn default() -> Self {
        AuthPolicy {
            mode: AuthMode::Token,
            token: None,
            password: None,
            trusted_proxies: Vec::new(),
            real_ip_fallback: false,
            proxy: None,
            allowed_origins: Vec::new(),
            control_ui_without_device: false,
            limits: None,
        }
    }
}

impl AuthPolicy {
    /// The policy of a config. Proxies that are no address and no range are left out: the config check names them.
    pub fn of(config: &Gateway) -> AuthPolicy {
        let auth = &config.auth;
        AuthPolicy {
            mode: match auth.effective_mode() {
                section::AuthMode::None => AuthMode::None,
                section::AuthMode::Token => AuthMode::Token,
                section::AuthMode::Password => AuthMode::Password,
                section::AuthMode::TrustedProxy => AuthMode::TrustedProxy,
            },
            token: SecretDigest::of(auth.token.reveal()),
            password: SecretDigest::of(auth.password.reveal()),
            trusted_proxies: config.trusted_proxies.iter().filter_map(|text| Network::parse(text)).collect(),
            real_ip_fallback: config.allow_real_ip_fallback,
            proxy: auth.trusted_proxy.as_ref().filter(|proxy| !proxy.user_header.trim().is_empty()).map(
                |proxy| ProxyRule {
                    user_header: proxy.user_header.trim().to_ascii_lowercase().into(),
                    required_headers: proxy
                        .required_headers
                        .iter()
                        .map(|name| name.as_str().into())
                        .collect(),
                    allow_users: proxy.allow_users.iter().map(|name| name.as_str().into()).collect(),
                },
            ),
            allowed_origins: config
                .control_ui
                .allowed_origins
                .iter()
                .map(|origin| origin.trim().to_lowercase())
                .filter(|origin| !origin.is_empty())
                .map(Into::into)
                .collect(),
            control_ui_without_device: config.control_ui.dangerously_disable_device_auth,
            limits: auth.rate_limit.map(|limit| AuthLimits {
                attempts_max: limit.max_attempts,
                window_ms: limit.window_ms,
                lockout_ms: limit.lockout_ms,
                exempt_loopback: limit.exempt_loopback,
            }),
        }
    }

    /// Whether failed proofs are counted on `wire`: v3 only when configured, v4 always.
    pub fn limits_failures(&self, wire: Wire) -> bool {
        self.limits.is_some() || wire == Wire::V4
    }

    /// The limits a shard's [`crate::limiter::AuthLimiter`] is made with.
    pub fn failure_limits(&self) -> AuthLimits {
        self.limits.unwrap_or_default()
    }

    /// v4's `auth.recoveryScope`: an opaque name under which an operator's client keeps drafts, the same as long as it
    /// proves itself the same way. Nothing can be learned from it.
    pub fn recovery_scope(&self, candidate: &Candidate, token: Option<&TokenValue>) -> Option<String> {
        let device = candidate.device_id.as_deref();
        let secret = match self.mode {
            AuthMode::Password => self.password.as_ref(),
            _ => self.token.as_ref(),
        };
        let parts = match (&candidate.user, token, secret, device) {
            _ if candidate.role != Role::Operator => return None,
            (Some(user), ..) => ["principal", user, device.unwrap_or_default()].map(str::to_owned),
            (_, Some(token), ..) => ["device-token", token.reveal(), ""].map(str::to_owned),
            (_, _, Some(secret), _) if candidate.method.is_shared_secret() => {
                ["shared-auth".to_owned(), secret.name(), device.unwrap_or_default().to_owned()]
            }
            (_, _, _, Some(device)) => ["device", device, ""].map(str::to_owned),
            _ => return None,
        };
        Some(BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(parts.join("\n"))))
    }

    /// Whether the headers of a connection from `ip` are believed.
    pub fn trusts(&self, ip: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(ip))
    }
}

/// An address, or a range of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// Reads `10.0.0.1`, `10.0.0.0/8`, `fd00::/8`.
    pub fn parse(text: &str) -> Option<Network> {
        let (address, prefix) = match text.trim().split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u8>().ok()?)),
            None => (text.trim(), None),
        };
        let address = address.parse::<IpAddr>().ok()?.to_canonical();
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(bits);
        (prefix <= bits).then_some(Network { address, prefix })
    }

    /// Whether `ip` is in the range.
    pub fn contains(&self, ip: IpAddr) -> bool {
        match (self.address, ip.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(ip)) => {
                let shift = 32 - u32::from(self.prefix);
                let mask = u32::MAX.checked_shl(shift).unwrap_or(0);
                network.to_bits() & mask == ip.to_bits() & mask
            }
            (IpAddr::V6(network), IpAddr::V6(ip)) => {
                let shift = 128 - u32::from(self.prefix);
                let mask = u128::MAX.checked_shl(shift).unwrap_or(0);
                network.to_bits() & mask == ip.to_bits() & mask
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks() {
        for (network, ip, want) in [
            ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2.3", "10.1.2.4", false),
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("127.0.0.1", "::ffff:127.0.0.1", true),
            ("fd00::/8", "fd12::1", true),
            ("fd00::/8", "fe80::1", false),
            ("::/0", "2001:db8::1", true),
        ] {
            let found = Network::parse(network).unwrap();
            assert_eq!(found.contains(ip.parse().unwrap()), want, "{network} {ip}");
        }
        for bad in ["", "localhost", "10.0.0.0/33", "10.0.0.0/x", "::/129"] {
            assert_eq!(Network::parse(bad), None, "{bad}");
        }
    }
}
