//! Which devices may connect, and what they may do.
//!
//! The home shard alone holds [`Pairings`]. [`Pairings::judge`] settles a device that wants to connect;
//! [`Pairings::approve`] and its neighbours are the methods `device.*`. Every change comes back as [`Changes`]: rows to
//! store, events to broadcast, connections to close. Store them before anybody is told.

mod change;
mod judge;
mod manage;
mod record;
mod scopes;

pub use change::{Changes, PairEvent, Retire};
pub use judge::{DeviceGrant, IssuedToken, PairingVerdict};
pub use manage::Caller;
pub use record::{DeviceRecord, TokenRecord, TokenValue};

use std::collections::BTreeMap;

use pincer_protocol::method::device::PendingRequest;
use pincer_sessions::persist::{StoreOp, Table};
use pincer_sessions::time::Now;

/// Most paired devices. One more makes room by forgetting the silently approved device that was here least lately;
/// when all were approved by somebody, it is refused.
pub const PAIRED_MAX: usize = 4_096;

/// Most pending requests. One more drops the oldest.
pub const PENDING_MAX: usize = 256;

/// How long a request waits for a decision, milliseconds; upstream's figure.
pub const PENDING_TTL_MS: u64 = 5 * 60_000;

/// Longest stored text of a client's own (name, platform …), characters; the rest is cut off.
const TEXT_MAX: usize = 128;

/// Paired devices and pending requests.
#[derive(Debug, Default)]
pub struct Pairings {
    paired: BTreeMap<Box<str>, DeviceRecord>,
    pending: BTreeMap<Box<str>, PendingRequest>,
}

impl Pairings {
    /// Reads the rows of `Table::Devices` and `Table::Pairings`. Rows that cannot be read are left out and named.
    pub fn load<'r>(
        devices: impl IntoIterator<Item = (&'r str, &'r str)>,
        pending: impl IntoIterator<Item = (&'r str, &'r str)>,
    ) -> (Pairings, Vec<String>) {
        let (mut pairings, mut problems) = (Pairings::default(), Vec::new());
        for (id, json) in devices {
            match serde_json::from_str::<DeviceRecord>(json) {
                Ok(record) => drop(pairings.paired.insert(record.device_id.clone(), record)),
                Err(error) => problems.push(format!("paired device {id}: {error}")),
            }
        }
        for (id, json) in pending {
            match serde_json::from_str::<PendingRequest>(json) {
                Ok(request) => drop(pairings.pending.insert(request.request_id.clone(), request)),
                Err(error) => problems.push(format!("pairing request {id}: {error}")),
            }
        }
        (pairings, problems)
    }

    /// One paired device.
    pub fn device(&self, device_id: &str) -> Option<&DeviceRecord> {
        self.paired.get(device_id)
    }

    /// Every paired device, by id.
    pub fn devices(&self) -> impl Iterator<Item = &DeviceRecord> {
        self.paired.values()
    }

    /// Drops requests nobody decided in time.
    pub fn expire(&mut self, now: Now) -> Vec<StoreOp> {
        let gone = |request: &PendingRequest| request.ts.saturating_add(PENDING_TTL_MS) <= now.wall_ms;
        let ids: Vec<Box<str>> =
            self.pending.values().filter(|request| gone(request)).map(|r| r.request_id.clone()).collect();
        ids.iter().map(|id| self.drop_pending(id)).collect()
    }

    /// The request of a device that waits.
    fn pending_of(&self, device_id: &str) -> Option<&PendingRequest> {
        self.pending.values().find(|request| *request.device_id == *device_id)
    }

    fn drop_pending(&mut self, request_id: &str) -> StoreOp {
        self.pending.remove(request_id);
        StoreOp::Delete { table: Table::Pairings, id: request_id.to_owned() }
    }

    fn put_device(&mut self, record: DeviceRecord) -> StoreOp {
        let op = row(Table::Devices, &record.device_id, &record);
        self.paired.insert(record.device_id.clone(), record);
        op
    }

    fn put_pending(&mut self, request: PendingRequest) -> StoreOp {
        let op = row(Table::Pairings, &request.request_id, &request);
        self.pending.insert(request.request_id.clone(), request);
        op
    }
}

fn row(table: Table, id: &str, value: &impl serde::Serialize) -> StoreOp {
    // Our records serialize without failing: texts, numbers and maps keyed by text.
    let json = serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned());
    StoreOp::Put { table, id: id.to_owned(), json }
}

/// What is kept of a client's own text. Clipping twice changes nothing: what was stored is compared with what comes.
fn clip(text: &str) -> Box<str> {
    let kept: String = text.trim().chars().take(TEXT_MAX).collect();
    kept.trim_end().into()
}

#[cfg(test)]
mod tests;
