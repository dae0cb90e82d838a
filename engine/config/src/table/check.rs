//! Checks a config against the table.

use serde_json::{Map, Value};

use super::{Key, Shape};
use crate::issue::{Issue, Issues};
use crate::path::KeyPath;

/// Checks `value` against `shape`. Returns it without what was wrong and what is unknown, numbers in the form the typed
/// config reads; `None` when nothing is left.
pub fn check(shape: &Shape, value: &Value, issues: &mut Issues) -> Option<Value> {
    Checker { issues, at: KeyPath::root() }.shape(shape, value)
}

struct Checker<'i> {
    issues: &'i mut Issues,
    at: KeyPath,
}

impl Checker<'_> {
    fn wrong(&mut self, expected: &str, value: &Value) -> Option<Value> {
        let message = format!("Invalid input: expected {expected}, received {}", kind(value));
        self.issues.push(Issue::error(&self.at, message));
        None
    }

    fn refuse(&mut self, message: String) -> Option<Value> {
        self.issues.push(Issue::error(&self.at, message));
        None
    }

    fn shape(&mut self, shape: &Shape, value: &Value) -> Option<Value> {
        match (shape, value) {
            (Shape::Any, _) | (Shape::Text | Shape::SecretText, Value::String(_)) => Some(value.clone()),
            (Shape::Bool, Value::Bool(_)) => Some(value.clone()),
            // A reference that could be followed was replaced before; one that could not has been complained about.
            (Shape::SecretText, Value::Object(map)) if map.contains_key("source") => None,
            (Shape::Text | Shape::SecretText, _) => self.wrong("string", value),
            (Shape::Bool, _) => self.wrong("boolean", value),
            (Shape::Int { min, max }, Value::Number(number)) => match whole(number) {
                None => {
                    let message = "Invalid input: expected int, received number";
                    self.refuse(message.to_owned())
                }
                Some(whole) if whole < *min => {
                    self.refuse(format!("Too small: expected number to be >={min}"))
                }
                Some(whole) if whole > *max => self.refuse(format!("Too big: expected number to be <={max}")),
                Some(whole) => Some(Value::from(whole)),
            },
            (Shape::Amount, Value::Number(number)) => {
                if number.as_f64().is_some_and(|number| number < 0.0) {
                    return self.refuse("Too small: expected number to be >=0".to_owned());
                }
                Some(value.clone())
            }
            (Shape::Int { .. } | Shape::Amount, _) => self.wrong("number", value),
            (Shape::OneOf(names), Value::String(text)) if names.contains(&text.as_str()) => {
                Some(value.clone())
            }
            (Shape::OneOf(names), _) => {
                let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
                self.refuse(format!("Invalid option: expected one of {}", names.join("|")))
            }
            (Shape::List(item), Value::Array(items)) => Some(Value::Array(
                items
                    .iter()
                    .enumerate()
                    .filter_map(|(index, child)| {
                        self.at.push_index(index);
                        let kept = self.shape(item, child);
                        self.at.pop();
                        kept
                    })
                    .collect(),
            )),
            (Shape::List(_), _) => self.wrong("array", value),
            (Shape::Map(item), Value::Object(map)) => {
                let mut kept = Map::new();
                for (name, child) in map {
                    if let Some(child) = self.child(name, item, child) {
                        kept.insert(name.clone(), child);
                    }
                }
                Some(Value::Object(kept))
            }
            (Shape::Map(_), _) => self.wrong("record", value),
            (Shape::Object(keys), Value::Object(map)) => {
                // Upstream names the object that holds unknown keys; a warning is of more use with the key's own place.
                for name in map.keys().filter(|name| find(keys, name).is_none()) {
                    self.at.push_key(name);
                    self.issues.push(Issue::warning(&self.at, format!("Unrecognized key: \"{name}\"")));
                    self.at.pop();
                }
                Some(self.keys(keys, map))
            }
            (Shape::Open(keys), Value::Object(map)) => Some(self.keys(keys, map)),
            (Shape::Rest(keys, rest), Value::Object(map)) => {
                let mut kept = Map::new();
                for (name, child) in map {
                    let shape = find(keys, name).map_or(*rest, |key| &key.shape);
                    if let Some(child) = self.child(name, shape, child) {
                        kept.insert(name.clone(), child);
                    }
                }
                Some(Value::Object(kept))
            }
            (Shape::Object(_) | Shape::Open(_) | Shape::Rest(..), _) => self.wrong("object", value),
            (Shape::Either(shapes), _) => self.either(shapes, value),
        }
    }

    fn child(&mut self, name: &str, shape: &Shape, value: &Value) -> Option<Value> {
        self.at.push_key(name);
        let kept = self.shape(shape, value);
        self.at.pop();
        kept
    }

    fn keys(&mut self, keys: &[Key], map: &Map<String, Value>) -> Value {
        let mut kept = Map::new();
        for (name, value) in map {
            if let Some(key) = find(keys, name)
                && let Some(value) = self.child(name, &key.shape, value)
            {
                kept.insert(name.clone(), value);
            }
        }
        Value::Object(kept)
    }

    fn either(&mut self, shapes: &[Shape], value: &Value) -> Option<Value> {
        // The alternative of the right kind speaks: its complaints are about what the writer meant.
        match shapes.iter().find(|shape| takes(shape, value)) {
            Some(shape) => self.shape(shape, value),
            None => self.refuse("Invalid input".to_owned()),
        }
    }
}

/// Whether `value` is of the JSON type that `shape` asks for. For strings the exact text counts, so that `"auto"` and
/// other strings can be told apart.
fn takes(shape: &Shape, value: &Value) -> bool {
    match shape {
        Shape::Any => true,
        Shape::Text => value.is_string(),
        Shape::SecretText => value.is_string() || value.is_object(),
        Shape::Bool => value.is_boolean(),
        Shape::Int { .. } | Shape::Amount => value.is_number(),
        Shape::OneOf(names) => value.as_str().is_some_and(|text| names.contains(&text)),
        Shape::List(_) => value.is_array(),
        Shape::Map(_) | Shape::Object(_) | Shape::Open(_) | Shape::Rest(..) => value.is_object(),
        Shape::Either(shapes) => shapes.iter().any(|shape| takes(shape, value)),
    }
}

/// The key of that name.
pub fn find<'k>(keys: &'k [Key], name: &str) -> Option<&'k Key> {
    keys.iter().find(|key| key.name == name)
}

fn whole(number: &serde_json::Number) -> Option<i64> {
    number.as_i64().or_else(|| {
        // JSON5 knows `1e3` and `5.`; both mean whole numbers. 2^53 is where floats stop counting.
        let float = number.as_f64()?;
        (float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_992.0).then_some(float as i64)
    })
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ROOT, SWITCH, int, key};
    use super::*;
    use serde_json::json;

    const LAB: Shape = Shape::Object(&[
        key("n", int(1, 9)),
        key("s", Shape::Text),
        key("m", Shape::Map(&Shape::Bool)),
        key("l", Shape::List(&Shape::OneOf(&["a", "b"]))),
        key("x", SWITCH),
        key("o", Shape::Open(&[key("known", Shape::Bool)])),
        key("a", Shape::Amount),
    ]);

    #[track_caller]
    fn check_one(value: Value, kept: Value, issues: &[&str]) {
        let mut found = Issues::default();
        assert_eq!(check(&LAB, &value, &mut found), Some(kept).filter(|kept| !kept.is_null()), "{value}");
        let (errors, warnings) = found.split();
        let got: Vec<String> = errors.iter().chain(&warnings).map(Issue::to_string).collect();
        assert_eq!(got, issues, "{value}");
    }

    #[test]
    fn what_is_wrong_is_said_and_left_out() {
        check_one(json!({"n": 3.0, "a": 0.5}), json!({"n": 3, "a": 0.5}), &[]);
        check_one(json!({"n": "3"}), json!({}), &["n: Invalid input: expected number, received string"]);
        check_one(json!({"n": 1.5}), json!({}), &["n: Invalid input: expected int, received number"]);
        check_one(json!({"n": 0}), json!({}), &["n: Too small: expected number to be >=1"]);
        check_one(json!({"n": 10}), json!({}), &["n: Too big: expected number to be <=9"]);
        check_one(json!({"a": -1}), json!({}), &["a: Too small: expected number to be >=0"]);
        check_one(json!({"s": null}), json!({}), &["s: Invalid input: expected string, received null"]);
        check_one(json!([]), json!(null), &["<root>: Invalid input: expected object, received array"]);
        check_one(
            json!({"m": {"a": true, "b": 1}}),
            json!({"m": {"a": true}}),
            &["m.b: Invalid input: expected boolean, received number"],
        );
        check_one(
            json!({"l": ["a", "c", 7]}),
            json!({"l": ["a"]}),
            &[
                r#"l.1: Invalid option: expected one of "a"|"b""#,
                r#"l.2: Invalid option: expected one of "a"|"b""#,
            ],
        );
        check_one(json!({"x": "auto"}), json!({"x": "auto"}), &[]);
        check_one(json!({"x": "no"}), json!({}), &["x: Invalid input"]);
    }

    #[test]
    fn unknown_keys_only_warn() {
        check_one(json!({"nope": 1}), json!({}), &["nope: Unrecognized key: \"nope\""]);
        check_one(
            json!({"y": 1, "z": 2}),
            json!({}),
            &["y: Unrecognized key: \"y\"", "z: Unrecognized key: \"z\""],
        );
        check_one(json!({"o": {"known": true, "more": 1}}), json!({"o": {"known": true}}), &[]);
        let mut issues = Issues::default();
        check(&ROOT, &json!({"gateway": {"port": "abc", "nope": 1}}), &mut issues);
        let (errors, warnings) = issues.split();
        assert_eq!(errors, [Issue::error("gateway.port", "Invalid input: expected number, received string")]);
        assert_eq!(warnings, [Issue::warning("gateway.nope", "Unrecognized key: \"nope\"")]);
    }
}
