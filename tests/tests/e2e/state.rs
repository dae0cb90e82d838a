//! State directories that are damaged, full or not writable.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use pincer_tests::{Backend, Gateway, Hello, Setup, StoreKind, Wire, files_named, on_each_backend};
use serde_json::json;

on_each_backend!(
    a_torn_journal_loses_nothing_acknowledged,
    a_damaged_file_is_kept_aside_and_said,
    a_truncated_transcript_is_readable,
    an_unwritable_directory,
    a_full_disk_refuses_and_recovers,
    transcripts_are_openclaws,
);

fn fill(gateway: &Gateway) {
    let mut client = gateway.connect(&Hello::new(Wire::V3));
    for nth in 0..10 {
        client.chat(&format!("agent:main:s{nth}"), &format!("fill-{nth}"), "hello");
    }
}

#[track_caller]
fn check_filled(gateway: &Gateway) {
    let mut client = gateway.connect(&Hello::new(Wire::V3));
    assert_eq!(client.ok("sessions.list", json!({}))["count"], 10);
    for nth in 0..10 {
        let history = client.ok("chat.history", json!({"sessionKey": format!("agent:main:s{nth}")}));
        assert_eq!(history["messages"].as_array().unwrap().len(), 2);
    }
    // And it goes on.
    client.chat("agent:main:s0", "more", "hello");
}

fn append(path: &Path, bytes: &[u8]) {
    use std::io::Write as _;
    fs::OpenOptions::new().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

/// A crash in the middle of a write leaves half a record.
fn a_torn_journal_loses_nothing_acknowledged(backend: Backend) {
    let gateway = Gateway::start(backend);
    fill(&gateway);
    let setup = gateway.kill();
    let journals: Vec<PathBuf> = files_named(&setup.home.state(), "journal");
    assert!(!journals.is_empty(), "{:?}", files_named(&setup.home.state(), ""));
    for journal in &journals {
        append(journal, b"\x40\x00\x00\x00torn");
    }
    check_filled(&setup.start());
}

fn a_damaged_file_is_kept_aside_and_said(backend: Backend) {
    for store in StoreKind::BOTH {
        let gateway = Setup::new(backend).store(store).start();
        fill(&gateway);
        let exit_setup = gateway.setup().clone();
        assert_eq!(gateway.stop().code, Some(0));
        let state = exit_setup.home.state();
        let files = match store {
            StoreKind::Json => files_named(&state, "snapshot")
                .into_iter()
                .chain(files_named(&state, "journal"))
                .collect::<Vec<_>>(),
            StoreKind::Sqlite => vec![state.join("sessions.sqlite")],
        };
        assert!(!files.is_empty());
        for file in &files {
            let mut bytes = fs::read(file).unwrap();
            let middle = bytes.len() / 2;
            let to = bytes.len().min(middle + 64);
            bytes[middle..to].fill(0xa5);
            fs::write(file, bytes).unwrap();
        }
        match exit_setup.try_start() {
            // Either it says what is wrong and does not start …
            Err(exit) => {
                assert!(!exit.log.contains("panicked"), "{store:?}: {}", exit.log);
                let names =
                    files.iter().any(|file| exit.log.contains(file.file_name().unwrap().to_str().unwrap()));
                assert!(names, "{store:?} names the file: {}", exit.log);
            }
            // … or it rebuilds from the transcripts, keeps the damaged file, and says so.
            Ok(gateway) => {
                assert!(
                    // What is unused in an SQLite page may hold anything.
                    store == StoreKind::Sqlite
                        || !files_named(&state, "damaged").is_empty()
                        || !files_named(&state, "corrupt").is_empty(),
                    "{store:?}: {:?}",
                    files_named(&state, "")
                );
                let mut client = gateway.connect(&Hello::new(Wire::V3));
                assert_eq!(
                    client.ok("sessions.list", json!({}))["count"],
                    10,
                    "{store:?}: {}",
                    gateway.log()
                );
            }
        }
    }
}

fn a_truncated_transcript_is_readable(backend: Backend) {
    let gateway = Gateway::start(backend);
    fill(&gateway);
    let setup = gateway.kill();
    let transcripts = files_named(&setup.home.state(), ".jsonl");
    assert_eq!(transcripts.len(), 10);
    let file = &transcripts[0];
    // A line that another program did not finish.
    append(file, b"{\"type\":\"message\",\"id\":\"dead");
    let gateway = setup.start();
    check_filled(&gateway);
}

fn an_unwritable_directory(backend: Backend) {
    if rustix::process::geteuid().is_root() {
        // Root writes anywhere; a directory that cannot be made does for it.
        let setup = Setup::new(backend);
        fs::write(setup.home.state(), "a file where the directory should be").unwrap();
        let exit = setup.clone().try_start().expect_err("no directory");
        assert!(exit.log.contains("state") && !exit.log.contains("panicked"), "{}", exit.log);
        return;
    }
    let setup = Setup::new(backend);
    let state = setup.home.state();
    fs::create_dir(&state).unwrap();
    fs::set_permissions(&state, fs::Permissions::from_mode(0o500)).unwrap();
    let exit = setup.clone().try_start().expect_err("nothing can be written");
    fs::set_permissions(&state, fs::Permissions::from_mode(0o700)).unwrap();
    assert!(exit.log.contains(state.to_str().unwrap()), "{}", exit.log);
    assert!(!exit.log.contains("panicked"), "{}", exit.log);
    setup.start();
}

/// A limit on file sizes stands in for a full disk: writes fail, the gateway says so and goes on.
fn a_full_disk_refuses_and_recovers(backend: Backend) {
    let setup = Setup {
        // Refused writes, not a signal: what a full disk gives.
        wrapper: ["prlimit", "--fsize=200000", "env", "--ignore-signal=XFSZ"].map(Into::into).to_vec(),
        ..Setup::new(backend)
    };
    let gateway = match setup.clone().try_start() {
        Ok(gateway) => gateway,
        Err(exit) => panic!("{}", exit.log),
    };
    let mut client = gateway.connect(&Hello::new(Wire::V3));
    let text = "x".repeat(10_000);
    let (mut accepted, mut refused) = (Vec::new(), 0);
    for nth in 0..60 {
        let run = format!("full-{nth}");
        let params = json!({"sessionKey": format!("agent:main:f{}", nth % 4), "message": format!("SILENT {nth} {text}"), "idempotencyKey": run});
        let from = client.mark();
        let answer = client.call("chat.send", params);
        if answer["ok"] == true {
            accepted.push(nth);
            client.run_end(from, &run);
        } else {
            refused += 1;
            assert_eq!(answer["error"]["code"], "UNAVAILABLE", "{answer:#}");
        }
    }
    assert!(refused > 0, "the disk never filled up");
    client.assert_alive();
    // With room again, everything that was acknowledged is there.
    let gateway = Setup { wrapper: Vec::new(), ..gateway.kill() }.start();
    let mut client = gateway.connect(&Hello::new(Wire::V3));
    for nth in accepted {
        let history = client
            .ok("chat.history", json!({"sessionKey": format!("agent:main:f{}", nth % 4), "limit": 1000}));
        let count = history["messages"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|m| {
                m["role"] == "user"
                    && m["content"][0]["text"].as_str().unwrap().starts_with(&format!("SILENT {nth} "))
            })
            .count();
        assert_eq!(count, 1, "message {nth}");
    }
    client.chat("agent:main:f0", "after", "hello");
}

/// Lines that OpenClaw 2026.2 reads: a header, then messages chained by their ids.
fn transcripts_are_openclaws(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = gateway.connect(&Hello::new(Wire::V3));
    client.chat("main", "t1", "hello");
    client.chat("main", "t2", "again");
    let id =
        client.ok("chat.history", json!({"sessionKey": "main"}))["sessionId"].as_str().unwrap().to_owned();
    let text = fs::read_to_string(gateway.state().join(format!("agents/main/sessions/{id}.jsonl"))).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        (&lines[0]["type"], &lines[0]["version"], &lines[0]["id"]),
        (&json!("session"), &json!(3), &json!(id))
    );
    let mut parent = serde_json::Value::Null;
    for line in &lines[1..] {
        assert_eq!(line["parentId"], parent, "{line:#}");
        assert_eq!(line["id"].as_str().unwrap().len(), 8, "{line:#}");
        parent = line["id"].clone();
    }
    let roles: Vec<&str> = lines.iter().filter_map(|line| line["message"]["role"].as_str()).collect();
    assert_eq!(roles, ["user", "assistant", "user", "assistant"]);
    let answer = lines.iter().rev().find(|line| line["message"]["role"] == "assistant").unwrap();
    for key in ["api", "provider", "model", "usage", "stopReason", "timestamp"] {
        assert!(!answer["message"][key].is_null(), "{key} of {answer:#}");
    }
}
