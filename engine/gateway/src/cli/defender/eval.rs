//! `pincer defender eval`: a verdict for each line, as fast as they come.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use pincer_defender::policy::Policy;
use pincer_defender::{Action, Provenance};

use super::judge::{Judge, read_policy};
use super::row::{Answer, Refusal, Row};
use crate::cli::Failure;

/// Longest line, in bytes. A longer one is answered and passed over.
const LINE_BYTES_MAX: usize = 16 << 20;
/// How much is read, and written, at once.
const BLOCK: usize = 64 * 1024;
/// Room for a line that is kept from one to the next; what a longer one took is given back.
const LINE_BYTES_KEPT: usize = 1 << 20;

/// Judge many: JSON lines in, JSON lines out.
#[derive(Debug, Args)]
#[command(after_help = "\
In, one a line:
  {\"id\": 1, \"kind\": \"prompt\", \"text\": \"…\", \"channel\": \"user\"}
  id       a string or a number; comes back as it was written
  kind     prompt or command
  channel  of prompts: user (the default) or tool
Out, one a line, in the same order:
  {\"id\": 1, \"action\": \"allow\", \"score\": 3.25, \"micros\": 41.7, \"rules\": []}
  action   allow, review or block, by the policy's thresholds; its mode does not matter
  score    0 to 100
  micros   what the decision alone took
A line that is no such row is answered with {\"id\", \"line\", \"error\"} and ends nothing; empty lines are passed over.
Each answer goes out as soon as no further line waits. No config and no state directory is read. Exit code 0.")]
pub(super) struct EvalArgs {
    /// The rows; - for standard input
    #[arg(long, value_name = "FILE")]
    jsonl: PathBuf,
    /// Judge by this policy (.toml or .json) [default: the built-in one]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

/// Runs `pincer defender eval`.
pub(super) fn execute(args: &EvalArgs) -> Result<ExitCode, Failure> {
    let policy = args.policy.as_deref().map_or_else(|| Ok(Policy::default()), read_policy)?;
    let mut judge = Judge::new(policy)?;
    // Both as plain files, with buffers of our own: what waits in the buffer decides when answers go out.
    let rows = if args.jsonl.as_os_str() == "-" {
        File::from(io::stdin().as_fd().try_clone_to_owned()?)
    } else {
        File::open(&args.jsonl)
            .map_err(|error| Failure::new(format!("cannot read {}: {error}", args.jsonl.display())))?
    };
    let answers = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    match evaluate(&mut judge, rows, answers) {
        // Whoever wanted the answers has enough of them.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        ended => ended.map(|()| ExitCode::SUCCESS).map_err(Failure::from),
    }
}

/// Answers each line of `rows` on `answers`.
fn evaluate(judge: &mut Judge, rows: impl Read, answers: impl Write) -> io::Result<()> {
    let mut rows = BufReader::with_capacity(BLOCK, rows);
    let mut answers = BufWriter::with_capacity(BLOCK, answers);
    let mut line = Vec::new();
    let mut rules = Vec::new();
    let mut number = 0;
    // The first decisions would pay for tables that were never touched.
    judge.judge(Action::Prompt { text: "hello", from: Provenance::ChannelUser });
    judge.judge(Action::Command("ls"));
    loop {
        line.clear();
        line.shrink_to(LINE_BYTES_KEPT);
        let found = next_line(&mut rows, &mut answers, &mut line)?;
        number += 1;
        match found {
            Next::End => return answers.flush(),
            Next::TooLong => {
                let error = format!("the line is longer than {LINE_BYTES_MAX} bytes");
                put(&mut answers, &Refusal { id: None, line: number, error: &error })?;
            }
            Next::Line if line.trim_ascii().is_empty() => {}
            Next::Line => match Row::read(&line) {
                Ok(row) => {
                    let action = row.action();
                    let start = Instant::now();
                    let judgement = judge.judge(action);
                    let nanos = start.elapsed().as_nanos();
                    rules.clear();
                    rules.extend(judgement.rules());
                    let decision = &judgement.decision;
                    let answer = Answer {
                        id: row.id,
                        action: decision.verdict.as_str(),
                        score: decision.risk,
                        micros: nanos as f64 / 1e3,
                        rules: &rules,
                    };
                    put(&mut answers, &answer)?;
                }
                Err(bad) => {
                    put(&mut answers, &Refusal { id: bad.id, line: number, error: &bad.problem })?;
                }
            },
        }
    }
}

fn put(answers: &mut impl Write, answer: &impl serde::Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *answers, answer)?;
    answers.write_all(b"\n")
}

/// What came next.
enum Next {
    /// A line, without its newline. The last one may have had none.
    Line,
    /// One that was passed over.
    TooLong,
    End,
}

/// Reads the next line into `line`, which is empty. Before a read that may have to wait, the answers go out: somebody
/// may wait for them before they write on.
fn next_line(
    rows: &mut BufReader<impl Read>,
    answers: &mut impl Write,
    line: &mut Vec<u8>,
) -> io::Result<Next> {
    let (mut any, mut too_long) = (false, false);
    loop {
        if rows.buffer().is_empty() {
            answers.flush()?;
        }
        let block = match rows.fill_buf() {
            Ok(block) => block,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if block.is_empty() {
            return Ok(if !any {
                Next::End
            } else if too_long {
                Next::TooLong
            } else {
                Next::Line
            });
        }
        any = true;
        let end = newline(block);
        let piece = block.get(..end.unwrap_or(block.len())).unwrap_or_default();
        too_long |= line.len() + piece.len() > LINE_BYTES_MAX;
        if too_long {
            line.clear();
        } else {
            line.extend_from_slice(piece);
        }
        let used = piece.len() + usize::from(end.is_some());
        rows.consume(used);
        if end.is_some() {
            return Ok(if too_long { Next::TooLong } else { Next::Line });
        }
    }
}

fn newline(block: &[u8]) -> Option<usize> {
    block.iter().position(|&byte| byte == b'\n')
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use serde_json::Value;

    use super::*;

    fn judge() -> Judge {
        Judge::new(Policy::default()).unwrap()
    }

    fn run(rows: &[u8]) -> Vec<Value> {
        let mut out = Vec::new();
        evaluate(&mut judge(), rows, &mut out).unwrap();
        String::from_utf8(out).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn each_line_has_its_answer() {
        let answers = run(b"{\"id\":\"x\",\"kind\":\"prompt\",\"text\":\"hello\"}\n\
              \n  \r\n\
              {\"id\":3,\"kind\":\"command\",\"text\":\"ls\"}\r\n\
              oops\n\
              {\"id\":4,\"kind\":\"command\",\"text\":\"ls -l\"}");
        let ids: Vec<&Value> = answers.iter().map(|answer| &answer["id"]).collect();
        assert_eq!(ids, [&Value::from("x"), &Value::from(3), &Value::Null, &Value::from(4)]);
        assert_eq!(answers[0]["action"], "allow");
        assert!(answers[0]["micros"].is_f64() && answers[0]["score"].is_number(), "{}", answers[0]);
        assert!(answers[0]["rules"].is_array());
        assert_eq!(answers[2]["line"], 5, "empty lines count: {}", answers[2]);
        assert_eq!(run(b""), Vec::<Value>::new());
    }

    #[test]
    fn a_line_without_end_is_passed_over() {
        let mut rows = b"{\"id\":1,\"kind\":\"prompt\",\"text\":\"".to_vec();
        rows.resize(rows.len() + LINE_BYTES_MAX, b'a');
        rows.extend(b"\"}\n{\"id\":2,\"kind\":\"prompt\",\"text\":\"a\"}\n");
        let answers = run(&rows);
        assert_eq!(answers.len(), 2);
        assert!(answers[0]["error"].as_str().unwrap().contains("longer"));
        assert_eq!(answers[1]["id"], 2);
    }

    /// Gives a row only when the row before was answered.
    struct Waits<'a> {
        left: u32,
        answered: &'a RefCell<Vec<u8>>,
    }

    impl Read for Waits<'_> {
        fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
            let done = self.answered.borrow().iter().filter(|&&byte| byte == b'\n').count();
            assert_eq!(done as u32, 3 - self.left, "answers wait while the other side does");
            if self.left == 0 {
                return Ok(0);
            }
            self.left -= 1;
            let row = b"{\"id\":1,\"kind\":\"prompt\",\"text\":\"a\"}\n";
            to[..row.len()].copy_from_slice(row);
            Ok(row.len())
        }
    }

    struct Shared<'a>(&'a RefCell<Vec<u8>>);

    impl Write for Shared<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.borrow_mut().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_answer_goes_out_before_the_next_row_is_waited_for() {
        let answered = RefCell::new(Vec::new());
        evaluate(&mut judge(), Waits { left: 3, answered: &answered }, Shared(&answered)).unwrap();
    }
}
