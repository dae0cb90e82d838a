//! Remembers that the machine changed until somebody says that it may.

use serde::{Deserialize, Serialize};

use super::drift::{Drift, Severity};

/// Whether there is something that nobody accepted yet. Survives a restart when its owner stores it: a change that is
/// undone again must not be forgotten because the gateway was restarted in between.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Alert {
    raised: Option<Raised>,
}

/// A standing alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Raised {
    /// When it began, milliseconds since 1970.
    pub since_ms: u64,
    /// When a difference was last seen.
    pub last_ms: u64,
    /// The worst so far.
    pub severity: Severity,
    /// What was seen at the worst.
    pub worst: Drift,
    /// What was last seen. Clean: it was undone, and nobody has accepted that yet.
    pub now: Drift,
}

/// What an observation did to the alert. Everything but `Same` is worth telling people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertChange {
    /// Nothing new.
    Same,
    /// It was raised.
    Raised,
    /// It got worse.
    Worse,
    /// It is as bad as before, and something else.
    Different,
    /// The differences are gone; the alert stands.
    Undone,
}

impl Alert {
    /// Takes note of what was seen. A clean drift never ends an alert.
    pub fn observe(&mut self, drift: &Drift, now_ms: u64) -> AlertChange {
        let Some(raised) = &mut self.raised else {
            let Some(severity) = drift.severity else { return AlertChange::Same };
            let (worst, now) = (drift.clone(), drift.clone());
            self.raised = Some(Raised { since_ms: now_ms, last_ms: now_ms, severity, worst, now });
            return AlertChange::Raised;
        };
        let same = raised.now == *drift;
        if !drift.is_clean() {
            raised.last_ms = now_ms;
        }
        if same {
            return AlertChange::Same;
        }
        raised.now = drift.clone();
        match drift.severity {
            None => AlertChange::Undone,
            Some(severity) if severity > raised.severity => {
                raised.severity = severity;
                raised.worst = drift.clone();
                AlertChange::Worse
            }
            Some(severity) => {
                // As bad and more of it is the worse picture to keep.
                let listed = |drift: &Drift| drift.items.len();
                if severity == raised.severity && listed(drift) >= listed(&raised.worst) {
                    raised.worst = drift.clone();
                }
                AlertChange::Different
            }
        }
    }

    /// Somebody has seen it and takes it for good, usually with a new baseline. Returns what it was.
    pub fn accept(&mut self) -> Option<Raised> {
        self.raised.take()
    }

    /// The standing alert, if there is one.
    pub fn raised(&self) -> Option<&Raised> {
        self.raised.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::super::drift::{Item, What};
    use super::*;

    fn drift(severity: Severity, path: &str) -> Drift {
        let item = Item { severity, path: path.to_owned(), what: What::Missing };
        Drift { items: vec![item], missing: 1, severity: Some(severity), ..Drift::default() }
    }

    #[test]
    fn it_stands_until_accepted() {
        let mut alert = Alert::default();
        let clean = Drift::default();
        let (small, large) = (drift(Severity::Warning, "/a"), drift(Severity::Critical, "/b"));
        for (at, seen, expect, severity) in [
            (1, &clean, AlertChange::Same, None),
            (2, &small, AlertChange::Raised, Some(Severity::Warning)),
            (3, &small, AlertChange::Same, Some(Severity::Warning)),
            (4, &large, AlertChange::Worse, Some(Severity::Critical)),
            (5, &small, AlertChange::Different, Some(Severity::Critical)),
            (6, &clean, AlertChange::Undone, Some(Severity::Critical)),
            (7, &clean, AlertChange::Same, Some(Severity::Critical)),
        ] {
            assert_eq!(alert.observe(seen, at), expect, "at {at}");
            assert_eq!(alert.raised().map(|raised| raised.severity), severity, "at {at}");
        }
        let json = serde_json::to_string(&alert).unwrap();
        assert_eq!(serde_json::from_str::<Alert>(&json).unwrap(), alert);
        let was = alert.accept().unwrap();
        assert_eq!((was.since_ms, was.last_ms, &was.worst, &was.now), (2, 5, &large, &clean));
        assert_eq!(alert, Alert::default());
        assert_eq!(alert.observe(&small, 8), AlertChange::Raised);
    }
}
