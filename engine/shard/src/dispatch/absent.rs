//! OpenClaw's methods that are not built.
//!
//! Upstream checks rights before it knows whether a method exists, so who has no admin scope hears `missing scope` of a
//! name that means nothing. For a method that OpenClaw has, and that would need less, that would send people after rights
//! they need not have: they are told that it is not there.

/// First parts of the names of OpenClaw's methods that need less than the admin scope, sorted.
const FAMILIES: &[&str] = &[
    "agent",
    "agents",
    "approval",
    "artifacts",
    "assistant",
    "attach",
    "audit",
    "board",
    "browser",
    "canvas",
    "channels",
    "chat",
    "claws",
    "commands",
    "computer",
    "config",
    "controlUi",
    "conversations",
    "cron",
    "desktop",
    "device",
    "diagnostics",
    "doctor",
    "environments",
    "exec",
    "fs",
    "gateway",
    "github",
    "health",
    "hooks",
    "last-heartbeat",
    "logs",
    "mcp",
    "memory",
    "mentions",
    "message",
    "migrations",
    "models",
    "nativeHook",
    "node",
    "openclaw",
    "plugin",
    "plugins",
    "poll",
    "portal",
    "progressCard",
    "projects",
    "push",
    "question",
    "secrets",
    "send",
    "session",
    "sessions",
    "skills",
    "status",
    "system",
    "system-presence",
    "talk",
    "taskSuggestions",
    "tasks",
    "terminal",
    "themes",
    "tools",
    "transcripts",
    "tts",
    "ui",
    "update",
    "usage",
    "users",
    "voicewake",
    "wake",
    "webSearch",
    "worker",
    "worktrees",
];

/// Whether OpenClaw has methods with such a name.
pub(super) fn is_upstream(method: &str) -> bool {
    let family = method.split('.').next().unwrap_or(method);
    FAMILIES.binary_search(&family).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families() {
        assert!(FAMILIES.is_sorted());
        for (method, want) in [
            ("cron.list", true),
            ("node.pair.list", true),
            ("wake", true),
            ("no.such.method", false),
            ("", false),
        ] {
            assert_eq!(is_upstream(method), want, "{method}");
        }
    }
}
