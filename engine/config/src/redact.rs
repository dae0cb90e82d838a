//! Secrets in a config, and what is shown in their place.
//!
//! What is a secret is told by its name, not by its value: upstream replaces the text of every secret wherever it stands,
//! so that a one-letter key mangles the whole document. Here each secret's own place is replaced and nothing else.

use serde_json::Value;

use crate::parse::parse;
use crate::path::KeyPath;
use crate::span::scalars;
use crate::substitute::is_reference;

/// What clients see instead of a secret, on both wires.
pub const REDACTED: &str = "__OPENCLAW_REDACTED__";

/// Ends of names whose values are secret, lower-case. `maxTokens` and `contextTokens` end otherwise.
const SECRET_ENDS: &[&str] = &[
    "token",
    "password",
    "passwd",
    "passphrase",
    "secret",
    "apikey",
    "api_key",
    "api-key",
    "privatekey",
    "private_key",
    "secretkey",
    "secret_key",
    "accesskey",
    "access_key",
    "signingkey",
    "encryptionkey",
    "authkey",
    "auth_key",
];

/// Whether the value at `at` is a secret, going by its name. Everything below `headers` is.
pub fn is_secret(at: &KeyPath) -> bool {
    if at.passes_through("headers") {
        return true;
    }
    let Some(name) = at.last_key() else { return false };
    let lower = name.to_ascii_lowercase();
    SECRET_ENDS.iter().any(|end| lower.ends_with(end)) || lower.contains("secret")
}

/// Whether this value, found where a secret belongs, gives anything away. A `${VAR}` does not, nor does an empty text;
/// a number might be somebody's password.
fn gives_away(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.is_empty() && !is_reference(text),
        Value::Number(_) => true,
        _ => false,
    }
}

/// `value` with its secrets replaced.
pub fn redact(value: &Value) -> Value {
    fn walk(value: &Value, at: &mut KeyPath) -> Value {
        match value {
            Value::Object(map) => Value::Object(
                map.iter()
                    .map(|(name, child)| {
                        at.push_key(name);
                        let child = walk(child, at);
                        at.pop();
                        (name.clone(), child)
                    })
                    .collect(),
            ),
            Value::Array(items) => Value::Array(
                items
                    .iter()
                    .enumerate()
                    .map(|(index, child)| {
                        at.push_index(index);
                        let child = walk(child, at);
                        at.pop();
                        child
                    })
                    .collect(),
            ),
            scalar if gives_away(scalar) && is_secret(at) => Value::String(REDACTED.to_owned()),
            scalar => scalar.clone(),
        }
    }
    walk(value, &mut KeyPath::root())
}

/// `raw`, a config text, with its secrets replaced in place; comments and layout stay.
///
/// The result is read again and must mean what [`redact`] makes of the document. Where it does not, or where `raw` is not
/// JSON5, a fresh text of the redacted document is returned: `None` when there is no document to show.
pub fn redact_text(raw: &str) -> Option<String> {
    let redacted = redact(&parse(raw).ok()?);
    let mut out = String::with_capacity(raw.len());
    let mut from = 0;
    let done = scalars(raw, &mut |path, range| {
        let Some(written) = raw.get(range.clone()) else { return };
        if is_secret(path) && parse(written).is_ok_and(|value| gives_away(&value)) {
            out.push_str(raw.get(from..range.start).unwrap_or(""));
            let quote = if written.starts_with('\'') { '\'' } else { '"' };
            out.push(quote);
            out.push_str(REDACTED);
            out.push(quote);
            from = range.end;
        }
    });
    out.push_str(raw.get(from..).unwrap_or(""));
    // Comments are shown as they are: what people write there is theirs, and no name says it is a secret.
    if done.is_some() && parse(&out).is_ok_and(|again| again == redacted) {
        Some(out)
    } else {
        serde_json::to_string_pretty(&redacted).ok()
    }
}

/// Puts the secrets of `current` back where `new` has [`REDACTED`], so that what was shown can be written. Items of lists
/// are matched by their `id`, else by position. Returns the places for which `current` has nothing.
pub fn restore(new: &mut Value, current: &Value) -> Vec<KeyPath> {
    fn walk(new: &mut Value, current: Option<&Value>, at: &mut KeyPath, lost: &mut Vec<KeyPath>) {
        match new {
            Value::String(text) if text == REDACTED => match current {
                Some(value @ (Value::String(_) | Value::Number(_))) => *new = value.clone(),
                _ => lost.push(at.clone()),
            },
            Value::Object(map) => {
                for (name, child) in map {
                    at.push_key(name);
                    walk(child, current.and_then(|current| current.get(name)), at, lost);
                    at.pop();
                }
            }
            Value::Array(items) => {
                let olds = current.and_then(Value::as_array);
                for (index, child) in items.iter_mut().enumerate() {
                    let old = olds.and_then(|olds| match child.get("id") {
                        Some(id) => olds.iter().find(|old| old.get("id") == Some(id)),
                        None => olds.get(index),
                    });
                    at.push_index(index);
                    walk(child, old, at, lost);
                    at.pop();
                }
            }
            _ => {}
        }
    }
    let mut lost = Vec::new();
    walk(new, Some(current), &mut KeyPath::root(), &mut lost);
    lost
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;
    use serde_json::json;

    use super::*;

    #[test]
    fn names_tell_secrets() {
        for (path, secret) in [
            ("gateway.auth.token", true),
            ("channels.telegram.botToken", true),
            ("models.providers.x.apiKey", true),
            ("models.providers.x.headers.X-Custom", true),
            ("env.vars.OPENAI_API_KEY", true),
            ("hooks.tokens[0]", false),
            ("commands.ownerDisplaySecret", true),
            ("a.password[0]", true),
            ("models.providers.x.models[0].maxTokens", false),
            ("agents.defaults.contextTokens", false),
            ("session.mainKey", false),
            ("gateway.tls.keyPath", false),
        ] {
            assert_eq!(is_secret(&KeyPath::parse(path).unwrap()), secret, "{path}");
        }
    }

    #[track_caller]
    fn check(raw: &str, want: &str) {
        let got = redact_text(raw).unwrap();
        assert_eq!(got, want);
        assert_eq!(parse(&got).unwrap(), redact(&parse(raw).unwrap()));
    }

    #[test]
    fn only_the_secrets_own_place_changes() {
        // The key is "k": upstream turned every k of the document into the placeholder.
        check(
            "{ // keep k\n  models: { providers: { mock: { apiKey: \"k\", id: 'k' } } } }",
            "{ // keep k\n  models: { providers: { mock: { apiKey: \"__OPENCLAW_REDACTED__\", id: 'k' } } } }",
        );
        check(
            "{token: 'a\\'b', token: \"\", password: 1234}",
            "{token: '__OPENCLAW_REDACTED__', token: \"\", password: \"__OPENCLAW_REDACTED__\"}",
        );
        check("{tok\\u0065n: 'x'}", "{tok\\u0065n: '__OPENCLAW_REDACTED__'}");
        check(
            "{token: \"${T}\", a: {token: true, secret: null}}",
            "{token: \"${T}\", a: {token: true, secret: null}}",
        );
        check(
            "{headers: {a: ['x'], b: {c: 'y'}}}",
            "{headers: {a: ['__OPENCLAW_REDACTED__'], b: {c: '__OPENCLAW_REDACTED__'}}}",
        );
        assert_eq!(redact_text("{token: 'x'"), None, "no document, nothing shown");
    }

    #[test]
    fn shown_secrets_can_be_written_back() {
        let current =
            json!({"token": "t", "list": [{"id": "a", "apiKey": "ka"}, {"id": "b", "apiKey": "kb"}]});
        let mut new = redact(&current);
        new["list"].as_array_mut().unwrap().swap(0, 1);
        assert!(restore(&mut new, &current).is_empty());
        assert_eq!(
            new,
            json!({"token": "t", "list": [{"id": "b", "apiKey": "kb"}, {"id": "a", "apiKey": "ka"}]})
        );
        let mut stray = json!({"other": {"token": REDACTED}});
        let lost: Vec<String> = restore(&mut stray, &current).iter().map(KeyPath::to_string).collect();
        assert_eq!(lost, ["other.token"]);
    }

    /// Space, comments and line ends as JSON5 allows them between tokens.
    fn space() -> impl Strategy<Value = &'static str> {
        select(&["", "", " ", "\n", "\t\r\n", "// '\n", "/* \" */", "\u{2028}", "// x\u{2029}", "\u{a0}"][..])
    }

    /// A JSON5 value in which `s3cr3t` stands where a secret belongs, and nowhere else.
    fn document() -> impl Strategy<Value = String> {
        let secret_name =
            select(&["token", "'token'", "\"t\\u006fken\"", "to\\u006ben", "apiKey", "X_SECRET"][..]);
        let secret = select(&["'s3cr3t'", "\"s3cr3t\"", "'\\'s3cr3t'", "'a\\\ns3cr3t'", "['s3cr3t', 1]"][..]);
        let plain =
            select(&["1", "-.5e3", "null", "'x'", "\"//\"", "'}'", "true", "Infinity", "'${TOKEN}'"][..]);
        let name = select(&["a", "'b c'", "\"token-list\"", "$x", "maxTokens"][..]);
        let leaf = plain.prop_map(str::to_owned).boxed();
        leaf.prop_recursive(4, 24, 4, move |inner| {
            let entry = (name.clone(), space(), space(), inner.clone(), space())
                .prop_map(|(name, a, b, value, c)| format!("{name}{a}:{b}{value}{c}"));
            let hidden = (secret_name.clone(), space(), secret.clone())
                .prop_map(|(name, space, value)| format!("{space}{name}:{value}"));
            let entries = vec(prop_oneof![entry, hidden], 0..4);
            let object =
                (space(), entries, space(), select(&["", ","][..])).prop_map(|(a, entries, b, end)| {
                    let end = if entries.is_empty() { "" } else { end };
                    format!("{{{a}{}{end}{b}}}", entries.join(","))
                });
            let list = (vec(inner, 0..3), space()).prop_map(|(items, a)| format!("[{}{a}]", items.join(",")));
            prop_oneof![3 => object, 1 => list]
        })
    }

    proptest! {
        /// No secret survives, whatever the layout; and what is shown means the redacted document, and is made in place.
        #[test]
        fn no_secret_is_shown(before in space(), raw in document()) {
            let raw = format!("{before}{raw}");
            let parsed = parse(&raw).expect("the generator writes JSON5");
            let shown = redact_text(&raw).expect("there is a document");
            prop_assert!(!shown.contains("s3cr3t"), "{} -> {}", raw, shown);
            prop_assert_eq!(parse(&shown).unwrap(), redact(&parsed));
            prop_assert!(scalars(&raw, &mut |_, _| ()).is_some(), "not understood: {}", raw);
        }
    }
}
