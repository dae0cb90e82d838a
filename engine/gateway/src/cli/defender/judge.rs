//! A judge without a gateway: a policy, its matchers and their buffers.

use std::path::Path;

use pincer_defender::intel::{FailMode, IntelSet};
use pincer_defender::policy::{Format, Mode, Policy, TEXT_BYTES_MAX};
use pincer_defender::{Action, Defender, Judgement, Known, Request, Scratch};

use crate::cli::Failure;
use crate::cli::file::read_bounded;

/// The agent and session that are judged for, where nobody names any: those of a new gateway's first conversation.
const AGENT: &str = "main";
const SESSION: &str = "agent:main:main";

/// Judges what it is given, one after the other. Knows no addresses and asks nobody.
pub(super) struct Judge {
    defender: Defender,
    scratch: Scratch,
    intel: IntelSet,
}

impl Judge {
    /// By `policy`. Its mode does not matter: what is asked for is the verdict, not what would be done about it.
    pub(super) fn new(policy: Policy) -> Result<Judge, Failure> {
        let policy = Policy { mode: Mode::Enforce, ..policy };
        let defender = Defender::new(policy).map_err(Failure::new)?;
        // Nothing is learned here, so the least room is enough.
        let intel = IntelSet::new(Default::default(), Default::default(), 1);
        Ok(Judge { defender, scratch: Scratch::default(), intel })
    }

    /// What it judges by.
    pub(super) fn policy(&self) -> &Policy {
        self.defender.policy()
    }

    /// Judges. The same action, the same judgement.
    pub(super) fn judge(&mut self, action: Action<'_>) -> Judgement {
        let request = Request { action, agent: AGENT, session: SESSION, channel: None, sender: None };
        let known = Known { set: &self.intel, if_unchecked: FailMode::Open, now_ms: 0 };
        self.defender.judge(&request, known, &mut self.scratch)
    }
}

/// Reads and checks a policy file; its ending says what it is written in.
pub(super) fn read_policy(path: &Path) -> Result<Policy, Failure> {
    let (text, format) = read_policy_text(path)?;
    Policy::from_text(&text, format).map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

/// The text of a policy file, unchecked, and what it is written in.
pub(super) fn read_policy_text(path: &Path) -> Result<(String, Format), Failure> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let format = Format::of(&name).map_err(Failure::new)?;
    let text = read_bounded(path, TEXT_BYTES_MAX as u64)
        .map_err(|error| Failure::new(format!("cannot read the policy {}: {error}", path.display())))?;
    Ok((text, format))
}
