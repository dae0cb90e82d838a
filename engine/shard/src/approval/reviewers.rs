//! Which connections are asked for a decision.

use pincer_protocol::connect::{ClientId, ClientMode};
use pincer_protocol::{Scope, Wire};

use super::record::{Record, Requester};
use crate::caller::Principal;
use crate::driver::{ConnId, ShardId};

/// Whether a client shows approvals to a person, when it may see them. On v4 the Control UI and the apps do, and who
/// declares it; a command line or a program does not. v3 tells everybody; there, whoever has a window counts.
pub(crate) fn can_review<'c>(
    wire: Wire,
    client: ClientId,
    mode: ClientMode,
    caps: impl IntoIterator<Item = &'c str>,
) -> bool {
    match wire {
        Wire::V3 => matches!(mode, ClientMode::Ui | ClientMode::Webchat),
        Wire::V4 => {
            let shows = matches!(
                client,
                ClientId::OpenclawControlUi
                    | ClientId::OpenclawMacos
                    | ClientId::OpenclawIos
                    | ClientId::OpenclawAndroid
            );
            shows || caps.into_iter().any(|cap| matches!(cap, "approvals" | "exec-approvals"))
        }
    }
}

/// v4's audience of one approval.
#[derive(Debug, Clone)]
pub(crate) struct Reviewers {
    /// The connection that is not told: the asker's own.
    pub(crate) except: Option<(ShardId, ConnId)>,
    /// Who asked.
    pub(crate) requester: Option<Requester>,
}

impl Reviewers {
    /// Whether a connection is told.
    pub(crate) fn includes(&self, who: &Principal, at: (ShardId, ConnId)) -> bool {
        who.reviews
            && who.allows(Scope::Approvals)
            && self.except != Some(at)
            && visible(self.requester.as_ref(), who, at)
    }
}

impl Record {
    /// Whether a client that holds the approvals scope may see it and decide: on v4 an admin, or the device that asked
    /// (upstream's rule). What a shard asks is for everybody who may review.
    pub(crate) fn is_visible(&self, wire: Wire, who: &Principal, at: (ShardId, ConnId)) -> bool {
        wire == Wire::V3 || visible(self.requester.as_ref(), who, at)
    }
}

fn visible(requester: Option<&Requester>, who: &Principal, at: (ShardId, ConnId)) -> bool {
    let Some(Requester { device_id, at: asked_at }) = requester else { return true };
    who.scopes.contains(Scope::Admin)
        || match device_id {
            Some(device) => who.device_id.as_ref() == Some(device),
            None => *asked_at == Some(at),
        }
}
