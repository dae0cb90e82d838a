//! What a client that is not let in is told: error, details, close code and reason, per wire.
//!
//! Every sentence here is upstream's: people see them, and clients match on some.

use std::net::IpAddr;

use pincer_protocol::connect::{ClientInfo, close_reason};
use pincer_protocol::frame::RequestId;
use pincer_protocol::{ErrorCode, ErrorShape, Wire};
use serde_json::json;

use super::device::DeviceProblem;
use super::origin::OriginProblem;

/// Close code of a refusal by policy.
pub const CLOSE_POLICY: u16 = 1008;
/// Close code when there is no common protocol.
pub const CLOSE_PROTOCOL: u16 = 1002;
/// Close code of a first frame that is no JSON, and of a handshake that took too long.
pub const CLOSE_NORMAL: u16 = 1000;

/// A connection that is not let in: answer, if there is a request to answer, then close.
#[derive(Debug, Clone, PartialEq)]
pub struct Rejection {
    /// The error response.
    pub response: Option<(RequestId, ErrorShape)>,
    /// Code of the close frame.
    pub close_code: u16,
    /// Reason of the close frame; fits.
    pub close_reason: String,
}

impl Rejection {
    /// Closes without an answer.
    pub(super) fn silent(close_code: u16, reason: &str) -> Rejection {
        Rejection { response: None, close_code, close_reason: close_reason(reason).to_owned() }
    }

    /// Answers with `error` and closes with its message.
    pub(crate) fn answered(id: RequestId, error: ErrorShape) -> Rejection {
        let reason = close_reason(&error.message).to_owned();
        Rejection { response: Some((id, error)), close_code: CLOSE_POLICY, close_reason: reason }
    }

    /// The same with another reason in the close frame.
    pub(crate) fn with_reason(self, reason: &str) -> Rejection {
        Rejection { close_reason: close_reason(reason).to_owned(), ..self }
    }

    /// The error's code, when there is an answer.
    pub fn code(&self) -> Option<ErrorCode> {
        self.response.as_ref().map(|(_, error)| error.code)
    }
}

/// No common protocol.
pub(super) fn protocol_mismatch(id: RequestId, wire: Wire, min: u64, max: u64) -> Rejection {
    let details = match wire {
        Wire::V3 => json!({ "expectedProtocol": Wire::V3.number() }),
        Wire::V4 => json!({
            "code": "PROTOCOL_MISMATCH",
            "clientMinProtocol": min,
            "clientMaxProtocol": max,
            "expectedProtocol": Wire::V4.number(),
            "minimumProbeProtocol": Wire::V3.number(),
        }),
    };
    let error = ErrorShape::invalid("protocol mismatch").with_details(details);
    Rejection { close_code: CLOSE_PROTOCOL, ..Rejection::answered(id, error) }
}

/// A page that may not connect.
pub(super) fn origin(wire: Wire, problem: OriginProblem) -> ErrorShape {
    let error = ErrorShape::invalid(
        "origin not allowed (open the Control UI from the gateway host or allow it in gateway.controlUi.allowedOrigins)",
    );
    match wire {
        Wire::V3 => error,
        Wire::V4 => {
            error.with_details(json!({ "code": "CONTROL_UI_ORIGIN_NOT_ALLOWED", "reason": problem.reason() }))
        }
    }
}

/// A Control UI without a device.
pub(super) fn control_ui_without_device(wire: Wire) -> ErrorShape {
    let message = "control ui requires device identity (use HTTPS or localhost secure context)";
    coded(wire, ErrorShape::invalid(message), "CONTROL_UI_DEVICE_IDENTITY_REQUIRED")
}

/// Neither a device nor the shared secret.
pub(super) fn device_required(wire: Wire) -> ErrorShape {
    let error = ErrorShape::new(ErrorCode::NotPaired, "device identity required");
    coded(wire, error, "DEVICE_IDENTITY_REQUIRED")
}

/// A device whose proof does not hold.
pub(super) fn device(wire: Wire, problem: DeviceProblem) -> ErrorShape {
    let error = ErrorShape::invalid(problem.message());
    let (code, reason) = problem.details();
    match wire {
        Wire::V3 => error,
        Wire::V4 => error.with_details(json!({ "code": code, "reason": reason })),
    }
}

/// `details.code`, where the wire has details.
fn coded(wire: Wire, error: ErrorShape, code: &str) -> ErrorShape {
    match wire {
        Wire::V3 => error,
        Wire::V4 => error.with_details(json!({ "code": code })),
    }
}

/// Why a secret was not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthProblem {
    /// No token was sent.
    TokenMissing,
    /// Another token was sent.
    TokenMismatch,
    /// The gateway has no token to compare with.
    TokenNotConfigured,
    /// No password was sent.
    PasswordMissing,
    /// Another password was sent.
    PasswordMismatch,
    /// The gateway has no password to compare with.
    PasswordNotConfigured,
    /// The device does not hold this token, or it was revoked.
    DeviceTokenMismatch,
    /// v4: the device's token does not allow what it asks for.
    ScopeMismatch,
    /// Too many failures; for so many milliseconds more.
    RateLimited(u64),
    /// v4: headers name a client behind a proxy that nobody vouches for.
    ProxyAttribution,
    /// No proxy vouches for the user; upstream's reason code.
    Proxy(String),
}

impl AuthProblem {
    /// Upstream's reason code.
    fn reason(&self) -> &str {
        match self {
            AuthProblem::TokenMissing => "token_missing",
            AuthProblem::TokenMismatch => "token_mismatch",
            AuthProblem::TokenNotConfigured => "token_missing_config",
            AuthProblem::PasswordMissing => "password_missing",
            AuthProblem::PasswordMismatch => "password_mismatch",
            AuthProblem::PasswordNotConfigured => "password_missing_config",
            AuthProblem::DeviceTokenMismatch => "device_token_mismatch",
            AuthProblem::ScopeMismatch => "scope_mismatch",
            AuthProblem::RateLimited(_) => "rate_limited",
            AuthProblem::ProxyAttribution => "proxy_attribution_required",
            AuthProblem::Proxy(reason) => reason,
        }
    }

    /// v4's `details.code`.
    fn code(&self) -> &'static str {
        match self {
            AuthProblem::TokenMissing => "AUTH_TOKEN_MISSING",
            AuthProblem::TokenMismatch => "AUTH_TOKEN_MISMATCH",
            AuthProblem::TokenNotConfigured => "AUTH_TOKEN_NOT_CONFIGURED",
            AuthProblem::PasswordMissing => "AUTH_PASSWORD_MISSING",
            AuthProblem::PasswordMismatch => "AUTH_PASSWORD_MISMATCH",
            AuthProblem::PasswordNotConfigured => "AUTH_PASSWORD_NOT_CONFIGURED",
            AuthProblem::DeviceTokenMismatch => "AUTH_DEVICE_TOKEN_MISMATCH",
            AuthProblem::ScopeMismatch => "AUTH_SCOPE_MISMATCH",
            AuthProblem::RateLimited(_) => "AUTH_RATE_LIMITED",
            AuthProblem::Proxy(reason) if reason.starts_with("trusted_proxy_missing_header_") => {
                "AUTH_IDENTITY_HEADER_REQUIRED"
            }
            AuthProblem::ProxyAttribution | AuthProblem::Proxy(_) => "AUTH_UNAUTHORIZED",
        }
    }

    /// v4's `details.recommendedNextStep`.
    fn next_step(&self) -> &'static str {
        match self {
            AuthProblem::TokenMissing
            | AuthProblem::TokenNotConfigured
            | AuthProblem::PasswordMissing
            | AuthProblem::PasswordNotConfigured => "update_auth_configuration",
            AuthProblem::TokenMismatch | AuthProblem::PasswordMismatch | AuthProblem::DeviceTokenMismatch => {
                "update_auth_credentials"
            }
            AuthProblem::RateLimited(_) => "wait_then_retry",
            AuthProblem::ScopeMismatch | AuthProblem::ProxyAttribution | AuthProblem::Proxy(_) => {
                "review_auth_configuration"
            }
        }
    }

    /// Whether a guess was wrong, so that it counts against the address.
    pub(super) fn is_guess(&self) -> bool {
        matches!(self, AuthProblem::TokenMismatch | AuthProblem::PasswordMismatch)
    }
}

/// What the wording of an authentication failure depends on, besides the problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asker {
    wire: Wire,
    kind: Kind,
    local: bool,
    /// v4: whether a token was sent beside a device, and no device token.
    can_retry: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Cli,
    Ui,
    Other,
}

impl Asker {
    pub(super) fn new(wire: Wire, client: &ClientInfo, local: bool, can_retry: bool) -> Asker {
        let kind = if client.is_cli() {
            Kind::Cli
        } else if client.is_operator_ui(wire) || client.is_webchat() {
            Kind::Ui
        } else {
            Kind::Other
        };
        Asker { wire, kind, local, can_retry }
    }

    /// The error for `problem`.
    pub(super) fn unauthorized(self, problem: &AuthProblem) -> ErrorShape {
        let error = ErrorShape::invalid(self.message(problem));
        if self.wire == Wire::V3 {
            return error;
        }
        let can_retry = self.can_retry && *problem == AuthProblem::TokenMismatch;
        let next_step = if can_retry { "retry_with_device_token" } else { problem.next_step() };
        let error = error.with_details(json!({
            "code": problem.code(),
            "authReason": problem.reason(),
            "canRetryWithDeviceToken": can_retry,
            "recommendedNextStep": next_step,
        }));
        match problem {
            AuthProblem::RateLimited(retry_after_ms) => {
                ErrorShape { retryable: Some(true), retry_after_ms: Some(*retry_after_ms), ..error }
            }
            _ => error,
        }
    }

    fn message(self, problem: &AuthProblem) -> String {
        let local_v4 = self.wire == Wire::V4 && self.local;
        let token = match self.kind {
            Kind::Cli if local_v4 => "use this gateway's gateway.auth.token or pair the device",
            Kind::Cli => "set gateway.remote.token to match gateway.auth.token",
            Kind::Ui => "open the dashboard URL and paste the token in Control UI settings",
            Kind::Other => "provide gateway auth token",
        };
        let password = match self.kind {
            Kind::Cli if local_v4 => "use this gateway's gateway.auth.password",
            Kind::Cli => "set gateway.remote.password to match gateway.auth.password",
            Kind::Ui => "enter the password in Control UI settings",
            Kind::Other => "provide gateway auth password",
        };
        match problem {
            AuthProblem::TokenMissing => format!("unauthorized: gateway token missing ({token})"),
            AuthProblem::TokenMismatch => format!("unauthorized: gateway token mismatch ({token})"),
            AuthProblem::TokenNotConfigured => {
                "unauthorized: gateway token not configured on gateway (set gateway.auth.token)".to_owned()
            }
            AuthProblem::PasswordMissing => format!("unauthorized: gateway password missing ({password})"),
            AuthProblem::PasswordMismatch => format!("unauthorized: gateway password mismatch ({password})"),
            AuthProblem::PasswordNotConfigured => {
                "unauthorized: gateway password not configured on gateway (set gateway.auth.password)".to_owned()
            }
            AuthProblem::DeviceTokenMismatch => {
                "unauthorized: device token mismatch (rotate/reissue device token)".to_owned()
            }
            AuthProblem::ScopeMismatch => {
                "unauthorized: device token scope mismatch (re-pair or approve scope upgrade)".to_owned()
            }
            AuthProblem::RateLimited(_) => {
                "unauthorized: too many failed authentication attempts (retry later)".to_owned()
            }
            AuthProblem::ProxyAttribution => "unauthorized: proxy client attribution is required (configure \
                 gateway.trustedProxies narrowly and make the proxy overwrite or safely rebuild forwarded client \
                 headers)"
                .to_owned(),
            AuthProblem::Proxy(_) => "unauthorized".to_owned(),
        }
    }
}

/// Why a device must be approved first; v4 tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PairingReason {
    /// It is not known.
    NotPaired,
    /// It asks for a role it does not have.
    RoleUpgrade,
    /// It asks for scopes it does not have.
    ScopeUpgrade,
    /// v4: it claims to be another kind of machine than the one that was approved.
    MetadataUpgrade,
}

impl PairingReason {
    fn as_str(self) -> &'static str {
        match self {
            PairingReason::NotPaired => "not-paired",
            PairingReason::RoleUpgrade => "role-upgrade",
            PairingReason::ScopeUpgrade => "scope-upgrade",
            PairingReason::MetadataUpgrade => "metadata-upgrade",
        }
    }

    fn requirement(self) -> &'static str {
        match self {
            PairingReason::NotPaired => "device is not approved yet",
            PairingReason::RoleUpgrade => "device is asking for a higher role than currently approved",
            PairingReason::ScopeUpgrade => "device is asking for more scopes than currently approved",
            PairingReason::MetadataUpgrade => "device identity changed and must be re-approved",
        }
    }

    fn remedy(self) -> &'static str {
        match self {
            PairingReason::NotPaired => "Approve this device from the pending pairing requests.",
            PairingReason::RoleUpgrade => {
                "Review the requested role upgrade, then approve the pending request."
            }
            PairingReason::ScopeUpgrade => "Review the requested scopes, then approve the pending upgrade.",
            PairingReason::MetadataUpgrade => {
                "Review the refreshed device details, then approve the pending request."
            }
        }
    }
}

/// What a device that must be approved first is told.
pub(crate) struct PairingRequired<'a> {
    pub(crate) wire: Wire,
    pub(crate) reason: PairingReason,
    pub(crate) request_id: &'a str,
    pub(crate) device_id: &'a str,
    pub(crate) role: &'a str,
    pub(crate) scopes: &'a [Box<str>],
    /// Empty when the device is not known.
    pub(crate) approved_roles: &'a [Box<str>],
    pub(crate) approved_scopes: &'a [Box<str>],
}

impl PairingRequired<'_> {
    pub(crate) fn reject(self, id: RequestId) -> Rejection {
        if self.wire == Wire::V3 {
            let error = ErrorShape::new(ErrorCode::NotPaired, "pairing required")
                .with_details(json!({ "requestId": self.request_id }));
            return Rejection::answered(id, error);
        }
        let message = format!("pairing required: {}", self.reason.requirement());
        let mut details = serde_json::Map::new();
        details.insert("code".into(), "PAIRING_REQUIRED".into());
        details.insert("reason".into(), self.reason.as_str().into());
        details.insert("requestId".into(), self.request_id.into());
        details.insert("remediationHint".into(), self.reason.remedy().into());
        details.insert("deviceId".into(), self.device_id.into());
        details.insert("requestedRole".into(), self.role.into());
        for (name, list) in [
            ("requestedScopes", self.scopes),
            ("approvedRoles", self.approved_roles),
            ("approvedScopes", self.approved_scopes),
        ] {
            if !list.is_empty() {
                details.insert(name.into(), json!(list));
            }
        }
        let reason = format!("{message} (requestId: {})", self.request_id);
        let error = ErrorShape::new(ErrorCode::NotPaired, message).with_details(details.into());
        Rejection::answered(id, error).with_reason(&reason)
    }
}

/// An address as text, as it is stored and shown.
pub(super) fn ip_text(ip: IpAddr) -> Box<str> {
    ip.to_string().into()
}
