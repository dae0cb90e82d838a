//! Is the machine still as it was?
//!
//! A [`Scan`] says what configured files and folders are like now; the runtime makes it. A [`Baseline`] is a scan that
//! an operator took for good, written as text and signed by a [`BaselineKey`]. [`compare`] tells what differs, as a
//! [`Drift`], and an [`Alert`] keeps that in mind until somebody accepts it.
//!
//! What a signature is worth: the key lies on the machine that is watched, so whoever is root there can change files and
//! sign a new baseline. Against that only a copy elsewhere helps: keep the key's public half and the baseline's time of
//! creation, which `doctor` prints, where the machine cannot reach them. Against everybody else it holds: a baseline
//! whose bytes were changed, by a fault or by hand, is refused.

mod alert;
mod baseline;
mod compare;
mod drift;
mod entry;
mod seal;
mod text;

pub use alert::{Alert, AlertChange, Raised};
pub use baseline::{BASELINE_BYTES_MAX, Baseline, Incomplete, Scan};
pub use compare::{CompareOptions, compare};
pub use drift::{DRIFT_ITEMS_MAX, Drift, Field, Item, Severity, What};
pub use entry::{Content, Entry, Kind, Root, RootKind, Unread};
pub use seal::{BaselineKey, OpenError, PublicKey, open, seal};
pub use text::shown;
