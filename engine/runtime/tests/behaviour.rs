//! What clients see, the same on every backend.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // helpers of tests

mod echo;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::num::NonZeroU8;
use std::time::Duration;

use pincer_runtime::{Backend, Drain, MeshLimits, NoCalls, Options, Server, Services, ShardGauges, log};
use socket2::{Domain, SockRef, Socket, Type};

use self::echo::{Echo, Note};

/// A backstop for what never ends when broken; nothing measures it.
const PATIENCE: Duration = Duration::from_secs(20);

fn options(backend: Backend, shards: u8) -> Options {
    Options {
        shards: NonZeroU8::new(shards).unwrap(),
        limits: MeshLimits { ring_slots: 8, stores_max: 4, ..MeshLimits::default() },
        pin: false,
        ..Options::new(backend, vec![SocketAddr::from(([127, 0, 0, 1], 0))])
    }
}

fn start(options: &Options) -> Server<Note> {
    let (log, _writer) = log::start(log::LogOptions::default()).unwrap();
    Server::start(options, Services { store: None, log }, |_| NoCalls, Echo::new).unwrap()
}

/// Runs `test` against a server on each backend, and ends the server.
fn on_each(shards: u8, test: impl Fn(&Server<Note>)) {
    for backend in [Backend::Epoll, Backend::Uring] {
        let server = start(&options(backend, shards));
        test(&server);
        stop(server);
    }
}

fn stop(server: Server<Note>) {
    let drain = Drain { reason: "test".into(), budget_ms: 0, restart_expected_ms: None };
    assert!(server.drain(&drain).is_empty());
    server.join().unwrap();
}

/// Waits until shard 0 shows what is expected, keeping it busy with a connection of our own.
fn wait_until(server: &Server<Note>, expected: impl Fn(&ShardGauges) -> bool) {
    let mut client = Client::connect(server);
    while client.ask("wait\n") != "wait\n" || !expected(&server.gauges()[0]) {
        std::thread::sleep(Duration::from_millis(1));
    }
}

struct Client(BufReader<TcpStream>);

impl Client {
    fn connect(server: &Server<Note>) -> Client {
        let stream = TcpStream::connect(server.addrs()[0]).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Client(BufReader::new(stream))
    }

    /// A client of shard `shard`; which one takes a connection is the kernel's choice.
    fn of_shard(server: &Server<Note>, shard: u8) -> Client {
        let wanted = format!("{shard}\n");
        loop {
            let mut client = Client::connect(server);
            if client.ask("shard\n") == wanted {
                return client;
            }
        }
    }

    fn stream(&self) -> &TcpStream {
        self.0.get_ref()
    }

    #[track_caller]
    fn send(&mut self, text: impl AsRef<[u8]>) {
        self.0.get_mut().write_all(text.as_ref()).unwrap();
    }

    #[track_caller]
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line
    }

    #[track_caller]
    fn ask(&mut self, text: &str) -> String {
        self.send(text);
        self.line()
    }

    fn try_ask(&mut self, text: &str) -> std::io::Result<String> {
        self.0.get_mut().write_all(text.as_bytes())?;
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        Ok(line)
    }

    /// Everything until the server closes.
    #[track_caller]
    fn rest(&mut self) -> String {
        let mut rest = String::new();
        self.0.read_to_string(&mut rest).unwrap();
        rest
    }
}

#[test]
fn lines_come_back() {
    on_each(1, |server| {
        let mut client = Client::connect(server);
        assert_eq!(client.ask("hello\n"), "hello\n");
        client.send("one\ntwo\nthree\n");
        assert_eq!([client.line(), client.line(), client.line()], ["one\n", "two\n", "three\n"]);
    });
}

#[test]
fn a_byte_at_a_time() {
    on_each(1, |server| {
        let mut client = Client::connect(server);
        client.stream().set_nodelay(true).unwrap();
        for round in 0..3 {
            for byte in b"dribble" {
                client.send([*byte]);
            }
            assert_eq!(client.ask(&format!("{round}\n")), format!("dribble{round}\n"));
        }
    });
}

#[test]
fn a_line_larger_than_the_read_buffer() {
    on_each(1, |server| {
        let mut client = Client::connect(server);
        let line = "x".repeat(3_000_000) + "\n";
        let mut writer = client.stream().try_clone().unwrap();
        let sent = line.clone();
        let sender = std::thread::spawn(move || writer.write_all(sent.as_bytes()).unwrap());
        assert_eq!(client.line(), line);
        sender.join().unwrap();
    });
}

#[test]
fn a_slow_reader_gets_everything_and_holds_nobody_up() {
    on_each(1, |server| {
        let mut slow = Client::connect(server);
        let bytes = 20_000_000;
        slow.send(format!("big {bytes}\n"));
        let mut other = Client::connect(server);
        for round in 0..100 {
            assert_eq!(other.ask(&format!("{round}\n")), format!("{round}\n"));
        }
        assert!(slow.line().as_bytes() == echo::big(bytes), "something was lost, doubled or swapped");
        assert_eq!(slow.ask("still here\n"), "still here\n");
    });
}

#[test]
fn a_thousand_connections() {
    on_each(2, |server| {
        let mut clients: Vec<Client> = (0..1_000).map(|_| Client::connect(server)).collect();
        for round in 0..2 {
            for (number, client) in clients.iter_mut().enumerate() {
                client.send(format!("{round} {number}\n"));
            }
            for (number, client) in clients.iter_mut().enumerate() {
                assert_eq!(client.line(), format!("{round} {number}\n"));
            }
        }
        let open: u64 = server.gauges().iter().map(|gauges| gauges.connections.get()).sum();
        assert_eq!(open, 1_000);
    });
}

#[test]
fn a_half_closed_peer_still_gets_its_answers() {
    on_each(1, |server| {
        let mut client = Client::connect(server);
        client.send("big 9000000\n");
        client.stream().shutdown(Shutdown::Write).unwrap();
        assert_eq!(client.rest().len(), 9_000_001);
    });
}

#[test]
fn a_reset_is_a_hangup() {
    on_each(1, |server| {
        let mut client = Client::connect(server);
        client.send("big 9000000\n"); // so that something is being written
        client.line();
        SockRef::from(client.stream()).set_linger(Some(Duration::ZERO)).unwrap();
        drop(client);
        wait_until(server, |gauges| gauges.connections.get() == 1);
    });
}

#[test]
fn a_reset_while_blocked_is_a_hangup() {
    on_each(1, |server| {
        let mut client = Client::connect(server);
        client.send("big 20000000\n");
        let mut first = [0; 1];
        client.stream().read_exact(&mut first).unwrap();
        SockRef::from(client.stream()).set_linger(Some(Duration::ZERO)).unwrap();
        drop(client);
        wait_until(server, |gauges| gauges.connections.get() == 1);
    });
}

#[test]
fn closing_writes_everything_first() {
    on_each(1, |server| {
        let mut client = Client::connect(server);
        client.send("part 9000000\nignored\n");
        assert_eq!(client.rest().len(), 9_000_001);
        assert_eq!(server.gauges()[0].connections.get(), 0);
    });
}

#[test]
fn a_closed_peer_that_stays_is_dropped_in_time() {
    on_each(1, |server| {
        let mut client = Client::connect(server);
        assert_eq!(client.ask("close 50\n"), "bye\n");
        assert_eq!(client.rest(), "", "our side is shut");
        // We keep ours open, and keep sending, and it goes away all the same.
        while client.stream().write_all(b"more\n").is_ok() {
            std::thread::sleep(Duration::from_millis(1));
        }
        wait_until(server, |gauges| gauges.lingering.get() == 0);
    });
}

#[test]
fn a_closed_peer_that_never_reads_is_dropped_in_time() {
    on_each(1, |server| {
        let small = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        small.set_recv_buffer_size(4096).unwrap();
        small.connect(&server.addrs()[0].into()).unwrap();
        let mut client = Client(BufReader::new(small.into()));
        client.send("part 12000000 1000\n");
        wait_until(server, |gauges| gauges.lingering.get() == 1);
        wait_until(server, |gauges| gauges.lingering.get() == 0);
    });
}

#[test]
fn only_so_many_closed_peers_may_stay() {
    on_each(1, |server| {
        let mut clients: Vec<Client> = (0..1_030).map(|_| Client::connect(server)).collect();
        for (number, client) in clients.iter_mut().enumerate() {
            // The first ones would go first, and far later than this test ends.
            client.send(format!("close {}\n", 600_000 + number * 1_000));
            assert_eq!(client.line(), "bye\n");
        }
        wait_until(server, |gauges| gauges.lingering.get() == 1_024);
    });
}

#[test]
fn timers_fire() {
    on_each(1, |server| {
        let mut client = Client::connect(server);
        client.send("after 30\nafter 1\nafter 60\n");
        assert_eq!([client.line(), client.line(), client.line()], ["tick\n", "tick\n", "tick\n"]);
        // An idle loop is woken by an earlier deadline than the one it sleeps for.
        client.send("after 600000\n");
        client.send("after 1\n");
        assert_eq!(client.line(), "tick\n");
    });
}

#[test]
fn shards_reach_each_other() {
    on_each(2, |server| {
        for shard in [0, 1] {
            let mut client = Client::of_shard(server, shard);
            for to in [0, 1] {
                assert_eq!(client.ask(&format!("tell {to}\n")), format!("told by {shard}\n"));
            }
        }
    });
}

#[test]
fn what_does_not_fit_a_ring_comes_back() {
    on_each(2, |server| {
        let mut client = Client::of_shard(server, 1);
        for _ in 0..20 {
            let back: u32 = client.ask("flood 1000\n").trim().parse().unwrap();
            assert!((1..=992).contains(&back), "eight fit, the rest may or may not: {back}");
        }
    });
}

#[test]
fn without_a_store_every_commit_fails() {
    on_each(1, |server| assert_eq!(Client::connect(server).ask("store 5\n"), "5\n"));
}

#[test]
fn commits_are_on_disk_before_they_are_reported() {
    for backend in [Backend::Epoll, Backend::Uring] {
        let folder = tempfile::tempdir().unwrap();
        let open = || {
            let at = |name| folder.path().join(name);
            pincer_store::open(pincer_store::Options::new(at("state"), at("rows.json"), at("log"))).unwrap()
        };
        let pincer_store::Opened { store, .. } = open();
        let reader = store.reader();
        let (log, _writer) = log::start(log::LogOptions::default()).unwrap();
        let services = Services { store: Some((Box::new(store), Box::new(reader))), log };
        let server = Server::start(&options(backend, 1), services, |_| NoCalls, Echo::new).unwrap();
        let mut client = Client::connect(&server);
        assert_eq!(client.ask("store 4\n"), "0\n");
        assert_eq!(client.ask("store 6\n"), "2\n", "four may be out at once");
        drop(client);
        stop(server);
        assert!(!open().rows.is_empty());
    }
}

#[test]
fn a_refused_connection_is_closed() {
    for backend in [Backend::Epoll, Backend::Uring] {
        let (log, _writer) = log::start(log::LogOptions::default()).unwrap();
        let services = Services { store: None, log };
        let make = |shard| Echo::new(shard).with_conns_max(2);
        let server = Server::start(&options(backend, 1), services, |_| NoCalls, make).unwrap();
        let mut held: Vec<Client> = (0..2).map(|_| Client::connect(&server)).collect();
        held.iter_mut().for_each(|client| assert_eq!(client.ask("in\n"), "in\n"));
        assert_eq!(Client::connect(&server).rest(), "");
        drop(held);
        let mut tries = std::iter::repeat_with(|| Client::connect(&server));
        tries
            .find_map(|mut client| client.try_ask("room again\n").ok().filter(|line| !line.is_empty()))
            .unwrap();
        assert!(server.gauges()[0].refused.get() >= 1);
        stop(server);
    }
}

#[test]
fn draining_says_goodbye_and_closes_the_port() {
    for backend in [Backend::Epoll, Backend::Uring] {
        let server = start(&options(backend, 2));
        let addr = server.addrs()[0];
        let mut clients: Vec<Client> = (0..20).map(|_| Client::connect(&server)).collect();
        clients.iter_mut().for_each(|client| assert_eq!(client.ask("hi\n"), "hi\n"));
        let drain = Drain { reason: "test".into(), budget_ms: 0, restart_expected_ms: None };
        server.drain(&drain);
        clients.iter_mut().for_each(|client| assert_eq!(client.rest(), "drained\n"));
        drop(clients);
        server.join().unwrap();
        assert!(TcpStream::connect(addr).is_err());
    }
}

#[test]
fn an_idle_server_sleeps() {
    on_each(2, |server| {
        let mut clients: Vec<Client> = (0..10).map(|_| Client::connect(server)).collect();
        clients.iter_mut().for_each(|client| assert_eq!(client.ask("hi\n"), "hi\n"));
        let turns = || server.gauges().iter().map(|gauges| gauges.turns.get()).sum::<u64>();
        let sleeps = |_| {
            let before = turns();
            std::thread::sleep(Duration::from_millis(100));
            turns() == before
        };
        assert!((0..20).any(sleeps));
    });
}

#[test]
fn a_pulse_shows_who_is_alive() {
    on_each(2, |server| {
        server.post().pulse();
        while !server.post().all_alive() {
            std::thread::yield_now();
        }
    });
}

#[test]
fn a_port_that_is_taken_is_a_clear_error() {
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (log, _writer) = log::start(log::LogOptions::default()).unwrap();
    let options = Options::new(Backend::Epoll, vec![held.local_addr().unwrap()]);
    let error = Server::start(&options, Services { store: None, log }, |_| NoCalls, Echo::new).unwrap_err();
    assert!(error.to_string().contains("another program has the port"), "{error}");
}
