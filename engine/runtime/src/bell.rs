//! Waking a shard from another thread, at most once until it has looked.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::task::Waker;

/// Belongs to one shard. Others put something into its queues and ring; the shard calls [`Bell::lie_down`], looks into
/// its queues once more, and sleeps. While it is awake a ring costs one atomic swap and no system call.
#[derive(Debug)]
pub(crate) struct Bell {
    awake: AtomicBool,
    sound: Sound,
}

#[derive(Debug)]
enum Sound {
    /// An eventfd in the shard's epoll set, edge triggered: never read, only written.
    Event(File),
    /// A task of the shard's executor. The lock is held for a clone or a wake; only sleepers cost one.
    Task(Mutex<Option<Waker>>),
}

impl Bell {
    /// Wakes through `eventfd`.
    pub(crate) fn event(eventfd: File) -> Bell {
        Bell { awake: AtomicBool::new(true), sound: Sound::Event(eventfd) }
    }

    /// Wakes through the waker given to [`Bell::wake_by`].
    pub(crate) fn task() -> Bell {
        Bell { awake: AtomicBool::new(true), sound: Sound::Task(Mutex::new(None)) }
    }

    /// The eventfd to watch; `None` for a task's bell.
    pub(crate) fn eventfd(&self) -> Option<&File> {
        match &self.sound {
            Sound::Event(file) => Some(file),
            Sound::Task(_) => None,
        }
    }

    /// Sets whom to wake. Nothing to do for an eventfd.
    pub(crate) fn wake_by(&self, waker: &Waker) {
        let Sound::Task(slot) = &self.sound else { return };
        let mut slot = slot.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match &mut *slot {
            Some(old) => old.clone_from(waker),
            None => *slot = Some(waker.clone()),
        }
    }

    /// Forgets whom to wake.
    pub(crate) fn mute(&self) {
        if let Sound::Task(slot) = &self.sound {
            slot.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        }
    }

    /// Makes the shard look into its queues. Call after putting something there.
    pub(crate) fn ring(&self) {
        // Pairs with the fence in `lie_down`: either we see it asleep, or it sees what we put there.
        fence(Ordering::SeqCst);
        if self.awake.swap(true, Ordering::AcqRel) {
            return;
        }
        match &self.sound {
            // Fails only when the counter is at its top, and then the shard has been rung already.
            Sound::Event(file) => drop((&*file).write(&1u64.to_ne_bytes())),
            Sound::Task(slot) => {
                if let Some(waker) = &*slot.lock().unwrap_or_else(std::sync::PoisonError::into_inner) {
                    waker.wake_by_ref();
                }
            }
        }
    }

    /// From here on a ring wakes. Look into the queues once more before sleeping.
    pub(crate) fn lie_down(&self) {
        self.awake.store(false, Ordering::Release);
        fence(Ordering::SeqCst);
    }

    /// Not sleeping after all, or woken by something else: rings need not wake.
    pub(crate) fn get_up(&self) {
        self.awake.store(true, Ordering::Release);
    }
}

/// A new eventfd; `waits`: whether reading it waits for a ring.
#[allow(unsafe_code)]
pub(crate) fn eventfd(waits: bool) -> io::Result<File> {
    use std::os::fd::FromRawFd;

    let flags = if waits { libc::EFD_CLOEXEC } else { libc::EFD_CLOEXEC | libc::EFD_NONBLOCK };
    // SAFETY: takes no pointers.
    let fd = unsafe { libc::eventfd(0, flags) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel just made this descriptor for us; nobody else has it.
    Ok(unsafe { File::from_raw_fd(fd) })
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn rings(bell: &Bell) -> u64 {
        let mut count = [0; 8];
        match bell.eventfd().unwrap().read_exact(&mut count) {
            Ok(()) => u64::from_ne_bytes(count),
            Err(_) => 0,
        }
    }

    #[test]
    fn only_the_first_ring_in_a_sleep_is_heard() {
        let bell = Bell::event(eventfd(false).unwrap());
        bell.ring();
        assert_eq!(rings(&bell), 0, "it starts awake");
        bell.lie_down();
        bell.ring();
        bell.ring();
        assert_eq!(rings(&bell), 1);
        bell.lie_down();
        bell.get_up();
        bell.ring();
        assert_eq!(rings(&bell), 0);
    }
}
