//! `pincer defender quarantine verify`: whether the ledger is what was written.

use std::process::ExitCode;

use pincer_store::quarantine::{QuarantineReader, Verification};
use serde_json::{Value, json};

use crate::cli::failure::exit;
use crate::cli::{Failure, Output};

/// Verifies. Exit code 1 when something is wrong.
pub(super) fn execute(reader: &QuarantineReader, output: &Output) -> Result<ExitCode, Failure> {
    let found = reader.verify().map_err(Failure::new)?;
    if output.is_json() {
        output.document(&as_json(&found));
    } else {
        output.line(in_words(&found));
    }
    Ok(if found.is_sound() { ExitCode::SUCCESS } else { ExitCode::from(exit::FAILED) })
}

fn as_json(found: &Verification) -> Value {
    let tally = &found.tally;
    let breaks: Vec<Value> = tally
        .breaks
        .iter()
        .map(|one| json!({"line": one.line, "problem": one.problem.to_string()}))
        .collect();
    json!({
        "ok": found.is_sound(),
        "head": tally.head,
        "first": tally.first,
        "lines": tally.lines,
        "broken": tally.broken,
        "breaks": breaks,
        "resumed": tally.resumed,
        "unknown": tally.unknown,
        "tornBytes": tally.torn_bytes,
        "headMissing": found.head_missing,
        "payloads": found.payloads,
        "payloadsDamaged": found.payloads_damaged,
        "problems": found.problems,
    })
}

fn in_words(found: &Verification) -> String {
    let tally = &found.tally;
    if tally.lines == 0 && tally.broken == 0 {
        return "nothing was recorded yet".to_owned();
    }
    let mut lines = vec![if found.is_sound() {
        "sound: nothing was changed or removed".to_owned()
    } else {
        "BROKEN: this is not what the gateway wrote".to_owned()
    }];
    lines.push(format!("  records   {} since the first, {} lines here", tally.head.count, tally.lines));
    lines.push(format!("  head      {} {}", tally.head.count, tally.head.hash));
    lines.push(format!("  texts     {} checked, {} damaged", found.payloads, found.payloads_damaged));
    lines.extend(tally.breaks.iter().map(|one| format!("  {one}")));
    let told = tally.breaks.len() as u64;
    if tally.broken > told {
        lines.push(format!("  and {} more", tally.broken - told));
    }
    if tally.resumed > 0 {
        lines.push(format!("  {} times a gateway found damage and went on behind it", tally.resumed));
    }
    if found.head_missing {
        lines.push("  head.json is missing or unreadable: an end that was cut off would not show".to_owned());
    }
    if tally.unknown > 0 {
        lines.push(format!("  {} records are of a newer version; their place was checked", tally.unknown));
    }
    if tally.torn_bytes > 0 {
        lines.push(format!(
            "  {} bytes behind the last line: a write goes on, or was cut off",
            tally.torn_bytes
        ));
    }
    lines.extend(found.problems.iter().map(|problem| format!("  {problem}")));
    if found.is_sound() {
        lines.push(
            "Keep the head elsewhere: whoever can write all these files can write them anew.".to_owned(),
        );
    }
    lines.join("\n")
}
