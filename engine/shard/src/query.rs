//! What shards ask each other, and what one shard knows of the answer.

use std::sync::Arc;

use pincer_protocol::Wire;
use pincer_protocol::method::sessions::{ResolveParams, SessionPreview};
use pincer_protocol::method::usage::{Day, Totals};
use pincer_sessions::agent::AgentId;
use pincer_sessions::entry::Entry;
use pincer_sessions::key::SessionKey;
use pincer_sessions::list;
use pincer_sessions::resolve::{self, Selector};
use pincer_sessions::usage::SessionReport;

use crate::Shard;
use crate::counters::Counters;
use crate::fanout::Broadcast;
use crate::method::sessions::list::ListQuery;
use crate::method::sessions::preview::PreviewQuery;
use crate::method::usage::{CostQuery, UsageQuery};

/// Which sessions are asked for.
pub(crate) type Passes = Box<dyn Fn(&SessionKey, &Entry) -> bool + Send + Sync>;

/// A question to every shard.
// A question is made once and then shared.
#[allow(clippy::large_enum_variant)]
pub(crate) enum Query {
    /// Counters and gauges, for `/metrics`.
    Counters,
    /// How many sessions each agent has, and the latest of each.
    Digest {
        /// Most of the latest, an agent.
        recent_max: usize,
    },
    /// Every session that passes: for lists, look-ups and usage. Entries are shared, not copied field by field.
    Sessions(Passes),
    /// Rows of `sessions.list`.
    List(Arc<ListQuery>),
    /// Which sessions a selector finds.
    Find {
        /// By what.
        selector: Selector,
        /// What else must fit.
        params: ResolveParams,
    },
    /// Who names whom as the conversation it belongs to.
    Children,
    /// The last things said in some sessions.
    Preview(Arc<PreviewQuery>),
    /// What sessions used, each by itself.
    Usage(Arc<UsageQuery>),
    /// What all sessions used, by day.
    Cost(CostQuery),
    /// Whether a run is known, and how it stands.
    Run {
        /// Its id.
        run_id: String,
        /// Whose shape the outcome has.
        wire: Wire,
    },
    /// How many connections show this event to a person who can decide.
    Reviewers(Arc<Broadcast>),
}

/// One shard's part of an answer.
pub(crate) enum Part {
    /// To [`Query::Counters`].
    Counters {
        /// Which shard.
        shard: u8,
        /// Its counters.
        counters: Box<Counters>,
    },
    /// To [`Query::Digest`].
    Digest(Vec<AgentDigest>),
    /// To [`Query::Sessions`].
    Sessions(Vec<Listed>),
    /// To [`Query::List`].
    List(list::Part),
    /// To [`Query::Find`].
    Found(Vec<SessionKey>),
    /// To [`Query::Children`]: parent, child.
    Children(Vec<(SessionKey, SessionKey)>),
    /// To [`Query::Preview`], by position in the question.
    Previews(Vec<(usize, SessionPreview)>),
    /// To [`Query::Usage`].
    Usage(Vec<SessionReport>),
    /// To [`Query::Cost`].
    Cost {
        /// Transcripts read.
        files: u64,
        /// A day may come more than once.
        days: Vec<(Day, Totals)>,
    },
    /// To [`Query::Run`].
    Run(RunFound),
    /// To [`Query::Reviewers`].
    Reviewers(usize),
}

/// Sessions of one agent on one shard.
pub(crate) struct AgentDigest {
    pub(crate) agent: AgentId,
    pub(crate) count: u64,
    /// Newest first.
    pub(crate) recent: Vec<Listed>,
}

/// A session as another shard sees it.
#[derive(Clone)]
pub(crate) struct Listed {
    pub(crate) key: SessionKey,
    pub(crate) entry: Arc<Entry>,
}

/// What a shard knows of a run.
pub(crate) enum RunFound {
    /// Nothing.
    Unknown,
    /// It runs or waits there.
    Busy(u8),
    /// It has ended; the payload of `agent.wait`.
    Ended(serde_json::Value),
}

impl Shard {
    /// Hands our part of an answer to `then`: at once, unless something must be read first.
    pub(crate) fn answer_query(
        &mut self,
        query: &Query,
        then: impl FnOnce(&mut Shard, Part) + Send + 'static,
    ) {
        let part = match query {
            Query::List(ask) => return self.list_part(Arc::clone(ask), then),
            Query::Preview(ask) => return self.preview_part(Arc::clone(ask), then),
            Query::Usage(ask) => return self.usage_part(Arc::clone(ask), then),
            Query::Cost(ask) => return self.cost_part(ask.clone(), then),
            Query::Find { selector, params } => {
                let entries = self.sessions.map.iter().map(|(key, session)| (key, &session.entry));
                Part::Found(resolve::find(entries, selector, params))
            }
            Query::Children => Part::Children(self.children()),
            Query::Counters => Part::Counters { shard: self.id.0, counters: Box::new(self.read_counters()) },
            Query::Digest { recent_max } => Part::Digest(self.digest(*recent_max)),
            Query::Sessions(passes) => Part::Sessions(
                self.sessions
                    .map
                    .iter()
                    .filter(|(key, session)| passes(key, &session.entry))
                    .map(|(key, session)| listed(key, session))
                    .collect(),
            ),
            Query::Reviewers(asked) => Part::Reviewers(self.count_reviewers(asked)),
            Query::Run { run_id, wire } => Part::Run(match self.runs.ended.get(run_id) {
                Some(end) => RunFound::Ended(end.payload(run_id, *wire)),
                None if self.runs.keys.contains_key(run_id) => RunFound::Busy(self.id.0),
                None => RunFound::Unknown,
            }),
        };
        then(self, part);
    }

    /// Which of our sessions belong to which conversation.
    fn children(&self) -> Vec<(SessionKey, SessionKey)> {
        self.sessions
            .map
            .iter()
            .filter_map(|(key, session)| {
                let parent = session.entry.life().parent_session_key.as_deref();
                let parent = parent.or(session.entry.tuning().spawned_by.as_deref())?;
                Some((SessionKey::from_stored(parent), key.clone()))
            })
            .collect()
    }

    fn read_counters(&self) -> Counters {
        Counters {
            judged_waiting: self.guard.waiting() as u64,
            intel_words: self.guard.intel.len() as u64,
            host_drift: self.host_drift(),
            connections: self.connections.len() as u64,
            sessions: self.sessions.map.len() as u64,
            turns: (self.sessions.scheduler.turns() + self.sessions.scheduler.lanes()) as u64,
            pending: self.pending_len() as u64,
            outbox_bytes: self.outbox_bytes,
            buffer_bytes: self.pool.stats().retained_bytes as u64,
            ..self.counters
        }
    }

    fn digest(&self, recent_max: usize) -> Vec<AgentDigest> {
        let mut agents: Vec<AgentDigest> = Vec::new();
        for (key, session) in &self.sessions.map {
            let agent = key.store_agent(&self.view.default_agent);
            let index = agents.iter().position(|digest| digest.agent == agent).unwrap_or_else(|| {
                agents.push(AgentDigest { agent: agent.clone(), count: 0, recent: Vec::new() });
                agents.len() - 1
            });
            let Some(digest) = agents.get_mut(index) else { continue };
            digest.count += 1;
            let newer = |held: &Listed| held.entry.updated_at >= session.entry.updated_at;
            let at = digest.recent.partition_point(newer);
            if at < recent_max {
                digest.recent.insert(at, listed(key, session));
                digest.recent.truncate(recent_max);
            }
        }
        agents
    }
}

fn listed(key: &SessionKey, session: &crate::sessions::Session) -> Listed {
    Listed { key: key.clone(), entry: Arc::new(session.entry.clone()) }
}
