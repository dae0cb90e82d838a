//! Look-ups, against a stand-in that speaks VirusTotal's shapes.

use pincer_adapters::virustotal::{self, ANSWER_BYTES_MAX, AnswerError, Stats, Subject, VirusTotal};

use super::*;

/// What came of a look-up and of reading its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    Read(Result<Option<Stats>, AnswerError>),
    Failed(LookupError),
}

fn lookup(base_url: &str, timeout_ms: u64, body_bytes_max: usize) -> Cleared<Lookup> {
    let service =
        VirusTotal { base_url: base_url.replace("/v1", ""), api_key: Secret::new("vt-key-123456789") };
    let request = service.request(Subject::Domain("a.example")).unwrap();
    cleared_of(Lookup { request, timeout_ms, body_bytes_max })
}

fn ask(egress: &Egress, lookup: Cleared<Lookup>) -> Outcome {
    let (tell, told) = channel();
    let result = egress.lookup(lookup, move |result| {
        let _ = tell.send(result);
    });
    assert_eq!(result, Ok(()));
    match told.recv_timeout(PATIENCE).expect("an answer") {
        Ok(answer) => Outcome::Read(virustotal::read(answer.status, answer.retry_after_ms, &answer.body)),
        Err(error) => Outcome::Failed(error),
    }
}

#[track_caller]
fn check(acts: Vec<Act>, expect: Outcome) {
    let server = Server::start(acts);
    let desk = Desk::new(Limits::default());
    let seen = match ask(&desk.egress, lookup(&server.base_url(), 300, ANSWER_BYTES_MAX)) {
        Outcome::Failed(LookupError::Network(message)) => {
            Outcome::Failed(LookupError::Network(message.replace(&server.host(), "HOST")))
        }
        other => other,
    };
    assert_eq!(seen, expect);
}

fn known(malicious: u32) -> String {
    let stats = format!("{{\"malicious\":{malicious},\"suspicious\":0,\"harmless\":61,\"undetected\":7}}");
    format!(
        "{{\"data\":{{\"type\":\"domain\",\"attributes\":{{\"last_analysis_stats\":{stats},\"reputation\":-3}}}}}}"
    )
}

fn error(code: &str) -> String {
    format!("{{\"error\":{{\"code\":\"{code}\",\"message\":\"as it says\"}}}}")
}

#[test]
fn a_question_and_its_answer() {
    let server = Server::start(vec![Write(plain(200, "content-type: application/json\r\n", &known(5)))]);
    let desk = Desk::new(Limits::default());
    for _ in 0..3 {
        let stats = Stats { malicious: 5, harmless: 61, undetected: 7, ..Stats::default() };
        let seen = ask(&desk.egress, lookup(&server.base_url(), 60_000, ANSWER_BYTES_MAX));
        assert_eq!(seen, Outcome::Read(Ok(Some(stats))));
    }
    let request = server.request();
    assert!(request.starts_with("GET /api/v3/domains/a.example HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("x-apikey: vt-key-123456789\r\n"), "{request}");
    assert_eq!(desk.egress.outstanding(), 0, "it is no model call");
}

#[test]
fn what_the_service_may_say() {
    let read = |result| Outcome::Read(result);
    check(vec![Write(plain(404, "", &error("NotFoundError")))], read(Ok(None)));
    check(
        vec![Write(plain(429, "retry-after: 17\r\n", &error("QuotaExceededError")))],
        read(Err(AnswerError::OverQuota { retry_after_ms: Some(17_000) })),
    );
    check(vec![Write(plain(429, "", ""))], read(Err(AnswerError::OverQuota { retry_after_ms: None })));
    check(vec![Write(plain(401, "", &error("WrongCredentialsError")))], read(Err(AnswerError::BadKey)));
    check(vec![Write(plain(500, "", "oh no"))], read(Err(AnswerError::Server { status: 500 })));
    check(vec![Write(plain(200, "", "<html>"))], read(Err(AnswerError::Malformed)));
    check(vec![Write(plain(200, "", "{\"data\":"))], read(Err(AnswerError::Malformed)));
    let elsewhere = "location: http://127.0.0.1:1/\r\n";
    check(vec![Write(plain(302, elsewhere, ""))], read(Err(AnswerError::Malformed)));
}

#[test]
fn what_a_connection_may_do() {
    let failed = Outcome::Failed;
    check(vec![AwaitClose], failed(LookupError::Timeout));
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_owned();
    check(vec![Write(half), AwaitClose], failed(LookupError::Timeout));
    let broke = "the connection to HOST broke: connection closed before message completed".to_owned();
    check(vec![Close], failed(LookupError::Network(broke)));
    let announced = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", ANSWER_BYTES_MAX + 1);
    let flood = WriteForever(" ".repeat(64 * 1024));
    check(vec![Write(announced), flood.clone()], failed(LookupError::TooLarge));
    let unannounced = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_owned();
    check(vec![Write(unannounced), flood], failed(LookupError::TooLarge));
}

#[test]
fn a_dribble_does_not_outlast_the_deadline() {
    let mut acts = vec![Write("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_owned())];
    acts.extend((0..2000).flat_map(|_| [Pause(10), Write(" ".to_owned())]));
    check(acts, Outcome::Failed(LookupError::Timeout));
}

#[test]
fn nobody_listens() {
    let server = Server::start(vec![]);
    let (base_url, host) = (server.base_url(), server.host());
    drop(server);
    let desk = Desk::new(Limits::default());
    let seen = ask(&desk.egress, lookup(&base_url, 60_000, 10));
    let refused = format!("cannot reach {host}: Connection refused (os error 111)");
    assert_eq!(seen, Outcome::Failed(LookupError::Network(refused)));
}

#[test]
fn what_cannot_be_sent() {
    let desk = Desk::new(Limits::default());
    for base_url in ["", "not an address", "file:///etc"] {
        let seen = ask(&desk.egress, lookup(base_url, 60_000, 10));
        assert_eq!(seen, Outcome::Failed(LookupError::Unsendable), "{base_url}");
    }
}

#[test]
fn so_many_at_a_time() {
    let server = Server::start(vec![AwaitClose]);
    let desk = Desk::new(Limits::default());
    let (tell, told) = channel();
    for _ in 0..limits::LOOKUPS_MAX {
        let tell = tell.clone();
        let asked = desk.egress.lookup(lookup(&server.base_url(), 400, 10), move |result| {
            let _ = tell.send(result);
        });
        assert_eq!(asked, Ok(()));
    }
    let more = desk.egress.lookup(lookup(&server.base_url(), 400, 10), |_| panic!("not called"));
    assert_eq!(more, Err(LookupError::Busy));
    for _ in 0..limits::LOOKUPS_MAX {
        assert_eq!(told.recv_timeout(PATIENCE).unwrap(), Err(LookupError::Timeout));
    }
    // All places were given back.
    assert_eq!(ask(&desk.egress, lookup(&server.base_url(), 1, 10)), Outcome::Failed(LookupError::Timeout));
}
