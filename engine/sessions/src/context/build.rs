//! The conversation, as far as it fits.

use super::piece::{Piece, What};
use super::{IMAGE_TOKENS, MESSAGE_TOKENS, estimate_tokens};

/// Who said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// A person, or the gateway telling the model something.
    User,
    /// The model.
    Assistant,
}

/// An image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// `image/png` …
    pub mime_type: String,
    /// Base64.
    pub data: String,
}

/// Something said, as the model is told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// By whom. Two in a row are never the same.
    pub speaker: Speaker,
    /// Messages of the same speaker right before this one that nobody answered, oldest first; never empty texts.
    pub earlier: Vec<String>,
    /// The text.
    pub text: String,
    /// Only people's messages have images.
    pub images: Vec<Image>,
}

impl Said {
    pub(super) fn new(speaker: Speaker, text: impl Into<String>) -> Said {
        Said { speaker, earlier: Vec::new(), text: text.into(), images: Vec::new() }
    }

    /// Estimated tokens.
    pub fn tokens(&self) -> u64 {
        let earlier: u64 = self.earlier.iter().map(|text| estimate_tokens(text)).sum();
        MESSAGE_TOKENS + earlier + estimate_tokens(&self.text) + self.images.len() as u64 * IMAGE_TOKENS
    }
}

/// How much room there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// The model's window in tokens.
    pub window: u64,
    /// Kept for the instructions.
    pub system: u64,
    /// Kept for the answer.
    pub answer: u64,
}

impl Budget {
    fn conversation(&self) -> u64 {
        self.window.saturating_sub(self.system).saturating_sub(self.answer)
    }
}

/// What the model is told of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Context {
    /// Oldest first, beginning with the user; ends with the user when the last thing said was a person's.
    pub messages: Vec<Said>,
    /// Messages that did not fit. The first message says so.
    pub dropped: u64,
    /// Estimated tokens of `messages`.
    pub tokens: u64,
}

/// The conversation of `pieces` within `budget`: a summary in place of what it summarises, then the newest messages.
/// The last thing said is always there, even when it does not fit.
pub fn build(pieces: Vec<Piece<'_>>, budget: &Budget) -> Context {
    let (summary, from) = in_force(&pieces);
    let said = said(pieces.into_iter().skip(from));
    let room = budget.conversation().saturating_sub(summary.as_ref().map_or(0, Said::tokens));
    let mut kept = Vec::new();
    let mut tokens = 0;
    let mut dropped = 0;
    for item in said.into_iter().rev() {
        let cost = item.tokens();
        if dropped > 0 || (!kept.is_empty() && tokens + cost > room) {
            dropped += 1;
            continue;
        }
        tokens += cost;
        kept.push(item);
    }
    kept.reverse();
    let mut opening: Vec<Said> = summary.into_iter().collect();
    let starts_with_model =
        opening.is_empty() && kept.first().is_some_and(|first| first.speaker == Speaker::Assistant);
    if dropped > 0 {
        let plural = if dropped == 1 { "message is" } else { "messages are" };
        opening.push(Said::new(Speaker::User, format!("[{dropped} earlier {plural} left out here]")));
    } else if starts_with_model {
        // Some providers want a person to speak first.
        opening.push(Said::new(Speaker::User, "[The conversation begins with your own message]"));
    }
    let messages = merge(opening.into_iter().chain(kept));
    let tokens = messages.iter().map(Said::tokens).sum();
    Context { messages, dropped, tokens }
}

/// The summary that is in force, and where what it does not stand for begins.
pub(super) fn in_force(pieces: &[Piece<'_>]) -> (Option<Said>, usize) {
    let summary = pieces.iter().enumerate().rev().find_map(|(at, piece)| match &piece.what {
        What::Summary { text, first_kept_id } => Some((at, text, first_kept_id.as_deref())),
        _ => None,
    });
    let Some((at, text, kept)) = summary else { return (None, 0) };
    let from = kept
        .and_then(|id| pieces.get(..at)?.iter().position(|piece| piece.id.as_deref() == Some(id)))
        .unwrap_or(at);
    let text = format!("[Summary of the conversation so far]\n{text}");
    (Some(Said::new(Speaker::User, text)), from)
}

/// Takes out what people said last, one after the other: those words were judged together.
fn withhold(said: &mut Vec<Said>) {
    let is_user = |said: &Said| said.speaker == Speaker::User;
    if let Some(last) = said.iter().rposition(is_user) {
        let before = said.iter().take(last).rposition(|said| !is_user(said));
        said.drain(before.map_or(0, |at| at + 1)..=last);
    }
}

/// What was said in `pieces`.
pub(super) fn said<'a>(pieces: impl Iterator<Item = Piece<'a>>) -> Vec<Said> {
    let mut said: Vec<Said> = Vec::new();
    for piece in pieces {
        let item = match piece.what {
            What::Said(item) => item,
            What::Withheld => {
                withhold(&mut said);
                continue;
            }
            What::Summary { .. } | What::Nothing => continue,
        };
        // OpenClaw notes the partial text of a stopped run twice, once for clients and once for the model.
        if item.speaker == Speaker::Assistant
            && said.last().is_some_and(|last: &Said| {
                last.speaker == Speaker::Assistant && last.text.trim() == item.text.trim()
            })
        {
            continue;
        }
        said.push(item);
    }
    said
}

/// Messages of one speaker in a row become one: providers want speakers to take turns. The texts stay apart, so that an
/// earlier message that had no answer is not taken for part of the newest.
fn merge(said: impl Iterator<Item = Said>) -> Vec<Said> {
    let mut merged: Vec<Said> = Vec::new();
    for item in said {
        match merged.last_mut().filter(|last| last.speaker == item.speaker) {
            Some(last) => {
                if !item.text.is_empty() {
                    let text = std::mem::replace(&mut last.text, item.text);
                    last.earlier.extend((!text.is_empty()).then_some(text));
                }
                last.images.extend(item.images);
            }
            None => merged.push(item),
        }
    }
    merged
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::transcript::{
        AssistantLine, AssistantStop, Chain, InjectedLine, Record, Usage, UserLine, read,
    };
    use crate::turn::Attachment;

    /// `u:` a person, `a:` the model, `c:` the answer to a command, `i:` injected, `p:` partial, `x:` a failure,
    /// `k:<id>` a compaction that keeps from there on.
    pub(crate) fn records(script: &[&str]) -> Vec<Record> {
        read(&lines(script), 0)
    }

    pub(crate) fn lines(script: &[&str]) -> Vec<String> {
        let mut next = 0;
        let mut ids = move || {
            next += 1;
            next
        };
        let mut chain = Chain::default();
        script
            .iter()
            .map(|step| {
                let (kind, text) = step.split_once(':').unwrap();
                let injected = InjectedLine { text, ..InjectedLine::default() };
                let answer = AssistantLine {
                    text,
                    thinking: "secret",
                    api: "a",
                    provider: "p",
                    model: "m",
                    usage: Usage::default(),
                    stop: AssistantStop::Stop,
                    run_id: "r",
                    at_ms: 0,
                };
                match kind {
                    "u" => {
                        let line = UserLine {
                            text,
                            attachments: &[],
                            message_id: "m",
                            run_id: "r",
                            sender: None,
                            at_ms: 0,
                        };
                        chain.user(&mut ids, &line)
                    }
                    "a" => chain.assistant(&mut ids, &answer, 0),
                    "x" => {
                        let failed = AssistantLine {
                            text: "",
                            thinking: "",
                            stop: AssistantStop::Error(text),
                            ..answer
                        };
                        chain.assistant(&mut ids, &failed, 0)
                    }
                    "c" => chain.injected(&mut ids, &InjectedLine { run_id: Some("r"), ..injected }),
                    "i" => chain.injected(&mut ids, &injected),
                    "p" => {
                        let partial = InjectedLine { run_id: Some("r"), aborted_by: Some("rpc"), ..injected };
                        chain.injected(&mut ids, &partial)
                    }
                    "w" => chain.withheld(&mut ids, 0, text),
                    "k" => chain.compaction(&mut ids, 0, "sum", Some(text).filter(|id| !id.is_empty()), 0),
                    _ => panic!("{step}"),
                }
                .json
            })
            .collect()
    }

    #[track_caller]
    fn check(script: &[&str], room: u64, want: &[&str], dropped: u64) {
        let context =
            build(Piece::read(&lines(script)), &Budget { window: room + 20, system: 15, answer: 5 });
        let told: Vec<String> = context
            .messages
            .iter()
            .map(|said| {
                let texts: Vec<&str> = said.earlier.iter().chain([&said.text]).map(String::as_str).collect();
                format!("{}:{}", if said.speaker == Speaker::User { "u" } else { "a" }, texts.join("\n\n"))
            })
            .collect();
        assert_eq!((told, context.dropped), (want.iter().map(|said| (*said).to_owned()).collect(), dropped));
    }

    #[test]
    fn the_model_is_told_what_was_said() {
        check(&["u:hi", "a:hello", "u:and?"], 1000, &["u:hi", "a:hello", "u:and?"], 0);
        check(&["u:/status", "c:card", "u:hi"], 1000, &["u:/status\n\nhi"], 0);
        check(&["u:hi", "x:400 no", "u:again"], 1000, &["u:hi\n\nagain"], 0);
        check(&["u:hi", "p:part", "a:part ", "u:go on"], 1000, &["u:hi", "a:part", "u:go on"], 0);
        check(
            &["i:note", "u:hi"],
            1000,
            &["u:[The conversation begins with your own message]", "a:note", "u:hi"],
            0,
        );
        check(&[], 1000, &[], 0);
    }

    #[test]
    fn what_does_not_fit_is_left_out_from_the_oldest_on() {
        // Each of these costs 4 and a token for four characters.
        let script = ["u:1111", "a:2222", "u:3333", "a:4444", "u:5555"];
        check(&script, 25, &["u:1111", "a:2222", "u:3333", "a:4444", "u:5555"], 0);
        check(
            &script,
            24,
            &["u:[1 earlier message is left out here]", "a:2222", "u:3333", "a:4444", "u:5555"],
            1,
        );
        check(&script, 15, &["u:[2 earlier messages are left out here]\n\n3333", "a:4444", "u:5555"], 2);
        check(&script, 0, &["u:[4 earlier messages are left out here]\n\n5555"], 4);
        let gap = ["u:1", "a:this is too long", "u:2"];
        check(&gap, 12, &["u:[2 earlier messages are left out here]\n\n2"], 2);
        check(&["u:much too long for this window"], 0, &["u:much too long for this window"], 0);
    }

    #[test]
    fn a_summary_stands_for_what_came_before() {
        let sum = "u:[Summary of the conversation so far]\nsum";
        check(&["u:a", "a:b", "k:", "u:c"], 1000, &[&format!("{sum}\n\nc")], 0);
        check(
            &["u:a", "a:b", "u:c", "a:d", "k:00000003", "u:e"],
            1000,
            &[&format!("{sum}\n\nc"), "a:d", "u:e"],
            0,
        );
        check(&["u:a", "k:", "u:b", "a:c", "k:", "u:d"], 1000, &[&format!("{sum}\n\nd")], 0);
        check(&["u:a", "k:gone", "a:b"], 1000, &[sum, "a:b"], 0);
    }

    #[test]
    fn what_is_withheld_is_not_told() {
        check(&["u:hi", "a:hello", "u:bad", "w:d", "u:and?"], 1000, &["u:hi", "a:hello", "u:and?"], 0);
        check(
            &["u:hi", "a:hello", "u:so", "x:400", "u:bad", "w:d", "u:ok"],
            1000,
            &["u:hi", "a:hello", "u:ok"],
            0,
        );
        check(
            &["u:bad", "i:note", "w:d", "u:ok"],
            1000,
            &["u:[The conversation begins with your own message]", "a:note", "u:ok"],
            0,
        );
        check(&["u:bad", "w:d"], 1000, &[], 0);
        check(
            &["w:d", "u:ok", "a:fine", "w:e"],
            1000,
            &["u:[The conversation begins with your own message]", "a:fine"],
            0,
        );
    }

    #[test]
    fn images_cost_room() {
        let image =
            Attachment { mime_type: "image/png".into(), file_name: None, data: "AAAA".into(), bytes: 3 };
        let user = UserLine {
            text: "see",
            attachments: &[image],
            message_id: "m",
            run_id: "r",
            sender: None,
            at_ms: 0,
        };
        let line = Chain::default().user(&mut || 1, &user).json;
        let context = build(Piece::read(&[line]), &Budget { window: 10, system: 0, answer: 0 });
        assert_eq!(
            context.messages[0].images,
            [Image { mime_type: "image/png".into(), data: "AAAA".into() }]
        );
        assert_eq!(context.tokens, MESSAGE_TOKENS + 1 + IMAGE_TOKENS);
    }
}
