use super::*;
use crate::section::{AuthMode, Backend};

fn load_text(raw: &str) -> Loaded {
    let env = |name: &str| (name == "KEY").then(|| "sk-1".to_owned());
    load(raw, Path::new("/s/openclaw.json"), &mut |_| Err(io::ErrorKind::NotFound.into()), &env)
}

#[track_caller]
fn check_issues(raw: &str, errors: &[&str], warnings: &[&str]) {
    let loaded = load_text(raw);
    let text = |issues: &[Issue]| issues.iter().map(Issue::to_string).collect::<Vec<_>>();
    assert_eq!(text(&loaded.issues), errors, "{raw}");
    assert_eq!(text(&loaded.warnings), warnings, "{raw}");
    assert_eq!(loaded.valid(), errors.is_empty());
}

/// A config as OpenClaw 2026.2 users have it.
const SAMPLE: &str = r#"{
  // comment
  gateway: { mode: "local", port: 18811, bind: "loopback", auth: { mode: "token", token: "s" } },
  agents: {
    defaults: { model: { primary: "mock/mock-1" }, skipBootstrap: true, heartbeat: { every: "0m" } },
    list: [ { id: "main", default: true, name: "Main" }, { id: "ops", identity: { name: "Ops", emoji: "🛠" } } ],
  },
  models: { providers: { mock: { baseUrl: "http://127.0.0.1:9/v1", apiKey: "${KEY}", api: "openai-completions",
    models: [ { id: "mock-1", input: ["text"], cost: { input: 1 }, contextWindow: 128000.0 } ] } } },
  tools: { exec: { security: "full", ask: "off", host: "gateway" } },
  skills: { entries: { weather: { apiKey: "x" } } },
  engine: { shards: 2, backend: "epoll" },
}"#;

/// What is misspelt in a security policy is for the defender to refuse, so it has to see it.
#[test]
fn the_defenders_section_is_kept_whole() {
    let raw = "{defender: {mode: 'enforce', thresholds: {review: 40.5}, reviw: 1, deny: {phrases: ['x']}}}";
    check_issues(raw, &[], &[]);
    let want = serde_json::json!({
        "mode": "enforce", "thresholds": {"review": 40.5}, "reviw": 1, "deny": {"phrases": ["x"]},
    });
    assert_eq!(load_text(raw).config.defender, want);
}

#[test]
fn a_users_config_is_read_without_a_word() {
    check_issues(SAMPLE, &[], &[]);
    let config = load_text(SAMPLE).config;
    assert_eq!((config.gateway.port, config.gateway.auth.mode), (18811, Some(AuthMode::Token)));
    assert_eq!(config.models.providers[0].1.api_key.reveal(), "sk-1");
    assert_eq!(config.catalog()[0].model.context(), 128_000);
    assert_eq!(config.engine.backend, Backend::Epoll);
    assert_eq!(config.agents.get("OPS").unwrap().identity.unwrap().name.as_deref(), Some("Ops"));
}

#[test]
fn no_text_no_keys_and_no_sense() {
    check_issues("{}", &[], &[]);
    check_issues("", &["<root>: JSON5 parse failed: SyntaxError: JSON5: invalid end of input at 1:1"], &[]);
    check_issues("[]", &["<root>: Invalid input: expected object, received array"], &[]);
    check_issues("{nope: 1}", &[], &["nope: Unrecognized key: \"nope\""]);
    check_issues(
        r#"{gateway: {port: "abc", auth: {token: 5}}}"#,
        &[
            "gateway.port: Invalid input: expected number, received string",
            "gateway.auth.token: Invalid input: expected string, received number",
        ],
        &[],
    );
    check_issues(
        r#"{models: {providers: {p: {apiKey: "${GONE}"}}}}"#,
        &[
            "models.providers.p.apiKey: Missing env var \"GONE\" referenced at config path: models.providers.p.apiKey",
        ],
        &[],
    );
}

#[test]
fn secret_refs_are_filled_from_the_environment() {
    let raw = r#"{models: {providers: {p: {apiKey: {source: "env", provider: "default", id: "KEY"}}}}}"#;
    assert_eq!(load_text(raw).config.models.providers[0].1.api_key.reveal(), "sk-1");
    assert!(load_text(raw).resolved["models"]["providers"]["p"]["apiKey"].is_object(), "stays as written");
    check_issues(
        r#"{gateway: {auth: {token: {source: "file", id: "/x"}}}}"#,
        &["gateway.auth.token: secret source \"file\" is not supported; use \"env\" or ${VAR}"],
        &[],
    );
}

#[test]
fn settings_that_do_nothing_are_mentioned_once() {
    check_issues(
        r#"{messages: {queue: {mode: "banana"}}, agents: {defaults: {model: "acme/big"}, list: [{id: "a"}, {id: "A"}]}}"#,
        &[],
        &[
            "messages.queue.mode: Unrecognized queue mode \"banana\"",
            "agents.list.1.id: Duplicate agent id \"a\": the first one is used",
            "agents: no models.providers.acme for model \"acme/big\"",
        ],
    );
}

proptest::proptest! {
    /// Whatever stands where a known key is: the table and the structs agree, so no value reaches serde that it refuses.
    #[test]
    fn the_table_lets_nothing_pass_that_the_structs_refuse(
        path in 0..PATHS.len(), value in 0..VALUES.len(), beside in 0..PATHS.len(), other in 0..VALUES.len(),
    ) {
        let mut root = Value::Object(Map::new());
        for (path, value) in [(path, value), (beside, other)] {
            let value = serde_json::from_str(VALUES[value]).unwrap();
            let _ = KeyPath::parse(PATHS[path]).unwrap().set(&mut root, value);
        }
        let loaded = load_text(&root.to_string());
        for issue in loaded.issues {
            assert!(!issue.path.is_empty() || issue.message.contains("expected object"), "{root}: {issue}");
        }
    }
}

const VALUES: &[&str] = &[
    "null",
    "true",
    "0",
    "-1",
    "1.5",
    "3",
    "300",
    "65536",
    "1e300",
    "5000000000",
    "\"\"",
    "\"auto\"",
    "\"token\"",
    "\"local\"",
    "[]",
    "[1]",
    "[\"a\", null]",
    "[{\"id\": 1}]",
    "[{\"id\": \"x\"}]",
    "{}",
    "{\"a\": 1}",
    "{\"a\": {}}",
    "{\"a\": \"x\"}",
    "{\"a\": [\"x\"]}",
    "{\"mode\": \"daily\", \"atHour\": 300}",
];

const PATHS: &[&str] = &[
    "gateway",
    "gateway.port",
    "gateway.mode",
    "gateway.bind",
    "gateway.auth",
    "gateway.auth.mode",
    "gateway.auth.token",
    "gateway.auth.rateLimit",
    "gateway.auth.rateLimit.maxAttempts",
    "gateway.auth.trustedProxy.allowUsers",
    "gateway.trustedProxies",
    "gateway.controlUi",
    "gateway.controlUi.allowedOrigins",
    "gateway.http.endpoints",
    "gateway.http.endpoints.responses.enabled",
    "gateway.reload.mode",
    "gateway.reload.debounceMs",
    "gateway.remote.url",
    "gateway.remote.token",
    "gateway.tls.enabled",
    "gateway.nodes.allowCommands",
    "gateway.handshakeTimeoutMs",
    "session",
    "session.scope",
    "session.dmScope",
    "session.identityLinks",
    "session.resetTriggers",
    "session.idleMinutes",
    "session.reset",
    "session.reset.atHour",
    "session.resetByType",
    "session.resetByChannel.a",
    "session.sendPolicy",
    "session.sendPolicy.rules",
    "session.sendPolicy.rules[0].match",
    "session.maintenance",
    "session.maintenance.maxEntries",
    "session.agentToAgent.maxPingPongTurns",
    "messages",
    "messages.queue",
    "messages.queue.byChannel",
    "messages.queue.cap",
    "messages.queue.debounceMsByChannel",
    "messages.inbound.byChannel",
    "messages.groupChat.historyLimit",
    "agents",
    "agents.defaults",
    "agents.defaults.model",
    "agents.defaults.model.primary",
    "agents.defaults.models",
    "agents.defaults.models.a",
    "agents.defaults.timeoutSeconds",
    "agents.defaults.heartbeat",
    "agents.defaults.heartbeat.ackMaxChars",
    "agents.defaults.systemAgent",
    "agents.list",
    "agents.list[0]",
    "agents.entries",
    "agents.entries.a.identity",
    "agents.entries.a.model",
    "models",
    "models.providers",
    "models.providers.a",
    "models.providers.a.headers",
    "models.providers.a.models",
    "models.providers.a.models[0].cost",
    "models.providers.a.models[0].contextWindow",
    "models.providers.a.models[0].input",
    "tools.exec",
    "tools.exec.safeBins",
    "tools.exec.timeoutSec",
    "commands",
    "commands.native",
    "commands.ownerAllowFrom",
    "logging.level",
    "logging.consoleStyle",
    "hooks",
    "cron",
    "channels",
    "bindings",
    "ui",
    "talk",
    "engine",
    "engine.shards",
    "engine.backend",
    "engine.limits",
    "engine.limits.connections",
    "engine.drainMs",
    "engine.durability",
    "defender",
    "defender.mode",
];

/// The defender refuses what it does not know, so nothing of its section may be left out on the way.
#[test]
fn the_defenders_section_comes_through_whole() {
    let section = serde_json::json!({
        "mode": "enforce", "thresholds": {"reviw": 40}, "bundle": {"file": "p", "trustedKeys": {"a": "b"}},
    });
    let loaded = load_text(&serde_json::json!({"defender": section}).to_string());
    assert!(loaded.valid() && loaded.warnings.is_empty());
    assert_eq!(loaded.config.defender, section);
    check_issues(
        "{defender: {mode: 'enforced'}}",
        &[r#"defender.mode: Invalid option: expected one of "off"|"audit"|"enforce""#],
        &[],
    );
}
