//! Settles a device that wants to connect.

use pincer_protocol::connect::AuthMethod;
use pincer_protocol::method::device::{
    ApprovedVia, PairDecision, PairRequested, PairResolved, PendingRequest,
};
use pincer_protocol::{ErrorShape, Role, Wire};
use pincer_sessions::persist::{StoreOp, Table};
use pincer_sessions::time::Now;
use rand_core::CryptoRng;

use super::change::{Changes, PairEvent};
use super::record::{DeviceRecord, TokenValue, role_name};
use super::{PAIRED_MAX, PENDING_MAX, Pairings, clip, scopes};
use crate::handshake::{
    AuthProblem, DeviceClaim, PairingReason, PairingRequired, Proof, Rejection, TokenNote,
};

/// How often a visit that changes nothing but its time is written down, milliseconds. What is stored of a device's last
/// visit, or of a token's last use, is at most so much older than what is known.
pub(super) const SEEN_EVERY_MS: u64 = 60_000;

/// What becomes of a device that wants to connect.
#[derive(Debug)]
pub enum PairingVerdict {
    /// It is let in.
    Granted {
        /// What it is let in with.
        grant: DeviceGrant,
        /// What must happen first.
        changes: Changes,
        /// What the limiter of its shard must note.
        note: Option<TokenNote>,
    },
    /// It is not.
    Rejected {
        /// What it is told.
        rejection: Box<Rejection>,
        /// What must happen.
        changes: Changes,
        /// What the limiter of its shard must note.
        note: Option<TokenNote>,
    },
}

/// What a device is let in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceGrant {
    /// How it proved itself, now for sure.
    pub method: AuthMethod,
    /// Its scopes, in its own order.
    pub scopes: Vec<Box<str>>,
    /// Its token for this role; `None` when it is let in without being paired.
    pub token: Option<IssuedToken>,
}

/// A device's token for one role, for `hello-ok`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedToken {
    /// The token.
    pub token: TokenValue,
    /// What it allows, sorted. v3's hello shows these as the connection's scopes.
    pub scopes: Vec<Box<str>>,
    /// When this value was made, milliseconds since 1970.
    pub issued_at_ms: u64,
}

impl Pairings {
    /// Settles `claim`: checks its token, pairs it silently where that is allowed, or makes it wait for approval.
    pub fn judge<R: CryptoRng + ?Sized>(
        &mut self,
        claim: &DeviceClaim,
        now: Now,
        rng: &mut R,
    ) -> PairingVerdict {
        let mut changes = Changes { ops: self.expire(now), ..Changes::default() };
        let method = match self.check_token(claim) {
            Ok(method) => method,
            Err(problem) => {
                let rejection = Box::new(claim.reject_token(&problem));
                return PairingVerdict::Rejected { rejection, changes, note: claim.note(false) };
            }
        };
        let note = claim.note(true);
        if claim.must_pair
            && let Err(rejection) = self.pair(claim, now, rng, &mut changes)
        {
            return PairingVerdict::Rejected { rejection, changes, note };
        }
        let token = self.visit(claim, method, now, rng, &mut changes.ops);
        let grant = DeviceGrant { method, scopes: claim.scopes.clone(), token };
        PairingVerdict::Granted { grant, changes, note }
    }

    fn check_token(&self, claim: &DeviceClaim) -> Result<AuthMethod, AuthProblem> {
        let (token, otherwise) = match &claim.proof {
            Proof::Gateway(method) => return Ok(*method),
            Proof::DeviceToken { token, otherwise, .. } => (token, otherwise),
        };
        let known = self
            .paired
            .get(&claim.device_id)
            .filter(|device| device.public_key == claim.public_key)
            .and_then(|device| device.tokens.get(claim.role.as_str()))
            .filter(|known| known.is_live() && known.token.matches(token.reveal()));
        let Some(known) = known else { return Err(otherwise.clone()) };
        if !scopes::allows_all(claim.role, &known.scopes, &claim.scopes) {
            return Err(match claim.wire {
                Wire::V3 => otherwise.clone(),
                Wire::V4 => AuthProblem::ScopeMismatch,
            });
        }
        Ok(AuthMethod::DeviceToken)
    }

    /// Makes sure that the device is paired for what it asks, one reason after another as upstream does.
    fn pair<R: CryptoRng + ?Sized>(
        &mut self,
        claim: &DeviceClaim,
        now: Now,
        rng: &mut R,
        changes: &mut Changes,
    ) -> Result<(), Box<Rejection>> {
        let Some(reason) = self.reason(claim) else { return Ok(()) };
        if !self.silent_for(claim, reason) {
            return Err(Box::new(self.make_wait(claim, reason, now, rng, changes)));
        }
        self.approve_silently(claim, now, rng, changes)
            .map_err(|error| Box::new(Rejection::answered(claim.request_id.clone(), error)))?;
        // An approval covers all that was asked for, so nothing is left to object to.
        debug_assert_eq!(self.reason(claim), None);
        Ok(())
    }

    /// Whether the device may have all it asks for without anybody being asked. An approval covers everything at once, so
    /// every reason there is must be covered, not only the first.
    fn silent_for(&self, claim: &DeviceClaim, first: PairingReason) -> bool {
        let Some(known) = self.paired.get(&claim.device_id).filter(|_| first != PairingReason::NotPaired)
        else {
            return claim.silent.covers(first);
        };
        let role = known.has_role(claim.role.as_str());
        let scopes = scopes::allows_all(claim.role, known.allowed_scopes(), &claim.scopes);
        claim.silent.covers(first)
            && (role || claim.silent.covers(PairingReason::RoleUpgrade))
            && (scopes || claim.silent.covers(PairingReason::ScopeUpgrade))
    }

    /// Why the device may not pass yet.
    fn reason(&self, claim: &DeviceClaim) -> Option<PairingReason> {
        let known = self.paired.get(&claim.device_id).filter(|known| known.public_key == claim.public_key);
        let Some(known) = known else { return Some(PairingReason::NotPaired) };
        if claim.wire == Wire::V4 && is_another_machine(known, claim) {
            return Some(PairingReason::MetadataUpgrade);
        }
        if !known.has_role(claim.role.as_str()) {
            return Some(PairingReason::RoleUpgrade);
        }
        if !scopes::allows_all(claim.role, known.allowed_scopes(), &claim.scopes) {
            return Some(PairingReason::ScopeUpgrade);
        }
        None
    }

    fn approve_silently<R: CryptoRng + ?Sized>(
        &mut self,
        claim: &DeviceClaim,
        now: Now,
        rng: &mut R,
        changes: &mut Changes,
    ) -> Result<(), ErrorShape> {
        if !self.paired.contains_key(&claim.device_id) {
            changes.ops.extend(self.make_room()?);
        }
        let request = self.request(claim, true, now, rng);
        let request_id = request.request_id.clone();
        let record = self.approved(&request, ApprovedVia::Silent, now, rng);
        changes.ops.push(self.put_device(record));
        // What the device asked for earlier may be settled with this; if not, it keeps waiting.
        if let Some(waiting) = self.pending_of(&claim.device_id).filter(|waiting| self.is_settled(waiting)) {
            let id = waiting.request_id.clone();
            changes.ops.push(self.drop_pending(&id));
        }
        changes.events.push(PairEvent::Resolved(PairResolved {
            request_id,
            device_id: claim.device_id.clone(),
            decision: PairDecision::Approved,
            ts: now.wall_ms,
        }));
        Ok(())
    }

    fn make_wait<R: CryptoRng + ?Sized>(
        &mut self,
        claim: &DeviceClaim,
        reason: PairingReason,
        now: Now,
        rng: &mut R,
        changes: &mut Changes,
    ) -> Rejection {
        let is_new = self.pending_of(&claim.device_id).is_none();
        if is_new
            && self.pending.len() >= PENDING_MAX
            && let Some(oldest) = self.pending.values().min_by_key(|request| request.ts)
        {
            let id = oldest.request_id.clone();
            changes.ops.push(self.drop_pending(&id));
        }
        let request = self.request(claim, false, now, rng);
        let request_id = request.request_id.clone();
        if is_new {
            changes.events.push(PairEvent::Requested(PairRequested(request.clone())));
        }
        changes.ops.push(self.put_pending(request));
        let known = self.paired.get(&claim.device_id).filter(|known| known.public_key == claim.public_key);
        PairingRequired {
            wire: claim.wire,
            reason,
            request_id: &request_id,
            device_id: &claim.device_id,
            role: claim.role.as_str(),
            scopes: &claim.scopes,
            approved_roles: &known.map(DeviceRecord::all_roles).unwrap_or_default(),
            approved_scopes: &known.map(|known| scopes::sorted(known.allowed_scopes())).unwrap_or_default(),
        }
        .reject(claim.request_id.clone())
    }

    /// The request of `claim`. One that waits for a decision keeps its id and grows; one that is approved at once asks
    /// for no more than this claim does.
    fn request<R: CryptoRng + ?Sized>(
        &self,
        claim: &DeviceClaim,
        silent: bool,
        now: Now,
        rng: &mut R,
    ) -> PendingRequest {
        let role = role_name(claim.role);
        let waiting = self.pending_of(&claim.device_id).filter(|_| !silent);
        let (earlier_roles, earlier_scopes) = match waiting {
            Some(waiting) => (waiting.roles.as_deref(), waiting.scopes.as_deref()),
            None => (None, None),
        };
        let mut scopes = scopes::tidy(earlier_scopes.unwrap_or_default().iter().chain(&claim.scopes));
        // A device that keeps asking for other names must not grow without bound; the latest are what counts.
        let excess = scopes.len().saturating_sub(2 * pincer_protocol::connect::SCOPES_MAX);
        scopes.drain(..excess);
        PendingRequest {
            request_id: waiting.map_or_else(|| uuid(rng), |waiting| waiting.request_id.clone()),
            device_id: claim.device_id.clone(),
            public_key: claim.public_key.clone(),
            display_name: claim.client.display_name.as_deref().map(clip),
            platform: Some(clip(&claim.client.platform)),
            device_family: claim.client.device_family.as_deref().map(clip),
            client_id: Some(claim.client.id.as_str().into()),
            client_mode: Some(claim.client.mode.as_str().into()),
            roles: Some(scopes::tidy(earlier_roles.unwrap_or_default().iter().chain([&role]))),
            role: Some(role),
            scopes: Some(scopes),
            remote_ip: claim.remote_ip.clone(),
            silent,
            is_repair: self.paired.contains_key(&claim.device_id),
            ts: now.wall_ms,
        }
    }

    /// The record of a device whose request is approved.
    pub(super) fn approved<R: CryptoRng + ?Sized>(
        &self,
        request: &PendingRequest,
        via: ApprovedVia,
        now: Now,
        rng: &mut R,
    ) -> DeviceRecord {
        let known = self.paired.get(&request.device_id);
        let asked_roles = scopes::tidy(request.roles.iter().flatten().chain(&request.role));
        let asked_scopes = request.scopes.as_deref().unwrap_or_default();
        let mut record = DeviceRecord {
            device_id: request.device_id.clone(),
            public_key: request.public_key.clone(),
            display_name: request.display_name.clone(),
            platform: request.platform.clone(),
            device_family: request.device_family.clone(),
            client_id: request.client_id.clone(),
            client_mode: request.client_mode.clone(),
            role: request.role.clone(),
            roles: scopes::tidy(
                known.iter().flat_map(|known| known.roles.iter().chain(&known.role)).chain(&asked_roles),
            ),
            approved_scopes: scopes::tidy(
                known.iter().flat_map(|known| known.allowed_scopes()).chain(asked_scopes),
            ),
            scopes: Vec::new(),
            remote_ip: request.remote_ip.clone(),
            tokens: known.map(|known| known.tokens.clone()).unwrap_or_default(),
            // What somebody approved once is not made less by a silent approval later.
            approved_via: match known.and_then(|known| known.approved_via) {
                Some(ApprovedVia::Owner) => Some(ApprovedVia::Owner),
                _ => Some(via),
            },
            created_at_ms: known.map_or(now.wall_ms, |known| known.created_at_ms),
            approved_at_ms: now.wall_ms,
            last_seen_at_ms: known.and_then(|known| known.last_seen_at_ms),
        };
        record.scopes = record.approved_scopes.clone();
        for role in &asked_roles {
            // Scopes are an operator's; a node has its commands.
            let earlier = record.tokens.get(role).filter(|token| token.is_live());
            let scopes = if **role == *Role::Operator.as_str() {
                scopes::sorted(earlier.iter().flat_map(|token| &token.scopes).chain(asked_scopes))
            } else {
                scopes::sorted(asked_scopes.iter().filter(|scope| !scope.starts_with("operator.")))
            };
            record.issue(role, scopes, now.wall_ms, rng);
        }
        record
    }

    fn is_settled(&self, request: &PendingRequest) -> bool {
        self.paired.get(&request.device_id).is_some_and(|known| {
            let roles = scopes::tidy(request.roles.iter().flatten().chain(&request.role));
            roles.iter().all(|role| known.has_role(role))
                && scopes::allows_all(
                    Role::Operator,
                    known.allowed_scopes(),
                    request.scopes.as_deref().unwrap_or_default(),
                )
        })
    }

    /// Forgets a silently approved device when the table is full.
    pub(super) fn make_room(&mut self) -> Result<Option<StoreOp>, ErrorShape> {
        if self.paired.len() < PAIRED_MAX {
            return Ok(None);
        }
        let seen = |record: &DeviceRecord| record.last_seen_at_ms.unwrap_or(record.approved_at_ms);
        let stale = self
            .paired
            .values()
            .filter(|record| record.approved_via == Some(ApprovedVia::Silent))
            .min_by_key(|record| seen(record))
            .map(|record| record.device_id.clone())
            .ok_or_else(|| {
                ErrorShape::unavailable("too many paired devices; remove some with device.pair.remove")
            })?;
        self.paired.remove(&stale);
        Ok(Some(StoreOp::Delete { table: Table::Devices, id: stale.into() }))
    }

    /// Notes that a device is here, and makes sure that it has a token for its role.
    fn visit<R: CryptoRng + ?Sized>(
        &mut self,
        claim: &DeviceClaim,
        method: AuthMethod,
        now: Now,
        rng: &mut R,
        ops: &mut Vec<StoreOp>,
    ) -> Option<IssuedToken> {
        let known = self.paired.get(&claim.device_id).filter(|known| known.public_key == claim.public_key)?;
        let mut record = known.clone();
        let role = claim.role.as_str();
        // v4 keeps what was approved; v3 notes what came last.
        if claim.wire == Wire::V3 {
            record.client_id = Some(claim.client.id.as_str().into());
            record.client_mode = Some(claim.client.mode.as_str().into());
            record.role = Some(role.into());
            record.platform = Some(clip(&claim.client.platform));
        } else if claim.client.is_native_app() {
            // The same system in a newer version, or it would have been another machine.
            record.platform = Some(clip(&claim.client.platform));
        }
        if let Some(name) = &claim.client.display_name {
            record.display_name = Some(clip(name));
        }
        record.remote_ip = claim.remote_ip.clone();
        let token = self.token_for(&mut record, claim, now, rng);

        let changed = record != *known;
        let mut due = falls_due(record.last_seen_at_ms.replace(now.wall_ms), now);
        if method == AuthMethod::DeviceToken
            && let Some(used) = record.tokens.get_mut(role)
        {
            due |= falls_due(used.last_used_at_ms.replace(now.wall_ms), now);
        }
        if changed || due {
            ops.push(self.put_device(record));
        } else {
            self.paired.insert(record.device_id.clone(), record);
        }
        token
    }

    /// The token the device already has for its role, when that allows what it asks for; else a new one.
    fn token_for<R: CryptoRng + ?Sized>(
        &self,
        record: &mut DeviceRecord,
        claim: &DeviceClaim,
        now: Now,
        rng: &mut R,
    ) -> Option<IssuedToken> {
        let role = claim.role.as_str();
        // Without pairing (v4's local back-ends) a device gets no token for more than it was approved for.
        let approved =
            record.has_role(role) && scopes::allows_all(claim.role, record.allowed_scopes(), &claim.scopes);
        if !approved {
            return None;
        }
        let fits = record.tokens.get(role).is_some_and(|token| {
            token.is_live() && scopes::allows_all(claim.role, &token.scopes, &claim.scopes)
        });
        if !fits {
            record.issue(role, scopes::sorted(&claim.scopes), now.wall_ms, rng);
        }
        record.tokens.get(role).map(|token| IssuedToken {
            token: token.token.clone(),
            scopes: token.scopes.clone(),
            issued_at_ms: token.issued_at_ms(),
        })
    }
}

/// Whether the first visit since `last` is written down whatever else it changed: one in each span of [`SEEN_EVERY_MS`].
fn falls_due(last: Option<u64>, now: Now) -> bool {
    last.is_none_or(|last| last / SEEN_EVERY_MS != now.wall_ms / SEEN_EVERY_MS)
}

/// v4: whether the platform or family a device claims is not the one that was approved. A first-party app may bring a
/// newer version of the same system.
fn is_another_machine(known: &DeviceRecord, claim: &DeviceClaim) -> bool {
    let norm = |text: Option<&str>| text.map(|text| clip(text).to_ascii_lowercase()).unwrap_or_default();
    let pinned = norm(known.platform.as_deref());
    let claimed = norm(Some(&claim.client.platform));
    let system = |text: &str| text.split_whitespace().next().unwrap_or_default().to_owned();
    let refreshed = claim.client.is_native_app() && system(&pinned) == system(&claimed);
    let platform = !pinned.is_empty() && pinned != claimed && !refreshed;
    let pinned_family = norm(known.device_family.as_deref());
    let family = !pinned_family.is_empty() && pinned_family != norm(claim.client.device_family.as_deref());
    platform || family
}

/// A random version 4 UUID.
pub(crate) fn uuid<R: CryptoRng + ?Sized>(rng: &mut R) -> Box<str> {
    let mut bytes = [0u8; 16];
    rng.fill_bytes(&mut bytes);
    let n = u128::from_be_bytes(bytes) & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    let hex = format!("{n:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-").into()
}
