//! Shapes of params, checked with the wording that upstream's validators use.
//!
//! A [`Object`] is a constant table. [`check`] walks a parsed value beside it and says what is wrong, in the words that
//! AJV gives OpenClaw's clients; people see these texts, and some clients match on them. The wording differs by wire.

use crate::Wire;
use crate::json::{Kind as Json, Node};

/// A closed object: names that are not listed are refused.
#[derive(Debug, Clone, Copy)]
pub struct Object {
    /// Its properties, required ones first in upstream's order.
    pub fields: &'static [Property],
}

/// One property of an [`Object`].
#[derive(Debug, Clone, Copy)]
pub struct Property {
    /// Key.
    pub name: &'static str,
    /// Whether it must be there.
    pub required: bool,
    /// What it must be.
    pub shape: Shape,
}

/// A required property.
pub const fn req(name: &'static str, shape: Shape) -> Property {
    Property { name, required: true, shape }
}

/// An optional property.
pub const fn opt(name: &'static str, shape: Shape) -> Property {
    Property { name, required: false, shape }
}

/// What a value must be.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// Anything at all.
    Any,
    /// A string of `min..=max` characters (UTF-16 code units are not counted: characters are).
    Text {
        /// Fewest characters.
        min: usize,
        /// Most characters.
        max: usize,
    },
    /// A `YYYY-MM-DD` date; the only pattern upstream uses.
    Date,
    /// A whole number.
    Int {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// Any number, at least `min`.
    Number {
        /// Smallest.
        min: i64,
    },
    /// `true` or `false`.
    Bool,
    /// One of these strings.
    OneOf(&'static [&'static str]),
    /// One of these strings, where upstream writes a union of literals: both wires then word it as v3 words
    /// [`Shape::OneOf`].
    Literals(&'static [&'static str]),
    /// This, or `null`.
    Nullable(&'static Shape),
    /// Any of these shapes.
    AnyOf(&'static [Shape]),
    /// An array of at least `min` items.
    List {
        /// Shape of each item.
        item: &'static Shape,
        /// Fewest items.
        min: usize,
    },
    /// A closed object.
    Object(&'static Object),
    /// An object with any names, all of this shape.
    Map(&'static Shape),
}

/// Any string.
pub const TEXT: Shape = Shape::Text { min: 0, max: usize::MAX };
/// A string of at least one character.
pub const NON_EMPTY: Shape = Shape::Text { min: 1, max: usize::MAX };
/// Any whole number.
pub const INT: Shape = Shape::Int { min: i64::MIN, max: i64::MAX };

/// A whole number of at least `min`.
pub const fn int_min(min: i64) -> Shape {
    Shape::Int { min, max: i64::MAX }
}

/// A whole number in `min..=max`.
pub const fn int_in(min: i64, max: i64) -> Shape {
    Shape::Int { min, max }
}

/// A string of 1 to `max` characters.
pub const fn text_max(max: usize) -> Shape {
    Shape::Text { min: 1, max }
}

/// A bound on what one answer lists, so that a hostile frame cannot make a huge one.
const PROBLEMS_MAX: usize = 32;

/// Checks `value` against `object`; `Err` holds the problems joined by `; `, duplicates removed.
///
/// Absent and `null` params count as an empty object, as upstream's do.
pub fn check(wire: Wire, object: &Object, value: Option<Node<'_, '_>>) -> Result<(), String> {
    let mut checker = Checker { wire, problems: Vec::new(), path: String::new() };
    checker.object(object, value);
    if checker.problems.is_empty() { Ok(()) } else { Err(checker.problems.join("; ")) }
}

struct Checker {
    wire: Wire,
    problems: Vec<String>,
    path: String,
}

impl Checker {
    fn say(&mut self, problem: &str) {
        let text =
            if self.path.is_empty() { problem.to_owned() } else { format!("at {}: {problem}", self.path) };
        if self.problems.len() < PROBLEMS_MAX && !self.problems.contains(&text) {
            self.problems.push(text);
        }
    }

    /// v3 validators write "NOT", v4's write "not".
    fn not(&self) -> &'static str {
        match self.wire {
            Wire::V3 => "NOT",
            Wire::V4 => "not",
        }
    }

    fn object(&mut self, object: &Object, value: Option<Node<'_, '_>>) {
        if value.is_some_and(|node| !node.is_object()) {
            return self.say("must be object");
        }
        for property in object.fields.iter().filter(|property| property.required) {
            if value.and_then(|node| node.get(property.name)).is_none() {
                self.say(&format!("must have required property '{}'", property.name));
                // v4's validator stops at the first missing name; v3's lists them all.
                if self.wire == Wire::V4 {
                    break;
                }
            }
        }
        let Some(value) = value else { return };
        for (name, _) in value.entries() {
            if !object.fields.iter().any(|property| property.name == name) {
                let at = if self.path.is_empty() { "root" } else { &self.path };
                let text = format!("at {at}: unexpected property '{name}'");
                if self.problems.len() < PROBLEMS_MAX && !self.problems.contains(&text) {
                    self.problems.push(text);
                }
            }
        }
        for property in object.fields {
            if let Some(child) = value.get(property.name) {
                self.inside(property.name, |checker| checker.shape(&property.shape, child));
            }
        }
    }

    fn inside(&mut self, name: &str, check: impl FnOnce(&mut Self)) {
        let before = self.path.len();
        self.path.push('/');
        self.path.push_str(name);
        check(self);
        self.path.truncate(before);
    }

    fn shape(&mut self, shape: &Shape, value: Node<'_, '_>) {
        match (shape, value.kind()) {
            (Shape::Any, _) | (Shape::Bool, Json::Bool(_)) => {}
            (Shape::Bool, _) => self.say("must be boolean"),
            (Shape::Text { min, max }, Json::Str(text)) => {
                let count = text.chars().count();
                if count < *min {
                    self.say(&format!("must {} have fewer than {min} characters", self.not()));
                } else if count > *max {
                    self.say(&format!("must {} have more than {max} characters", self.not()));
                }
            }
            (Shape::Date, Json::Str(text)) => {
                let shaped = text.len() == 10
                    && text.bytes().enumerate().all(|(index, byte)| match index {
                        4 | 7 => byte == b'-',
                        _ => byte.is_ascii_digit(),
                    });
                if !shaped {
                    self.say(r#"must match pattern "^\d{4}-\d{2}-\d{2}$""#);
                }
            }
            (Shape::Text { .. } | Shape::Date, _) => self.say("must be string"),
            (Shape::Int { min, max }, Json::Int(number)) => self.range(number, *min, *max),
            (Shape::Int { min, max }, Json::Float(number)) if number.fract() == 0.0 => {
                self.range(number as i64, *min, *max);
            }
            (Shape::Int { .. }, _) => self.say("must be integer"),
            (Shape::Number { min }, Json::Int(number)) => self.range(number, *min, i64::MAX),
            (Shape::Number { min }, Json::Float(number)) => {
                if number < *min as f64 {
                    self.say(&format!("must be >= {min}"));
                }
            }
            (Shape::Number { .. }, _) => self.say("must be number"),
            (Shape::OneOf(names) | Shape::Literals(names), kind) => {
                let fits = matches!(kind, Json::Str(text) if names.contains(&text));
                let wire = if matches!(shape, Shape::Literals(_)) { Wire::V3 } else { self.wire };
                match wire {
                    _ if fits => {}
                    Wire::V3 => {
                        self.say("must be equal to constant");
                        if names.len() > 1 {
                            self.say("must match a schema in anyOf");
                        }
                    }
                    Wire::V4 => self.say("must be equal to one of the allowed values"),
                }
            }
            (Shape::Nullable(_), Json::Null) => {}
            (Shape::Nullable(inner), _) => {
                let before = self.problems.len();
                self.shape(inner, value);
                if self.problems.len() > before {
                    self.problems.retain(|problem| !problem.ends_with("must match a schema in anyOf"));
                    self.say("must be null");
                    self.say("must match a schema in anyOf");
                }
            }
            (Shape::AnyOf(shapes), _) => self.any_of(shapes, value),
            (Shape::List { item, min }, Json::Array(len)) => {
                if len < *min {
                    self.say(&format!("must {} have fewer than {min} items", self.not()));
                }
                for (index, child) in value.items().enumerate() {
                    if self.problems.len() >= PROBLEMS_MAX {
                        return;
                    }
                    self.inside(&index.to_string(), |checker| checker.shape(item, child));
                }
            }
            (Shape::List { .. }, _) => self.say("must be array"),
            (Shape::Object(object), _) => self.object(object, Some(value)),
            (Shape::Map(item), Json::Object(_)) => {
                for (name, child) in value.entries() {
                    if self.problems.len() >= PROBLEMS_MAX {
                        return;
                    }
                    self.inside(name, |checker| checker.shape(item, child));
                }
            }
            (Shape::Map(_), _) => self.say("must be object"),
        }
    }

    fn any_of(&mut self, shapes: &[Shape], value: Node<'_, '_>) {
        let before = self.problems.len();
        for shape in shapes {
            let so_far = self.problems.len();
            self.shape(shape, value);
            if self.problems.len() == so_far {
                self.problems.truncate(before);
                return;
            }
        }
        self.say("must match a schema in anyOf");
    }

    fn range(&mut self, number: i64, min: i64, max: i64) {
        if number < min {
            self.say(&format!("must be >= {min}"));
        } else if number > max {
            self.say(&format!("must be <= {max}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Parser;

    const LABEL: Shape = text_max(4);
    const PATCH: Object = Object {
        fields: &[
            req("key", NON_EMPTY),
            req("mode", Shape::OneOf(&["a", "b"])),
            opt("label", Shape::Nullable(&LABEL)),
            opt("limit", int_min(1)),
            opt("startDate", Shape::Date),
            opt("keys", Shape::List { item: &NON_EMPTY, min: 1 }),
        ],
    };

    #[track_caller]
    fn check_text(wire: Wire, text: &str, want: Result<(), &str>) {
        let got = Parser::default()
            .parse(&mut text.as_bytes().to_vec(), |root| check(wire, &PATCH, Some(root)))
            .expect("the case is JSON");
        assert_eq!(got.as_ref().map_err(String::as_str).copied(), want, "{text}");
    }

    #[test]
    fn the_words_of_each_wire() {
        let good = r#"{"key":"k","mode":"a","label":null,"limit":1.0,"startDate":"2026-11-01","keys":["x"]}"#;
        check_text(Wire::V3, good, Ok(()));
        check_text(Wire::V4, good, Ok(()));
        check_text(
            Wire::V3,
            "{}",
            Err("must have required property 'key'; must have required property 'mode'"),
        );
        check_text(Wire::V4, "{}", Err("must have required property 'key'"));
        check_text(
            Wire::V3,
            r#"{"key":"","mode":"c"}"#,
            Err("at /key: must NOT have fewer than 1 characters; at /mode: must be equal to constant; \
                 at /mode: must match a schema in anyOf"),
        );
        check_text(
            Wire::V4,
            r#"{"key":"","mode":"c"}"#,
            Err("at /key: must not have fewer than 1 characters; \
                 at /mode: must be equal to one of the allowed values"),
        );
        check_text(
            Wire::V3,
            r#"{"key":"k","mode":"a","label":"12345"}"#,
            Err("at /label: must NOT have more than 4 characters; at /label: must be null; \
                 at /label: must match a schema in anyOf"),
        );
        check_text(
            Wire::V3,
            r#"{"key":"k","mode":"a","limit":1.5,"x":1,"keys":[]}"#,
            Err("at root: unexpected property 'x'; at /limit: must be integer; \
                 at /keys: must NOT have fewer than 1 items"),
        );
        check_text(Wire::V3, r#"[1]"#, Err("must be object"));
        check_text(
            Wire::V3,
            r#"{"key":"k","mode":"a","startDate":"11/01/2026"}"#,
            Err(r#"at /startDate: must match pattern "^\d{4}-\d{2}-\d{2}$""#),
        );
    }
}
