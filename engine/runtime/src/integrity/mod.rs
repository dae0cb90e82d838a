//! Looks whether files on this machine are still what they were.
//!
//! [`scan`] notes what configured files and folders are like. A [`Watcher`] does so on a thread of its own: at start,
//! when inotify tells of a change, and on a timer, since inotify does not tell of everything (writes through a memory
//! map, files changed from another machine, a link swapped somewhere above a file, what happened while the gateway was
//! down). What differs from a signed baseline leaves as an [`IntegrityReport`]. Keys, baselines and the standing alert
//! lie in files, see [`load_or_create_key`], [`save_baseline`] and [`load_baseline`].
//!
//! Nothing here decides what a difference means: see [`pincer_defender::host`].

mod config;
mod keep;
mod read;
mod scan;
#[cfg(test)]
mod tests;
mod watch;
mod watches;

pub use config::{Config, ScanLimits};
pub use keep::{
    KeepError, LoadError, load_alert, load_baseline, load_key, load_or_create_key, save_alert, save_baseline,
};
pub use scan::{Scanned, Totals, scan};
pub use watch::{Cause, IntegrityReport, Watcher};
