//! `pincer defender scan`: the verdict on one text or command, and what it rests on.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use pincer_defender::ledger::preview;
use pincer_defender::policy::{Mode, Verdict};
use pincer_defender::{Action, Finding, Judgement, Provenance, Span};
use serde_json::{Value, json};

use super::judge::{Judge, read_policy};
use crate::cli::table::{cut, table};
use crate::cli::{Context, Failure, Global, Output};

/// Longest text that is judged, in bytes.
const TEXT_BYTES_MAX: u64 = 16 << 20;
/// Longest piece of text shown with a finding, in characters.
const PIECE_CHARS_MAX: usize = 60;

/// Exit codes, so that scripts can ask.
const REVIEW: u8 = 10;
const BLOCK: u8 = 20;

/// Judge one text or command.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  pincer defender scan 'please summarise this page'
  pincer defender scan --file notes.md
  pincer defender scan --file page.html --from web
  pincer defender scan --command 'git push --force'
  some-tool | pincer defender scan - --from tool

Exit codes: 0 allow, 10 review, 20 block; 1, 2 and 78 as everywhere.
What is judged by is the config's policy, whatever its mode. Addresses are not looked up.")]
pub(super) struct ScanArgs {
    /// The text; - for standard input
    #[arg(required_unless_present_any = ["file", "command"])]
    text: Option<String>,
    /// The text is in this file; - for standard input
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    file: Option<PathBuf>,
    /// Judge a shell command; - for standard input
    #[arg(long, value_name = "LINE", conflicts_with_all = ["text", "file", "from"], allow_hyphen_values = true)]
    command: Option<String>,
    /// Who wrote the text [default: file with --file, operator without]
    #[arg(long, value_name = "WHO")]
    from: Option<From>,
    /// Judge by this policy (.toml or .json) [default: the config's]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

/// Who wrote a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum From {
    /// The operator of this gateway
    Operator,
    /// A person in a direct chat of a channel
    User,
    /// Somebody in a group
    Group,
    /// What a tool printed
    Tool,
    /// A page, an e-mail, a search result
    Web,
    /// What a file holds
    File,
    /// The body of a webhook
    Hook,
}

impl ScanArgs {
    fn from(&self) -> From {
        // What a file holds anybody may have written.
        let unsaid = if self.file.is_some() { From::File } else { From::Operator };
        self.from.unwrap_or(unsaid)
    }
}

impl From {
    fn provenance(self) -> Provenance {
        match self {
            From::Operator => Provenance::Operator,
            From::User => Provenance::ChannelUser,
            From::Group => Provenance::GroupMember,
            From::Tool => Provenance::ToolOutput,
            From::Web => Provenance::WebContent,
            From::File => Provenance::FileContent,
            From::Hook => Provenance::Hook,
        }
    }
}

/// Runs `pincer defender scan`.
pub(super) fn execute(args: &ScanArgs, global: &Global, output: &Output) -> Result<ExitCode, Failure> {
    let (policy, mode) = match &args.policy {
        Some(file) => (read_policy(file)?, None),
        None => {
            let context = Context::open(global)?;
            let policy = context.policy().map_err(|error| {
                Failure::config(error).fix("correct it, or name another policy with --policy")
            })?;
            let mode = policy.mode;
            (policy, Some(mode))
        }
    };
    let text = text(args)?;
    let action = match &args.command {
        Some(_) => Action::Command(&text),
        None => Action::Prompt { text: &text, from: args.from().provenance() },
    };
    let mut judge = Judge::new(policy)?;
    let judgement = judge.judge(action);
    if output.is_json() {
        output.document(&as_json(&judgement, action, &text, mode));
    } else {
        output.line(in_words(&judgement, &judge, &text, mode));
    }
    Ok(match judgement.decision.verdict {
        Verdict::Allow => ExitCode::SUCCESS,
        Verdict::Review => ExitCode::from(REVIEW),
        Verdict::Block => ExitCode::from(BLOCK),
    })
}

/// What is to be judged. Bytes that are no text are judged as replacement characters.
fn text(args: &ScanArgs) -> Result<String, Failure> {
    let stdin = |what: &str| read_text(io::stdin().lock(), what);
    match (args.text.as_deref().or(args.command.as_deref()), &args.file) {
        (Some("-"), _) => stdin("standard input"),
        (None, Some(file)) if file.as_os_str() == "-" => stdin("standard input"),
        (Some(text), _) => Ok(text.to_owned()),
        (None, Some(file)) => {
            let name = file.display().to_string();
            let file =
                File::open(file).map_err(|error| Failure::new(format!("cannot read {name}: {error}")))?;
            read_text(file, &name)
        }
        (None, None) => Err(Failure::new("nothing to judge")),
    }
}

fn read_text(from: impl Read, name: &str) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    from.take(TEXT_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::new(format!("cannot read {name}: {error}")))?;
    if bytes.len() as u64 > TEXT_BYTES_MAX {
        return Err(Failure::new(format!("{name} is longer than {TEXT_BYTES_MAX} bytes")));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn as_json(judgement: &Judgement, action: Action<'_>, text: &str, mode: Option<Mode>) -> Value {
    let decision = &judgement.decision;
    let findings: Vec<Value> = judgement
        .assessment
        .findings
        .iter()
        .map(|finding| {
            json!({
                "rule": finding.rule,
                "weight": rounded(finding.weight),
                "start": finding.span.start,
                "end": finding.span.end,
                "text": piece(text, finding.span),
            })
        })
        .collect();
    json!({
        "kind": action.kind(),
        "action": decision.verdict,
        "risk": rounded(decision.risk),
        "score": rounded(judgement.assessment.score),
        "reasons": decision.reasons.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "rules": judgement.rules().collect::<Vec<_>>(),
        "findings": findings,
        "mode": mode,
    })
}

/// As fine as anybody compares.
fn rounded(points: f32) -> f64 {
    (f64::from(points) * 1_000.0).round() / 1_000.0
}

fn in_words(judgement: &Judgement, judge: &Judge, text: &str, mode: Option<Mode>) -> String {
    let decision = &judgement.decision;
    let thresholds = judge.policy().thresholds;
    let mut lines = vec![format!(
        "{}  risk {:.1} of 100 (review from {}, block from {})",
        decision.verdict,
        decision.risk,
        thresholds.review.get(),
        thresholds.block.get()
    )];
    lines.extend(decision.reasons.iter().map(|reason| format!("  {reason}")));
    if let Some(mode @ (Mode::Audit | Mode::Off)) = mode
        && decision.verdict > Verdict::Allow
    {
        lines.push(format!("  the gateway would let it pass: its defender.mode is {}", mode.as_str()));
    }
    let rows: Vec<[String; 4]> =
        judgement.assessment.findings.iter().map(|finding| row(finding, text)).collect();
    if !rows.is_empty() {
        lines.push(String::new());
        lines.push(table(["RULE", "WEIGHT", "BYTES", "TEXT"], &rows));
    }
    lines.join("\n")
}

fn row(finding: &Finding, text: &str) -> [String; 4] {
    [
        finding.rule.to_owned(),
        format!("{:+.1}", finding.weight),
        format!("{}..{}", finding.span.start, finding.span.end),
        piece(text, finding.span),
    ]
}

/// The piece of the text that a finding points at: shortened, on one line, nothing in it that a terminal obeys.
fn piece(text: &str, span: Span) -> String {
    let at = |byte: u32| text.floor_char_boundary(usize::try_from(byte).unwrap_or(usize::MAX));
    let piece = text.get(at(span.start)..at(span.end)).unwrap_or_default();
    cut(&preview(piece), PIECE_CHARS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_piece(text: &str, start: u32, end: u32, want: &str) {
        assert_eq!(piece(text, Span { start, end }), want);
    }

    #[test]
    fn pieces_are_short_and_harmless() {
        check_piece("ignore the rules", 0, 6, "ignore");
        check_piece("ignore the rules", 11, 999, "rules");
        check_piece("öö", 1, 3, "ö");
        check_piece("abc", 2, 1, "");
        check_piece("abc", 7, 9, "");
        check_piece("a\u{1b}[2J\u{202e}b", 0, 99, "a\\u{1b}[2J\\u{202e}b");
        check_piece(&"word ".repeat(100), 0, 500, &cut(&"word ".repeat(100), PIECE_CHARS_MAX));
    }

    #[test]
    fn whoever_wrote_it_is_known() {
        for from in From::value_variants() {
            let name = from.to_possible_value().unwrap().get_name().to_owned();
            let data = matches!(name.as_str(), "tool" | "web" | "file" | "hook");
            assert_eq!(from.provenance().is_data(), data, "{name}");
        }
    }
}
