//! The end of a world: what must hold then.

use super::judged::approval_id;
use super::*;

impl World {
    /// Everybody gets their answer, and what was accepted is there, once and in order.
    pub(crate) fn settle(&mut self) {
        let seed = self.seed;
        self.clients.retain(|client| !client.closed);
        for at in 0..self.clients.len() {
            self.unstick(at);
        }
        let until = self.now.mono_ms + 20_000;
        while self.pass(until) {}
        for client in self.clients.iter().filter(|client| !client.closed) {
            for (id, (what, answers)) in &client.asked {
                let what = match what {
                    Asked::Connect => "connect",
                    Asked::Message(_) => "chat.send",
                    Asked::Label(..) => "sessions.patch",
                    Asked::Agent => "agent",
                    Asked::Other(method) => method,
                };
                assert_eq!(*answers, 1, "seed {seed}: {what} {id} has no answer");
            }
        }
        let turns = self.disk.rows.iter().filter(|((table, _), _)| *table == Table::Turns);
        let held = |row: &str| row.contains(r#""state":"held""#);
        let (waiting, left): (Vec<_>, Vec<_>) = turns.partition(|(_, row)| held(row));
        assert!(left.is_empty(), "seed {seed}: turns are left over: {left:?}");
        for ((_, id), _) in waiting {
            let approval = (Table::Approvals, approval_id(id));
            assert!(self.disk.rows.contains_key(&approval), "seed {seed}: nobody is asked about {id}");
        }
        self.check_transcripts();
        self.check_labels();
        self.check_approvals();
    }

    fn check_labels(&self) {
        for (key, labels) in &self.labels {
            let Some(acknowledged) = labels.acknowledged else { continue };
            let whole = match *key {
                "main" => "agent:main:main".to_owned(),
                key if key.starts_with("agent:") => key.to_owned(),
                key => format!("agent:main:{key}"),
            };
            let row = self.disk.rows.get(&(Table::Sessions, whole)).expect("a labelled session has a row");
            let row: Value = serde_json::from_str(row).unwrap();
            let allowed = |number: usize| row["label"] == format!("label {number}");
            assert!(
                allowed(acknowledged) || labels.open.iter().any(|(_, number)| allowed(*number)),
                "seed {}: {key} has {}, label {acknowledged} was acknowledged",
                self.seed,
                row["label"]
            );
        }
    }

    fn check_transcripts(&self) {
        let seed = self.seed;
        let mut said = vec![0; self.sent.len()];
        for (path, lines) in &self.disk.transcripts {
            // The last message of each client here. What a reset finds in the queue is written down out of turn.
            let aside = path.contains(".aside.");
            let mut last = vec![None; self.clients_ever];
            for line in lines.iter().filter(|line| line.contains(r#""role":"user""#)) {
                // `… #12# … #13# …`: every second piece is a number.
                for number in line.split('#').skip(1).step_by(2) {
                    let number: usize = number.parse().unwrap();
                    said[number] += 1;
                    // Commands are answered at once, whatever waits.
                    let command = self.sent[number].text.starts_with('/');
                    if let Some(by) = self.sent[number].by.filter(|_| !command && !self.refuses && !aside) {
                        let before = last[by].replace(number);
                        assert!(before < Some(number), "seed {seed}: {number} after {before:?} in {path}");
                    }
                }
            }
        }
        for (number, (sent, times)) in self.sent.iter().zip(said).enumerate() {
            let Sent { key, text, accepted, review, let_through, .. } = sent;
            let blocked = text.starts_with(BLOCKED);
            // A message that was sent again after it was blocked is another entry of the quarantine.
            let entries = self.disk.quarantine.values().filter(|kept| kept.text == *text);
            let fine = match times {
                _ if blocked => times <= if *let_through { entries.count() } else { 0 },
                1 => true,
                0 => !accepted || *review,
                _ => false,
            };
            assert!(
                fine,
                "seed {seed}: message {number} ({text:?} in {key}, accepted: {accepted}) is there {times} times"
            );
        }
    }
}
