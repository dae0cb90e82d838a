use pincer_protocol::json::Parser;

use super::*;
use crate::entry::SessionId;
use crate::model_ref::tests::{MOCK, Mock};

const NOW: u64 = 1_795_359_754_684;

struct Lab {
    wire: Wire,
    key: SessionKey,
    entry: Entry,
}

impl Lab {
    fn new(wire: Wire, key: &str) -> Lab {
        let entry = Entry::new(SessionId::random([1; 16]), NOW);
        Lab { wire, key: SessionKey::from_stored(key), entry }
    }

    /// Applies `{"key":…,` + `patch`, and returns the entry without id and time, or the error text.
    fn patch_with(&mut self, patch: &str, models: &Mock) -> Result<(String, Patched), String> {
        let text = format!(r#"{{"key":"k",{patch}}}"#);
        let params = Parser::default()
            .parse(&mut text.clone().into_bytes(), |root| root.decode::<PatchParams>())
            .unwrap_or_else(|_| panic!("{text} is JSON"))
            .unwrap();
        let before = self.entry.clone();
        let context = PatchContext {
            key: &self.key,
            agent: &AgentId::default(),
            wire: self.wire,
            now_ms: NOW,
            models,
            label_taken: &|label| label == "taken",
        };
        match apply(&mut self.entry, &params, &context) {
            Ok(patched) => {
                let mut json: serde_json::Value = serde_json::from_str(&self.entry.to_json()).unwrap();
                let object = json.as_object_mut().unwrap();
                object.remove("sessionId");
                object.remove("updatedAt");
                Ok((json.to_string(), patched))
            }
            Err(error) => {
                assert_eq!(error.code, pincer_protocol::ErrorCode::InvalidRequest);
                assert_eq!(self.entry, before, "nothing changes on error");
                Err(error.message.into_owned())
            }
        }
    }

    #[track_caller]
    fn ok(&mut self, patch: &str, want: &str) -> Patched {
        match self.patch_with(patch, &MOCK) {
            Ok((entry, patched)) => {
                let (got, want): (serde_json::Value, serde_json::Value) =
                    (serde_json::from_str(&entry).unwrap(), serde_json::from_str(want).unwrap());
                assert_eq!(got, want, "{patch}");
                patched
            }
            Err(error) => panic!("{patch}: {error}"),
        }
    }

    #[track_caller]
    fn refused(&mut self, patch: &str, want: &str) {
        match self.patch_with(patch, &MOCK) {
            Ok((entry, _)) => panic!("{patch} was accepted: {entry}"),
            Err(error) => assert_eq!(error, want, "{patch}"),
        }
    }

    /// Values of one field: `sent > stored`, `!` for refused with `error`, `-` for cleared.
    #[track_caller]
    fn words(&mut self, field: &str, table: &str, error: &str) {
        for case in table.split(", ") {
            let (sent, stored) = case.split_once(" > ").unwrap();
            let patch = format!(r#""{field}":"{sent}""#);
            match stored {
                "!" => self.refused(&patch, error),
                "-" => drop(self.ok(&patch, "{}")),
                _ => drop(self.ok(&patch, &format!(r#"{{"{field}":"{stored}"}}"#))),
            }
        }
        self.ok(&format!(r#""{field}":null"#), "{}");
    }
}

#[test]
fn v3_words() {
    let mut lab = Lab::new(Wire::V3, "agent:main:lab");
    lab.words(
        "thinkingLevel",
        "off > off, on > low, minimal > minimal, min > minimal, low > low, medium > medium, mid > medium, high > high, \
         ultra > high, max > high, think > minimal, thinkhard > low, ultrathink > high, HIGH > high,  high  > high, \
         adaptive > !, bogus > !",
        "invalid thinkingLevel (use off|minimal|low|medium|high)",
    );
    let xhigh = format!("thinkingLevel \"xhigh\" is only supported for {}", xhigh_models());
    lab.words("thinkingLevel", "xhigh > !, extra-high > !", &xhigh);
    lab.words(
        "verboseLevel",
        "on > on, full > full, off > off, true > on, minimal > on, all > full, ON > on, bogus > !",
        r#"invalid verboseLevel (use "on"|"off")"#,
    );
    lab.words(
        "reasoningLevel",
        "on > on, stream > stream, off > -, visible > on, hidden > -, streaming > stream, bogus > !",
        r#"invalid reasoningLevel (use "on"|"off"|"stream")"#,
    );
    lab.words("responseUsage", "tokens > tokens, full > full, on > tokens, off > -", "");
    lab.words(
        "elevatedLevel",
        "on > on, off > off, ask > ask, full > full, auto > full, prompt > ask, true > on, bogus > !",
        r#"invalid elevatedLevel (use "on"|"off"|"ask"|"full")"#,
    );
    lab.words(
        "execHost",
        "sandbox > sandbox, gateway > gateway, node > node, NODE > node, auto > !, bogus > !",
        r#"invalid execHost (use "sandbox"|"gateway"|"node")"#,
    );
    lab.words(
        "execSecurity",
        "deny > deny, allowlist > allowlist, full > full, bogus > !",
        r#"invalid execSecurity (use "deny"|"allowlist"|"full")"#,
    );
    lab.words(
        "execAsk",
        "off > off, on-miss > on-miss, always > always, bogus > !",
        r#"invalid execAsk (use "off"|"on-miss"|"always")"#,
    );
    lab.words("execNode", "node-1 > node-1,  n  > n,    > !", "invalid execNode: empty");
    lab.words("sendPolicy", "allow > allow, deny > deny", "");
    lab.words("groupActivation", "mention > mention, always > always", "");
}

#[test]
fn v4_words() {
    let mut lab = Lab::new(Wire::V4, "agent:main:lab");
    for (word, level) in
        [("on", "low"), ("ultra", "ultra"), ("max", "max"), ("adaptive", "adaptive"), ("HIGH", "high")]
    {
        lab.refused(
            &format!(r#""thinkingLevel":"{word}""#),
            &format!("thinkingLevel \"{level}\" is not supported for mock/mock-1 (use off)"),
        );
    }
    lab.words("thinkingLevel", "off > off, bogus > !", "invalid thinkingLevel (use off)");
    lab.words("verboseLevel", "full > full, bogus > !", r#"invalid verboseLevel (use "on"|"off"|"full")"#);
    lab.words("reasoningLevel", "on > on, off > off, hidden > off", "");
    lab.words("responseUsage", "on > tokens, off > off", "");
    lab.words("traceLevel", "on > on, raw > raw, bogus > !", r#"invalid traceLevel (use "on"|"off"|"raw")"#);
    lab.words(
        "execHost",
        "auto > auto, NODE > node, bogus > !",
        r#"invalid execHost (use "auto"|"sandbox"|"gateway"|"node")"#,
    );
    for patch in
        [r#""execSecurity":"deny""#, r#""execSecurity":null"#, r#""execAsk":"off""#, r#""execAsk":null"#]
    {
        lab.refused(patch, EXEC_RETIRED);
    }
    lab.words("permissionMode", "read-only > read-only, full > full", "");
    lab.ok(r#""fastMode":true"#, r#"{"fastMode":true}"#);
    lab.ok(r#""fastMode":"auto""#, r#"{"fastMode":"auto"}"#);
    lab.ok(r#""fastMode":null"#, "{}");
    lab.ok(r#""toolOverrides":{"a":[1]}"#, r#"{"toolOverrides":{"a":[1]}}"#);
    lab.refused(
        r#""label":"x","expectedToolOverrides":null"#,
        "toolOverrides changed for session: agent:main:lab",
    );
    lab.ok(r#""toolOverrides":null,"expectedToolOverrides":{"a":[1]}"#, "{}");
}

#[test]
fn labels() {
    let mut lab = Lab::new(Wire::V3, "agent:main:lab");
    let patched = lab.ok(r#""label":"  padded  ""#, r#"{"label":"padded"}"#);
    assert_eq!(patched.label, LabelChange::Taken { new: "padded".into(), old: None });
    assert_eq!(lab.ok(r#""label":"padded""#, r#"{"label":"padded"}"#).label, LabelChange::Same);
    lab.refused(r#""label":"taken""#, "label already in use: taken");
    lab.refused(r#""label":"   ""#, "invalid label: empty");
    let patched = lab.ok(r#""label":"new""#, r#"{"label":"new"}"#);
    assert_eq!(patched.label, LabelChange::Taken { new: "new".into(), old: Some("padded".into()) });
    assert_eq!(lab.ok(r#""label":null"#, "{}").label, LabelChange::Freed("new".into()));
    assert_eq!(lab.ok(r#""label":null"#, "{}").label, LabelChange::Same);
}

#[test]
fn v3_models() {
    let mut lab = Lab::new(Wire::V3, "agent:main:lab");
    for (sent, provider, model) in [
        ("mock/mock-2", "mock", "mock-2"),
        ("mock-2", "mock", "mock-2"),
        ("mock/none", "mock", "none"),
        ("anthropic/claude-opus-4-6", "anthropic", "claude-opus-4-6"),
        ("bogus", "mock", "bogus"),
    ] {
        let want = format!(r#"{{"providerOverride":"{provider}","modelOverride":"{model}"}}"#);
        let resolved = lab.ok(&format!(r#""model":"{sent}""#), &want).resolved;
        assert_eq!((resolved.model_provider.as_str(), resolved.model.as_str()), (provider, model));
        assert_eq!((resolved.agent_runtime, resolved.thinking_levels), (None, None));
    }
    lab.refused(r#""model":"  ""#, "invalid model: empty");
    lab.refused(r#""model":"/x""#, "invalid model: /x");
    lab.ok(r#""model":"mock/mock-1""#, "{}");
    let strict = Mock { allowed: vec![ModelRef::new("mock", "mock-1")] };
    let refused = lab.patch_with(r#""model":"mock/mock-2""#, &strict);
    assert_eq!(refused.unwrap_err(), "model not allowed: mock/mock-2");
    lab.ok(
        r#""model":"openai/gpt-5.2","thinkingLevel":"xhigh""#,
        r#"{"providerOverride":"openai","modelOverride":"gpt-5.2","thinkingLevel":"xhigh"}"#,
    );
    lab.ok(r#""model":null"#, r#"{"thinkingLevel":"high"}"#);
}

#[test]
fn a_new_model_forgets_credentials_of_the_old_one() {
    let mut lab = Lab::new(Wire::V3, "agent:main:lab");
    lab.entry.tuning_mut().auth_profile_override = Some("work".into());
    lab.entry.updated_at = NOW - 5;
    lab.ok(r#""verboseLevel":"on""#, r#"{"verboseLevel":"on","authProfileOverride":"work"}"#);
    assert_eq!(lab.entry.updated_at, NOW, "a patch is a change");
    lab.ok(r#""verboseLevel":null,"model":null"#, "{}");
    lab.entry.updated_at = NOW + 5;
    lab.ok("\"label\":null", "{}");
    assert_eq!(lab.entry.updated_at, NOW + 5, "time never goes back");
}

#[test]
fn v4_models() {
    let mut lab = Lab::new(Wire::V4, "agent:main:lab");
    let patched = lab.ok(
        r#""model":"mock-2""#,
        r#"{"providerOverride":"mock","modelOverride":"mock-2","modelOverrideSource":"user",
            "modelOverrideRouteResolution":"resolved","liveModelSwitchPending":true}"#,
    );
    assert_eq!(
        serde_json::to_value(&patched.resolved).unwrap(),
        serde_json::json!({"modelProvider":"mock","model":"mock-2","agentRuntime":{"id":"openclaw","source":"implicit"},
            "runtimeSelectionLocked":false,"thinkingLevel":"medium","thinkingLevels":[{"id":"off","label":"off"},
            {"id":"minimal","label":"minimal"},{"id":"low","label":"low"},{"id":"medium","label":"medium"},
            {"id":"high","label":"high"}]})
    );
    let patched = lab.ok(r#""model":null"#, r#"{"modelOverrideSource":"default"}"#);
    assert_eq!(patched.resolved.thinking_level, None);
    assert_eq!(
        lab.ok(r#""thinkingLevel":"off""#, r#"{"modelOverrideSource":"default","thinkingLevel":"off"}"#)
            .resolved
            .thinking_level,
        Some("off")
    );
    // The level is judged by the model that comes with it.
    let entry = lab.patch_with(r#""model":"mock-2","thinkingLevel":"low""#, &MOCK).unwrap().0;
    assert!(entry.contains(r#""thinkingLevel":"low""#), "{entry}");
}

#[test]
fn spawning_is_said_once() {
    let mut lab = Lab::new(Wire::V3, "agent:main:lab");
    lab.refused(r#""spawnedBy":"agent:main:main""#, "spawnedBy is only supported for subagent:* sessions");
    lab.refused(r#""spawnDepth":1"#, "spawnDepth is only supported for subagent:* sessions");
    lab.ok(r#""spawnedBy":null,"spawnDepth":null"#, "{}");

    let mut sub = Lab::new(Wire::V3, "agent:main:subagent:abc");
    for _ in 0..2 {
        sub.ok(r#""spawnedBy":" agent:main:main ""#, r#"{"spawnedBy":"agent:main:main"}"#);
    }
    sub.refused(r#""spawnedBy":"agent:main:other""#, "spawnedBy cannot be changed once set");
    sub.refused(r#""spawnedBy":null"#, "spawnedBy cannot be cleared once set");
    for _ in 0..2 {
        sub.ok(r#""spawnDepth":1"#, r#"{"spawnedBy":"agent:main:main","spawnDepth":1}"#);
    }
    sub.refused(r#""spawnDepth":2"#, "spawnDepth cannot be changed once set");
    sub.refused(r#""spawnDepth":null"#, "spawnDepth cannot be cleared once set");
}

#[test]
fn the_first_failure_in_order_is_told() {
    let mut lab = Lab::new(Wire::V3, "agent:main:lab");
    lab.refused(
        r#""model":"  ","execAsk":"x","verboseLevel":"x","thinkingLevel":"x","label":"taken","spawnDepth":1"#,
        "spawnDepth is only supported for subagent:* sessions",
    );
    lab.refused(r#""model":"  ","thinkingLevel":"x","label":"taken""#, "label already in use: taken");
    lab.refused(r#""model":"  ","execAsk":"x""#, r#"invalid execAsk (use "off"|"on-miss"|"always")"#);
}

#[test]
fn v4_shelf_and_preconditions() {
    let mut lab = Lab::new(Wire::V4, "agent:main:made");
    let id = lab.entry.session_id.to_string();
    for patch in [r#""archived":true"#, r#""archived":false,"pinned":true,"icon":"x""#] {
        lab.refused(patch, "expectedSessionId required for session lifecycle patch: agent:main:made");
    }
    let stale = "session was reset or replaced: agent:main:made";
    lab.refused(r#""archived":true,"expectedSessionId":"other""#, stale);
    lab.refused(r#""pinned":true,"expectedLifecycleRevision":"other""#, stale);
    lab.ok(&format!(r#""archived":true,"expectedSessionId":"{id}""#), &format!(r#"{{"archivedAt":{NOW}}}"#));
    lab.ok(&format!(r#""archived":false,"expectedSessionId":"{id}""#), "{}");
    lab.ok(r#""pinned":true,"icon":" 🦞 ""#, &format!(r#"{{"pinnedAt":{NOW},"icon":"🦞"}}"#));
    lab.ok(r#""pinned":false,"icon":"""#, "{}");
    lab.ok(r#""unread":true"#, &format!(r#"{{"unread":true,"markedUnreadAt":{NOW}}}"#));
    lab.refused(
        r#""unread":false,"expectedMarkedUnreadAt":5"#,
        "unread marker changed for session: agent:main:made",
    );
    lab.ok(
        &format!(r#""unread":false,"expectedMarkedUnreadAt":{NOW}"#),
        &format!(r#"{{"lastReadAt":{NOW}}}"#),
    );
    let until = NOW + 120_000;
    lab.ok(
        r#""statusNote":"busy","ttlMinutes":2,"attention":"help","inheritedToolAllow":["x"]"#,
        &format!(
            r#"{{"lastReadAt":{NOW},"statusNote":{{"text":"busy","setAt":{NOW},"expiresAt":{until}}},
                "attention":"help","inheritedToolAllow":["x"]}}"#
        ),
    );
    lab.ok(r#""statusNote":null,"inheritedToolAllow":null"#, &format!(r#"{{"lastReadAt":{NOW}}}"#));
}

#[test]
fn some_fields_are_for_admins() {
    let params = PatchParams { label: Field::Null, thinking_level: Field::Null, ..PatchParams::default() };
    assert!(!needs_admin(&params));
    assert!(needs_admin(&PatchParams { permission_mode: Field::Null, ..params.clone() }));
    assert!(needs_admin(&PatchParams { exec_node: Field::Null, ..params }));
    assert_eq!(
        wanted_label(&PatchParams { label: Field::Value(" a ".into()), ..Default::default() }),
        Some("a")
    );
    assert_eq!(wanted_label(&PatchParams { label: Field::Value("  ".into()), ..Default::default() }), None);
}
