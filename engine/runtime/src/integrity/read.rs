//! Reads one file for its digest.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use pincer_defender::host::{Content, Unread};
use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

/// How much is read at a time.
const BLOCK_BYTES: usize = 64 * 1024;

/// What came of reading a file.
pub(super) struct FileRead {
    /// As it was when the reading ended.
    pub(super) stat: Stat,
    pub(super) content: Content,
    /// Bytes that were read.
    pub(super) bytes: u64,
}

/// Reads `name` in `dir`. A file that changes meanwhile is read once more. `None`: it is gone or is no file any more, or
/// `stop` was set.
pub(super) fn read_file(
    dir: BorrowedFd<'_>,
    name: &std::ffi::OsStr,
    bytes_max: u64,
    stop: &AtomicBool,
) -> Result<Option<FileRead>, Errno> {
    let mut bytes = 0;
    let mut last = None;
    for _ in 0..2 {
        // Not blocking: it may have become a pipe since it was looked at.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = match rustix::fs::openat(dir, name, flags, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::NOENT | Errno::LOOP) => return Ok(None),
            Err(error) => return Err(error),
        };
        let before = rustix::fs::fstat(&file)?;
        if FileType::from_raw_mode(before.st_mode) != FileType::RegularFile {
            return Ok(None);
        }
        if size(&before) > bytes_max {
            return Ok(Some(FileRead { stat: before, content: Content::Unread(Unread::TooLarge), bytes }));
        }
        let Some((hash, read)) = hash(&file, bytes_max, stop)? else { return Ok(None) };
        bytes += read;
        let after = rustix::fs::fstat(&file)?;
        if same(&before, &after) && read == size(&after) {
            return Ok(Some(FileRead { stat: after, content: Content::Sha256(hash), bytes }));
        }
        last = Some(after);
    }
    Ok(last.map(|stat| FileRead { stat, content: Content::Unread(Unread::Unstable), bytes }))
}

/// Size in bytes.
pub(super) fn size(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}

/// Whether nothing happened to a file between two looks.
fn same(a: &Stat, b: &Stat) -> bool {
    let times = |stat: &Stat| (stat.st_mtime, stat.st_mtime_nsec, stat.st_ctime, stat.st_ctime_nsec);
    a.st_ino == b.st_ino && a.st_size == b.st_size && times(a) == times(b)
}

/// Digest and length. `None`: `stop` was set. A file that grows is read a little beyond the bound and not to its end.
fn hash(file: &OwnedFd, bytes_max: u64, stop: &AtomicBool) -> Result<Option<([u8; 32], u64)>, Errno> {
    let mut hasher = Sha256::new();
    let mut block = vec![0; BLOCK_BYTES];
    let mut length: u64 = 0;
    while length <= bytes_max {
        if stop.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let read = match rustix::io::read(file, &mut block) {
            Ok(0) => break,
            Ok(read) => read,
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error),
        };
        hasher.update(block.get(..read).unwrap_or_default());
        length += read as u64;
    }
    Ok(Some((hasher.finalize().into(), length)))
}
