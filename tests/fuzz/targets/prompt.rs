//! The prompt guard on any text: the score is on its scale, every finding points at whole characters of the text, and
//! buffers that judged other texts before change nothing.
//!
//! Input: a byte that chooses who speaks, then text (what is no UTF-8 is replaced).
#![no_main]

use std::cell::RefCell;
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use pincer_defender::Provenance;
use pincer_defender::prompt::{PromptGuard, Scratch};

thread_local! {
    static USED: RefCell<Scratch> = RefCell::default();
}

fuzz_target!(|input: &[u8]| {
    static GUARD: OnceLock<PromptGuard> = OnceLock::new();
    let Some((choice, text)) = input.split_first() else { return };
    let text = String::from_utf8_lossy(text);
    let from = if choice & 1 == 0 { Provenance::ChannelUser } else { Provenance::ToolOutput };
    let guard = GUARD.get_or_init(PromptGuard::new);
    let assessment = USED.with_borrow_mut(|scratch| guard.assess(&text, from, scratch));
    assert!((0.0..=100.0).contains(&assessment.score), "{}", assessment.score);
    for finding in &assessment.findings {
        let part = text.get(finding.span.start as usize..finding.span.end as usize);
        assert!(part.is_some_and(|part| !part.is_empty()), "{finding:?}");
    }
    if choice & 2 != 0 {
        assert_eq!(guard.assess(&text, from, &mut Scratch::default()), assessment, "a used scratch remembers");
    }
});
