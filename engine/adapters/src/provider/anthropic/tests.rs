use super::*;
use crate::model::Api;
use crate::provider::transcript::{self, EFFORTS, image, say};

#[track_caller]
fn check(stream: &str, expect: &[&str]) {
    transcript::check(&AnthropicMessages, stream, expect);
}

fn request() -> ModelRequest {
    transcript::request(Api::AnthropicMessages, "http://127.0.0.1:1")
}

fn body(request: &ModelRequest) -> String {
    String::from_utf8(AnthropicMessages.request(request).body.to_vec()).unwrap()
}

/// One event as the API writes it.
fn event(name: &str, rest: &str) -> String {
    format!("event: {name}\ndata: {{\"type\":\"{name}\"{rest}}}\n\n")
}

fn start() -> String {
    let usage = "{\"input_tokens\":10,\"cache_read_input_tokens\":5,\"cache_creation_input_tokens\":2,\"output_tokens\":1}";
    event(
        "message_start",
        &format!(",\"message\":{{\"id\":\"m\",\"role\":\"assistant\",\"content\":[],\"usage\":{usage}}}"),
    )
}

fn text(text: &str) -> String {
    event(
        "content_block_delta",
        &format!(",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}"),
    )
}

fn stop(reason: &str) -> String {
    let delta = format!("{{\"stop_reason\":\"{reason}\",\"stop_sequence\":null}}");
    event("message_delta", &format!(",\"delta\":{delta},\"usage\":{{\"output_tokens\":15}}"))
        + &event("message_stop", "")
}

const FIRST_USAGE: &str = "usage in 10 out 1 read 5 write 2 total 18";
const LAST_USAGE: &str = "usage in 10 out 15 read 5 write 2 total 32";

#[test]
fn a_stream() {
    let block = ",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}";
    let stream = [
        start(),
        event("content_block_start", block),
        event("ping", ""),
        text("Hel"),
        text("lo é"),
        event("content_block_stop", ",\"index\":0"),
        stop("end_turn"),
    ];
    check(&stream.concat(), &[FIRST_USAGE, "text Hello é", LAST_USAGE, "stop Stop", "end"]);
}

#[test]
fn thinking_comes_before_text() {
    let delta = |delta: &str| event("content_block_delta", &format!(",\"index\":0,\"delta\":{delta}"));
    let stream = [
        start(),
        event(
            "content_block_start",
            ",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\"}",
        ),
        delta("{\"type\":\"thinking_delta\",\"thinking\":\"hm\"}"),
        delta("{\"type\":\"signature_delta\",\"signature\":\"abc\"}"),
        event(
            "content_block_start",
            ",\"index\":1,\"content_block\":{\"type\":\"redacted_thinking\",\"data\":\"x\"}",
        ),
        text("yes"),
        stop("stop_sequence"),
    ];
    check(&stream.concat(), &[FIRST_USAGE, "think hm", "text yes", LAST_USAGE, "stop Stop", "end"]);
}

#[test]
fn stop_reasons() {
    for (reason, shown) in [
        ("max_tokens", "stop Length"),
        ("model_context_window_exceeded", "stop Length"),
        ("tool_use", "stop ToolUse"),
        ("pause_turn", "stop Stop"),
        ("something_new", "stop Stop"),
    ] {
        check(&(start() + &stop(reason)), &[FIRST_USAGE, LAST_USAGE, shown, "end"]);
    }
    let refused = [FIRST_USAGE, LAST_USAGE, "BadRequest None the model refused to answer"];
    check(&(start() + &stop("refusal")), &refused);
}

#[test]
fn asking_for_a_tool_ends_the_turn() {
    let input = "{\"type\":\"input_json_delta\",\"partial_json\":\"{}\"}";
    let stream = [
        start(),
        text("Calling. "),
        event(
            "content_block_start",
            ",\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"exec\"}",
        ),
        event("content_block_delta", &format!(",\"index\":1,\"delta\":{input}")),
        stop("tool_use"),
    ];
    check(&stream.concat(), &[FIRST_USAGE, "text Calling. ", LAST_USAGE, "stop ToolUse", "end"]);
}

#[test]
fn errors_inside_the_stream() {
    for (kind, shown) in [
        ("overloaded_error", "Server"),
        ("api_error", "Server"),
        ("rate_limit_error", "RateLimit"),
        ("billing_error", "RateLimit"),
        ("authentication_error", "Auth"),
        ("permission_error", "Auth"),
        ("invalid_request_error", "BadRequest"),
        ("timeout_error", "Timeout"),
        ("request_too_large", "ContextOverflow"),
    ] {
        let error = event("error", &format!(",\"error\":{{\"type\":\"{kind}\",\"message\":\"no\"}}"));
        check(&(text("a") + &error), &["text a", &format!("{shown} None no")]);
    }
    check(&event("error", ""), &["Protocol None the provider sent a malformed error"]);
}

#[test]
fn a_cut_stream_is_no_answer() {
    let cut = "Network None the provider's stream ended before the answer did";
    check(&(start() + &text("half")), &[FIRST_USAGE, "text half", cut]);
    // A reason to stop is the last word in practice; only the formality is missing.
    let stopped = stop("end_turn").replace("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n", "");
    check(&stopped, &["usage in 0 out 15 read 0 write 0 total 15", "stop Stop", "end"]);
}

#[test]
fn broken_and_unknown_events() {
    check("data: {\"type\":7}\n\n", &["Protocol None the provider sent a malformed event"]);
    check(
        &(event("brand_new", ",\"x\":1") + &stop("end_turn")),
        &["usage in 0 out 15 read 0 write 0 total 15", "stop Stop", "end"],
    );
}

#[test]
fn a_whole_answer_instead_of_a_stream() {
    check(
        "{\"id\":\"m\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\",\
         \"signature\":\"s\"},{\"type\":\"text\",\"text\":\"hi\"}],\"stop_reason\":\"end_turn\",\
         \"usage\":{\"input_tokens\":3,\"output_tokens\":1}}",
        &["think hm", "text hi", "usage in 3 out 1 read 0 write 0 total 4", "stop Stop", "end"],
    );
    check(
        "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}",
        &["Server None Overloaded"],
    );
}

#[test]
fn the_smallest_request() {
    for base in
        ["http://127.0.0.1:1", "http://127.0.0.1:1/", "http://127.0.0.1:1/v1", "http://127.0.0.1:1/v1/"]
    {
        let mut request = request();
        request.endpoint.base_url = base.into();
        assert_eq!(AnthropicMessages.request(&request).url, "http://127.0.0.1:1/v1/messages");
    }
    let http = AnthropicMessages.request(&request());
    let headers: Vec<_> = http.headers.iter().map(|(name, value)| (name.as_str(), value.reveal())).collect();
    let expect = [
        ("content-type", "application/json"),
        ("accept", "text/event-stream"),
        ("anthropic-version", "2023-06-01"),
        ("x-api-key", "sk-test-1234567890"),
    ];
    assert_eq!(headers, expect);
    assert_eq!(
        body(&request()),
        concat!(
            r#"{"model":"mock-1","max_tokens":4096,"stream":true,"messages":[{"role":"user","content":"#,
            r#"[{"type":"text","text":"hello","cache_control":{"type":"ephemeral"}}]}]}"#,
        )
    );
}

#[test]
fn a_conversation_with_everything() {
    let mut request = request();
    request.system = "Be brief.".into();
    request.messages = vec![
        say(Speaker::Assistant, "injected"),
        Message { speaker: Speaker::User, parts: vec![image("image/png", "QUJD"), Part::Text(" ".into())] },
        Message { speaker: Speaker::Assistant, parts: vec![image("image/png", "QUJD")] },
        say(Speaker::Assistant, "a cat"),
        say(Speaker::User, "sure?"),
    ];
    request.tokens_max = Some(50);
    assert_eq!(
        body(&request),
        concat!(
            r#"{"model":"mock-1","max_tokens":50,"stream":true,"#,
            r#""system":[{"type":"text","text":"Be brief.","cache_control":{"type":"ephemeral"}}],"messages":["#,
            r#"{"role":"user","content":[{"type":"text","text":"(conversation start)"}]},"#,
            r#"{"role":"assistant","content":[{"type":"text","text":"injected"}]},"#,
            r#"{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"QUJD"}}]},"#,
            r#"{"role":"assistant","content":[{"type":"text","text":"a cat"}]},"#,
            r#"{"role":"user","content":[{"type":"text","text":"sure?","cache_control":{"type":"ephemeral"}}]}]}"#,
        )
    );
}

#[test]
fn thinking_budgets() {
    let budget = |budget: u32| format!("\"thinking\":{{\"type\":\"enabled\",\"budget_tokens\":{budget}}}");
    for (effort, tokens) in EFFORTS.into_iter().zip([1024, 2048, 8192, 16384]) {
        let shown = body(&ModelRequest { effort: Some(effort), ..request() });
        assert!(shown.contains(&budget(tokens)), "{shown}");
        assert!(
            shown.contains(&format!("\"max_tokens\":{}", 4096 + tokens)),
            "on top of the answer: {shown}"
        );
    }
    let bounded =
        |max| body(&ModelRequest { effort: Some(Effort::High), tokens_max: Some(max), ..request() });
    assert!(bounded(32000).contains(&budget(16384)) && bounded(32000).contains("\"max_tokens\":32000"));
    assert!(bounded(8000).contains(&budget(8000 - 1024)), "leaves room for the answer");
    assert!(!bounded(2000).contains("thinking"), "no room for the least budget");
}

#[test]
fn newer_models_decide_themselves() {
    for (model, adaptive) in [
        ("claude-3-7-sonnet-20250219", false),
        ("claude-opus-4-20250514", false),
        ("claude-sonnet-4-5-20250929", false),
        ("anthropic/claude-opus-4.5", false),
        ("claude-opus-4-6", true),
        ("anthropic/claude-opus-4.7", true),
        ("us.anthropic.claude-opus-4-8-v1:0", true),
        ("claude-sonnet-5", true),
        ("claude-mythos-preview", true),
        ("MiniMax-M2", false),
        ("qwen3:8b", false),
    ] {
        assert_eq!(decides_itself(model), adaptive, "{model}");
    }
    let mut request = ModelRequest { effort: Some(Effort::Minimal), ..request() };
    request.endpoint.model = "claude-opus-4-7".into();
    let shown = body(&request);
    let expect = r#""thinking":{"type":"adaptive","display":"summarized"},"output_config":{"effort":"low"}}"#;
    assert!(shown.ends_with(expect), "{shown}");
}
