//! A config file and what it includes: any text must load without panic, show no secret, and mean the same when it is
//! written back.
#![no_main]

use std::io;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use pincer_config::edit::pretty;
use pincer_config::parse::parse;
use pincer_config::redact::{redact, redact_text, restore};
use pincer_config::start::{Flags, decide};
use pincer_config::table::schema;
use pincer_config::{KeyPath, Loaded, Snapshot, load};
use pincer_protocol::Wire;

fuzz_target!(|input: &str| {
    // The first piece is the config, the others are files that it may include as "1", "2" …
    let mut pieces = input.split('\u{1}');
    let raw = pieces.next().unwrap_or("");
    let files: Vec<&str> = pieces.collect();
    let read = |raw: &str| -> Loaded {
        let mut include = |path: &str| {
            assert!(path.starts_with("/etc/claw/"), "never asked for what is outside: {path}");
            let number: usize = path["/etc/claw/".len()..].parse().unwrap_or(0);
            let file = number.checked_sub(1).and_then(|index| files.get(index));
            file.map(|text| (*text).to_owned()).ok_or(io::Error::from(io::ErrorKind::NotFound))
        };
        let env = |name: &str| (name.len() % 2 == 0).then(|| name.to_owned());
        load(raw, Path::new("/etc/claw/openclaw.json"), &mut include, &env)
    };
    let loaded = read(raw);
    // A start is decided or refused, never both and never neither.
    let decision = decide(&loaded.config, &Flags::default(), &|_| None);
    if let Err(issues) = &decision.plan {
        assert!(!issues.is_empty());
    }
    // A default that names nothing configured leaves an empty catalog, which is its writer's business.
    let _ = loaded.config.catalog();
    for agent in loaded.config.agents.roster() {
        assert!(!loaded.config.model_chain(&agent.id).is_empty());
    }

    if let Ok(document) = parse(raw) {
        // What is shown means the redacted document, and written back it is the document again.
        let shown = redact_text(raw).expect("there is a document");
        let mut back = parse(&shown).expect("what is shown can be read");
        assert_eq!(back, redact(&document));
        restore(&mut back, &document);
        assert_eq!(redact(&back), redact(&document));
        // As upstream writes it, it loads as it did.
        let again = read(&pretty(&document));
        assert_eq!((&again.resolved, &again.issues), (&loaded.resolved, &loaded.issues));
    }
    for wire in [Wire::V3, Wire::V4] {
        let snapshot = Snapshot {
            path: "/etc/claw/openclaw.json",
            raw: Some(raw),
            loaded: &loaded,
            applied: &loaded,
            hash_key: &[1; 32],
        };
        serde_json::to_string(&snapshot.payload(wire)).expect("an answer");
    }
    if let Ok(path) = KeyPath::parse(raw) {
        let mut document = schema::document(Wire::V3);
        if path.set(&mut document, true.into()).is_ok() {
            assert_eq!(path.get(&document), Some(&true.into()));
        }
    }
});
