//! Test layer under [`Disk`](super::Disk): makes chosen calls fail, and records all of them. Per thread.

use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::Event;

/// How an armed fault behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// This one call fails with this errno; a write gets half of its bytes out first.
    Once(i32),
    /// This call (a write: after half of its bytes) and every later one fails: the process is as good as dead.
    Crash,
}

#[derive(Default)]
struct State {
    /// Calls until the fault.
    armed: Option<(u64, Fault)>,
    fired: bool,
    recorded: Option<Vec<Event>>,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

/// The call after `calls` more fails.
pub(crate) fn arm(calls: u64, fault: Fault) {
    STATE.with_borrow_mut(|state| {
        state.armed = Some((calls, fault));
        state.fired = false;
    });
}

/// Forgets the fault; returns whether it has struck.
pub(crate) fn disarm() -> bool {
    STATE.with_borrow_mut(|state| {
        state.armed = None;
        std::mem::take(&mut state.fired)
    })
}

/// Begins to record.
pub(crate) fn record() {
    STATE.with_borrow_mut(|state| state.recorded = Some(Vec::new()));
}

/// How much is recorded.
pub(crate) fn recorded() -> usize {
    STATE.with_borrow(|state| state.recorded.as_ref().map_or(0, Vec::len))
}

/// Ends recording.
pub(crate) fn take() -> Vec<Event> {
    STATE.with_borrow_mut(|state| state.recorded.take().unwrap_or_default())
}

/// Says what is about to happen, and whether it may.
pub(super) fn event(event: Event) -> io::Result<()> {
    STATE.with_borrow_mut(|state| {
        match &mut state.armed {
            Some((0, Fault::Crash)) => {
                state.fired = true;
                return Err(io::Error::other("crashed"));
            }
            Some((0, Fault::Once(errno))) => {
                let errno = *errno;
                state.armed = None;
                state.fired = true;
                return Err(io::Error::from_raw_os_error(errno));
            }
            Some((calls, _)) => *calls -= 1,
            None => {}
        }
        if let Some(recorded) = &mut state.recorded {
            recorded.push(event);
        }
        Ok(())
    })
}

/// For a file that has just been created; not a call of its own.
pub(super) fn created(path: &Path, file: &File) {
    let inode = file.metadata().map_or(0, |meta| meta.ino());
    STATE.with_borrow_mut(|state| {
        if let Some(recorded) = &mut state.recorded {
            recorded.push(Event::Created(path.to_owned(), inode));
        }
    });
}

/// An event of an open file.
pub(super) fn file_event(file: &File, make: impl FnOnce(u64) -> Event) -> io::Result<()> {
    event(make(file.metadata().map_or(0, |meta| meta.ino())))
}

/// How much of a write gets out, and how it ends.
pub(super) fn write<'b>(file: &File, bytes: &'b [u8], at: u64) -> (&'b [u8], Option<io::Error>) {
    let was_dead = STATE.with_borrow(|state| state.fired && state.armed.is_some());
    match file_event(file, |inode| Event::Write(inode, at, bytes.to_owned())) {
        Ok(()) => (bytes, None),
        Err(error) if was_dead => (&bytes[..0], Some(error)),
        Err(error) => (&bytes[..bytes.len() / 2], Some(error)),
    }
}
