//! Who sent a well-formed `connect`: the secret, the device, and what may pass without either.

use pincer_protocol::connect::{AuthMethod, AuthMode, ClientId, ClientMode, ConnectParams, Secret};
use pincer_protocol::frame::RequestId;
use pincer_protocol::{ErrorShape, Role, ScopeSet, Wire};
use pincer_sessions::time::Now;

use super::claim::{DeviceClaim, Proof, SilentApproval};
use super::policy::AuthPolicy;
use super::refusal::{self, Asker, AuthProblem, ip_text};
use super::{Candidate, Decision, Handshake, device, peer};
use crate::limiter::{AuthLimiter, Credential};

/// A `connect` that is well-formed; who sent it is not settled.
pub(super) struct Opening<'a> {
    pub(super) handshake: &'a Handshake,
    pub(super) policy: &'a AuthPolicy,
    pub(super) id: &'a RequestId,
    pub(super) wire: Wire,
    pub(super) role: Role,
    pub(super) params: &'a ConnectParams,
}

impl Opening<'_> {
    /// Lets in, refuses, or hands over to the home shard.
    pub(super) fn decide(&self, limiter: &mut AuthLimiter, now: Now) -> Result<Decision, ErrorShape> {
        let (wire, params, peer) = (self.wire, self.params, &self.handshake.peer);
        // v3: the config may let a Control UI pass without a device; then one that is shown is not looked at.
        let bypass =
            wire == Wire::V3 && self.policy.control_ui_without_device && params.client.is_control_ui();
        let device = params.device.as_ref().filter(|_| !bypass);
        let local = peer.is_local(wire);
        let asker = Asker::new(
            wire,
            &params.client,
            local,
            device.is_some() && sent(&params.auth.token) && !sent(&params.auth.device_token),
        );
        let proven = self.authenticate(limiter, now, device.is_some());

        let Some(device) = device else {
            let scopes = self.without_device(asker, &proven, bypass, local)?;
            let method = proven.map_err(|problem| asker.unauthorized(&problem))?;
            return Ok(Decision::Admit(Box::new(self.candidate(method, scopes, None, local))));
        };
        let public_key =
            device::verify(wire, device, params, self.role, &self.handshake.nonce, local, now.wall_ms)
                .map_err(|problem| {
                    self.note_guess(&proven, limiter, now);
                    refusal::device(wire, problem)
                })?;
        let proof = match proven {
            Ok(method) => Proof::Gateway(method),
            Err(problem) => self.token_proof(problem, limiter, now).map_err(|problem| {
                self.note_guess(&Err(problem.clone()), limiter, now);
                asker.unauthorized(&problem)
            })?,
        };
        let method = match proof {
            Proof::Gateway(method) => method,
            Proof::DeviceToken { .. } => AuthMethod::DeviceToken,
        };
        let candidate = self.candidate(method, params.scopes.clone(), Some(device.id.clone()), local);
        let claim = DeviceClaim {
            request_id: self.id.clone(),
            wire,
            device_id: device.id.clone(),
            public_key,
            role: self.role,
            scopes: params.scopes.clone(),
            client: match wire {
                Wire::V3 => params.client.clone(),
                Wire::V4 => params.client.as_known_machine(),
            },
            remote_ip: peer.reported_ip(wire).map(ip_text),
            must_pair: self.must_pair(method, local),
            silent: self.silent(method, local),
            proof,
            counted_ip: self.policy.limits_failures(wire).then(|| peer.counted_ip()),
            asker,
        };
        Ok(Decision::NeedsDevice(Box::new(candidate), Box::new(claim)))
    }

    /// Whether the client knows what the gateway asks for. A wrong guess beside a device is not noted here: it may be
    /// that device's token.
    fn authenticate(
        &self,
        limiter: &mut AuthLimiter,
        now: Now,
        has_device: bool,
    ) -> Result<AuthMethod, AuthProblem> {
        let (peer, auth) = (&self.handshake.peer, &self.params.auth);
        if self.wire == Wire::V4 && peer.lacks_attribution() {
            return Err(AuthProblem::ProxyAttribution);
        }
        match self.policy.mode {
            AuthMode::None => return Ok(AuthMethod::None),
            AuthMode::TrustedProxy => {
                return match peer.user() {
                    Ok(_) => Ok(AuthMethod::TrustedProxy),
                    Err(problem) => Err(AuthProblem::Proxy(problem.reason())),
                };
            }
            AuthMode::Token | AuthMode::Password => {}
        }
        let ip = peer.counted_ip();
        let limited = self.policy.limits_failures(self.wire) && (sent(&auth.token) || sent(&auth.password));
        if limited {
            limiter.check(ip, Credential::SharedSecret, now).map_err(AuthProblem::RateLimited)?;
        }
        let by_token = self.policy.mode == AuthMode::Token;
        let (first, second) =
            if by_token { (&auth.token, &auth.password) } else { (&auth.password, &auth.token) };
        // v4 takes the secret in either field.
        let given = [first, second]
            .into_iter()
            .take(if self.wire == Wire::V4 { 2 } else { 1 })
            .flatten()
            .map(Secret::reveal)
            .find(|secret| !secret.is_empty());
        let (digest, method, unset, missing, mismatch) = if by_token {
            (
                &self.policy.token,
                AuthMethod::Token,
                AuthProblem::TokenNotConfigured,
                AuthProblem::TokenMissing,
                AuthProblem::TokenMismatch,
            )
        } else {
            (
                &self.policy.password,
                AuthMethod::Password,
                AuthProblem::PasswordNotConfigured,
                AuthProblem::PasswordMissing,
                AuthProblem::PasswordMismatch,
            )
        };
        let digest = digest.as_ref().ok_or(unset)?;
        let given = given.ok_or(missing)?;
        if !digest.matches(given) {
            if limited && !has_device {
                limiter.failed(ip, Credential::SharedSecret, now);
            }
            return Err(mismatch);
        }
        if limited {
            limiter.succeeded(ip, Credential::SharedSecret);
        }
        Ok(method)
    }

    /// What to try when the gateway's own way failed: the device token, if one may have been sent.
    fn token_proof(
        &self,
        problem: AuthProblem,
        limiter: &AuthLimiter,
        now: Now,
    ) -> Result<Proof, AuthProblem> {
        // Nobody can be told apart behind an unknown proxy, so no secret is tried either.
        if problem == AuthProblem::ProxyAttribution {
            return Err(problem);
        }
        let auth = &self.params.auth;
        let explicit = auth.device_token.as_ref().filter(|token| !token.reveal().is_empty());
        let fallback = auth.token.as_ref().filter(|token| !token.reveal().is_empty());
        let Some(token) = explicit.or(fallback) else { return Err(problem) };
        if self.policy.limits_failures(self.wire) {
            limiter
                .check(self.handshake.peer.counted_ip(), Credential::DeviceToken, now)
                .map_err(AuthProblem::RateLimited)?;
        }
        let was_guess = problem.is_guess();
        // v3 speaks of the device token whatever was meant; v4 of what was sent.
        let otherwise = if self.wire == Wire::V3 || explicit.is_some() {
            AuthProblem::DeviceTokenMismatch
        } else {
            problem
        };
        Ok(Proof::DeviceToken { token: token.clone(), otherwise, was_guess })
    }

    /// Notes a wrong guess that turned out not to be a device token either.
    fn note_guess(&self, proven: &Result<AuthMethod, AuthProblem>, limiter: &mut AuthLimiter, now: Now) {
        if let Err(problem) = proven
            && problem.is_guess()
            && self.policy.limits_failures(self.wire)
        {
            limiter.failed(self.handshake.peer.counted_ip(), Credential::SharedSecret, now);
        }
    }

    /// Whether a client without a device may pass, and with which scopes.
    fn without_device(
        &self,
        asker: Asker,
        proven: &Result<AuthMethod, AuthProblem>,
        bypass: bool,
        local: bool,
    ) -> Result<Vec<Box<str>>, ErrorShape> {
        let (wire, client) = (self.wire, &self.params.client);
        let auth = &self.params.auth;
        let sent_secret = sent(&auth.token) || sent(&auth.password);
        let method = proven.as_ref().ok().copied();
        let shared = method.is_some_and(AuthMethod::is_shared_secret);
        let operator = self.role == Role::Operator;
        let page = self.handshake.peer.origin().is_some();
        let cli = client.id == ClientId::Cli && client.mode == ClientMode::Cli;

        let (keeps_scopes, may_skip) = match wire {
            Wire::V3 => (bypass, shared),
            Wire::V4 => {
                let backend = self.is_local_backend(method, local);
                let proxied = method == Some(AuthMethod::TrustedProxy);
                let keeps = backend || (cli && local && !page && shared) || method == Some(AuthMethod::None);
                if client.is_operator_ui(wire) && proxied && operator {
                    // Upstream clears these scopes, too: a page without a device has no grant of its own.
                    return Ok(Vec::new());
                }
                (keeps, operator && (backend || shared || proxied))
            }
        };
        if client.is_operator_ui(wire) && !bypass {
            return Err(refusal::control_ui_without_device(wire));
        }
        if may_skip {
            return Ok(if keeps_scopes { self.params.scopes.clone() } else { Vec::new() });
        }
        match proven {
            Err(problem) if sent_secret || *problem == AuthProblem::ProxyAttribution => {
                Err(asker.unauthorized(problem))
            }
            _ => Err(refusal::device_required(wire)),
        }
    }

    /// v4: the gateway's own kind of program, on this machine, with proof.
    fn is_local_backend(&self, method: Option<AuthMethod>, local: bool) -> bool {
        let client = &self.params.client;
        self.wire == Wire::V4
            && client.id == ClientId::GatewayClient
            && client.mode == ClientMode::Backend
            && local
            && self.handshake.peer.origin().is_none()
            && method.is_some_and(|method| method != AuthMethod::TrustedProxy)
    }

    fn must_pair(&self, method: AuthMethod, local: bool) -> bool {
        let open_ui = self.wire == Wire::V4
            && self.params.client.is_control_ui()
            && self.role == Role::Operator
            && self.policy.mode == AuthMode::None;
        !(self.is_local_backend(Some(method), local) || open_ui)
    }

    /// What is approved without asking.
    ///
    /// Kinder than upstream's v3 on purpose: there, a known local device that asks for more scopes has to be approved by
    /// hand, so that one command of the real command line locks out the next. v4 approves it silently when the shared
    /// secret was shown, and so do we on both wires.
    fn silent(&self, method: AuthMethod, local: bool) -> SilentApproval {
        let (client, peer) = (&self.params.client, &self.handshake.peer);
        let near = local || self.is_container_page(method);
        // A page that is no page of ours gets nothing silently, whatever it knows.
        let foreign_page =
            peer.origin().is_some() && !client.is_operator_ui(self.wire) && !client.is_webchat();
        let scope_upgrade = near
            && !foreign_page
            && (method.is_shared_secret() || (self.wire == Wire::V4 && method == AuthMethod::None));
        match self.wire {
            Wire::V3 => SilentApproval { first_contact: near, scope_upgrade, ..SilentApproval::default() },
            Wire::V4 => SilentApproval {
                first_contact: near && !foreign_page,
                role_upgrade: near && !foreign_page && self.role == Role::Operator,
                scope_upgrade: scope_upgrade && self.role == Role::Operator,
                metadata_upgrade: local && peer.origin().is_none() && client.is_native_app(),
            },
        }
    }

    /// v4: the Control UI on this machine, talking to a gateway in a container on this machine: the socket comes from
    /// the container's network, and `Host` and `Origin` both say loopback.
    fn is_container_page(&self, method: AuthMethod) -> bool {
        let peer = &self.handshake.peer;
        self.wire == Wire::V4
            && self.params.client.is_control_ui()
            && method.is_shared_secret()
            && !peer.is_forwarded()
            && peer::is_private(peer.remote())
            && peer::is_loopback_name(peer::host_name(peer.host()))
            && peer
                .origin()
                .and_then(|origin| origin.split_once("://"))
                .is_some_and(|(_, host)| peer::is_loopback_name(peer::host_name(host)))
    }

    fn candidate(
        &self,
        method: AuthMethod,
        scopes: Vec<Box<str>>,
        device_id: Option<Box<str>>,
        local: bool,
    ) -> Candidate {
        let (params, peer) = (self.params, &self.handshake.peer);
        Candidate {
            request_id: self.id.clone(),
            wire: self.wire,
            role: self.role,
            grant: ScopeSet::from_names(scopes.iter().map(|scope| &**scope)),
            scopes,
            method,
            user: peer.user().ok().filter(|_| method == AuthMethod::TrustedProxy).map(Into::into),
            client: params.client.clone(),
            caps: params.caps.clone(),
            commands: params.commands.clone(),
            permissions: params.permissions.clone(),
            path_env: params.path_env.clone(),
            device_id,
            local,
            remote_ip: peer.reported_ip(self.wire).map(ip_text),
            locale: params.locale.clone(),
            user_agent: params.user_agent.clone().or_else(|| peer.user_agent().map(Into::into)),
        }
    }
}

fn sent(secret: &Option<Secret>) -> bool {
    secret.as_ref().is_some_and(|secret| !secret.reveal().is_empty())
}
