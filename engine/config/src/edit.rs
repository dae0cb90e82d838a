//! A changed config, as text.

use serde_json::{Map, Value};

/// The document as upstream writes it: plain JSON, two spaces, a newline at the end. Comments of a JSON5 file are lost;
/// who writes keeps a copy.
pub fn pretty(document: &Value) -> String {
    // Serializing a `Value` into memory cannot fail.
    let mut text = serde_json::to_string_pretty(document).unwrap_or_default();
    text.push('\n');
    text
}

/// Notes who wrote the document, and when, in its `meta`, as upstream does with every write.
pub fn stamp(document: &mut Value, version: &str, now: &str) {
    let Value::Object(map) = document else { return };
    let meta = map.entry("meta").or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(meta) = meta {
        meta.insert("lastTouchedVersion".to_owned(), version.into());
        meta.insert("lastTouchedAt".to_owned(), now.into());
    }
}

/// `2026-11-22T15:02:36.316Z`, as JavaScript writes times. Times that no calendar holds become the epoch.
pub fn iso(wall_ms: u64) -> String {
    let at = i64::try_from(wall_ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    format!("{:.3}", at.unwrap_or(jiff::Timestamp::UNIX_EPOCH))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_stamped_document() {
        let mut document = json!({"z": 1, "a": []});
        stamp(&mut document, "0.1.0", &iso(1_795_359_756_316));
        assert_eq!(
            pretty(&document),
            "{\n  \"z\": 1,\n  \"a\": [],\n  \"meta\": {\n    \"lastTouchedVersion\": \"0.1.0\",\n    \
             \"lastTouchedAt\": \"2026-11-22T15:02:36.316Z\"\n  }\n}\n"
        );
        assert_eq!(iso(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(iso(u64::MAX), "1970-01-01T00:00:00.000Z");
    }
}
