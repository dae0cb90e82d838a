//! Builds lines, each naming the one before as its parent.

use serde::Serialize;

use super::message::{AssistantLine, InjectedLine, Message, UserLine};
use super::record::WITHHELD;
use super::{VERSION, iso_ms};

/// Where entry ids come from: a shard's random numbers, or the simulator's.
pub trait IdSource {
    /// 32 random bits; written as 8 hex digits.
    fn entry_id(&mut self) -> u32;
}

impl<F: FnMut() -> u32> IdSource for F {
    fn entry_id(&mut self) -> u32 {
        self()
    }
}

/// A finished line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Names it.
    pub id: String,
    /// One JSON document without newlines.
    pub json: String,
}

/// The end of a transcript, to which lines are added.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chain {
    leaf: Option<String>,
}

impl Chain {
    /// Goes on after the line with id `leaf`; `None` for an empty transcript.
    pub fn after(leaf: Option<String>) -> Chain {
        Chain { leaf }
    }

    /// Id of the last line.
    pub fn leaf(&self) -> Option<&str> {
        self.leaf.as_deref()
    }

    /// The first line of a transcript. It has no id of its own and is nobody's parent.
    pub fn header(session_id: &str, cwd: &str, at_ms: u64) -> String {
        #[derive(Serialize)]
        struct Header<'a> {
            r#type: &'static str,
            version: u32,
            id: &'a str,
            timestamp: String,
            cwd: &'a str,
        }
        json(&Header { r#type: "session", version: VERSION, id: session_id, timestamp: iso_ms(at_ms), cwd })
    }

    /// Another model from here on.
    pub fn model_change(&mut self, ids: &mut impl IdSource, at_ms: u64, provider: &str, model: &str) -> Line {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct ModelChange<'a> {
            provider: &'a str,
            model_id: &'a str,
        }
        self.add(ids, at_ms, "model_change", ModelChange { provider, model_id: model })
    }

    /// Another thinking level from here on.
    pub fn thinking_level_change(&mut self, ids: &mut impl IdSource, at_ms: u64, level: &str) -> Line {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct ThinkingLevelChange<'a> {
            thinking_level: &'a str,
        }
        self.add(ids, at_ms, "thinking_level_change", ThinkingLevelChange { thinking_level: level })
    }

    /// A summary in place of what came before `first_kept_id`; with `None`, in place of everything before it.
    pub fn compaction(
        &mut self,
        ids: &mut impl IdSource,
        at_ms: u64,
        summary: &str,
        first_kept_id: Option<&str>,
        tokens_before: u64,
    ) -> Line {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Compaction<'a> {
            summary: &'a str,
            first_kept_entry_id: &'a str,
            tokens_before: u64,
            details: Details,
            from_hook: bool,
        }
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Details {
            read_files: [&'static str; 0],
            modified_files: [&'static str; 0],
        }
        // Upstream's readers expect the field; the line's own id keeps nothing of what came before it.
        let id = hex_id(ids.entry_id());
        let body = Compaction {
            summary,
            first_kept_entry_id: first_kept_id.unwrap_or(&id),
            tokens_before,
            details: Details { read_files: [], modified_files: [] },
            from_hook: true,
        };
        let json = json(&Entry::new("compaction", &id, self.leaf.as_deref(), at_ms, body));
        self.leaf = Some(id.clone());
        Line { id, json }
    }

    /// What people said last is not for the model: a decision of the defender, by its id. Who does not know lines of this
    /// type passes over them, upstream too: there the words are told to the model again.
    pub fn withheld(&mut self, ids: &mut impl IdSource, at_ms: u64, decision: &str) -> Line {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Custom<'a> {
            custom_type: &'static str,
            data: Data<'a>,
        }
        #[derive(Serialize)]
        struct Data<'a> {
            decision: &'a str,
        }
        self.add(ids, at_ms, "custom", Custom { custom_type: WITHHELD, data: Data { decision } })
    }

    /// Something a person said.
    pub fn user(&mut self, ids: &mut impl IdSource, line: &UserLine<'_>) -> Line {
        self.message(ids, line.at_ms, line.message())
    }

    /// Something the model said. `written_at_ms` is when it had ended.
    pub fn assistant(
        &mut self,
        ids: &mut impl IdSource,
        line: &AssistantLine<'_>,
        written_at_ms: u64,
    ) -> Line {
        self.message(ids, written_at_ms, line.message())
    }

    /// Something the gateway says in the model's name.
    pub fn injected(&mut self, ids: &mut impl IdSource, line: &InjectedLine<'_>) -> Line {
        self.message(ids, line.at_ms, line.message())
    }

    fn message(&mut self, ids: &mut impl IdSource, at_ms: u64, message: Message) -> Line {
        #[derive(Serialize)]
        struct Wrapped {
            message: Message,
        }
        self.add(ids, at_ms, "message", Wrapped { message })
    }

    fn add<B: Serialize>(
        &mut self,
        ids: &mut impl IdSource,
        at_ms: u64,
        kind: &'static str,
        body: B,
    ) -> Line {
        let id = hex_id(ids.entry_id());
        let json = json(&Entry::new(kind, &id, self.leaf.as_deref(), at_ms, body));
        self.leaf = Some(id.clone());
        Line { id, json }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a, B> {
    r#type: &'static str,
    id: &'a str,
    /// `null` for the first one, as upstream writes it.
    parent_id: Option<&'a str>,
    timestamp: String,
    #[serde(flatten)]
    body: B,
}

impl<'a, B> Entry<'a, B> {
    fn new(kind: &'static str, id: &'a str, parent_id: Option<&'a str>, at_ms: u64, body: B) -> Entry<'a, B> {
        Entry { r#type: kind, id, parent_id, timestamp: iso_ms(at_ms), body }
    }
}

fn hex_id(bits: u32) -> String {
    format!("{bits:08x}")
}

/// Our lines serialize without failing: names are strings, and numbers are finite or written as `null`.
fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "{}".to_owned())
}
