use super::*;
use crate::model::Api;
use crate::provider::transcript::{self, EFFORTS, image, say};

#[track_caller]
fn check(stream: &str, expect: &[&str]) {
    transcript::check(&OpenaiCompletions, stream, expect);
}

fn body(request: &ModelRequest) -> String {
    String::from_utf8(OpenaiCompletions.request(request).body.to_vec()).unwrap()
}

fn request() -> ModelRequest {
    transcript::request(Api::OpenaiCompletions, "http://127.0.0.1:1/v1")
}

#[test]
fn a_stream_as_recorded() {
    check(
        concat!(
            "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,\"delta\":",
            "{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n",
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Mock \"},\"finish_reason\":null}]}\n\n",
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"réply\"},\"finish_reason\":null}]}\n\n",
            "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
            "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":120,\"completion_tokens\":9,\"total_tokens\":129,",
            "\"prompt_tokens_details\":{\"cached_tokens\":20}}}\n\n",
            "data: [DONE]\n\n",
        ),
        &["text Mock réply", "stop Stop", "usage in 100 out 9 read 20 write 0 total 129", "end"],
    );
}

#[test]
fn quirks_of_servers() {
    // OpenRouter: comments, usage in the last chunk with a choice. Carriage returns.
    check(
        ": OPENROUTER PROCESSING\r\n\r\ndata:{\"choices\":[{\"delta\":{\"content\":\"a\",\"reasoning\":null}}]}\r\n\r\n\
         data:{\"choices\":[{\"delta\":{\"content\":\"\"},\"finish_reason\":\"stop\",\"native_finish_reason\":\"x\"}],\
         \"usage\":{\"prompt_tokens\":5,\"completion_tokens\":1,\"prompt_tokens_details\":{\"cached_tokens\":1,\
         \"cache_write_tokens\":2}}}\r\n\r\ndata:[DONE]\r\n\r\n",
        &["text a", "stop Stop", "usage in 2 out 1 read 1 write 2 total 6", "end"],
    );
    // No [DONE], no usage, no last blank line.
    check(
        "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"length\"}]}",
        &["text a", "stop Length", "end"],
    );
    // A null usage in each chunk, an empty one, and an empty finish reason.
    check(
        "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"\"}],\"usage\":null}\n\n\
         data: {\"choices\":null,\"usage\":{}}\n\ndata: [DONE]\n\n",
        &["text a", "end"],
    );
    // Reasoning by three names, and DeepSeek's cache count.
    check(
        "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"hm\",\"content\":null}}]}\n\n\
         data: {\"choices\":[{\"delta\":{\"reasoning\":\" ok\"}}]}\n\n\
         data: {\"choices\":[{\"delta\":{\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\
         \"text\":\"!\"}]},{\"type\":\"text\",\"text\":\"yes\"}]}}]}\n\n\
         data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2,\
         \"prompt_cache_hit_tokens\":4}}\n\ndata: [DONE]\n\n",
        &["think hm ok!", "text yes", "usage in 5 out 2 read 4 write 0 total 11", "end"],
    );
    // What follows the end is not looked at.
    check("data: [DONE]\n\ndata: {broken\n\n", &["end"]);
    // Space before the first line, as some proxies send to keep a connection alive.
    check(
        "  \n \r  data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: [DONE]\n\n",
        &["text a", "end"],
    );
    // Content of a strange type is nothing; blank events too.
    check(
        "data: \n\ndata: {\"choices\":[{\"delta\":{\"content\":{\"a\":[1]}}}]}\n\ndata: {\"choices\":[{\"delta\":\
         {\"content\":7}}]}\n\ndata: [DONE]\n\n",
        &["end"],
    );
}

#[test]
fn a_refusal_is_an_answer() {
    check(
        "data: {\"choices\":[{\"delta\":{\"refusal\":\"No.\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
        &["text No.", "stop Stop", "end"],
    );
}

#[test]
fn asking_for_a_tool_ends_the_turn() {
    check(
        "data: {\"choices\":[{\"delta\":{\"content\":\"Calling. \"}}]}\n\n\
         data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"c1\",\"function\":{\"name\":\"exec\",\
         \"arguments\":\"{}\"}}]}}]}\n\ndata: {\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n\
         data: [DONE]\n\n",
        &["text Calling. ", "stop ToolUse", "end"],
    );
    check(
        "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{}]},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
        &["stop ToolUse", "end"],
    );
}

#[test]
fn stopping_is_told_once() {
    check(
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n\
         data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
        &["stop Stop", "end"],
    );
}

#[test]
fn a_whole_answer_instead_of_a_stream() {
    check(
        "\n {\"object\":\"chat.completion\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\
         \"content\":\"Hello\\n\",\"reasoning_content\":\"hm\"},\"finish_reason\":\"stop\"}],\
         \"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1,\"total_tokens\":4}}\n",
        &["think hm", "text Hello\n", "stop Stop", "usage in 3 out 1 read 0 write 0 total 4", "end"],
    );
    check("{}", &["Protocol None the provider sent a malformed answer"]);
    check("{\"choices\":[", &["Protocol None the provider sent a malformed event"]);
    check("{\"error\":{\"message\":\"model not found\"}}", &["Server None model not found"]);
}

#[test]
fn errors_inside_the_stream() {
    // OpenRouter.
    check(
        "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: {\"id\":\"g\",\"error\":{\"code\":429,\
         \"message\":\"slow down\",\"metadata\":{\"raw\":\"upstream busy\"}},\"choices\":[{\"delta\":{},\
         \"finish_reason\":\"error\"}]}\n\n",
        &["text a", "RateLimit Some(429) 429 slow down: upstream busy"],
    );
    // llama.cpp and vLLM.
    check(
        "data: {\"error\":{\"code\":400,\"message\":\"the request exceeds the available context size\",\
         \"type\":\"exceed_context_size_error\"}}\n\n",
        &["ContextOverflow Some(400) 400 the request exceeds the available context size"],
    );
    check(
        "data: {\"object\":\"error\",\"message\":\"boom\",\"code\":500}\n\n",
        &["Server Some(500) 500 boom"],
    );
    // Ollama.
    check("data: {\"error\":\"llama runner has stopped\"}\n\n", &["Server None llama runner has stopped"]);
    check("error: x\n\n", &["Network None the provider's stream ended before the answer did"]);
}

#[test]
fn finish_reasons_that_are_failures() {
    check(
        "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"content_filter\"}]}\n\n",
        &["text a", "BadRequest None the provider's content filter stopped the answer"],
    );
    check(
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"error\"}]}\n\n",
        &["Server None the provider failed during the answer"],
    );
}

#[test]
fn a_cut_stream_is_no_answer() {
    check("", &["Protocol None the provider's answer is empty"]);
    check(
        "data: {\"choices\":[{\"delta\":{\"content\":\"half an ans\"}}]}\n\n",
        &["text half an ans", "Network None the provider's stream ended before the answer did"],
    );
}

#[test]
fn broken_events_fail() {
    for stream in ["data: hello\n\n", "data: {\"choices\":7}\n\n", "data: {\"choices\":[{\"delta\":\n\n"] {
        check(stream, &["Protocol None the provider sent a malformed event"]);
    }
    let not_utf8 = b"data: {\"choices\":[{\"delta\":{\"content\":\"\xff\"}}]}\n\n";
    let seen = transcript::read(&OpenaiCompletions, &[&not_utf8[..]]);
    assert_eq!(seen, ["Protocol None the provider sent a malformed event"]);
}

#[test]
fn a_whole_answer_is_bounded() {
    let mut decoder = OpenaiCompletions.decoder();
    let mut out = Vec::new();
    decoder.feed(b"{", &mut out).unwrap();
    let piece = vec![b' '; crate::provider::WHOLE_BYTES_MAX / 2];
    decoder.feed(&piece, &mut out).unwrap();
    let error = decoder.feed(&piece, &mut out).unwrap_err();
    assert_eq!(transcript::show_error(&error), "Protocol None the provider's answer is too large");
}

#[test]
fn the_end_is_known_before_the_body_ends() {
    let mut decoder = OpenaiCompletions.decoder();
    let mut out = Vec::new();
    decoder.feed(b"data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n", &mut out).unwrap();
    assert!(!decoder.is_complete(), "usage may follow");
    decoder.feed(b"data: [DONE]\n\n", &mut out).unwrap();
    assert!(decoder.is_complete());
}

#[test]
fn the_smallest_request() {
    let http = OpenaiCompletions.request(&request());
    assert_eq!(http.url, "http://127.0.0.1:1/v1/chat/completions");
    let headers: Vec<_> = http.headers.iter().map(|(name, value)| (name.as_str(), value.reveal())).collect();
    let expect = [
        ("content-type", "application/json"),
        ("accept", "text/event-stream"),
        ("authorization", "Bearer sk-test-1234567890"),
    ];
    assert_eq!(headers, expect);
    assert_eq!(
        body(&request()),
        r#"{"model":"mock-1","messages":[{"role":"user","content":"hello"}],"stream":true,"stream_options":{"include_usage":true}}"#
    );
}

#[test]
fn a_conversation_with_everything() {
    let mut request = request();
    request.system = "Be brief.".into();
    request.messages = vec![
        Message {
            speaker: Speaker::User,
            parts: vec![image("image/png", "QUJD"), Part::Text("what?".into())],
        },
        say(Speaker::Assistant, "a \"cat\""),
        Message { speaker: Speaker::Assistant, parts: vec![image("image/png", "QUJD")] },
        say(Speaker::User, ""),
        Message { speaker: Speaker::User, parts: vec![Part::Text("and".into()), Part::Text("now?".into())] },
    ];
    request.tokens_max = Some(50);
    assert_eq!(
        body(&request),
        concat!(
            r#"{"model":"mock-1","messages":[{"role":"system","content":"Be brief."},"#,
            r#"{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,QUJD"}},"#,
            r#"{"type":"text","text":"what?"}]},{"role":"assistant","content":"a \"cat\""},"#,
            r#"{"role":"user","content":"and\nnow?"}],"#,
            r#""stream":true,"stream_options":{"include_usage":true},"max_tokens":50}"#,
        )
    );
}

#[test]
fn effort_and_token_names() {
    for (effort, word) in EFFORTS.into_iter().zip(["minimal", "low", "medium", "high"]) {
        let body = body(&ModelRequest { effort: Some(effort), ..request() });
        assert!(body.ends_with(&format!(",\"reasoning_effort\":\"{word}\"}}")), "{body}");
    }
    let mut request = transcript::request(Api::OpenaiCompletions, "https://api.openai.com/v1/");
    request.tokens_max = Some(7);
    assert!(body(&request).ends_with(",\"max_completion_tokens\":7}"));
    assert_eq!(OpenaiCompletions.request(&request).url, "https://api.openai.com/v1/chat/completions");
}

#[test]
fn headers_from_the_config_win() {
    let mut request = request();
    request.endpoint.headers =
        vec![("Authorization".into(), Secret::new("Basic x")), ("x-team".into(), Secret::new("a"))];
    let http = OpenaiCompletions.request(&request);
    let value = |name| http.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.reveal());
    assert_eq!((value("authorization"), value("x-team")), (Some("Basic x"), Some("a")));
    request.endpoint.headers.clear();
    request.endpoint.api_key = Secret::default();
    assert!(!format!("{:?}", OpenaiCompletions.request(&request)).contains("authorization"));
}
