//! Policies and bundles of any text: they load or are refused in one printable line, what loads holds its bounds and
//! means the same when it is written again, and no bundle is taken that was not signed.
//!
//! Input: a byte that chooses what to do, then the text.
#![no_main]

use ed25519_dalek::SigningKey;
use libfuzzer_sys::fuzz_target;
use pincer_defender::policy::bundle::{Bundle, Draft, TrustStore, TrustedKey, sign};
use pincer_defender::policy::{Compiled, Format, Policy, Subject, Verdict};
use pincer_defender::{Assessment, Finding, Span};

const NOW: u64 = 1_795_400_000_000;

fuzz_target!(|input: &[u8]| {
    let Some((choice, bytes)) = input.split_first() else { return };
    let text = String::from_utf8_lossy(bytes);
    match choice % 3 {
        0 => load(&text, Format::Toml),
        1 => load(&text, Format::Json),
        _ => bundle(bytes),
    }
});

fn load(text: &str, format: Format) {
    let policy = match Policy::from_text(text, format) {
        Ok(policy) => policy,
        Err(error) => return printable(&error.to_string()),
    };
    assert!(policy.thresholds.review <= policy.thresholds.block);
    // Written again, in the other format, it is the same policy.
    let value = serde_json::to_value(&policy).expect("a policy is JSON");
    assert_eq!(Policy::from_value(&value).expect("it was checked"), policy);
    assert_eq!(Policy::from_text(&value.to_string(), Format::Json).ok().as_ref().unwrap_or(&policy), &policy);

    let span = Span { start: 0, end: 1 };
    let mut assessment = Assessment { score: 55.0, ..Assessment::default() };
    for (rule, weight) in [("prompt.override", 40.0), ("a", f32::NAN), ("b", -10.0)] {
        let _ = assessment.findings.push(Finding { rule, span, weight });
    }
    let compiled = Compiled::new(policy).expect("a short policy compiles");
    for listing in [
        compiled.prompt(text),
        compiled.domain(text),
        compiled.url(text),
        compiled.sender("chat", "7"),
    ] {
        let subject =
            Subject { tool: Some("exec"), channel: Some("chat"), agent: "main", session: "s", listing };
        let decision = compiled.policy().decide(&assessment, &subject);
        assert_eq!(decision, compiled.policy().decide(&assessment, &subject));
        assert!((0.0..=100.0).contains(&decision.risk));
        assert!(decision.enforced || decision.effect() == Verdict::Allow);
        decision.reasons.iter().for_each(|reason| printable(&reason.to_string()));
    }
}

fn bundle(bytes: &[u8]) {
    let key = SigningKey::from_bytes(&[7; 32]);
    let public = |id: &str| TrustedKey { key_id: id.to_owned(), public_key: key.verifying_key().to_bytes() };
    let store = TrustStore::new(vec![public("fuzz")]).expect("a key");
    if let Err(error) = store.verify(bytes, NOW) {
        printable(&error.to_string());
    }
    if let Err(error) = TrustStore::from_json(&String::from_utf8_lossy(bytes)) {
        printable(&error.to_string());
    }
    // What is read has one meaning, however it is written.
    if let Ok(read) = Bundle::read(bytes) {
        let again = serde_json::to_vec(&read).expect("a bundle is JSON");
        if let Ok(again) = Bundle::read(&again) {
            assert_eq!(again.digest(), read.digest());
        }
    }
    // A bundle of ours with a piece of the input in it is taken as it is, and not with a bit changed.
    let draft = Draft {
        key_id: "fuzz".to_owned(),
        version: 1 + u64::from(bytes.first().copied().unwrap_or(0)),
        issued_at_ms: 1,
        expires_at_ms: None,
        format: Format::Toml,
        policy: format!("# {}", String::from_utf8_lossy(bytes).replace(char::is_control, " ")),
        next_keys: Vec::new(),
    };
    let Ok(text) = sign(draft, &key) else { return };
    store.verify(text.as_bytes(), NOW).expect("it was signed with a trusted key");
    let mut broken = text.into_bytes();
    let at = bytes.iter().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    let at = at % broken.len();
    broken[at] ^= 1;
    if let (Ok(_), Ok(read)) = (store.verify(&broken, NOW), Bundle::read(&broken)) {
        // Only what is not signed may differ: blanks between the fields.
        let whole = {
            broken[at] ^= 1;
            Bundle::read(&broken).expect("ours")
        };
        assert_eq!(read.digest(), whole.digest());
    }
}

/// Errors go to terminals and logs.
fn printable(text: &str) {
    assert!(text.len() < 8192 && !text.is_empty() && !text.chars().any(char::is_control), "{text:?}");
}
