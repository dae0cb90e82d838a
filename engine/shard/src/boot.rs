//! What a shard starts from.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, OnceLock};

use pincer_buffers::Pool;
use pincer_config::Loaded;
use pincer_config::section::session::SessionScope;
use pincer_defender::Defender;
use pincer_defender::intel::LocalLists;
use pincer_protocol::event::StateVersion;
use pincer_sessions::agent::AgentId;
use pincer_sessions::entry::Entry;
use pincer_sessions::idempotency::{Family, Ledger, Receipt};
use pincer_sessions::key::SessionKey;
use pincer_sessions::persist::{StoreOp, Table};
use pincer_sessions::scheduler::{Limits as SchedulerLimits, Scheduler};
use pincer_sessions::time::Now;
use pincer_sessions::turn::{self, Origin, Turn, TurnRecord, TurnState};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde_json::value::RawValue;

use crate::Shard;
use crate::connection::Connections;
use crate::counters::Counters;
use crate::driver::{LogLevel, ShardId};
use crate::guard::Guard;
use crate::home::Home;
use crate::home::mentions::MentionTable;
use crate::home::view::{HostFacts, Settings, View};
use crate::limiter::AuthLimiter;
use crate::limits::Limits;
use crate::load::LoadMeter;
use crate::run::Runs;
use crate::run::end::receipt_row;
use crate::run::submit::put_turn;
use crate::sessions::{Session, Sessions};
use crate::timers::Timers;

/// Everything a shard needs to start. The same for every shard but for `shard` and `rows`.
pub struct Boot {
    /// Which one.
    pub shard: u8,
    /// Of how many.
    pub shards: u8,
    /// Its bounds.
    pub limits: Limits,
    /// Seeds the random numbers: from the OS, or from the simulator.
    pub seed: [u8; 32],
    /// When the process started.
    pub now: Now,
    /// The config.
    pub settings: SettingsBoot,
    /// The machine.
    pub facts: Arc<HostFacts>,
    /// Measures the process.
    pub load: Arc<dyn LoadMeter>,
    /// What the store held: every row; the shard takes what is its own.
    pub rows: Arc<Vec<(Table, String, String)>>,
}

/// The config as it was loaded.
#[derive(Clone)]
pub struct SettingsBoot {
    /// Loaded and checked.
    pub loaded: Arc<Loaded>,
    /// The file's text; empty when there is none.
    pub raw: Arc<str>,
    /// Whether there is a file.
    pub exists: bool,
    /// Its path.
    pub config_path: String,
    /// The state directory.
    pub state_dir: String,
    /// Key of v4's config hashes: random, the same for all shards.
    pub hash_key: [u8; 32],
    /// The shared token in force, if any: flag, environment and config considered.
    pub token: Option<String>,
    /// The shared password in force, if any.
    pub password: Option<String>,
    /// What everything is judged by.
    pub defender: Arc<Defender>,
    /// What the operator's own lists block and allow.
    pub lists: Arc<LocalLists>,
    /// What the policy protects less than the one in force before this start, a line each.
    pub weaker: Arc<[String]>,
}

impl Shard {
    /// A shard with what the store held for it. Its first turn reports interrupted runs and starts what waited.
    pub fn new(boot: Boot) -> Shard {
        let Boot { shard, shards, limits, seed, now, settings, facts, load, rows } = boot;
        let id = ShardId(shard);
        let view = Arc::new(first_view(&settings, facts, now));
        let mut rng_seed = seed;
        // Shards share the seed; the shard's number keeps their streams apart.
        if let Some(last) = rng_seed.last_mut() {
            *last ^= shard;
        }
        let mut shard = Shard {
            id,
            shards,
            limits,
            now,
            rng: ChaCha20Rng::from_seed(rng_seed),
            connections: Connections::default(),
            handshaking: 0,
            scope_names: Arc::default(),
            auth_limiter: AuthLimiter::new(view.auth.failure_limits()),
            pool: Pool::new(limits.pool()),
            parser: None,
            load,
            outbox_bytes: 0,
            inbound_bytes: 0,
            seq_v3: 0,
            fanouts: Default::default(),
            view,
            sessions: Sessions {
                map: HashMap::new(),
                scheduler: Scheduler::new(SchedulerLimits {
                    lanes_max: limits.turns_max as usize,
                    turns_max: limits.turns_max as usize,
                    bytes_max: usize::try_from(limits.turns_bytes_total_max).unwrap_or(usize::MAX),
                }),
                idempotency: Ledger::default(),
            },
            audience: Default::default(),
            runs: Runs::default(),
            guard: Guard::new(&settings),
            intel: crate::intel::Intel::default(),
            home: None,
            pending: HashMap::new(),
            unstored: Vec::new(),
            barriers: Vec::new(),
            untold: Vec::new(),
            store_retry: None,
            gatherings: HashMap::new(),
            label_waits: HashMap::new(),
            timers: Timers::default(),
            effects: VecDeque::new(),
            stalled: crate::stalled::Stalled::default(),
            retry: None,
            numbers: 0,
            counters: Counters::default(),
            draining: None,
            runs_ended: BTreeSet::new(),
        };
        if shard.is_home() {
            shard.home = Some(Box::new(Home::from_rows(&rows, &shard.view, now)));
            let (mut problems, mut presence) = (Vec::new(), None);
            if let Some(home) = &mut shard.home {
                problems = std::mem::take(&mut home.problems);
                presence = Some(home.presence.list(now).into());
            }
            let mentions = Arc::clone(&shard.view.mentions);
            for bad in &mentions.bad {
                shard.log(LogLevel::Warn, "gateway", bad.to_string());
            }
            for problem in problems {
                shard.log(LogLevel::Error, "store", format!("left alone: {problem}"));
            }
            if let Some(presence) = presence {
                shard.view = Arc::new(View { presence, ..View::clone(&shard.view) });
            }
        }
        shard.restore_intel(&rows);
        shard.restore(&rows);
        shard.approvals_at_boot();
        shard.wind_up();
        shard
    }

    /// Takes over what the store held: sessions of ours, receipts, and turns that had not ended.
    fn restore(&mut self, rows: &[(Table, String, String)]) {
        let mut receipts = Vec::new();
        let mut turns: Vec<TurnRecord> = Vec::new();
        // Rows of an earlier version, that are named by the run or the client's key alone.
        let mut renamed = Vec::new();
        let mut bad = 0usize;
        for (table, id, json) in rows {
            match table {
                Table::Sessions => {
                    let key = SessionKey::from_stored(id);
                    if self.owner(&key) != self.id {
                        continue;
                    }
                    let fresh = self.fresh_session_id();
                    match Entry::from_json(json, || fresh) {
                        Ok(entry) => {
                            self.sessions.map.insert(key, Session::new(entry));
                        }
                        Err(_) => bad += 1,
                    }
                }
                Table::Turns => match serde_json::from_str::<TurnRecord>(json) {
                    Ok(record) => {
                        if self.owner(&record.turn.session_key) == self.id {
                            if *id != turn::row_id(&record.turn.session_key, &record.turn.run_id) {
                                renamed.push(StoreOp::Delete { table: Table::Turns, id: id.clone() });
                                let TurnRecord { state, policy, turn, release } = &record;
                                let (state, policy, release) = (*state, *policy, release.clone());
                                renamed.push(put_turn(&TurnRecord { state, policy, turn, release }));
                            }
                            turns.push(record);
                        }
                    }
                    Err(_) => bad += 1,
                },
                // A repeat may come to any session, so every shard knows every receipt; only home forgets their rows.
                Table::Receipts => match serde_json::from_str::<Receipt>(json) {
                    Ok(receipt) => {
                        if *id != receipt.row_id() {
                            renamed.push(StoreOp::Delete { table: Table::Receipts, id: id.clone() });
                            renamed.push(receipt_row(&receipt));
                        }
                        receipts.push(receipt);
                    }
                    Err(_) => bad += 1,
                },
                Table::Devices | Table::Pairings | Table::Facts | Table::Approvals => {}
            }
        }
        if bad > 0 {
            self.log(LogLevel::Error, "store", format!("{bad} rows could not be read and were left alone"));
        }
        if !renamed.is_empty() {
            self.persist_surely(renamed, |_, _| ());
        }
        self.sessions.idempotency.restore(receipts, self.now);
        for record in &turns {
            let turn = &record.turn;
            let family = if turn.origin == Origin::Agent { Family::Agent } else { Family::Chat };
            let _ = self.sessions.idempotency.begin(family, &turn.message_id, turn.fingerprint, self.now);
            self.runs.keys.insert(record.turn.run_id.clone(), record.turn.session_key.clone());
        }
        let (held, turns): (Vec<TurnRecord>, Vec<TurnRecord>) =
            turns.into_iter().partition(|record: &TurnRecord| record.state == TurnState::Held);
        for record in held {
            match record.release {
                Some(release) => self.release_again(record.turn, release),
                None => self.hold_again(record.turn),
            }
        }
        let interrupted = self.sessions.scheduler.restore(turns, self.now);
        for turn in interrupted {
            self.interrupted(turn);
        }
        self.arm_queue();
    }

    /// A run that was under way when the process died: it is over, and whoever asks is told so.
    fn interrupted(&mut self, turn: Turn) {
        let key = turn.session_key.clone();
        self.warn("gateway/run", format!("run {} was interrupted by a restart", turn.run_id));
        if let Some(session) = self.sessions.map.get_mut(&key) {
            session.entry.aborted_last_run = Some(true);
            session.entry.life_mut().status = Some(pincer_sessions::entry::level::RunStatus::Failed);
        }
        self.with_leaf(&key.clone(), move |shard| {
            let ops = shard.interrupted_ops(&key, &turn);
            shard.persist_surely(ops, |_, _| ());
        });
    }
}

fn first_view(settings: &SettingsBoot, facts: Arc<HostFacts>, now: Now) -> View {
    let config = &settings.loaded.config;
    let empty: Arc<RawValue> = Arc::from(RawValue::NULL.to_owned());
    View {
        auth: Arc::new(crate::home::admission::auth_policy(settings)),
        default_agent: AgentId::sanitise(&config.agents.default_id()),
        main_key: config.session.main_key(),
        global_scope: config.session.scope == SessionScope::Global,
        defender: Arc::clone(&settings.defender),
        mentions: Arc::new(MentionTable::of(config)),
        host: None,
        version: StateVersion { presence: 1, health: 1 },
        presence: Arc::from([]),
        health_v3: Arc::clone(&empty),
        health_v4: empty,
        started: now,
        facts,
        settings: Arc::new(Settings {
            loaded: Arc::clone(&settings.loaded),
            raw: Arc::clone(&settings.raw),
            exists: settings.exists,
            config_path: settings.config_path.clone(),
            state_dir: settings.state_dir.clone(),
            hash_key: settings.hash_key,
            weaker: Arc::clone(&settings.weaker),
            applied_hash: OnceLock::new(),
            ownership: OnceLock::new(),
        }),
    }
}
