//! Writes the log on a thread of its own.
//!
//! Lines go through a bounded queue. A line that finds it full is dropped and counted; the count is written as a line
//! of its own as soon as there is room, so a gap is never silent.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};
use jiff::Timestamp;
use pincer_shard::driver::{LogLevel, LogLine};
use serde::Serialize;

/// Lines that may wait to be written.
const QUEUE_LINES: usize = 1024;

/// Longest message, bytes; the rest is cut. A log line is no place for a payload.
const MESSAGE_BYTES_MAX: usize = 8 << 10;

/// Where the log goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogOptions {
    /// JSON lines are appended here; created when missing. `None`: no file.
    pub file: Option<PathBuf>,
    /// Lines below are left out.
    pub level: LogLevel,
    /// At this size the file becomes `<file>.1` (`.1` becomes `.2` …) and a new one is begun.
    pub file_bytes_max: u64,
    /// How many old files are kept.
    pub files_kept: u32,
    /// Also on standard error, for people.
    pub console: bool,
}

impl Default for LogOptions {
    fn default() -> LogOptions {
        LogOptions {
            file: None,
            level: LogLevel::Info,
            file_bytes_max: 16 << 20,
            files_kept: 4,
            console: false,
        }
    }
}

enum Order {
    Line { wall_ms: u64, line: LogLine },
    Reopen,
}

/// Takes lines from any thread; never waits.
#[derive(Clone)]
pub struct LogPort {
    queue: Sender<Order>,
    level: LogLevel,
    dropped: Arc<AtomicU64>,
}

impl LogPort {
    /// Hands over a line. Dropped and counted when the writer is too far behind.
    pub fn write(&self, wall_ms: u64, line: LogLine) {
        if line.level >= self.level && self.queue.try_send(Order::Line { wall_ms, line }).is_err() {
            self.dropped.fetch_add(1, Relaxed);
        }
    }

    /// Opens the file anew, after someone moved it away.
    pub fn reopen(&self) {
        // A full queue means that the file is being written; whoever rotates can ask again.
        drop(self.queue.try_send(Order::Reopen));
    }

    /// Lines dropped and not yet written about.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }
}

/// Starts the writer. It ends, everything written, when the last port is gone. Fails when the file cannot be opened.
pub fn start(options: LogOptions) -> io::Result<(LogPort, JoinHandle<()>)> {
    let (queue, orders) = bounded(QUEUE_LINES);
    let dropped = Arc::new(AtomicU64::new(0));
    let port = LogPort { queue, level: options.level, dropped: Arc::clone(&dropped) };
    let file = options.file.as_deref().map(LogFile::open).transpose()?;
    let thread = std::thread::Builder::new()
        .name("pincer-log".to_owned())
        .stack_size(256 << 10)
        .spawn(move || Writer { options, file, dropped, batch: Vec::new() }.run(&orders))?;
    Ok((port, thread))
}

struct LogFile {
    file: File,
    bytes: u64,
}

impl LogFile {
    fn open(path: &Path) -> io::Result<LogFile> {
        let mut open = OpenOptions::new();
        open.append(true).create(true);
        std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
        let file = open.open(path)?;
        let bytes = file.metadata()?.len();
        Ok(LogFile { file, bytes })
    }
}

struct Writer {
    options: LogOptions,
    file: Option<LogFile>,
    dropped: Arc<AtomicU64>,
    batch: Vec<u8>,
}

impl Writer {
    fn run(mut self, orders: &Receiver<Order>) {
        while let Ok(first) = orders.recv() {
            for order in std::iter::once(first).chain(orders.try_iter().take(QUEUE_LINES)) {
                match order {
                    Order::Line { wall_ms, line } => self.line(wall_ms, &line),
                    Order::Reopen => {
                        self.flush();
                        self.reopen();
                    }
                }
            }
            self.own_up();
            self.flush();
            self.rotate_if_due();
        }
    }

    fn line(&mut self, wall_ms: u64, line: &LogLine) {
        if self.options.console {
            console(wall_ms, line);
        }
        if self.file.is_some() {
            json_line(&mut self.batch, wall_ms, line);
        }
    }

    /// Says how many lines are missing.
    fn own_up(&mut self) {
        let dropped = self.dropped.swap(0, Relaxed);
        if dropped > 0 {
            let wall_ms = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0);
            let message = format!("{dropped} log lines were dropped: the disk was too slow");
            self.line(wall_ms, &LogLine { level: LogLevel::Warn, subsystem: "gateway/log", message });
        }
    }

    fn flush(&mut self) {
        if let Some(log) = &mut self.file {
            // Nowhere to report a failing log to but the console, and there only once a batch.
            match log.file.write_all(&self.batch) {
                Ok(()) => log.bytes += self.batch.len() as u64,
                Err(error) => complain(&format!("cannot write the log: {error}")),
            }
        }
        self.batch.clear();
        self.batch.shrink_to(64 << 10);
    }

    fn reopen(&mut self) {
        let Some(path) = &self.options.file else { return };
        match LogFile::open(path) {
            Ok(file) => self.file = Some(file),
            // The old one still works.
            Err(error) => complain(&format!("cannot open {}: {error}", path.display())),
        }
    }

    fn rotate_if_due(&mut self) {
        let due = self.file.as_ref().is_some_and(|log| log.bytes >= self.options.file_bytes_max);
        let Some(path) = self.options.file.clone().filter(|_| due) else { return };
        let numbered = |number: u32| {
            let mut name = path.clone().into_os_string();
            name.push(format!(".{number}"));
            PathBuf::from(name)
        };
        // Missing older files are fine, and whatever else fails shows when the new file is opened.
        for number in (1..self.options.files_kept).rev() {
            drop(fs::rename(numbered(number), numbered(number + 1)));
        }
        let moved = match self.options.files_kept {
            0 => fs::remove_file(&path),
            _ => fs::rename(&path, numbered(1)),
        };
        if let Err(error) = moved {
            complain(&format!("cannot rotate {}: {error}", path.display()));
            // Try again only after as many bytes more.
            if let Some(log) = &mut self.file {
                log.bytes = 0;
            }
            return;
        }
        self.reopen();
    }
}

/// `2026-11-03T09:15:00.123Z`
fn stamp(wall_ms: u64) -> String {
    let ms = i64::try_from(wall_ms).unwrap_or(i64::MAX);
    let time = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX);
    time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

fn name(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warn => "warn",
        LogLevel::Error => "error",
    }
}

/// At most `bytes` of `text`, cut between characters.
fn head(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}

/// A line as OpenClaw writes it, since its command line and its Control UI take lines apart themselves.
#[derive(Serialize)]
struct JsonLine<'a> {
    #[serde(rename = "1")]
    message: &'a str,
    #[serde(rename = "_meta")]
    meta: Meta<'a>,
    time: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Meta<'a> {
    log_level_name: &'a str,
    /// A JSON document: `{"subsystem":"…"}`.
    name: &'a str,
}

fn json_line(out: &mut Vec<u8>, wall_ms: u64, line: &LogLine) {
    let LogLine { level, subsystem, message } = line;
    let time = stamp(wall_ms);
    // Subsystems are names of ours: nothing in them needs escaping.
    let source = format!(r#"{{"subsystem":"{subsystem}"}}"#);
    let json = JsonLine {
        message: head(message, MESSAGE_BYTES_MAX),
        meta: Meta { log_level_name: &name(*level).to_uppercase(), name: &source },
        time: &time,
    };
    // Strings into memory: nothing here can fail.
    drop(serde_json::to_writer(&mut *out, &json));
    out.push(b'\n');
}

/// One line for people. Control characters are left out: a terminal would obey them.
fn console(wall_ms: u64, line: &LogLine) {
    let LogLine { level, subsystem, message } = line;
    let text: String = head(message, MESSAGE_BYTES_MAX).chars().filter(|c| !c.is_control()).collect();
    complain(&format!("{} {:<5} [{subsystem}] {text}", stamp(wall_ms), name(*level)));
}

/// To standard error; if that is closed there is nobody left to tell.
fn complain(text: &str) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(level: LogLevel, message: &str) -> LogLine {
        LogLine { level, subsystem: "test", message: message.to_owned() }
    }

    /// Writes `messages` with `options` changed by `change`, and returns the texts of the files, newest first.
    fn written(change: impl FnOnce(&mut LogOptions), messages: &[&str]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log");
        let mut options = LogOptions { file: Some(file.clone()), ..LogOptions::default() };
        change(&mut options);
        let (port, thread) = start(options).unwrap();
        for message in messages {
            port.write(1_772_629_200_123, line(LogLevel::Info, message));
        }
        drop(port);
        thread.join().unwrap();
        let older = (1..).map(|number| folder.path().join(format!("log.{number}")));
        std::iter::once(file).chain(older).map_while(|path| fs::read_to_string(path).ok()).collect()
    }

    #[test]
    fn a_line_is_one_json_document() {
        let files = written(|_| {}, &["first", "quotes \" and\nnewlines"]);
        assert_eq!(
            files,
            [concat!(
                r#"{"1":"first","_meta":{"logLevelName":"INFO","name":"{\"subsystem\":\"test\"}"},"#,
                r#""time":"2026-03-04T13:00:00.123Z"}"#,
                "\n",
                r#"{"1":"quotes \" and\nnewlines","_meta":{"logLevelName":"INFO","name":"{\"subsystem\":\"test\"}"},"#,
                r#""time":"2026-03-04T13:00:00.123Z"}"#,
                "\n"
            )]
        );
    }

    #[test]
    fn lines_below_the_level_are_left_out() {
        assert_eq!(written(|options| options.level = LogLevel::Warn, &["hush"]), [""]);
    }

    #[test]
    fn a_message_is_cut_between_characters() {
        let files = written(|_| {}, &["ä".repeat(MESSAGE_BYTES_MAX).as_str()]);
        assert_eq!(files[0].matches('ä').count(), MESSAGE_BYTES_MAX / 2);
    }

    #[test]
    fn old_files_are_numbered_and_the_oldest_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log");
        let options = LogOptions {
            file: Some(file.clone()),
            file_bytes_max: 1,
            files_kept: 2,
            ..LogOptions::default()
        };
        let mut writer = Writer {
            file: Some(LogFile::open(&file).unwrap()),
            options,
            dropped: Arc::default(),
            batch: vec![],
        };
        for message in ["one", "two", "three", "four"] {
            writer.line(0, &line(LogLevel::Info, message));
            writer.flush();
            writer.rotate_if_due();
        }
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap_or_default();
        assert_eq!(read("log"), "");
        assert!(read("log.1").contains("four") && read("log.2").contains("three"));
        assert!(!folder.path().join("log.3").exists());
    }

    #[test]
    fn reopening_follows_the_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log");
        let (port, thread) = start(LogOptions { file: Some(file.clone()), ..LogOptions::default() }).unwrap();
        port.write(0, line(LogLevel::Info, "before"));
        fs::rename(&file, folder.path().join("moved")).unwrap();
        port.reopen();
        port.write(0, line(LogLevel::Info, "after"));
        drop(port);
        thread.join().unwrap();
        assert!(fs::read_to_string(&file).unwrap().contains("after"));
        assert!(fs::read_to_string(folder.path().join("moved")).unwrap().contains("before"));
    }

    #[test]
    fn dropped_lines_are_counted_and_owned_up_to() {
        let (queue, _orders) = bounded(1);
        let dropped = Arc::new(AtomicU64::new(0));
        let port = LogPort { queue, level: LogLevel::Info, dropped: Arc::clone(&dropped) };
        for _ in 0..3 {
            port.write(0, line(LogLevel::Info, "x"));
        }
        assert_eq!(port.dropped(), 2);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("log");
        let options = LogOptions { file: Some(file.clone()), ..LogOptions::default() };
        let mut writer =
            Writer { file: Some(LogFile::open(&file).unwrap()), options, dropped, batch: vec![] };
        writer.own_up();
        writer.flush();
        assert!(fs::read_to_string(&file).unwrap().contains("2 log lines were dropped"));
        assert_eq!(port.dropped(), 0);
    }
}
