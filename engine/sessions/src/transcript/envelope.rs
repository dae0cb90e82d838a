//! What OpenClaw wraps around what people say: blocks of metadata, and a stamp like `[Sun 2026-11-22 14:44 UTC]`.
//!
//! We do not write it: the same facts stand beside the text. Readers must still take it off.

/// Ends the first line of a metadata block, as OpenClaw 2026.2 writes it.
const BLOCK_TITLES: [&str; 2] = ["(untrusted metadata):", "(untrusted, for context):"];

/// Channels whose name may open a stamp: `[Telegram Ann id:7 2026-11-22 14:44 UTC]`.
const CHANNELS: [&str; 15] = [
    "WebChat",
    "WhatsApp",
    "Telegram",
    "Signal",
    "Slack",
    "Discord",
    "Google Chat",
    "iMessage",
    "Teams",
    "Matrix",
    "Zalo",
    "Zalo Personal",
    "BlueBubbles",
    "Mattermost",
    "IRC",
];

/// The text a person wrote.
pub fn strip(text: &str) -> &str {
    let mut rest = text;
    while let Some((_, after)) = block(rest) {
        rest = after;
    }
    strip_stamp(rest)
}

/// The `message_id` of the metadata, where the text has one.
pub fn message_id(text: &str) -> Option<String> {
    let mut rest = text;
    while let Some((json, after)) = block(rest) {
        #[derive(serde::Deserialize)]
        struct Info {
            message_id: Option<String>,
        }
        if let Some(id) = serde_json::from_str::<Info>(json).ok().and_then(|info| info.message_id) {
            return Some(id);
        }
        rest = after;
    }
    None
}

/// The metadata block that `text` begins with, and what follows it.
fn block(text: &str) -> Option<(&str, &str)> {
    let (title, rest) = text.split_once('\n')?;
    if !BLOCK_TITLES.iter().any(|ending| title.trim_end().ends_with(ending)) {
        return None;
    }
    let body = rest.strip_prefix("```json\n")?;
    let (json, after) = body.split_once("\n```")?;
    Some((json, after.trim_start_matches(['\n', '\r'])))
}

fn strip_stamp(text: &str) -> &str {
    let Some((stamp, rest)) = text.strip_prefix('[').and_then(|text| text.split_once(']')) else {
        return text;
    };
    let from_channel =
        CHANNELS.iter().any(|name| stamp.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')));
    if stamp.contains('\n') || !(from_channel || has_minute(stamp)) {
        return text;
    }
    rest.trim_start_matches(' ')
}

/// Whether `2026-11-22 14:44` (or with a `T`) stands in the text.
fn has_minute(text: &str) -> bool {
    const SHAPE: &[u8; 16] = b"0000-00-00 00:00";
    text.as_bytes().windows(SHAPE.len()).any(|window| {
        window.iter().zip(SHAPE).all(|(byte, shape)| match shape {
            b'0' => byte.is_ascii_digit(),
            b' ' => matches!(byte, b' ' | b'T'),
            _ => byte == shape,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wrapping_comes_off() {
        let info = "Conversation info (untrusted metadata):\n```json\n{\n  \"message_id\": \"m-1\",\n  \
                    \"sender\": \"cli\"\n}\n```\n\n";
        for (text, plain) in [
            ("hello", "hello"),
            ("[Sun 2026-11-22 15:10 UTC] hello", "hello"),
            ("[Telegram Ann id:7] hi", "hi"),
            ("[Telegraph] hi", "[Telegraph] hi"),
            ("[note] hi", "[note] hi"),
            ("[1] first", "[1] first"),
            ("[", "["),
            ("", ""),
            (
                "Conversation info (untrusted metadata):\nno block",
                "Conversation info (untrusted metadata):\nno block",
            ),
        ] {
            assert_eq!(strip(text), plain, "{text}");
            assert_eq!(strip(&format!("{info}{text}")), plain, "{text} with metadata");
        }
        assert_eq!(message_id(&format!("{info}x")).as_deref(), Some("m-1"));
        let sender = "Sender (untrusted metadata):\n```json\n{\n  \"name\": \"Ann\"\n}\n```\n\n";
        assert_eq!(strip(&format!("{sender}{info}x")), "x", "one block after another");
        assert_eq!(message_id(&format!("{sender}{info}x")).as_deref(), Some("m-1"));
        assert_eq!(message_id("x"), None);
    }
}
