//! Keys of `agents` and `tools`.

use super::{COUNT, Key, SECONDS, Shape, TEXTS, int, key, theirs};

/// A model by name, or with what to try when it fails.
const MODEL: Shape =
    Shape::Either(&[Shape::Text, Shape::Open(&[key("primary", Shape::Text), key("fallbacks", TEXTS)])]);

/// `heartbeat`.
const HEARTBEAT: Shape = Shape::Open(&[
    key("every", Shape::Text)
        .says("Heartbeat Every", "How often, as a duration; \"0m\" for never.")
        .placeholder("30m"),
    key("target", Shape::Text),
    key("to", Shape::Text),
    key("prompt", Shape::Text),
    key("model", Shape::Text),
    key("session", Shape::Text),
    key("ackMaxChars", COUNT),
    theirs("activeHours"),
    theirs("includeReasoning"),
]);

/// `identity`.
const IDENTITY: Shape = Shape::Open(&[
    key("name", Shape::Text),
    key("theme", Shape::Text),
    key("emoji", Shape::Text),
    key("avatar", Shape::Text),
]);

/// `agents`.
pub(super) const AGENTS: &[Key] = &[
    key("defaults", Shape::Open(DEFAULTS))
        .says("Agent Defaults", "What holds for every agent that says nothing else."),
    key("list", Shape::List(&Shape::Open(AGENT))).says("Agents", "The agents, in 2026.2's form."),
    key("entries", Shape::Map(&Shape::Open(AGENT)))
        .says("Agents", "The agents by id, in 2026.9's form.")
        .v4(),
    key("ownership", Shape::Text).v4(),
];

/// `agents.defaults`.
const DEFAULTS: &[Key] = &[
    key("model", MODEL)
        .says("Default Model", "provider/model, or {primary, fallbacks}.")
        .placeholder("provider/model"),
    key(
        "models",
        Shape::Map(&Shape::Open(&[key("alias", Shape::Text), theirs("params"), theirs("streaming")])),
    )
    .says("Models", "Allowed models, with short names. Empty: all that are configured."),
    theirs("imageModel"),
    key("workspace", Shape::Text).says("Workspace", "The folder agents work in."),
    theirs("repoRoot"),
    key("skipBootstrap", Shape::Bool),
    theirs("bootstrapMaxChars"),
    theirs("bootstrapTotalMaxChars"),
    key("userTimezone", Shape::Text).says("Time Zone", "The zone of times shown to the model."),
    theirs("timeFormat"),
    theirs("envelopeTimezone"),
    theirs("envelopeTimestamp"),
    theirs("envelopeElapsed"),
    key("contextTokens", COUNT).says("Context Tokens", "Most tokens of context, below what the model takes."),
    theirs("cliBackends"),
    theirs("memorySearch"),
    theirs("contextPruning"),
    theirs("compaction"),
    key("thinkingDefault", Shape::Text).says("Default Thinking", "off, minimal, low, medium, high …"),
    key("verboseDefault", Shape::Text),
    key("elevatedDefault", Shape::Text),
    theirs("blockStreamingDefault"),
    theirs("blockStreamingBreak"),
    theirs("blockStreamingChunk"),
    theirs("blockStreamingCoalesce"),
    theirs("humanDelay"),
    key("timeoutSeconds", SECONDS).says("Run Timeout", "Longest run, in seconds."),
    theirs("mediaMaxMb"),
    theirs("imageMaxDimensionPx"),
    theirs("typingIntervalSeconds"),
    theirs("typingMode"),
    key("heartbeat", HEARTBEAT)
        .says("Heartbeat", "A run that the gateway starts by itself from time to time."),
    key("maxConcurrent", int(1, 10_000)).says("Concurrent Runs", "Most runs at the same time."),
    theirs("subagents"),
    theirs("sandbox"),
    key("systemAgent", Shape::Open(&[key("agentId", Shape::Text)])).v4(),
];

/// One agent of `agents.list` or `agents.entries`.
const AGENT: &[Key] = &[
    key("id", Shape::Text),
    key("default", Shape::Bool),
    key("name", Shape::Text),
    key("workspace", Shape::Text),
    key("agentDir", Shape::Text),
    key("model", MODEL),
    theirs("skills"),
    theirs("memorySearch"),
    theirs("humanDelay"),
    key("heartbeat", HEARTBEAT),
    key("identity", IDENTITY),
    key("groupChat", Shape::Open(&[key("mentionPatterns", TEXTS), key("historyLimit", COUNT)])),
    theirs("subagents"),
    theirs("sandbox"),
    theirs("tools"),
];

/// `tools`.
pub(super) const TOOLS: &[Key] = &[
    theirs("profile"),
    theirs("allow"),
    theirs("alsoAllow"),
    theirs("deny"),
    theirs("byProvider"),
    theirs("web"),
    theirs("media"),
    theirs("links"),
    theirs("sessions"),
    theirs("loopDetection"),
    theirs("message"),
    theirs("agentToAgent"),
    key("elevated", Shape::Open(&[key("enabled", Shape::Bool), theirs("allowFrom")])),
    key(
        "exec",
        Shape::Open(&[
            key("host", Shape::OneOf(&["auto", "sandbox", "gateway", "node"]))
                .says("Exec Host", "Where commands of an agent run."),
            key("security", Shape::OneOf(&["deny", "allowlist", "full"]))
                .says("Exec Security", "Which commands may run."),
            key("ask", Shape::OneOf(&["off", "on-miss", "always"]))
                .says("Exec Ask", "When a person is asked first."),
            key("mode", Shape::OneOf(&["deny", "allowlist", "ask", "auto", "full"])).v4(),
            key("node", Shape::Text),
            key("pathPrepend", TEXTS),
            key("safeBins", TEXTS),
            key("timeoutSec", SECONDS),
        ]),
    )
    .says("Exec", "How commands are run."),
    theirs("fs"),
    theirs("subagents"),
    theirs("sandbox"),
    theirs("github").v4(),
];
