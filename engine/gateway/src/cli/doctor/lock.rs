//! Who holds a state directory.

use std::fs::{File, TryLockError};
use std::io::Read;
use std::path::Path;

/// The store's lock file.
const LOCK_FILE: &str = "pincer.lock";

/// Who holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    /// No gateway runs there.
    Nobody,
    /// One does; its process id, when it has written it already.
    Running(Option<u32>),
}

impl Holder {
    /// The process id, when somebody runs and it is known.
    pub(crate) fn pid(self) -> Option<u32> {
        match self {
            Holder::Running(pid) => pid,
            Holder::Nobody => None,
        }
    }
}

/// Asks the lock, not the file: one left over by a process that died means nothing. The lock is shared and given back
/// at once, so a start in this very moment waits for nothing.
pub(crate) fn holder(state_dir: &Path) -> Holder {
    let Ok(mut file) = File::open(state_dir.join(LOCK_FILE)) else { return Holder::Nobody };
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let _ = file.by_ref().take(32).read_to_string(&mut text);
            Holder::Running(text.trim().parse().ok())
        }
        Ok(()) | Err(TryLockError::Error(_)) => Holder::Nobody,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_lock_decides_and_not_the_file() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(holder(dir.path()), Holder::Nobody);
        let path = dir.path().join(LOCK_FILE);
        fs::write(&path, "4711\n").unwrap();
        assert_eq!(holder(dir.path()), Holder::Nobody, "left over");
        let file = File::open(&path).unwrap();
        file.try_lock().unwrap();
        assert_eq!(holder(dir.path()), Holder::Running(Some(4711)));
        drop(file);
        assert_eq!(holder(dir.path()), Holder::Nobody);
    }
}
