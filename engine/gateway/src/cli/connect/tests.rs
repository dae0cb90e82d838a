use std::path::Path;

use clap::Parser;

use super::*;
use crate::cli::context::load_text;
use crate::client::standin::stand_in;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    connect: ConnectArgs,
}

fn args(line: &str) -> ConnectArgs {
    Line::parse_from(std::iter::once("x").chain(line.split_whitespace())).connect
}

/// A context with this config and these variables, in a directory of its own.
fn context(dir: &Path, config: &str, vars: &[(&str, &str)]) -> Context {
    let dotenv: String = vars.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    std::fs::write(dir.join(".env"), dotenv).unwrap();
    let path = dir.join("c.json");
    std::fs::write(&path, config).unwrap();
    let global = Global { state_dir: Some(dir.to_owned()), config: Some(path.clone()), ..Global::default() };
    let mut context = Context::open(&global).unwrap();
    context.loaded = load_text(config, &path, &context.environment);
    context
}

#[track_caller]
fn check(line: &str, config: &str, vars: &[(&str, &str)], want: Result<(&str, &str, Origin), &str>) {
    let dir = tempfile::tempdir().unwrap();
    let got = target(&args(line), &context(dir.path(), config, vars));
    match (got, want) {
        (Ok(got), Ok((url, secret, origin))) => {
            let Credentials { token, password, .. } = &got.credentials;
            assert_eq!(got.endpoint.to_string(), url);
            assert_eq!((format!("{token}{password}").as_str(), &got.credentials.origin), (secret, &origin));
        }
        (Err(got), Err(want)) => assert!(format!("{} {}", got.message, got.fix).contains(want), "{got:?}"),
        (Ok(_), Err(want)) => panic!("nothing refused: {want}"),
        (Err(got), Ok(_)) => panic!("{got:?}"),
    }
}

const OWN: &str = "{gateway: {port: 5, auth: {token: 'own'}}}";
const REMOTE: &str =
    "{gateway: {mode: 'remote', auth: {token: 'own'}, remote: {url: 'wss://far.example', token: 'theirs'}}}";

#[test]
fn where_to_and_with_what() {
    use Origin::{Config, Flag, Nothing, Variable};
    let here = "ws://127.0.0.1:5";
    let var = ("OPENCLAW_GATEWAY_TOKEN", "env");
    check("", OWN, &[], Ok((here, "own", Config("gateway.auth.token"))));
    check("", OWN, &[var], Ok((here, "env", Variable("OPENCLAW_GATEWAY_TOKEN".into()))));
    check("--token flag", OWN, &[var], Ok((here, "flag", Flag)));
    check("--password pw", OWN, &[], Ok((here, "pw", Flag)));
    check("", "{gateway: {bind: 'lan'}}", &[], Ok(("ws://127.0.0.1:18789", "", Nothing)));
    check(
        "",
        "{gateway: {auth: {password: 'p'}}}",
        &[],
        Ok(("ws://127.0.0.1:18789", "p", Config("gateway.auth.password"))),
    );
    check("", REMOTE, &[], Ok(("wss://far.example:443", "theirs", Config("gateway.remote.token"))));
    check("", "{gateway: {mode: 'remote'}}", &[], Err("gateway.remote.url"));
}

#[test]
fn secrets_go_only_where_they_belong() {
    let var = ("OPENCLAW_GATEWAY_TOKEN", "env");
    // The config's token and the environment's are for the config's gateway.
    check("--url ws://127.0.0.1:9", OWN, &[var], Err("--url needs --token"));
    check("--url ws://127.0.0.1:9 --token t", OWN, &[var], Ok(("ws://127.0.0.1:9", "t", Origin::Flag)));
    check("--url ws://far.example --token t", OWN, &[], Err("unencrypted"));
    check(
        "--url ws://far.example --token t --insecure",
        OWN,
        &[],
        Ok(("ws://far.example:80", "t", Origin::Flag)),
    );
    check(
        "",
        "{gateway: {mode: 'remote', remote: {url: 'ws://far.example', token: 't'}}}",
        &[],
        Err("unencrypted"),
    );
}

#[test]
fn an_issued_token_is_used_when_there_is_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let connect_once = |line: &str| {
        let (url, peer) = stand_in(|peer| peer.welcome(4));
        let port = url.rsplit(':').next().unwrap().to_owned();
        let context = context(dir.path(), &format!("{{gateway: {{port: {port}}}}}"), &[]);
        let args = args(line);
        let session = connect_to(target(&args, &context).unwrap(), &args, &context).unwrap();
        session.client.close();
        peer.join().unwrap()["auth"].clone()
    };
    assert_eq!(connect_once("--token shared"), serde_json::json!({"token": "shared"}));
    // The stand-in issued one with its welcome.
    assert_eq!(connect_once(""), serde_json::json!({"token": "dev-token"}));
}
