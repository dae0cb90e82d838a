//! The table as `config.schema` shows it: a JSON schema, and hints for forms.

use pincer_protocol::Wire;
use pincer_protocol::method::config::{Hint, SchemaPayload};
use serde_json::{Map, Value, json};

use super::roots::SECTIONS;
use super::{Key, Known, Shape};
use crate::path::KeyPath;
use crate::redact::is_secret;

/// Where upstream explains the keys that it and we share.
const DOCS_URL: &str = "https://docs.openclaw.ai/gateway/configuration";

/// Sections in the order of forms, with their place among them. What is not listed comes after, in the table's order.
const FORM_ORDER: &[(&str, u16)] = &[
    ("wizard", 20),
    ("update", 25),
    ("cli", 26),
    ("diagnostics", 27),
    ("telemetry", 28),
    ("logging", 900),
    ("gateway", 30),
    ("nodeHost", 35),
    ("cloudWorkers", 37),
    ("desktop", 38),
    ("agents", 40),
    ("tools", 50),
    ("bindings", 55),
    ("audio", 60),
    ("models", 70),
    ("messages", 80),
    ("commands", 85),
    ("session", 90),
    ("cron", 100),
    ("hooks", 110),
    ("ui", 120),
    ("channels", 150),
    ("engine", 31),
    ("defender", 32),
];

/// Place of the sections that [`FORM_ORDER`] leaves out.
const FORM_ORDER_REST: u16 = 500;

/// The answer to `config.schema`. `version` is the gateway's, `generated_at` an ISO time.
pub fn payload(wire: Wire, version: &str, generated_at: &str) -> SchemaPayload {
    SchemaPayload {
        schema: document(wire),
        ui_hints: hints(wire),
        version: version.to_owned(),
        generated_at: generated_at.to_owned(),
    }
}

/// The JSON schema, draft 7.
pub fn document(wire: Wire) -> Value {
    let mut root = Map::new();
    root.insert("$schema".to_owned(), "http://json-schema.org/draft-07/schema#".into());
    if let Value::Object(rest) = object(wire, SECTIONS, Value::Bool(false)) {
        root.extend(rest);
    }
    root.insert("required".to_owned(), json!([]));
    root.insert("title".to_owned(), "OpenClawConfig".into());
    Value::Object(root)
}

fn shape(wire: Wire, shape: &Shape) -> Value {
    match shape {
        Shape::Any => json!({}),
        Shape::Text => json!({"type": "string"}),
        Shape::SecretText => json!({"anyOf": [
            {"type": "string"},
            {
                "type": "object",
                "properties": {"source": {"enum": ["env"]}, "id": {"type": "string"}},
                "required": ["source", "id"],
            },
        ]}),
        Shape::Bool => json!({"type": "boolean"}),
        Shape::Int { min, max } => json!({"type": "integer", "minimum": min, "maximum": max}),
        Shape::Amount => json!({"type": "number", "minimum": 0}),
        Shape::OneOf(names) => json!({"type": "string", "enum": names}),
        Shape::List(item) => json!({"type": "array", "items": self::shape(wire, item)}),
        Shape::Map(item) => json!({
            "type": "object",
            "propertyNames": {"type": "string", "minLength": 1},
            "additionalProperties": self::shape(wire, item),
        }),
        Shape::Object(keys) => object(wire, keys, Value::Bool(false)),
        Shape::Open(keys) => object(wire, keys, Value::Bool(true)),
        // 2026.9 shows such objects as closed; what its forms do not show is accepted all the same.
        Shape::Rest(keys, _) if wire == Wire::V4 => object(wire, keys, Value::Bool(false)),
        Shape::Rest(keys, rest) => object(wire, keys, self::shape(wire, rest)),
        Shape::Either(shapes) => {
            let shapes: Vec<Value> = shapes.iter().map(|one| self::shape(wire, one)).collect();
            json!({"anyOf": shapes})
        }
    }
}

fn object(wire: Wire, keys: &[Key], rest: Value) -> Value {
    let mut properties = Map::new();
    for key in keys.iter().filter(|key| key.known.on(wire)) {
        let mut property = shape(wire, &key.shape);
        if let Value::Object(map) = &mut property
            && !key.label.is_empty()
        {
            map.insert("title".to_owned(), key.label.into());
            map.insert("description".to_owned(), key.help.into());
        }
        properties.insert(key.name.to_owned(), property);
    }
    json!({"type": "object", "properties": properties, "additionalProperties": rest})
}

/// Hints by path. Items of lists have no step of their own and names of maps are `*`, as the control UI looks them up.
pub fn hints(wire: Wire) -> Map<String, Value> {
    let mut hints = Hints { wire, found: Map::new() };
    let place = |key: &Key| FORM_ORDER.iter().position(|(name, _)| *name == key.name);
    let mut sections: Vec<&Key> = SECTIONS.iter().filter(|key| key.known.on(wire)).collect();
    sections.sort_by_key(|key| place(key).unwrap_or(usize::MAX));
    for key in &sections {
        let order = place(key).and_then(|place| FORM_ORDER.get(place)).map_or(FORM_ORDER_REST, |(_, at)| *at);
        hints.add(key, &key_path(key.name), Some(order));
    }
    for key in &sections {
        hints.below(&key.shape, &mut key_path(key.name));
    }
    hints.found
}

fn key_path(name: &str) -> KeyPath {
    let mut path = KeyPath::root();
    path.push_key(name);
    path
}

struct Hints {
    wire: Wire,
    found: Map<String, Value>,
}

impl Hints {
    fn add(&mut self, key: &Key, at: &KeyPath, order: Option<u16>) {
        let sensitive = matches!(key.shape, Shape::SecretText) || is_secret(at);
        if key.label.is_empty()
            && !sensitive
            && !key.advanced
            && key.placeholder.is_empty()
            && order.is_none()
        {
            return;
        }
        let label = if key.label.is_empty() { in_words(key.name) } else { key.label.to_owned() };
        let hint = Hint {
            group: order.map(|_| label.clone()),
            label: Some(label),
            help: (!key.help.is_empty()).then(|| key.help.to_owned()),
            order,
            // Upstream's newer forms want to be told of every section; older ones only of what is hidden.
            advanced: (key.advanced || (order.is_some() && self.wire == Wire::V4)).then_some(key.advanced),
            sensitive: sensitive.then_some(true),
            placeholder: (!key.placeholder.is_empty()).then(|| key.placeholder.to_owned()),
            docs_url: (self.wire == Wire::V4 && key.known != Known::Ours && order.is_some())
                .then(|| DOCS_URL.to_owned()),
        };
        if let Ok(hint) = serde_json::to_value(hint) {
            self.found.insert(at.to_string(), hint);
        }
    }

    fn below(&mut self, shape: &Shape, at: &mut KeyPath) {
        match shape {
            Shape::Object(keys) | Shape::Open(keys) | Shape::Rest(keys, _) => {
                let wire = self.wire;
                for key in keys.iter().filter(|key| key.known.on(wire)) {
                    at.push_key(key.name);
                    self.add(key, at, None);
                    self.below(&key.shape, at);
                    at.pop();
                }
            }
            Shape::List(item) => self.below(item, at),
            Shape::Map(item) => {
                at.push_key("*");
                self.below(item, at);
                at.pop();
            }
            Shape::Either(shapes) => shapes.iter().for_each(|one| self.below(one, at)),
            _ => {}
        }
    }
}

/// `chatCompletions` as `Chat Completions`.
fn in_words(name: &str) -> String {
    let mut words = String::with_capacity(name.len() + 4);
    for (index, character) in name.chars().enumerate() {
        if index == 0 {
            words.extend(character.to_uppercase());
        } else {
            if character.is_uppercase() {
                words.push(' ');
            }
            words.push(character);
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first names of each version's schema and hints, as its own `config.schema` lists them.
    #[test]
    fn sections_stand_in_upstreams_order() {
        let properties = |wire| -> Vec<String> {
            document(wire)["properties"].as_object().unwrap().keys().take(12).cloned().collect()
        };
        assert_eq!(
            properties(Wire::V3).join(" "),
            "meta env wizard diagnostics logging update browser ui auth models nodeHost agents"
        );
        assert_eq!(
            properties(Wire::V4).join(" "),
            "meta env wizard diagnostics logging update telemetry browser ui secrets auth accessGroups"
        );
        let first = |wire| hints(wire).keys().take(12).cloned().collect::<Vec<_>>().join(" ");
        assert_eq!(
            first(Wire::V3),
            "wizard update diagnostics logging gateway nodeHost agents tools bindings audio models messages"
        );
        assert_eq!(
            first(Wire::V4),
            "wizard update cli diagnostics telemetry logging gateway nodeHost cloudWorkers desktop agents tools"
        );
    }

    #[test]
    fn schemas_describe_keys() {
        let schema = document(Wire::V4);
        let port = &schema["properties"]["gateway"]["properties"]["port"];
        assert_eq!(port["type"], "integer");
        assert_eq!((&port["minimum"], &port["maximum"]), (&json!(1), &json!(65535)));
        assert_eq!(port["title"], "Gateway Port");
        let v3 = document(Wire::V3);
        assert!(v3["properties"].get("telemetry").is_none(), "2026.9's own section");
        assert!(v3["properties"].get("engine").is_some(), "ours");
    }

    #[test]
    fn secrets_are_marked() {
        let hints = hints(Wire::V3);
        for path in
            ["gateway.auth.token", "models.providers.*.apiKey", "hooks.token", "gateway.remote.password"]
        {
            assert_eq!(hints[path]["sensitive"], true, "{path}");
        }
        assert_eq!(hints["gateway.port"]["label"], "Gateway Port");
        assert!(hints["gateway.port"].get("sensitive").is_none());
        assert_eq!(in_words("chatCompletions"), "Chat Completions");
    }
}
