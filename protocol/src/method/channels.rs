//! `channels.status`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Rpc;
use super::system::EventLoop;
use crate::Wire;
use crate::access::{Access, Scope};
use crate::schema::{NON_EMPTY, Object, Shape, int_min, opt};

/// Messaging platforms and how their accounts fare.
pub struct Status;

/// Params of `channels.status`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusParams {
    /// Whether to ask the platforms, instead of telling what is known.
    #[serde(default)]
    pub probe: bool,
    /// v4: only this one.
    pub channel: Option<Box<str>>,
}

/// Payload of `channels.status`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusPayload {
    /// When, milliseconds since 1970.
    pub ts: u64,
    /// Channel ids in the order people see them.
    pub channel_order: Vec<Box<str>>,
    /// Names for people, by id.
    pub channel_labels: BTreeMap<Box<str>, Box<str>>,
    /// Longer names for people, by id.
    pub channel_detail_labels: BTreeMap<Box<str>, Box<str>>,
    /// Names of pictures, by id.
    pub channel_system_images: BTreeMap<Box<str>, Box<str>>,
    /// The same as rows.
    pub channel_meta: Vec<ChannelMeta>,
    /// v4: how busy the gateway is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_loop: Option<EventLoop>,
    /// Whether each is configured, by id.
    pub channels: BTreeMap<Box<str>, ChannelSummary>,
    /// Accounts, by channel id.
    pub channel_accounts: BTreeMap<Box<str>, Vec<ChannelAccount>>,
    /// The account used unless another is named, by channel id.
    pub channel_default_account_id: BTreeMap<Box<str>, Box<str>>,
    /// v4: what is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_issues: Option<Vec<Box<str>>>,
}

/// A channel's names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChannelMeta {
    /// Its id.
    pub id: Box<str>,
    /// Name for people.
    pub label: Box<str>,
    /// Longer name for people.
    pub detail_label: Box<str>,
}

/// A channel at a glance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChannelSummary {
    /// Whether the config has an account for it.
    pub configured: bool,
}

/// One account of a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChannelAccount {
    /// Its id within the channel.
    pub account_id: Box<str>,
    /// Whether the config has what it needs.
    pub configured: bool,
    /// Whether it is switched on.
    pub enabled: bool,
    /// Whether it runs.
    pub running: bool,
    /// Whether it is connected.
    pub connected: bool,
    /// What last went wrong.
    pub last_error: Option<Box<str>>,
}

/// What is known of one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelFacts {
    /// Its names.
    pub meta: ChannelMeta,
    /// Its accounts, the default first.
    pub accounts: Vec<ChannelAccount>,
}

/// Builds the payload. `channels` in the order people see them; `event_loop`, where it is measured, is used on v4.
pub fn status(
    wire: Wire,
    ts: u64,
    channels: &[ChannelFacts],
    event_loop: Option<EventLoop>,
) -> StatusPayload {
    let v4 = wire == Wire::V4;
    let names = |name: fn(&ChannelMeta) -> &str| {
        channels.iter().map(|facts| (facts.meta.id.clone(), name(&facts.meta).into())).collect()
    };
    StatusPayload {
        ts,
        channel_order: channels.iter().map(|facts| facts.meta.id.clone()).collect(),
        channel_labels: names(|meta| &meta.label),
        channel_detail_labels: names(|meta| &meta.detail_label),
        channel_system_images: BTreeMap::new(),
        channel_meta: channels.iter().map(|facts| facts.meta.clone()).collect(),
        event_loop: event_loop.filter(|_| v4),
        channels: channels
            .iter()
            .map(|facts| {
                let configured = facts.accounts.iter().any(|account| account.configured);
                (facts.meta.id.clone(), ChannelSummary { configured })
            })
            .collect(),
        channel_accounts: channels
            .iter()
            .map(|facts| (facts.meta.id.clone(), facts.accounts.clone()))
            .collect(),
        channel_default_account_id: channels
            .iter()
            .filter_map(|facts| Some((facts.meta.id.clone(), facts.accounts.first()?.account_id.clone())))
            .collect(),
        status_issues: v4.then(Vec::new),
    }
}

const PARAMS_V3: Object = Object { fields: &[opt("probe", Shape::Bool), opt("timeoutMs", int_min(0))] };
const PARAMS_V4: Object =
    Object { fields: &[opt("probe", Shape::Bool), opt("timeoutMs", int_min(0)), opt("channel", NON_EMPTY)] };

impl Rpc for Status {
    const NAME: &'static str = "channels.status";
    const ACCESS: Access = Access::scope(Scope::Read);
    type Params = StatusParams;
    type Payload = StatusPayload;

    fn schema(wire: Wire) -> Option<&'static Object> {
        Some(match wire {
            Wire::V3 => &PARAMS_V3,
            Wire::V4 => &PARAMS_V4,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::method::testing::covers;

    #[test]
    fn as_recorded() {
        covers(
            &status(Wire::V3, 1, &[], Some(EventLoop::default())),
            r#"{"ts":1,"channelOrder":[],"channelLabels":{},"channelDetailLabels":{},"channelSystemImages":{},
                "channelMeta":[],"channels":{},"channelAccounts":{},"channelDefaultAccountId":{}}"#,
        );
        covers(
            &status(Wire::V4, 1, &[], Some(EventLoop::default())),
            r#"{"ts":1,"channelMeta":[],"eventLoop":{"degraded":true,"degradedSinceMs":6110,"reasons":["cpu"],
                "intervalMs":1.0,"delayP99Ms":193.6,"delayMaxMs":193.6,"utilization":0.7,"cpuCoreRatio":1.2,
                "cpuBreakdown":{"mainThreadCoreRatio":0.6,"hostUtilization":0.6,"hostCpuCount":2}},"statusIssues":[]}"#,
        );
    }

    #[test]
    fn a_channel_appears_under_every_heading() {
        let account = ChannelAccount {
            account_id: "default".into(),
            configured: true,
            enabled: true,
            running: false,
            connected: false,
            last_error: None,
        };
        let meta =
            ChannelMeta { id: "telegram".into(), label: "Telegram".into(), detail_label: "Bot".into() };
        let payload = status(Wire::V3, 1, &[ChannelFacts { meta, accounts: vec![account] }], None);
        covers(
            &payload,
            r#"{"channelOrder":["telegram"],"channelLabels":{"telegram":"Telegram"},
                "channelDetailLabels":{"telegram":"Bot"},"channels":{"telegram":{"configured":true}},
                "channelAccounts":{"telegram":[{"accountId":"default"}]},
                "channelDefaultAccountId":{"telegram":"default"}}"#,
        );
    }
}
