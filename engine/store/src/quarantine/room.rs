//! What goes when it is old, or when room is needed.

use pincer_defender::ledger::{ExpiryReason, Hash, Record};

use super::error::QuarantineError;
use super::held::HELD_MAX;
use super::writer::{Quarantine, Segment};
use crate::disk;
use crate::error::Failure;

/// A day, in milliseconds.
const DAY_MS: u64 = 86_400_000;
/// Segments are this part of the whole, so that dropping one gives room and leaves most.
const SEGMENT_PART: u64 = 8;
/// Smallest and largest segment, in bytes.
const SEGMENT_BYTES: (u64, u64) = (64 * 1024, 16 * 1024 * 1024);
/// A segment spans at most this part of the retention, so that the lines of a quiet ledger go too.
const SEGMENT_TIME_PART: u64 = 16;
/// Kept free for the records that say what went.
const SLACK_BYTES: u64 = 64 * 1024;
/// Most entries that expire with one sync.
const EXPIRE_GROUP_MAX: usize = 256;

impl Quarantine {
    /// Lets go what is older than the retention. Returns how many texts went. Call it now and then; appends do it only
    /// for room. An error leaves the rest for the next time.
    pub fn expire(&mut self, now_ms: u64) -> Result<usize, QuarantineError> {
        let keep_ms = self.limits.retention_days.get().saturating_mul(DAY_MS);
        let old = |at_ms: u64| at_ms.saturating_add(keep_ms) <= now_ms;
        let mut gone = 0;
        loop {
            let group = self.held.iter().take(EXPIRE_GROUP_MAX).take_while(|entry| old(entry.at_ms)).count();
            if group == 0 {
                break;
            }
            self.expire_oldest(now_ms, group, ExpiryReason::Age)?;
            gone += group;
        }
        let due = self
            .active
            .as_ref()
            .is_some_and(|active| active.first_at_ms.saturating_add(keep_ms / SEGMENT_TIME_PART) <= now_ms);
        if due {
            self.roll(now_ms)?;
        }
        while self.segments.front().is_some_and(|segment| old(segment.last_at_ms)) && self.oldest_is_free() {
            self.drop_oldest(now_ms)?;
        }
        Ok(gone)
    }

    /// Makes room for `needed` bytes and `entries` more entries, oldest first.
    pub(super) fn make_room(
        &mut self,
        at_ms: u64,
        needed: u64,
        entries: usize,
    ) -> Result<(), QuarantineError> {
        let bytes_max = self.limits.max_bytes.get();
        let full = QuarantineError::Full { needed, bytes_max };
        let Some(allowed) = bytes_max.checked_sub(SLACK_BYTES).and_then(|max| max.checked_sub(needed)) else {
            return Err(full);
        };
        while (self.held.len() + entries).saturating_sub(HELD_MAX) > 0 {
            let over = (self.held.len() + entries) - HELD_MAX;
            self.expire_oldest(at_ms, over.min(EXPIRE_GROUP_MAX), ExpiryReason::Count)?;
        }
        while self.bytes() > allowed {
            if !self.segments.is_empty() && self.oldest_is_free() {
                self.drop_oldest(at_ms)?;
            } else if self.held.oldest().is_some() {
                let group = self.oldest_worth(self.bytes() - allowed);
                self.expire_oldest(at_ms, group, ExpiryReason::Room)?;
            } else if self.active.as_ref().is_some_and(|active| active.len > SLACK_BYTES / 2) {
                self.roll(at_ms)?;
            } else {
                return Err(full);
            }
        }
        Ok(())
    }

    /// How many of the oldest entries have to go until `bytes` of texts do; at least one.
    fn oldest_worth(&self, bytes: u64) -> usize {
        let before = self.segments.front().map_or(u64::MAX, |segment| segment.last.count);
        let mut freed = 0_u64;
        let mut count = 0;
        for entry in self.held.iter().take(EXPIRE_GROUP_MAX) {
            // Behind the oldest segment, dropping that is the next thing to try.
            if freed >= bytes || (count > 0 && entry.n > before) {
                break;
            }
            count += 1;
            for file in entry.files().filter(|file| self.held.uses(&file.sha256) == 1) {
                freed = freed.saturating_add(file.bytes);
            }
        }
        count
    }

    /// Says that the oldest texts go, then deletes those that nobody else has. A file that cannot be deleted is cleared
    /// away by the next open.
    fn expire_oldest(
        &mut self,
        at_ms: u64,
        count: usize,
        reason: ExpiryReason,
    ) -> Result<(), QuarantineError> {
        let oldest = || self.held.iter().take(count);
        let hashes: Vec<Hash> = oldest().flat_map(|entry| entry.files().map(|file| file.sha256)).collect();
        let records: Vec<Record> =
            oldest().map(|entry| Record::Expired { id: entry.id.clone(), reason }).collect();
        self.write_records(at_ms, &records)?;
        for hash in hashes {
            if !self.held.holds(&hash)
                && let Err(failure) = self.disk.remove(&self.layout.payload(&hash))
            {
                self.note(failure.message);
            }
        }
        Ok(())
    }

    /// No text of the oldest segment is held.
    fn oldest_is_free(&self) -> bool {
        let last = self.segments.front().map_or(0, |segment| segment.last.count);
        self.held.oldest().is_none_or(|entry| entry.n > last)
    }

    /// Says that the oldest segment goes, then deletes it.
    fn drop_oldest(&mut self, at_ms: u64) -> Result<(), QuarantineError> {
        let Some(segment) = self.segments.front().cloned() else { return Ok(()) };
        let dropped = Record::Dropped { last: segment.last.count, hash: segment.last.hash };
        self.write_records(at_ms, &[dropped])?;
        self.disk.remove(&segment.path)?;
        self.segments.pop_front();
        Ok(self.disk.sync_dir(&self.layout.dir)?)
    }

    /// Closes the segment that is written when it is large. What was appended is safe already, so a failure is only
    /// noted and it is tried again with the next record.
    pub(super) fn roll_if_due(&mut self, at_ms: u64) {
        let (least, most) = SEGMENT_BYTES;
        let bytes_max = (self.limits.max_bytes.get() / SEGMENT_PART).clamp(least, most);
        if self.active.as_ref().is_some_and(|active| active.len >= bytes_max)
            && let Err(error) = self.roll(at_ms)
        {
            self.note(format!("the ledger's segment could not be closed: {error}"));
        }
    }

    /// Closes the segment that is written. The next record begins another.
    fn roll(&mut self, at_ms: u64) -> Result<(), QuarantineError> {
        let Some(active) = &self.active else { return Ok(()) };
        let first = active.first;
        if !active.sealed {
            self.write_records(at_ms, &[Record::Sealed { first }])?;
        }
        let path = self.layout.segment(first);
        if disk::exists(&path)? {
            // Somebody put it there: a rename would lose it.
            return Err(Failure::lasting(format!("{} is there already", path.display())).into());
        }
        if let Some(active) = &mut self.active {
            active.sealed = true;
        }
        self.disk.rename(&self.layout.ledger, &path)?;
        if let Some(active) = self.active.take() {
            self.segments.push_back(Segment {
                path,
                bytes: active.len,
                last: self.chain.head(),
                last_at_ms: active.last_at_ms,
            });
        }
        Ok(self.disk.sync_dir(&self.layout.dir)?)
    }
}
