use super::*;
use crate::model::{Api, Endpoint, Message, Secret};

fn request(text: &str) -> ModelRequest {
    ModelRequest {
        endpoint: Endpoint {
            provider: "loopback".to_owned(),
            model: "loopback".to_owned(),
            api: Api::Loopback,
            base_url: String::new(),
            api_key: Secret::default(),
            headers: Vec::new(),
        },
        system: String::new(),
        messages: vec![Message { speaker: Speaker::User, parts: vec![Part::Text(text.to_owned())] }],
        tokens_max: None,
        effort: None,
        timeout_ms: 1000,
    }
}

/// Plays a script as a driver would, waking exactly when told: one line a step, `<ms>: <events> -> <then>`.
fn play(text: &str) -> Vec<String> {
    let mut script = Script::new(&request(text));
    let (mut now_ms, mut lines) = (0, Vec::new());
    loop {
        let step = script.next(now_ms);
        lines.push(format!("{now_ms}: {}", show(&step)));
        match step.then {
            Then::Wait { ms } => now_ms += ms,
            Then::Never | Then::Done | Then::Failed(_) => return lines,
        }
    }
}

fn show(step: &Step) -> String {
    let events = step.events.iter().map(|event| match event {
        ModelEvent::Text(text) => format!("'{text}' "),
        ModelEvent::Thinking(text) => format!("({text}) "),
        ModelEvent::Stop(reason) => format!("{reason:?} "),
        ModelEvent::Usage(usage) => format!("{}+{}={} ", usage.input, usage.output, usage.total),
    });
    let then = match &step.then {
        Then::Wait { ms } => format!("wait {ms}"),
        Then::Never => "never".to_owned(),
        Then::Done => "done".to_owned(),
        Then::Failed(error) => format!("failed {:?} {}", error.kind, error.message),
    };
    events.chain([format!("-> {then}")]).collect()
}

#[track_caller]
fn check(text: &str, expect: &[&str]) {
    assert_eq!(play(text), expect);
}

#[test]
fn echoes_at_once() {
    check(" hello there\n", &["0: 'You said: hello there' Stop 4+6=10 -> done"]);
    check("", &["0: 'You said: ' Stop 0+3=3 -> done"]);
}

#[test]
fn streams_with_pauses() {
    check(
        "please stream 3 20",
        &["0: 'word0 ' -> wait 20", "20: 'word1 ' -> wait 20", "40: 'word2 ' Stop 5+5=10 -> done"],
    );
    check("stream 2", &["0: 'word0 ' -> wait 100", "100: 'word1 ' Stop 2+3=5 -> done"]);
    check("SLOW 2", &["0: 'word0 ' -> wait 100", "100: 'word1 ' Stop 2+3=5 -> done"]);
    check("LONG 2", &["0: 'word0 ' -> wait 10", "10: 'word1 ' Stop 2+3=5 -> done"]);
    assert_eq!(play("SLOW").len(), 10);
    assert_eq!(play("LONG").len(), 10);
}

#[test]
fn without_pauses_all_words_come_at_once() {
    check("stream 3 0", &["0: 'word0 word1 word2 ' Stop 3+5=8 -> done"]);
    check("stream 0 0", &["0: Stop 3+0=3 -> done"]);
}

#[test]
fn words_that_steer() {
    check("HANG", &["0: 'part0 ' -> wait 200", "200: 'part1 ' -> wait 200", "400: 'part2 ' -> never"]);
    check("now FAIL.", &["0: -> failed BadRequest 400 loopback failure requested"]);
    check("FAIL 429", &["0: -> failed RateLimit 429 loopback failure requested"]);
    check("FAIL 200", &["0: -> failed BadRequest 400 loopback failure requested"]);
    check("SILENT", &["0: 'NO_REPLY' Stop 2+2=4 -> done"]);
    check("TOOL", &["0: 'Calling a tool. ' ToolUse 1+4=5 -> done"]);
    check("WAIT 50 FAIL", &["0: -> wait 50", "50: -> failed BadRequest 400 loopback failure requested"]);
    check(
        "WAIT 50 SLOW 2",
        &["0: -> wait 50", "50: 'word0 ' -> wait 100", "150: 'word1 ' Stop 4+3=7 -> done"],
    );
    check("THINK a", &["0: (Considering the prompt.) 'You said: THINK a' Stop 2+10=12 -> done"]);
}

#[test]
fn ordinary_words_do_not_steer() {
    for text in ["slow down", "a stream of words", "FAILURE", "I said STOP", "wait 5", "WAIT a moment"] {
        check(
            text,
            &[&format!("0: 'You said: {text}' Stop {} -> done", {
                let (input, output) = (text.len().div_ceil(4), (text.len() + 10).div_ceil(4));
                format!("{input}+{output}={}", input + output)
            })],
        );
    }
}

#[test]
fn time_may_jump_and_may_be_asked_too_often() {
    let mut script = Script::new(&request("SLOW 5"));
    let steps = [0, 0, 99, 250, 250, 10_000, 10_000].map(|now_ms| show(&script.next(now_ms)));
    assert_eq!(
        steps,
        [
            "'word0 ' -> wait 100",
            "-> wait 100",
            "-> wait 1",
            "'word1 word2 ' -> wait 50",
            "-> wait 50",
            "'word3 word4 ' Stop 2+8=10 -> done",
            "-> done",
        ]
    );
}

#[test]
fn a_failure_is_told_once() {
    let mut script = Script::new(&request("FAIL"));
    assert!(matches!(script.next(0).then, Then::Failed(_)));
    assert_eq!(script.next(1), Step { events: vec![], then: Then::Done });
}

#[test]
fn the_newest_text_of_the_user_counts() {
    let mut request = request("FAIL");
    let say = |speaker, text: &str| Message { speaker, parts: vec![Part::Text(text.to_owned())] };
    request.messages.push(say(Speaker::Assistant, "HANG"));
    let image = Part::Image { mime: "image/png".into(), data: "QUJD".into() };
    let parts = vec![Part::Text("FAIL".into()), Part::Text("look".into()), image];
    request.messages.push(Message { speaker: Speaker::User, parts });
    request.system = "SILENT".into();
    // (4 + 4 + 4 + 4 + 6) bytes and an image.
    assert_eq!(show(&Script::new(&request).next(0)), "'You said: look' Stop 91+4=95 -> done");
}

#[test]
fn demands_are_bounded() {
    let last = play("stream 99999999999 0").pop().unwrap();
    assert!(
        last.contains(&format!("word{} ", WORDS_MAX - 1)) && !last.contains(&format!("word{WORDS_MAX} "))
    );
    assert_eq!(play("WAIT 99999999999 FAIL")[0], format!("0: -> wait {PAUSE_MS_MAX}"));
    assert_eq!(play("stream 2 99999999999")[0], format!("0: 'word0 ' -> wait {PAUSE_MS_MAX}"));
    let echo = play(&"ü".repeat(ECHO_BYTES_MAX));
    assert!(echo[0].len() < ECHO_BYTES_MAX + 100);
}
