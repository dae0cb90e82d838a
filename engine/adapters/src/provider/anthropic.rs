//! `POST {baseUrl}/v1/messages`, streaming: Anthropic, and servers that speak like it.
//!
//! Tool use is skipped; see [`StopReason::ToolUse`]. Signatures of reasoning are dropped: they are only needed to
//! continue a turn after a tool.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::http::HttpRequest;
use crate::model::{
    Effort, Message, ModelEvent, ModelRequest, Part, ProviderError, ProviderErrorKind, Secret, Speaker,
    StopReason, TokenUsage,
};
use crate::provider::sse::SseEvent;
use crate::provider::stream::{Answer, Decoder, malformed, push_text, push_thinking};
use crate::provider::{Provider, StreamDecoder, failure};

/// The API version this speaks; the only one there is.
const VERSION: &str = "2023-06-01";

/// Answer tokens when the request names none: the API insists on a number, and every Messages model allows this many.
const ANSWER_TOKENS_DEFAULT: u32 = 4096;

/// Least thinking budget the API takes.
const THINKING_TOKENS_MIN: u32 = 1024;

/// Least room left for the answer beside the thinking.
const ANSWER_TOKENS_MIN: u32 = 1024;

/// See the module.
pub(super) struct AnthropicMessages;

impl Provider for AnthropicMessages {
    fn request(&self, request: &ModelRequest) -> HttpRequest {
        let endpoint = &request.endpoint;
        let base = endpoint.base_url.trim_end_matches('/');
        // People paste the address with and without the version.
        let base = base.strip_suffix("/v1").unwrap_or(base);
        // Serializing these types cannot fail: no maps with odd keys, no fallible `Serialize`.
        let body = serde_json::to_vec(&Body::of(request)).unwrap_or_default();
        let mut http = HttpRequest::streaming_post(format!("{base}/v1/messages"), Bytes::from(body));
        http.set_header("anthropic-version", Secret::new(VERSION));
        if !endpoint.api_key.is_empty() {
            http.set_header("x-api-key", endpoint.api_key.clone());
        }
        for (name, value) in &endpoint.headers {
            http.set_header(name, value.clone());
        }
        http
    }

    fn decoder(&self) -> Box<dyn StreamDecoder + Send> {
        Box::new(Decoder::new(Reply::default()))
    }

    fn failure(&self, status: u16, retry_after_ms: Option<u64>, body: &[u8]) -> ProviderError {
        failure::refusal(status, retry_after_ms, body)
    }
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    max_tokens: u32,
    stream: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    system: Vec<Block<'a>>,
    messages: Vec<Turn<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thinking: Option<Thinking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_config: Option<OutputConfig>,
}

#[derive(Serialize)]
struct OutputConfig {
    effort: &'static str,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Thinking {
    /// The model is given a number of tokens.
    Enabled { budget_tokens: u32 },
    /// The model decides, and is only told how hard to try.
    Adaptive { display: &'static str },
}

impl<'a> Body<'a> {
    fn of(request: &'a ModelRequest) -> Body<'a> {
        let mut messages: Vec<_> = request.messages.iter().filter_map(Turn::of).collect();
        // The API wants the user to begin; a session can begin with an injected answer.
        if messages.first().is_some_and(|turn| turn.role == "assistant") {
            messages.insert(0, Turn { role: "user", content: vec![Block::text("(conversation start)")] });
        }
        // Everything up to here comes again with the next turn: worth a cache entry.
        if let Some(block) = messages.last_mut().and_then(|turn| turn.content.last_mut()) {
            block.cache_control = Some(CacheControl { kind: "ephemeral" });
        }
        let mut system = Vec::new();
        if !request.system.is_empty() {
            let cache_control = Some(CacheControl { kind: "ephemeral" });
            system.push(Block { cache_control, ..Block::text(&request.system) });
        }
        let mut body = Body {
            model: &request.endpoint.model,
            max_tokens: request.tokens_max.unwrap_or(ANSWER_TOKENS_DEFAULT),
            stream: true,
            system,
            messages,
            thinking: None,
            output_config: None,
        };
        if let Some(effort) = request.effort {
            body.think(effort, request.tokens_max);
        }
        body
    }

    /// `max_tokens` counts thinking too: without a bound from the request the budget comes on top, with one it has to
    /// fit beside the answer.
    fn think(&mut self, effort: Effort, tokens_max: Option<u32>) {
        let (budget, level) = match effort {
            Effort::Minimal => (THINKING_TOKENS_MIN, "low"),
            Effort::Low => (2048, "low"),
            Effort::Medium => (8192, "medium"),
            Effort::High => (16384, "high"),
        };
        let budget = match tokens_max {
            None => {
                self.max_tokens += budget;
                budget
            }
            Some(max) => budget.min(max.saturating_sub(ANSWER_TOKENS_MIN)),
        };
        if decides_itself(self.model) {
            self.thinking = Some(Thinking::Adaptive { display: "summarized" });
            self.output_config = Some(OutputConfig { effort: level });
        } else if budget >= THINKING_TOKENS_MIN {
            self.thinking = Some(Thinking::Enabled { budget_tokens: budget });
        }
    }
}

/// Whether a model takes adaptive thinking: Claude 4.6 and later. From 4.7 on a budget is an error; before 4.6 adaptive
/// is. A Claude without a version in its name is new; other models at compatible servers know budgets.
fn decides_itself(model: &str) -> bool {
    let model = model.to_ascii_lowercase();
    if !model.contains("claude") {
        return false;
    }
    // Dates (`20250929`) are not versions.
    let mut numbers = model.split(['-', '.', '@', ':', '/', '_']).filter_map(|word| word.parse::<u32>().ok());
    let mut version = || numbers.find(|number| *number < 1000);
    let Some(major) = version() else { return true };
    (major, version().unwrap_or(0)) >= (4, 6)
}

#[derive(Serialize)]
struct Turn<'a> {
    role: &'static str,
    content: Vec<Block<'a>>,
}

impl<'a> Turn<'a> {
    /// `None` for a message with nothing in it; the API refuses empty text.
    fn of(message: &'a Message) -> Option<Turn<'a>> {
        let role = match message.speaker {
            Speaker::User => "user",
            Speaker::Assistant => "assistant",
        };
        let blocks = message.parts.iter().filter_map(|part| match part {
            Part::Text(text) => (!text.trim().is_empty()).then(|| Block::text(text)),
            // Images come from users only.
            Part::Image { .. } if message.speaker == Speaker::Assistant => None,
            Part::Image { mime, data } => {
                let source = Source { kind: "base64", media_type: mime, data };
                Some(Block { content: BlockContent::Image { source }, cache_control: None })
            }
        });
        let content: Vec<_> = blocks.collect();
        (!content.is_empty()).then_some(Turn { role, content })
    }
}

#[derive(Serialize)]
struct Block<'a> {
    #[serde(flatten)]
    content: BlockContent<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_control: Option<CacheControl>,
}

impl<'a> Block<'a> {
    fn text(text: &'a str) -> Block<'a> {
        Block { content: BlockContent::Text { text }, cache_control: None }
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum BlockContent<'a> {
    Text { text: &'a str },
    Image { source: Source<'a> },
}

#[derive(Serialize)]
struct Source<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    media_type: &'a str,
    data: &'a str,
}

#[derive(Serialize)]
struct CacheControl {
    #[serde(rename = "type")]
    kind: &'static str,
}

/// An answer being read.
#[derive(Default)]
struct Reply {
    usage: TokenUsage,
    stopped: bool,
    /// `message_stop` came.
    done: bool,
}

impl Answer for Reply {
    fn event(&mut self, event: SseEvent<'_>, out: &mut Vec<ModelEvent>) -> Result<(), ProviderError> {
        let data = event.data.trim_ascii();
        if self.done || data.is_empty() {
            return Ok(());
        }
        let Ok(event) = serde_json::from_slice::<Event>(data) else {
            return Err(failure::inside(data).unwrap_or_else(|| malformed("event")));
        };
        match event {
            Event::MessageStart { message } => self.count(message.usage, out),
            Event::ContentBlockStart { content_block } => push_block(content_block, out),
            Event::ContentBlockDelta { delta } => match delta {
                Delta::Text { text } => push_text(out, &text),
                Delta::Thinking { thinking } => push_thinking(out, &thinking),
                Delta::Other => {}
            },
            Event::MessageDelta { delta, usage } => {
                self.count(usage, out);
                self.stop(delta.and_then(|delta| delta.stop_reason).as_deref(), out)?;
            }
            Event::MessageStop => self.done = true,
            Event::Error => return Err(failure::inside(data).unwrap_or_else(|| malformed("error"))),
            Event::Other => {}
        }
        Ok(())
    }

    fn whole(&mut self, json: &[u8], out: &mut Vec<ModelEvent>) -> Result<(), ProviderError> {
        let Ok(message) = serde_json::from_slice::<WholeMessage>(json) else {
            return Err(failure::inside(json).unwrap_or_else(|| malformed("answer")));
        };
        for block in message.content {
            push_block(block, out);
        }
        self.count(message.usage, out);
        self.stop(message.stop_reason.as_deref(), out)?;
        self.done = true;
        Ok(())
    }

    fn is_complete(&self) -> bool {
        self.done
    }

    fn may_end(&self) -> bool {
        self.done || self.stopped
    }
}

impl Reply {
    /// Counts are totals so far, and only those that changed come: later ones replace, absent ones stay.
    fn count(&mut self, usage: Option<Usage>, out: &mut Vec<ModelEvent>) {
        let Some(usage) = usage else { return };
        let counted = &mut self.usage;
        counted.input = usage.input_tokens.unwrap_or(counted.input);
        counted.output = usage.output_tokens.unwrap_or(counted.output);
        counted.cache_read = usage.cache_read_input_tokens.unwrap_or(counted.cache_read);
        counted.cache_write = usage.cache_creation_input_tokens.unwrap_or(counted.cache_write);
        // The API gives no total, and its input leaves the cached tokens out.
        let inputs = counted.input.saturating_add(counted.cache_read).saturating_add(counted.cache_write);
        counted.total = inputs.saturating_add(counted.output);
        out.push(ModelEvent::Usage(*counted));
    }

    fn stop(&mut self, reason: Option<&str>, out: &mut Vec<ModelEvent>) -> Result<(), ProviderError> {
        let stop = match reason {
            None => return Ok(()),
            Some("max_tokens" | "model_context_window_exceeded") => StopReason::Length,
            Some("tool_use") => StopReason::ToolUse,
            Some("refusal") => {
                return Err(ProviderError::new(ProviderErrorKind::BadRequest, "the model refused to answer"));
            }
            Some(_) => StopReason::Stop,
        };
        if !std::mem::replace(&mut self.stopped, true) {
            out.push(ModelEvent::Stop(stop));
        }
        Ok(())
    }
}

fn push_block(block: ReplyBlock, out: &mut Vec<ModelEvent>) {
    match block {
        ReplyBlock::Text { text } => push_text(out, &text),
        ReplyBlock::Thinking { thinking } => push_thinking(out, &thinking),
        ReplyBlock::Other => {}
    }
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event {
    MessageStart {
        message: MessageStart,
    },
    ContentBlockStart {
        content_block: ReplyBlock,
    },
    ContentBlockDelta {
        delta: Delta,
    },
    MessageDelta {
        #[serde(default)]
        delta: Option<MessageDelta>,
        #[serde(default)]
        usage: Option<Usage>,
    },
    MessageStop,
    Error,
    /// `ping`, `content_block_stop`, and whatever is added later.
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct MessageStart {
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct MessageDelta {
    #[serde(default)]
    stop_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(tag = "type")]
enum Delta {
    #[serde(rename = "text_delta")]
    Text { text: String },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: String },
    /// `signature_delta`, `input_json_delta`, `citations_delta` …
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ReplyBlock {
    Text {
        #[serde(default)]
        text: String,
    },
    Thinking {
        #[serde(default)]
        thinking: String,
    },
    /// `tool_use`, `redacted_thinking` …
    #[serde(other)]
    Other,
}

/// An answer that is not a stream.
#[derive(Deserialize)]
struct WholeMessage {
    /// `message`; an error says `error`, and does not parse.
    #[serde(rename = "type")]
    _kind: WholeKind,
    #[serde(default)]
    content: Vec<ReplyBlock>,
    #[serde(default)]
    stop_reason: Option<String>,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum WholeKind {
    Message,
}

#[derive(Deserialize)]
struct Usage {
    #[serde(default)]
    input_tokens: Option<u64>,
    #[serde(default)]
    output_tokens: Option<u64>,
    #[serde(default)]
    cache_read_input_tokens: Option<u64>,
    #[serde(default)]
    cache_creation_input_tokens: Option<u64>,
}

#[cfg(test)]
mod tests;
