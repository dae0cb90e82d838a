//! The egress against a stand-in provider on this machine.

mod bounds;
mod lookup;
mod server;
mod tls;

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use pincer_adapters::ModelEvent;
use pincer_adapters::model::{Api, Endpoint, Message, Part, Secret, Speaker};
use pincer_defender::intel::{FailMode, IntelSet, LEARNED_MAX};
use pincer_defender::{Action, Cleared, Defender, Known, Request, Scratch};

use super::*;
use server::{Act::*, *};

/// Far beyond what any test takes; only a broken one waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

const SHARD: ShardId = ShardId(3);

/// Anything, cleared as an empty text would be.
fn cleared_of<T: std::fmt::Debug>(value: T) -> Cleared<T> {
    let set = IntelSet::new(Default::default(), Default::default(), LEARNED_MAX);
    let known = Known { set: &set, if_unchecked: FailMode::Open, now_ms: 0 };
    let request =
        Request { action: Action::Command(""), agent: "main", session: "main", channel: None, sender: None };
    // Made once: it takes longer to build than some look-ups here may take.
    static DEFENDER: OnceLock<Defender> = OnceLock::new();
    let judgement = DEFENDER.get_or_init(Defender::default).judge(&request, known, &mut Scratch::default());
    Cleared::by(&judgement, value).unwrap()
}

/// An egress and what it reports.
struct Desk {
    egress: Egress,
    progress: Receiver<(ShardId, CallId, CallProgress)>,
    log: Receiver<LogLine>,
}

impl Desk {
    fn new(limits: Limits) -> Desk {
        Desk::trusting(Trust::Machine, limits)
    }

    fn trusting(trust: Trust, limits: Limits) -> Desk {
        Desk::with_room(trust, limits, || true)
    }

    /// `has_room` says whether the shard takes the next report.
    fn with_room(trust: Trust, limits: Limits, has_room: impl Fn() -> bool + Send + Sync + 'static) -> Desk {
        let ((reported, progress), (logged, log)) = (channel(), channel());
        let deliver = move |shard, call, progress| match has_room() {
            true => {
                let _ = reported.send((shard, call, progress));
                Ok(())
            }
            false => Err(progress),
        };
        let write = move |line| {
            let _ = logged.send(line);
        };
        Desk { egress: Egress::with_trust(limits, trust, Box::new(deliver), Box::new(write)), progress, log }
    }

    fn start(&self, call: u64, request: ModelRequest) {
        self.try_start(call, request).expect("room for a call");
    }

    fn try_start(&self, call: u64, request: ModelRequest) -> Result<(), ProviderError> {
        self.egress.start(SHARD, CallId(call), cleared_of(request))
    }

    fn next(&self) -> (CallId, CallProgress) {
        let (shard, call, progress) = self.progress.recv_timeout(PATIENCE).expect("a report");
        assert_eq!(shard, SHARD);
        (call, progress)
    }

    /// Everything reported of the only call, text joined, ending with `done` or `failed`.
    fn outcome(&self) -> Vec<String> {
        let (mut events, mut end) = (Vec::new(), None);
        while end.is_none() {
            match self.next().1 {
                CallProgress::Events(more) => events.extend(more),
                CallProgress::Done => end = Some("done".to_owned()),
                CallProgress::Failed(error) => end = Some(show(&error)),
            }
        }
        let mut lines: Vec<String> = Vec::new();
        for event in events {
            match (event, lines.last_mut()) {
                (ModelEvent::Text(text), Some(last)) if last.starts_with("text ") => last.push_str(&text),
                (ModelEvent::Text(text), _) => lines.push(format!("text {text}")),
                (ModelEvent::Stop(reason), _) => lines.push(format!("stop {reason:?}")),
                (ModelEvent::Usage(usage), _) => {
                    lines.push(format!(
                        "usage {}+{}+{}={}",
                        usage.input, usage.cache_read, usage.output, usage.total
                    ));
                }
                (event, _) => lines.push(format!("{event:?}")),
            }
        }
        lines.extend(end);
        lines
    }

    /// Waits until no call is left, cancelled ones included.
    fn settle(&self) {
        for _ in 0..PATIENCE.as_millis() {
            if self.egress.outstanding() == 0 {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("{} calls left", self.egress.outstanding());
    }
}

fn show(error: &ProviderError) -> String {
    format!("failed {:?} {}", error.kind, error.message)
}

fn request(base_url: &str) -> ModelRequest {
    ModelRequest {
        endpoint: Endpoint {
            provider: "mock".to_owned(),
            model: "mock-1".to_owned(),
            api: Api::OpenaiCompletions,
            base_url: base_url.to_owned(),
            api_key: Secret::new("sk-test-1234567890"),
            headers: vec![("X-Team".to_owned(), Secret::new("red"))],
        },
        system: "Be brief.".to_owned(),
        messages: vec![Message { speaker: Speaker::User, parts: vec![Part::Text("hello".to_owned())] }],
        tokens_max: None,
        effort: None,
        timeout_ms: 60_000,
    }
}

/// One call to a server that does `acts`: what is reported must be `expect`, with `HOST` for the server's address.
#[track_caller]
fn check_with(limits: Limits, acts: Vec<Act>, expect: &[&str]) {
    let server = Server::start(acts);
    let desk = Desk::new(limits);
    desk.start(1, request(&server.base_url()));
    let seen: Vec<_> = desk.outcome().iter().map(|line| line.replace(&server.host(), "HOST")).collect();
    assert_eq!(seen, expect);
    desk.settle();
    assert!(desk.progress.try_recv().is_err(), "nothing comes after the end");
}

#[track_caller]
fn check(acts: Vec<Act>, expect: &[&str]) {
    check_with(Limits::default(), acts, expect);
}

const STREAM_END: &[&str] = &["text ab", "stop Stop", "usage 100+20+9=129", "done"];

#[test]
fn a_whole_call() {
    let server = Server::start(vec![Write(head()), Write(text("a")), Write(text("b")), Write(end())]);
    let desk = Desk::new(Limits::default());
    desk.start(1, request(&server.base_url()));
    assert_eq!(desk.outcome(), STREAM_END);
    let seen = server.request();
    let (line, rest) = seen.split_once("\r\n").unwrap();
    assert_eq!(line, "POST /v1/chat/completions HTTP/1.1");
    for part in [
        "authorization: Bearer sk-test-1234567890\r\n",
        "x-team: red\r\n",
        "accept: text/event-stream\r\n",
        &format!("user-agent: pincer/{}\r\n", env!("CARGO_PKG_VERSION")),
        &format!("host: {}\r\n", server.host()),
        "content-length: ",
        "{\"role\":\"user\",\"content\":\"hello\"}",
    ] {
        assert!(rest.contains(part), "{part} in {seen}");
    }
    assert!(!rest.contains("accept-encoding"), "nothing here can unpack");
}

#[test]
fn anthropic_too() {
    let events = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":1}}}\n\n\
                  data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"hi\"}}\n\n\
                  data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":2}}\n\n\
                  data: {\"type\":\"message_stop\"}\n\n";
    let server = Server::start(vec![Write(head()), Write(chunk(events)), Write(last_chunk())]);
    let desk = Desk::new(Limits::default());
    let mut request = request(&server.base_url());
    request.endpoint.api = Api::AnthropicMessages;
    desk.start(1, request);
    assert_eq!(desk.outcome(), ["usage 1+0+0=1", "text hi", "usage 1+0+2=3", "stop Stop", "done"]);
    assert!(server.request().starts_with("POST /v1/messages HTTP/1.1\r\n"));
}

#[test]
fn bytes_may_dribble() {
    let whole = [head(), text("a"), text("b"), end()].concat();
    let mut acts = Vec::new();
    for piece in whole.as_bytes().chunks(11) {
        acts.extend([Write(String::from_utf8(piece.to_vec()).unwrap()), Pause(1)]);
    }
    check(acts, STREAM_END);
}

#[test]
fn what_arrives_together_is_reported_together() {
    let chunks: String = (0..50).map(|_| text("x")).collect();
    let server = Server::start(vec![Write(head() + &chunks + &end())]);
    let desk = Desk::new(Limits::default());
    desk.start(1, request(&server.base_url()));
    let mut reports = 0;
    while let CallProgress::Events(_) = desk.next().1 {
        reports += 1;
    }
    assert!((1..10).contains(&reports), "{reports} reports of 50 chunks");
}

#[test]
fn the_last_word_ends_the_call_though_the_body_goes_on() {
    let mut lasting = end();
    lasting.truncate(lasting.len() - last_chunk().len());
    check(vec![Write(head() + &text("ab") + &lasting), AwaitClose], STREAM_END);
}

#[test]
fn an_answer_that_is_no_stream() {
    let body = "{\"choices\":[{\"message\":{\"content\":\"ab\"},\"finish_reason\":\"stop\"}]}";
    check(vec![Write(plain(200, "", body))], &["text ab", "stop Stop", "done"]);
}

#[test]
fn refusals() {
    for (status, body, expect) in [
        (
            400,
            "{\"error\":{\"message\":\"mock failure requested\"}}",
            "failed BadRequest 400 mock failure requested",
        ),
        (
            401,
            "{\"error\":{\"message\":\"bad key sk-test-1234567890\"}}",
            "failed Auth 401 bad key [redacted]",
        ),
        (429, "{\"error\":{\"message\":\"slow down\"}}", "failed RateLimit 429 slow down"),
        (500, "", "failed Server 500 status code (no body)"),
        (502, "<html><title>Bad Gateway</title></html>", "failed Server 502 Bad Gateway"),
        (204, "", "failed Protocol the provider's answer is empty"),
    ] {
        check(vec![Write(plain(status, "", body))], &[expect]);
    }
}

#[test]
fn a_refusal_may_name_a_pause() {
    let server = Server::start(vec![Write(plain(429, "retry-after: 7\r\n", "{}"))]);
    let desk = Desk::new(Limits::default());
    desk.start(1, request(&server.base_url()));
    let (_, CallProgress::Failed(error)) = desk.next() else { panic!() };
    assert_eq!((error.status, error.retry_after_ms), (Some(429), Some(7000)));
}

#[test]
fn a_refusal_is_read_in_part() {
    let limits = Limits { error_bytes_max: 10, ..Limits::default() };
    check_with(limits, vec![Write(plain(500, "", "0123456789abcdef"))], &["failed Server 500 0123456789"]);
    let limits = Limits { first_byte_timeout_ms: 1000, ..Limits::default() };
    let unfinished = "HTTP/1.1 503 x\r\ncontent-length: 100\r\n\r\nhalf".to_owned();
    check_with(limits, vec![Write(unfinished), AwaitClose], &["failed Server 503 half"]);
}

#[test]
fn redirects_are_not_followed() {
    let elsewhere = Server::start(vec![Write(head() + &end())]);
    let location = format!("location: {}/chat/completions\r\n", elsewhere.base_url());
    check(
        vec![Write(plain(307, &location, ""))],
        &["failed Protocol 307 redirects are not followed; set baseUrl to the address it leads to"],
    );
    assert!(!elsewhere.was_asked());
}

#[test]
fn malformed_answers() {
    check(
        vec![Write(head() + &chunk("data: hello\n\n")), AwaitClose],
        &["failed Protocol the provider sent a malformed event"],
    );
    check(
        vec![
            Write(head() + &text("a") + &chunk("data: {\"error\":{\"message\":\"boom\",\"code\":503}}\n\n")),
            AwaitClose,
        ],
        &["text a", "failed Server 503 boom"],
    );
    check(
        vec![Write("SSH-2.0-OpenSSH\r\n\r\n".to_owned()), AwaitClose],
        &["failed Network the connection to HOST broke: invalid HTTP version parsed"],
    );
    check(
        vec![Write(head() + "zz\r\n"), AwaitClose],
        &["failed Network the connection to HOST broke: Invalid chunk size line: missing size digit"],
    );
}

#[test]
fn broken_connections() {
    let broke = "failed Network the connection to HOST broke: ";
    check(vec![Close], &[&format!("{broke}connection closed before message completed")]);
    check(
        vec![Write(head() + &text("a")), Close],
        &["text a", &format!("{broke}unexpected EOF during chunk size line")],
    );
    check(
        vec![Write(head() + &text("a")), Pause(200), Reset],
        &["text a", &format!("{broke}Connection reset by peer (os error 104)")],
    );
    check(
        vec![Write(head() + &text("a") + &last_chunk())],
        &["text a", "failed Network the provider's stream ended before the answer did"],
    );
}

#[test]
fn nobody_listens() {
    let server = Server::start(vec![]);
    let (base_url, host) = (server.base_url(), server.host());
    drop(server);
    let desk = Desk::new(Limits::default());
    desk.start(1, request(&base_url));
    let refused = format!("failed Network cannot reach {host}: Connection refused (os error 111)");
    assert_eq!(desk.outcome(), [refused]);
}

#[test]
fn stalls() {
    let impatient = || Limits { first_byte_timeout_ms: 50, ..Limits::default() };
    let unanswered = "failed Timeout the provider did not answer for 50 ms";
    check_with(impatient(), vec![AwaitClose], &[unanswered]);
    check_with(impatient(), vec![Write(head()), AwaitClose], &[unanswered]);
    let stalled = "failed Timeout the provider's answer stalled for 60 ms";
    let limits = Limits { idle_timeout_ms: 60, ..Limits::default() };
    check_with(limits, vec![Write(head() + &text("a")), AwaitClose], &["text a", stalled]);
}

#[test]
fn the_whole_call_has_a_deadline() {
    let mut acts = vec![Write(head() + &text("a"))];
    acts.extend((0..2000).flat_map(|_| [Pause(10), Write(chunk(": still here\n\n"))]));
    let server = Server::start(acts);
    let desk = Desk::new(Limits::default());
    desk.start(1, ModelRequest { timeout_ms: 1000, ..request(&server.base_url()) });
    assert_eq!(desk.outcome(), ["text a", "failed Timeout the call took longer than it may"]);
    desk.start(2, ModelRequest { timeout_ms: 0, ..request(&server.base_url()) });
    assert_eq!(desk.outcome(), ["failed Timeout the call took longer than it may"]);
    // The largest timeout is a bound, not an overflow.
    let server = Server::start(vec![Write(head() + &end())]);
    desk.start(3, ModelRequest { timeout_ms: u64::MAX, ..request(&server.base_url()) });
    assert_eq!(desk.outcome().last().unwrap(), "done");
}

#[test]
fn a_silent_port_is_given_up() {
    // Nobody accepts: the handshake of TLS gets no answer, which counts as connecting.
    let server = Server::start(vec![AwaitClose]);
    let desk = Desk::new(Limits { connect_timeout_ms: 50, ..Limits::default() });
    desk.start(1, request(&format!("https://{}", server.host())));
    assert_eq!(
        desk.outcome(),
        [format!("failed Timeout cannot reach {}: no connection within 50 ms", server.host())]
    );
}

#[test]
fn a_cancelled_call_is_dropped_at_the_server() {
    let server = Server::start(vec![Write(head() + &text("a")), AwaitClose]);
    let desk = Desk::new(Limits::default());
    desk.start(1, request(&server.base_url()));
    assert!(matches!(desk.next(), (CallId(1), CallProgress::Events(_))));
    desk.egress.cancel(SHARD, CallId(99));
    desk.egress.cancel(ShardId(4), CallId(1));
    assert_eq!(desk.egress.outstanding(), 1, "others are left alone");
    desk.egress.cancel(SHARD, CallId(1));
    server.saw_close();
    desk.settle();
    desk.egress.cancel(SHARD, CallId(1));
    assert!(desk.progress.try_recv().is_err());
}

#[test]
fn connections_are_used_again() {
    let server = Server::start(vec![Write(head() + &text("ab") + &end())]);
    let desk = Desk::new(Limits::default());
    for call in 0..3 {
        desk.start(call, request(&server.base_url()));
        assert_eq!(desk.outcome(), STREAM_END);
        desk.settle();
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn the_end_of_a_body_is_waited_for_so_that_its_connection_can_be_used_again() {
    let mut lasting = end();
    lasting.truncate(lasting.len() - last_chunk().len());
    let acts = vec![Write(head() + &text("ab") + &lasting), Pause(30), Write(last_chunk())];
    let server = Server::start(acts);
    let desk = Desk::new(Limits::default());
    for call in 0..2 {
        desk.start(call, request(&server.base_url()));
        assert_eq!(desk.outcome(), STREAM_END);
        desk.settle();
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn requests_that_cannot_be_sent() {
    let check = |change: &dyn Fn(&mut Endpoint), expect: &str| {
        let desk = Desk::new(Limits::default());
        let mut request = request("http://127.0.0.1:1/v1");
        change(&mut request.endpoint);
        desk.start(1, request);
        assert_eq!(desk.outcome(), [expect]);
    };
    let unsendable = "failed Auth a credential or header of provider mock cannot be sent over HTTP";
    check(&|endpoint| endpoint.api_key = Secret::new("sk-1\nx"), unsendable);
    check(&|endpoint| endpoint.headers = vec![("b ad".to_owned(), Secret::new("x"))], unsendable);
    let no_address = "failed BadRequest baseUrl of provider mock is not an http or https address";
    for base_url in ["", "localhost", "/v1", "ftp://h/v1", "http://", "http:// /"] {
        check(&|endpoint| endpoint.base_url = base_url.to_owned(), no_address);
    }
    let loopback = "failed BadRequest the loopback model is not called over the network";
    check(&|endpoint| endpoint.api = Api::Loopback, loopback);
}

#[test]
fn unencrypted_prompts_are_warned_about_once() {
    let server = Server::start(vec![Write(head() + &text("ab") + &end())]);
    // Leads to this machine, yet is no loopback address.
    let base_url = server.base_url().replace("127.0.0.1", "0.0.0.0");
    let desk = Desk::new(Limits::default());
    for call in 0..2 {
        desk.start(call, request(&base_url));
        assert_eq!(desk.outcome(), STREAM_END);
    }
    let line = desk.log.try_recv().unwrap();
    assert_eq!(line.level, LogLevel::Warn);
    assert!(
        line.message.starts_with("provider mock: prompts and credentials travel unencrypted to 0.0.0.0:")
    );
    assert!(desk.log.try_recv().is_err());
}

#[test]
fn nothing_runs_before_the_first_call() {
    let desk = Desk::new(Limits::default());
    desk.egress.cancel(SHARD, CallId(1));
    assert!(desk.egress.worker().is_none());
    assert_eq!(desk.egress.outstanding(), 0);
}

#[test]
fn dropping_ends_everything() {
    let server = Server::start(vec![Write(head() + &text("a")), AwaitClose]);
    let desk = Desk::new(Limits::default());
    desk.start(1, request(&server.base_url()));
    desk.next();
    drop(desk.egress);
    server.saw_close();
    assert!(desk.progress.try_recv().is_err(), "nothing was reported, and the reporter is gone");
}
