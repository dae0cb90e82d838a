//! `gateway`.

use serde::Deserialize;

use crate::secret::Secret;

/// OpenClaw's port.
pub const DEFAULT_PORT: u16 = 18789;

/// `gateway`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Gateway {
    /// TCP port for everything.
    pub port: u16,
    /// Whether a gateway runs here at all; unset counts as local.
    pub mode: Option<Mode>,
    /// Which addresses accept connections.
    pub bind: Bind,
    /// The address for [`Bind::Custom`].
    pub custom_bind_host: Option<String>,
    /// How clients prove themselves.
    pub auth: Auth,
    /// Addresses or ranges of proxies whose headers are believed.
    pub trusted_proxies: Vec<String>,
    /// Whether a trusted proxy's `X-Real-IP` stands in for a missing `X-Forwarded-For`.
    pub allow_real_ip_fallback: bool,
    /// The browser interface.
    pub control_ui: ControlUi,
    /// HTTP endpoints.
    pub http: Http,
    /// What a change of the file does.
    pub reload: Reload,
    /// Where clients find a gateway that runs elsewhere.
    pub remote: Remote,
    /// TLS on the port.
    pub tls: Tls,
    /// Commands of nodes.
    pub nodes: Nodes,
    /// Longest handshake in milliseconds; `None`: what the wire prescribes.
    pub handshake_timeout_ms: Option<u64>,
}

impl Default for Gateway {
    fn default() -> Gateway {
        Gateway {
            port: DEFAULT_PORT,
            mode: None,
            bind: Bind::default(),
            custom_bind_host: None,
            auth: Auth::default(),
            trusted_proxies: Vec::new(),
            allow_real_ip_fallback: false,
            control_ui: ControlUi::default(),
            http: Http::default(),
            reload: Reload::default(),
            remote: Remote::default(),
            tls: Tls::default(),
            nodes: Nodes::default(),
            handshake_timeout_ms: None,
        }
    }
}

/// `gateway.mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// A gateway runs here.
    Local,
    /// Clients on this machine use one elsewhere.
    Remote,
}

/// `gateway.bind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Bind {
    /// Loopback, as upstream falls back to.
    Auto,
    /// All addresses.
    Lan,
    /// 127.0.0.1 only.
    #[default]
    Loopback,
    /// `gateway.customBindHost`.
    Custom,
    /// The Tailscale address.
    Tailnet,
}

/// `gateway.auth`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Auth {
    /// Which proof; `None`: a password when only that is set, else a token.
    pub mode: Option<AuthMode>,
    /// The shared token; empty: none.
    pub token: Secret,
    /// The shared password; empty: none.
    pub password: Secret,
    /// Limit on failed proofs; `None`: what the wire prescribes.
    pub rate_limit: Option<AuthRateLimit>,
    /// What a trusted proxy tells us.
    pub trusted_proxy: Option<TrustedProxy>,
}

impl Auth {
    /// The mode in force.
    pub fn effective_mode(&self) -> AuthMode {
        self.mode.unwrap_or(if self.token.is_empty() && !self.password.is_empty() {
            AuthMode::Password
        } else {
            AuthMode::Token
        })
    }
}

/// `gateway.auth.mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuthMode {
    /// Everybody who reaches the port may connect.
    None,
    /// The shared token, or a device's own.
    Token,
    /// The shared password, or a device's token.
    Password,
    /// A proxy in front has authenticated the user.
    TrustedProxy,
}

impl AuthMode {
    /// As `hello-ok` says it in `authMode`.
    pub fn as_str(self) -> &'static str {
        match self {
            AuthMode::None => "none",
            AuthMode::Token => "token",
            AuthMode::Password => "password",
            AuthMode::TrustedProxy => "trusted-proxy",
        }
    }
}

/// `gateway.auth.rateLimit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AuthRateLimit {
    /// Failed proofs before an address has to wait.
    pub max_attempts: u32,
    /// In which they are counted.
    pub window_ms: u64,
    /// How long it has to wait.
    pub lockout_ms: u64,
    /// Whether loopback is never limited.
    pub exempt_loopback: bool,
}

impl Default for AuthRateLimit {
    /// Upstream's: 10 in a minute, then five minutes.
    fn default() -> AuthRateLimit {
        AuthRateLimit { max_attempts: 10, window_ms: 60_000, lockout_ms: 300_000, exempt_loopback: true }
    }
}

/// `gateway.auth.trustedProxy`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TrustedProxy {
    /// The header that names the user.
    pub user_header: String,
    /// Headers that must be there too.
    pub required_headers: Vec<String>,
    /// Users that may pass; empty: all.
    pub allow_users: Vec<String>,
}

/// `gateway.controlUi`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ControlUi {
    /// Whether it is served.
    pub enabled: bool,
    /// The path it is served under; empty or `/…` without a slash at the end.
    pub base_path: String,
    /// The folder of its files.
    pub root: Option<String>,
    /// Origins, besides our own, whose pages may connect.
    pub allowed_origins: Vec<String>,
    /// Accept a token without a device over plain HTTP.
    pub allow_insecure_auth: bool,
    /// Never ask a control UI for a device.
    pub dangerously_disable_device_auth: bool,
}

impl Default for ControlUi {
    fn default() -> ControlUi {
        ControlUi {
            enabled: true,
            base_path: String::new(),
            root: None,
            allowed_origins: Vec::new(),
            allow_insecure_auth: false,
            dangerously_disable_device_auth: false,
        }
    }
}

/// `gateway.http`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Http {
    /// `gateway.http.endpoints`.
    pub endpoints: Endpoints,
}

/// `gateway.http.endpoints`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Endpoints {
    /// `POST /v1/chat/completions`.
    pub chat_completions: Switch,
    /// `POST /v1/responses`.
    pub responses: Switch,
}

/// `{enabled}`, off unless said otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct Switch {
    /// Whether it is on.
    pub enabled: bool,
}

/// `gateway.reload`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Reload {
    /// What a change does.
    pub mode: ReloadMode,
    /// How long the file must be quiet, in milliseconds.
    pub debounce_ms: u64,
}

impl Default for Reload {
    fn default() -> Reload {
        Reload { mode: ReloadMode::Hybrid, debounce_ms: 300 }
    }
}

/// `gateway.reload.mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReloadMode {
    /// Nothing.
    Off,
    /// Always a restart.
    Restart,
    /// Only what can be changed while running.
    Hot,
    /// While running where possible, else a restart.
    Hybrid,
}

/// `gateway.remote`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Remote {
    /// `ws://` or `wss://` address.
    pub url: Option<String>,
    /// Its token; empty: none.
    pub token: Secret,
    /// Its password; empty: none.
    pub password: Secret,
    /// SHA-256 of its certificate.
    pub tls_fingerprint: Option<String>,
}

/// `gateway.tls`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Tls {
    /// Whether the port speaks TLS.
    pub enabled: bool,
    /// Whether a certificate is made when there is none.
    pub auto_generate: Option<bool>,
    /// Certificate chain, PEM.
    pub cert_path: Option<String>,
    /// Its key, PEM.
    pub key_path: Option<String>,
    /// Authorities for client certificates.
    pub ca_path: Option<String>,
}

/// `gateway.nodes`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Nodes {
    /// Commands allowed beyond the platform's list.
    pub allow_commands: Vec<String>,
    /// Commands refused in any case.
    pub deny_commands: Vec<String>,
}
