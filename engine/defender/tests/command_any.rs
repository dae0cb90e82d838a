//! Any text is judged: no panic, a score within bounds, findings that point into the text, the same answer twice.

use pincer_defender::command::{CommandGuard, Rules, Scratch};
use proptest::prelude::*;

/// Pieces that shells give a meaning to.
const PIECES: &[&str] = &[
    "$(",
    ")",
    "`",
    "'",
    "\"",
    "${",
    "}",
    "(",
    "{ ",
    "; ",
    "|",
    "||",
    "&&",
    "&",
    "<",
    ">",
    "<<E\n",
    "\nE\n",
    "<<<",
    "<(",
    "\\",
    "\n",
    "$'\\x41'",
    "$((",
    "))",
    "case a in a) ",
    " esac",
    "if ",
    "then ",
    "fi",
    "for x in ",
    "do ",
    "done",
    "f() ",
    "[[ ",
    " ]]",
    "*",
    "~/",
    "/etc/shadow ",
    "rm -rf ",
    "sudo ",
    "xargs ",
    "find / -exec ",
    "bash -c ",
    "eval ",
    "base64 -d ",
    "echo ",
    "printf %b ",
    "$IFS",
    "${a:1:2}",
    "${a/b/c}",
    "a=$a$a ",
    "é",
    "\u{0}",
    "ssh h ",
    "docker run x ",
    "python -c ",
    "curl -d @",
    "tr a-z b ",
    "word ",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_mixture_is_judged(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60)) {
        judge(&pieces.concat())?;
    }

    #[test]
    fn any_text_is_judged(text in any::<String>()) {
        judge(&text)?;
    }
}

/// Where a text stops too early is where a reader steps behind its end.
#[test]
fn every_beginning_is_judged() {
    for whole in [
        "f() { f s -e $ |x=(| x\n -e $ |x=(| x\n \"o $(ls x=|\t A=1 b|!2 @)\"",
        "cat <<-'E' | tr a-z b-z\n\tx $(y `z`) ${a:-\"b\"}\n\tE\nfor x in {a,b} $'\\x41'; do case $x in (a|b) ls <(c) ;; esac; done",
        "a=${b/c/'d'}; ((1 + $(e))); [[ -n $a && $a < b ]] || find . -exec sh -c 'echo \"$1\"' {} \\; 2>&1 >> log",
    ] {
        for (end, _) in whole.char_indices() {
            judge(&whole[..end]).expect("lawful");
        }
    }
}

fn judge(text: &str) -> Result<(), TestCaseError> {
    thread_local! {
        static GUARD: (CommandGuard, Rules) = (
            CommandGuard::new(),
            Rules { deny: vec![vec!["curl".to_owned()]], allow: vec![vec!["echo".to_owned()]] },
        );
    }
    GUARD.with(|(guard, rules)| {
        let mut scratch = Scratch::default();
        let made = guard.assess(text, &mut scratch);
        prop_assert!((0.0..=100.0).contains(&made.score), "{}", made.score);
        for finding in &made.findings {
            let (start, end) = (finding.span.start as usize, finding.span.end as usize);
            prop_assert!(start <= end && end <= text.len(), "{finding:?}");
        }
        prop_assert_eq!(&made, &guard.assess(text, &mut scratch));
        guard.assess_with(rules, text, &mut scratch);
        Ok(())
    })
}
