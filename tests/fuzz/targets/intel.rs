//! Threat intel: what it reads of texts, lists and answers.
//!
//! Input: a byte that chooses what the rest is (0 a text, 1 a list, 2 an address or host, 3 an answer of VirusTotal with
//! two more bytes for its status, 4 a signed baseline, 5 a snapshot), then the rest.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use pincer_adapters::model::Secret;
use pincer_adapters::virustotal::{self, Subject, VirusTotal};
use pincer_defender::host::{BaselineKey, open, seal};
use pincer_defender::intel::{
    Domain, EXTRACT_MAX, Extract, Extracted, Indicator, IntelDelta, IntelSet, LEARNED_MAX, Lifetimes,
    LocalLists, Lookup, PROBLEMS_MAX, Snapshot, URL_BYTES_MAX, Url, extract,
};

fuzz_target!(|input: &[u8]| {
    let Some((choice, rest)) = input.split_first() else { return };
    if *choice == 3 {
        return answer(rest);
    }
    let Ok(text) = std::str::from_utf8(rest) else { return };
    match choice {
        0 => in_text(text),
        1 => list(text),
        2 => spelling(text),
        4 => baseline(text),
        _ => snapshot(text),
    }
});

/// What is found is in the text, in bounds, and written as it is read.
fn in_text(text: &str) {
    let mut found = Extracted::default();
    for what in [Extract::Explicit, Extract::AlsoBareHosts] {
        extract(text, what, &mut found);
        assert!(found.found.len() <= EXTRACT_MAX);
        for found in &found.found {
            let span =
                text.get(found.span.start as usize..found.span.end as usize).expect("a span of the text");
            assert!(!span.is_empty());
            normal(&found.indicator);
        }
    }
}

/// A list never fails; every entry that blocks is found again, unless a more exact one allows.
fn list(text: &str) {
    let mut lists = LocalLists::default();
    let report = lists.add(text);
    assert!(report.problems.len() <= PROBLEMS_MAX && report.problems.len() as u32 <= report.problems_total);
    assert!(lists.len() as u64 <= u64::from(report.blocked) + u64::from(report.allowed));
    let (blocked, allowed) = (report.blocked, report.allowed);
    let set = IntelSet::new(Arc::new(lists.clone()), Lifetimes::default(), 4);
    let mut found = Extracted::default();
    extract(text, Extract::AlsoBareHosts, &mut found);
    for found in &found.found {
        match set.lookup(&found.indicator, 0) {
            Lookup::Allowed => assert!(allowed > 0),
            Lookup::Blocked => assert!(blocked > 0),
            Lookup::Nothing => {}
            Lookup::Learned { .. } => panic!("nothing was learned"),
        }
    }
    // The same list again is no news.
    let again = lists.add(text);
    assert_eq!((again.blocked, again.allowed), (0, 0));
    assert_eq!(again.problems, report.problems);
}

fn spelling(text: &str) {
    if let Ok(domain) = Domain::parse(text) {
        assert!(domain.suffixes().count() <= 127);
        normal(&Indicator::Domain(domain));
    }
    if let Ok(url) = Url::parse(text) {
        normal(&Indicator::Url(url));
    }
}

fn normal(indicator: &Indicator) {
    match indicator {
        Indicator::Url(url) => {
            assert_eq!(Url::parse(url.as_str()).as_ref(), Ok(url));
            assert!(
                url.as_str().len() <= URL_BYTES_MAX && url.as_str().bytes().all(|b| b.is_ascii_graphic())
            );
            assert!(url.place().starts_with(url.host().as_str()) || url.place().starts_with('['));
            assert_eq!(Domain::parse(url.host().as_str()).as_ref(), Ok(url.host()));
            let service = VirusTotal { base_url: String::new(), api_key: Secret::default() };
            assert!(service.request(Subject::Url(url.as_str())).is_ok());
        }
        Indicator::Domain(domain) => {
            assert_eq!(Domain::parse(domain.as_str()).as_ref(), Ok(domain));
            let service = VirusTotal { base_url: String::new(), api_key: Secret::default() };
            let subject = domain.ip().map_or(Subject::Domain(domain.as_str()), Subject::Ip);
            let request = service.request(subject).expect("a host can be asked about");
            assert_eq!(request.url.matches('/').count(), 4, "it stays in its place: {}", request.url);
        }
        Indicator::Sha256(_) => {}
    }
}

fn answer(bytes: &[u8]) {
    let Some((status, body)) = bytes.split_first_chunk::<2>() else { return };
    for status in [200, u16::from_le_bytes(*status)] {
        if let Ok(Some(stats)) = virustotal::read(status, None, body) {
            assert_eq!(status, 200, "{stats:?}");
        }
    }
}

/// No text that we did not sign is believed; one that we signed is read as it was.
fn baseline(text: &str) {
    let key = BaselineKey::from_seed(&[7; 32]);
    if let Ok(baseline) = open(text, &key.public()) {
        assert!(seal(&baseline, &key).eq_ignore_ascii_case(text));
    }
}

fn snapshot(text: &str) {
    let (now_ms, lists) = (1_000_000, Arc::default());
    if let Ok(snapshot) = serde_json::from_str::<Snapshot>(text) {
        let mut set = IntelSet::new(lists, Lifetimes::default(), LEARNED_MAX);
        let taken = set.restore(snapshot, now_ms);
        let kept = set.snapshot(now_ms);
        assert!(kept.learned.len() <= taken);
        assert!(kept.learned.iter().all(|learned| learned.entry.learned_at_ms <= now_ms));
        let mut other = IntelSet::new(Arc::default(), Lifetimes::default(), LEARNED_MAX);
        other.restore(kept.clone(), now_ms);
        assert_eq!(other.snapshot(now_ms), kept);
    }
    if let Ok(delta) = serde_json::from_str::<IntelDelta>(text) {
        let mut twice = delta.clone();
        twice.merge(&delta);
        assert_eq!(twice, delta);
    }
}
