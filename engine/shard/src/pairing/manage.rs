//! `device.pair.*` and `device.token.*`.
//!
//! v4 lets a caller that is no administrator touch its own device only. v3 has no such rule, but on both wires nobody may
//! hand out scopes it does not hold: otherwise the pairing scope alone would be worth as much as admin.

use pincer_protocol::method::device::{
    ApprovePayload, ApprovedVia, DeviceRef, PairDecision, PairListPayload, PairResolved, PendingRequest,
    RejectPayload, RevokePayload, RotatePayload, TokenDelivery,
};
use pincer_protocol::{ErrorShape, Role, Wire};
use pincer_sessions::persist::{StoreOp, Table};
use pincer_sessions::time::Now;
use rand_core::CryptoRng;

use super::change::{Changes, PairEvent, Retire};
use super::{Pairings, scopes};

/// Who calls one of these methods.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// What it speaks.
    pub wire: Wire,
    /// Its device, if it has one.
    pub device_id: Option<&'a str>,
    /// Its scopes.
    pub scopes: &'a [Box<str>],
}

impl Caller<'_> {
    fn is_admin(&self) -> bool {
        self.scopes.iter().any(|scope| **scope == *pincer_protocol::Scope::Admin.as_str())
    }

    /// v4: whether `device_id` is another device than the caller's own, and none of its business.
    fn is_foreign(&self, device_id: &str) -> bool {
        self.wire == Wire::V4 && !self.is_admin() && self.device_id.is_some_and(|own| own != device_id)
    }

    /// v4: whether the caller may not manage `role`.
    fn may_not_manage(&self, role: &str) -> bool {
        self.wire == Wire::V4 && !self.is_admin() && role != Role::Operator.as_str()
    }

    /// Nobody hands out what they do not hold; an administrator also names this gateway does not know.
    fn may_give(&self, wanted: &[Box<str>]) -> Result<(), String> {
        match scopes::missing(Role::Operator, self.scopes, wanted) {
            Some(scope) if !self.is_admin() => Err(scope.to_owned()),
            _ => Ok(()),
        }
    }
}

impl Pairings {
    /// `device.pair.list`. `is_connected`: whether a device is here now; shown on v4.
    pub fn list(&self, caller: Caller<'_>, now: Now, is_connected: impl Fn(&str) -> bool) -> PairListPayload {
        let visible = |device_id: &str| !caller.is_foreign(device_id);
        let fresh = |ts: u64| ts.saturating_add(super::PENDING_TTL_MS) > now.wall_ms;
        let mut pending: Vec<PendingRequest> = self
            .pending
            .values()
            .filter(|request| visible(&request.device_id) && fresh(request.ts))
            .cloned()
            .collect();
        pending.sort_by_key(|request| std::cmp::Reverse(request.ts));
        let mut paired: Vec<_> = self
            .paired
            .values()
            .filter(|record| visible(&record.device_id))
            .map(|record| record.shown(caller.wire, Some(is_connected(&record.device_id))))
            .collect();
        paired.sort_by_key(|device| std::cmp::Reverse(device.approved_at_ms));
        PairListPayload { pending, paired }
    }

    /// `device.pair.approve`.
    pub fn approve<R: CryptoRng + ?Sized>(
        &mut self,
        request_id: &str,
        caller: Caller<'_>,
        now: Now,
        rng: &mut R,
    ) -> Result<(ApprovePayload, Changes), ErrorShape> {
        let mut changes = Changes { ops: self.expire(now), ..Changes::default() };
        let request = self.pending.get(request_id.trim()).cloned();
        let denied = || ErrorShape::invalid("device pairing approval denied");
        let Some(request) = request else {
            let known_to_all = caller.wire == Wire::V3 || caller.is_admin();
            return Err(if known_to_all { ErrorShape::invalid("unknown requestId") } else { denied() });
        };
        let roles = scopes::tidy(request.roles.iter().flatten().chain(&request.role));
        if caller.is_foreign(&request.device_id) || roles.iter().any(|role| caller.may_not_manage(role)) {
            return Err(denied());
        }
        // Whatever the role: a record's scopes count for every role it has, or gets later.
        caller
            .may_give(request.scopes.as_deref().unwrap_or_default())
            .map_err(|scope| ErrorShape::invalid(format!("missing scope: {scope}")))?;
        if !self.paired.contains_key(&request.device_id) {
            changes.ops.extend(self.make_room()?);
        }
        let record = self.approved(&request, ApprovedVia::Owner, now, rng);
        let device = record.shown(caller.wire, None);
        changes.ops.push(self.drop_pending(&request.request_id));
        changes.ops.push(self.put_device(record));
        changes.events.push(resolved(&request, PairDecision::Approved, now));
        Ok((ApprovePayload { request_id: request.request_id, device }, changes))
    }

    /// `device.pair.reject`.
    pub fn reject(
        &mut self,
        request_id: &str,
        caller: Caller<'_>,
        now: Now,
    ) -> Result<(RejectPayload, Changes), ErrorShape> {
        let mut changes = Changes { ops: self.expire(now), ..Changes::default() };
        let request = self
            .pending
            .get(request_id.trim())
            .cloned()
            .ok_or_else(|| ErrorShape::invalid("unknown requestId"))?;
        if caller.is_foreign(&request.device_id) {
            return Err(ErrorShape::invalid("device pairing rejection denied"));
        }
        changes.ops.push(self.drop_pending(&request.request_id));
        changes.events.push(resolved(&request, PairDecision::Rejected, now));
        Ok((RejectPayload { request_id: request.request_id, device_id: request.device_id }, changes))
    }

    /// `device.pair.remove`. Its connections must be closed, and its tokens are worth nothing.
    pub fn remove(
        &mut self,
        device_id: &str,
        caller: Caller<'_>,
    ) -> Result<(DeviceRef, Changes), ErrorShape> {
        let device_id = device_id.trim();
        let known = self.paired.get(device_id);
        if caller.is_foreign(device_id)
            || known.is_some_and(|known| {
                caller.device_id.is_some() && known.all_roles().iter().any(|role| caller.may_not_manage(role))
            })
        {
            return Err(ErrorShape::invalid("device pairing removal denied"));
        }
        let record = self.paired.remove(device_id).ok_or_else(|| ErrorShape::invalid("unknown deviceId"))?;
        let mut changes = Changes {
            ops: vec![StoreOp::Delete { table: Table::Devices, id: device_id.to_owned() }],
            retire: Some(Retire { device_id: record.device_id.clone(), role: None }),
            ..Changes::default()
        };
        if let Some(id) = self.pending_of(device_id).map(|request| request.request_id.clone()) {
            changes.ops.push(self.drop_pending(&id));
        }
        Ok((DeviceRef { device_id: record.device_id }, changes))
    }

    /// `device.token.rotate`: a new token for a role the device has, allowing what it was approved for at most. The old
    /// one is worth nothing, and connections made with it must be closed.
    pub fn rotate<R: CryptoRng + ?Sized>(
        &mut self,
        device_id: &str,
        role: &str,
        wanted: Option<&[Box<str>]>,
        caller: Caller<'_>,
        now: Now,
        rng: &mut R,
    ) -> Result<(RotatePayload, Changes), ErrorShape> {
        let (device_id, role) = (device_id.trim(), role.trim());
        let denied = || {
            ErrorShape::invalid(match caller.wire {
                Wire::V3 => "unknown deviceId/role",
                Wire::V4 => "device token rotation denied",
            })
        };
        if caller.is_foreign(device_id) || caller.may_not_manage(role) {
            return Err(denied());
        }
        let mut record =
            self.paired.get(device_id).filter(|known| known.has_role(role)).cloned().ok_or_else(denied)?;
        let token_scopes = record.tokens.get(role).map(|token| token.scopes.as_slice());
        let wanted = scopes::sorted(wanted.or(token_scopes).unwrap_or(&record.scopes));
        // A node's scopes are its own; what operators may not get, a node may not either.
        let approved = scopes::allows_all(Role::Operator, record.allowed_scopes(), &wanted);
        if !approved || caller.may_give(&wanted).is_err() {
            return Err(denied());
        }
        let token = record.issue(role, wanted, now.wall_ms, rng).clone();
        let ops = vec![self.put_device(record)];
        let (token_value, token_delivery) = match caller.wire {
            Wire::V3 => (Some(token.token.reveal().into()), None),
            Wire::V4 if caller.device_id == Some(device_id) => {
                (Some(token.token.reveal().into()), Some(TokenDelivery::InBand))
            }
            Wire::V4 => (None, Some(TokenDelivery::WithheldCrossDevice)),
        };
        let payload = RotatePayload {
            device_id: device_id.into(),
            role: role.into(),
            token: token_value,
            rotated_at_ms: token.issued_at_ms(),
            scopes: token.scopes,
            token_delivery,
        };
        let retire = Some(Retire { device_id: device_id.into(), role: Some(role.into()) });
        Ok((payload, Changes { ops, retire, ..Changes::default() }))
    }

    /// `device.token.revoke`: the token is worth nothing, and connections made with it must be closed.
    pub fn revoke(
        &mut self,
        device_id: &str,
        role: &str,
        caller: Caller<'_>,
        now: Now,
    ) -> Result<(RevokePayload, Changes), ErrorShape> {
        let (device_id, role) = (device_id.trim(), role.trim());
        let denied = || {
            ErrorShape::invalid(match caller.wire {
                Wire::V3 => "unknown deviceId/role",
                Wire::V4 => "device token revocation denied",
            })
        };
        if caller.is_foreign(device_id) || caller.may_not_manage(role) {
            return Err(denied());
        }
        let mut record = self.paired.get(device_id).cloned().ok_or_else(denied)?;
        let token = record.tokens.get_mut(role).ok_or_else(denied)?;
        if caller.wire == Wire::V4 && caller.may_give(&token.scopes).is_err() {
            return Err(denied());
        }
        token.revoked_at_ms = Some(now.wall_ms);
        let ops = vec![self.put_device(record)];
        let payload =
            RevokePayload { device_id: device_id.into(), role: role.into(), revoked_at_ms: now.wall_ms };
        let retire = Some(Retire { device_id: device_id.into(), role: Some(role.into()) });
        Ok((payload, Changes { ops, retire, ..Changes::default() }))
    }
}

fn resolved(request: &PendingRequest, decision: PairDecision, now: Now) -> PairEvent {
    PairEvent::Resolved(PairResolved {
        request_id: request.request_id.clone(),
        device_id: request.device_id.clone(),
        decision,
        ts: now.wall_ms,
    })
}
