//! `sessions.*`: create, patch, list, resolve, preview, reset, compact, delete.

use pincer_tests::{Backend, Client, Gateway, Hello, Setup, Wire, keys_of, on_each_backend};
use serde_json::{Value, json};

on_each_backend!(
    patch_and_clear,
    patch_refusals,
    keys_are_canonical,
    list_and_filters,
    many_sessions_on_many_shards,
    resolve,
    preview,
    reset,
    compact,
    delete,
    create_v4,
    subscriptions_v4,
    own_methods_v3,
    usage,
);

const INVALID: &str = "INVALID_REQUEST";

/// A gateway with two agents.
fn gateway(backend: Backend) -> Gateway {
    let agents = json!({"agents": {"list": [{"id": "main", "default": true}, {"id": "ops", "name": "Ops"}]}});
    Setup::new(backend).config(agents).start()
}

#[track_caller]
fn refused(client: &mut Client, method: &str, params: Value, message: &str) {
    assert_eq!(
        client.err(method, params.clone()),
        (INVALID.to_owned(), message.to_owned()),
        "{method} {params}"
    );
}

/// Fields of `sessions.patch`: what is sent, and what the entry says then; null: absent.
fn patch_and_clear(backend: Backend) {
    let gateway = gateway(backend);
    let rows = [
        ("label", json!("  My Label "), json!("My Label")),
        ("thinkingLevel", json!("off"), json!("off")),
        ("verboseLevel", json!("TRUE"), json!("on")),
        ("verboseLevel", json!("all"), json!("full")),
        ("reasoningLevel", json!("stream"), json!("stream")),
        ("responseUsage", json!("on"), json!("tokens")),
        ("elevatedLevel", json!("prompt"), json!("ask")),
        ("execHost", json!("NODE"), json!("node")),
        ("execNode", json!(" node-1 "), json!("node-1")),
        ("sendPolicy", json!("deny"), json!("deny")),
        ("groupActivation", json!("always"), json!("always")),
    ];
    let only_v3 = [
        ("thinkingLevel", json!("ultrathink"), json!("high")),
        ("execSecurity", json!("allowlist"), json!("allowlist")),
        ("execAsk", json!("on-miss"), json!("on-miss")),
        ("reasoningLevel", json!("hidden"), Value::Null),
        ("responseUsage", json!("off"), Value::Null),
    ];
    for wire in Wire::BOTH {
        let mut client = gateway.connect(&Hello::new(wire));
        let key = format!("agent:main:lab-{wire:?}").to_lowercase();
        let created = client.ok("sessions.patch", json!({ "key": key }));
        assert_eq!((&created["ok"], &created["key"]), (&json!(true), &json!(key)));
        assert!(created["path"].is_string() && created["resolved"]["model"].is_string(), "{created:#}");
        let id = created["entry"]["sessionId"].clone();
        for (field, sent, stored) in rows.iter().chain(only_v3.iter().filter(|_| wire == Wire::V3)) {
            let entry = client.ok("sessions.patch", json!({"key": key, *field: sent}))["entry"].clone();
            assert_eq!(entry.get(field).unwrap_or(&Value::Null), stored, "{wire:?} {field} {sent}");
            assert_eq!(entry["sessionId"], id);
            let entry = client.ok("sessions.patch", json!({"key": key, *field: null}))["entry"].clone();
            assert_eq!(entry.get(field), None, "{wire:?} null clears {field}");
        }
        let entry = client.ok("sessions.patch", json!({"key": key, "model": "other/large"}))["entry"].clone();
        assert_eq!((&entry["providerOverride"], &entry["modelOverride"]), (&json!("other"), &json!("large")));
    }
}

fn patch_refusals(backend: Backend) {
    let gateway = gateway(backend);
    let mut v3 = gateway.connect(&Hello::new(Wire::V3));
    let mut v4 = gateway.connect(&Hello::new(Wire::V4));
    let key = "agent:main:lab";
    v3.ok("sessions.patch", json!({"key": key, "label": "taken"}));
    let rows = [
        (json!({}), "invalid sessions.patch params: must have required property 'key'"),
        (json!({"key": "   "}), "key required"),
        (
            json!({"key": "main", "bogus": true}),
            "invalid sessions.patch params: at root: unexpected property 'bogus'",
        ),
        (json!({"key": "agent:main:other", "label": "taken"}), "label already in use: taken"),
        (json!({"key": key, "label": "  "}), "invalid label: empty"),
        (
            json!({"key": key, "label": "x".repeat(65)}),
            "invalid sessions.patch params: at /label: must NOT have more than 64 characters; at /label: must be null; at \
             /label: must match a schema in anyOf",
        ),
        (
            json!({"key": key, "thinkingLevel": "bogus"}),
            "invalid thinkingLevel (use off|minimal|low|medium|high)",
        ),
        (json!({"key": key, "verboseLevel": "bogus"}), "invalid verboseLevel (use \"on\"|\"off\")"),
        (
            json!({"key": key, "elevatedLevel": "bogus"}),
            "invalid elevatedLevel (use \"on\"|\"off\"|\"ask\"|\"full\")",
        ),
        (json!({"key": key, "execHost": "bogus"}), "invalid execHost (use \"sandbox\"|\"gateway\"|\"node\")"),
        (json!({"key": key, "model": "  "}), "invalid model: empty"),
        (
            json!({"key": key, "spawnedBy": "agent:main:main"}),
            "spawnedBy is only supported for subagent:* sessions",
        ),
    ];
    for (params, message) in rows {
        refused(&mut v3, "sessions.patch", params, message);
    }
    // All or nothing: the good field of a refused patch is not kept.
    v3.err("sessions.patch", json!({"key": key, "verboseLevel": "on", "model": " "}));
    assert_eq!(v3.ok("sessions.patch", json!({ "key": key }))["entry"].get("verboseLevel"), None);
    // A refused patch of an unknown session leaves no session behind.
    v3.err("sessions.patch", json!({"key": "agent:main:never", "model": " "}));
    refused(
        &mut v3,
        "sessions.resolve",
        json!({"key": "agent:main:never"}),
        "No session found: agent:main:never",
    );

    let child = "agent:main:subagent:abc";
    v3.ok("sessions.patch", json!({"key": child, "spawnedBy": "agent:main:main"}));
    v3.ok("sessions.patch", json!({"key": child, "spawnedBy": "agent:main:main"}));
    refused(
        &mut v3,
        "sessions.patch",
        json!({"key": child, "spawnedBy": "agent:main:x"}),
        "spawnedBy cannot be changed once set",
    );
    refused(
        &mut v3,
        "sessions.patch",
        json!({"key": child, "spawnedBy": null}),
        "spawnedBy cannot be cleared once set",
    );
    refused(
        &mut v4,
        "sessions.patch",
        json!({"key": child, "spawnedBy": "agent:main:x"}),
        "invalid sessions.patch params: at root: unexpected property 'spawnedBy'",
    );
    v4.ok("sessions.patch", json!({"key": key, "label": "x".repeat(65)}));
    // The same label in another agent's sessions is another label.
    v3.ok("sessions.patch", json!({"key": "agent:ops:lab", "label": "x"}));
    v3.ok("sessions.patch", json!({"key": "agent:main:lab2", "label": "x"}));
}

fn keys_are_canonical(backend: Backend) {
    let gateway = gateway(backend);
    let mut client = gateway.connect(&Hello::new(Wire::V3));
    for (given, canonical) in [
        ("main", "agent:main:main"),
        ("MAIN", "agent:main:main"),
        ("Main ", "agent:main:main"),
        ("AGENT:MAIN:MAIN", "agent:main:main"),
        ("agent:Main:Foo", "agent:main:foo"),
        ("Foo Bar", "agent:main:foo bar"),
        ("global", "global"),
        ("unknown", "unknown"),
        ("agent:ops:main", "agent:ops:main"),
        ("discord:channel:999", "agent:main:discord:channel:999"),
        ("telegram:group:-100123:topic:7", "agent:main:telegram:group:-100123:topic:7"),
        ("cron:job1:run:r1", "agent:main:cron:job1:run:r1"),
        ("subagent:xyz", "agent:main:subagent:xyz"),
        ("emoji\u{1f99e}key", "agent:main:emoji\u{1f99e}key"),
    ] {
        let patched = client.ok("sessions.patch", json!({"key": given, "verboseLevel": "on"}));
        assert_eq!(patched["key"], canonical, "{given}");
    }
    // These are hidden unless asked for.
    let keys = |list: Value| -> Vec<String> {
        list["sessions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["key"].as_str().unwrap().to_owned())
            .collect()
    };
    let shown = keys(client.ok("sessions.list", json!({})));
    let all = keys(client.ok("sessions.list", json!({"includeGlobal": true, "includeUnknown": true})));
    for hidden in ["global", "unknown"] {
        assert!(
            !shown.contains(&hidden.to_owned()) && all.contains(&hidden.to_owned()),
            "{hidden}: {shown:?} {all:?}"
        );
    }
    assert!(!all.iter().any(|key| key.contains(":run:")), "runs of cron jobs are never listed: {all:?}");
}

fn list_and_filters(backend: Backend) {
    let gateway = gateway(backend);
    let mut client = gateway.connect(&Hello::new(Wire::V3));
    assert_eq!(client.ok("sessions.list", json!({}))["sessions"], json!([]));
    for (key, message) in [
        ("main", "first words"),
        ("agent:ops:main", "hello"),
        ("discord:channel:5", "hello"),
        ("agent:main:dash", "hello"),
    ] {
        client.chat(key, &format!("list-{key}"), message);
    }
    client.ok("sessions.patch", json!({"key": "agent:main:dash", "label": "Dashboard"}));
    client.ok("sessions.patch", json!({"key": "agent:main:subagent:a", "spawnedBy": "agent:main:main"}));
    let list = client.ok("sessions.list", json!({}));
    assert_eq!(keys_of(&list), "count defaults path sessions ts");
    assert_eq!((&list["count"], &list["path"]), (&json!(5), &json!("(multiple)")));
    assert_eq!(keys_of(&list["defaults"]), "contextTokens model modelProvider");
    let updated: Vec<u64> =
        list["sessions"].as_array().unwrap().iter().map(|row| row["updatedAt"].as_u64().unwrap()).collect();
    assert!(updated.windows(2).all(|pair| pair[0] >= pair[1]), "newest first: {updated:?}");
    let mut keys = |params: Value| -> Vec<String> {
        let list = client.ok("sessions.list", params);
        assert_eq!(list["count"], list["sessions"].as_array().unwrap().len());
        let mut keys: Vec<String> = list["sessions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["key"].as_str().unwrap().to_owned())
            .collect();
        keys.sort();
        keys
    };
    assert_eq!(keys(json!({"limit": 2})).len(), 2);
    assert_eq!(keys(json!({"agentId": "ops"})), ["agent:ops:main"]);
    assert_eq!(keys(json!({"agentId": "nope"})), [""; 0]);
    assert_eq!(keys(json!({"label": "Dashboard"})), ["agent:main:dash"]);
    assert_eq!(keys(json!({"search": "DISCORD"})), ["agent:main:discord:channel:5"]);
    assert_eq!(keys(json!({"spawnedBy": "agent:main:main"})), ["agent:main:subagent:a"]);
    assert_eq!(keys(json!({"activeMinutes": 5})).len(), 5);
    let main = client.ok("sessions.list", json!({"includeDerivedTitles": true, "includeLastMessage": true}))
        ["sessions"]
        .clone();
    let main = main.as_array().unwrap().iter().find(|row| row["key"] == "agent:main:main").unwrap();
    assert_eq!(
        (&main["derivedTitle"], &main["lastMessagePreview"]),
        (&json!("first words"), &json!("You said: first words"))
    );
    let discord = client.ok("sessions.list", json!({"search": "discord"}))["sessions"][0].clone();
    assert_eq!(
        (&discord["kind"], &discord["channel"], &discord["displayName"]),
        (&json!("group"), &json!("discord"), &json!("discord:g-5"))
    );
    for (params, message) in [
        (json!({"limit": 0}), "invalid sessions.list params: at /limit: must be >= 1"),
        (json!({"bogus": 1}), "invalid sessions.list params: at root: unexpected property 'bogus'"),
        (
            json!({"label": ""}),
            "invalid sessions.list params: at /label: must NOT have fewer than 1 characters",
        ),
    ] {
        refused(&mut client, "sessions.list", params, message);
    }
    // v4's envelope, and its default page.
    let mut v4 = gateway.connect(&Hello::new(Wire::V4));
    let list = v4.ok("sessions.list", json!({"limit": 2}));
    for (name, value) in [
        ("count", json!(2)),
        ("totalCount", json!(5)),
        ("limitApplied", json!(2)),
        ("hasMore", json!(true)),
        ("nextOffset", json!(2)),
    ] {
        assert_eq!(list[name], value, "{name}");
    }
}

fn many_sessions_on_many_shards(backend: Backend) {
    let gateway = Setup { shards: 4, ..Setup::new(backend) }.start();
    let mut client = gateway.connect(&Hello::new(Wire::V3));
    let from = client.mark();
    let ids: Vec<String> = (0..500)
        .map(|nth| {
            client.send(
                "sessions.patch",
                json!({"key": format!("agent:main:n{nth}"), "label": format!("label {nth}")}),
            )
        })
        .collect();
    for id in &ids {
        let answer = client.response(from, id);
        assert_eq!(answer["ok"], true, "{answer:#}");
    }
    assert_eq!(client.ok("sessions.list", json!({}))["count"], 500);
    for nth in [0, 250, 499] {
        let resolved = client.ok("sessions.resolve", json!({"label": format!("label {nth}")}));
        assert_eq!(resolved, json!({"ok": true, "key": format!("agent:main:n{nth}")}));
    }
    // A label taken on another shard is taken.
    refused(
        &mut client,
        "sessions.patch",
        json!({"key": "agent:main:n0", "label": "label 499"}),
        "label already in use: label 499",
    );
}

fn resolve(backend: Backend) {
    let gateway = gateway(backend);
    let mut v3 = gateway.connect(&Hello::new(Wire::V3));
    let id = v3.ok("sessions.patch", json!({"key": "main", "label": "home"}))["entry"]["sessionId"].clone();
    for selector in [json!({"key": "Agent:Main:MAIN"}), json!({"sessionId": id}), json!({"label": "home"})] {
        assert_eq!(v3.ok("sessions.resolve", selector), json!({"ok": true, "key": "agent:main:main"}));
    }
    let nobody = "00000000-0000-0000-0000-000000000000";
    for (params, message) in [
        (json!({"key": "nope"}), "No session found: nope"),
        (json!({"sessionId": nobody}), "No session found: 00000000-0000-0000-0000-000000000000"),
        (json!({"label": "nope"}), "No session found with label: nope"),
        (json!({}), "Either key, sessionId, or label is required"),
        (json!({"key": "main", "label": "x"}), "Provide either key, sessionId, or label (not multiple)"),
    ] {
        refused(&mut v3, "sessions.resolve", params, message);
    }
    let mut v4 = gateway.connect(&Hello::new(Wire::V4));
    assert_eq!(
        v4.ok("sessions.resolve", json!({"key": "main"})),
        json!({"ok": true, "key": "agent:main:main", "agentId": "main"})
    );
    assert_eq!(v4.ok("sessions.resolve", json!({"key": "nope", "allowMissing": true})), json!({"ok": false}));
    refused(
        &mut v4,
        "sessions.resolve",
        json!({}),
        "Either key, sessionId, label, shortId, or reference is required",
    );
}

fn preview(backend: Backend) {
    let gateway = gateway(backend);
    let mut v3 = gateway.connect(&Hello::new(Wire::V3));
    v3.chat("main", "p1", "hello");
    let previews = v3.ok("sessions.preview", json!({"keys": ["main", "MAIN", "nope"]}))["previews"].clone();
    let states: Vec<(&str, &str)> = previews
        .as_array()
        .unwrap()
        .iter()
        .map(|p| (p["key"].as_str().unwrap(), p["status"].as_str().unwrap()))
        .collect();
    assert_eq!(states, [("main", "ok"), ("MAIN", "ok"), ("nope", "missing")]);
    assert_eq!(previews[0]["items"][1], json!({"role": "assistant", "text": "You said: hello"}));
    assert!(previews[0]["items"][0]["text"].as_str().unwrap().ends_with("hello"));
    let keys: Vec<String> = (0..70).map(|nth| format!("k{nth}")).collect();
    assert_eq!(v3.ok("sessions.preview", json!({ "keys": keys }))["previews"].as_array().unwrap().len(), 64);
    for (params, message) in [
        (json!({"keys": []}), "invalid sessions.preview params: at /keys: must NOT have fewer than 1 items"),
        (
            json!({"keys": ["main"], "maxChars": 5}),
            "invalid sessions.preview params: at /maxChars: must be >= 20",
        ),
        (json!({}), "invalid sessions.preview params: must have required property 'keys'"),
    ] {
        refused(&mut v3, "sessions.preview", params, message);
    }
    let mut v4 = gateway.connect(&Hello::new(Wire::V4));
    let items = v4.ok("sessions.preview", json!({"keys": ["main"]}))["previews"][0]["items"].clone();
    assert_eq!(items[0], json!({"role": "user", "text": "hello"}), "v4 shows what was said");
}

fn reset(backend: Backend) {
    let gateway = gateway(backend);
    let mut v3 = gateway.connect(&Hello::new(Wire::V3));
    let key = "agent:main:again";
    v3.chat(key, "r1", "hello");
    v3.ok(
        "sessions.patch",
        json!({"key": key, "label": "kept", "thinkingLevel": "off", "elevatedLevel": "on"}),
    );
    let before = v3.ok("sessions.patch", json!({ "key": key }))["entry"].clone();
    let after = v3.ok("sessions.reset", json!({ "key": key }))["entry"].clone();
    assert_ne!(before["sessionId"], after["sessionId"]);
    assert_eq!(
        (&after["label"], &after["thinkingLevel"], after.get("elevatedLevel")),
        (&json!("kept"), &json!("off"), None)
    );
    assert_eq!((&after["totalTokens"], &after["totalTokensFresh"]), (&json!(0), &json!(true)));
    assert_eq!(v3.ok("chat.history", json!({"sessionKey": key}))["messages"], json!([]));
    let folder = gateway.state().join("agents/main/sessions");
    let old = before["sessionId"].as_str().unwrap();
    let archived = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .find(|name| name.starts_with(&format!("{old}.jsonl.reset.")));
    assert!(archived.is_some(), "the old transcript is kept aside in {folder:?}");
    // Made when missing.
    v3.ok("sessions.reset", json!({"key": "agent:main:fresh"}));
    refused(
        &mut v3,
        "sessions.reset",
        json!({"key": key, "reason": "bogus"}),
        "invalid sessions.reset params: at /reason: must be equal to constant; at /reason: must match a schema in anyOf",
    );
    // A running run is stopped first.
    v3.ok("chat.send", json!({"sessionKey": key, "message": "HANG", "idempotencyKey": "r2"}));
    v3.ok("sessions.reset", json!({ "key": key }));
    assert_eq!(v3.chat(key, "r3", "hello")["state"], "final");
    // v4 keeps the id and counts revisions.
    let mut v4 = gateway.connect(&Hello::new(Wire::V4));
    let first = v4.ok("sessions.reset", json!({ "key": key }))["entry"].clone();
    let second = v4.ok("sessions.reset", json!({"key": key, "reason": "new"}))["entry"].clone();
    assert_eq!(first["sessionId"], second["sessionId"]);
    assert_ne!(first["lifecycleRevision"], second["lifecycleRevision"]);
    assert_eq!(v4.ok("chat.history", json!({"sessionKey": key}))["messages"], json!([]));
}

fn compact(backend: Backend) {
    let gateway = gateway(backend);
    let mut v3 = gateway.connect(&Hello::new(Wire::V3));
    let key = "agent:main:long";
    for nth in 0..4 {
        v3.chat(key, &format!("c{nth}"), "hello");
    }
    let compacted = v3.ok("sessions.compact", json!({"key": key, "maxLines": 2}));
    assert_eq!(
        (&compacted["compacted"], &compacted["kept"], &compacted["key"]),
        (&json!(true), &json!(2), &json!(key))
    );
    let archived = compacted["archived"].as_str().unwrap();
    assert!(archived.contains(".jsonl.bak.") && std::path::Path::new(archived).is_file(), "{archived}");
    let again = v3.ok("sessions.compact", json!({"key": key, "maxLines": 100}));
    assert_eq!(again["compacted"], false);
    assert_eq!(v3.ok("sessions.compact", json!({"key": "agent:main:nope"}))["reason"], "no sessionId");
    for (max, message) in [(json!(0), "must be >= 1"), (json!(1.5), "must be integer")] {
        refused(
            &mut v3,
            "sessions.compact",
            json!({"key": key, "maxLines": max}),
            &format!("invalid sessions.compact params: at /maxLines: {message}"),
        );
    }
    // It still answers, and still reads as a transcript.
    assert_eq!(v3.chat(key, "c9", "still here?")["state"], "final");
    let history = v3.ok("chat.history", json!({"sessionKey": key}))["messages"].clone();
    let last = history.as_array().unwrap().last().unwrap();
    assert_eq!(last["content"][0]["text"], "You said: still here?");
}

fn delete(backend: Backend) {
    let gateway = gateway(backend);
    for wire in Wire::BOTH {
        let mut client = gateway.connect(&Hello::new(wire));
        let key = "agent:main:gone";
        client.chat(key, &format!("d-{wire:?}"), "hello");
        let deleted = client.ok("sessions.delete", json!({ "key": key }));
        assert_eq!(
            (&deleted["ok"], &deleted["key"], &deleted["deleted"]),
            (&json!(true), &json!(key), &json!(true))
        );
        let archived = deleted["archived"][0].as_str().unwrap();
        assert!(
            archived.contains(".jsonl.deleted.") && std::path::Path::new(archived).is_file(),
            "{archived}"
        );
        let again = client.ok("sessions.delete", json!({ "key": key }));
        assert_eq!((&again["deleted"], &again["archived"]), (&json!(false), &json!([])));
        client.chat(key, &format!("d2-{wire:?}"), "hello");
        let kept = client.ok("sessions.delete", json!({"key": key, "deleteTranscript": false}));
        assert_eq!((&kept["deleted"], &kept["archived"]), (&json!(true), &json!([])));
        refused(
            &mut client,
            "sessions.delete",
            json!({"key": "main"}),
            "Cannot delete the main session (agent:main:main).",
        );
        client.ok("sessions.patch", json!({"key": "agent:ops:main"}));
        let ops = client.call("sessions.delete", json!({"key": "agent:ops:main"}));
        assert_eq!(ops["ok"], wire == Wire::V3, "{ops:#}");
        refused(
            &mut client,
            "sessions.delete",
            json!({"key": "x", "deleteTranscript": "no"}),
            "invalid sessions.delete params: at /deleteTranscript: must be boolean",
        );
    }
}

fn create_v4(backend: Backend) {
    let gateway = gateway(backend);
    let mut client = gateway.connect(&Hello::new(Wire::V4));
    let made = client.ok("sessions.create", json!({}));
    assert!(made["key"].as_str().unwrap().starts_with("agent:main:dashboard:"), "{made:#}");
    assert_eq!((&made["ok"], &made["runStarted"]), (&json!(true), &json!(false)));
    let named = client.ok("sessions.create", json!({"key": "agent:main:made", "label": "made"}));
    let again = client.ok("sessions.create", json!({"key": "agent:main:made"}));
    assert_eq!(named["sessionId"], again["sessionId"]);
    assert_eq!(again["entry"]["label"], "made");
    let ops = client.ok("sessions.create", json!({"agentId": "ops"}));
    assert!(ops["key"].as_str().unwrap().starts_with("agent:ops:dashboard:"), "{ops:#}");
    let from = client.mark();
    let child = client.ok("sessions.create", json!({"parentSessionKey": "main", "message": "hello child"}));
    assert_eq!(child["runStarted"], true);
    client.run_end(from, child["runId"].as_str().unwrap());
    for (params, message) in [
        (json!({"agentId": "nope"}), "Unknown agent id \"nope\""),
        (
            json!({"key": "agent:ops:x", "agentId": "main"}),
            "agent \"main\" does not match session key agent \"ops\"",
        ),
        (json!({"bogus": 1}), "invalid sessions.create params: at root: unexpected property 'bogus'"),
    ] {
        refused(&mut client, "sessions.create", params, message);
    }
    let described = client.ok("sessions.describe", json!({"key": "agent:main:made"}));
    assert_eq!(described["session"]["key"], "agent:main:made");
    assert_eq!(client.ok("sessions.describe", json!({"key": "agent:main:absent"})), json!({"session": null}));
    assert_eq!(client.ok("sessions.get", json!({"key": "agent:main:absent"})), json!({"messages": []}));
}

fn subscriptions_v4(backend: Backend) {
    let gateway = gateway(backend);
    let mut watcher = gateway.connect(&Hello::new(Wire::V4).scopes(&["operator.read"]));
    assert_eq!(watcher.ok("sessions.subscribe", json!({})), json!({"subscribed": true}));
    let key = "agent:main:watched";
    assert_eq!(
        watcher.ok("sessions.messages.subscribe", json!({ "key": key })),
        json!({"subscribed": true, "key": key})
    );
    let mut client = gateway.connect(&Hello::new(Wire::V4));
    let from = watcher.mark();
    client.chat(key, "w1", "hello");
    let changed = watcher.wait(from, |frame| pincer_tests::is_event(frame, "sessions.changed"));
    assert_eq!(changed["payload"]["sessionKey"], key, "{changed:#}");
    let message = watcher.wait(from, |frame| pincer_tests::is_event(frame, "session.message"));
    assert_eq!(message["payload"]["sessionKey"], key, "{message:#}");
    assert_eq!(
        watcher.ok("sessions.messages.unsubscribe", json!({ "key": key })),
        json!({"subscribed": false, "key": key})
    );
}

/// Pincer's own methods on v3, where upstream has none.
fn own_methods_v3(backend: Backend) {
    let gateway = gateway(backend);
    let mut client = gateway.connect(&Hello::new(Wire::V3));
    client.chat("main", "own-1", "hello");
    assert_eq!(
        client.ok("sessions.history", json!({"sessionKey": "main"}))["messages"].as_array().unwrap().len(),
        2
    );
    let from = client.mark();
    let sent =
        client.ok("sessions.send", json!({"key": "main", "message": "again", "idempotencyKey": "own-2"}));
    assert_eq!(sent["status"], "started");
    client.run_end(from, "own-2");
    assert_eq!(client.call("session.status", json!({"key": "main"}))["ok"], true);
    refused(&mut client, "sessions.create", json!({"key": "main"}), "unknown method: sessions.create");
}

fn usage(backend: Backend) {
    let gateway = gateway(backend);
    let mut client = gateway.connect(&Hello::new(Wire::V3));
    client.chat("main", "u1", "hello");
    client.chat("agent:main:other", "u2", "hello");
    let usage = client.ok("sessions.usage", json!({}));
    assert_eq!(usage["sessions"].as_array().unwrap().len(), 2);
    assert!(usage["totals"]["totalTokens"].as_u64().unwrap() > 0, "{:#}", usage["totals"]);
    assert_eq!(usage["aggregates"]["messages"]["user"], 2);
    let series = client.ok("sessions.usage.timeseries", json!({"key": "main"}));
    assert_eq!(series["points"].as_array().unwrap().len(), 1);
    let logs = client.ok("sessions.usage.logs", json!({"key": "main"}));
    assert_eq!(logs["logs"].as_array().unwrap().len(), 2);
    refused(
        &mut client,
        "sessions.usage",
        json!({"startDate": "11/01/2026"}),
        "invalid sessions.usage params: at /startDate: must match pattern \"^\\d{4}-\\d{2}-\\d{2}$\"",
    );
    refused(&mut client, "sessions.usage.timeseries", json!({}), "key is required for timeseries");
    assert_eq!(client.ok("sessions.usage.logs", json!({"key": "nope"})), json!({"logs": []}));
}
