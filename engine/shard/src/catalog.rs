//! The config's models, as the rules about sessions ask for them.

use pincer_config::section::models::ModelRef as ConfigRef;
use pincer_protocol::Wire;
use pincer_protocol::method::sessions::{Defaults, Json};
use pincer_sessions::agent::AgentId;
use pincer_sessions::key::SessionKey;
use pincer_sessions::list;
use pincer_sessions::model_ref::{ModelCatalog, ModelFacts, ModelRef};
use pincer_sessions::queue::QueuePolicy;
use pincer_sessions::row::{RowContext, RowFacts, render};

use crate::Shard;
use crate::home::view::View;

impl ModelCatalog for View {
    fn default_model(&self, agent: &AgentId) -> ModelRef {
        let first = self.config().model_chain(agent.as_str()).into_iter().next();
        let ConfigRef { provider, model } = first.unwrap_or_else(ConfigRef::loopback);
        ModelRef::new(&provider, &model)
    }

    fn facts(&self, model: &ModelRef) -> Option<ModelFacts> {
        let wanted = ConfigRef { provider: model.provider.to_string(), model: model.model.to_string() };
        let known = self.config().model(&wanted)?;
        self.api(&wanted)?;
        let window = self.config().agents.defaults.capped(known.context());
        Some(ModelFacts { reasoning: known.reasoning, context_tokens: window })
    }

    fn allows(&self, _: &AgentId, model: &ModelRef) -> bool {
        let wanted = ConfigRef { provider: model.provider.to_string(), model: model.model.to_string() };
        self.config().allows_model(&wanted)
    }

    fn named(&self, _: &AgentId, text: &str) -> Option<ModelRef> {
        let ConfigRef { provider, model } = self.config().resolve_model(text)?;
        Some(ModelRef::new(&provider, &model))
    }
}

impl Shard {
    /// What holds for sessions without settings of their own.
    pub(crate) fn list_defaults(&self, wire: Wire) -> Defaults {
        list::defaults(wire, &self.view.default_agent, &*self.view)
    }

    /// What all rows of one answer share.
    pub(crate) fn row_context(&self, wire: Wire) -> RowContext<'_> {
        let settings = self.view.queue_settings(None, wire);
        RowContext {
            wire,
            now_ms: self.now.wall_ms,
            default_agent: &self.view.default_agent,
            main_key: &self.view.main_key,
            queue_mode: QueuePolicy::resolve(wire, &[&settings]).mode,
            models: &*self.view,
        }
    }

    /// What a session's row tells beside its entry, as far as it is known without reading.
    pub(crate) fn row_facts(&self, key: &SessionKey) -> RowFacts {
        let run_ids = self.active_run_id(key).into_iter().collect();
        RowFacts { active_run_ids: run_ids, ..RowFacts::default() }
    }

    /// A session's row, with where its transcript ends.
    pub(crate) fn leaf_row(&self, key: &SessionKey, wire: Wire) -> Option<Json> {
        let session = self.sessions.map.get(key)?;
        let facts = RowFacts { with_summary: true, active_leaf: session.leaf.clone(), ..self.row_facts(key) };
        render(key, &session.entry, &facts, &self.row_context(wire))
    }

    /// A session's row.
    pub(crate) fn row_of(&self, key: &SessionKey, wire: Wire) -> Option<Json> {
        let session = self.sessions.map.get(key)?;
        let facts = RowFacts { with_summary: true, ..self.row_facts(key) };
        render(key, &session.entry, &facts, &self.row_context(wire))
    }
}
