//! From a lawful `connect` to `hello-ok`.
//!
//! The connection's shard checks everything that needs no process-wide facts; home knows devices and presence, and has
//! the last word. What home grants is on disk before the client is let in.

use std::sync::{Arc, LazyLock};

use pincer_protocol::connect::{
    self, AuthV3, AuthV4, ClientMode, FeaturesV3, FeaturesV4, HelloV3, HelloV4, PolicyV3, PolicyV4,
    PresenceEvent, ServerV3, ServerV4, SessionDefaultsV3, SessionDefaultsV4, SnapshotV3, SnapshotV4,
    Suspension, SuspensionPhase, UpdateSchedule,
};
use pincer_protocol::event::EncodedEvent;
use pincer_protocol::frame;
use pincer_protocol::json::Parser;
use pincer_protocol::method::agents::ownership;
use pincer_protocol::{ErrorShape, Scope, ScopeSet, Wire};
use pincer_ws::http::Head;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::Shard;
use crate::approval;
use crate::boot::SettingsBoot;
use crate::caller::Principal;
use crate::connection::{Open, Stage};
use crate::dispatch;
use crate::driver::{ConnId, LogLevel, Peer, ShardId};
use crate::fanout::{Audience, Broadcast};
use crate::handshake::{
    self, AuthPolicy, Candidate, Decision, DeviceClaim, Handshake, Rejection, SecretDigest, TokenNote,
};
use crate::home::view::View;
use crate::message::ShardMsg;
use crate::pairing::{Changes, IssuedToken, PairEvent, PairingVerdict, Retire};
use crate::presence;
use crate::shard::Timer;

/// A lawful `connect` on its way to home.
pub(crate) struct AdmissionRequest {
    pub(crate) origin: ShardId,
    pub(crate) conn: ConnId,
    pub(crate) candidate: Box<Candidate>,
    /// The device to be judged, if there is one.
    pub(crate) claim: Option<Box<DeviceClaim>>,
    /// Names the connection to people.
    pub(crate) conn_uuid: Box<str>,
}

/// Home's verdict on its way back.
pub(crate) struct Admission {
    pub(crate) conn: ConnId,
    /// What to note about a device token, for the shard's own limiter.
    pub(crate) note: Option<TokenNote>,
    pub(crate) result: Result<Box<Admitted>, Rejection>,
}

/// An announcement of presence that is due; v4 is always told.
pub(crate) struct Announce {
    /// Whether v3 is told too.
    v3: bool,
}

/// Who is let in, and with what.
pub(crate) struct Admitted {
    candidate: Box<Candidate>,
    conn_uuid: Box<str>,
    /// A device token, new or the one it has.
    token: Option<IssuedToken>,
    presence_key: Option<Box<str>>,
    /// The view that `hello-ok` shows: newer than what the shard has, when presence just changed.
    view: Arc<View>,
}

/// Events that clients may come to receive, as `hello-ok` lists them: those that are built.
const EVENTS_V3: [&str; 14] = [
    "connect.challenge",
    "agent",
    "chat",
    "presence",
    "tick",
    "shutdown",
    "health",
    "device.pair.requested",
    "device.pair.resolved",
    "exec.approval.requested",
    "exec.approval.resolved",
    // Our own.
    "security.decision",
    "security.host",
    "security.policy",
];
const EVENTS_V4: [&str; 16] = [
    "connect.challenge",
    "agent",
    "chat",
    "session.message",
    "sessions.changed",
    "presence",
    "tick",
    "shutdown",
    "health",
    "device.pair.requested",
    "device.pair.resolved",
    "exec.approval.requested",
    "exec.approval.resolved",
    // Our own.
    "security.decision",
    "security.host",
    "security.policy",
];

/// What v4 clients ask for by name before they use it: `models.list` answers with what is there, at once.
const CAPABILITIES_V4: [&str; 1] = ["published-model-catalog"];

/// `features` of a hello: the same for everybody on a wire, so it is written once.
fn features(wire: Wire) -> &'static RawValue {
    static V3: LazyLock<Box<RawValue>> = LazyLock::new(|| {
        let methods: Vec<&str> = dispatch::listed(Wire::V3).collect();
        raw(&FeaturesV3 { methods: &methods, events: &EVENTS_V3 })
    });
    static V4: LazyLock<Box<RawValue>> = LazyLock::new(|| {
        let methods: Vec<&str> = dispatch::listed(Wire::V4).collect();
        raw(&FeaturesV4 { methods: &methods, events: &EVENTS_V4, capabilities: &CAPABILITIES_V4 })
    });
    // Lists of names: writing them does not fail.
    fn raw(features: &impl Serialize) -> Box<RawValue> {
        to_raw_value(features).unwrap_or_else(|_| RawValue::NULL.to_owned())
    }
    match wire {
        Wire::V3 => &V3,
        Wire::V4 => &V4,
    }
}

/// Who may connect: the config, with the secrets in force.
pub(crate) fn auth_policy(settings: &SettingsBoot) -> AuthPolicy {
    let mut policy = AuthPolicy::of(&settings.loaded.config.gateway);
    let digest = |text: &Option<String>| text.as_deref().and_then(SecretDigest::of);
    policy.token = digest(&settings.token).or(policy.token);
    policy.password = digest(&settings.password).or(policy.password);
    policy
}

impl Shard {
    /// An upgraded socket: what it is told first, and what is known of it.
    pub(crate) fn greet(&mut self, head: &Head<'_>, peer: &Peer) -> Handshake {
        let headers = head.headers().iter().copied();
        let peer = handshake::Peer::new(peer.remote.ip(), headers, &self.view.auth);
        Handshake::new(self.uuid(), peer)
    }

    /// The first frame of a socket.
    pub(crate) fn first_frame(&mut self, conn: ConnId, parser: &mut Parser, text: &mut [u8]) {
        let view = Arc::clone(&self.view);
        let now = self.now;
        let Some(Stage::Greeting(handshake)) = self.connections.get(conn).map(|connection| &connection.stage)
        else {
            return;
        };
        let limiter = &mut self.auth_limiter;
        let judged = parser.parse(text, |root| handshake.first_frame(Some(root), &view.auth, limiter, now));
        let decision = match judged {
            Ok(decision) => decision,
            Err(_) => handshake.first_frame(None, &view.auth, limiter, now),
        };
        let (candidate, claim) = match decision {
            Decision::Reject(rejection) => return self.reject(conn, *rejection),
            Decision::Admit(candidate) => (candidate, None),
            Decision::NeedsDevice(candidate, claim) => (candidate, Some(claim)),
        };
        if self.draining.is_some() {
            let error = ErrorShape::busy("the gateway is shutting down", 1_500);
            return self.reject(conn, Rejection::answered(candidate.request_id, error));
        }
        let conn_uuid = self.uuid().into();
        if let Some(connection) = self.connections.get_mut(conn) {
            connection.stage = Stage::Judging(Vec::new());
        }
        let request = AdmissionRequest { origin: self.id, conn, candidate, claim, conn_uuid };
        if self.is_home() {
            self.judge(request)
        } else {
            self.send(ShardId::HOME, ShardMsg::Admit(Box::new(request)))
        }
    }

    /// Refuses a socket: the answer, then the close frame.
    fn reject(&mut self, conn: ConnId, rejection: Rejection) {
        self.counters.handshakes_failed += 1;
        let Rejection { response, close_code, close_reason } = rejection;
        if let Some((id, error)) = response {
            let message = format!("connect refused: {}", error.message);
            self.info("gateway/ws", message);
            self.write_frame(conn, |out| frame::write_error(out, &id, None, &error));
        }
        self.close(conn, close_code, connect::close_reason(&close_reason));
    }

    /// Home judges a `connect`.
    pub(crate) fn judge(&mut self, request: AdmissionRequest) {
        let AdmissionRequest { origin, conn, candidate, claim, conn_uuid } = request;
        let Some(claim) = claim else {
            return self.let_in(origin, conn, candidate, None, None, conn_uuid);
        };
        let (now, rng) = (self.now, &mut self.rng);
        let Some(home) = &mut self.home else { return };
        let (result, changes, note) = match home.pairings.judge(&claim, now, rng) {
            PairingVerdict::Granted { grant, changes, note } => (Ok(grant), changes, note),
            PairingVerdict::Rejected { rejection, changes, note } => (Err(*rejection), changes, note),
        };
        self.change_devices(changes, move |shard, durable| {
            let result = match durable {
                Ok(()) => result,
                Err(why) => {
                    let why = format!("pairing could not be written down: {why}");
                    Err(Rejection::answered(candidate.request_id.clone(), ErrorShape::unavailable(why)))
                }
            };
            match result {
                Ok(grant) => {
                    let mut candidate = candidate;
                    candidate.grant = ScopeSet::from_names(grant.scopes.iter().map(|scope| &**scope));
                    candidate.scopes = grant.scopes;
                    candidate.method = grant.method;
                    shard.let_in(origin, conn, candidate, grant.token, note, conn_uuid);
                }
                Err(rejection) => {
                    shard.send_verdict(origin, Admission { conn, note, result: Err(rejection) });
                }
            }
        });
    }

    /// Makes a decision about devices durable, then tells who is concerned, then goes on.
    pub(crate) fn change_devices(
        &mut self,
        changes: Changes,
        then: impl FnOnce(&mut Shard, Result<(), String>) + Send + 'static,
    ) {
        let Changes { ops, events, retire } = changes;
        let done = move |shard: &mut Shard, durable: Result<(), String>| {
            if durable.is_ok() {
                for event in events {
                    let event = match &event {
                        PairEvent::Requested(payload) => {
                            EncodedEvent::new("device.pair.requested", payload, None)
                        }
                        PairEvent::Resolved(payload) => {
                            EncodedEvent::new("device.pair.resolved", payload, None)
                        }
                    };
                    shard.broadcast(
                        Broadcast::both(event, Audience::Operators(&[Scope::Pairing])).droppable(),
                    );
                }
                if let Some(retire) = retire {
                    shard.retire_everywhere(retire);
                }
            }
            then(shard, durable);
        };
        if ops.is_empty() {
            return done(self, Ok(()));
        }
        self.persist(ops, move |shard, result| done(shard, result.map(drop).map_err(|error| error.message)));
    }

    /// A device lost its place: its connections go.
    fn retire_everywhere(&mut self, retire: Retire) {
        self.send_others(|| ShardMsg::Retire(retire.clone()));
        self.retire_here(&retire);
    }

    /// Closes this shard's connections of a device.
    pub(crate) fn retire_here(&mut self, retire: &Retire) {
        let concerned = |who: &Principal| {
            who.device_id.as_deref() == Some(&*retire.device_id)
                && retire.role.as_deref().is_none_or(|role| role == who.role.as_str())
        };
        let gone: Vec<ConnId> = self
            .connections
            .iter_mut()
            .filter(|(_, connection)| connection.open().is_some_and(|open| concerned(&open.who)))
            .map(|(conn, _)| conn)
            .collect();
        for conn in gone {
            self.close(conn, pincer_ws::code::POLICY_VIOLATION, "device access changed");
        }
    }

    /// Home lets a client in: it is present from now on.
    fn let_in(
        &mut self,
        origin: ShardId,
        conn: ConnId,
        candidate: Box<Candidate>,
        token: Option<IssuedToken>,
        note: Option<TokenNote>,
        conn_uuid: Box<str>,
    ) {
        let now = self.now;
        let Some(home) = &mut self.home else { return };
        let presence_key = presence::key(&candidate, &conn_uuid);
        if let Some(key) = &presence_key {
            home.presence.connected(key, &candidate, now);
        }
        let mut view = Arc::clone(&self.view);
        if presence_key.is_some() {
            view = Arc::new(View {
                version: home.state_version(),
                presence: home.presence.list(now).into(),
                ..View::clone(&self.view)
            });
            self.view = Arc::clone(&view);
            self.publish_soon();
            self.announce_presence_soon(Some(Wire::V4));
        }
        self.refresh_health_soon();
        let admitted = Box::new(Admitted { candidate, conn_uuid, token, presence_key, view });
        self.send_verdict(origin, Admission { conn, note, result: Ok(admitted) });
    }

    fn send_verdict(&mut self, origin: ShardId, admission: Admission) {
        if origin == self.id {
            self.admitted(admission);
        } else {
            self.send(origin, ShardMsg::Admitted(Box::new(admission)));
        }
    }

    /// Has everybody told who is present; `only` names the wire that is told. The more there are, the more changes make
    /// one announcement: each is the whole list, for everybody.
    fn announce_presence_soon(&mut self, only: Option<Wire>) {
        let gap_ms = (self.connections.len() as u64 / 4).min(5_000);
        let now_ms = self.now.mono_ms;
        let Some(home) = &mut self.home else { return };
        let due = home.announce.get_or_insert_with(|| {
            self.timers.set(now_ms + gap_ms, Timer::Announce);
            Announce { v3: false }
        });
        due.v3 |= only != Some(Wire::V4);
    }

    /// Tells everybody who is present.
    pub(crate) fn announce_presence(&mut self) {
        let Some(Announce { v3 }) = self.home.as_mut().and_then(|home| home.announce.take()) else { return };
        let view = Arc::clone(&self.view);
        let payload = PresenceEvent { presence: &view.presence };
        let event = EncodedEvent::new(PresenceEvent::EVENT, &payload, Some(view.version));
        self.broadcast(Broadcast {
            v3: v3.then(|| (event.clone(), Audience::Everyone)),
            v4: Some((event, Audience::Operators(&[Scope::Read]))),
            droppable: true,
        });
    }

    /// Home: an admitted connection has gone.
    pub(crate) fn departed(&mut self, presence_key: &str) {
        let now = self.now;
        let Some(home) = &mut self.home else { return };
        home.presence.disconnected(presence_key, now);
        let (version, presence) = (home.state_version(), home.presence.list(now).into());
        self.view = Arc::new(View { version, presence, ..View::clone(&self.view) });
        self.publish_soon();
        self.announce_presence_soon(None);
    }

    /// Home's verdict has come.
    pub(crate) fn admitted(&mut self, admission: Admission) {
        let Admission { conn, note, result } = admission;
        if let Some(note) = note {
            note.apply(&mut self.auth_limiter, self.now);
        }
        let admitted = match result {
            Ok(admitted) => *admitted,
            Err(rejection) => return self.reject(conn, rejection),
        };
        let Admitted { candidate, conn_uuid, token, presence_key, view } = admitted;
        let wire = candidate.wire;
        if *self.scope_names != *candidate.scopes {
            self.scope_names = candidate.scopes.iter().cloned().collect();
        }
        let who = Arc::new(principal(&candidate, Arc::clone(&self.scope_names), presence_key));
        let Some(connection) = self.connections.get_mut(conn) else {
            // It hung up while home was judging.
            if let Some(presence_key) = who.presence_key.clone() {
                match self.is_home() {
                    true => self.departed(&presence_key),
                    false => self.send(ShardId::HOME, ShardMsg::Departed { presence_key }),
                }
            }
            return;
        };
        let open = Open { who: Arc::clone(&who), wire, seq: 0, subscriptions: None };
        let stage = std::mem::replace(&mut connection.stage, Stage::Open(Box::new(open)));
        let Stage::Judging(held) = stage else {
            // It was closed meanwhile; leave it so.
            let closing = std::mem::replace(&mut connection.stage, Stage::Closing);
            return self.left(closing);
        };
        connection.heard_ms = self.now.mono_ms;
        connection.caught_up = self.fanouts.latest();
        connection.decoder.set_message_bytes_max(self.limits.message_bytes_max as usize);
        self.handshaking -= 1;
        self.counters.handshakes += 1;
        self.log_connected(&candidate, &conn_uuid);
        let uptime_ms = self.uptime_ms();
        self.write_frame(conn, |out| {
            let hello = Hello { view: &view, candidate: &candidate, conn_uuid: &conn_uuid, token, uptime_ms };
            match wire {
                Wire::V3 => hello.write_v3(out),
                Wire::V4 => hello.write_v4(out),
            }
        });
        if wire == Wire::V3 && who.reviews && who.allows(Scope::Approvals) {
            self.show_approvals(conn);
        }
        if !held.is_empty() {
            let mut held = held;
            self.ws_bytes(conn, &mut held);
        }
    }
}

impl Shard {
    /// Says who came. A command that connects, asks and leaves is of no interest: `openclaw logs --follow` is one a second.
    fn log_connected(&mut self, candidate: &Candidate, conn: &str) {
        let client = &candidate.client;
        let level = match client.mode {
            ClientMode::Cli | ClientMode::Probe | ClientMode::Backend | ClientMode::Test => LogLevel::Debug,
            ClientMode::Webchat | ClientMode::Ui | ClientMode::Node | ClientMode::Worker => LogLevel::Info,
        };
        let message = format!(
            "connected: {} ({}) {}, {}, v{}, conn {conn}",
            client.id.as_str(),
            client.mode.as_str(),
            client.version,
            candidate.role.as_str(),
            candidate.wire.number()
        );
        self.log(level, "gateway/ws", message);
    }
}

/// What `hello-ok` is written from.
struct Hello<'a> {
    view: &'a View,
    candidate: &'a Candidate,
    conn_uuid: &'a str,
    token: Option<IssuedToken>,
    uptime_ms: u64,
}

impl Hello<'_> {
    fn write_v3(&self, out: &mut Vec<u8>) {
        let Hello { view, candidate, conn_uuid, token, uptime_ms } = self;
        let main = view.main_session();
        let hello = HelloV3::new(
            ServerV3 {
                version: env!("CARGO_PKG_VERSION"),
                commit: None,
                host: &view.facts.host,
                conn_id: conn_uuid,
            },
            features(Wire::V3),
            SnapshotV3 {
                presence: &view.presence,
                health: &view.health_v3,
                state_version: view.version,
                uptime_ms: *uptime_ms,
                config_path: &view.settings.config_path,
                state_dir: &view.settings.state_dir,
                session_defaults: SessionDefaultsV3 {
                    default_agent_id: view.default_agent.as_str(),
                    main_key: &view.main_key,
                    main_session_key: main.as_str(),
                    scope: view.scope_name(),
                },
                auth_mode: view.auth.mode,
                update_available: None,
            },
            token.as_ref().map(|token| AuthV3 {
                device_token: token.token.reveal(),
                role: candidate.role,
                scopes: &token.scopes,
                issued_at_ms: token.issued_at_ms,
            }),
            PolicyV3::default(),
        );
        frame::write_ok(out, &candidate.request_id, &hello);
    }

    fn write_v4(&self, out: &mut Vec<u8>) {
        let Hello { view, candidate, conn_uuid, token, uptime_ms } = self;
        let main = view.main_session();
        let reads = candidate.grant.allows(Scope::Read);
        let settings = &view.settings;
        let hash = settings.applied_hash.get_or_init(|| view.snapshot().applied_hash());
        let ownership = *settings.ownership.get_or_init(|| {
            let agents = view.agents();
            ownership(agents.len(), agents.iter().any(|agent| agent.marked_default))
        });
        let hello = HelloV4::new(
            ServerV4 { version: env!("CARGO_PKG_VERSION"), boot_id: &view.facts.boot_id, conn_id: conn_uuid },
            features(Wire::V4),
            SnapshotV4 {
                suspension: Suspension { phase: SuspensionPhase::Accepting },
                // Who may not read is not told who is there.
                presence: if reads { &view.presence } else { &[] },
                health: &view.health_v4,
                state_version: view.version,
                uptime_ms: *uptime_ms,
                applied_config_hash: Some(hash),
                session_defaults: SessionDefaultsV4 {
                    default_agent_id: view.default_agent.as_str(),
                    model_configured: true,
                    ownership,
                    selection_required: false,
                    main_key: &view.main_key,
                    main_session_key: main.as_str(),
                    scope: view.scope_name(),
                },
                update_schedule: Some(UpdateSchedule::default()),
                config_path: Some(&view.settings.config_path),
                state_dir: Some(&view.settings.state_dir),
                auth_mode: Some(view.auth.mode),
            },
            AuthV4 {
                method: candidate.method,
                role: candidate.role,
                scopes: &candidate.scopes,
                recovery_scope: None,
                recovery_migration_allowed: None,
                device_token: token.as_ref().map(|token| token.token.reveal()),
                issued_at_ms: token.as_ref().map(|token| token.issued_at_ms),
            },
            PolicyV4::default(),
        );
        frame::write_ok(out, &candidate.request_id, &hello);
    }
}

fn principal(
    candidate: &Candidate,
    scope_names: Arc<[Box<str>]>,
    presence_key: Option<Box<str>>,
) -> Principal {
    let has = |cap: &str| candidate.caps.iter().any(|held| &**held == cap);
    Principal {
        role: candidate.role,
        scopes: candidate.grant,
        scope_names,
        client_id: candidate.client.id,
        client_mode: candidate.client.mode,
        display_name: candidate.client.display_name.clone(),
        device_id: candidate.device_id.clone(),
        presence_key,
        session_scoped_events: has("session-scoped-events"),
        reviews: approval::can_review(
            candidate.wire,
            candidate.client.id,
            candidate.client.mode,
            candidate.caps.iter().map(|cap| &**cap),
        ),
    }
}

impl View {
    /// Whether a text is the shared token or password.
    pub(crate) fn accepts_secret(&self, text: &str) -> bool {
        let auth = &self.auth;
        [&auth.token, &auth.password].into_iter().flatten().any(|digest| digest.matches(text))
    }
}
