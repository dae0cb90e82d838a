//! `config.get`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::NOTHING;
use crate::Wire;
use crate::access::{Access, Scope};
use crate::method::Rpc;
use crate::schema::Object;

/// The config file as written and as understood, secrets replaced.
pub struct Get;

/// Params of [`Get`]: none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub struct GetParams {}

/// Payload of [`Get`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GetPayload {
    /// The file's path.
    pub path: String,
    /// Whether there is such a file.
    pub exists: bool,
    /// Its text; `null` without a file.
    pub raw: Option<String>,
    /// The document.
    pub parsed: Value,
    /// The document with includes and variables replaced.
    pub resolved: Value,
    /// Whether a gateway may start with it.
    pub valid: bool,
    /// What the gateway works with: the document and the defaults.
    pub config: Value,
    /// What `config.set` and its kind want as `baseHash`.
    pub hash: String,
    /// What stops a start.
    pub issues: Vec<Issue>,
    /// What does not.
    pub warnings: Vec<Issue>,
    /// Settings that moved elsewhere. Old places are read as they are, so always empty.
    pub legacy_issues: Vec<Issue>,
    /// What protocol 4 adds.
    #[serde(flatten)]
    pub v4: Option<GetV4>,
}

/// What protocol 4 adds to [`GetPayload`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GetV4 {
    /// Files merged in by `$include`.
    pub included_paths: Vec<String>,
    /// Where in the document each went.
    pub include_provenance: Vec<IncludeOrigin>,
    /// Whether an included file brings the agents, so that they cannot be changed in this one.
    pub agent_roster_include_owned: bool,
    /// The same of the bindings.
    pub bindings_include_owned: bool,
    /// The document as its owner wrote it.
    pub source_config: Value,
    /// What the running gateway works with.
    pub runtime_config: Value,
    /// Changes with the meaning of the config.
    pub config_revision_hash: String,
    /// The revision that the running gateway uses.
    pub applied_config_hash: String,
}

/// Where an included file went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IncludeOrigin {
    /// Place in the document; empty for its root.
    pub path: String,
    /// The file.
    pub file: String,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Issue {
    /// Place in the document; empty for its root.
    pub path: String,
    /// What is wrong.
    pub message: String,
}

impl Rpc for Get {
    const NAME: &'static str = "config.get";
    const ACCESS: Access = Access::scope(Scope::Read);
    type Params = GetParams;
    type Payload = GetPayload;

    fn schema(_: Wire) -> Option<&'static Object> {
        Some(&NOTHING)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Parser;
    use crate::schema::check;

    #[test]
    fn takes_nothing_and_says_so() {
        let read = |text: &str, wire: Wire| {
            let schema = <Get as Rpc>::schema(wire).unwrap();
            Parser::default()
                .parse(&mut text.as_bytes().to_vec(), |node| check(wire, schema, Some(node)))
                .unwrap()
        };
        assert_eq!(read("{}", Wire::V3), Ok(()));
        for wire in [Wire::V3, Wire::V4] {
            assert_eq!(read(r#"{"x":1}"#, wire), Err("at root: unexpected property 'x'".to_owned()));
        }
    }

    #[test]
    fn only_protocol_4_sees_its_own_keys() {
        let issue = Issue { path: String::new(), message: "m".into() };
        let v3 = GetPayload {
            path: "p".into(),
            exists: false,
            raw: None,
            parsed: Value::Null,
            resolved: Value::Null,
            valid: true,
            config: Value::Null,
            hash: "h".into(),
            issues: vec![issue],
            warnings: vec![],
            legacy_issues: vec![],
            v4: None,
        };
        assert_eq!(
            serde_json::to_string(&v3).unwrap(),
            r#"{"path":"p","exists":false,"raw":null,"parsed":null,"resolved":null,"valid":true,"config":null,"hash":"h","issues":[{"path":"","message":"m"}],"warnings":[],"legacyIssues":[]}"#
        );
    }
}
