//! A server as a process: signals, and what happens when it runs out of something.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // helpers of tests

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

/// The example's process; killed when a test fails before its end.
struct Server {
    child: Child,
    port: u16,
}

fn command(backend: &str, shards: u8, descriptors: u32) -> Command {
    let mut echo = std::env::current_exe().unwrap();
    echo.pop();
    echo.pop();
    let echo: PathBuf = echo.join("examples").join("echo");
    let script = format!("ulimit -n {descriptors}; exec \"$0\" --backend {backend} --shards {shards}");
    let mut command = Command::new("sh");
    command.args(["-c", &script]).arg(echo);
    command
}

impl Server {
    /// One shard under a limit of so many descriptors.
    fn start(backend: &str, descriptors: u32) -> Server {
        let mut child = command(backend, 1, descriptors).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.map(Result::unwrap).find_map(|line| line.split(' ').nth(1)?.parse().ok()).unwrap();
        Server { child, port }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(name).arg(self.child.id().to_string()).status().unwrap();
        assert!(sent.success());
    }

    fn connect(&self) -> BufReader<TcpStream> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        BufReader::new(stream)
    }

    fn end(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Ended already in tests that pass.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ask(client: &mut BufReader<TcpStream>, text: &str) -> String {
    client.get_mut().write_all(text.as_bytes()).unwrap();
    let mut line = String::new();
    client.read_line(&mut line).unwrap();
    line
}

fn on_each(descriptors: u32, test: impl Fn(Server)) {
    for backend in ["epoll", "uring"] {
        test(Server::start(backend, descriptors));
    }
}

#[test]
fn sigterm_drains() {
    on_each(1024, |mut server| {
        let mut client = server.connect();
        assert_eq!(ask(&mut client, "hi\n"), "hi\n");
        server.signal("-TERM");
        let mut rest = String::new();
        client.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "drained\n");
        drop(client);
        assert!(server.end().success());
    });
}

#[test]
fn a_second_signal_ends_at_once() {
    on_each(1024, |mut server| {
        let mut client = server.connect();
        assert_eq!(ask(&mut client, "hi\n"), "hi\n");
        server.signal("-INT");
        let mut line = String::new();
        client.read_line(&mut line).unwrap();
        assert_eq!(line, "drained\n");
        server.signal("-TERM"); // while our end keeps the socket lingering
        assert_eq!(server.end().code(), Some(143));
    });
}

#[test]
fn reload_signals_end_nothing() {
    on_each(1024, |mut server| {
        let mut client = server.connect();
        for signal in ["-HUP", "-USR1", "-HUP"] {
            server.signal(signal);
            assert_eq!(ask(&mut client, "hi\n"), "hi\n");
        }
        server.signal("-TERM");
        drop(client);
        assert!(server.end().success());
    });
}

#[test]
fn a_start_without_descriptors_fails_and_says_what_helps() {
    // From none for the first socket to almost enough: fails at another step each time, and always ends.
    for (backend, limits) in [("epoll", 4..=8), ("uring", 4..=14)] {
        for descriptors in limits {
            let output = command(backend, 2, descriptors).output().unwrap();
            let text = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{backend} with {descriptors}: {text}");
            assert!(text.contains("ulimit -n"), "{backend} with {descriptors}: {text}");
        }
    }
}

#[test]
fn without_descriptors_the_others_are_served_and_the_rest_waits() {
    on_each(48, |mut server| {
        // More than there are descriptors: the kernel takes the rest into its backlog.
        let mut clients: Vec<_> = (0..64).map(|_| server.connect()).collect();
        assert_eq!(ask(&mut clients[0], "first\n"), "first\n");
        clients[63].get_mut().write_all(b"last\n").unwrap();
        for _ in 0..10 {
            assert_eq!(ask(&mut clients[0], "still\n"), "still\n");
            std::thread::sleep(Duration::from_millis(20));
        }
        let mut last = clients.pop().unwrap();
        drop(clients);
        let mut line = String::new();
        last.read_line(&mut line).unwrap();
        assert_eq!(line, "last\n");
        server.signal("-TERM");
        drop(last);
        assert!(server.end().success());
    });
}
