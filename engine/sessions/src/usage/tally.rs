//! Counting one transcript.

use std::collections::BTreeMap;

use pincer_protocol::method::usage::{Day, Days, Totals};

use super::latency::Latency;
use super::summary::{
    DailyLatency, DailyMessages, DailyModel, DailySpend, MessageCounts, ModelUsage, SessionUsage, ToolUsage,
    dearest_first,
};
use crate::entry::SessionId;
use crate::transcript::{Content, KnownPart, Message, Part, Prices, Record, Role, Usage, read};

/// Most different models, and most different tools, that one transcript is told apart by; the rest are [`THE_REST`].
const NAMES_MAX: usize = 256;
/// What is counted together beyond that.
const THE_REST: &str = "other";

/// Prices by provider and model, for answers whose cost was not written down.
pub type PriceList<'a> = &'a dyn Fn(&str, &str) -> Option<Prices>;

/// Counts the lines of one transcript that fall into some days.
pub struct Tally<'a> {
    days: Days,
    prices: PriceList<'a>,
    by_day: BTreeMap<Day, DayTally>,
    models: BTreeMap<(Box<str>, Box<str>), (u64, Totals)>,
    tools: BTreeMap<Box<str>, u64>,
    first_ms: Option<u64>,
    last_ms: Option<u64>,
    /// When somebody last said something that has not been answered.
    waiting_since: Option<u64>,
}

#[derive(Default)]
struct DayTally {
    totals: Totals,
    counts: MessageCounts,
    latency: Latency,
    models: BTreeMap<(Box<str>, Box<str>), (u64, Totals)>,
}

impl<'a> Tally<'a> {
    /// Nothing counted yet.
    pub fn new(days: Days, prices: PriceList<'a>) -> Tally<'a> {
        Tally {
            days,
            prices,
            by_day: BTreeMap::new(),
            models: BTreeMap::new(),
            tools: BTreeMap::new(),
            first_ms: None,
            last_ms: None,
            waiting_since: None,
        }
    }

    /// Counts one line. Lines that are no messages, or tell no time, count for nothing.
    pub fn feed(&mut self, line: &str) {
        for record in read(&[line], 0) {
            self.record(&record);
        }
    }

    /// Tokens and money by day, for `usage.cost`.
    pub fn days(&self) -> impl Iterator<Item = (Day, Totals)> + '_ {
        self.by_day.iter().map(|(day, tally)| (*day, tally.totals))
    }

    fn record(&mut self, record: &Record) {
        let Some(message) = record.message() else { return };
        let Some(at_ms) = record.at_ms.or(message.timestamp) else { return };
        let waited = self.wait(message, at_ms);
        let day = self.days.day_of(at_ms);
        if !self.days.contains(day) {
            return;
        }
        self.first_ms = Some(self.first_ms.map_or(at_ms, |first| first.min(at_ms)));
        self.last_ms = Some(self.last_ms.map_or(at_ms, |last| last.max(at_ms)));
        let tally = self.by_day.entry(day).or_default();
        if let Some(waited) = waited {
            tally.latency.add(waited);
        }
        count(message, &mut tally.counts, &mut self.tools);
        if let Some(usage) = message.usage.filter(|_| !message.is_injected()) {
            let name = |text: &Option<String>| text.as_deref().unwrap_or("unknown").into();
            let model: (Box<str>, Box<str>) = (name(&message.provider), name(&message.model));
            let totals = totals(&usage, (self.prices)(&model.0, &model.1));
            tally.totals.add(&totals);
            for models in [&mut tally.models, &mut self.models] {
                let (count, sum) = models.entry(known_or_rest(models, &model)).or_default();
                *count += 1;
                sum.add(&totals);
            }
        }
    }

    /// How long a person had waited for this message, if it is an answer.
    fn wait(&mut self, message: &Message, at_ms: u64) -> Option<u64> {
        match message.role {
            Role::User => {
                self.waiting_since = Some(at_ms);
                None
            }
            Role::Assistant => self.waiting_since.take().and_then(|since| at_ms.checked_sub(since)),
            _ => None,
        }
    }

    /// What was counted. `file`: absolute path of the transcript.
    pub fn finish(self, session_id: SessionId, file: String) -> SessionUsage {
        let (mut totals, mut counts, mut latency) =
            (Totals::default(), MessageCounts::default(), Latency::default());
        let mut usage = SessionUsage {
            session_id,
            session_file: file,
            first_activity: self.first_ms,
            last_activity: self.last_ms,
            duration_ms: self.first_ms.zip(self.last_ms).map(|(first, last)| last - first),
            activity_dates: Vec::new(),
            daily_breakdown: Vec::new(),
            daily_message_counts: Vec::new(),
            daily_latency: Vec::new(),
            daily_model_usage: Vec::new(),
            message_counts: counts,
            tool_usage: None,
            model_usage: Vec::new(),
            latency: None,
            totals,
        };
        for (day, tally) in self.by_day {
            let date: Box<str> = day.to_string().into();
            totals.add(&tally.totals);
            counts.add(&tally.counts);
            latency.join(&tally.latency);
            usage.activity_dates.push(date.clone());
            if !tally.models.is_empty() {
                let Totals { total_tokens: tokens, total_cost: cost, .. } = tally.totals;
                usage.daily_breakdown.push(DailySpend { date: date.clone(), tokens, cost });
            }
            usage.daily_message_counts.push(DailyMessages { date: date.clone(), counts: tally.counts });
            if let Some(summary) = tally.latency.summary() {
                usage.daily_latency.push(DailyLatency { date: date.clone(), summary });
            }
            for ((provider, model), (count, totals)) in tally.models {
                let Totals { total_tokens: tokens, total_cost: cost, .. } = totals;
                usage.daily_model_usage.push(DailyModel {
                    date: date.clone(),
                    provider,
                    model,
                    tokens,
                    cost,
                    count,
                });
            }
        }
        usage.message_counts = counts;
        usage.latency = latency.summary();
        usage.totals = totals;
        usage.tool_usage = (!self.tools.is_empty()).then(|| ToolUsage::new(self.tools));
        usage.model_usage = self
            .models
            .into_iter()
            .map(|((provider, model), (count, totals))| ModelUsage {
                provider,
                model: Some(model),
                count,
                totals,
            })
            .collect();
        dearest_first(&mut usage.model_usage);
        usage
    }
}

fn count(message: &Message, counts: &mut MessageCounts, tools: &mut BTreeMap<Box<str>, u64>) {
    match message.role {
        Role::User => {
            counts.total += 1;
            counts.user += 1;
        }
        Role::Assistant => {
            counts.total += 1;
            counts.assistant += 1;
            let failed = matches!(message.stop_reason.as_deref(), Some("error" | "aborted" | "timeout"));
            counts.errors += u64::from(failed);
            for name in called(message) {
                counts.tool_calls += 1;
                let known = tools.len() < NAMES_MAX || tools.contains_key(name);
                *tools.entry(if known { name } else { THE_REST }.into()).or_default() += 1;
            }
        }
        Role::ToolResult => {
            counts.tool_results += 1;
            counts.errors += u64::from(message.is_error == Some(true));
        }
        Role::System | Role::Other => {}
    }
}

/// Names of the tools a message calls.
pub(super) fn called(message: &Message) -> impl Iterator<Item = &str> {
    let parts: &[Part] = if let Content::Parts(parts) = &message.content { parts } else { &[] };
    parts.iter().filter_map(|part| match part {
        Part::Known(KnownPart::ToolCall { name, .. }) => Some(name.as_str()),
        _ => None,
    })
}

fn known_or_rest<V>(
    models: &BTreeMap<(Box<str>, Box<str>), V>,
    model: &(Box<str>, Box<str>),
) -> (Box<str>, Box<str>) {
    if models.len() < NAMES_MAX || models.contains_key(model) {
        model.clone()
    } else {
        (THE_REST.into(), THE_REST.into())
    }
}

/// Tokens and money of one answer: as written down, else by today's prices, else without a price.
pub(super) fn totals(usage: &Usage, prices: Option<Prices>) -> Totals {
    let tokens = match usage.total_tokens {
        0 => usage.prompt_tokens().saturating_add(usage.output),
        total => total,
    };
    let priced =
        if usage.cost.total > 0.0 { Some(*usage) } else { prices.map(|prices| usage.priced(&prices)) };
    let cost = priced.map(|usage| usage.cost).unwrap_or_default();
    Totals {
        input: usage.input,
        output: usage.output,
        cache_read: usage.cache_read,
        cache_write: usage.cache_write,
        total_tokens: tokens,
        total_cost: cost.total,
        input_cost: cost.input,
        output_cost: cost.output,
        cache_read_cost: cost.cache_read,
        cache_write_cost: cost.cache_write,
        missing_cost_entries: u64::from(priced.is_none() && tokens > 0),
    }
}
