//! Files of the machine are watched while the gateway runs.

use std::fs;
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use pincer_tests::{
    Backend, Client, Gateway, Hello, PATIENCE, Setup, Wire, gateway_binary, is_event, on_each_backend,
};
use serde_json::{Value, json};

on_each_backend!(a_change_is_told_until_somebody_accepts_it, a_forged_baseline_is_not_believed,);

/// `pincer defender host …` for the gateway's own places.
fn host(gateway: &Gateway, verb: &str) -> Output {
    let home = gateway.setup().home.path();
    let mut command = Command::new(gateway_binary());
    command.args(["defender", "host", verb, "--json", "--state-dir"]).arg(gateway.state());
    command.arg("--config").arg(home.join("config.json5"));
    command.env_clear().env("HOME", home).output().unwrap()
}

#[track_caller]
fn host_ok(gateway: &Gateway, verb: &str) -> Value {
    let output = host(gateway, verb);
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn integrity(client: &mut Client) -> Value {
    client.ok("status", json!({}))["defender"]["hostIntegrity"].clone()
}

/// Waits until `status` says so.
#[track_caller]
fn wait_for(client: &mut Client, wanted: impl Fn(&Value) -> bool) -> Value {
    let until = Instant::now() + PATIENCE;
    loop {
        let is = integrity(client);
        if wanted(&is) {
            return is;
        }
        assert!(Instant::now() < until, "{is:#}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn drift(gateway: &Gateway) -> u64 {
    let page = gateway.http("GET", "/metrics").body;
    let lines = page.lines().filter(|line| line.starts_with("pincer_host_drift{"));
    lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

fn start(backend: Backend) -> Gateway {
    let setup = Setup::new(backend).config(json!({"defender": {"host": {"paths": ["~/watched.txt"]}}}));
    fs::write(setup.home.path().join("watched.txt"), "as it should be").unwrap();
    setup.start()
}

fn a_change_is_told_until_somebody_accepts_it(backend: Backend) {
    let gateway = start(backend);
    assert!(gateway.log().contains("`pincer defender host baseline` makes one"), "{}", gateway.log());
    let mut client = gateway.connect(&Hello::new(Wire::V4));
    wait_for(&mut client, |is| *is == json!({"checked": false, "drift": 0, "sinceMs": null}));
    assert_eq!(host(&gateway, "check").status.code(), Some(1), "there is nothing to check against");
    host_ok(&gateway, "baseline");
    wait_for(&mut client, |is| *is == json!({"checked": true, "drift": 0, "sinceMs": null}));

    let from = client.mark();
    let file = gateway.setup().home.path().join("watched.txt");
    fs::write(&file, "as it should not be").unwrap();
    let raised = client.wait(from, |frame| is_event(frame, "security.host"));
    let payload = &raised["payload"];
    assert_eq!(
        (&payload["state"], &payload["severity"]),
        (&json!("raised"), &json!("critical")),
        "{raised:#}"
    );
    assert_eq!(payload["items"][0]["path"], file.to_str().unwrap(), "{raised:#}");
    assert!(
        payload["items"][0]["what"]["changed"].as_array().unwrap().contains(&json!("content")),
        "{raised:#}"
    );
    let stands = wait_for(&mut client, |is| is["drift"] == 1);
    assert_eq!(stands["sinceMs"], payload["sinceMs"], "{stands:#}");
    assert_eq!(drift(&gateway), 1);
    let checked = host(&gateway, "check");
    assert_eq!(checked.status.code(), Some(1), "{checked:?}");

    // Neither a restart nor undoing it is accepting it.
    fs::write(&file, "as it should be").unwrap();
    client.wait(from, |frame| is_event(frame, "security.host") && frame["payload"]["state"] == "undone");
    fs::write(&file, "as it should not be").unwrap();
    let gateway = gateway.restart();
    let mut client = gateway.connect(&Hello::new(Wire::V3));
    let again = wait_for(&mut client, |is| is["drift"] == 1);
    assert_eq!(again["sinceMs"], stands["sinceMs"]);

    let from = client.mark();
    let accepted = host_ok(&gateway, "accept");
    assert_eq!(accepted["accepted"]["sinceMs"], stands["sinceMs"], "{accepted:#}");
    client.wait(from, |frame| is_event(frame, "security.host") && frame["payload"]["state"] == "accepted");
    wait_for(&mut client, |is| *is == json!({"checked": true, "drift": 0, "sinceMs": null}));
    assert_eq!(drift(&gateway), 0);
    assert_eq!(host_ok(&gateway, "check")["ok"], true);
    assert_eq!(gateway.stop().code, Some(0));
}

fn a_forged_baseline_is_not_believed(backend: Backend) {
    let gateway = start(backend);
    host_ok(&gateway, "baseline");
    let setup = gateway.kill();
    let path = setup.home.state().join("integrity/baseline");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("created 1", "created 2", 1)).unwrap();
    let gateway = setup.start();
    let mut client = gateway.connect(&Hello::new(Wire::V4));
    wait_for(&mut client, |is| is["checked"] == false);
    let refused = host(&gateway, "check");
    let said = String::from_utf8_lossy(&refused.stdout).into_owned();
    assert!(said.contains("changed after it was signed"), "{refused:?}");
}
