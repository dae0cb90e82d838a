//! Our lines beside OpenClaw's own.

use super::*;
use crate::turn::{Attachment, Sender};

/// Numbers from 1 on, as ids.
fn counter() -> impl IdSource {
    let mut next = 0;
    move || {
        next += 1;
        next
    }
}

fn session() -> Vec<String> {
    let mut ids = counter();
    let mut chain = Chain::default();
    let owner = Sender { id: "cli".into(), name: Some("recorder".into()), mode: None, owner: true };
    let image = Attachment { mime_type: "image/png".into(), file_name: None, data: "AAAA".into(), bytes: 3 };
    let usage = Usage { input: 100, output: 9, total_tokens: 109, ..Usage::default() };
    let mut lines = vec![Chain::header("s-1", "/home/user/workspace", 1_795_360_015_226)];
    lines.push(chain.model_change(&mut ids, 1, "mock", "mock-1").json);
    lines.push(chain.thinking_level_change(&mut ids, 2, "off").json);
    let user = UserLine {
        text: "hello\nthere",
        attachments: &[image],
        message_id: "m-1",
        run_id: "r-1",
        sender: Some(&owner),
        at_ms: 3,
    };
    lines.push(chain.user(&mut ids, &user).json);
    let answer = AssistantLine {
        text: "hi",
        thinking: "hm",
        api: "openai-completions",
        provider: "mock",
        model: "mock-1",
        usage,
        stop: AssistantStop::Stop,
        run_id: "r-1",
        at_ms: 4,
    };
    lines.push(chain.assistant(&mut ids, &answer, 5).json);
    let failed = AssistantLine { text: "", thinking: "", stop: AssistantStop::Error("400 no"), ..answer };
    lines.push(chain.assistant(&mut ids, &failed, 6).json);
    let note = InjectedLine { text: "note", label: "n", at_ms: 7, ..InjectedLine::default() };
    lines.push(chain.injected(&mut ids, &note).json);
    let partial = InjectedLine {
        text: "part",
        run_id: Some("r-2"),
        aborted_by: Some("rpc"),
        at_ms: 8,
        ..InjectedLine::default()
    };
    lines.push(chain.injected(&mut ids, &partial).json);
    lines.push(chain.compaction(&mut ids, 9, "so far", None, 12).json);
    lines
}

#[test]
fn lines_look_like_upstreams() {
    let lines = session();
    assert_eq!(
        lines[0],
        r#"{"type":"session","version":3,"id":"s-1","timestamp":"2026-11-22T15:06:55.226Z","cwd":"/home/user/workspace"}"#
    );
    assert_eq!(
        lines[1],
        r#"{"type":"model_change","id":"00000001","parentId":null,"timestamp":"1970-01-01T00:00:00.001Z","provider":"mock","modelId":"mock-1"}"#
    );
    assert_eq!(
        lines[7],
        concat!(
            r#"{"type":"message","id":"00000007","parentId":"00000006","timestamp":"1970-01-01T00:00:00.008Z","#,
            r#""message":{"role":"assistant","content":[{"type":"text","text":"part"}],"timestamp":8,"#,
            r#""api":"openai-responses","provider":"openclaw","model":"gateway-injected","usage":{"input":0,"#,
            r#""output":0,"cacheRead":0,"cacheWrite":0,"totalTokens":0,"cost":{"input":0,"output":0,"#,
            r#""cacheRead":0,"cacheWrite":0,"total":0}},"stopReason":"stop","idempotencyKey":"r-2:assistant","#,
            r#""openclawAbort":{"aborted":true,"origin":"rpc","runId":"r-2"}}}"#
        )
    );
    assert!(lines.iter().all(|line| !line.contains('\n')));
}

#[test]
fn our_own_lines_come_back() {
    let records = read(&session(), 0);
    let parents: Vec<_> = records.iter().map(|record| record.parent_id.as_deref()).collect();
    let ids: Vec<_> = records.iter().map(|record| record.id.as_deref()).collect();
    assert_eq!(parents[2..], ids[1..ids.len() - 1], "each line names the one before");
    assert_eq!(ids[0], None);
    let user = records[3].message().unwrap();
    assert_eq!(user.text(), "hello\nthere");
    assert_eq!((user.message_id().as_deref(), user.run_id()), (Some("m-1"), Some("r-1")));
    let failed = records[5].message().unwrap();
    assert_eq!(
        (failed.stop_reason.as_deref(), failed.error_message.as_deref()),
        (Some("error"), Some("400 no"))
    );
    assert!(records[6].message().unwrap().is_injected());
    assert_eq!(records[6].message().unwrap().text(), "[n]\n\nnote");
    assert_eq!(records[7].message().unwrap().run_id(), Some("r-2"));
    let Body::Compaction(compaction) = &records[8].body else { panic!("{:?}", records[8]) };
    assert_eq!(compaction.first_kept_id, records[8].id);
    assert!(holds_message(&records, "m-1") && !holds_message(&records, "m-2"));
    assert!(holds_answer(&records, "r-1") && !holds_answer(&records, "r-3"));
}

/// Lines of an OpenClaw 2026.2, shortened.
const OPENCLAW: [&str; 6] = [
    r#"{"type":"session","version":3,"id":"57eb5126-2fcd-454f-81bb-b43db335bea8","timestamp":"2026-11-22T15:06:55.226Z","cwd":"/home/user/.openclaw/workspace"}"#,
    r#"{"type":"custom","customType":"model-snapshot","data":{"timestamp":1795360015242,"provider":"mock","modelApi":"openai-completions","modelId":"mock-1"},"id":"8ddf8455","parentId":"409af20c","timestamp":"2026-11-22T15:06:55.242Z"}"#,
    r#"{"type":"message","id":"94f4f1a8","parentId":"8ddf8455","timestamp":"2026-11-22T15:06:55.246Z","message":{"role":"user","content":[{"type":"text","text":"Conversation info (untrusted metadata):\n```json\n{\n  \"message_id\": \"toolc-4\",\n  \"sender_id\": \"cli\",\n  \"sender\": \"cli\"\n}\n```\n\n[Sun 2026-11-22 15:06 UTC] TOOL please"}],"timestamp":1795360015245}}"#,
    r#"{"type":"message","id":"dadc05c7","parentId":"94f4f1a8","timestamp":"2026-11-22T15:06:55.252Z","message":{"role":"assistant","content":[{"type":"text","text":"Calling a tool. "},{"type":"toolCall","id":"call_mock1","name":"exec","arguments":{"command":"echo tool-says-hi"}}],"api":"openai-completions","provider":"mock","model":"mock-1","usage":{"input":100,"output":9,"cacheRead":20,"cacheWrite":0,"totalTokens":129,"cost":{"input":0.00009999999999999999,"output":0.000018,"cacheRead":0,"cacheWrite":0,"total":0.000118}},"stopReason":"toolUse","timestamp":1795360015246}}"#,
    r#"{"type":"message","id":"c19fea54","parentId":"dadc05c7","timestamp":"2026-11-22T15:06:55.275Z","message":{"role":"toolResult","toolCallId":"call_mock1","toolName":"exec","content":[{"type":"text","text":"tool-says-hi"}],"details":{"status":"completed","exitCode":0},"isError":false,"timestamp":1795360015273}}"#,
    r#"{"type":"compaction","id":"0dfe2c68","parentId":"5bf906ba","timestamp":"2026-11-22T15:12:29.645Z","summary":"No prior history.","firstKeptEntryId":"8b8b0441","tokensBefore":0,"details":{"readFiles":[],"modifiedFiles":[]},"fromHook":true}"#,
];

#[test]
fn openclaws_lines_are_read() {
    let records = read(&OPENCLAW, 10);
    assert_eq!(records.iter().map(|record| record.index).collect::<Vec<_>>(), [10, 11, 12, 13, 14, 15]);
    assert_eq!(records[1].body, Body::Other("custom".into()));
    let user = records[2].message().unwrap();
    assert_eq!(user.plain_text(), "TOOL please");
    assert!(holds_message(&records, "toolc-4"));
    assert_eq!(records[2].at_ms, Some(1_795_360_015_246));
    let answer = records[3].message().unwrap();
    assert_eq!((answer.text().as_str(), answer.usage.unwrap().total_tokens), ("Calling a tool. ", 129));
    assert!(records[4].message().unwrap().extra.contains_key("details"));
    for (line, record) in OPENCLAW.iter().zip(&records) {
        // Whatever we do not know of a message is kept.
        if let Some(message) = record.message() {
            let before: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(serde_json::to_value(message).unwrap(), before["message"]);
        }
    }
}

#[test]
fn strange_lines_do_not_hide_the_others() {
    let lines = [
        "",
        "not json",
        "[1]",
        "{}",
        r#"{"type":7}"#,
        r#"{"type":"message","id":"a","message":{"role":"user","content":7}}"#,
        r#"{"type":"message","id":"b","message":{"role":"alien","content":"hm"}}"#,
        r#"{"type":"message","id":"c","message":7}"#,
        r#"{"type":"message","id":"d"}"#,
        r#"{"type":"message","id":"u","message":{"role":"user","usage":7,"__openclaw":[],"content":"x"}}"#,
        r#"{"type":"brand_new","id":7}"#,
        r#"{"type":"message","id":"e","message":{"role":"assistant","content":[{"type":"text"},{"type":"text","text":"ok"},7]}}"#,
    ];
    let records = read(&lines, 0);
    let got: Vec<_> = records
        .iter()
        .map(|record| (record.index, record.id.as_deref(), record.message().map(Message::text)))
        .collect();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        got,
        [
            (5, Some("a"), text("")),
            (6, Some("b"), text("hm")),
            (7, Some("c"), None),
            (8, Some("d"), None),
            (9, Some("u"), text("x")),
            (10, None, None),
            (11, Some("e"), text("ok")),
        ]
    );
}

proptest::proptest! {
    #[test]
    fn any_text_survives(text in ".*", id in "[a-z0-9-]{1,40}") {
        let mut chain = Chain::after(Some("00000000".into()));
        let user = UserLine { text: &text, attachments: &[], message_id: &id, run_id: &id, sender: None, at_ms: 1 };
        let line = chain.user(&mut counter(), &user).json;
        let records = read(&[line], 1);
        let message = records[0].message().unwrap();
        assert_eq!(message.text(), text);
        assert_eq!(message.message_id().unwrap(), id);
    }

    #[test]
    fn any_line_is_read_without_harm(line in ".*", cut in 0usize..600) {
        read(&[line], 0);
        let whole = OPENCLAW[3];
        if let Some(torn) = whole.get(..cut.min(whole.len() - 1)) {
            assert_eq!(read(&[torn], 0), []);
        }
        envelope::strip(whole);
    }
}
