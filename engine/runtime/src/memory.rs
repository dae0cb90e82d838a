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

/// Gives back what this thread has freed and the allocator keeps for the next of its size: for one that is done with what
/// it had to do, as the one that started everything.
#[allow(unsafe_code)]
pub fn rest() {
    // SAFETY: as in `collect`.
    unsafe { mi_collect(true) };
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

/// Drops from memory what has been used so far of the files that are mapped, code and constants: reading the config, the
/// schema of the database, the command line and the linker's tables are never needed again. What still is comes back from
/// the page cache when it is next used.
///
/// Best effort: where the kernel does not say what is mapped, nothing happens.
pub fn release_startup_code() {
    let Ok(maps) = fs::read_to_string("/proc/self/smaps") else { return };
    for (start, len) in droppable(&maps) {
        release(start, len);
    }
}

/// What of `/proc/self/smaps` comes back by itself, as it is: start and length in bytes of each mapping of a file that may
/// not be written now and has no page that was ever written. A page that was (constants with addresses in them, which the
/// linker fills in) would come back unwritten.
fn droppable(smaps: &str) -> Vec<(usize, usize)> {
    let (mut found, mut candidate) = (Vec::new(), None);
    for line in smaps.lines() {
        if let Some(anonymous) = line.strip_prefix("Anonymous:") {
            found.extend(candidate.take().filter(|_| anonymous.trim() == "0 kB"));
        } else if let Some(mapping) = mapping(line) {
            candidate = mapping;
        }
    }
    found
}

/// `None`: the line heads no mapping. `Some(None)`: it heads one that is no file's or may be written.
fn mapping(line: &str) -> Option<Option<(usize, usize)>> {
    let mut words = line.split_ascii_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    let (start, end) = (usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?);
    let (rights, len) = (words.next()?, end.checked_sub(start)?);
    let fixed = matches!(rights, "r--p" | "r-xp") && words.nth(3).is_some_and(|file| file.starts_with('/'));
    Some(fixed.then_some((start, len)))
}

#[allow(unsafe_code)]
fn release(start: usize, len: usize) {
    // SAFETY: the range is mapped privately from a file, nobody may write it, and no page of it was written before that
    // (`droppable`), so its pages are those of the file, and the kernel reads them again when they are next used.
    unsafe { libc::madvise(start as *mut libc::c_void, len, libc::MADV_DONTNEED) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_wrote_is_dropped() {
        let mapping = |head: &str, anonymous: u32| {
            format!("{head}\nRss: 8 kB\nAnonymous:  {anonymous} kB\nSwap: 0 kB\n")
        };
        let smaps = [
            mapping("5000-8000 r-xp 001e2000 fe:00 10012350   /usr/bin/pincer", 0),
            mapping("8000-9000 r--p 00000000 fe:00 10012350   /usr/bin/pincer", 0),
            mapping("9000-a000 r--p 00000000 fe:00 10012350   /usr/bin/pincer", 4),
            mapping("a000-b000 rw-p 00000000 fe:00 10012350   /usr/bin/pincer", 0),
            mapping("b000-c000 r--s 00000000 fe:00 10012350   /var/shared", 0),
            mapping("c000-d000 rw-p 00000000 00:00 0          [heap]", 0),
            mapping("d000-e000 r-xp 00000000 00:00 0          [vdso]", 0),
            mapping("e000-f000 r-xp 00000000 00:00 0", 0),
        ];
        assert_eq!(droppable(&smaps.concat()), [(0x5000, 0x3000), (0x8000, 0x1000)]);
        assert_eq!(droppable("5000-8000 r-xp 001e2000 fe:00 10012350   /usr/bin/pincer\n"), []);
        assert_eq!(droppable(""), []);
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
