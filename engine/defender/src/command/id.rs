//! The rules' names. Stable: policies and audit records refer to them.

use crate::RuleId;

/// A policy lets it pass.
pub const ALLOWED: RuleId = "command.allowed";
pub(super) const BIND_SHELL: RuleId = "command.bind-shell";
pub(super) const CLEAR_TRACES: RuleId = "command.clear-traces";
pub(super) const CLOUD_LOSS: RuleId = "command.cloud-loss";
pub(super) const CREDENTIAL_ACCESS: RuleId = "command.credential-access";
pub(super) const DATABASE_LOSS: RuleId = "command.database-loss";
pub(super) const DECODE_RUN: RuleId = "command.decode-run";
/// A policy forbids it.
pub const DENIED: RuleId = "command.denied";
pub(super) const DESTROY_DATA: RuleId = "command.destroy-data";
pub(super) const DESTROY_DEVICE: RuleId = "command.destroy-device";
pub(super) const DISABLE_PROTECTION: RuleId = "command.disable-protection";
pub(super) const DOWNLOAD_RUN: RuleId = "command.download-run";
pub(super) const ESCALATE: RuleId = "command.escalate";
pub(super) const EXFILTRATE: RuleId = "command.exfiltrate";
pub(super) const FORK_BOMB: RuleId = "command.fork-bomb";
pub(super) const HALT: RuleId = "command.halt";
pub(super) const MINE: RuleId = "command.mine";
pub(super) const OBFUSCATED: RuleId = "command.obfuscated";
pub(super) const PERMISSIONS: RuleId = "command.permissions";
pub(super) const PERSIST: RuleId = "command.persist";
pub(super) const RECON: RuleId = "command.recon";
pub(super) const REVERSE_SHELL: RuleId = "command.reverse-shell";
pub(super) const SHELL_ESCAPE: RuleId = "command.shell-escape";
pub(super) const TOO_DEEP: RuleId = "command.too-deep";
pub(super) const TOO_LONG: RuleId = "command.too-long";
pub(super) const TOO_MUCH: RuleId = "command.too-much";
pub(super) const TRANSFER: RuleId = "command.transfer";
pub(super) const TUNNEL: RuleId = "command.tunnel";
pub(super) const UNKNOWN_PROGRAM: RuleId = "command.unknown-program";
pub(super) const UNREAD: RuleId = "command.unread";
pub(super) const VCS_LOSS: RuleId = "command.vcs-loss";
