//! The error a client sees.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use crate::{Scope, Wire};

/// Error codes of the protocol. The last two exist only on v4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ErrorCode {
    /// A channel is not linked.
    NotLinked,
    /// The device must be paired first.
    NotPaired,
    /// A run took too long.
    AgentTimeout,
    /// The caller's fault; the same request will fail again.
    InvalidRequest,
    /// Ours, or a passing condition; `retryable` says whether to try again.
    Unavailable,
    /// v4: a scope is missing.
    Forbidden,
    /// v4: no such approval.
    ApprovalNotFound,
}

/// `error` of a response frame.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorShape {
    /// Who is at fault.
    pub code: ErrorCode,
    /// What happened, in words people read.
    pub message: Cow<'static, str>,
    /// Machine-readable particulars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
    /// Whether the same request may succeed later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retryable: Option<bool>,
    /// How long to wait before that, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl ErrorShape {
    /// An error with nothing but a code and a message.
    pub fn new(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> ErrorShape {
        ErrorShape { code, message: message.into(), details: None, retryable: None, retry_after_ms: None }
    }

    /// The caller's fault.
    pub fn invalid(message: impl Into<Cow<'static, str>>) -> ErrorShape {
        ErrorShape::new(ErrorCode::InvalidRequest, message)
    }

    /// Ours, and not worth retrying as it is.
    pub fn unavailable(message: impl Into<Cow<'static, str>>) -> ErrorShape {
        ErrorShape::new(ErrorCode::Unavailable, message)
    }

    /// A bound was reached; the caller may try again after `retry_after_ms`.
    pub fn busy(message: impl Into<Cow<'static, str>>, retry_after_ms: u64) -> ErrorShape {
        ErrorShape {
            retryable: Some(true),
            retry_after_ms: Some(retry_after_ms),
            ..ErrorShape::unavailable(message)
        }
    }

    /// The same error with details.
    pub fn with_details(self, details: Value) -> ErrorShape {
        ErrorShape { details: Some(details), ..self }
    }

    /// `unknown method: x`.
    pub fn unknown_method(name: &str) -> ErrorShape {
        ErrorShape::invalid(format!("unknown method: {name}"))
    }

    /// `invalid <method> params: <problems>`.
    pub fn invalid_params(method: &str, problems: &str) -> ErrorShape {
        ErrorShape::invalid(format!("invalid {method} params: {problems}"))
    }

    /// A missing scope, as each wire says it.
    pub fn missing_scope(wire: Wire, scope: Scope) -> ErrorShape {
        let message = format!("missing scope: {}", scope.as_str());
        match wire {
            Wire::V3 => ErrorShape::invalid(message),
            Wire::V4 => ErrorShape::new(ErrorCode::Forbidden, message).with_details(serde_json::json!({
                "code": "MISSING_SCOPE",
                "missingScope": scope.as_str(),
                "requiredScopes": [scope.as_str()],
            })),
        }
    }
}
