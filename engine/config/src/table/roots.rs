//! The root of the table.
//!
//! The order is upstream's: the schema of each version lists its sections in this order.

use super::agents::{AGENTS, TOOLS};
use super::engine::{DEFENDER, ENGINE};
use super::gateway::GATEWAY;
use super::models::MODELS;
use super::session::{MESSAGES, SESSION};
use super::{IDS, Key, SWITCH, Shape, TEXTS, key, theirs};

/// The whole document.
pub const ROOT: Shape = Shape::Object(SECTIONS);

/// Every section.
pub(super) const SECTIONS: &[Key] = &[
    key(
        "meta",
        Shape::Object(&[theirs("lastTouchedVersion"), theirs("lastTouchedAt"), theirs("migrations").v4()]),
    )
    .says("Compatibility Metadata", "Who wrote this file last, and when."),
    // Names in `env` that are not listed are variables themselves.
    key("env", Shape::Rest(&[theirs("shellEnv"), key("vars", Shape::Map(&Shape::Text))], &Shape::Text))
        .says("Environment", "Variables for ${NAME} in this file. Ones that the process has already win."),
    key(
        "wizard",
        Shape::Object(&[
            theirs("accessMode").v4(),
            theirs("appRecommendations").v4(),
            theirs("lastRunAt"),
            theirs("lastRunVersion"),
            theirs("lastRunCommit"),
            theirs("lastRunCommand"),
            theirs("lastRunMode"),
            theirs("securityAcknowledgedAt").v4(),
        ]),
    )
    .says("Wizard", "What upstream's setup noted. Not used here."),
    key(
        "diagnostics",
        Shape::Open(&[theirs("enabled"), theirs("flags"), theirs("otel"), theirs("cacheTrace")]),
    )
    .says("Diagnostics", "Upstream's tracing. Metrics are always on here, at /metrics."),
    key(
        "logging",
        Shape::Open(&[
            key("level", Shape::OneOf(&["silent", "fatal", "error", "warn", "info", "debug", "trace"]))
                .says("Log Level", "The least important lines that are written."),
            key("file", Shape::Text).says("Log File", "Where lines are written."),
            theirs("maxFileBytes").v4(),
            key(
                "consoleLevel",
                Shape::OneOf(&["silent", "fatal", "error", "warn", "info", "debug", "trace"]),
            )
            .says("Console Level", "The same, for the console."),
            key("consoleStyle", Shape::OneOf(&["pretty", "compact", "json"]))
                .says("Console Style", "How lines look on the console."),
            key("redactSensitive", Shape::OneOf(&["off", "tools"])).v3(),
            theirs("redactPatterns"),
            theirs("audit").v4(),
        ]),
    )
    .says("Logging", "What is logged, where and how."),
    key("update", Shape::Open(&[theirs("channel"), theirs("checkOnStart"), theirs("auto").v4()]))
        .says("Updates", "Upstream's updater. Pincer never updates itself."),
    key("telemetry", Shape::Open(&[theirs("enabled"), theirs("consentedAt")]))
        .says("Telemetry", "Upstream's reports. Pincer sends none.")
        .v4(),
    key(
        "browser",
        Shape::Open(&[
            theirs("enabled"),
            theirs("allowSystemProfileImport").v4(),
            theirs("evaluateEnabled"),
            theirs("cdpUrl"),
            theirs("remoteCdpTimeoutMs").v3(),
            theirs("remoteCdpHandshakeTimeoutMs").v3(),
            theirs("color").v3(),
            theirs("executablePath"),
            theirs("headless"),
            theirs("noSandbox"),
            theirs("attachOnly"),
            theirs("defaultProfile"),
            theirs("snapshotDefaults"),
            theirs("ssrfPolicy"),
            theirs("profiles"),
            theirs("extraArgs"),
        ]),
    )
    .says("Browser", "Upstream's browser control. Not used here."),
    key(
        "ui",
        Shape::Open(&[
            key("seamColor", Shape::Text).says("Accent Color", "The color of apps, as #rrggbb."),
            key("assistant", Shape::Open(&[key("name", Shape::Text), key("avatar", Shape::Text)])).v3(),
            theirs("prefs").v4(),
        ]),
    )
    .says("UI", "How apps look."),
    key("secrets", Shape::Open(&[theirs("egressProxy"), theirs("providers"), theirs("defaults")]))
        .says("Secrets", "Where secrets are kept when they are not written here.")
        .v4(),
    key("auth", Shape::Open(&[theirs("profiles"), theirs("order"), theirs("cooldowns").v3()]))
        .says("Auth", "Profiles of model services."),
    key("accessGroups", Shape::Map(&Shape::Any)).v4(),
    key("models", Shape::Open(MODELS)).says("Models", "Model services and their models."),
    key("nodeHost", Shape::Open(&[theirs("browserProxy")]))
        .says("Node Host", "This machine as a node of another gateway."),
    key("agents", Shape::Open(AGENTS)).says("Agents", "The agents and what they share."),
    key("tools", Shape::Open(TOOLS)).says("Tools", "What agents may do."),
    key("bindings", Shape::List(&Shape::Any)).says("Bindings", "Which agent answers on which channel."),
    theirs("broadcast"),
    theirs("audio"),
    theirs("media"),
    key("messages", Shape::Object(MESSAGES)).says("Messages", "How messages are taken and answered."),
    key(
        "commands",
        Shape::Open(&[
            key("native", SWITCH),
            key("nativeSkills", SWITCH),
            key("text", Shape::Bool).says("Text Commands", "Whether /commands in messages are obeyed."),
            key("bash", Shape::Bool),
            theirs("bashForegroundMs"),
            key("config", Shape::Bool),
            key("debug", Shape::Bool),
            key("restart", Shape::Bool),
            key("useAccessGroups", Shape::Bool),
            key("ownerAllowFrom", IDS),
            theirs("ownerDisplay"),
            theirs("ownerDisplaySecret"),
            key("allowFrom", Shape::Map(&IDS)),
        ]),
    )
    .says("Commands", "Which /commands exist and who may give them."),
    theirs("approvals"),
    key("session", Shape::Object(SESSION))
        .says("Session", "How conversations are kept apart and when they start over."),
    key(
        "cron",
        Shape::Open(&[
            key("enabled", Shape::Bool),
            theirs("store"),
            theirs("maxConcurrentRuns"),
            theirs("webhook"),
            theirs("webhookToken"),
            theirs("sessionRetention"),
        ]),
    )
    .says("Cron", "Jobs at set times."),
    key(
        "hooks",
        Shape::Open(&[
            key("enabled", Shape::Bool),
            key("token", Shape::SecretText)
                .says("Hooks Token", "What callers of /hooks must bring; never the gateway's token."),
            key("path", Shape::Text).placeholder("/hooks"),
            theirs("defaultSessionKey"),
            key("allowRequestSessionKey", Shape::Bool),
            key("allowedSessionKeyPrefixes", TEXTS),
            key("allowedAgentIds", TEXTS),
            theirs("maxBodyBytes"),
        ]),
    )
    .says("Hooks", "HTTP calls that wake an agent."),
    theirs("web"),
    key("channels", Shape::Map(&Shape::Any)).says("Channels", "Messaging services."),
    theirs("discovery"),
    theirs("canvasHost").v3(),
    theirs("talk"),
    key("gateway", Shape::Object(GATEWAY)).says("Gateway", "The port, who may connect, and what is served."),
    theirs("memory"),
    theirs("skills"),
    theirs("plugins"),
    theirs("acp").advanced(),
    theirs("$schema").advanced(),
    theirs("cli").v4(),
    theirs("cloudWorkers").says("Cloud Workers", "Upstream's hosted workers. Not used here.").v4(),
    theirs("desktop").v4(),
    theirs("mcp").v4(),
    theirs("proxy").v4(),
    theirs("commitments").v4(),
    key("engine", Shape::Object(ENGINE))
        .says("Engine", "Pincer's own: cores, backend, store and bounds.")
        .ours(),
    key("defender", Shape::Rest(DEFENDER, &Shape::Any))
        .says("Defender", "Pincer's own: what is checked before it happens.")
        .ours(),
];
