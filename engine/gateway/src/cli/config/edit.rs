//! `pincer config set` and `unset`.

use std::path::Path;
use std::process::ExitCode;

use pincer_config::path::Step;
use pincer_config::redact::{REDACTED, is_secret};
use pincer_config::{Issue, KeyPath, Loaded, parse};
use serde_json::{Value, json};

use super::{SetArgs, UnsetArgs};
use crate::cli::context::load_text;
use crate::cli::file::backup;
use crate::cli::prepare::{adopt, write_config};
use crate::cli::{Context, Failure, Global, Output};

/// Changes one value. Refused when the config would then have errors that it does not have now.
pub(super) fn set(args: &SetArgs, global: &Global, output: &Output) -> Result<ExitCode, Failure> {
    let path = KeyPath::parse(&args.path).map_err(Failure::new)?;
    let mut context = open(global, output)?;
    let as_text = Value::String(args.value.clone());
    let value = if args.string {
        as_text.clone()
    } else {
        parse::parse(&args.value).unwrap_or_else(|_| as_text.clone())
    };
    if value.as_str() == Some(REDACTED) {
        return Err(Failure::new("this is the placeholder for a secret, not a secret")
            .fix("`pincer config get PATH --show-secrets` prints the secret itself"));
    }
    let written = |value: &Value| {
        let mut document = context.loaded.parsed.clone();
        path.set(&mut document, value.clone())
            .map_err(|_| Failure::new(format!("{path} leads through something that is no object or list")))?;
        Ok::<Value, Failure>(document)
    };
    let mut document = written(&value)?;
    let mut value = value;
    let mut new = new_issues(&context, &document);
    if !new.is_empty() && !value.is_string() {
        // `config set gateway.auth.token 123456` means a text, although it looks like a number.
        let textual = written(&as_text)?;
        let issues = new_issues(&context, &textual);
        if issues.is_empty() {
            (document, new, value) = (textual, issues, as_text);
        }
    }
    if !new.is_empty() {
        let lines: Vec<String> = new.iter().map(Issue::to_string).collect();
        return Err(Failure::new(format!("not written: {}", lines.join("\n       ")))
            .fix("`pincer config schema` lists what each key takes"));
    }
    finish(&mut context, document, output)?;
    let shown = if is_secret(&path) { Value::String("(hidden)".to_owned()) } else { value };
    report(&context, &format!("{path} = {shown}"), output);
    Ok(ExitCode::SUCCESS)
}

/// Removes one value.
pub(super) fn unset(args: &UnsetArgs, global: &Global, output: &Output) -> Result<ExitCode, Failure> {
    let path = KeyPath::parse(&args.path).map_err(Failure::new)?;
    let mut context = open(global, output)?;
    let mut document = context.loaded.parsed.clone();
    if !remove(&mut document, path.steps()) {
        return Err(Failure::new(format!("{path} is not set in this file")));
    }
    let new = new_issues(&context, &document);
    if let Some(issue) = new.first() {
        return Err(Failure::new(format!("not written: {issue}")));
    }
    finish(&mut context, document, output)?;
    report(&context, &format!("{path} is removed"), output);
    Ok(ExitCode::SUCCESS)
}

/// Opens the config for writing. OpenClaw's is copied first and never written.
fn open(global: &Global, output: &Output) -> Result<Context, Failure> {
    let mut context = Context::open(global)?;
    if let Some(issue) = context.loaded.issues.iter().find(|issue| issue.path.is_empty()) {
        return Err(Failure::config(format!("the config cannot be read, so it cannot be changed: {issue}"))
            .fix("correct it with an editor first"));
    }
    if let Some(note) = adopt(&mut context)? {
        output.remark(note);
    }
    Ok(context)
}

fn finish(context: &mut Context, document: Value, output: &Output) -> Result<(), Failure> {
    let comments = context.raw.as_deref().is_some_and(has_comments);
    let path = context.located.config_path.clone();
    write_config(context, document)?;
    if comments {
        let copy = backup(&path, 0);
        output.remark(format!("comments are not kept; the file as it was is {}", copy.display()));
    }
    for warning in &context.loaded.warnings {
        output.remark(format!("warning: {warning}"));
    }
    Ok(())
}

fn report(context: &Context, done: &str, output: &Output) {
    if output.is_json() {
        output
            .document(&json!({"ok": true, "path": context.located.config_path, "hash": context.loaded.hash}));
    } else {
        output.line(done);
    }
}

/// The errors that `document` would have and the config has not.
fn new_issues(context: &Context, document: &Value) -> Vec<Issue> {
    let path: &Path = &context.located.config_path;
    let after: Loaded = load_text(&document.to_string(), path, &context.environment);
    after.issues.into_iter().filter(|issue| !context.loaded.issues.contains(issue)).collect()
}

/// Removes the value at `steps`; whether there was one.
fn remove(value: &mut Value, steps: &[Step]) -> bool {
    let Some((last, outer)) = steps.split_last() else { return false };
    let parent = outer.iter().try_fold(value, |value, step| match step {
        Step::Key(name) => value.get_mut(name.as_str()),
        Step::Index(index) if value.is_array() => value.get_mut(*index),
        Step::Index(index) => value.get_mut(index.to_string().as_str()),
    });
    match (parent, last) {
        (Some(Value::Object(map)), Step::Key(name)) => map.shift_remove(name).is_some(),
        (Some(Value::Object(map)), Step::Index(index)) => map.shift_remove(&index.to_string()).is_some(),
        (Some(Value::Array(items)), Step::Index(index)) if *index < items.len() => {
            items.remove(*index);
            true
        }
        _ => false,
    }
}

/// Whether a text has comments: whether something is left of it that its values do not explain. Strings hold slashes
/// too, so they are taken out first.
fn has_comments(raw: &str) -> bool {
    let mut without = raw.to_owned();
    let mut spans = Vec::new();
    if pincer_config::span::scalars(raw, &mut |_, range| spans.push(range)).is_none() {
        return false;
    }
    for range in spans.into_iter().rev() {
        without.replace_range(range, "0");
    }
    without.contains("//") || without.contains("/*")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn global(dir: &Path) -> Global {
        Global { state_dir: Some(dir.to_owned()), config: Some(dir.join("c.json")), ..Global::default() }
    }

    fn set_in(dir: &Path, path: &str, value: &str) -> Result<String, Failure> {
        let args = SetArgs { path: path.to_owned(), value: value.to_owned(), string: false };
        set(&args, &global(dir), &Output::new(true))?;
        Ok(fs::read_to_string(dir.join("c.json")).unwrap())
    }

    fn file(raw: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("c.json"), raw).unwrap();
        dir
    }

    #[track_caller]
    fn check(raw: &str, path: &str, value: &str, want: Result<Value, &str>) {
        let dir = file(raw);
        match (set_in(dir.path(), path, value), want) {
            (Ok(text), Ok(want)) => {
                let mut got: Value = serde_json::from_str(&text).unwrap();
                got.as_object_mut().unwrap().shift_remove("meta");
                assert_eq!(got, want);
                assert_eq!(fs::read_to_string(dir.path().join("c.json.bak")).unwrap(), raw);
            }
            (Err(failure), Err(want)) => {
                assert!(failure.message.contains(want), "{}", failure.message);
                assert_eq!(
                    fs::read_to_string(dir.path().join("c.json")).unwrap(),
                    raw,
                    "nothing was written"
                );
            }
            (got, want) => panic!("{got:?} instead of {want:?}"),
        }
    }

    #[test]
    fn one_value_changes_and_the_rest_stays() {
        check(
            "{b: 1, /* c */ gateway: {port: 1, x: [1]}}",
            "gateway.port",
            "2",
            Ok(json!({"b": 1, "gateway": {"port": 2, "x": [1]}})),
        );
        check("{}", "agents.list[0].id", "ops", Ok(json!({"agents": {"list": [{"id": "ops"}]}})));
        check(
            "{agents: {list: []}}",
            "agents.list[0]",
            "{id: 'ops'}",
            Ok(json!({"agents": {"list": [{"id": "ops"}]}})),
        );
        check("{}", "gateway.auth.token", "123456", Ok(json!({"gateway": {"auth": {"token": "123456"}}})));
        check("{}", "commands.text", "false", Ok(json!({"commands": {"text": false}})));
        check("{}", "gateway.bind", "lan", Ok(json!({"gateway": {"bind": "lan"}})));
    }

    #[test]
    fn what_would_not_start_is_not_written() {
        check(
            "{}",
            "gateway.port",
            "abc",
            Err("gateway.port: Invalid input: expected number, received string"),
        );
        check("{}", "gateway.port", "70000", Err("Too big"));
        check("{gateway: 1}", "gateway.port", "5", Err("leads through"));
        check("{}", "gateway.auth.token", REDACTED, Err("placeholder"));
        check("{", "gateway.port", "5", Err("cannot be read"));
        // A fault that is there already does not stand in the way of mending another.
        check(
            "{gateway: {port: 'x', bind: 'y'}}",
            "gateway.port",
            "5",
            Ok(json!({"gateway": {"port": 5, "bind": "y"}})),
        );
    }

    #[test]
    fn values_can_be_removed() {
        let dir = file("{gateway: {port: 5, bind: 'lan'}, agents: {list: [{id: 'a'}, {id: 'b'}]}}");
        let take =
            |path: &str| unset(&UnsetArgs { path: path.to_owned() }, &global(dir.path()), &Output::new(true));
        take("gateway.port").unwrap();
        take("agents.list[0]").unwrap();
        assert!(take("gateway.port").is_err());
        let text = fs::read_to_string(dir.path().join("c.json")).unwrap();
        let mut left: Value = serde_json::from_str(&text).unwrap();
        left.as_object_mut().unwrap().shift_remove("meta");
        assert_eq!(left, json!({"gateway": {"bind": "lan"}, "agents": {"list": [{"id": "b"}]}}));
    }

    #[test]
    fn comments_are_told_from_slashes() {
        assert!(has_comments("{a: 1 // x\n}"));
        assert!(has_comments("{/**/}"));
        assert!(!has_comments("{a: 'http://x'}"));
        assert!(has_comments("{'b//c': 1}"), "a name with slashes is mistaken, which costs a remark");
    }
}
