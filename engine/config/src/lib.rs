//! OpenClaw's `openclaw.json`, read, checked and typed.
//!
//! [`load`] turns the text of a config file into a [`Config`] and a list of [`Issue`]s: JSON5, `$include`, `${VAR}`,
//! then a check against the table of known keys. Unknown keys warn and never stop a start; values of a wrong type are
//! errors, worded as upstream words them, and are left out of the typed config. What the gateway answers to
//! `config.get` and `config.schema` is made here too, with secrets replaced.
//!
//! Nothing here opens a file or reads the environment: both come in as closures. Nothing here knows what a setting is
//! good for either; that is the reader's business.
//!
//! Start with [`load`], then [`Config`]; [`locate`](locate::locate) and [`start::decide`] are what a gateway does before it
//! runs.

pub mod dotenv;
pub mod edit;
pub mod hash;
pub mod include;
pub mod issue;
pub mod load;
pub mod locate;
pub mod parse;
pub mod path;
pub mod redact;
pub mod secret;
pub mod section;
pub mod snapshot;
pub mod span;
pub mod start;
pub mod substitute;
pub mod table;

pub use issue::{Issue, Severity};
pub use load::{Loaded, load};
pub use path::KeyPath;
pub use redact::REDACTED;
pub use secret::Secret;
pub use section::Config;
pub use snapshot::Snapshot;
