//! Who is let in.
//!
//! [`Handshake`] holds what is known of a socket before its first frame; [`Handshake::first_frame`] judges that frame:
//! refused ([`Decision::Reject`]), let in ([`Decision::Admit`]), or a device whose proof holds and whose pairing must be
//! looked up ([`Decision::NeedsDevice`]). The last is settled by the home shard, see [`crate::pairing::Pairings::judge`].
//!
//! The order of the checks and every sentence are upstream's, per wire. Where this gateway is stricter or kinder on
//! purpose, the place says so. No IO, no clock, no randomness: all of it is passed in.

mod claim;
mod device;
mod opening;
mod origin;
mod peer;
mod policy;
mod refusal;
mod secret;

pub use claim::{DeviceClaim, Proof, SilentApproval, TokenNote};
pub use peer::Peer;
pub use policy::{AuthPolicy, Network, ProxyRule};
pub use refusal::{AuthProblem, CLOSE_NORMAL, CLOSE_POLICY, CLOSE_PROTOCOL, PairingReason, Rejection};
pub use secret::SecretDigest;

pub(crate) use refusal::PairingRequired;

use std::collections::BTreeMap;

use pincer_protocol::connect::{self, AuthMethod, Challenge, ClientInfo, ConnectParams};
use pincer_protocol::frame::{RequestFrame, RequestId};
use pincer_protocol::json::Node;
use pincer_protocol::{ErrorShape, Role, ScopeSet, Wire};
use pincer_sessions::time::Now;

use crate::limiter::AuthLimiter;
use opening::Opening;

/// How long a client has for its first frame, milliseconds; the longer of upstream's two, for nobody has said yet which
/// wire is spoken. Then the socket is closed with [`CLOSE_NORMAL`] and no reason.
pub const HANDSHAKE_TIMEOUT_MS: u64 = 15_000;

/// Largest first frame, bytes; v4's bound. Then the socket is closed with 1009.
pub const FIRST_FRAME_BYTES_MAX: usize = 65_536;

/// A socket that has been accepted and has not been let in yet.
#[derive(Debug, Clone)]
pub struct Handshake {
    nonce: Box<str>,
    peer: Peer,
}

/// What becomes of the first frame.
#[derive(Debug)]
pub enum Decision {
    /// Not let in.
    Reject(Box<Rejection>),
    /// Let in.
    Admit(Box<Candidate>),
    /// Let in if the home shard says so.
    NeedsDevice(Box<Candidate>, Box<DeviceClaim>),
}

/// A client that is let in, or is as soon as its device is settled.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Of the `connect` request, to be answered with `hello-ok`.
    pub request_id: RequestId,
    /// What is spoken from now on.
    pub wire: Wire,
    /// Its role.
    pub role: Role,
    /// What it was granted, in its own order, unknown names kept.
    pub scopes: Vec<Box<str>>,
    /// The known ones among them.
    pub grant: ScopeSet,
    /// How it proved itself. A device token is checked by the home shard, and the verdict says so again.
    pub method: AuthMethod,
    /// The user a trusted proxy vouches for.
    pub user: Option<Box<str>>,
    /// Who it says it is.
    pub client: ClientInfo,
    /// What it can do with events and answers.
    pub caps: Vec<Box<str>>,
    /// Commands a node serves, as declared.
    pub commands: Vec<Box<str>>,
    /// What the node's owner allows.
    pub permissions: BTreeMap<Box<str>, bool>,
    /// `PATH` of a node.
    pub path_env: Option<Box<str>>,
    /// Its device, if it showed one.
    pub device_id: Option<Box<str>>,
    /// Whether it is a program on this machine.
    pub local: bool,
    /// Its address, when it is not local and known for sure.
    pub remote_ip: Option<Box<str>>,
    /// The person's language.
    pub locale: Option<Box<str>>,
    /// Its own description, else the browser's.
    pub user_agent: Option<Box<str>>,
}

impl Handshake {
    /// `nonce`: fresh and unguessable, at least 128 bits; upstream uses a version 4 UUID.
    pub fn new(nonce: impl Into<Box<str>>, peer: Peer) -> Handshake {
        Handshake { nonce: nonce.into(), peer }
    }

    /// What is sent as soon as the socket is up.
    pub fn challenge(&self, now: Now) -> Challenge<'_> {
        Challenge::new(&self.nonce, now.wall_ms)
    }

    /// What is known of the other end.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Judges the first frame; `None`: it is no JSON. Failed guesses are noted in `limiter`, except those of a device
    /// that may still turn out to hold a token: the verdict says what to note then, see [`TokenNote`].
    pub fn first_frame(
        &self,
        frame: Option<Node<'_, '_>>,
        policy: &AuthPolicy,
        limiter: &mut AuthLimiter,
        now: Now,
    ) -> Decision {
        match self.judge(frame, policy, limiter, now) {
            Ok(decision) => decision,
            Err(rejection) => Decision::Reject(rejection),
        }
    }

    fn judge(
        &self,
        frame: Option<Node<'_, '_>>,
        policy: &AuthPolicy,
        limiter: &mut AuthLimiter,
        now: Now,
    ) -> Result<Decision, Box<Rejection>> {
        let Some(frame) = frame else { return Err(Box::new(Rejection::silent(CLOSE_NORMAL, ""))) };
        // Nobody is told what is wrong with it, so the wire, which is not known yet, does not matter.
        let request = RequestFrame::read(frame, Wire::V4)
            .map_err(|_| Box::new(Rejection::silent(CLOSE_POLICY, "invalid request frame")))?;
        let id = RequestId::Text(request.id.into());
        let refuse = |error: ErrorShape| Box::new(Rejection::answered(id.clone(), error));
        if request.method != connect::METHOD {
            return Err(refuse(ErrorShape::invalid("invalid handshake: first request must be connect")));
        }
        let params = ConnectParams::read(request.params)
            .map_err(|bad| refuse(ErrorShape::invalid_params(connect::METHOD, &bad.problems)))?;
        let (min, max) = (params.min_protocol, params.max_protocol);
        let wire = Wire::negotiate(min, max).ok_or_else(|| {
            Box::new(refusal::protocol_mismatch(id.clone(), connect::wording(request.params), min, max))
        })?;
        // Cloud workers are admitted by a road of their own, which upstream closes to everybody else in these words.
        if params.client.is_worker() {
            return Err(Box::new(Rejection::silent(CLOSE_POLICY, "invalid-handshake")));
        }
        let role = Role::parse(params.role.as_deref().unwrap_or(Role::Operator.as_str()))
            .ok_or_else(|| refuse(ErrorShape::invalid("invalid role")))?;
        origin::check(wire, &params.client, &self.peer, policy)
            .map_err(|problem| refuse(refusal::origin(wire, problem)))?;

        let opening = Opening { handshake: self, policy, id: &id, wire, role, params: &params };
        opening.decide(limiter, now).map_err(refuse)
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
