//! `usage.*` and `sessions.usage*`: what sessions used, counted from their transcripts when asked.
//!
//! Each shard reads the transcripts of its own sessions one after the other, so that counting shares the shard with
//! everything else it does; the asker joins the parts.

use std::collections::VecDeque;
use std::sync::Arc;

use pincer_config::section::models::ModelRef;
use pincer_protocol::method::NoParams;
use pincer_protocol::method::sessions::{
    Logs, LogsParams, LogsPayload, Timeseries, TimeseriesParams, TimeseriesPayload, Usage, UsageParams,
    UsagePayload,
};
use pincer_protocol::method::usage::{
    Cost, CostParams, CostPayload, Day, DayClock, Days, Status, StatusPayload, Totals, cost, status,
};
use pincer_protocol::{ErrorShape, Wire};
use pincer_sessions::agent::AgentId;
use pincer_sessions::key::SessionKey;
use pincer_sessions::persist::{ReadAnswer, StoreRead, Tail, TailQuery};
use pincer_sessions::transcript::Prices;
use pincer_sessions::usage::{self, SessionReport, Tally, series};

use crate::Shard;
use crate::dispatch::{Answer, Cx, Handle, Outcome};
use crate::gather::{Part, Query};
use crate::home::view::View;

/// Most of one transcript that is counted, from its end: what a run reads of it too. Longer ones are counted in part.
const BYTES_MAX: u64 = 8 << 20;
/// Most transcripts of one shard that one answer is counted from, the newest (ours).
const TRANSCRIPTS_MAX: usize = 2_000;

/// A question for what each session used.
pub(crate) struct UsageQuery {
    params: UsageParams,
    key: Option<SessionKey>,
    days: Days,
    wire: Wire,
}

/// A question for what all sessions used.
#[derive(Clone)]
pub(crate) struct CostQuery {
    days: Days,
    agent: Option<AgentId>,
}

impl Handle for Status {
    fn handle(cx: &mut Cx<'_>, _: NoParams) -> Outcome<StatusPayload> {
        Ok(Answer::Now(status(cx.shard.now.wall_ms)))
    }
}

impl Handle for Cost {
    fn handle(cx: &mut Cx<'_>, params: CostParams) -> Outcome<CostPayload> {
        let wire = cx.caller.wire;
        let days = params.days(wire, &DayClock::utc(cx.shard.now.wall_ms))?;
        let agent = params.agent_id.text().filter(|_| wire == Wire::V4).map(AgentId::sanitise);
        let held = cx.hold();
        cx.shard.ask_all(Query::Cost(CostQuery { days, agent }), move |shard, parts| {
            let (mut files, mut used) = (0, Vec::new());
            for part in parts {
                if let Part::Cost { files: more, days } = part {
                    files += more;
                    used.extend(days);
                }
            }
            shard.answer(held, Ok(&cost(wire, shard.now.wall_ms, &days, files, used)));
        });
        Ok(Answer::Later)
    }
}

impl Handle for Usage {
    fn handle(cx: &mut Cx<'_>, params: UsageParams) -> Outcome<UsagePayload> {
        let wire = cx.caller.wire;
        let days = params.days(wire, &DayClock::utc(cx.shard.now.wall_ms))?;
        let key = match params.key.as_deref() {
            Some(text) => Some(cx.shard.view.parse_key(text, wire)?),
            None => None,
        };
        let held = cx.hold();
        let ask = Arc::new(UsageQuery { params, key, days, wire });
        cx.shard.ask_all(Query::Usage(Arc::clone(&ask)), move |shard, parts| {
            let mut sessions = Vec::new();
            for part in parts {
                if let Part::Usage(more) = part {
                    sessions.extend(more);
                }
            }
            let report = usage::report(sessions, &ask.params, wire, &ask.days, shard.now.wall_ms);
            shard.answer(held, Ok(&report));
        });
        Ok(Answer::Later)
    }
}

impl Handle for Timeseries {
    fn handle(cx: &mut Cx<'_>, params: TimeseriesParams) -> Outcome<TimeseriesPayload> {
        let sent = params.key.filter(|key| !key.trim().is_empty());
        let sent = sent.ok_or_else(series::timeseries_without_key)?;
        let key = cx.shard.view.parse_key(&sent, cx.caller.wire)?;
        let query = cx.shard.usage_query(&key).ok_or_else(|| series::no_transcript(&sent))?;
        let held = cx.hold();
        cx.shard.read(StoreRead::Transcripts(vec![query]), move |shard, answer| {
            let session = shard.sessions.map.get(&key).map(|session| session.entry.session_id.clone());
            match (first_tail(answer), session) {
                (Ok(tail), Some(session_id)) if tail.found => {
                    let view = Arc::clone(&shard.view);
                    let prices = |provider: &str, model: &str| view.price_of(provider, model);
                    let payload = series::timeseries(&session_id, tail.lines.iter(), &prices);
                    shard.answer(held, Ok(&payload));
                }
                (Err(error), _) => shard.answer::<()>(held, Err(error)),
                _ => shard.answer::<()>(held, Err(series::no_transcript(&sent))),
            }
        });
        Ok(Answer::Later)
    }
}

impl Handle for Logs {
    fn handle(cx: &mut Cx<'_>, params: LogsParams) -> Outcome<LogsPayload> {
        let lines_max = params.lines_max();
        let sent = params.key.filter(|key| !key.trim().is_empty()).ok_or_else(series::logs_without_key)?;
        let key = cx.shard.view.parse_key(&sent, cx.caller.wire)?;
        let Some(query) = cx.shard.usage_query(&key) else {
            return Ok(Answer::Now(LogsPayload { logs: Vec::new() }));
        };
        let held = cx.hold();
        cx.shard.read(StoreRead::Transcripts(vec![query]), move |shard, answer| match first_tail(answer) {
            Err(error) => shard.answer::<()>(held, Err(error)),
            Ok(tail) => {
                let view = Arc::clone(&shard.view);
                let prices = |provider: &str, model: &str| view.price_of(provider, model);
                shard.answer(held, Ok(&series::logs(tail.lines.iter(), lines_max, &prices)));
            }
        });
        Ok(Answer::Later)
    }
}

fn first_tail(answer: ReadAnswer) -> Result<Tail, ErrorShape> {
    match answer {
        ReadAnswer::Transcripts(tails) => Ok(tails.into_iter().next().unwrap_or_default()),
        ReadAnswer::Failed(why) => {
            Err(ErrorShape::unavailable(format!("the transcript cannot be read: {why}")))
        }
        ReadAnswer::Log { .. } | ReadAnswer::Quarantined(_) => Ok(Tail::default()),
    }
}

impl View {
    /// What a model costs now; `None` for one the config does not name.
    fn price_of(&self, provider: &str, model: &str) -> Option<Prices> {
        let wanted = ModelRef { provider: provider.to_owned(), model: model.to_owned() };
        self.config().model(&wanted)?;
        Some(self.prices(&self.endpoint(&wanted)?))
    }
}

/// Counts one session's transcript.
type CountOne<S> = fn(&mut Shard, &mut S, &SessionKey, Option<Tail>);

/// What goes on when all are counted.
type CountDone<S> = Box<dyn FnOnce(&mut Shard, S) + Send>;

/// Counting under way: what is to be read, what was counted, and who wants it.
struct Count<S> {
    keys: VecDeque<SessionKey>,
    counted: S,
    each: CountOne<S>,
    done: CountDone<S>,
}

impl Shard {
    /// Our part of `sessions.usage`.
    pub(crate) fn usage_part(
        &mut self,
        ask: Arc<UsageQuery>,
        then: impl FnOnce(&mut Shard, Part) + Send + 'static,
    ) {
        let entries = self.sessions.map.iter().map(|(key, session)| (key, &session.entry));
        let since_ms = ask.days.span_ms().0;
        let keys = usage::select(entries, &ask.params, ask.key.as_ref(), since_ms);
        self.count(Count {
            keys: keys.into_iter().take(TRANSCRIPTS_MAX).collect(),
            counted: (ask, Vec::<SessionReport>::new()),
            each: |shard, (ask, reports), key, tail| reports.extend(shard.session_report(ask, key, tail)),
            done: Box::new(move |shard, (_, reports)| then(shard, Part::Usage(reports))),
        });
    }

    fn session_report(
        &self,
        ask: &UsageQuery,
        key: &SessionKey,
        tail: Option<Tail>,
    ) -> Option<SessionReport> {
        let view = &self.view;
        let entry = &self.sessions.map.get(key)?.entry;
        let prices = |provider: &str, model: &str| view.price_of(provider, model);
        let used = tail.filter(|tail| tail.found).map(|tail| {
            let mut tally = Tally::new(ask.days, &prices);
            tail.lines.iter().for_each(|line| tally.feed(line));
            let folder = view.sessions_folder(&key.store_agent(&view.default_agent));
            let file = format!("{folder}/{}.jsonl", entry.session_id);
            tally.finish(entry.session_id.clone(), file)
        });
        let default_agent = &view.default_agent;
        Some(SessionReport::new(key, entry, used, ask.wire, &ask.params, default_agent, &**view))
    }

    /// Our part of `usage.cost`.
    pub(crate) fn cost_part(&mut self, ask: CostQuery, then: impl FnOnce(&mut Shard, Part) + Send + 'static) {
        let since_ms = ask.days.span_ms().0;
        let mut keys: Vec<(u64, SessionKey)> = self
            .sessions
            .map
            .iter()
            .filter(|(_, session)| session.entry.has_transcript && session.entry.updated_at >= since_ms)
            .filter(|(key, _)| {
                ask.agent.as_ref().is_none_or(|agent| key.store_agent(&self.view.default_agent) == *agent)
            })
            .map(|(key, session)| (session.entry.updated_at, key.clone()))
            .collect();
        keys.sort_by(|a, b| b.cmp(a));
        struct Sums {
            days: Days,
            files: u64,
            used: Vec<(Day, Totals)>,
        }
        self.count(Count {
            keys: keys.into_iter().take(TRANSCRIPTS_MAX).map(|(_, key)| key).collect(),
            counted: Sums { days: ask.days, files: 0, used: Vec::new() },
            each: |shard, sums, _, tail| {
                let Some(tail) = tail.filter(|tail| tail.found) else { return };
                let view = &shard.view;
                let prices = |provider: &str, model: &str| view.price_of(provider, model);
                let mut tally = Tally::new(sums.days, &prices);
                tail.lines.iter().for_each(|line| tally.feed(line));
                sums.files += 1;
                sums.used.extend(tally.days());
            },
            done: Box::new(move |shard, Sums { files, used: days, .. }| {
                then(shard, Part::Cost { files, days });
            }),
        });
    }

    /// Reads the next transcript and counts it.
    fn count<S: Send + 'static>(&mut self, mut count: Count<S>) {
        // With no room to wait for the store, what was counted so far is the answer.
        let full = self.pending_len() >= self.limits.pending_max as usize;
        let next = std::iter::from_fn(|| count.keys.pop_front())
            .find_map(|key| self.usage_query(&key).map(|query| (key, query)))
            .filter(|_| !full);
        let Some((key, query)) = next else { return (count.done)(self, count.counted) };
        self.read(StoreRead::Transcripts(vec![query]), move |shard, answer| {
            (count.each)(shard, &mut count.counted, &key, first_tail(answer).ok());
            shard.count(count);
        });
    }

    fn usage_query(&self, key: &SessionKey) -> Option<TailQuery> {
        self.sessions.map.get(key).filter(|session| session.entry.has_transcript)?;
        let transcript = self.transcript_id(key)?;
        Some(TailQuery { transcript, lines_max: u32::MAX, bytes_max: BYTES_MAX })
    }
}
