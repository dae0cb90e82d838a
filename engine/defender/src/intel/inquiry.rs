//! Whether a service is asked about an indicator.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::indicator::Indicator;
use super::quota::{Quota, QuotaLimits, QuotaUse};
use super::verdict::{Counts, Thresholds, Verdict};

/// Most questions under way. More are not asked.
pub const IN_FLIGHT_MAX: usize = 32;

/// First and longest pause after answers that failed; each failure doubles it.
const FAILURE_PAUSE_MS_MIN: u64 = 5_000;
const FAILURE_PAUSE_MS_MAX: u64 = 5 * 60 * 1000;

/// What of an address a service may see. Addresses can hold tokens and names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exposure {
    /// Hosts and digests; instead of an address its host is asked about.
    #[default]
    HostsOnly,
    /// Whole addresses too.
    WholeUrls,
}

impl Exposure {
    /// What a service is asked about instead of `indicator`.
    pub fn subject(self, indicator: &Indicator) -> Indicator {
        match (indicator, self) {
            (Indicator::Url(url), Exposure::HostsOnly) => Indicator::Domain(url.host().clone()),
            _ => indicator.clone(),
        }
    }
}

/// How a service is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InquirySettings {
    /// Whether at all.
    pub enabled: bool,
    /// What it may see.
    pub exposure: Exposure,
    /// How many engines make a verdict.
    pub thresholds: Thresholds,
    /// How long an answer is waited for, in milliseconds. Whatever waits for it then goes on without a signal, or to
    /// review; see [`FailMode`](super::FailMode).
    pub timeout_ms: u64,
    /// What the key allows.
    pub quota: QuotaLimits,
}

impl Default for InquirySettings {
    fn default() -> InquirySettings {
        InquirySettings {
            enabled: false,
            exposure: Exposure::default(),
            thresholds: Thresholds::default(),
            timeout_ms: 3_000,
            quota: QuotaLimits::default(),
        }
    }
}

/// What to do about an indicator of which nothing is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Ask about this, which may be less than the whole indicator, and report with [`Inquiries::answered`].
    Now(Indicator),
    /// The same is being asked: its answer will do for both.
    UnderWay(Indicator),
    /// It is not asked.
    Not(Unchecked),
}

/// Why something is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unchecked {
    /// No service is configured.
    Off,
    /// Its host is private: nobody outside is told of it.
    Private,
    /// The quota is spent, or the service failed a moment ago.
    NotBefore {
        /// When it may be asked again, wall clock.
        until_ms: u64,
    },
    /// Too many questions are under way.
    Busy,
    /// The service refused our key; nothing is asked until it is changed.
    BadKey,
}

/// What came of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The service knows it.
    Known(Counts),
    /// The service does not know it.
    NotKnown,
    /// We ask too much.
    OverQuota {
        /// The pause it asks for.
        retry_after_ms: Option<u64>,
    },
    /// It refused our key.
    BadKey,
    /// No answer, or none that could be read.
    Failed,
}

/// The questions of the whole process: one owner asks for all shards, since the quota is one.
#[derive(Debug, Clone)]
pub struct Inquiries {
    settings: InquirySettings,
    quota: Quota,
    /// Questions under way and when they are given up; at most [`IN_FLIGHT_MAX`].
    under_way: BTreeMap<Indicator, u64>,
    failures: u32,
    paused_until_ms: u64,
    bad_key: bool,
}

impl Inquiries {
    /// Nothing is under way. `spent`: what was left of the quota by [`Inquiries::spent`] before a restart.
    pub fn new(settings: InquirySettings, spent: QuotaUse) -> Inquiries {
        Inquiries {
            settings,
            quota: Quota::new(settings.quota, spent),
            under_way: BTreeMap::new(),
            failures: 0,
            paused_until_ms: 0,
            bad_key: false,
        }
    }

    /// Whether to ask about `indicator`, of which a lookup knew nothing. With [`Exposure::HostsOnly`] look the host of
    /// an address up too before asking: see [`Inquiries::subject`]. Questions that are overdue count as under way until
    /// [`Inquiries::expire`] is called, whose result says who need not wait any longer.
    pub fn ask(&mut self, indicator: &Indicator, now_ms: u64) -> Ask {
        if !self.settings.enabled {
            return Ask::Not(Unchecked::Off);
        }
        if !indicator.is_public() {
            return Ask::Not(Unchecked::Private);
        }
        let subject = self.subject(indicator);
        if self.under_way.contains_key(&subject) {
            return Ask::UnderWay(subject);
        }
        if self.bad_key {
            return Ask::Not(Unchecked::BadKey);
        }
        if self.under_way.len() >= IN_FLIGHT_MAX {
            return Ask::Not(Unchecked::Busy);
        }
        // A clock that was put back must not silence us for as long.
        self.paused_until_ms = self.paused_until_ms.min(now_ms.saturating_add(FAILURE_PAUSE_MS_MAX));
        if now_ms < self.paused_until_ms {
            return Ask::Not(Unchecked::NotBefore { until_ms: self.paused_until_ms });
        }
        if let Err(until_ms) = self.quota.take(now_ms) {
            return Ask::Not(Unchecked::NotBefore { until_ms });
        }
        self.under_way.insert(subject.clone(), now_ms.saturating_add(self.settings.timeout_ms));
        Ask::Now(subject)
    }

    /// What would be asked instead of `indicator`.
    pub fn subject(&self, indicator: &Indicator) -> Indicator {
        self.settings.exposure.subject(indicator)
    }

    /// How the service is asked.
    pub fn settings(&self) -> &InquirySettings {
        &self.settings
    }

    /// Takes an answer. `Some`: what to learn about `subject`. An answer that comes after its time is still worth
    /// learning.
    pub fn answered(
        &mut self,
        subject: &Indicator,
        answer: Answer,
        now_ms: u64,
    ) -> Option<(Verdict, Counts)> {
        let was_waited_for = self.under_way.remove(subject).is_some();
        match answer {
            Answer::Known(counts) => {
                self.failures = 0;
                Some((counts.verdict(self.settings.thresholds), counts))
            }
            Answer::NotKnown => {
                self.failures = 0;
                Some((Verdict::Unknown, Counts::default()))
            }
            Answer::OverQuota { retry_after_ms } => {
                self.quota.back_off(retry_after_ms, now_ms);
                None
            }
            Answer::BadKey => {
                self.bad_key = true;
                None
            }
            Answer::Failed => {
                // What was given up was counted then.
                if was_waited_for {
                    self.failed(now_ms);
                }
                None
            }
        }
    }

    /// Gives up what has waited too long. Returns what that was: the actions that wait for it go on.
    pub fn expire(&mut self, now_ms: u64) -> Vec<Indicator> {
        let late = |deadline: &u64| *deadline <= now_ms;
        if !self.under_way.values().any(late) {
            return Vec::new();
        }
        let gone: Vec<Indicator> =
            self.under_way.iter().filter(|(_, deadline)| late(deadline)).map(|(of, _)| of.clone()).collect();
        self.under_way.retain(|_, deadline| !late(deadline));
        // Together they are one sign that the service is away.
        self.failed(now_ms);
        gone
    }

    /// When [`Inquiries::expire`] is next due.
    pub fn next_deadline_ms(&self) -> Option<u64> {
        self.under_way.values().min().copied()
    }

    /// What of the quota is spent, to be kept over a restart.
    pub fn spent(&self) -> QuotaUse {
        self.quota.spent()
    }

    /// Questions under way.
    pub fn under_way(&self) -> usize {
        self.under_way.len()
    }

    fn failed(&mut self, now_ms: u64) {
        let pause = FAILURE_PAUSE_MS_MIN.saturating_mul(1 << self.failures.min(16)).min(FAILURE_PAUSE_MS_MAX);
        self.failures = self.failures.saturating_add(1);
        self.paused_until_ms = now_ms.saturating_add(pause);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intel::{Domain, Url};

    fn host(name: &str) -> Indicator {
        Indicator::Domain(Domain::parse(name).unwrap())
    }

    fn inquiries(exposure: Exposure) -> Inquiries {
        let quota = QuotaLimits { per_minute: 100, per_day: 1000 };
        let settings = InquirySettings { enabled: true, exposure, quota, ..InquirySettings::default() };
        Inquiries::new(settings, QuotaUse::default())
    }

    #[test]
    fn one_question_about_one_thing() {
        let mut inquiries = inquiries(Exposure::HostsOnly);
        let url = Indicator::Url(Url::parse("https://a.pincer-test.net/?token=x").unwrap());
        let subject = host("a.pincer-test.net");
        assert_eq!(inquiries.ask(&url, 0), Ask::Now(subject.clone()));
        assert_eq!(inquiries.ask(&subject, 1), Ask::UnderWay(subject.clone()));
        let counts = Counts { malicious: 5, ..Counts::default() };
        let learned = inquiries.answered(&subject, Answer::Known(counts), 2);
        assert_eq!(learned, Some((Verdict::Malicious, counts)));
        assert_eq!(inquiries.ask(&url, 3), Ask::Now(subject), "whoever asks looks up first");
        let mut inquiries = self::inquiries(Exposure::WholeUrls);
        assert_eq!(inquiries.ask(&url, 0), Ask::Now(url.clone()));
    }

    #[test]
    fn what_is_not_asked() {
        let mut off = Inquiries::new(InquirySettings::default(), QuotaUse::default());
        assert_eq!(off.ask(&host("a.pincer-test.net"), 0), Ask::Not(Unchecked::Off));
        let mut inquiries = inquiries(Exposure::WholeUrls);
        assert_eq!(inquiries.ask(&host("nas.local"), 0), Ask::Not(Unchecked::Private));
        for n in 0..IN_FLIGHT_MAX {
            assert!(matches!(inquiries.ask(&host(&format!("h{n}.pincer-test.net")), 0), Ask::Now(_)));
        }
        assert_eq!(inquiries.ask(&host("a.pincer-test.net"), 0), Ask::Not(Unchecked::Busy));
        assert_eq!(inquiries.answered(&host("h0.pincer-test.net"), Answer::BadKey, 1), None);
        assert_eq!(inquiries.ask(&host("a.pincer-test.net"), 2), Ask::Not(Unchecked::BadKey));
    }

    #[test]
    fn quota_and_failures_make_pauses() {
        let settings = InquirySettings { enabled: true, ..InquirySettings::default() };
        let mut inquiries = Inquiries::new(settings, QuotaUse::default());
        let a = host("a.pincer-test.net");
        assert_eq!(inquiries.ask(&a, 0), Ask::Now(a.clone()));
        assert_eq!(inquiries.answered(&a, Answer::OverQuota { retry_after_ms: Some(90_000) }, 10), None);
        assert_eq!(inquiries.ask(&a, 20), Ask::Not(Unchecked::NotBefore { until_ms: 90_010 }));
        let mut now = 90_010;
        for pause in [5_000, 10_000, 20_000] {
            assert_eq!(inquiries.ask(&a, now), Ask::Now(a.clone()));
            assert_eq!(inquiries.answered(&a, Answer::Failed, now), None);
            assert_eq!(inquiries.ask(&a, now), Ask::Not(Unchecked::NotBefore { until_ms: now + pause }));
            now += pause;
        }
        now += 60_000;
        assert_eq!(inquiries.ask(&a, now), Ask::Now(a.clone()));
        assert_eq!(
            inquiries.answered(&a, Answer::NotKnown, now),
            Some((Verdict::Unknown, Counts::default()))
        );
        assert_eq!(inquiries.spent().used, 5);
    }

    #[test]
    fn nothing_is_waited_for_for_ever() {
        let mut inquiries = inquiries(Exposure::HostsOnly);
        let a = host("a.pincer-test.net");
        inquiries.ask(&a, 0);
        assert_eq!(inquiries.next_deadline_ms(), Some(3_000));
        assert_eq!(inquiries.expire(2_999), []);
        assert_eq!(inquiries.expire(3_000), std::slice::from_ref(&a));
        assert_eq!(inquiries.next_deadline_ms(), None);
        let until_ms = 3_000 + FAILURE_PAUSE_MS_MIN;
        assert_eq!(inquiries.ask(&a, 3_001), Ask::Not(Unchecked::NotBefore { until_ms }));
        // Its answer came after all.
        let late = inquiries.answered(&a, Answer::Known(Counts { harmless: 1, ..Counts::default() }), 3_500);
        assert_eq!(late.map(|(verdict, _)| verdict), Some(Verdict::Harmless));
    }
}
