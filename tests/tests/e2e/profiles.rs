//! The deployment profiles under `profiles/`: each is complete, boots, serves, and promises the bound that is printed.

use std::fs;
use std::process::Command;

use pincer_tests::{Backend, Hello, Setup, Wire, gateway_binary, on_each_backend, workspace};
use serde_json::{Value, json};

on_each_backend!(edge, throughput, ci, included, edge_holds_its_bound);

fn edge(backend: Backend) {
    boots(backend, "edge");
}

fn throughput(backend: Backend) {
    boots(backend, "throughput");
}

fn ci(backend: Backend) {
    boots(backend, "ci");
}

/// Both halves of the comment in a profile: with how many shards, and what the start prints then.
fn promised(text: &str) -> (u8, String) {
    let (_, rest) = text.split_once("//   memory bound with ").expect("a bound in the profile's comment");
    let line = rest.lines().next().unwrap();
    let (shards, bound) = line.split_once(": ").unwrap();
    (shards.split(' ').next().unwrap().parse().unwrap(), format!("memory bound {bound}"))
}

/// As a user runs it: the file itself as config.
fn boots(backend: Backend, name: &str) {
    let text = fs::read_to_string(workspace().join("profiles").join(name).with_extension("json5")).unwrap();
    let (shards, bound) = promised(&text);
    let setup = Setup { shards, ..Setup::new(backend) };
    let home = setup.home.clone();
    let path = home.path().join("profile.json5");
    fs::write(&path, &text).unwrap();
    let gateway = setup.args(&["--config", path.to_str().unwrap()]).start();
    let log = gateway.log();
    assert!(log.contains(&format!("{shards} shards, {bound}\n")), "{bound} was not printed:\n{log}");
    assert!(!log.contains("engine."), "the start complains about the profile:\n{log}");
    for wire in Wire::BOTH {
        let mut client = gateway.connect(&Hello::new(wire));
        let end = client.chat("agent:main:t:profile", &format!("profile-{}", wire.number()), "hello");
        assert_eq!(end["message"]["content"][0]["text"], "You said: hello");
    }
    let exit = gateway.stop();
    assert_eq!(exit.code, Some(0), "{exit:?}");
    assert_eq!(fs::read_to_string(path).unwrap(), text, "the profile is as it was");
}

/// Many clients at once send messages of the longest size there is: what does not fit is refused, and what the process ever
/// held stays below what the start printed.
fn edge_holds_its_bound(backend: Backend) {
    const CLIENTS: usize = 24;
    const MESSAGE_BYTES: usize = 7_900_000;
    /// The program, its stacks and the store's writing; the `ci` build's code is larger than a release's.
    const BESIDE: u64 = 64 << 20;
    let text = fs::read_to_string(workspace().join("profiles/edge.json5")).unwrap();
    let (shards, bound) = promised(&text);
    let mebibytes = bound.split_whitespace().filter_map(|word| word.parse::<u64>().ok()).sum::<u64>();
    let setup = Setup { shards, ..Setup::new(backend) };
    let path = setup.home.path().join("profile.json5");
    fs::write(&path, &text).unwrap();
    let gateway = setup.args(&["--config", path.to_str().unwrap()]).start();
    let held = |name: &str| -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", gateway.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim_matches([':', '\t', ' ']).trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    };
    let accepted = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|index| {
                let mut client = gateway.connect(&Hello::new(Wire::V4));
                scope.spawn(move || {
                    let from = client.mark();
                    let params = json!({
                        "sessionKey": format!("agent:main:t:long{index}"),
                        "message": "x".repeat(MESSAGE_BYTES),
                        "idempotencyKey": format!("long-{index}"),
                    });
                    let id = client.send("chat.send", params);
                    let patience = std::time::Duration::from_secs(60);
                    let answer = client.wait_within(patience, from, |frame| frame["id"] == id.as_str());
                    // Refused in words, or closed because there is no room to take it in.
                    answer.is_some_and(|(_, answer)| answer["ok"] == true)
                })
            })
            .collect();
        clients.into_iter().map(|client| client.join().unwrap()).filter(|accepted| *accepted).count()
    });
    assert!(accepted > 0, "not one was taken");
    let most = held("VmHWM");
    assert!(most > MESSAGE_BYTES as u64 * 2, "the test puts no load on it: {most}");
    assert!(most < (mebibytes << 20) + BESIDE, "{most} bytes, promised {mebibytes} MiB");
    gateway.connect(&Hello::new(Wire::V4)).assert_alive();
}

/// With a config of one's own beside it, which is what the gateway writes its token to.
fn included(backend: Backend) {
    let text = fs::read_to_string(workspace().join("profiles/edge.json5")).unwrap();
    let (shards, bound) = promised(&text);
    let setup = Setup { shards, token: None, ..Setup::new(backend) };
    fs::write(setup.home.path().join("edge.json5"), &text).unwrap();
    let own = json!({"$include": "./edge.json5", "agents": {"list": [{"id": "helper"}]}});
    let gateway = setup.config(own).start();
    assert!(gateway.log().contains(&bound), "{bound} was not printed:\n{}", gateway.log());
    let home = gateway.setup().home.path();
    let written: Value =
        serde_json::from_str(&fs::read_to_string(home.join("config.json5")).unwrap()).unwrap();
    assert_eq!(written["$include"], "./edge.json5");
    assert_eq!(fs::read_to_string(home.join("edge.json5")).unwrap(), text, "the profile is as it was");
    let token = written["gateway"]["auth"]["token"].as_str().unwrap();
    let mut client = gateway.connect(&Hello::new(Wire::V4).auth(json!({ "token": token })));
    client.ok("health", json!({}));
}

/// Every key of `engine` that there is stands in every profile, with a value or, like `store`, with a word why not.
#[test]
fn complete() {
    let home = tempfile::tempdir().unwrap();
    let output = Command::new(gateway_binary())
        .args(["config", "schema"])
        .env("HOME", home.path())
        .env("PINCER_STATE_DIR", home.path())
        .output()
        .unwrap();
    let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
    let engine = &schema["properties"]["engine"]["properties"];
    let limits = &engine["limits"]["properties"];
    let keys: Vec<&String> = [engine, limits].iter().flat_map(|of| of.as_object().unwrap().keys()).collect();
    assert!(keys.len() > 15, "{keys:?}");
    for name in ["edge", "throughput", "ci"] {
        let path = workspace().join("profiles").join(name).with_extension("json5");
        let text = fs::read_to_string(path).unwrap();
        let missing: Vec<_> = keys
            .iter()
            .filter(|key| !text.contains(&format!("{key}: ")) && !text.contains(&format!("`{key}` is unset")))
            .collect();
        assert!(missing.is_empty(), "{name} says nothing about {missing:?}");
    }
}
