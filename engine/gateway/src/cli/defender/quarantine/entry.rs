//! One decision, as people and programs see it.

use std::io::{self, Write};
use std::process::ExitCode;

use pincer_defender::Provenance;
use pincer_defender::ledger::{ActionKind, EntryId, ExpiryReason};
use pincer_defender::policy::Verdict;
use pincer_store::quarantine::{QuarantineError, QuarantineReader, Shown};
use serde_json::{Value, json};

use crate::cli::table::printable;
use crate::cli::time::ago;
use crate::cli::{Failure, Output};
use crate::client::now_ms;

/// Shows one decision, or prints its text.
pub(super) fn show(
    id: &EntryId,
    payload: bool,
    reader: &QuarantineReader,
    output: &Output,
) -> Result<ExitCode, Failure> {
    if payload {
        let bytes = reader.payload(id).map_err(Failure::new)?;
        if output.is_json() {
            output.document(&json!({"id": id, "text": String::from_utf8_lossy(&bytes)}));
        } else {
            // To the byte, for files and programs. It was stopped: whoever prints it on a terminal asked for it.
            let mut out = io::stdout().lock();
            out.write_all(&bytes).and_then(|()| out.flush())?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let shown = reader.show(id).map_err(Failure::new)?;
    let shown = shown.ok_or_else(|| Failure::new(QuarantineError::Unknown { id: id.clone() }))?;
    if output.is_json() {
        output.document(&entry_json(&shown));
    } else {
        output.line(describe(&shown));
    }
    Ok(ExitCode::SUCCESS)
}

/// As `--json` shows it: the record, and what became of it.
pub(in crate::cli::defender) fn entry_json(shown: &Shown) -> Value {
    json!({
        "n": shown.n,
        "hash": shown.hash,
        "atMs": shown.at_ms,
        "entry": shown.entry,
        "payload": shown.payload,
        "turn": shown.turn,
        "released": shown.released.as_ref().map(|released| json!({"by": released.by, "atMs": released.at_ms})),
        "expired": shown.expired.map(|expired| json!({"reason": expired.reason, "atMs": expired.at_ms})),
    })
}

/// What happened, in one or two words.
pub(super) fn outcome(shown: &Shown) -> String {
    let entry = &shown.entry;
    if shown.released.is_some() {
        return "released".to_owned();
    }
    match (entry.enforced, entry.decision) {
        (_, Verdict::Allow) => "allow".to_owned(),
        (true, Verdict::Block) => "blocked".to_owned(),
        (true, Verdict::Review) => "held".to_owned(),
        (false, verdict) => format!("audit: {verdict}"),
    }
}

/// In lines.
pub(in crate::cli::defender) fn describe(shown: &Shown) -> String {
    let entry = &shown.entry;
    let now = now_ms();
    let mut lines = vec![
        format!("{}  {}, {}", entry.id, outcome(shown), ago(Some(shown.at_ms), now)),
        format!("  what      {}, written by {}", kind(entry.kind), author(entry.provenance)),
        format!("  where     session {}, agent {}", printable(&entry.session), printable(&entry.agent)),
    ];
    if entry.channel.is_some() || entry.sender.is_some() {
        let or = |name: &Option<String>| printable(name.as_deref().unwrap_or("-"));
        lines.push(format!("  through   channel {}, sender {}", or(&entry.channel), or(&entry.sender)));
    }
    lines.push(format!("  risk      {:.1} of 100", entry.risk));
    lines.extend(entry.reasons.iter().map(|reason| format!("  why       {}", printable(reason))));
    lines.push(format!("  rules     {}", printable(&entry.rules.join(", "))));
    lines.push(format!("  text      {}", printable(&entry.preview)));
    lines.push(format!("  kept      {}", kept(shown, now)));
    if let Some(released) = &shown.released {
        let when = ago(Some(released.at_ms), now);
        lines.push(format!("  released  by {}, {when}", printable(&released.by)));
    }
    lines.push(format!("  record    {} of the ledger, {}", shown.n, shown.hash));
    lines.join("\n")
}

fn kept(shown: &Shown, now: u64) -> String {
    match (&shown.payload, &shown.expired) {
        (None, _) => "no: it stopped nothing".to_owned(),
        (Some(payload), None) => {
            let again = if shown.turn.is_some() { "; it can be delivered" } else { "" };
            format!("{} bytes, SHA-256 {}{again}", payload.bytes, payload.sha256)
        }
        (Some(_), Some(expired)) => {
            let why = match expired.reason {
                ExpiryReason::Age => "its time was over",
                ExpiryReason::Room => "room was needed",
                ExpiryReason::Count => "there were too many",
            };
            format!("no longer: deleted {} since {why}", ago(Some(expired.at_ms), now))
        }
    }
}

fn kind(kind: ActionKind) -> &'static str {
    match kind {
        ActionKind::Prompt => "a text for a model",
        ActionKind::Command => "a shell command",
        ActionKind::Url => "an address",
        ActionKind::File => "a file",
        ActionKind::ToolCall => "a tool's call",
        ActionKind::Config => "a change of the config",
    }
}

fn author(provenance: Provenance) -> &'static str {
    match provenance {
        Provenance::Operator => "an operator",
        Provenance::ChannelUser => "a person in a direct chat",
        Provenance::GroupMember => "a member of a group",
        Provenance::ToolOutput => "a tool",
        Provenance::WebContent => "the web",
        Provenance::FileContent => "a file",
        Provenance::Hook => "a webhook",
    }
}
