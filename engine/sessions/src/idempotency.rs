//! What became of a request with the same key: running it twice is impossible, asking twice is harmless.
//!
//! The table is bounded in time, entries and bytes. What has ended gives way first; what is in flight never does, so a
//! table full of running requests refuses new ones. Receipts of ended requests are durable rows
//! ([`crate::persist::Table::Receipts`]).

use std::collections::{HashMap, VecDeque};

use pincer_protocol::ErrorShape;
use serde::{Deserialize, Serialize};

use crate::time::Now;

/// How long an outcome is remembered, in milliseconds; upstream's five minutes.
pub const TTL_MS: u64 = 5 * 60_000;
/// Most requests remembered; upstream's number.
pub const ENTRIES_MAX: usize = 1_000;
/// Most bytes of keys and outcomes remembered.
pub const BYTES_MAX: usize = 4 * 1024 * 1024;

/// Upstream keeps the keys of these apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// `chat.send` and what works like it.
    Chat,
    /// `agent`
    Agent,
    /// `send` and `poll`
    Send,
}

impl Family {
    fn as_str(self) -> &'static str {
        match self {
            Family::Chat => "chat",
            Family::Agent => "agent",
            Family::Send => "send",
        }
    }
}

/// A number that stands for what was asked. The same on every machine and after every restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fingerprint(u64);

impl Fingerprint {
    /// Of the parts of a request, in order. FNV-1a: nobody gains by making two of their own requests look the same.
    pub fn of<'a>(parts: impl IntoIterator<Item = &'a str>) -> Fingerprint {
        const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
        const PRIME: u64 = 0x0100_0000_01b3;
        let mut hash = OFFSET;
        for part in parts {
            // 0xff stands in no UTF-8 text, so parts cannot run together.
            for byte in part.bytes().chain([0xff]) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(PRIME);
            }
        }
        Fingerprint(hash)
    }
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "status")]
pub enum Outcome {
    /// Well.
    Ok {
        /// The JSON that a repeat is answered with, where that is more than a status.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        payload: Option<String>,
    },
    /// Badly.
    Error {
        /// What went wrong.
        summary: String,
    },
}

/// What is remembered of a request that has ended; a row of [`crate::persist::Table::Receipts`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// Which keys it is among.
    pub family: Family,
    /// The client's key; the run's id as well.
    pub key: String,
    /// What was asked.
    pub fingerprint: Fingerprint,
    /// How it ended.
    pub outcome: Outcome,
    /// When it began, milliseconds since 1970.
    pub started_at_ms: u64,
    /// When it ended, milliseconds since 1970.
    pub ended_at_ms: u64,
}

impl Receipt {
    /// Key of its row. Shards write receipts without asking each other, and a client may use one key for two things at
    /// once, so what was asked is in it.
    pub fn row_id(&self) -> String {
        format!("{}:{:016x}:{}", self.family.as_str(), self.fingerprint.0, self.key)
    }

    fn cost(&self) -> usize {
        let outcome = match &self.outcome {
            Outcome::Ok { payload } => payload.as_ref().map_or(0, String::len),
            Outcome::Error { summary } => summary.len(),
        };
        FIXED_COST + self.key.len() + outcome
    }
}

/// Whether a request may run.
#[derive(Debug, PartialEq)]
pub enum Begin<'a> {
    /// Nobody asked this before; it is in flight from now on.
    Fresh,
    /// It runs already.
    InFlight {
        /// Whether the same was asked.
        same_input: bool,
        /// When it began, milliseconds since 1970.
        started_at_ms: u64,
    },
    /// It has ended.
    Done {
        /// Whether the same was asked.
        same_input: bool,
        /// How it ended.
        receipt: &'a Receipt,
    },
    /// Too much is in flight to remember one more.
    Full,
}

/// What v4 answers when a key comes again with different input; v3 does not look.
pub fn conflict() -> ErrorShape {
    ErrorShape::invalid(
        "This message ID was already used for different input. Check the conversation history and use a new message \
         ID to send again.",
    )
    .with_details(serde_json::json!({ "reason": "chat-request-conflict" }))
}

/// Requests in flight and requests that have ended.
#[derive(Debug)]
pub struct Ledger {
    entries: HashMap<(Family, Box<str>), Entry>,
    /// Ended requests and when they are forgotten (`mono_ms`), oldest first: each of them once, as what has ended leaves
    /// the table only through here.
    ended: VecDeque<(u64, Family, Box<str>)>,
    forgotten: Vec<String>,
    bytes: usize,
    entries_max: usize,
    bytes_max: usize,
}

#[derive(Debug)]
enum Entry {
    InFlight { fingerprint: Fingerprint, started_at_ms: u64 },
    Ended(Box<Receipt>),
}

/// What an entry costs besides its texts, roughly.
const FIXED_COST: usize = 256;

impl Default for Ledger {
    fn default() -> Self {
        Ledger::new(ENTRIES_MAX, BYTES_MAX)
    }
}

impl Ledger {
    /// An empty one with these bounds.
    pub fn new(entries_max: usize, bytes_max: usize) -> Ledger {
        Ledger {
            entries: HashMap::new(),
            ended: VecDeque::new(),
            forgotten: Vec::new(),
            bytes: 0,
            entries_max,
            bytes_max,
        }
    }

    /// Asks whether a request may run, and marks it as running if so.
    pub fn begin(&mut self, family: Family, key: &str, fingerprint: Fingerprint, now: Now) -> Begin<'_> {
        self.expire(now);
        let id = (family, Box::<str>::from(key));
        if !self.entries.contains_key(&id) {
            let cost = FIXED_COST + key.len();
            if !self.make_room(cost) {
                return Begin::Full;
            }
            self.bytes += cost;
            self.entries.insert(id, Entry::InFlight { fingerprint, started_at_ms: now.wall_ms });
            return Begin::Fresh;
        }
        match self.entries.get(&id) {
            Some(Entry::InFlight { fingerprint: known, started_at_ms }) => {
                Begin::InFlight { same_input: *known == fingerprint, started_at_ms: *started_at_ms }
            }
            Some(Entry::Ended(receipt)) => {
                Begin::Done { same_input: receipt.fingerprint == fingerprint, receipt }
            }
            None => Begin::Full,
        }
    }

    /// A request has ended. The receipt is to be stored; `None` when the request is not in flight.
    pub fn finish(&mut self, family: Family, key: &str, outcome: Outcome, now: Now) -> Option<&Receipt> {
        let id = (family, Box::<str>::from(key));
        let Some(Entry::InFlight { fingerprint, started_at_ms }) = self.entries.get(&id) else { return None };
        let receipt = Receipt {
            family,
            key: key.to_owned(),
            fingerprint: *fingerprint,
            outcome,
            started_at_ms: *started_at_ms,
            ended_at_ms: now.wall_ms,
        };
        self.insert(receipt, now.mono_ms.saturating_add(TTL_MS));
        // An outcome may be much longer than its key; older ones make room for it, and it may itself be too long.
        self.make_room(0);
        match self.entries.get(&id) {
            Some(Entry::Ended(receipt)) => Some(receipt),
            _ => None,
        }
    }

    /// A request did not begin after all: it may be asked again.
    pub fn cancel(&mut self, family: Family, key: &str) {
        let id = (family, Box::<str>::from(key));
        if let Some(Entry::InFlight { .. }) = self.entries.get(&id) {
            self.remove(&id);
        }
    }

    /// A request that has ended was not stored after all: it may be asked again.
    pub fn retract(&mut self, family: Family, key: &str) {
        let id = (family, Box::<str>::from(key));
        if let Some(Entry::Ended(_)) = self.entries.get(&id) {
            // Rare: a store that refuses. The newest are at the end.
            if let Some(at) = self.ended.iter().rposition(|(_, family, key)| (*family, key) == (id.0, &id.1))
            {
                self.ended.remove(at);
            }
            self.remove(&id);
        }
    }

    /// How a request ended, if it did and is remembered.
    pub fn receipt(&self, family: Family, key: &str) -> Option<&Receipt> {
        match self.entries.get(&(family, Box::<str>::from(key))) {
            Some(Entry::Ended(receipt)) => Some(receipt),
            _ => None,
        }
    }

    /// Forgets what is too old.
    pub fn expire(&mut self, now: Now) {
        while self.ended.front().is_some_and(|(until, ..)| *until <= now.mono_ms) {
            self.forget_oldest();
        }
    }

    /// Rows of receipts that were forgotten since the last call; they are to be deleted.
    pub fn take_forgotten(&mut self) -> Vec<String> {
        std::mem::take(&mut self.forgotten)
    }

    /// Takes over what the store kept. Receipts past their time are forgotten at once; so is the later one of two with
    /// the same key, which shards made that did not know of each other: a repeat of either finds the first.
    pub fn restore(&mut self, mut receipts: Vec<Receipt>, now: Now) {
        receipts.sort_by_key(|receipt| receipt.ended_at_ms);
        for receipt in receipts {
            // A clock that was set back must not keep anything longer than its time.
            let age = now.wall_ms.saturating_sub(receipt.ended_at_ms);
            let id = (receipt.family, Box::<str>::from(receipt.key.as_str()));
            if age >= TTL_MS || self.entries.contains_key(&id) {
                self.forgotten.push(receipt.row_id());
                continue;
            }
            self.bytes += FIXED_COST + receipt.key.len();
            self.insert(receipt, now.mono_ms.saturating_add(TTL_MS - age));
            self.make_room(0);
        }
    }

    /// Requests remembered.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of keys and outcomes remembered.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Puts a receipt in the place of its request, whose cost is counted already.
    fn insert(&mut self, receipt: Receipt, until_mono_ms: u64) {
        let id = (receipt.family, Box::<str>::from(receipt.key.as_str()));
        self.bytes += receipt.cost() - FIXED_COST - receipt.key.len();
        self.ended.push_back((until_mono_ms, id.0, id.1.clone()));
        self.entries.insert(id, Entry::Ended(Box::new(receipt)));
    }

    /// Forgets ended requests, oldest first, until `cost` more bytes (and, when not 0, one more entry) fit.
    fn make_room(&mut self, cost: usize) -> bool {
        let more = usize::from(cost > 0);
        while self.entries.len() + more > self.entries_max || self.bytes + cost > self.bytes_max {
            if self.ended.is_empty() {
                return false;
            }
            self.forget_oldest();
        }
        true
    }

    fn forget_oldest(&mut self) {
        let Some((_, family, key)) = self.ended.pop_front() else { return };
        let id = (family, key);
        if let Some(Entry::Ended(receipt)) = self.entries.get(&id) {
            self.forgotten.push(receipt.row_id());
        }
        self.remove(&id);
    }

    fn remove(&mut self, id: &(Family, Box<str>)) {
        let cost = match self.entries.remove(id) {
            Some(Entry::InFlight { .. }) => FIXED_COST + id.1.len(),
            Some(Entry::Ended(receipt)) => receipt.cost(),
            None => 0,
        };
        self.bytes = self.bytes.saturating_sub(cost);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_stored_may_be_asked_again() {
        let now = Now { mono_ms: 0, wall_ms: 0 };
        let mut ledger = Ledger::default();
        for key in ["a", "b"] {
            assert_eq!(ledger.begin(Family::Chat, key, Fingerprint::of(["x"]), now), Begin::Fresh);
            ledger.finish(Family::Chat, key, Outcome::Ok { payload: None }, now);
        }
        ledger.retract(Family::Chat, "a");
        ledger.retract(Family::Chat, "never asked");
        assert_eq!(ledger.begin(Family::Chat, "a", Fingerprint::of(["y"]), now), Begin::Fresh);
        assert!(matches!(ledger.begin(Family::Chat, "b", Fingerprint::of(["x"]), now), Begin::Done { .. }));
        ledger.expire(Now { mono_ms: u64::MAX, wall_ms: 0 });
        assert_eq!(forgotten(&mut ledger), ["chat:b"], "what runs is not forgotten");
    }

    fn at(ms: u64) -> Now {
        Now { mono_ms: ms, wall_ms: 1_000_000 + ms }
    }

    /// A row's id without what was asked.
    fn short(row_id: &str) -> String {
        let mut parts = row_id.splitn(3, ':');
        let (family, _, key) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        format!("{family}:{key}")
    }

    fn forgotten(ledger: &mut Ledger) -> Vec<String> {
        ledger.take_forgotten().iter().map(|id| short(id)).collect()
    }

    fn ok() -> Outcome {
        Outcome::Ok { payload: None }
    }

    fn word(begin: &Begin<'_>) -> String {
        match begin {
            Begin::Fresh => "fresh".into(),
            Begin::InFlight { same_input, .. } => format!("in flight {same_input}"),
            Begin::Done { same_input, receipt } => match &receipt.outcome {
                Outcome::Ok { .. } => format!("ok {same_input}"),
                Outcome::Error { summary } => format!("{summary} {same_input}"),
            },
            Begin::Full => "full".into(),
        }
    }

    #[track_caller]
    fn check(ledger: &mut Ledger, ms: u64, key: &str, input: &str, want: &str) {
        let begin = ledger.begin(Family::Chat, key, Fingerprint::of([input]), at(ms));
        assert_eq!(word(&begin), want);
    }

    #[test]
    fn a_key_runs_once() {
        let mut ledger = Ledger::default();
        check(&mut ledger, 0, "k", "a", "fresh");
        check(&mut ledger, 1, "k", "a", "in flight true");
        check(&mut ledger, 1, "k", "b", "in flight false");
        let receipt = ledger.finish(Family::Chat, "k", ok(), at(2)).unwrap();
        assert_eq!((short(&receipt.row_id()).as_str(), receipt.ended_at_ms), ("chat:k", 1_000_002));
        assert!(ledger.finish(Family::Chat, "k", ok(), at(3)).is_none(), "it has ended already");
        check(&mut ledger, 4, "k", "a", "ok true");
        check(&mut ledger, 5, "k", "b", "ok false");
        assert_eq!(word(&ledger.begin(Family::Agent, "k", Fingerprint::default(), at(6))), "fresh");
        check(&mut ledger, 2 + TTL_MS - 1, "k", "a", "ok true");
        check(&mut ledger, 2 + TTL_MS, "k", "a", "fresh");
        assert_eq!(forgotten(&mut ledger), ["chat:k"]);
        ledger.cancel(Family::Chat, "k");
        check(&mut ledger, 2 + TTL_MS, "k", "a", "fresh");
        let error = Outcome::Error { summary: "no".into() };
        ledger.finish(Family::Chat, "k", error, at(2 + TTL_MS));
        check(&mut ledger, 3 + TTL_MS, "k", "a", "no true");
    }

    #[test]
    fn what_runs_is_never_forgotten() {
        let mut ledger = Ledger::new(3, usize::MAX);
        for key in ["a", "b", "c"] {
            check(&mut ledger, 0, key, "", "fresh");
        }
        check(&mut ledger, 1, "d", "", "full");
        ledger.finish(Family::Chat, "c", ok(), at(2));
        ledger.finish(Family::Chat, "a", ok(), at(3));
        check(&mut ledger, 4, "d", "", "fresh");
        check(&mut ledger, 4, "c", "", "fresh");
        check(&mut ledger, 4, "b", "", "in flight true");
        check(&mut ledger, 4, "a", "", "full");
        assert_eq!(forgotten(&mut ledger), ["chat:c", "chat:a"], "the first that ended goes first");
        assert_eq!(ledger.len(), 3);
    }

    #[test]
    fn bytes_are_bounded_too() {
        let mut ledger = Ledger::new(100, 2_000);
        for key in ["a", "b", "c"] {
            check(&mut ledger, 0, key, "", "fresh");
            let long = Outcome::Ok { payload: Some("x".repeat(500)) };
            ledger.finish(Family::Chat, key, long, at(0));
        }
        assert!(ledger.bytes() <= 2_000);
        assert!(ledger.receipt(Family::Chat, "a").is_none() && ledger.receipt(Family::Chat, "c").is_some());
        check(&mut ledger, 0, &"k".repeat(2_000), "", "full");
        check(&mut ledger, 0, "huge", "", "fresh");
        let huge = Outcome::Ok { payload: Some("x".repeat(9_000)) };
        assert!(ledger.finish(Family::Chat, "huge", huge, at(0)).is_none(), "too long to be remembered");
        assert_eq!((ledger.len(), ledger.bytes()), (0, 0));
    }

    #[test]
    fn receipts_survive_a_restart() {
        let mut before = Ledger::default();
        for (key, ms) in [("old", 0), ("young", TTL_MS - 10)] {
            check(&mut before, ms, key, "x", "fresh");
            before.finish(Family::Chat, key, ok(), at(ms));
        }
        let rows: Vec<Receipt> = ["young", "old"]
            .iter()
            .map(|key| serde_json::to_string(before.receipt(Family::Chat, key).unwrap()).unwrap())
            .map(|row| serde_json::from_str(&row).unwrap())
            .collect();
        let mut after = Ledger::default();
        let start = Now { mono_ms: 7, wall_ms: 1_000_000 + TTL_MS };
        after.restore(rows, start);
        assert_eq!(forgotten(&mut after), ["chat:old"]);
        let fingerprint = Fingerprint::of(["x"]);
        assert_eq!(word(&after.begin(Family::Chat, "young", fingerprint, start)), "ok true");
        let later = Now { mono_ms: 7 + TTL_MS - 10, ..start };
        assert_eq!(word(&after.begin(Family::Chat, "young", fingerprint, later)), "fresh");
        assert_eq!(after.bytes(), FIXED_COST + "young".len());
    }

    #[test]
    fn parts_do_not_run_together() {
        assert_ne!(Fingerprint::of(["ab", "c"]), Fingerprint::of(["a", "bc"]));
        assert_eq!(Fingerprint::of(["ab", "c"]), Fingerprint::of(["ab", "c"]));
    }
}
