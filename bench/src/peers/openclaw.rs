//! Upstream's gateway with as much switched off as its config allows, so that what is measured is a gateway.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use pincer_tests::{Provider, TOKEN};
use serde_json::json;

/// Prepares the home and the command: loopback, token, no channels, no discovery, no plugins, no reload, no updates.
pub(crate) fn configure(command: &mut Command, home: &Path, port: u16) -> Result<(), String> {
    let state = home.join(".openclaw");
    // Its turns are answered by a model of ours, so that there can be a conversation.
    static MODEL: OnceLock<Provider> = OnceLock::new();
    let mut model = MODEL.get_or_init(Provider::start).config();
    // Its own prompt alone is longer than what the tests' model takes.
    model["models"]["providers"]["test"]["models"][0]["contextWindow"] = 128_000.into();
    let mut config = json!({
        "gateway": {
            "mode": "local", "bind": "loopback", "port": port, "auth": {"mode": "token", "token": TOKEN},
            "controlUi": {"enabled": false}, "reload": {"mode": "off"},
        },
        "discovery": {"mdns": {"mode": "off"}},
        "update": {"checkOnStart": false},
        "logging": {"level": "error", "consoleLevel": "error"},
        "cron": {"enabled": false},
        "browser": {"enabled": false},
        "plugins": {"enabled": false},
        "agents": {"defaults": {"heartbeat": {"every": "0m"}, "skipBootstrap": true}},
        "models": model["models"],
    });
    config["agents"]["defaults"]["model"] = model["agents"]["defaults"]["model"].clone();
    fs::create_dir_all(&state).map_err(|e| e.to_string())?;
    fs::write(state.join("openclaw.json"), config.to_string()).map_err(|e| e.to_string())?;
    command.args([
        "gateway",
        "run",
        "--port",
        &port.to_string(),
        "--bind",
        "loopback",
        "--allow-unconfigured",
    ]);
    command.env("OPENCLAW_STATE_DIR", &state);
    let off = [
        "OPENCLAW_SKIP_CHANNELS",
        "OPENCLAW_SKIP_PROVIDERS",
        "OPENCLAW_SKIP_CRON",
        "OPENCLAW_SKIP_CANVAS_HOST",
        "OPENCLAW_SKIP_BROWSER_CONTROL_SERVER",
        "OPENCLAW_SKIP_GMAIL_WATCHER",
        "OPENCLAW_DISABLE_BONJOUR",
        // One process, which is the one that is measured.
        "OPENCLAW_NO_RESPAWN",
    ];
    for name in off {
        command.env(name, "1");
    }
    Ok(())
}
