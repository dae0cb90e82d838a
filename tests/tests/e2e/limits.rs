//! Bounds: big frames, many connections, slow readers, broken input, keepalive.

use std::time::{Duration, Instant};

use pincer_tests::{Backend, Client, Closed, Gateway, Hello, Rng, Setup, Wire, is_event, on_each_backend};
use serde_json::json;
use tungstenite::Message;

on_each_backend!(
    big_frames,
    memory_of_big_messages_is_given_back,
    frames_beyond_the_bound,
    cut_anywhere,
    broken_websocket_frames,
    random_bytes_survived,
    many_connections,
    connections_bounded,
    a_slow_reader_is_dropped_and_nobody_waits,
    ticks,
    idle_costs_nothing,
);

fn big_frames(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = gateway.connect(&Hello::new(Wire::V3));
    // Just below 25 MiB, read into a request that is then refused for what it says.
    let pad = "x".repeat(25 * 1024 * 1024 - 1000);
    let refused = client.err("sessions.list", json!({ "bogus": pad }));
    assert_eq!(refused.1, "invalid sessions.list params: at root: unexpected property 'bogus'");
    // And a big message that is kept.
    let text = "y".repeat(1 << 20);
    client.chat("agent:main:t:big", "big", &format!("SILENT {text}"));
    let raw = std::fs::read_dir(gateway.state().join("agents/main/sessions")).unwrap();
    let longest = raw.map(|file| file.unwrap().metadata().unwrap().len()).max().unwrap();
    assert!(longest > 1 << 20, "{longest}");
}

/// Bytes of memory that are the process's own: heap and stacks.
fn own_memory(gateway: &Gateway) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", gateway.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// A gateway at rest holds nothing of what was said, however long it was.
fn memory_of_big_messages_is_given_back(backend: Backend) {
    const MESSAGE: usize = 8 << 20;
    let gateway = Gateway::start(backend);
    let mut client = gateway.connect(&Hello::new(Wire::V3));
    client.chat("agent:main:t:small", "warm", "hello");
    let before = own_memory(&gateway);
    for nth in 0..3 {
        client.chat(
            &format!("agent:main:t:big{nth}"),
            &format!("big{nth}"),
            &format!("SILENT {}", "y".repeat(MESSAGE)),
        );
        client.frames.clear();
    }
    let deadline = Instant::now() + pincer_tests::PATIENCE;
    while own_memory(&gateway) > before + MESSAGE as u64 {
        assert!(Instant::now() < deadline, "{} bytes before, {} now", before, own_memory(&gateway));
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn frames_beyond_the_bound(backend: Backend) {
    let gateway = Gateway::start(backend);
    for wire in Wire::BOTH {
        let mut client = gateway.connect(&Hello::new(wire));
        client.send_message(Message::text("x".repeat(26 * 1024 * 1024 + 400_000)));
        assert_eq!(client.closed().code, 1009, "{wire:?}");
    }
    gateway.connect(&Hello::new(Wire::V4)).assert_alive();
}

/// A masked text frame, as clients send it.
fn frame(text: &str) -> Vec<u8> {
    let mask = [1, 2, 3, 4];
    let mut bytes = vec![0x81];
    match text.len() {
        short @ ..126 => bytes.push(0x80 | u8::try_from(short).unwrap()),
        long => {
            bytes.push(0x80 | 126);
            bytes.extend(u16::try_from(long).unwrap().to_be_bytes());
        }
    }
    bytes.extend(mask);
    bytes.extend(text.bytes().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// Bytes arrive as the network likes.
fn cut_anywhere(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut client = gateway.connect(&Hello::new(Wire::V3));
    let from = client.mark();
    let mut bytes = Vec::new();
    for nth in 0..20 {
        bytes.extend(frame(&format!(r#"{{"type":"req","id":"cut-{nth}","method":"health"}}"#)));
    }
    for piece in bytes.chunks(7) {
        client.send_raw(piece);
        std::thread::sleep(Duration::from_micros(200));
    }
    for nth in 0..20 {
        assert_eq!(client.response(from, &format!("cut-{nth}"))["ok"], true);
    }
    // All in one piece, too.
    let from = client.mark();
    let whole: Vec<u8> = (0..200)
        .flat_map(|nth| frame(&format!(r#"{{"type":"req","id":"one-{nth}","method":"health"}}"#)))
        .collect();
    client.send_raw(&whole);
    for nth in 0..200 {
        assert_eq!(client.response(from, &format!("one-{nth}"))["ok"], true);
    }
}

fn broken_websocket_frames(backend: Backend) {
    let gateway = Gateway::start(backend);
    let unmasked = [0x81, 0x02, b'{', b'}'];
    let reserved = [0xf1, 0x80, 1, 2, 3, 4];
    let opcode = [0x83, 0x80, 1, 2, 3, 4];
    let long_ping = [0x89, 0xfe, 0x00, 0x80, 1, 2, 3, 4];
    let lone_continuation = [0x80, 0x80, 1, 2, 3, 4];
    for (bytes, code) in [
        (&unmasked[..], 1002),
        (&reserved, 1002),
        (&opcode, 1002),
        (&long_ping, 1002),
        (&lone_continuation, 1002),
    ] {
        let mut client = gateway.connect(&Hello::new(Wire::V3));
        client.send_raw(bytes);
        assert_eq!(client.closed().code, code, "{bytes:x?}");
    }
    let mut client = gateway.connect(&Hello::new(Wire::V3));
    let mut not_utf8 = frame("ab");
    let last = not_utf8.len() - 1;
    not_utf8[last] ^= 0xff;
    client.send_raw(&not_utf8);
    assert_eq!(client.closed().code, 1007);
}

fn random_bytes_survived(backend: Backend) {
    let gateway = Gateway::start(backend);
    let seed = 7;
    let mut rng = Rng::new(seed);
    for _ in 0..200 {
        let mut client = if rng.one_in(2) {
            Client::open(gateway.port)
        } else {
            gateway.connect(&Hello::without_device(Wire::V4))
        };
        let bytes: Vec<u8> = (0..rng.below(300)).map(|_| rng.any().to_le_bytes()[0]).collect();
        if rng.one_in(3) {
            client.send_text(&String::from_utf8_lossy(&bytes));
        } else {
            client.send_raw(&bytes);
        }
    }
    // JSON that nests, repeats and lies about numbers.
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    for text in [
        deep.clone(),
        format!(r#"{{"type":"req","id":"d","method":"sessions.list","params":{{"search":{deep}}}}}"#),
        r#"{"type":"req","id":"n","method":"sessions.list","params":{"limit":1e999}}"#.to_owned(),
        r#"{"type":"req","id":"n","method":"sessions.list","params":{"limit":99999999999999999999}}"#
            .to_owned(),
        r#"{"type":"req","id":"u","method":"health","params":{"a":"\ud800"}}"#.to_owned(),
        r#"{"type":"req","type":"req","id":"r","id":"r2","method":"health"}"#.to_owned(),
    ] {
        let mut client = gateway.connect(&Hello::new(Wire::V3));
        client.send_text(&text);
        client.assert_alive();
    }
    gateway.connect(&Hello::new(Wire::V4)).assert_alive();
}

fn many_connections(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut clients: Vec<Client> =
        (0..300).map(|_| gateway.connect(&Hello::without_device(Wire::V4).cli())).collect();
    let mut talker = gateway.connect(&Hello::new(Wire::V4));
    talker.chat("agent:main:t:crowd", "crowd", "hello");
    for client in &mut clients {
        client.run_end(0, "crowd");
    }
    drop(clients);
    talker.assert_alive();
}

fn connections_bounded(backend: Backend) {
    let config = json!({"engine": {"limits": {"connections": 20}}});
    let gateway = Setup::new(backend).config(config).start();
    let mut held: Vec<Client> = Vec::new();
    let mut refused = 0;
    for _ in 0..60 {
        let stream = std::net::TcpStream::connect(("127.0.0.1", gateway.port)).unwrap();
        drop(stream);
        match std::panic::catch_unwind(|| Client::open(gateway.port)) {
            Ok(client) => held.push(client),
            Err(_) => refused += 1,
        }
    }
    assert!(held.len() <= 20 && refused >= 40, "{} held, {refused} refused", held.len());
    held.clear();
    let deadline = Instant::now() + pincer_tests::PATIENCE;
    while std::panic::catch_unwind(|| gateway.connect(&Hello::new(Wire::V4))).is_err() {
        assert!(Instant::now() < deadline, "room was not given back");
    }
}

/// Who does not read is closed with 1008; the others do not notice.
fn a_slow_reader_is_dropped_and_nobody_waits(backend: Backend) {
    let config = json!({"engine": {"limits": {"bufferedBytes": 2_000_000}}});
    let gateway = Setup::new(backend).config(config).start();
    let mut talker = gateway.connect(&Hello::new(Wire::V3));
    let mut slow = gateway.connect(&Hello::new(Wire::V3));
    let text = "z".repeat(15_000);
    // Far more than sockets hold, for everybody; `slow` reads none of it.
    for nth in 0..800 {
        talker.chat(&format!("agent:main:t:flood{}", nth % 8), &format!("flood-{nth}"), &text);
        talker.frames.clear();
    }
    talker.assert_alive();
    let closed = slow.closed();
    assert!(
        closed == Closed { code: 1008, reason: "slow consumer".to_owned() } || closed.code == 1006,
        "{closed:?}"
    );
    talker.assert_alive();
}

/// The client libraries hang up after two silent intervals.
fn ticks(backend: Backend) {
    let gateway = Gateway::start(backend);
    let mut clients: Vec<Client> =
        Wire::BOTH.iter().map(|wire| gateway.connect(&Hello::new(*wire))).collect();
    for client in &mut clients {
        let (_, tick) = client
            .wait_within(Duration::from_secs(45), 0, |frame| is_event(frame, "tick"))
            .unwrap_or_else(|| panic!("no tick in 45 seconds"));
        assert!(tick["payload"]["ts"].is_u64(), "{tick:#}");
    }
}

fn cpu_ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let after_name = stat.rsplit_once(") ").unwrap().1;
    let fields: Vec<u64> = after_name.split(' ').map(|field| field.parse().unwrap_or(0)).collect();
    // utime and stime: fields 14 and 15 of the whole line.
    fields[11] + fields[12]
}

/// Nothing spins: with clients connected and nothing to do, CPU time stands still.
fn idle_costs_nothing(backend: Backend) {
    let gateway = Gateway::start(backend);
    let clients: Vec<Client> = (0..20).map(|_| gateway.connect(&Hello::new(Wire::V3))).collect();
    std::thread::sleep(Duration::from_millis(1500));
    let before = cpu_ticks(gateway.pid());
    std::thread::sleep(Duration::from_secs(4));
    let used = cpu_ticks(gateway.pid()) - before;
    // A tick is 10 ms: 0.5 % of four seconds is two of them.
    assert!(used <= 2, "{used} ticks in 4 s");
    drop(clients);
}
