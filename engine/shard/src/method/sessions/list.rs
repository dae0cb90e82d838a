//! `sessions.list`: every shard picks and writes its own rows, the asker joins them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use pincer_protocol::Wire;
use pincer_protocol::method::sessions::{Json, List, ListParams, ListPayload};
use pincer_sessions::agent::AgentId;
use pincer_sessions::key::SessionKey;
use pincer_sessions::list::{self, ListContext, ListedRow, PREVIEWS_MAX};
use pincer_sessions::row::{RowFacts, derived_title, render};

use crate::Shard;
use crate::dispatch::{Answer, Cx, Handle, Outcome};
use crate::gather::{Part, Query};

/// Most sessions that a row names as those which belong to its own.
const CHILDREN_MAX: usize = 200;

/// A question for rows.
pub(crate) struct ListQuery {
    params: ListParams,
    wire: Wire,
    /// v4: sessions by the conversation they belong to. Those may be on any shard, so they were asked for before.
    children: Children,
}

type Children = HashMap<SessionKey, Vec<SessionKey>>;

impl Handle for List {
    fn handle(cx: &mut Cx<'_>, params: ListParams) -> Outcome<ListPayload> {
        let held = cx.hold();
        let wire = held.wire;
        let answer = move |shard: &mut Shard, children: Children| {
            let ask = Arc::new(ListQuery { params, wire, children });
            shard.ask_all(Query::List(Arc::clone(&ask)), move |shard, parts| {
                let parts = parts.into_iter().filter_map(|part| match part {
                    Part::List(part) => Some(part),
                    _ => None,
                });
                let (path, defaults) = (shard.list_path(&ask.params, wire), shard.list_defaults(wire));
                let payload = list::merge(parts, &ask.params, wire, shard.now.wall_ms, path, defaults);
                shard.answer(held, Ok(&payload));
            });
        };
        match wire {
            Wire::V3 => answer(cx.shard, Children::new()),
            Wire::V4 => cx.shard.ask_all(Query::Children, move |shard, parts| answer(shard, joined(parts))),
        }
        Ok(Answer::Later)
    }
}

/// What every shard knows of children, by parent.
pub(super) fn joined(parts: Vec<Part>) -> Children {
    let mut children = Children::new();
    for part in parts {
        let Part::Children(pairs) = part else { continue };
        for (parent, child) in pairs {
            children.entry(parent).or_default().push(child);
        }
    }
    for list in children.values_mut() {
        list.sort();
        list.truncate(CHILDREN_MAX);
    }
    children
}

/// What a row quotes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Quotes {
    pub(super) title: bool,
    pub(super) last: bool,
}

impl Shard {
    /// Our rows of a list.
    pub(crate) fn list_part(
        &mut self,
        ask: Arc<ListQuery>,
        then: impl FnOnce(&mut Shard, Part) + Send + 'static,
    ) {
        let known: HashSet<String> =
            self.view.config().agents.roster().into_iter().map(|agent| agent.id).collect();
        let context = ListContext {
            wire: ask.wire,
            now_ms: self.now.wall_ms,
            configured: &|agent: &AgentId| known.contains(agent.as_str()),
            active: &|key: &SessionKey| self.active_run_id(key).is_some(),
        };
        let entries = self.sessions.map.iter().map(|(key, session)| (key, &session.entry));
        let selection = list::select(entries, &ask.params, &context);
        let quotes =
            Quotes { title: ask.params.include_derived_titles, last: ask.params.include_last_message };
        let quoted = if quotes.title || quotes.last { PREVIEWS_MAX } else { 0 };
        let keys = selection.picked.iter().take(quoted).map(|picked| picked.key.clone()).collect();
        self.learn_texts(keys, move |shard| {
            let rows = selection
                .picked
                .into_iter()
                .filter_map(|picked| {
                    let children = ask.children.get(&picked.key).cloned().unwrap_or_default();
                    let json = shard.list_row(&picked.key, ask.wire, quotes, children, false)?;
                    Some(ListedRow { picked, json })
                })
                .collect();
            then(shard, Part::List(list::Part { rows, total: selection.total }));
        });
    }

    /// One session's row, quoting what is known.
    pub(super) fn list_row(
        &self,
        key: &SessionKey,
        wire: Wire,
        quotes: Quotes,
        children: Vec<SessionKey>,
        with_summary: bool,
    ) -> Option<Json> {
        let session = self.sessions.map.get(key)?;
        let title = || derived_title(key, &session.entry, session.first_said.as_deref());
        let facts = RowFacts {
            derived_title: quotes.title.then(title),
            last_message: session.last_preview.as_deref().filter(|_| quotes.last).map(str::to_owned),
            children,
            with_summary,
            ..self.row_facts(key)
        };
        render(key, &session.entry, &facts, &self.row_context(wire))
    }

    /// `path` of a list: v4 names the store when only one agent was asked for.
    fn list_path(&self, params: &ListParams, wire: Wire) -> String {
        let agent = params.agent_id.as_deref().filter(|_| wire == Wire::V4);
        let known = agent.and_then(|agent| self.view.config().agents.get(agent));
        known.map_or_else(
            || "(multiple)".to_owned(),
            |agent| self.view.sessions_path(&AgentId::sanitise(&agent.id), wire),
        )
    }
}
