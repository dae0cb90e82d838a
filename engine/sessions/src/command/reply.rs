//! Texts that answer commands when their work is done elsewhere.

use pincer_protocol::Wire;

use super::ResetKind;
use super::status::tokens_short;

/// After `/new` or `/reset` on v4, where no greeting follows.
pub fn reset_done(kind: ResetKind) -> &'static str {
    match kind {
        ResetKind::New => "✅ New session started.",
        ResetKind::Reset => "✅ Session reset.",
    }
}

/// Whether a fresh session greets: v3 lets the model do it ([`super::GREETING`]), v4 answers with [`reset_done`].
pub fn greets(wire: Wire) -> bool {
    wire == Wire::V3
}

/// How `/compact` went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compacted<'a> {
    /// There is a summary now.
    Done,
    /// There was nothing to summarise.
    Nothing,
    /// It failed, and everything is as it was.
    Failed(&'a str),
}

/// After `/compact`.
pub fn compacted(how: Compacted<'_>, used: Option<u64>, window: u64) -> String {
    let context = context_use(used, window);
    match how {
        Compacted::Done => format!("⚙️ Compacted • {}", context.replacen(": ", " ", 1)),
        Compacted::Nothing => format!("⚙️ Nothing to compact yet • {}", context.replacen(": ", " ", 1)),
        Compacted::Failed(why) => format!("⚙️ Compaction failed: {why} • {}", context.replacen(": ", " ", 1)),
    }
}

/// `Context: 120/64k (0%)`
pub(super) fn context_use(used: Option<u64>, window: u64) -> String {
    let window_short = tokens_short(window);
    match used {
        Some(used) => {
            let percent = used.saturating_mul(100) / window.max(1);
            format!("Context: {}/{window_short} ({percent}%)", tokens_short(used))
        }
        None => format!("Context: ?/{window_short}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compaction_tells_the_context() {
        assert_eq!(compacted(Compacted::Done, Some(120), 64_000), "⚙️ Compacted • Context 120/64k (0%)");
        assert_eq!(
            compacted(Compacted::Failed("no answer"), None, 8_000),
            "⚙️ Compaction failed: no answer • Context ?/8.0k"
        );
    }
}
