//! The embedded model: deterministic, and without network.
//!
//! It lets everything be tried, tested and measured with no account. A [`Script`] is an answer with its timing; whoever
//! plays it brings the clock, so a shard drives it with its own timers and no thread is involved.
//!
//! Without a word of command in the newest user text, the model answers at once with `You said: <text>`. These words
//! steer it, in capitals as shown and anywhere in the text (the first one counts; `stream` also needs its number):
//!
//! | word | answer |
//! |---|---|
//! | `stream N [MS]` | N words (`word0 word1 …`), MS milliseconds apart, 100 when not given |
//! | `SLOW [N]` | N words, 100 ms apart; 10 when not given |
//! | `LONG [N]` | N words, 10 ms apart; 10 when not given |
//! | `HANG` | `part0 part1 part2 `, 200 ms apart, and then nothing ever again |
//! | `FAIL [STATUS]` | fails with `400 loopback failure requested`, or with the status given (400 to 599) |
//! | `SILENT` | `NO_REPLY` |
//! | `TOOL` | `Calling a tool. `, and stops because it wants one |
//! | `WAIT MS` | says nothing for MS milliseconds, then does what the rest of the text asks |
//! | `THINK` | a line of reasoning first, then what the rest of the text asks |
//!
//! Token counts are made up but fixed: a token is four bytes, rounded up, of the whole prompt and of the answer; an
//! image is [`IMAGE_TOKENS`]. Nothing is ever cached.

use crate::model::{
    ModelEvent, ModelRequest, Part, ProviderError, ProviderErrorKind, Speaker, StopReason, TokenUsage,
};

/// Most words of an answer; more are not asked for in earnest.
pub const WORDS_MAX: u64 = 100_000;

/// Longest `WAIT`, and longest pause between words.
pub const PAUSE_MS_MAX: u64 = 10 * 60 * 1000;

/// Most bytes of the user's text that are echoed.
pub const ECHO_BYTES_MAX: usize = 16 * 1024;

/// What an image counts for.
pub const IMAGE_TOKENS: u64 = 85;

const BYTES_PER_TOKEN: u64 = 4;

/// What the model does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it said since the last step, everything that was due.
    pub events: Vec<ModelEvent>,
    /// How it goes on.
    pub then: Then,
}

/// How a script goes on after a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Then {
    /// Ask again in so many milliseconds, at least 1. Asking earlier is harmless.
    Wait {
        /// Milliseconds from the `elapsed_ms` just passed.
        ms: u64,
    },
    /// Nothing more will ever come; the call ends by its timeout or by being stopped.
    Never,
    /// The answer is complete.
    Done,
    /// The call failed.
    Failed(ProviderError),
}

/// One answer being played. A few hundred bytes at most, plus the echo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    plan: Plan,
    /// Before the first word.
    wait_ms: u64,
    /// Reasoning is still to be said.
    thinks: bool,
    /// Words already said.
    said: u64,
    said_bytes: u64,
    input: u64,
    ended: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Plan {
    Say { text: String, stop: StopReason },
    Words { count: u64, gap_ms: u64 },
    Hang,
    Fail { status: u16 },
}

/// Words before the model hangs, and their distance.
const HANG_WORDS: u64 = 3;
const HANG_GAP_MS: u64 = 200;

const THOUGHT: &str = "Considering the prompt.";

impl Script {
    /// The answer to `request`. Depends on nothing but its prompt.
    pub fn new(request: &ModelRequest) -> Script {
        let text = newest_user_text(request);
        let mut script = Script {
            plan: Plan::Say { text: String::new(), stop: StopReason::Stop },
            wait_ms: 0,
            thinks: false,
            said: 0,
            said_bytes: 0,
            input: prompt_tokens(request),
            ended: false,
        };
        script.plan = script.read(text).unwrap_or_else(|| {
            let echo = text.get(..text.floor_char_boundary(ECHO_BYTES_MAX)).unwrap_or(text);
            Plan::Say { text: format!("You said: {echo}"), stop: StopReason::Stop }
        });
        script
    }

    /// What is due `elapsed_ms` after the call began. Time may jump; whatever became due in between comes at once. After
    /// [`Then::Done`] or [`Then::Failed`] there is nothing more, and the answer stays [`Then::Done`].
    pub fn next(&mut self, elapsed_ms: u64) -> Step {
        let mut events = Vec::new();
        if self.ended {
            return Step { events, then: Then::Done };
        }
        if elapsed_ms < self.wait_ms {
            return Step { events, then: Then::Wait { ms: self.wait_ms - elapsed_ms } };
        }
        if std::mem::take(&mut self.thinks) {
            self.said_bytes += THOUGHT.len() as u64;
            events.push(ModelEvent::Thinking(THOUGHT.to_owned()));
        }
        let speaking_ms = elapsed_ms - self.wait_ms;
        let then = match &mut self.plan {
            Plan::Fail { status } => {
                let error = requested_failure(*status);
                self.ended = true;
                Then::Failed(error)
            }
            Plan::Say { text, stop } => {
                let (text, stop) = (std::mem::take(text), *stop);
                self.said_bytes += text.len() as u64;
                events.push(ModelEvent::Text(text));
                self.end(stop, &mut events)
            }
            Plan::Words { count, gap_ms } => {
                let (count, gap_ms) = (*count, *gap_ms);
                self.say_words("word", count, gap_ms, speaking_ms, &mut events);
                match self.said == count {
                    true => self.end(StopReason::Stop, &mut events),
                    false => self.wait_for_word(gap_ms, speaking_ms),
                }
            }
            Plan::Hang => {
                self.say_words("part", HANG_WORDS, HANG_GAP_MS, speaking_ms, &mut events);
                match self.said == HANG_WORDS {
                    true => Then::Never,
                    false => self.wait_for_word(HANG_GAP_MS, speaking_ms),
                }
            }
        };
        Step { events, then }
    }

    /// The plan the words of `text` ask for, with waiting and thinking noted on the way.
    fn read(&mut self, text: &str) -> Option<Plan> {
        let mut words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).peekable();
        while let Some(word) = words.next() {
            let number = words.peek().and_then(|word| word.parse::<u64>().ok());
            match (word, number) {
                ("WAIT", Some(ms)) => self.wait_ms = ms.min(PAUSE_MS_MAX),
                ("THINK", _) => self.thinks = true,
                ("stream", Some(count)) => {
                    words.next();
                    let gap_ms = words.peek().and_then(|word| word.parse().ok()).unwrap_or(100);
                    return Some(Plan::words(count, gap_ms));
                }
                ("SLOW", count) => return Some(Plan::words(count.unwrap_or(10), 100)),
                ("LONG", count) => return Some(Plan::words(count.unwrap_or(10), 10)),
                ("HANG", _) => return Some(Plan::Hang),
                ("FAIL", status) => {
                    let status = status.and_then(|status| u16::try_from(status).ok());
                    let status = status.filter(|status| (400..600).contains(status)).unwrap_or(400);
                    return Some(Plan::Fail { status });
                }
                ("SILENT", _) => {
                    return Some(Plan::Say { text: "NO_REPLY".to_owned(), stop: StopReason::Stop });
                }
                ("TOOL", _) => {
                    return Some(Plan::Say {
                        text: "Calling a tool. ".to_owned(),
                        stop: StopReason::ToolUse,
                    });
                }
                _ => {}
            }
        }
        None
    }

    /// Says the words that are due: the first at once, each next one `gap_ms` later.
    fn say_words(
        &mut self,
        word: &str,
        count: u64,
        gap_ms: u64,
        speaking_ms: u64,
        events: &mut Vec<ModelEvent>,
    ) {
        let due = speaking_ms.checked_div(gap_ms).map_or(count, |gaps| gaps.saturating_add(1).min(count));
        let mut text = String::new();
        for index in self.said..due {
            text.push_str(word);
            text.push_str(&index.to_string());
            text.push(' ');
        }
        self.said = self.said.max(due);
        self.said_bytes += text.len() as u64;
        if !text.is_empty() {
            events.push(ModelEvent::Text(text));
        }
    }

    fn wait_for_word(&self, gap_ms: u64, speaking_ms: u64) -> Then {
        Then::Wait { ms: self.said.saturating_mul(gap_ms).saturating_sub(speaking_ms).max(1) }
    }

    fn end(&mut self, stop: StopReason, events: &mut Vec<ModelEvent>) -> Then {
        self.ended = true;
        let output = self.said_bytes.div_ceil(BYTES_PER_TOKEN);
        let total = self.input.saturating_add(output);
        events.push(ModelEvent::Stop(stop));
        events.push(ModelEvent::Usage(TokenUsage {
            input: self.input,
            output,
            cache_read: 0,
            cache_write: 0,
            total,
        }));
        Then::Done
    }
}

impl Plan {
    fn words(count: u64, gap_ms: u64) -> Plan {
        Plan::Words { count: count.min(WORDS_MAX), gap_ms: gap_ms.min(PAUSE_MS_MAX) }
    }
}

/// Text of the last user message: its last text part, because a client's text follows what was put before it.
fn newest_user_text(request: &ModelRequest) -> &str {
    let newest = request.messages.iter().rev().find(|message| message.speaker == Speaker::User);
    let parts = newest.map(|message| message.parts.as_slice()).unwrap_or_default();
    let texts = parts.iter().rev().filter_map(|part| match part {
        Part::Text(text) => Some(text.trim()),
        Part::Image { .. } => None,
    });
    texts.into_iter().find(|text| !text.is_empty()).unwrap_or_default()
}

fn prompt_tokens(request: &ModelRequest) -> u64 {
    let (mut bytes, mut images) = (request.system.len() as u64, 0);
    for part in request.messages.iter().flat_map(|message| &message.parts) {
        match part {
            Part::Text(text) => bytes += text.len() as u64,
            Part::Image { .. } => images += 1,
        }
    }
    bytes.div_ceil(BYTES_PER_TOKEN) + images * IMAGE_TOKENS
}

fn requested_failure(status: u16) -> ProviderError {
    let kind = match status {
        401 | 403 => ProviderErrorKind::Auth,
        402 | 429 => ProviderErrorKind::RateLimit,
        408 | 504 => ProviderErrorKind::Timeout,
        413 => ProviderErrorKind::ContextOverflow,
        500.. => ProviderErrorKind::Server,
        _ => ProviderErrorKind::BadRequest,
    };
    let message = format!("{status} loopback failure requested");
    ProviderError { status: Some(status), message, kind, retry_after_ms: None }
}

#[cfg(test)]
mod tests;
