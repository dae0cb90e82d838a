//! What the process keeps of the machine's memory: the allocator's habits, and code that only the start needed.

use std::fs;

use libmimalloc_sys::{mi_collect, mi_option_set, mi_option_t};

/// `mi_option_purge_delay` of mimalloc 2, which the binding does not name.
const PURGE_DELAY: mi_option_t = 15;

/// Makes the allocator give free pages back at once. Its usual delay is only looked at when something is allocated or
/// freed, and an idle gateway does neither. Call before anything else.
#[allow(unsafe_code)]
pub fn settle_allocator() {
    // SAFETY: sets an integer of the allocator's; any value and any moment is allowed.
    unsafe { mi_option_set(PURGE_DELAY, 0) };
    settle_c_allocator();
}

/// SQLite takes its memory from the C library, which keeps freed blocks up to the size of the largest it has seen. A fixed
/// threshold keeps it from that: larger blocks go back at once.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
fn settle_c_allocator() {
    const LARGE: libc::c_int = 256 << 10;
    // SAFETY: sets an integer of the allocator's; any moment is allowed.
    unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn settle_c_allocator() {}

/// From so many bytes on, memory that one thread handed to another is worth a [`collect`] once the other has freed it.
pub(crate) const LARGE_BYTES: usize = 1 << 20;

/// Gives back what other threads have freed of this thread's memory. The allocator would do so when this thread next asks
/// for blocks of that size; for megabytes that may be never. Looks at every page the thread has in use: microseconds at rest.
#[allow(unsafe_code)]
pub(crate) fn collect() {
    // SAFETY: looks after the calling thread's own heap, at a moment when no allocator call is under way in it.
    unsafe { mi_collect(false) };
}

/// When a shard takes back what others free of its memory, after megabytes came in: a request that is handed to another
/// shard is freed there, and nobody says so.
#[derive(Debug, Default)]
pub(crate) struct Afterwards {
    /// Bytes that came since the last time.
    bytes: usize,
    /// `mono_ms` of the next time, and how many follow it.
    due: Option<(u64, u32)>,
}

/// Milliseconds from the first large arrival to the first look, and from that to the second: what is large may be
/// written and answered for a while.
const LOOKS_MS: [u64; 2] = [1_000, 5_000];

impl Afterwards {
    /// Bytes came in.
    pub(crate) fn arrived(&mut self, bytes: usize, now_ms: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes >= LARGE_BYTES && self.due.is_none_or(|(_, after)| after == 0) {
            self.due = Some((now_ms + LOOKS_MS[0], 1));
        }
    }

    /// When to call [`Afterwards::tick`], `mono_ms`.
    pub(crate) fn due(&self) -> Option<u64> {
        self.due.map(|(at, _)| at)
    }

    /// Looks, if it is time; whether it was.
    pub(crate) fn tick(&mut self, now_ms: u64) -> bool {
        let Some((_, after)) = self.due.filter(|(at, _)| *at <= now_ms) else { return false };
        collect();
        self.bytes = 0;
        self.due = after.checked_sub(1).map(|after| (now_ms + LOOKS_MS[1], after));
        true
    }
}

/// Drops the machine code that has been used so far from memory: reading the config, the schema of the database and the
/// command line are never needed again. What still is comes back from the page cache when it is next run.
///
/// Best effort: where the kernel does not say what is mapped, nothing happens.
pub fn release_startup_code() {
    let Ok(maps) = fs::read_to_string("/proc/self/maps") else { return };
    for (start, len) in maps.lines().filter_map(code_mapping) {
        release(start, len);
    }
}

/// Where a line of `/proc/self/maps` has code of a file: its start and length in bytes.
///
/// Code only. Read-only data may have been written while it was relocated, and would come back unwritten.
fn code_mapping(line: &str) -> Option<(usize, usize)> {
    let mut words = line.split_ascii_whitespace();
    let (range, rights) = (words.next()?, words.next()?);
    let file = words.nth(3)?;
    if rights != "r-xp" || !file.starts_with('/') {
        return None;
    }
    let (start, end) = range.split_once('-')?;
    let (start, end) = (usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?);
    Some((start, end.checked_sub(start)?))
}

#[allow(unsafe_code)]
fn release(start: usize, len: usize) {
    // SAFETY: the range is code that the kernel maps privately from a file and that nobody may write (`code_mapping`), so
    // its pages are those of the file, and the kernel reads them again when they are run.
    unsafe { libc::madvise(start as *mut libc::c_void, len, libc::MADV_DONTNEED) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, want: Option<(usize, usize)>) {
        assert_eq!(code_mapping(line), want);
    }

    #[test]
    fn only_code_of_files() {
        check("5000-8000 r-xp 001e2000 fe:00 10012350   /usr/bin/pincer", Some((0x5000, 0x3000)));
        check("5000-8000 r--p 00000000 fe:00 10012350   /usr/bin/pincer", None);
        check("5000-8000 rw-p 00000000 00:00 0          [heap]", None);
        check("5000-8000 r-xp 00000000 00:00 0          [vdso]", None);
        check("5000-8000 r-xp 00000000 00:00 0", None);
        check("", None);
    }

    #[test]
    fn megabytes_are_looked_after_twice() {
        let mut afterwards = Afterwards::default();
        afterwards.arrived(LARGE_BYTES - 1, 0);
        assert_eq!(afterwards.due(), None);
        afterwards.arrived(1, 10);
        afterwards.arrived(LARGE_BYTES, 500);
        assert_eq!(afterwards.due(), Some(1_010), "traffic does not put it off");
        assert!(!afterwards.tick(1_009) && afterwards.tick(1_010));
        assert_eq!(afterwards.due(), Some(6_010));
        afterwards.arrived(LARGE_BYTES, 2_000);
        assert_eq!(afterwards.due(), Some(3_000), "more came: from the start");
        assert!(afterwards.tick(3_000) && afterwards.tick(8_000));
        assert_eq!(afterwards.due(), None, "an idle shard is not woken");
    }

    #[test]
    fn code_runs_on_after_its_release() {
        release_startup_code();
        assert_eq!("still here".len(), 10);
    }
}
