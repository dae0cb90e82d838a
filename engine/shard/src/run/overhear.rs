//! What is said in a group to somebody else: kept as context for the next message that is for the agent.
//!
//! Only messages that a channel heard in a group are looked at ([`Turn::heard`]). Whoever speaks through a method of the
//! gateway speaks to the agent, whatever session it is said in.

use pincer_protocol::ErrorShape;
use pincer_sessions::activation::{Arrival, Decision, decide};
use pincer_sessions::entry::level::GroupActivation;
use pincer_sessions::key::{SessionKey, SessionKind};
use pincer_sessions::turn::Turn;

use super::AbortReason;
use super::submit::Asker;
use super::{RunEnd, well};
use crate::Shard;
use crate::guard::approval_id;

impl Shard {
    /// Whether a message wakes the agent.
    pub(super) fn wakes(&self, key: &SessionKey, turn: &Turn) -> bool {
        let Some(heard) = turn.heard else { return true };
        let tuning = self.sessions.map.get(key).map(|session| session.entry.tuning());
        let activation =
            tuning.and_then(|tuning| tuning.group_activation).unwrap_or(GroupActivation::Mention);
        let arrival = Arrival {
            text: &turn.text,
            in_group: key.kind() == SessionKind::Group,
            marked: heard.marked,
            answers_agent: heard.answers_agent,
            // Commands are answered before a message gets here.
            is_command: false,
        };
        let agent = key.store_agent(&self.view.default_agent);
        decide(activation, self.view.mentions.of_agent(agent.as_str()), arrival) == Decision::Reply
    }

    /// Writes down what was said to somebody else, and acknowledges it. Nothing runs.
    pub(super) fn overhear(&mut self, key: &SessionKey, turn: Turn, asker: Asker) {
        let mut ops = self.user_lines(key, &turn);
        ops.extend(self.entry_op(key));
        ops.extend(self.retire(key, &turn.run_id, well()));
        let key = key.clone();
        self.persist(ops, move |shard, result| {
            if let Err(error) = result {
                shard.append_undone(&key);
                let shape = ErrorShape {
                    retryable: Some(error.retryable),
                    ..ErrorShape::unavailable(format!("not accepted: {}", error.message))
                };
                return shard.refuse(asker, &turn, shape);
            }
            match asker {
                Asker::Ack(held, payload) | Asker::Agent(held, payload) => shard.answer(held, Ok(&payload)),
                Asker::Quarantined(held, payload) => shard.released(held, *payload),
                Asker::Released(caller) => {
                    shard.approval_taken(&approval_id(&key, &turn.run_id));
                    if let Some(held) = caller {
                        shard.answer_aborted(held, &turn.run_id, AbortReason::Rpc);
                    }
                }
            }
            shard.answer_repeats(&turn.run_id, None);
            shard.run_ended(&turn.run_id, RunEnd::said(shard.now.wall_ms));
        });
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use pincer_protocol::connect::{ClientId, ClientMode};
    use pincer_protocol::frame::RequestId;
    use pincer_protocol::{Role, ScopeSet, Wire};
    use pincer_sessions::idempotency::Fingerprint;
    use pincer_sessions::persist::{Outcome, StoreOp, Table};
    use pincer_sessions::time::Now;
    use pincer_sessions::turn::{Heard, Origin, TurnOptions};
    use serde_json::json;

    use super::*;
    use crate::boot::{Boot, SettingsBoot};
    use crate::caller::{Held, Principal};
    use crate::driver::{ConnId, Core, Effect, Mail, ShardId};
    use crate::home::view::HostFacts;
    use crate::limits::Limits;

    pub(crate) const NOW: Now = Now { mono_ms: 1_000, wall_ms: 1_800_000_000_000 };

    /// One whose guards are ready to judge.
    pub(crate) fn shard() -> Shard {
        let mut shard = unready_shard();
        shard.mail(NOW, Mail::GuardsBuilt);
        shard
    }

    pub(crate) fn unready_shard() -> Shard {
        let config = json!({"agents": {"list": [{"id": "main", "identity": {"name": "Molty"}}]}}).to_string();
        let loaded = pincer_config::load(
            &config,
            std::path::Path::new("/s/openclaw.json"),
            &mut |_| Err(std::io::ErrorKind::NotFound.into()),
            &|_| None,
        );
        let text = String::new;
        Shard::new(Boot {
            shard: 0,
            shards: 1,
            limits: Limits::default(),
            seed: [1; 32],
            now: NOW,
            settings: SettingsBoot {
                loaded: Arc::new(loaded),
                raw: "".into(),
                exists: true,
                config_path: text(),
                state_dir: "/s".to_owned(),
                hash_key: [0; 32],
                token: None,
                password: None,
                defender: Default::default(),
                lists: Default::default(),
                weaker: Default::default(),
            },
            load: Arc::new(crate::load::NoLoad),
            facts: Arc::new(HostFacts {
                host: text(),
                ip: None,
                platform: text(),
                arch: text(),
                boot_id: text(),
                backend: text(),
                log_file: text(),
                device_id: text(),
                public_key: text(),
                zone: jiff::tz::TimeZone::UTC,
            }),
            rows: Arc::default(),
        })
    }

    pub(crate) fn asker() -> Asker {
        let who = Principal {
            role: Role::Operator,
            scopes: ScopeSet::default(),
            scope_names: Arc::default(),
            client_id: ClientId::GatewayClient,
            client_mode: ClientMode::Backend,
            display_name: None,
            device_id: None,
            presence_key: None,
            session_scoped_events: false,
            reviews: false,
        };
        let held = Held {
            origin: ShardId::HOME,
            conn: ConnId { slot: 0, generation: 0 },
            wire: Wire::V4,
            who: Arc::new(who),
            id: RequestId::invalid(),
        };
        Asker::Ack(held, json!({"status": "started"}))
    }

    /// Says `text` in `key`; whether a run began, and what stands in the transcript.
    fn hear(
        key: &str,
        text: &str,
        heard: Option<Heard>,
        activation: Option<GroupActivation>,
    ) -> (bool, Vec<String>) {
        let mut shard = shard();
        let key = SessionKey::from_stored(key);
        shard.ensure_session(&key).unwrap();
        if let Some(session) = shard.sessions.map.get_mut(&key) {
            session.entry.tuning_mut().group_activation = activation;
        }
        while shard.poll_effect().is_some() {}
        let turn = Turn {
            seq: 0,
            run_id: "r".into(),
            message_id: "r".into(),
            session_key: key.clone(),
            spelled_key: None,
            wire: Wire::V4,
            origin: Origin::Channel,
            text: text.into(),
            attachments: Vec::new(),
            sender: None,
            route: None,
            heard,
            options: TurnOptions::default(),
            accepted_at_ms: NOW.wall_ms,
            fingerprint: Fingerprint::default(),
            merged_ids: Vec::new(),
            released: false,
        };
        shard.submit(&key, turn, asker());
        let (mut lines, mut ran) = (Vec::new(), false);
        while let Some(effect) = shard.poll_effect() {
            let Effect::Store { ticket, ops } = effect else { continue };
            for op in &ops {
                match op {
                    StoreOp::Append { lines: said, .. } => lines.extend(said.iter().cloned()),
                    StoreOp::Put { table: Table::Turns, .. } => ran = true,
                    _ => {}
                }
            }
            let result = Ok(vec![Outcome::Done; ops.len()]);
            shard.mail(NOW, Mail::Stored { ticket, result });
        }
        assert!(shard.sessions.scheduler.running(&key).is_some() == ran, "a run has a row");
        (ran, lines)
    }

    #[track_caller]
    fn check(key: &str, text: &str, heard: Heard, activation: Option<GroupActivation>, runs: bool) {
        let (ran, lines) = hear(key, text, Some(heard), activation);
        assert_eq!(ran, runs, "{text} in {key}");
        assert!(lines.iter().any(|line| line.contains(text)), "it is kept either way");
    }

    #[test]
    fn groups_need_a_mention() {
        const GROUP: &str = "agent:main:discord:channel:1";
        let plain = Heard::default();
        check(GROUP, "hello all", plain, None, false);
        check(GROUP, "hello all", plain, Some(GroupActivation::Mention), false);
        check(GROUP, "hello all", plain, Some(GroupActivation::Always), true);
        check(GROUP, "hello Molty", plain, None, true);
        check(GROUP, "well?", Heard { answers_agent: true, ..plain }, None, true);
        check(GROUP, "hello 1", Heard { marked: Some(true), ..plain }, None, true);
        check("agent:main:discord:direct:1", "hello", plain, None, true);
    }

    #[test]
    fn a_client_speaks_to_the_agent() {
        assert!(hear("agent:main:discord:channel:1", "hello all", None, None).0);
    }
}
