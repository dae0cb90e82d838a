//! Families of effects, a file each: what programs do that tables can tell. See `pattern.rs` for how a form is written.

use super::pattern::Rule;

mod cloud;
mod credential;
mod database;
mod destroy;
mod escalate;
mod exfiltrate;
mod persist;
mod protection;
mod recon;
mod shell;
mod traces;
mod vcs;
mod windows;

/// All families. To add one: a file, and its line here.
pub(super) const ALL: &[&[Rule]] = &[
    cloud::RULES,
    credential::RULES,
    database::RULES,
    destroy::RULES,
    escalate::RULES,
    exfiltrate::RULES,
    persist::RULES,
    protection::RULES,
    recon::RULES,
    shell::RULES,
    traces::RULES,
    vcs::RULES,
    windows::RULES,
];
