//! The shell reader of the command guard on any text: it ends soon, points only into the text, and says the same twice.
#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use pincer_defender::command::{CommandGuard, Rules, Scratch};

thread_local! {
    static JUDGE: RefCell<(CommandGuard, Rules, Scratch)> = RefCell::new((
        CommandGuard::new(),
        Rules { deny: vec![vec!["curl".to_owned()]], allow: vec![vec!["echo".to_owned()]] },
        Scratch::default(),
    ));
}

fuzz_target!(|text: &str| {
    JUDGE.with_borrow_mut(|(guard, rules, scratch)| {
        let made = guard.assess(text, scratch);
        assert!((0.0..=100.0).contains(&made.score), "{made:?}");
        for finding in &made.findings {
            assert!(finding.span.start <= finding.span.end, "{finding:?}");
            assert!(finding.span.end as usize <= text.len(), "{finding:?}");
        }
        // What an earlier command left in the buffers changes nothing.
        assert_eq!(made, guard.assess(text, &mut Scratch::default()));
        guard.assess_with(rules, text, scratch);
    });
});
