//! A device whose proof holds, on its way to the home shard.

use std::net::IpAddr;

use pincer_protocol::connect::{AuthMethod, ClientInfo, Secret};
use pincer_protocol::frame::RequestId;
use pincer_protocol::{Role, Wire};
use pincer_sessions::time::Now;

use super::refusal::{Asker, AuthProblem, PairingReason, Rejection};
use crate::limiter::{AuthLimiter, Credential};

/// A device whose proof holds, for the home shard to settle.
#[derive(Debug, Clone)]
pub struct DeviceClaim {
    /// Of the `connect` request, for a refusal.
    pub request_id: RequestId,
    /// What is spoken.
    pub wire: Wire,
    /// Which device: lower-case hex SHA-256 of its key.
    pub device_id: Box<str>,
    /// Its key, base64url.
    pub public_key: Box<str>,
    /// The role it asks for.
    pub role: Role,
    /// The scopes it asks for.
    pub scopes: Vec<Box<str>>,
    /// Who it says it is.
    pub client: ClientInfo,
    /// Its address, when it is not local and known for sure.
    pub remote_ip: Option<Box<str>>,
    /// What it proved itself with so far.
    pub proof: Proof,
    /// Whether it must be paired. v4 lets local back-ends that know the secret pass without.
    pub must_pair: bool,
    /// What is approved without asking anybody.
    pub silent: SilentApproval,
    /// Whose failures are counted; `None` when nobody's are.
    pub(super) counted_ip: Option<IpAddr>,
    pub(super) asker: Asker,
}

/// What a device proved itself with, besides its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// The gateway's own way; nothing more to check.
    Gateway(AuthMethod),
    /// This is a device token, or nothing.
    DeviceToken {
        /// What was sent.
        token: Secret,
        /// What to say when it is none.
        otherwise: AuthProblem,
        /// Whether a wrong shared secret was sent, too.
        was_guess: bool,
    },
}

/// What is approved without asking anybody, because the client is local.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SilentApproval {
    /// A device that is not known.
    pub first_contact: bool,
    /// A known device that asks for another role.
    pub role_upgrade: bool,
    /// A known device that asks for more scopes.
    pub scope_upgrade: bool,
    /// A known device that says it is another machine.
    pub metadata_upgrade: bool,
}

impl SilentApproval {
    /// Whether `reason` is approved without asking.
    pub fn covers(self, reason: PairingReason) -> bool {
        match reason {
            PairingReason::NotPaired => self.first_contact,
            PairingReason::RoleUpgrade => self.role_upgrade,
            PairingReason::ScopeUpgrade => self.scope_upgrade,
            PairingReason::MetadataUpgrade => self.metadata_upgrade,
        }
    }
}

impl DeviceClaim {
    /// What to note of the device token, once it is known to be right or wrong.
    pub(crate) fn note(&self, right: bool) -> Option<TokenNote> {
        match (&self.proof, self.counted_ip) {
            (Proof::DeviceToken { was_guess, .. }, Some(ip)) => {
                Some(TokenNote { ip, right, was_guess: *was_guess })
            }
            _ => None,
        }
    }

    /// The refusal for a device token that is none.
    pub(crate) fn reject_token(&self, problem: &AuthProblem) -> Rejection {
        Rejection::answered(self.request_id.clone(), self.asker.unauthorized(problem))
    }
}

/// What a device token turned out to be, for the limiter of the shard that has the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenNote {
    ip: IpAddr,
    right: bool,
    /// Whether a wrong shared secret was sent, too.
    was_guess: bool,
}

impl TokenNote {
    /// Notes it.
    pub fn apply(self, limiter: &mut AuthLimiter, now: Now) {
        if self.right {
            limiter.succeeded(self.ip, Credential::DeviceToken);
            return;
        }
        limiter.failed(self.ip, Credential::DeviceToken, now);
        if self.was_guess {
            limiter.failed(self.ip, Credential::SharedSecret, now);
        }
    }
}
