//! From the text of a config file to a [`Config`].

use std::io;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::hash::sha256_hex;
use crate::include::{Included, Includer};
use crate::issue::{Issue, Issues};
use crate::parse::parse;
use crate::path::KeyPath;
use crate::redact::is_secret;
use crate::section::Config;
use crate::substitute::substitute;
use crate::table::{ROOT, check::check};

/// A config, read.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// What the gateway works with: defaults where the file is silent or wrong.
    pub config: Config,
    /// The document as written.
    pub parsed: Value,
    /// The same with includes and variables replaced.
    pub resolved: Value,
    /// What stops a start.
    pub issues: Vec<Issue>,
    /// What does not.
    pub warnings: Vec<Issue>,
    /// SHA-256 of the text, hex; what v3 calls the hash.
    pub hash: String,
    /// Files that were merged in.
    pub included: Vec<Included>,
}

impl Loaded {
    /// Whether a gateway may start with this.
    pub fn valid(&self) -> bool {
        self.issues.is_empty()
    }

    /// What a missing file means: all defaults.
    pub fn absent() -> Loaded {
        let empty = Value::Object(Map::new());
        Loaded {
            config: Config::default(),
            parsed: empty.clone(),
            resolved: empty,
            issues: Vec::new(),
            warnings: Vec::new(),
            hash: sha256_hex(""),
            included: Vec::new(),
        }
    }
}

/// Reads `raw`, the text of the config file at `origin`.
///
/// `read_include` gets normalised paths below the folder of `origin` and should refuse links that lead out of it. `env`
/// answers for `${VAR}`. Never fails: what is wrong is in [`Loaded::issues`], and the config holds defaults in its place.
pub fn load(
    raw: &str,
    origin: &Path,
    read_include: &mut dyn FnMut(&str) -> io::Result<String>,
    env: &dyn Fn(&str) -> Option<String>,
) -> Loaded {
    let mut issues = Issues::default();
    let mut loaded = Loaded { hash: sha256_hex(raw), ..Loaded::absent() };
    match parse(raw) {
        Ok(parsed) => loaded.parsed = parsed,
        Err(error) => {
            issues.push(Issue::error("", format!("JSON5 parse failed: {error}")));
            (loaded.issues, loaded.warnings) = issues.split();
            return loaded;
        }
    }
    let (whole, included) = Includer::new(origin, read_include, &mut issues).resolve(&loaded.parsed, origin);
    loaded.included = included;
    loaded.resolved = substitute(&whole, env, &mut issues);
    let mut effective = loaded.resolved.clone();
    fill_secret_refs(&mut effective, env, &mut issues);
    if let Some(checked) = check(&ROOT, &effective, &mut issues) {
        match Config::deserialize(&checked) {
            Ok(config) => loaded.config = config,
            // The table and the structs disagree: our mistake, found by a property test. Not a reason to run on
            // defaults in silence.
            Err(error) => issues.push(Issue::error("", format!("Invalid input: {error}"))),
        }
    }
    remark(&loaded.config, &mut issues);
    (loaded.issues, loaded.warnings) = issues.split();
    loaded
}

/// Replaces `{source: "env", id: "VAR"}` where a secret is expected by the variable's value.
fn fill_secret_refs(value: &mut Value, env: &dyn Fn(&str) -> Option<String>, issues: &mut Issues) {
    fn walk(value: &mut Value, at: &mut KeyPath, env: &dyn Fn(&str) -> Option<String>, issues: &mut Issues) {
        match value {
            Value::Object(map) if is_secret(at) && map.contains_key("source") => {
                let source = map.get("source").and_then(Value::as_str).unwrap_or("");
                let id = map.get("id").and_then(Value::as_str).unwrap_or("");
                if source != "env" {
                    let message =
                        format!("secret source \"{source}\" is not supported; use \"env\" or ${{VAR}}");
                    issues.push(Issue::error(&*at, message));
                    return;
                }
                match env(id).filter(|text| !text.is_empty()) {
                    Some(text) => *value = Value::String(text),
                    None => {
                        let message = format!("Missing env var \"{id}\" referenced at config path: {at}");
                        issues.push(Issue::error(&*at, message));
                    }
                }
            }
            Value::Object(map) => {
                for (name, child) in map {
                    at.push_key(name);
                    walk(child, at, env, issues);
                    at.pop();
                }
            }
            Value::Array(items) => {
                for (index, child) in items.iter_mut().enumerate() {
                    at.push_index(index);
                    walk(child, at, env, issues);
                    at.pop();
                }
            }
            _ => {}
        }
    }
    walk(value, &mut KeyPath::root(), env, issues);
}

/// Warns about what is well-formed but will not do what its writer expects.
fn remark(config: &Config, issues: &mut Issues) {
    for (path, message) in config.messages.queue.unknown() {
        issues.push(Issue::warning(format!("messages.queue.{path}"), message));
    }
    for (path, message) in config.agents.oddities() {
        issues.push(Issue::warning(format!("agents.{path}"), message));
    }
    for agent in config.agents.roster() {
        for wanted in config.model_chain(&agent.id) {
            if config.model(&wanted).is_none() {
                let what = match config.provider(&wanted.provider) {
                    Some(_) => {
                        format!("model \"{wanted}\" is not among models.providers.{}", wanted.provider)
                    }
                    None => format!("no models.providers.{} for model \"{wanted}\"", wanted.provider),
                };
                let issue = Issue::warning("agents", what);
                issues.push_once(issue);
            }
        }
    }
}

#[cfg(test)]
mod tests;
