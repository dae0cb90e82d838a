use std::sync::Mutex;
use std::sync::mpsc::{Receiver as Gate, Sender as Key, channel};
use std::time::Duration;

use pincer_sessions::persist::Table;

use super::*;
use crate::bell::{Bell, eventfd};
use crate::log;

/// A store whose commits wait to be let through, and which writes down what happened.
struct Held {
    gate: Gate<()>,
    story: Arc<Mutex<Vec<String>>>,
}

struct Witness(Arc<Mutex<Vec<String>>>);

impl StoreBackend for Held {
    fn commit(&mut self, lists: &[&[StoreOp]]) -> Vec<Result<Vec<Outcome>, StoreError>> {
        let ids: Vec<&str> = lists.iter().flat_map(|ops| ops.iter()).map(id).collect();
        self.story.lock().unwrap().push(format!("begin {}", ids.join(" ")));
        // Gone: the test is over and everything may pass.
        let _ = self.gate.recv();
        self.story.lock().unwrap().push(format!("end {}", ids.join(" ")));
        lists.iter().map(|ops| Ok(vec![Outcome::Done; ops.len()])).collect()
    }

    fn checkpoint_if_due(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn close(self: Box<Self>) -> Result<(), StoreError> {
        self.story.lock().unwrap().push("closed".to_owned());
        Ok(())
    }
}

impl StoreReader for Witness {
    fn read(&mut self, _: &StoreRead) -> ReadAnswer {
        self.0.lock().unwrap().push("read".to_owned());
        ReadAnswer::Transcripts(vec![])
    }
}

fn id(op: &StoreOp) -> &str {
    match op {
        StoreOp::Put { id, .. } => id,
        _ => "?",
    }
}

fn put(id: &str) -> Vec<StoreOp> {
    vec![StoreOp::Put { table: Table::Facts, id: id.to_owned(), json: "1".to_owned() }]
}

const NOTHING: StoreRead = StoreRead::Transcripts(vec![]);

struct World {
    mesh: Arc<Mesh<()>>,
    ports: Vec<StorePort>,
    key: Option<Key<()>>,
    story: Arc<Mutex<Vec<String>>>,
    threads: StoreThreads,
}

impl World {
    fn new(shards: u8) -> World {
        let limits = StoreLimits { stores_max: 3, reads_max: 2, bytes_max: 100 };
        let bells = (0..shards).map(|_| Bell::event(eventfd(false).unwrap())).collect();
        let mesh = Mesh::new(bells, MeshLimits { stores_max: 3, reads_max: 2, ..MeshLimits::default() });
        let (key, gate) = channel();
        let story = Arc::new(Mutex::new(Vec::new()));
        let backend = Box::new(Held { gate, story: Arc::clone(&story) });
        let reader = Box::new(Witness(Arc::clone(&story)));
        let (log, _) = log::start(log::LogOptions::default()).unwrap();
        let (gate, threads) = start(&mesh, limits, backend, reader, log).unwrap();
        let ports = (0..shards).map(|shard| StorePort::new(ShardId(shard), Some(gate.clone()))).collect();
        World { mesh, ports, key: Some(key), story, threads }
    }

    fn commit(&mut self, shard: usize, id: &str) -> Option<Mail<()>> {
        self.ports[shard].commit(Ticket(0), put(id))
    }

    fn let_through(&self) {
        self.key.as_ref().unwrap().send(()).unwrap();
    }

    /// Waits for the next answer to a shard.
    fn answer(&mut self, shard: u8) -> Mail<()> {
        loop {
            if let Some(completion) = self.mesh.take_completion(ShardId(shard)) {
                return self.ports[usize::from(shard)].completed(completion);
            }
            std::thread::sleep(Duration::from_micros(100));
        }
    }

    /// Waits until the story has got that far.
    #[track_caller]
    fn until(&self, expect: &[&str]) {
        loop {
            let story = self.story.lock().unwrap().clone();
            if story == expect {
                return;
            }
            assert!(expect.starts_with(&story.iter().map(String::as_str).collect::<Vec<_>>()), "{story:?}");
            std::thread::sleep(Duration::from_micros(100));
        }
    }

    /// Ends the threads and returns what happened.
    fn end(mut self) -> Vec<String> {
        self.key = None;
        self.ports.clear();
        self.threads.join().unwrap();
        let story = self.story.lock().unwrap();
        story.clone()
    }
}

#[test]
fn what_waits_is_committed_together() {
    let mut world = World::new(2);
    assert!(world.commit(0, "a").is_none());
    world.until(&["begin a"]);
    assert!(world.commit(0, "b").is_none());
    assert!(world.commit(1, "c").is_none());
    assert!(world.commit(0, "d").is_none());
    world.let_through();
    world.let_through();
    assert!(matches!(world.answer(1), Mail::Stored { result: Ok(_), .. }));
    world.until(&["begin a", "end a", "begin b c d", "end b c d"]);
    assert_eq!(world.end().last().map(String::as_str), Some("closed"));
}

#[test]
fn beyond_the_limit_a_commit_is_refused_and_may_be_tried_again() {
    let mut world = World::new(1);
    for id in ["a", "b", "c"] {
        assert!(world.commit(0, id).is_none());
    }
    assert!(matches!(
        world.commit(0, "d"),
        Some(Mail::Stored { result: Err(StoreError { retryable: true, .. }), .. })
    ));
    world.key = None;
    world.answer(0);
    assert!(world.commit(0, "d").is_none());
    let story = world.end();
    let begun = story.iter().filter(|line| line.starts_with("begin"));
    assert_eq!(begun.flat_map(|line| line.split(' ')).filter(|id| *id == "d").count(), 1, "{story:?}");
}

#[test]
fn bytes_are_bounded_but_one_list_always_fits() {
    let mut world = World::new(1);
    let huge = "x".repeat(1_000);
    assert!(world.commit(0, &huge).is_none());
    assert!(world.commit(0, "a").is_some());
    world.let_through();
    world.answer(0);
    assert!(world.commit(0, "a").is_none());
    world.end();
}

#[test]
fn a_read_waits_for_its_own_shards_commits() {
    let mut world = World::new(1);
    world.commit(0, "a");
    world.until(&["begin a"]);
    assert!(world.ports[0].read::<()>(Ticket(1), NOTHING).is_none());
    world.let_through();
    world.until(&["begin a", "end a", "read"]);
    assert!(matches!(world.answer(0), Mail::Stored { .. }));
    assert!(matches!(world.answer(0), Mail::Read { ticket: Ticket(1), .. }));
    world.end();
}

#[test]
fn a_read_does_not_wait_for_other_shards_commits() {
    let mut world = World::new(2);
    world.commit(0, "a");
    world.until(&["begin a"]);
    world.ports[1].read::<()>(Ticket(1), NOTHING);
    assert!(matches!(world.answer(1), Mail::Read { .. }), "while the commit is still held");
    assert_eq!(world.end(), ["begin a", "read", "end a", "closed"]);
}

#[test]
fn reads_are_bounded_too() {
    let mut world = World::new(1);
    world.commit(0, "a");
    for _ in 0..2 {
        assert!(world.ports[0].read::<()>(Ticket(1), NOTHING).is_none());
    }
    let refused = world.ports[0].read::<()>(Ticket(1), NOTHING);
    assert!(matches!(refused, Some(Mail::Read { answer: ReadAnswer::Failed(_), .. })));
    assert_eq!(world.ports[0].pending(), (1, 2));
    world.end();
}

#[test]
fn what_was_handed_over_is_committed_before_the_end() {
    let mut world = World::new(1);
    for id in ["a", "b", "c"] {
        world.commit(0, id);
    }
    let story = world.end().join(" ");
    for id in ["a", "b", "c"] {
        assert!(story.contains(id), "{story}");
    }
}
