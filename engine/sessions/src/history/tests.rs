//! What clients see of transcripts, ours and OpenClaw's.

use serde_json::{Value, json};

use super::*;
use crate::transcript::{AssistantLine, AssistantStop, Chain, InjectedLine, Usage, UserLine, read};
use crate::turn::{Attachment, Sender};

fn lines() -> Vec<String> {
    let mut next = 0;
    let mut ids = move || {
        next += 1;
        next
    };
    let mut chain = Chain::default();
    let owner = Sender { id: "cli".into(), name: Some("recorder".into()), mode: None, owner: true };
    let user = UserLine {
        text: "hello",
        attachments: &[],
        message_id: "k-1",
        run_id: "k-1",
        sender: Some(&owner),
        at_ms: 10,
    };
    let answer = AssistantLine {
        text: "hi",
        thinking: "",
        api: "openai-completions",
        provider: "mock",
        model: "mock-1",
        usage: Usage { input: 100, output: 9, total_tokens: 109, ..Usage::default() },
        stop: AssistantStop::Stop,
        run_id: "k-1",
        at_ms: 11,
    };
    let note = InjectedLine { text: "note", label: "n", at_ms: 13, ..InjectedLine::default() };
    vec![
        Chain::header("s", "/", 0),
        chain.model_change(&mut ids, 1, "mock", "mock-1").json,
        chain.user(&mut ids, &user).json,
        chain.assistant(&mut ids, &answer, 12).json,
        chain.injected(&mut ids, &note).json,
        chain.compaction(&mut ids, 14, "so far", None, 99).json,
    ]
}

fn shown(wire: Wire, lines: &[String], ask: &Ask<'_>) -> (Vec<Value>, u64, Option<u64>) {
    let page = page(wire, read(lines, 0), ask);
    let messages = page.messages.iter().map(|raw| serde_json::from_str(raw.get()).unwrap()).collect();
    (messages, page.total, page.next_offset)
}

#[test]
fn v3_shows_little() {
    let (messages, total, next) = shown(Wire::V3, &lines(), &Ask::default());
    assert_eq!((total, next), (4, None));
    assert_eq!(
        Value::Array(messages),
        json!([
            { "role": "user", "content": [{ "type": "text", "text": "hello" }], "timestamp": 10 },
            {
                "role": "assistant", "content": [{ "type": "text", "text": "hi" }], "timestamp": 11,
                "api": "openai-completions", "provider": "mock", "model": "mock-1", "stopReason": "stop"
            },
            {
                "role": "assistant", "content": [{ "type": "text", "text": "[n]\n\nnote" }], "timestamp": 13,
                "api": "openai-responses", "provider": "openclaw", "model": "gateway-injected", "stopReason": "stop"
            },
            {
                "role": "system", "content": [{ "type": "text", "text": "Compaction" }], "timestamp": 14,
                "__openclaw": { "kind": "compaction", "id": "00000005" }
            }
        ])
    );
}

#[test]
fn v4_says_where_messages_stand() {
    let ask = Ask { source: "src", messages_before: 7, limit: 3, offset: 1, ..Ask::default() };
    let (messages, total, next) = shown(Wire::V4, &lines(), &ask);
    assert_eq!((total, next), (11, Some(4)));
    assert_eq!(
        messages[0],
        json!({
            "role": "user", "content": "hello", "timestamp": 10, "idempotencyKey": "k-1:user",
            "__openclaw": {
                "senderIsOwner": true,
                "transport": { "clients": [{ "id": "cli", "displayName": "recorder" }] },
                "id": "00000002", "seq": 8, "recordTimestampMs": 10,
                "transcriptPosition": { "source": "src", "rawSeq": 2 }, "idempotencyKey": "k-1:user"
            }
        })
    );
    let answer = &messages[1];
    assert_eq!(answer["usage"]["totalTokens"], 109);
    assert_eq!((&answer["responseId"], &answer["__openclaw"]["runId"]), (&json!("00000003"), &json!("k-1")));
    assert_eq!(messages[2]["__openclaw"]["seq"], 10);
    assert!(messages[2].get("responseId").is_none(), "the gateway's own messages come from no model");
}

#[test]
fn pages_end_at_the_beginning() {
    let ask = |offset, limit| Ask { offset, limit, ..Ask::default() };
    let sizes = |offset, limit| {
        let (messages, total, next) = shown(Wire::V4, &lines(), &ask(offset, limit));
        (messages.len(), total, next)
    };
    assert_eq!(sizes(0, 2), (2, 4, Some(2)));
    assert_eq!(sizes(2, 2), (2, 4, None));
    assert_eq!(sizes(3, 200), (1, 4, None));
    assert_eq!(sizes(9, 2), (0, 4, None));
    assert_eq!(count(&read(&lines(), 0)), 4);
}

fn line(message: &Value) -> String {
    json!({ "type": "message", "id": "x", "timestamp": "2026-11-22T15:06:55.246Z", "message": message })
        .to_string()
}

#[track_caller]
fn check(message: Value, v3: Value) {
    let (mut messages, ..) = shown(Wire::V3, &[line(&message)], &Ask::default());
    assert_eq!(messages.pop().unwrap(), v3);
}

#[test]
fn what_clients_need_not_see_is_left_out() {
    let wrapped = "Conversation info (untrusted metadata):\n```json\n{\n  \"message_id\": \"m\"\n}\n```\n\n\
                   [Sun 2026-11-22 15:06 UTC] TOOL please";
    check(
        json!({ "role": "user", "content": [{ "type": "text", "text": wrapped }], "timestamp": 1 }),
        json!({ "role": "user", "content": [{ "type": "text", "text": "TOOL please" }], "timestamp": 1 }),
    );
    check(
        json!({ "role": "user", "content": "plain" }),
        json!({ "role": "user", "content": [{ "type": "text", "text": "plain" }], "timestamp": 1_795_360_015_246u64 }),
    );
    check(
        json!({
            "role": "assistant", "timestamp": 1, "usage": { "input": 1 }, "cost": 7,
            "content": [
                { "type": "thinking", "thinking": "hm", "thinkingSignature": "secret" },
                { "type": "toolCall", "id": "c", "name": "exec", "arguments": { "command": "ls" } },
                { "type": "later", "x": 1 }
            ]
        }),
        json!({
            "role": "assistant", "timestamp": 1,
            "content": [
                { "type": "thinking", "thinking": "hm" },
                { "type": "toolCall", "id": "c", "name": "exec", "arguments": { "command": "ls" } },
                { "type": "later", "x": 1 }
            ]
        }),
    );
    check(
        json!({
            "role": "toolResult", "toolCallId": "c", "toolName": "exec", "isError": false, "timestamp": 1,
            "content": [{ "type": "text", "text": "out" }], "details": { "exitCode": 0 }
        }),
        json!({
            "role": "toolResult", "toolCallId": "c", "toolName": "exec", "isError": false, "timestamp": 1,
            "content": [{ "type": "text", "text": "out" }]
        }),
    );
    check(
        json!({
            "role": "user", "timestamp": 1,
            "content": [{ "type": "text", "text": "see" }, { "type": "image", "data": "AAAA", "mimeType": "image/png" }]
        }),
        json!({
            "role": "user", "timestamp": 1,
            "content": [
                { "type": "text", "text": "see" },
                { "type": "image", "mimeType": "image/png", "omitted": true, "bytes": 3 }
            ]
        }),
    );
}

#[test]
fn everything_is_bounded() {
    let text = |text: String| json!({ "role": "assistant", "timestamp": 1, "content": [{ "type": "text", "text": text }] });
    check(text("é".repeat(12_001)), text("é".repeat(12_000) + "\n...(truncated)..."));
    check(text("x".repeat(12_000)), text("x".repeat(12_000)));
    let call = json!({ "type": "toolCall", "id": "c", "name": "write", "arguments": { "text": "x".repeat(200_000) } });
    check(
        json!({ "role": "assistant", "timestamp": 1, "content": [{ "type": "text", "text": "here" }, call] }),
        json!({
            "role": "assistant", "timestamp": 1,
            "content": [
                { "type": "text", "text": "here" },
                { "type": "text", "text": "[chat.history omitted: part too large]" }
            ]
        }),
    );
    let parts = vec![json!({ "type": "text", "text": "x".repeat(11_000) }); 20];
    check(
        json!({ "role": "assistant", "timestamp": 1, "content": parts }),
        json!({
            "role": "assistant", "timestamp": 1,
            "content": [{ "type": "text", "text": "[chat.history omitted: message too large]" }],
            "__openclaw": { "truncated": true, "reason": "oversized" }
        }),
    );
    let many = vec![
        line(
            &json!({ "role": "assistant", "content": vec![json!({ "type": "text", "text": "x".repeat(10_000) }); 10] })
        );
        100
    ];
    let (messages, total, next) = shown(Wire::V4, &many, &Ask { limit: 1000, ..Ask::default() });
    let bytes: usize = messages.iter().map(|message| message.to_string().len()).sum();
    assert!(bytes <= PAGE_BYTES_MAX && messages.len() > 50, "{bytes} in {}", messages.len());
    assert_eq!((total, next), (100, Some(messages.len() as u64)));
    assert_eq!(messages.last().unwrap()["__openclaw"]["seq"], 100, "the newest stay");
}

#[test]
fn short_texts_for_lists() {
    let records = read(&lines(), 0);
    let items = preview(&records, 2, 240);
    let texts: Vec<&str> = items.iter().map(|item| item.text.as_str()).collect();
    assert_eq!(texts, ["hi", "[n]\n\nnote"]);
    assert_eq!(last_message(&records, 240).as_deref(), Some("[n] note"));
    assert_eq!(last_message(&records, 4).as_deref(), Some("[n]…"));
    assert_eq!(first_user_text(&records, 240).as_deref(), Some("hello"));
    assert_eq!(preview(&records, 12, 3)[0].text, "he…");
    assert!(preview(&[], 12, 240).is_empty() && last_message(&[], 9).is_none());
}

#[test]
fn images_that_were_sent_are_counted_not_shown() {
    let image =
        Attachment { mime_type: "image/png".into(), file_name: None, data: "AAAAAAAA".into(), bytes: 6 };
    let user =
        UserLine { text: "see", attachments: &[image], message_id: "m", run_id: "m", sender: None, at_ms: 1 };
    let line = Chain::default().user(&mut || 1, &user).json;
    let (messages, ..) = shown(Wire::V4, &[line], &Ask::default());
    assert_eq!(
        messages[0]["content"][1],
        json!({ "type": "image", "mimeType": "image/png", "omitted": true, "bytes": 6 })
    );
}
