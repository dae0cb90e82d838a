//! Puts the crates together and runs them: store, log, shards, egress.

use std::fs::DirBuilder;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::num::NonZeroU8;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::tz::TimeZone;
use pincer_config::section::engine::Limits as ConfigLimits;
use pincer_config::{Loaded, Secret};
use pincer_defender::Defender;
use pincer_defender::policy::Policy;
use pincer_runtime::egress::{Limits as EgressLimits, Outside};
use pincer_runtime::integrity::Config as WatchConfig;
use pincer_runtime::log::{self, LogOptions, LogPort};
use pincer_runtime::{Backend, Meter, Options, Server, Services};
use pincer_shard::driver::{LogLevel, LogLine};
use pincer_shard::load::{LoadMeter, NoLoad};
use pincer_shard::{Boot, HostFacts, Limits, SettingsBoot, Shard};
use pincer_store::{OpenError, QuarantineLimits};

use crate::client::now_ms;
use crate::guard;
use crate::identity::GatewayIdentity;
use crate::integrity::watching::Watching;
use crate::integrity::{self, MAKE_ONE, Places};

/// Everything that was decided before the engine starts.
pub(crate) struct Serve {
    /// Where to listen; port 0 means a free one.
    pub(crate) listen: Vec<SocketAddr>,
    /// The shared token in force; empty: none.
    pub(crate) token: Secret,
    /// The shared password in force; empty: none.
    pub(crate) password: Secret,
    /// The config.
    pub(crate) loaded: Loaded,
    /// Its text; `None` when there is no file.
    pub(crate) raw: Option<String>,
    /// Its path.
    pub(crate) config_path: PathBuf,
    /// State directory, which exists.
    pub(crate) state_dir: PathBuf,
    /// The store.
    pub(crate) store_path: PathBuf,
    /// How many cores serve.
    pub(crate) shards: NonZeroU8,
    /// What carries the bytes, and why that.
    pub(crate) backend: Backend,
    /// For people.
    pub(crate) backend_reason: String,
    /// Least important log lines.
    pub(crate) log_level: LogLevel,
    /// Whether acknowledged changes survive a power cut.
    pub(crate) fsync: bool,
}

/// Why a gateway did not start, and with which exit code.
pub(crate) struct Refused {
    /// Cause and cure.
    pub(crate) message: String,
    /// 78: starting again changes nothing.
    pub(crate) config: bool,
}

impl Refused {
    fn passing(message: impl std::fmt::Display) -> Refused {
        Refused { message: message.to_string(), config: false }
    }
}

/// A gateway that runs.
pub(crate) struct Running {
    /// Its shards.
    pub(crate) server: Server<pincer_shard::Message>,
    /// Its log.
    pub(crate) log: LogPort,
    /// What a scratch shard like its own is made from, without sessions.
    pub(crate) scratch: Boot,
    /// What everything is judged by.
    pub(crate) defender: Arc<Defender>,
    /// Where the limits of its quarantine are set.
    pub(crate) quarantine: QuarantineLimits,
    /// Keeps files of this machine watched while it is kept.
    pub(crate) watching: Option<Watching>,
}

/// Starts the engine. `said` gets what its owner is told, line by line.
pub(crate) fn start(serve: Serve, said: &mut dyn FnMut(String)) -> Result<Running, Refused> {
    let log_file = serve.state_dir.join("logs").join("pincer.log");
    let mut options = pincer_store::Options::new(&serve.state_dir, &serve.store_path, &log_file);
    options.fsync = serve.fsync;
    let opened = pincer_store::open(options).map_err(|error| {
        let config = matches!(error, OpenError::Locked { .. } | OpenError::OpenClawState { .. });
        Refused { message: error.to_string(), config }
    })?;
    for line in &opened.report.lines {
        said(format!("store: {line}"));
    }
    let identity = GatewayIdentity::load_or_make(&serve.state_dir).map_err(Refused::passing)?;
    if let Some(folder) = log_file.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|error| Refused::passing(format!("cannot make {}: {error}", folder.display())))?;
    }
    let (log_port, _log_thread) = log::start(LogOptions {
        file: Some(log_file.clone()),
        level: serve.log_level,
        ..LogOptions::default()
    })
    .map_err(|error| Refused::passing(format!("cannot write the log {}: {error}", log_file.display())))?;

    let limits = limits(&serve.loaded.config.engine.limits, serve.shards);
    let egress = egress_limits(&serve.loaded.config.engine.limits);
    said(format!(
        "backend {} ({}), {} shards, memory bound {} MiB a shard, {} MiB for model calls",
        serve.backend,
        serve.backend_reason,
        serve.shards,
        limits.memory_bound() >> 20,
        egress.memory_bound() >> 20
    ));
    let places = guard::Places::of(&serve.config_path, &serve.state_dir);
    let guard::Read { defender, notes } = guard::read(&serve.loaded.config.defender, &places, now_ms())
        .map_err(|Refused { message, config }| Refused {
            message: format!("{message}. Nothing is started with a policy that may not be what was meant"),
            config,
        })?;
    let (mode, note) = defender.describe();
    said(format!("defender {mode}: {note}; policy: {}", guard::named(&defender)));
    notes.into_iter().for_each(&mut *said);
    if defender.policy().intel.service.is_some() {
        said(format!(
            "look-ups of addresses and files: memory bound {} MiB",
            EgressLimits::lookups_memory_bound() >> 20
        ));
    }
    let defender = Arc::new(defender);
    let quarantine = opened.store.quarantine_limits();
    quarantine.set(defender.policy().quarantine);
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let clock = pincer_runtime::Clock::start();
    let mut warn = |subsystem, message: String| {
        said(format!("defender: {message}"));
        log_port.write(clock.now().wall_ms, LogLine { level: LogLevel::Warn, subsystem, message });
    };
    let policy = defender.policy();
    let in_force = places.in_force();
    let weaker = in_force.weaker(policy).unwrap_or_else(|message| {
        warn("defender", message);
        Vec::new()
    });
    if !weaker.is_empty() {
        let changes = weaker.join("; ");
        warn("defender", format!("the policy protects less than the one before this start: {changes}"));
    }
    let lists =
        crate::lists::load(&policy.intel.lists, home.as_deref(), &mut |line| warn("defender/intel", line));
    let watched = watched(policy, &serve, home.as_deref(), &mut |line| warn("defender/host", line));
    if !lists.is_empty() {
        said(format!("defender: {} addresses, hosts and files are listed", lists.len()));
    }
    let facts = Arc::new(host_facts(&serve, &identity, log_file.display().to_string())?);
    let rows = Arc::new(opened.rows);
    let some = |secret: &Secret| (!secret.is_empty()).then(|| secret.reveal().to_owned());
    let settings = SettingsBoot {
        exists: serve.raw.is_some(),
        raw: serve.raw.as_deref().unwrap_or("").into(),
        config_path: serve.config_path.display().to_string(),
        state_dir: serve.state_dir.display().to_string(),
        hash_key: identity.hash_key,
        token: some(&serve.token),
        password: some(&serve.password),
        defender: Arc::clone(&defender),
        lists: Arc::new(lists),
        weaker: weaker.into(),
        loaded: Arc::new(serve.loaded),
    };
    let mut seed = [0u8; 32];
    getrandom::fill(&mut seed).map_err(Refused::passing)?;

    let mut options = Options::new(serve.backend, serve.listen);
    options.shards = serve.shards;
    let reader = opened.store.reader();
    let services =
        Services { store: Some((Box::new(opened.store), Box::new(reader))), log: log_port.clone() };
    let shards = serve.shards.get();
    let now = clock.now();
    let meter = Arc::new(Meter::default());
    let load: Arc<dyn LoadMeter> = Arc::<Meter>::clone(&meter);
    let scratch = Boot {
        shard: 0,
        shards: 1,
        limits,
        seed,
        now,
        settings: settings.clone(),
        facts: Arc::clone(&facts),
        load: Arc::new(NoLoad),
        rows: Arc::default(),
    };
    let server = Server::start(
        &options,
        services,
        |post| Outside::new(egress, post),
        |shard| {
            Shard::new(Boot {
                shard: shard.0,
                shards,
                limits,
                seed,
                now,
                settings: settings.clone(),
                facts: Arc::clone(&facts),
                load: Arc::clone(&load),
                rows: Arc::clone(&rows),
            })
        },
    )
    .map_err(Refused::passing)?;
    meter.watch(server.gauges());
    // Only now: a start that failed put nothing in force, and the next one is compared with what was.
    if let Err(message) = in_force.keep(defender.policy()) {
        log_port
            .write(clock.now().wall_ms, LogLine { level: LogLevel::Warn, subsystem: "defender", message });
    }
    let watching = watched
        .map(|(places, config)| Watching::start(places, config, server.post().clone(), log_port.clone()))
        .transpose()
        .unwrap_or_else(|error| {
            said(format!("defender: {error}"));
            None
        });
    Ok(Running { server, log: log_port, scratch, defender, quarantine, watching })
}

/// What of this machine is watched: something, when the policy names it or somebody made a baseline.
fn watched(
    policy: &Policy,
    serve: &Serve,
    home: Option<&Path>,
    warn: &mut dyn FnMut(String),
) -> Option<(Places, WatchConfig)> {
    let places = Places::of(&serve.state_dir);
    let has_baseline = places.baseline.symlink_metadata().is_ok();
    if policy.host.paths.is_empty() && !has_baseline {
        return None;
    }
    if !has_baseline {
        warn(format!("files of this machine are to be watched, and there is no baseline yet; {MAKE_ONE}"));
    }
    for path in integrity::unplaced(policy, home) {
        warn(format!("{path} is not watched: HOME is not set"));
    }
    Some((places, integrity::watched(policy, &serve.config_path, &serve.state_dir, home)))
}

/// Bounds of one shard: the config's, which are the process's, shared out where shards hold a part each.
fn limits(config: &ConfigLimits, shards: NonZeroU8) -> Limits {
    let own = Limits::default();
    // Connections and sessions spread unevenly, and one shard may get more than its share refused a little early.
    let share = |whole: Option<u32>, own: u32| whole.map_or(own, |whole| whole.div_ceil(shards.get().into()));
    let share_bytes =
        |whole: Option<u64>, own: u64| whole.map_or(own, |whole| whole.div_ceil(shards.get().into()));
    Limits {
        connections_max: share(config.connections, own.connections_max),
        handshake_message_bytes_max: config.pre_auth_frame_bytes.unwrap_or(own.handshake_message_bytes_max),
        message_bytes_max: config.frame_bytes.unwrap_or(own.message_bytes_max),
        outbox_bytes_max: config.buffered_bytes.unwrap_or(own.outbox_bytes_max),
        sessions_max: share(config.sessions, own.sessions_max),
        turns_max: share(config.runs, own.turns_max),
        turns_bytes_total_max: share_bytes(config.run_bytes_total, own.turns_bytes_total_max),
        handshakes_max: share(config.handshakes, own.handshakes_max),
        outbox_bytes_total_max: share_bytes(config.buffered_bytes_total, own.outbox_bytes_total_max),
        inbound_bytes_total_max: share_bytes(config.inbound_bytes_total, own.inbound_bytes_total_max),
        pending_max: share(config.waiting, own.pending_max),
        stalled_max: share(config.waiting, own.stalled_max),
        ..own
    }
}

/// Bounds of all model calls.
fn egress_limits(config: &ConfigLimits) -> EgressLimits {
    let own = EgressLimits::default();
    EgressLimits {
        calls_max: config.model_calls.unwrap_or(own.calls_max),
        waiting_max: config.model_calls.unwrap_or(own.waiting_max),
        prompts_bytes_max: config.prompt_bytes_total.unwrap_or(own.prompts_bytes_max),
        response_bytes_max: config.answer_bytes.map_or(own.response_bytes_max, u64::from),
        ..own
    }
}

/// The address this machine is reached at from outside; `None` without a network. Nothing is sent.
fn outside_address() -> Option<String> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    // An address of the documentation range: connecting a datagram socket only looks up the route.
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_loopback() && !ip.is_unspecified()).then(|| ip.to_string())
}

/// The zone of this machine's clock. Read from where it is set, since looking it up by name lists every zone there is and
/// keeps the list: 70 KB, and a file opened for each.
fn system_zone() -> TimeZone {
    const LOCAL: &str = "/etc/localtime";
    let read = || {
        let name = std::fs::read_link(LOCAL).ok()?;
        let name = name.to_str()?.split_once("/zoneinfo/")?.1.to_owned();
        TimeZone::tzif(&name, &std::fs::read(LOCAL).ok()?).ok()
    };
    let named = std::env::var_os("TZ").is_some();
    (!named).then(read).flatten().unwrap_or_else(TimeZone::system)
}

fn host_facts(serve: &Serve, identity: &GatewayIdentity, log_file: String) -> Result<HostFacts, Refused> {
    let read = |path: &str| std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
    let kernel = read("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut boot_id = [0u8; 16];
    getrandom::fill(&mut boot_id).map_err(Refused::passing)?;
    Ok(HostFacts {
        host: read("/proc/sys/kernel/hostname").unwrap_or_else(|| "localhost".to_owned()),
        ip: outside_address(),
        platform: format!("linux {kernel}").trim().to_owned(),
        arch: match std::env::consts::ARCH {
            "x86_64" => "x64",
            "aarch64" => "arm64",
            other => other,
        }
        .to_owned(),
        boot_id: pincer_sessions::entry::uuid(boot_id),
        backend: format!("{} ({})", serve.backend, serve.backend_reason),
        log_file,
        device_id: identity.device_id.clone(),
        public_key: identity.public_key.clone(),
        zone: system_zone(),
    })
}
