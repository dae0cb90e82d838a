//! What `config.get` answers.

use pincer_protocol::Wire;
use pincer_protocol::method::config::{GetPayload, GetV4, IncludeOrigin, Issue as IssueRow};
use serde_json::{Value, json};

use crate::hash::keyed;
use crate::include::merge;
use crate::issue::Issue;
use crate::load::Loaded;
use crate::redact::{redact, redact_text};

/// A config file as it is now, and what the gateway runs with.
#[derive(Debug, Clone, Copy)]
pub struct Snapshot<'s> {
    /// The file's path.
    pub path: &'s str,
    /// Its text; `None` when there is no such file.
    pub raw: Option<&'s str>,
    /// The text, loaded.
    pub loaded: &'s Loaded,
    /// The config the gateway runs with; differs from `loaded` after an edit that waits for a restart.
    pub applied: &'s Loaded,
    /// Key of v4's hashes; random, as long-lived as the state directory.
    pub hash_key: &'s [u8; 32],
}

impl Snapshot<'_> {
    /// The hash that a write has to bring as `baseHash`.
    pub fn hash(&self, wire: Wire) -> String {
        match wire {
            Wire::V3 => self.loaded.hash.clone(),
            Wire::V4 => keyed(self.hash_key, self.raw.unwrap_or("")),
        }
    }

    /// v4's hash of what the running config means; also in `hello-ok`.
    pub fn applied_hash(&self) -> String {
        revision(self.hash_key, self.applied)
    }

    /// The answer on `wire`.
    pub fn payload(&self, wire: Wire) -> GetPayload {
        let loaded = self.loaded;
        let config = redact(&with_defaults(&loaded.resolved, wire));
        let v4 = (wire == Wire::V4).then(|| self.v4(&config));
        GetPayload {
            path: self.path.to_owned(),
            exists: self.raw.is_some(),
            raw: self.raw.and_then(redact_text),
            parsed: redact(&loaded.parsed),
            resolved: redact(&loaded.resolved),
            valid: loaded.valid(),
            config,
            hash: self.hash(wire),
            issues: rows(&loaded.issues),
            warnings: rows(&loaded.warnings),
            legacy_issues: Vec::new(),
            v4,
        }
    }

    fn v4(&self, config: &Value) -> GetV4 {
        let included = &self.loaded.included;
        let owned = |section: &str| {
            included.iter().any(|file| file.path == section || file.path.starts_with(&format!("{section}.")))
        };
        GetV4 {
            included_paths: included.iter().map(|file| file.file.clone()).collect(),
            include_provenance: included
                .iter()
                .map(|file| IncludeOrigin { path: file.path.clone(), file: file.file.clone() })
                .collect(),
            agent_roster_include_owned: owned("agents"),
            bindings_include_owned: owned("bindings"),
            source_config: redact(&self.loaded.resolved),
            runtime_config: config.clone(),
            config_revision_hash: revision(self.hash_key, self.loaded),
            applied_config_hash: self.applied_hash(),
        }
    }
}

fn revision(key: &[u8; 32], loaded: &Loaded) -> String {
    // A prefix keeps this apart from the hash of a file that holds the same text.
    keyed(key, &format!("revision\n{}", loaded.resolved))
}

fn rows(issues: &[Issue]) -> Vec<IssueRow> {
    issues.iter().map(|issue| IssueRow { path: issue.path.clone(), message: issue.message.clone() }).collect()
}

/// The document with what each upstream version fills in; clients show these as the settings in force.
pub fn with_defaults(resolved: &Value, wire: Wire) -> Value {
    let mut config = match wire {
        Wire::V3 => json!({
            "agents": {"defaults": {
                "compaction": {"mode": "safeguard"}, "maxConcurrent": 4, "subagents": {"maxConcurrent": 8},
            }},
            "messages": {"ackReactionScope": "group-mentions"},
            "commands": {"native": "auto", "nativeSkills": "auto", "restart": true, "ownerDisplay": "raw"},
        }),
        Wire::V4 => json!({
            "agents": {"defaults": {
                "maxConcurrent": 8, "subagents": {"maxConcurrent": 8, "archiveAfterMinutes": 60},
                "compaction": {"mode": "safeguard"},
            }},
            "messages": {"ackReactionScope": "group-mentions"},
            "commands": {"native": "auto", "nativeSkills": "auto", "restart": true},
        }),
    };
    if !resolved.is_object() {
        return config;
    }
    merge(&mut config, resolved.clone());
    if wire == Wire::V4 {
        name_apis(&mut config);
    }
    config
}

/// v4 repeats a provider's `api` in each of its models.
fn name_apis(config: &mut Value) {
    let providers = config.pointer_mut("/models/providers").and_then(Value::as_object_mut);
    for provider in providers.into_iter().flat_map(|providers| providers.values_mut()) {
        let Some(api) = provider.get("api").filter(|api| api.is_string()).cloned() else { continue };
        let models = provider.get_mut("models").and_then(Value::as_array_mut);
        for model in models.into_iter().flatten().filter_map(Value::as_object_mut) {
            model.entry("api").or_insert_with(|| api.clone());
        }
    }
}

#[cfg(test)]
mod tests;
