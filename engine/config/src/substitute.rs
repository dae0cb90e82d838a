//! `${VAR}` in config strings.
//!
//! Names are upper-case (`[A-Z_][A-Z0-9_]*`), as upstream has it; anything else after `$` is left as it is, and
//! `$${VAR}` stands for a literal `${VAR}`. A variable that is missing or empty is an error that names the place, since
//! a gateway whose token is the text `${TOKEN}` would be open to everyone who can guess that.

use serde_json::{Map, Value};

use crate::issue::{Issue, Issues};
use crate::path::KeyPath;

/// `value` with every `${VAR}` replaced. Where a variable is missing the text stays as written.
pub fn substitute(value: &Value, env: &dyn Fn(&str) -> Option<String>, issues: &mut Issues) -> Value {
    // Variables that the config itself sets come last: nothing overrides what is set already.
    let own = value.get("env");
    let lookup = |name: &str| {
        let own = || {
            let vars = own.and_then(|env| env.get("vars")).and_then(|vars| vars.get(name));
            vars.or_else(|| own?.get(name)).and_then(Value::as_str).map(str::to_owned)
        };
        env(name).filter(|text| !text.is_empty()).or_else(own).filter(|text| !text.is_empty())
    };
    walk(value, &lookup, &mut KeyPath::root(), issues)
}

fn walk(
    value: &Value,
    lookup: &dyn Fn(&str) -> Option<String>,
    at: &mut KeyPath,
    issues: &mut Issues,
) -> Value {
    match value {
        Value::String(text) => Value::String(replace(text, lookup, at, issues)),
        Value::Array(items) => {
            let mut out = Vec::with_capacity(items.len());
            for (index, item) in items.iter().enumerate() {
                at.push_index(index);
                out.push(walk(item, lookup, at, issues));
                at.pop();
            }
            Value::Array(out)
        }
        Value::Object(map) => {
            let mut out = Map::new();
            for (name, child) in map {
                at.push_key(name);
                out.insert(name.clone(), walk(child, lookup, at, issues));
                at.pop();
            }
            Value::Object(out)
        }
        other => other.clone(),
    }
}

fn replace(text: &str, lookup: &dyn Fn(&str) -> Option<String>, at: &KeyPath, issues: &mut Issues) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let (escaped, body) = match after.strip_prefix("${") {
            Some(body) => (true, Some(body)),
            None => (false, after.strip_prefix('{')),
        };
        let Some((name, tail)) = body.and_then(|body| body.split_once('}')).filter(|(name, _)| is_name(name))
        else {
            out.push('$');
            rest = after;
            continue;
        };
        match (escaped, lookup(name)) {
            (false, Some(found)) => out.push_str(&found),
            (escaped, _) => {
                if !escaped {
                    let message = format!("Missing env var \"{name}\" referenced at config path: {at}");
                    issues.push(Issue::error(at, message));
                }
                out.push_str("${");
                out.push_str(name);
                out.push('}');
            }
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// Whether `text` is exactly one `${VAR}`: a reference that is no secret itself.
pub fn is_reference(text: &str) -> bool {
    text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).is_some_and(is_name)
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|byte| byte.is_ascii_uppercase() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(text: &str, want: &str, errors: &[&str]) {
        let env = |name: &str| match name {
            "TOKEN" => Some("t0k".to_owned()),
            "EMPTY" | "BLANK" => Some(String::new()),
            "NESTED" => Some("${TOKEN}".to_owned()),
            _ => None,
        };
        let mut issues = Issues::default();
        let value = json!({"a": {"b": [text]}, "env": {"vars": {"OWN": "mine", "TOKEN": "not this", "BLANK": "own"}}});
        let out = substitute(&value, &env, &mut issues);
        assert_eq!(out["a"]["b"][0], want);
        let got: Vec<String> = issues.split().0.into_iter().map(|issue| issue.message).collect();
        assert_eq!(got, errors, "{text:?}");
    }

    #[test]
    fn variables() {
        check("Bearer ${TOKEN}!", "Bearer t0k!", &[]);
        check("${OWN}", "mine", &[]);
        check("${BLANK}", "own", &[]);
        check("${NESTED}", "${TOKEN}", &[]);
        check("$${TOKEN} $TOKEN ${lower} ${A-B} $ ${", "${TOKEN} $TOKEN ${lower} ${A-B} $ ${", &[]);
        check("${GONE}", "${GONE}", &["Missing env var \"GONE\" referenced at config path: a.b.0"]);
        check("${EMPTY}x", "${EMPTY}x", &["Missing env var \"EMPTY\" referenced at config path: a.b.0"]);
        check("$$${TOKEN}", "$${TOKEN}", &[]);
    }
}
