//! `$include`: other files merged into a config.
//!
//! `"$include": "./agents.json5"`, or a list of files, at any level. The named files are merged in order, then the keys
//! beside `$include` go over them: objects merge, arrays are joined, everything else is replaced. Paths are relative to
//! the file that names them and must stay inside the folder of the config file, as upstream requires since an include
//! could otherwise pull any readable file into what `config.get` shows. Links that lead outside are the reader's
//! business: it alone sees the file system.

use std::io;
use std::path::{Component, Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::issue::{Issue, Issues};
use crate::parse::{DEPTH_MAX, parse};
use crate::path::KeyPath;

/// Deepest chain of files naming files; upstream's bound.
pub const CHAIN_MAX: usize = 10;
/// Most files one config may be made of, so that a chain of doubling includes stays small.
pub const FILES_MAX: usize = 100;
/// Most bytes of all included files together.
pub const BYTES_MAX: usize = 16 << 20;

/// A file that was merged in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Included {
    /// Where in the config its content went; empty for the root.
    pub path: String,
    /// The file's absolute path.
    pub file: String,
}

/// Resolves includes of one config.
pub struct Includer<'r> {
    read: &'r mut dyn FnMut(&str) -> io::Result<String>,
    root: PathBuf,
    issues: &'r mut Issues,
    included: Vec<Included>,
    bytes: usize,
    failed: bool,
}

impl<'r> Includer<'r> {
    /// An includer for the config file at `origin`. `read` gets normalised paths.
    pub fn new(
        origin: &Path,
        read: &'r mut dyn FnMut(&str) -> io::Result<String>,
        issues: &'r mut Issues,
    ) -> Includer<'r> {
        let root = normalize(origin.parent().unwrap_or(Path::new("")));
        Includer { read, root, issues, included: Vec::new(), bytes: 0, failed: false }
    }

    /// `value` with everything included, and which files that were. A file that cannot be included is an error at its
    /// place, and the config goes on without it.
    pub fn resolve(mut self, value: &Value, origin: &Path) -> (Value, Vec<Included>) {
        let mut chain = vec![normalize(origin)];
        let resolved = self.walk(value, &mut KeyPath::root(), &mut chain, 0);
        (resolved, self.included)
    }

    fn fail(&mut self, at: &KeyPath, message: String) {
        self.failed = true;
        self.issues.push(Issue::error(at, format!("Include resolution failed: {message}")));
    }

    fn walk(&mut self, value: &Value, at: &mut KeyPath, chain: &mut Vec<PathBuf>, depth: usize) -> Value {
        match value {
            // Included files bring their own depth; together they must stay walkable too.
            Value::Object(_) | Value::Array(_) if depth > DEPTH_MAX => {
                self.fail(at, format!("nesting deeper than {DEPTH_MAX} levels"));
                Value::Null
            }
            Value::Object(map) => match map.get("$include") {
                None => Value::Object(self.walk_entries(map, at, chain, depth)),
                Some(directive) => self.include(directive, map, at, chain, depth),
            },
            Value::Array(items) => {
                let mut out = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    at.push_index(index);
                    out.push(self.walk(item, at, chain, depth + 1));
                    at.pop();
                }
                Value::Array(out)
            }
            other => other.clone(),
        }
    }

    fn walk_entries(
        &mut self,
        map: &Map<String, Value>,
        at: &mut KeyPath,
        chain: &mut Vec<PathBuf>,
        depth: usize,
    ) -> Map<String, Value> {
        let mut out = Map::new();
        for (name, child) in map.iter().filter(|(name, _)| *name != "$include") {
            at.push_key(name);
            out.insert(name.clone(), self.walk(child, at, chain, depth + 1));
            at.pop();
        }
        out
    }

    fn include(
        &mut self,
        directive: &Value,
        map: &Map<String, Value>,
        at: &mut KeyPath,
        chain: &mut Vec<PathBuf>,
        depth: usize,
    ) -> Value {
        let files: Vec<&Value> = match directive {
            Value::Array(files) => files.iter().collect(),
            single => vec![single],
        };
        let mut merged: Option<Value> = None;
        for file in files {
            let Value::String(file) = file else {
                self.fail(at, "Invalid $include value: expected string or array of strings".to_owned());
                continue;
            };
            if let Some(content) = self.file(file, at, chain, depth) {
                match &mut merged {
                    Some(merged) => merge(merged, content),
                    None => merged = Some(content),
                }
            }
        }
        let beside = self.walk_entries(map, at, chain, depth);
        match merged {
            None => Value::Object(beside),
            Some(merged) if beside.is_empty() => merged,
            Some(mut merged @ Value::Object(_)) => {
                merge(&mut merged, Value::Object(beside));
                merged
            }
            Some(_) => {
                self.fail(at, "Sibling keys require included content to be an object".to_owned());
                Value::Object(beside)
            }
        }
    }

    fn file(
        &mut self,
        name: &str,
        at: &mut KeyPath,
        chain: &mut Vec<PathBuf>,
        depth: usize,
    ) -> Option<Value> {
        let folder = chain.last().and_then(|file| file.parent()).unwrap_or(&self.root).to_path_buf();
        let path = normalize(&folder.join(name));
        if name.is_empty() || name.contains('\0') || !path.starts_with(&self.root) || path == self.root {
            let root = self.root.display();
            self.fail(at, format!("Include path escapes config directory: {name} (root: {root})"));
            return None;
        }
        if chain.contains(&path) {
            let names: Vec<String> =
                chain.iter().chain([&path]).map(|file| file.display().to_string()).collect();
            self.fail(at, format!("Circular include detected: {}", names.join(" -> ")));
            return None;
        }
        if chain.len() > CHAIN_MAX {
            self.fail(at, format!("Maximum include depth ({CHAIN_MAX}) exceeded at: {name}"));
            return None;
        }
        if self.included.len() >= FILES_MAX {
            self.fail(at, format!("more than {FILES_MAX} included files"));
            return None;
        }
        let file = path.display().to_string();
        let text = match (self.read)(&file) {
            Ok(text) => text,
            Err(error) => {
                self.fail(at, format!("Failed to read include file: {name} (resolved: {file}): {error}"));
                return None;
            }
        };
        self.bytes = self.bytes.saturating_add(text.len());
        if self.bytes > BYTES_MAX {
            self.fail(at, format!("included files are longer than {BYTES_MAX} bytes together"));
            return None;
        }
        self.included.push(Included { path: at.to_string(), file });
        match parse(&text) {
            Ok(value) => {
                chain.push(path);
                let resolved = self.walk(&value, at, chain, depth + 1);
                chain.pop();
                Some(resolved)
            }
            Err(error) => {
                self.fail(at, format!("Failed to parse include file: {name}: {error}"));
                None
            }
        }
    }
}

/// Merges `from` over `into`: objects by name, arrays joined, anything else replaced.
pub fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                match into.get_mut(&name) {
                    Some(slot) => merge(slot, value),
                    None => drop(into.insert(name, value)),
                }
            }
        }
        (Value::Array(into), Value::Array(from)) => into.extend(from),
        (slot, value) => *slot = value,
    }
}

/// The path without `.` and `..`, without asking the file system. A `..` above the root stays at the root.
pub fn normalize(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                if !out.pop() && !path.has_root() {
                    out.push("..");
                }
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Resolves `main` (at /etc/claw/openclaw.json) among `files`; returns value and error messages.
    fn resolve(main: Value, files: &[(&str, &str)]) -> (Value, Vec<String>) {
        let mut issues = Issues::default();
        let mut read = |path: &str| {
            let found = files.iter().find(|(name, _)| *name == path);
            found.map(|(_, text)| (*text).to_owned()).ok_or(io::Error::from(io::ErrorKind::NotFound))
        };
        let origin = Path::new("/etc/claw/openclaw.json");
        let (value, _) = Includer::new(origin, &mut read, &mut issues).resolve(&main, origin);
        (value, issues.split().0.into_iter().map(|issue| issue.to_string()).collect())
    }

    #[test]
    fn files_merge_in_order_and_siblings_win() {
        let files = [
            ("/etc/claw/a.json5", "{x: 1, list: [1], deep: {a: 1}}"),
            ("/etc/claw/sub/b.json5", "{list: [2], deep: {$include: './c.json5', b: 2}}"),
            ("/etc/claw/sub/c.json5", "{c: 3, b: 9}"),
        ];
        let main = json!({"agents": {"$include": ["a.json5", "./sub/b.json5"], "x": 7}});
        let (value, errors) = resolve(main, &files);
        assert_eq!(value, json!({"agents": {"x": 7, "list": [1, 2], "deep": {"a": 1, "c": 3, "b": 2}}}));
        assert!(errors.is_empty(), "{errors:?}");
    }

    #[track_caller]
    fn check_error(main: Value, files: &[(&str, &str)], want: &str) {
        let (_, errors) = resolve(main, files);
        assert!(errors.iter().any(|error| error.contains(want)), "{errors:?} lacks {want:?}");
    }

    #[test]
    fn what_cannot_be_included_is_an_error_with_its_place() {
        for path in ["../x.json", "/etc/passwd", "a/../../y", "", "."] {
            let want =
                format!("a.b: Include resolution failed: Include path escapes config directory: {path} (");
            check_error(json!({"a": {"b": {"$include": path}}}), &[], &want);
        }
        check_error(json!({"$include": 7}), &[], "expected string or array of strings");
        check_error(json!({"$include": "gone.json"}), &[], "Failed to read include file: gone.json");
        check_error(
            json!({"$include": "a"}),
            &[("/etc/claw/a", "{")],
            "Failed to parse include file: a: Syntax",
        );
        check_error(json!({"$include": "a", "k": 1}), &[("/etc/claw/a", "[]")], "Sibling keys require");
        check_error(
            json!({"$include": "a"}),
            &[("/etc/claw/a", "{$include: './b'}"), ("/etc/claw/b", "{$include: 'a'}")],
            "Circular include detected: /etc/claw/openclaw.json -> /etc/claw/a -> /etc/claw/b -> /etc/claw/a",
        );
    }

    #[test]
    fn doubling_includes_stay_bounded() {
        // Each file includes the next one twice: 2^10 reads if nothing stopped it.
        let names: Vec<(String, String)> = (0..12)
            .map(|n| (format!("/etc/claw/{n}"), format!("{{$include: ['{}', '{}']}}", n + 1, n + 1)))
            .collect();
        let files: Vec<(&str, &str)> = names.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        check_error(json!({"$include": "0"}), &files, "more than 100 included files");
        check_error(json!({"$include": "0"}), &files, "Maximum include depth (10) exceeded");
    }
}
