//! Host integrity: which files a gateway watches, and what is kept of them.
//!
//! A signed baseline, its key and the standing alert lie in `<state>/integrity`. [`baseline`], [`check`] and [`accept`] are
//! what people do with them, whether a gateway runs or not; [`watching`] is what a running gateway does.

pub(crate) mod watching;

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use pincer_defender::host::{Baseline, Drift, Raised, compare};
use pincer_defender::policy::Policy;
use pincer_runtime::integrity::{
    Config, Scanned, load_alert, load_baseline, load_key, load_or_create_key, save_alert, save_baseline, scan,
};

use crate::lists::expand;

/// How a person makes a baseline.
pub(crate) const MAKE_ONE: &str = "`pincer defender host baseline` makes one";

/// Where what is kept lies.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// `<state>/integrity`, mode 0700.
    pub(crate) folder: PathBuf,
    /// Signs baselines.
    pub(crate) key: PathBuf,
    /// What the files were like when a person took that for good.
    pub(crate) baseline: PathBuf,
    /// What differed since, until a person accepts it.
    pub(crate) alert: PathBuf,
}

impl Places {
    /// Those of a state directory.
    pub(crate) fn of(state_dir: &Path) -> Places {
        let folder = state_dir.join("integrity");
        let at = |name| folder.join(name);
        Places { key: at("key"), baseline: at("baseline"), alert: at("alert.json"), folder }
    }

    /// Makes the folder.
    fn make(&self) -> Result<(), String> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&self.folder);
        made.map_err(|error| format!("cannot make {}: {error}", self.folder.display()))
    }
}

/// What is watched: what the policy names, and what a gateway is made of, which is its binary, its config (and with that
/// its policy) and its identity. The rest of the state directory is written all the time and left out of trees.
pub(crate) fn watched(policy: &Policy, config_path: &Path, state_dir: &Path, home: Option<&Path>) -> Config {
    let mut config = Config {
        files: vec![config_path.to_owned(), state_dir.join("identity").join("gateway.json")],
        exclude: vec![state_dir.to_owned()],
        ..Config::default()
    };
    // Only a machine without /proc does not know.
    config.files.extend(std::env::current_exe());
    // One without home is said when the gateway starts: `unplaced`.
    for path in policy.host.paths.iter().filter_map(|path| expand(path, home)) {
        if path.is_dir() { config.trees.push(path) } else { config.files.push(path) }
    }
    config.follow_links()
}

/// Paths of the policy that cannot be placed for want of a home directory.
pub(crate) fn unplaced<'a>(policy: &'a Policy, home: Option<&Path>) -> Vec<&'a str> {
    policy.host.paths.iter().map(String::as_str).filter(|path| expand(path, home).is_none()).collect()
}

/// A baseline that was made.
#[derive(Debug)]
pub(crate) struct Made {
    /// Paths in it.
    pub(crate) entries: usize,
    /// When, wall clock.
    pub(crate) created_at_ms: u64,
    /// Public half of the key that signed it: to be kept where this machine cannot reach it.
    pub(crate) key: String,
    /// What could not be looked at, in words; the first few.
    pub(crate) problems: Vec<String>,
    /// What stood and was taken for good with it.
    pub(crate) accepted: Option<Raised>,
}

/// What a check showed.
#[derive(Debug)]
pub(crate) struct Checked {
    /// When the baseline was made, wall clock.
    pub(crate) created_at_ms: u64,
    /// Public half of the key that signed it.
    pub(crate) key: String,
    /// What differs now.
    pub(crate) drift: Drift,
    /// What stands, this or something earlier.
    pub(crate) raised: Option<Raised>,
    /// What could not be looked at, in words; the first few.
    pub(crate) problems: Vec<String>,
}

/// Makes the first baseline. Refused when there is one: what differs from it would be forgotten unseen.
pub(crate) fn baseline(places: &Places, config: &Config, now_ms: u64) -> Result<Made, String> {
    if places.baseline.symlink_metadata().is_ok() {
        return Err(format!(
            "there is a baseline already: {}. `pincer defender host check` shows what differs from it, `accept` makes a new one",
            places.baseline.display()
        ));
    }
    make(places, config, now_ms)
}

/// Takes everything as it is now for good. A gateway that runs notices by itself.
pub(crate) fn accept(places: &Places, config: &Config, now_ms: u64) -> Result<Made, String> {
    if places.baseline.symlink_metadata().is_err() {
        return Err(format!("there is no baseline yet; {MAKE_ONE}"));
    }
    make(places, config, now_ms)
}

fn make(places: &Places, config: &Config, now_ms: u64) -> Result<Made, String> {
    places.make()?;
    let key = load_or_create_key(&places.key).map_err(|error| error.to_string())?;
    let mut alert = load_alert(&places.alert).map_err(|error| error.to_string())?;
    let Scanned { scan, problems, .. } = scan(config);
    let baseline = Baseline::of(scan, now_ms)
        .map_err(|_| "there is more than can be watched; name less in `defender.host.paths`".to_owned())?;
    // Last, since a gateway that runs waits for it.
    let accepted = alert.accept();
    save_alert(&places.alert, &alert).map_err(|error| error.to_string())?;
    save_baseline(&places.baseline, &baseline, &key).map_err(|error| error.to_string())?;
    let entries = baseline.entries.len();
    Ok(Made { entries, created_at_ms: now_ms, key: key.public().to_string(), problems, accepted })
}

/// Looks at everything now. What differs is remembered until it is accepted.
pub(crate) fn check(places: &Places, config: &Config, now_ms: u64) -> Result<Checked, String> {
    let Some((baseline, key)) = stored(places)? else {
        return Err(format!("there is no baseline yet; {MAKE_ONE}"));
    };
    let mut alert = load_alert(&places.alert).map_err(|error| error.to_string())?;
    let Scanned { scan, problems, .. } = scan(config);
    let drift = compare(&baseline, &scan, config.compare);
    let before = alert.clone();
    alert.observe(&drift, now_ms);
    if alert != before {
        save_alert(&places.alert, &alert).map_err(|error| error.to_string())?;
    }
    let raised = alert.raised().cloned();
    Ok(Checked { created_at_ms: baseline.created_at_ms, key, drift, raised, problems })
}

/// The baseline that is believed, and the public half of its key; `None`: there is none.
fn stored(places: &Places) -> Result<Option<(Baseline, String)>, String> {
    let key = match load_key(&places.key).map_err(|error| error.to_string())? {
        Some(key) => key.public(),
        None if places.baseline.symlink_metadata().is_err() => return Ok(None),
        None => {
            return Err(format!(
                "{} is gone: the baseline cannot be believed without it",
                places.key.display()
            ));
        }
    };
    let baseline = load_baseline(&places.baseline, &key).map_err(|error| error.to_string())?;
    Ok(baseline.map(|baseline| (baseline, key.to_string())))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn from_a_baseline_to_an_accepted_change() {
        let dir = tempfile::tempdir().unwrap();
        let (state, file) = (dir.path().join("state"), dir.path().join("watched"));
        fs::create_dir(&state).unwrap();
        fs::write(&file, "a").unwrap();
        let mut policy = Policy::default();
        policy.host.paths = vec!["~/watched".to_owned()];
        let home = Some(dir.path());
        let config = watched(&policy, &dir.path().join("openclaw.json"), &state, home);
        assert!(config.files.contains(&file));
        let places = Places::of(&state);
        assert!(check(&places, &config, 1).unwrap_err().contains("no baseline yet"));
        assert!(accept(&places, &config, 1).unwrap_err().contains("no baseline yet"));
        let made = baseline(&places, &config, 1).unwrap();
        assert!(made.accepted.is_none());
        assert!(baseline(&places, &config, 2).unwrap_err().contains("already"));
        assert!(check(&places, &config, 2).unwrap().drift.is_clean());
        fs::write(&file, "bb").unwrap();
        let checked = check(&places, &config, 3).unwrap();
        assert_eq!((checked.drift.changed, checked.raised.unwrap().since_ms), (1, 3));
        fs::write(&file, "a").unwrap();
        assert!(check(&places, &config, 4).unwrap().raised.is_some(), "undone is not accepted");
        assert_eq!(accept(&places, &config, 5).unwrap().accepted.unwrap().since_ms, 3);
        assert!(check(&places, &config, 6).unwrap().raised.is_none());
        // Somebody who has not the key.
        let text = fs::read_to_string(&places.baseline).unwrap();
        fs::write(&places.baseline, text.replace("created 5", "created 6")).unwrap();
        assert!(check(&places, &config, 7).unwrap_err().contains("changed after it was signed"));
        fs::remove_file(&places.key).unwrap();
        assert!(check(&places, &config, 7).unwrap_err().contains("is gone"));
        assert_eq!(unplaced(&policy, None), ["~/watched"]);
    }
}
