//! Disks that are full or read-only, and files that are cut, emptied or scribbled on: a clear error or a stated repair,
//! and nothing acknowledged is lost.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use pincer_tests::{
    Backend, Client, Gateway, Hello, Home, Setup, StoreKind, Wire, files_named, on_each_backend,
};
use serde_json::json;

on_each_backend!(
    a_full_disk_refuses_until_there_is_room,
    a_start_on_a_full_disk_loses_nothing,
    a_read_only_disk_is_said,
    damaged_files_are_refused_or_repaired_aloud,
    half_lines_stay_alone,
);

/// A small file system of its own, where this machine lets us mount one.
struct Disk(PathBuf);

impl Disk {
    /// Mounted on the state directory of `home`; `None`, and why, where mounting is forbidden.
    #[allow(clippy::print_stderr, reason = "a skipped test says so")]
    fn mount(home: &Home, size: &str) -> Option<Disk> {
        let path = home.state();
        fs::create_dir_all(&path).unwrap();
        let options = format!("size={size},mode=0700");
        let output = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "none"]).arg(&path).output();
        match output {
            Ok(output) if output.status.success() => Some(Disk(path)),
            Ok(output) => {
                eprintln!("skipped, mounting is not allowed: {}", String::from_utf8_lossy(&output.stderr));
                None
            }
            Err(error) => {
                eprintln!("skipped, there is no `mount`: {error}");
                None
            }
        }
    }

    fn remount(&self, options: &str) {
        let options = format!("remount,{options}");
        let status = Command::new("mount").args(["-o", &options]).arg(&self.0).status().unwrap();
        assert!(status.success());
    }

    /// Writes a file that leaves `left` bytes, a page more or less.
    fn fill(&self, left: u64) {
        let free = rustix::fs::statvfs(&self.0).unwrap();
        let bytes = (free.f_bavail * free.f_frsize).saturating_sub(left);
        fs::write(self.0.join("ballast"), vec![0; usize::try_from(bytes).unwrap()]).unwrap();
    }

    fn free(&self) {
        fs::remove_file(self.0.join("ballast")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a gateway of a failed test may still be ending.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

const SESSIONS: usize = 4;

/// Sends numbered messages, one after another; returns those that were accepted.
fn send(client: &mut Client, numbers: std::ops::Range<usize>, padding: &str) -> Vec<usize> {
    numbers
        .filter(|number| {
            let run = format!("fault-{number}");
            let session = format!("agent:main:f{}", number % SESSIONS);
            let text = format!("SILENT #{number}# {padding}");
            let params = json!({"sessionKey": session, "message": text, "idempotencyKey": run});
            let from = client.mark();
            let answer = client.call("chat.send", params);
            if answer["ok"] == true {
                // Its end is told once it is on disk, which a full one puts off.
                client
                    .wait_within(Duration::from_secs(1), from, |frame| frame["payload"]["state"] == "final");
                return true;
            }
            assert_eq!(answer["error"]["code"], "UNAVAILABLE", "{answer:#}");
            assert_eq!(answer["error"]["retryable"], true, "{answer:#}");
            false
        })
        .collect()
}

/// Every accepted message is in its transcript once.
#[track_caller]
fn check(gateway: &Gateway, accepted: &[usize]) {
    let mut client = gateway.connect(&Hello::new(Wire::V3));
    let texts: Vec<String> = (0..SESSIONS)
        .map(|nth| {
            let params = json!({"sessionKey": format!("agent:main:f{nth}"), "limit": 1000});
            client.ok("chat.history", params).to_string()
        })
        .collect();
    for number in accepted {
        let count = texts[number % SESSIONS].matches(&format!("#{number}#")).count();
        assert_eq!(count, 1, "message {number}");
    }
    client.chat("agent:main:after", &format!("after-{}", gateway.pid()), "hello");
}

fn a_full_disk_refuses_until_there_is_room(backend: Backend) {
    for store in StoreKind::BOTH {
        let home = Home::new();
        let Some(disk) = Disk::mount(&home, "12m") else { return };
        let gateway = Setup { home, ..Setup::new(backend) }.store(store).start();
        let mut client = gateway.connect(&Hello::new(Wire::V3));
        let padding = "x".repeat(20_000);
        let mut accepted = send(&mut client, 0..4, &padding);
        assert_eq!(accepted.len(), 4);
        disk.fill(200_000);
        accepted.extend(send(&mut client, 4..60, &padding));
        assert!(accepted.len() < 60, "{store:?}: the disk never filled up");
        client.assert_alive();
        let history = client.ok("chat.history", json!({"sessionKey": "agent:main:f0"}));
        assert!(!history["messages"].as_array().unwrap().is_empty(), "{store:?}: what is there can be read");
        disk.free();
        // What was refused once is taken now, in the same process. What must be written is tried again every second.
        let later = (0..50).find_map(|nth| {
            let taken = send(&mut client, 100 + nth..101 + nth, "");
            std::thread::sleep(Duration::from_millis(200));
            taken.first().copied()
        });
        accepted.push(later.unwrap_or_else(|| panic!("{store:?}: still full\n{}", gateway.log())));
        let gateway = gateway.kill().start();
        check(&gateway, &accepted);
    }
}

fn a_start_on_a_full_disk_loses_nothing(backend: Backend) {
    for store in StoreKind::BOTH {
        let home = Home::new();
        let Some(disk) = Disk::mount(&home, "12m") else { return };
        let gateway = Setup { home, ..Setup::new(backend) }.store(store).start();
        let accepted = send(&mut gateway.connect(&Hello::new(Wire::V3)), 0..20, "");
        let setup = gateway.kill();
        disk.fill(0);
        match setup.clone().try_start() {
            // It may refuse, saying why, or run and refuse what it cannot keep.
            Err(exit) => {
                let said = ["No space left", "disk is full"];
                assert!(said.iter().any(|words| exit.log.contains(words)), "{store:?}: {}", exit.log);
                assert!(!exit.log.contains("panicked"), "{store:?}: {}", exit.log);
            }
            Ok(gateway) => {
                let mut client = gateway.connect(&Hello::new(Wire::V3));
                client.assert_alive();
                let history = client.ok("chat.history", json!({"sessionKey": "agent:main:f0"}));
                assert_eq!(history["messages"].as_array().unwrap().len(), 10, "{store:?}");
                gateway.kill();
            }
        }
        disk.free();
        check(&setup.start(), &accepted);
    }
}

fn a_read_only_disk_is_said(backend: Backend) {
    for store in StoreKind::BOTH {
        let home = Home::new();
        let Some(disk) = Disk::mount(&home, "12m") else { return };
        let gateway = Setup { home, ..Setup::new(backend) }.store(store).start();
        let accepted = send(&mut gateway.connect(&Hello::new(Wire::V3)), 0..8, "");
        let setup = gateway.kill();
        disk.remount("ro");
        let exit = setup.clone().try_start().expect_err("nothing can be written");
        assert!(exit.log.contains(setup.home.state().to_str().unwrap()), "{store:?}: {}", exit.log);
        assert!(!exit.log.contains("panicked"), "{store:?}: {}", exit.log);
        assert!(matches!(exit.code, Some(code) if code != 0), "{store:?}: {exit:?}");
        disk.remount("rw");
        check(&setup.start(), &accepted);
    }
}

/// What happens to a file.
type Damage = (&'static str, fn(&mut Vec<u8>));

const DAMAGES: [Damage; 4] = [
    ("cut in half", |bytes| bytes.truncate(bytes.len() / 2)),
    ("emptied", Vec::clear),
    ("garbage", |bytes| bytes.fill(0xa5)),
    ("one bit of the middle flipped", |bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
    }),
];

/// A disk or a person damages a file that holds what was acknowledged. No start may go on as if it had never been.
fn damaged_files_are_refused_or_repaired_aloud(backend: Backend) {
    for (store, names) in
        [(StoreKind::Json, &["pincer.json", "pincer.journal"][..]), (StoreKind::Sqlite, &["sessions.sqlite"])]
    {
        for name in names {
            for (what, damage) in DAMAGES {
                let gateway = Setup::new(backend).store(store).start();
                let accepted = send(&mut gateway.connect(&Hello::new(Wire::V3)), 0..8, "");
                let setup = gateway.setup().clone();
                // In order, so that the snapshot holds something; then more, so that the journal does.
                assert_eq!(gateway.stop().code, Some(0));
                let gateway = setup.clone().start();
                send(&mut gateway.connect(&Hello::new(Wire::V3)), 8..12, "");
                let setup = gateway.kill();
                let files = files_named(&setup.home.state(), name);
                let Some(file) = files.iter().find(|file| file.ends_with(name)) else {
                    panic!("no {name} in {:?}", files_named(&setup.home.state(), ""));
                };
                let mut bytes = fs::read(file).unwrap();
                damage(&mut bytes);
                fs::write(file, &bytes).unwrap();
                let case = format!("{store:?}, {name} {what}");
                match setup.clone().try_start() {
                    Err(exit) => {
                        let named = exit.log.contains(file.file_name().unwrap().to_str().unwrap());
                        assert!(named, "{case}: it names the file: {}", exit.log);
                        assert!(!exit.log.contains("panicked"), "{case}: {}", exit.log);
                        // SQLite writes back what its own log still has before it is asked anything.
                        let alone = store == StoreKind::Sqlite || fs::read(file).unwrap() == bytes;
                        assert!(alone, "{case}: a refused file is left alone");
                    }
                    // SQLite keeps no checksums: one bit may change what nobody can tell, or nothing.
                    Ok(_) if store == StoreKind::Sqlite && what.starts_with("one bit") => {}
                    Ok(gateway) => {
                        let log = gateway.log();
                        let said = ["repair", "damage", "torn", "rebuilt", "aside", "is lost"];
                        assert!(
                            said.iter().any(|word| log.contains(word)),
                            "{case}: nothing was said: {log}"
                        );
                        check(&gateway, &accepted);
                    }
                }
            }
        }
    }
}

/// Another program, or a power cut, left half a line at the end of a transcript: the next message begins a line of its own.
fn half_lines_stay_alone(backend: Backend) {
    for store in StoreKind::BOTH {
        let gateway = Setup::new(backend).store(store).start();
        let mut accepted = send(&mut gateway.connect(&Hello::new(Wire::V3)), 0..8, "");
        let setup = gateway.kill();
        let transcripts = files_named(&setup.home.state(), ".jsonl");
        assert_eq!(transcripts.len(), SESSIONS, "{store:?}");
        for file in &transcripts {
            let mut bytes = fs::read(file).unwrap();
            bytes.extend_from_slice(b"{\"type\":\"message\",\"id\":\"dead");
            fs::write(file, bytes).unwrap();
        }
        let gateway = setup.start();
        accepted.extend(send(&mut gateway.connect(&Hello::new(Wire::V3)), 8..16, ""));
        check(&gateway, &accepted);
        for file in &transcripts {
            let text = fs::read_to_string(file).unwrap();
            let broken: Vec<&str> = text
                .lines()
                .filter(|line| serde_json::from_str::<serde_json::Value>(line).is_err())
                .collect();
            assert!(
                broken.len() <= 1 && broken.iter().all(|line| line.ends_with("dead")),
                "{store:?}: {broken:?}"
            );
        }
    }
}
