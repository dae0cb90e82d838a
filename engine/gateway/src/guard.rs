//! What the defender judges by: the config's `defender` section, or the signed bundle that it names.
//!
//! ```json5
//! defender: { mode: "enforce", thresholds: { review: 45 } }
//! defender: { bundle: { file: "policy.bundle", trustedKeys: { "ops-1": "<base64 of a public key>" } } }
//! ```
//!
//! It is read at start, and again on SIGHUP ([`Reload`]). A mistake in it is an error, other than anywhere else in the
//! config: a slip in a security policy would look like protection.

mod bundle;
mod in_force;
mod reload;
mod trust;

use std::path::{Path, PathBuf};

use pincer_defender::Defender;
use pincer_defender::policy::{Policy, PolicyError, Source};
use serde_json::Value;

pub(crate) use in_force::InForce;
pub(crate) use reload::Reload;

use crate::serve::Refused;

/// Where files are.
#[derive(Debug)]
pub(crate) struct Places {
    /// What a bundle's path is relative to.
    config_dir: PathBuf,
    /// Which bundles were accepted.
    trust: PathBuf,
    /// What was last in force.
    in_force: PathBuf,
}

impl Places {
    /// Of a gateway with this config file and state directory.
    pub(crate) fn of(config_path: &Path, state_dir: &Path) -> Places {
        Places {
            config_dir: config_path.parent().unwrap_or(Path::new(".")).to_owned(),
            trust: state_dir.join("defender").join("trust.json"),
            in_force: state_dir.join("defender").join("in-force.json"),
        }
    }

    /// What was last in force.
    pub(crate) fn in_force(&self) -> InForce {
        InForce::at(self.in_force.clone())
    }
}

/// A policy that may be put in force.
#[derive(Debug)]
pub(crate) struct Read {
    /// What judges by it.
    pub(crate) defender: Defender,
    /// For its owner, line by line.
    pub(crate) notes: Vec<String>,
}

/// The policy that a gateway would start with, for command lines: nothing is noted. The message says what is wrong.
pub(crate) fn look(section: &Value, places: &Places, now_ms: u64) -> Result<Policy, String> {
    match section.get("bundle") {
        Some(named) => {
            let (_, verified, _) =
                bundle::verify(section, named, places, now_ms).map_err(|refused| refused.message)?;
            Ok(verified.policy)
        }
        None => {
            policy(section).map_err(|error| format!("the config's `defender` section is not valid: {error}"))
        }
    }
}

/// Reads a policy that stands in the section itself. Without one everything is judged and nothing is stopped.
fn policy(section: &Value) -> Result<Policy, PolicyError> {
    if section.is_null() { Ok(Policy::default()) } else { Policy::from_value(section) }
}

/// Reads the section and what it names, checks both, and builds the matchers. When it returns, an accepted bundle is noted
/// on disk, and older ones are refused from then on. `now_ms` is Unix time. The message says what is wrong, and the cure.
pub(crate) fn read(section: &Value, places: &Places, now_ms: u64) -> Result<Read, Refused> {
    let of_section =
        |error: PolicyError| refused(format!("the config's `defender` section is not valid: {error}"));
    if let Some(bundle) = section.get("bundle") {
        return bundle::read(section, bundle, places, now_ms);
    }
    let source = if section.is_null() { Source::Default } else { Source::Config };
    let defender = policy(section).and_then(Defender::new).map_err(of_section)?.read_from(source);
    let notes = defender.policy().unknown_rules();
    Ok(Read { defender, notes })
}

/// For people: which policy this is.
pub(crate) fn named(defender: &Defender) -> String {
    let policy = defender.policy();
    format!("version {} ({}), mode {}", policy.version.get(), defender.source(), policy.mode.as_str())
}

/// What only a person can put right.
fn refused(message: String) -> Refused {
    Refused { message, config: true }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The policy's source, or the message.
    fn check(section: Value, expected: Result<&str, &str>) {
        let places = Places::of(Path::new("/nowhere/openclaw.json"), Path::new("/nowhere"));
        match (read(&section, &places, 0), expected) {
            (Ok(read), Ok(source)) => assert_eq!(read.defender.source().to_string(), source, "{section}"),
            (Err(refused), Err(part)) => {
                assert!(refused.config && refused.message.contains(part), "{}", refused.message);
            }
            (Ok(_), Err(part)) => panic!("{section} was taken: no {part:?}"),
            (Err(refused), Ok(_)) => panic!("{section}: {}", refused.message),
        }
    }

    #[test]
    fn a_rule_that_does_not_exist_is_told_of() {
        let places = Places::of(Path::new("/nowhere/openclaw.json"), Path::new("/nowhere"));
        let section = json!({"rules": {"prompt.overide": "off", "prompt.override": "off"}});
        let notes = read(&section, &places, 0).map(|read| read.notes).unwrap_or_default();
        assert!(
            matches!(&notes[..], [note] if note.contains("did you mean \"prompt.override\"")),
            "{notes:?}"
        );
    }

    #[test]
    fn a_mistake_is_named() {
        check(Value::Null, Ok("default"));
        check(json!({"mode": "enforce", "thresholds": {"review": 40}}), Ok("config"));
        check(json!({"mode": "enforced"}), Err("mode"));
        check(json!({"thresholds": {"reviw": 40}}), Err("reviw"));
    }
}
