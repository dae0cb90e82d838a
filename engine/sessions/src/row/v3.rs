//! The row of v3, which v4's begins with.

use serde::Serialize;

use super::{RowContext, RowFacts, display_name, kind, shown_model};
use crate::entry::level::{ChatType, Elevated, Reasoning, SendPolicy, Thinking, UsageNote, Verbose};
use crate::entry::{DeliveryContext, Entry, Origin, SessionId};
use crate::key::{SessionKey, SessionKind};

/// A session, as protocol 3 lists it. What is not known is left out; only `updatedAt` may be `null`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are those of the entry, by their names on the wire")]
pub struct RowV3<'a> {
    pub key: &'a SessionKey,
    pub kind: SessionKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub derived_title: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_message_preview: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_channel: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub space: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chat_type: Option<ChatType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<&'a Origin>,
    pub updated_at: Option<u64>,
    pub session_id: &'a SessionId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system_sent: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aborted_last_run: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thinking_level: Option<Thinking>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verbose_level: Option<Verbose>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_level: Option<Reasoning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elevated_level: Option<Elevated>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send_policy: Option<SendPolicy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    /// Left out when it no longer tells the truth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_tokens: Option<u64>,
    pub total_tokens_fresh: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_usage: Option<UsageNote>,
    pub model_provider: String,
    pub model: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery_context: Option<&'a DeliveryContext>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_channel: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_to: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_account_id: Option<&'a str>,
}

impl<'a> RowV3<'a> {
    /// The row of `key`.
    pub fn new(
        key: &'a SessionKey,
        entry: &'a Entry,
        facts: &'a RowFacts,
        context: &RowContext<'_>,
    ) -> RowV3<'a> {
        let (route, tuning, counters) = (entry.route(), entry.tuning(), entry.counters());
        let agent = key.store_agent(context.default_agent);
        let model = shown_model(entry, &agent, context.models);
        let fresh = counters.total_tokens.is_some() && counters.total_tokens_fresh != Some(false);
        RowV3 {
            key,
            kind: kind(key, entry),
            label: entry.label.as_deref(),
            display_name: display_name(key, entry),
            derived_title: facts.derived_title.as_deref(),
            last_message_preview: facts.last_message.as_deref(),
            channel: route.channel.as_deref().or(key.room().map(|room| room.channel)),
            subject: route.subject.as_deref(),
            group_channel: route.group_channel.as_deref(),
            space: route.space.as_deref(),
            chat_type: route.chat_type,
            origin: route.origin.as_ref(),
            updated_at: Some(entry.updated_at).filter(|at| *at > 0),
            session_id: &entry.session_id,
            system_sent: entry.system_sent,
            aborted_last_run: entry.aborted_last_run,
            thinking_level: tuning.thinking_level,
            verbose_level: tuning.verbose_level,
            reasoning_level: tuning.reasoning_level,
            elevated_level: tuning.elevated_level,
            send_policy: tuning.send_policy,
            input_tokens: counters.input_tokens,
            output_tokens: counters.output_tokens,
            total_tokens: counters.total_tokens.filter(|_| fresh),
            total_tokens_fresh: fresh,
            response_usage: tuning.response_usage,
            model_provider: model.provider.into(),
            model: model.model.into(),
            context_tokens: counters.context_tokens,
            delivery_context: route.delivery_context.as_ref(),
            last_channel: route.last_channel.as_deref(),
            last_to: route.last_to.as_deref(),
            last_account_id: route.last_account_id.as_deref(),
        }
    }
}
