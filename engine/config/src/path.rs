//! A place inside a config.

use std::fmt;

use serde_json::{Map, Value};

/// One step of a [`KeyPath`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A name in an object.
    Key(String),
    /// An index in an array.
    Index(usize),
}

/// A place inside a config: `agents.list.0.id`. People may also write `agents.list[0].id`, and `a["b.c"]` for names
/// with dots.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyPath(Vec<Step>);

/// Text that names no place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadPath(pub String);

impl fmt::Display for BadPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a config path (write gateway.auth.token or agents.list[0].id)", self.0)
    }
}

impl std::error::Error for BadPath {}

/// Deepest path accepted from outside; configs nest far less.
const STEPS_MAX: usize = 64;
/// Highest array index a path may name, so that `set` cannot be asked for a huge array.
const INDEX_MAX: usize = 10_000;

impl KeyPath {
    /// The whole document.
    pub fn root() -> KeyPath {
        KeyPath::default()
    }

    /// Reads a path as people write it.
    pub fn parse(text: &str) -> Result<KeyPath, BadPath> {
        let bad = || BadPath(text.to_owned());
        let mut steps = Vec::new();
        let mut rest = text.trim();
        while !rest.is_empty() {
            if steps.len() >= STEPS_MAX {
                return Err(bad());
            }
            if let Some(inner) = rest.strip_prefix('[') {
                let (step, after) = match inner.strip_prefix('"') {
                    Some(quoted) => {
                        let (name, after) = quoted.split_once("\"]").ok_or_else(bad)?;
                        (Step::Key(name.to_owned()), after)
                    }
                    None => {
                        let (digits, after) = inner.split_once(']').ok_or_else(bad)?;
                        (Step::Index(index(digits).ok_or_else(bad)?), after)
                    }
                };
                steps.push(step);
                rest = match after.strip_prefix('.') {
                    Some("") => return Err(bad()),
                    Some(after) => after,
                    None if after.is_empty() || after.starts_with('[') => after,
                    None => return Err(bad()),
                };
                continue;
            }
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (name, after) = rest.split_at_checked(end).ok_or_else(bad)?;
            if name.is_empty() {
                return Err(bad());
            }
            steps.push(index(name).map_or_else(|| Step::Key(name.to_owned()), Step::Index));
            rest = match after.strip_prefix('.') {
                Some("") => return Err(bad()),
                Some(after) => after,
                None => after,
            };
        }
        if steps.is_empty() { Err(bad()) } else { Ok(KeyPath(steps)) }
    }

    /// The steps, outermost first.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The name of the last step that is a name: `apiKey` for `keys.apiKey.0`.
    pub fn last_key(&self) -> Option<&str> {
        self.0.iter().rev().find_map(|step| match step {
            Step::Key(name) => Some(name.as_str()),
            Step::Index(_) => None,
        })
    }

    /// Whether some step but the last is the name `name`.
    pub fn passes_through(&self, name: &str) -> bool {
        let outer = self.0.len().saturating_sub(1);
        self.0.iter().take(outer).any(|step| matches!(step, Step::Key(key) if key == name))
    }

    /// Goes one name deeper.
    pub fn push_key(&mut self, name: &str) {
        self.0.push(Step::Key(name.to_owned()));
    }

    /// Goes one index deeper.
    pub fn push_index(&mut self, index: usize) {
        self.0.push(Step::Index(index));
    }

    /// Goes back out.
    pub fn pop(&mut self) {
        self.0.pop();
    }

    /// The value at this place.
    pub fn get<'v>(&self, root: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(root, |value, step| match (step, value) {
            (Step::Key(name), Value::Object(map)) => map.get(name),
            (Step::Index(index), Value::Array(items)) => items.get(*index),
            // `a.0` may mean a name made of digits.
            (Step::Index(index), Value::Object(map)) => map.get(&index.to_string()),
            _ => None,
        })
    }

    /// Puts `new` at this place, making the objects and arrays on the way. Arrays grow by one item at most.
    pub fn set(&self, root: &mut Value, new: Value) -> Result<(), NoSuchPlace> {
        let mut value = root;
        for (depth, step) in self.0.iter().enumerate() {
            if value.is_null() {
                *value = match step {
                    Step::Key(_) => Value::Object(Map::new()),
                    Step::Index(_) => Value::Array(Vec::new()),
                };
            }
            value = match (step, value) {
                (Step::Key(name), Value::Object(map)) => map.entry(name.clone()).or_insert(Value::Null),
                (Step::Index(index), Value::Object(map)) => {
                    map.entry(index.to_string()).or_insert(Value::Null)
                }
                (Step::Index(index), Value::Array(items)) if *index <= items.len() => {
                    if *index == items.len() {
                        items.push(Value::Null);
                    }
                    items.get_mut(*index).ok_or(NoSuchPlace)?
                }
                _ => return Err(NoSuchPlace),
            };
            if depth + 1 == self.0.len() {
                *value = new;
                return Ok(());
            }
        }
        *value = new;
        Ok(())
    }
}

/// The path leads through something that is neither an object nor an array long enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoSuchPlace;

fn index(text: &str) -> Option<usize> {
    text.parse().ok().filter(|index| *index <= INDEX_MAX && text.bytes().all(|byte| byte.is_ascii_digit()))
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, step) in self.0.iter().enumerate() {
            let dot = if depth == 0 { "" } else { "." };
            match step {
                Step::Key(name) => write!(f, "{dot}{name}")?,
                Step::Index(index) => write!(f, "{dot}{index}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(text: &str, want: Option<&str>) {
        assert_eq!(KeyPath::parse(text).ok().map(|path| path.to_string()).as_deref(), want, "{text:?}");
    }

    #[test]
    fn paths_as_people_write_them() {
        check("gateway.auth.token", Some("gateway.auth.token"));
        check("agents.list[0].id", Some("agents.list.0.id"));
        check("agents.list.0.id", Some("agents.list.0.id"));
        check(r#"models.providers["a.b"].apiKey"#, Some("models.providers.a.b.apiKey"));
        check("a[0][1]", Some("a.0.1"));
        for bad in ["", ".", "a.", "a..b", "a[", "a[x]", "a[-1]", "a[0]b", ".a", "a[99999999]"] {
            check(bad, None);
        }
    }

    #[test]
    fn set_makes_what_is_missing_and_refuses_nonsense() {
        let mut root = json!({"a": 1, "list": [{"id": "x"}]});
        let set = |root: &mut Value, path: &str| KeyPath::parse(path).unwrap().set(root, json!(true));
        assert_eq!(set(&mut root, "b.c"), Ok(()));
        assert_eq!(set(&mut root, "list[1]"), Ok(()));
        assert_eq!(set(&mut root, "list[0].on"), Ok(()));
        assert_eq!(set(&mut root, "new[0].x"), Ok(()));
        assert_eq!(set(&mut root, "other[1]"), Err(NoSuchPlace));
        assert_eq!(set(&mut root, "list[7]"), Err(NoSuchPlace));
        assert_eq!(set(&mut root, "a.b"), Err(NoSuchPlace));
        root.as_object_mut().unwrap().shift_remove("other");
        let list = json!([{"id": "x", "on": true}, true]);
        assert_eq!(root, json!({"a": 1, "list": list, "b": {"c": true}, "new": [{"x": true}]}));
    }
}
