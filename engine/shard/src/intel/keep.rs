//! What was learned survives a restart: a fixed number of rows, each a part of what home knows, so that a word rewrites a
//! small one and what was forgotten leaves with the next.

use pincer_defender::intel::{Indicator, Snapshot};
use pincer_sessions::persist::{StoreOp, Table};

use super::Shard;

/// Rows. Home remembers a bounded number of words, so a row holds some hundreds at most.
const ROWS: u64 = 64;
/// Names of the rows begin so.
const PREFIX: &str = "defender.intel.";
/// Row of what is spent of the quota: restarting must not spend it twice.
const SPENT: &str = "defender.intel.spent";

impl Shard {
    /// Takes over what the store held, on every shard.
    pub(crate) fn restore_intel(&mut self, rows: &[(Table, String, String)]) {
        let (mut whole, mut bad) = (Snapshot::default(), 0u32);
        for (_, id, json) in
            rows.iter().filter(|(table, id, _)| *table == Table::Facts && id.starts_with(PREFIX))
        {
            if id == SPENT {
                match serde_json::from_str(json) {
                    Ok(spent) => self.intel.spent = spent,
                    Err(_) => bad += 1,
                }
                continue;
            }
            match serde_json::from_str::<Snapshot>(json) {
                Ok(part) => whole.learned.extend(part.learned),
                Err(_) => bad += 1,
            }
        }
        self.guard.intel.restore(whole, self.now.wall_ms);
        if bad > 0 && self.is_home() {
            self.warn(
                "defender/intel",
                format!("{bad} rows could not be read: what they held is asked again"),
            );
        }
    }

    /// Writes down what was just learned about `indicator`. Nobody waits for it: what could not be written is asked again
    /// after a restart.
    pub(super) fn keep_word(&mut self, indicator: &Indicator) {
        let row = row_of(indicator);
        let part = self.guard.intel.snapshot_of(self.now.wall_ms, |other| row_of(other) == row);
        self.keep(format!("{PREFIX}{row:02}"), &part);
    }

    /// Writes down what is spent of the quota.
    pub(super) fn keep_spent(&mut self) {
        self.keep(SPENT.to_owned(), &self.intel.spent.clone());
    }

    fn keep(&mut self, id: String, value: &impl serde::Serialize) {
        // Our own types serialize without failing.
        let json = serde_json::to_string(value).unwrap_or_default();
        self.persist(vec![StoreOp::Put { table: Table::Facts, id, json }], |_, _| ());
    }
}

/// Which row holds what is known of `indicator`: FNV-1a, which is the same in every version of ours.
fn row_of(indicator: &Indicator) -> u64 {
    let bytes = match indicator {
        Indicator::Url(url) => url.as_str().as_bytes(),
        Indicator::Domain(host) => host.as_str().as_bytes(),
        Indicator::Sha256(hash) => &hash.0,
    };
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    // The low bits of short texts are the weaker ones.
    (hash >> 32) % ROWS
}

#[cfg(test)]
mod tests {
    use super::*;
    use pincer_defender::intel::Domain;

    #[test]
    fn a_row_never_changes() {
        let row = |host: &str| row_of(&Indicator::Domain(Domain::parse(host).unwrap()));
        assert_eq!((row("a.example"), row("b.example")), (row("A.example."), row("b.example")));
        let all: std::collections::BTreeSet<u64> =
            (0..2_000).map(|n| row(&format!("h{n}.example"))).collect();
        assert_eq!(all.len() as u64, ROWS, "all rows are used");
    }
}
