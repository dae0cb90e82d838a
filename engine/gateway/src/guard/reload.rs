//! SIGHUP: the config's `defender` section, and the bundle it names, are read again and put in force.
//!
//! All of it happens on the signals' thread; the shards are handed a policy whose matchers are built. What is wrong leaves
//! the policy in force as it is.

use std::sync::Arc;
use std::time::Duration;

use pincer_config::Issue;
use pincer_config::locate::{ConfigSource, Located};
use pincer_defender::Defender;
use pincer_runtime::log::LogPort;
use pincer_runtime::{Clock, Post};
use pincer_shard::Message;
use pincer_shard::driver::{LogLevel, LogLine, Mail, PolicyChange, ShardId};
use pincer_store::QuarantineLimits;

use super::{Places, Read, named, read};
use crate::cli::{Environment, read_config};
use crate::client::now_ms;

/// How often a policy is offered to a home shard that has not read its last orders, and the pause between.
const OFFERS: usize = 100;
const OFFER_PAUSE: Duration = Duration::from_millis(50);

/// Reads the policy again.
pub(crate) struct Reload {
    /// Variables, as at start.
    pub(crate) environment: Environment,
    /// Where the config is.
    pub(crate) located: Located,
    /// The way to the shards.
    pub(crate) post: Post<Message>,
    /// The log.
    pub(crate) log: LogPort,
    /// What the shards were last told to judge by.
    pub(crate) in_force: Arc<Defender>,
    /// Where the limits of the quarantine are set.
    pub(crate) quarantine: QuarantineLimits,
}

impl Reload {
    /// Once; called for each SIGHUP.
    pub(crate) fn run(&mut self) {
        if let Err(message) = self.reload() {
            let kept = named(&self.in_force);
            self.say(LogLevel::Error, format!("the policy stays as it was, {kept}: {message}"));
        }
    }

    fn reload(&mut self) -> Result<(), String> {
        // A config that somebody wrote since.
        if self.located.readable().is_none() && self.located.config_path.exists() {
            self.located.source = ConfigSource::Present;
        }
        let (_, loaded) = read_config(&self.located, &self.environment).map_err(|failure| failure.message)?;
        if !loaded.valid() {
            let issues: Vec<String> = loaded.issues.iter().map(Issue::to_string).collect();
            return Err(format!("the config cannot be used: {}", issues.join("; ")));
        }
        let places = Places::of(&self.located.config_path, &self.located.state_dir);
        let Read { defender, notes } =
            read(&loaded.config.defender, &places, now_ms()).map_err(|refused| refused.message)?;
        for note in notes {
            self.say(LogLevel::Warn, note);
        }
        let (old, new) = (self.in_force.policy(), defender.policy());
        if old == new && self.in_force.source() == defender.source() {
            self.say(LogLevel::Info, format!("the policy is unchanged: {}", named(&defender)));
            return Ok(());
        }
        let weaker = new.weaker_than(old);
        let limits = new.quarantine;
        let defender = Arc::new(defender);
        self.offer(PolicyChange { defender: Arc::clone(&defender), weaker })?;
        if let Err(message) = places.in_force().keep(defender.policy()) {
            self.say(LogLevel::Warn, message);
        }
        self.quarantine.set(limits);
        self.in_force = defender;
        Ok(())
    }

    /// Hands it to home, which says so in the log when it is in force.
    fn offer(&self, change: PolicyChange) -> Result<(), String> {
        let mut mail = Mail::Policy(Box::new(change));
        for _ in 0..OFFERS {
            match self.post.control(ShardId::HOME, mail) {
                Ok(()) => return Ok(()),
                Err(back) => mail = back,
            }
            std::thread::sleep(OFFER_PAUSE);
        }
        Err("the first shard does not take orders: send SIGHUP again".to_owned())
    }

    fn say(&self, level: LogLevel, message: String) {
        self.log.write(Clock::start().now().wall_ms, LogLine { level, subsystem: "defender", message });
    }
}
