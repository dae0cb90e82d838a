//! `POST {baseUrl}/chat/completions`, streaming: OpenAI, and everything that speaks like it (Ollama, llama.cpp, vLLM,
//! LM Studio, OpenRouter, Groq, DeepSeek …).
//!
//! Where those differ the decoder takes what comes: reasoning as `reasoning_content` or `reasoning`, content as text or
//! as parts, usage anywhere or nowhere, errors inside the stream, and a whole JSON answer instead of a stream.
//! Tool calls are skipped; see [`StopReason::ToolUse`].

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::http::HttpRequest;
use crate::model::{
    Effort, Message, ModelEvent, ModelRequest, Part, ProviderError, ProviderErrorKind, Secret, Speaker,
    StopReason, TokenUsage,
};
use crate::provider::sse::SseEvent;
use crate::provider::stream::{Answer, Decoder, malformed, push_text, push_thinking};
use crate::provider::{Provider, StreamDecoder, failure};

/// See the module.
pub(super) struct OpenaiCompletions;

impl Provider for OpenaiCompletions {
    fn request(&self, request: &ModelRequest) -> HttpRequest {
        let endpoint = &request.endpoint;
        let base = endpoint.base_url.trim_end_matches('/');
        // Serializing these types cannot fail: no maps with odd keys, no fallible `Serialize`.
        let body = serde_json::to_vec(&Body::of(request)).unwrap_or_default();
        let mut http = HttpRequest::streaming_post(format!("{base}/chat/completions"), Bytes::from(body));
        if !endpoint.api_key.is_empty() {
            http.set_header("authorization", Secret::new(format!("Bearer {}", endpoint.api_key.reveal())));
        }
        for (name, value) in &endpoint.headers {
            http.set_header(name, value.clone());
        }
        http
    }

    fn decoder(&self) -> Box<dyn StreamDecoder + Send> {
        Box::new(Decoder::new(Completion::default()))
    }

    fn failure(&self, status: u16, retry_after_ms: Option<u64>, body: &[u8]) -> ProviderError {
        failure::refusal(status, retry_after_ms, body)
    }
}

#[derive(Serialize)]
struct Body<'a> {
    model: &'a str,
    messages: Vec<Turn<'a>>,
    stream: bool,
    stream_options: StreamOptions,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_effort: Option<&'static str>,
}

#[derive(Serialize)]
struct StreamOptions {
    include_usage: bool,
}

impl<'a> Body<'a> {
    fn of(request: &'a ModelRequest) -> Body<'a> {
        let system = Turn { role: "system", content: Content::Text(Cow::Borrowed(&request.system)) };
        let system = (!request.system.is_empty()).then_some(system);
        // OpenAI's reasoning models refuse `max_tokens`; most of the servers that speak like it know nothing else.
        let at_openai = request.endpoint.base_url.contains("://api.openai.com");
        Body {
            model: &request.endpoint.model,
            messages: system.into_iter().chain(request.messages.iter().filter_map(Turn::of)).collect(),
            stream: true,
            stream_options: StreamOptions { include_usage: true },
            max_tokens: request.tokens_max.filter(|_| !at_openai),
            max_completion_tokens: request.tokens_max.filter(|_| at_openai),
            reasoning_effort: request.effort.map(|effort| match effort {
                Effort::Minimal => "minimal",
                Effort::Low => "low",
                Effort::Medium => "medium",
                Effort::High => "high",
            }),
        }
    }
}

#[derive(Serialize)]
struct Turn<'a> {
    role: &'static str,
    content: Content<'a>,
}

impl<'a> Turn<'a> {
    /// `None` for a message with nothing in it, which servers refuse. An assistant's images are left out: the API takes
    /// images from users only.
    fn of(message: &'a Message) -> Option<Turn<'a>> {
        let role = match message.speaker {
            Speaker::User => "user",
            Speaker::Assistant => "assistant",
        };
        let parts = message.parts.iter().filter_map(|part| match part {
            Part::Text(text) => (!text.is_empty()).then_some(ContentPart::Text { text }),
            Part::Image { .. } if message.speaker == Speaker::Assistant => None,
            Part::Image { mime, data } => {
                Some(ContentPart::ImageUrl { image_url: ImageUrl { url: DataUrl { mime, data } } })
            }
        });
        let parts: Vec<_> = parts.collect();
        if parts.is_empty() {
            return None;
        }
        // Plain text goes as a string, because small servers know no parts.
        let texts: Option<Vec<&str>> = parts.iter().map(ContentPart::text).collect();
        let content = match texts.as_deref() {
            None => Content::Parts(parts),
            Some([text]) => Content::Text(Cow::Borrowed(*text)),
            Some(texts) => Content::Text(Cow::Owned(texts.join("\n"))),
        };
        Some(Turn { role, content })
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(Cow<'a, str>),
    Parts(Vec<ContentPart<'a>>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ContentPart<'a> {
    Text { text: &'a str },
    ImageUrl { image_url: ImageUrl<'a> },
}

impl<'a> ContentPart<'a> {
    fn text(&self) -> Option<&'a str> {
        match self {
            ContentPart::Text { text } => Some(text),
            ContentPart::ImageUrl { .. } => None,
        }
    }
}

#[derive(Serialize)]
struct ImageUrl<'a> {
    url: DataUrl<'a>,
}

/// Written straight into the body: an image is large, and one copy of it is enough.
struct DataUrl<'a> {
    mime: &'a str,
    data: &'a str,
}

impl fmt::Display for DataUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "data:{};base64,{}", self.mime, self.data)
    }
}

impl Serialize for DataUrl<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// An answer being read.
#[derive(Default)]
struct Completion {
    /// A finish reason came.
    stopped: bool,
    /// `[DONE]` came.
    done: bool,
    /// A tool was asked for, whatever the finish reason says: some servers say `stop` nonetheless.
    wants_tool: bool,
}

impl Answer for Completion {
    fn event(&mut self, event: SseEvent<'_>, out: &mut Vec<ModelEvent>) -> Result<(), ProviderError> {
        let data = event.data.trim_ascii();
        if self.done || data.is_empty() {
            return Ok(());
        }
        if data == b"[DONE]" {
            self.done = true;
            return Ok(());
        }
        self.chunk(data, out)
    }

    fn whole(&mut self, json: &[u8], out: &mut Vec<ModelEvent>) -> Result<(), ProviderError> {
        self.chunk(json, out)?;
        self.done = true;
        match self.stopped || !out.is_empty() {
            true => Ok(()),
            false => Err(malformed("answer")),
        }
    }

    fn is_complete(&self) -> bool {
        self.done
    }

    fn may_end(&self) -> bool {
        // `[DONE]` is missing at some servers, and usage follows the finish reason: only the end tells.
        self.done || self.stopped
    }
}

impl Completion {
    fn chunk(&mut self, json: &[u8], out: &mut Vec<ModelEvent>) -> Result<(), ProviderError> {
        let Ok(chunk) = serde_json::from_slice::<Chunk>(json) else {
            return Err(failure::inside(json).unwrap_or_else(|| malformed("event")));
        };
        let has_error = chunk.error.is_some() || chunk.object.as_deref() == Some("error");
        if let Some(error) = has_error.then(|| failure::inside(json)).flatten() {
            return Err(error);
        }
        let mut usage = chunk.usage;
        // Only one choice was asked for.
        if let Some(choice) = chunk.choices.unwrap_or_default().into_iter().next() {
            usage = usage.or(choice.usage);
            for said in [choice.delta, choice.message].into_iter().flatten() {
                let reasoning = said.reasoning_content.or(said.reasoning).unwrap_or_default();
                push_thinking(out, &reasoning.thinking);
                push_thinking(out, &reasoning.text);
                let content = said.content.unwrap_or_default();
                push_thinking(out, &content.thinking);
                push_text(out, &content.text);
                push_text(out, &said.refusal.unwrap_or_default().text);
                self.wants_tool |= said.tool_calls.is_some_and(|calls| !calls.is_empty());
            }
            if let Some(reason) = choice.finish_reason.filter(|reason| !reason.is_empty()) {
                self.finish_reason(&reason, out)?;
            }
        }
        if let Some(usage) = usage.map(TokenUsage::from).filter(|usage| usage.total > 0) {
            out.push(ModelEvent::Usage(usage));
        }
        Ok(())
    }

    fn finish_reason(&mut self, reason: &str, out: &mut Vec<ModelEvent>) -> Result<(), ProviderError> {
        let stop = match reason {
            "length" => StopReason::Length,
            "tool_calls" | "function_call" => StopReason::ToolUse,
            "content_filter" => {
                let message = "the provider's content filter stopped the answer";
                return Err(ProviderError::new(ProviderErrorKind::BadRequest, message));
            }
            "error" => {
                return Err(ProviderError::new(
                    ProviderErrorKind::Server,
                    "the provider failed during the answer",
                ));
            }
            _ if self.wants_tool => StopReason::ToolUse,
            _ => StopReason::Stop,
        };
        if !std::mem::replace(&mut self.stopped, true) {
            out.push(ModelEvent::Stop(stop));
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Option<Vec<Choice>>,
    #[serde(default)]
    usage: Option<Usage>,
    #[serde(default)]
    error: Option<IgnoredAny>,
    #[serde(default)]
    object: Option<String>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Option<Said>,
    /// In an answer that is not a stream.
    #[serde(default)]
    message: Option<Said>,
    #[serde(default)]
    finish_reason: Option<String>,
    /// Moonshot puts it here.
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    content: Option<Words>,
    #[serde(default)]
    refusal: Option<Words>,
    /// DeepSeek, llama.cpp, vLLM.
    #[serde(default)]
    reasoning_content: Option<Words>,
    /// OpenRouter, Ollama, Groq. A server that fills both says the same in both.
    #[serde(default)]
    reasoning: Option<Words>,
    #[serde(default)]
    tool_calls: Option<Vec<IgnoredAny>>,
}

/// Text as a string, or as a list of typed parts (Mistral). Anything else is nothing.
#[derive(Default)]
struct Words {
    text: String,
    thinking: String,
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Words, D::Error> {
        deserializer.deserialize_any(WordsVisitor)
    }
}

struct WordsVisitor;

impl<'de> Visitor<'de> for WordsVisitor {
    type Value = Words;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text, or a list of parts")
    }

    fn visit_str<E>(self, text: &str) -> Result<Words, E> {
        Ok(Words { text: text.to_owned(), thinking: String::new() })
    }

    fn visit_string<E>(self, text: String) -> Result<Words, E> {
        Ok(Words { text, thinking: String::new() })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Words, A::Error> {
        let mut words = Words::default();
        while let Some(part) = parts.next_element::<WordsPart>()? {
            words.text.push_str(&part.text.unwrap_or_default().text);
            words.thinking.push_str(&part.thinking.unwrap_or_default().text);
        }
        Ok(words)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Words, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Words::default())
    }

    fn visit_unit<E>(self) -> Result<Words, E> {
        Ok(Words::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Words, E> {
        Ok(Words::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Words, E> {
        Ok(Words::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Words, E> {
        Ok(Words::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Words, E> {
        Ok(Words::default())
    }
}

#[derive(Deserialize)]
struct WordsPart {
    #[serde(default)]
    text: Option<Words>,
    #[serde(default)]
    thinking: Option<Words>,
}

#[derive(Deserialize)]
struct Usage {
    #[serde(default)]
    prompt_tokens: Option<u64>,
    #[serde(default)]
    completion_tokens: Option<u64>,
    #[serde(default)]
    total_tokens: Option<u64>,
    #[serde(default)]
    prompt_tokens_details: Option<PromptDetails>,
    /// DeepSeek's name for what was cached.
    #[serde(default)]
    prompt_cache_hit_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct PromptDetails {
    #[serde(default)]
    cached_tokens: Option<u64>,
    #[serde(default)]
    cache_write_tokens: Option<u64>,
}

impl From<Usage> for TokenUsage {
    /// The API counts cached tokens among the prompt's; here they are apart.
    fn from(usage: Usage) -> TokenUsage {
        let details = usage.prompt_tokens_details;
        let cached =
            details.as_ref().and_then(|details| details.cached_tokens).or(usage.prompt_cache_hit_tokens);
        let written = details.as_ref().and_then(|details| details.cache_write_tokens);
        let (prompt, output) = (usage.prompt_tokens.unwrap_or(0), usage.completion_tokens.unwrap_or(0));
        let (cache_read, cache_write) = (cached.unwrap_or(0), written.unwrap_or(0));
        TokenUsage {
            input: prompt.saturating_sub(cache_read).saturating_sub(cache_write),
            output,
            cache_read,
            cache_write,
            total: usage.total_tokens.filter(|total| *total > 0).unwrap_or(prompt.saturating_add(output)),
        }
    }
}

#[cfg(test)]
mod tests;
