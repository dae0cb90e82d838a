//! A server's way out: the egress, and the way that what it did takes back to the shards.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use pincer_adapters::ModelRequest;
use pincer_defender::Cleared;
use pincer_shard::driver::{CallId, CallProgress, Lookup, LookupError, LookupId, Mail, ShardId};

use super::{Egress, Limits};
use crate::calls::Calls;
use crate::mesh::Post;

/// How often a shard whose mailbox is full is tried again, and how often at most: one that takes nothing for so long has
/// ended.
const RETRY: Duration = Duration::from_millis(5);
const RETRIES_MAX: usize = 2_000;

/// Performs model calls and look-ups, and reports to the shards of one server. Clones share one [`Egress`].
pub struct Outside<M> {
    egress: Arc<Egress>,
    post: Post<M>,
}

impl<M> Clone for Outside<M> {
    fn clone(&self) -> Outside<M> {
        Outside { egress: Arc::clone(&self.egress), post: self.post.clone() }
    }
}

impl<M: Send + 'static> Outside<M> {
    /// For the shards behind `post`. Costs nothing until the first call.
    pub fn new(limits: Limits, post: Post<M>) -> Outside<M> {
        let reports = post.clone();
        let deliver = move |shard, call, progress| reports.progress(shard, call, progress);
        Outside { egress: Arc::new(Egress::new(limits, deliver)), post }
    }
}

impl<M: Send + 'static> Calls for Outside<M> {
    fn call(
        &mut self,
        shard: ShardId,
        call: CallId,
        request: Box<Cleared<ModelRequest>>,
    ) -> Result<(), CallProgress> {
        self.egress.start(shard, call, *request).map_err(CallProgress::Failed)
    }

    fn look_up(
        &mut self,
        shard: ShardId,
        lookup: LookupId,
        question: Box<Cleared<Lookup>>,
    ) -> Result<(), LookupError> {
        let post = self.post.clone();
        self.egress.lookup(*question, move |answer| post.looked_up(shard, lookup, answer))
    }

    fn build_guards(&mut self, shard: ShardId) -> bool {
        if pincer_defender::guards_built() {
            return false;
        }
        let post = self.post.clone();
        let build = move || {
            pincer_defender::build_guards();
            let mut mail = Mail::GuardsBuilt;
            for _ in 0..RETRIES_MAX {
                match post.control(shard, mail) {
                    Ok(()) => return,
                    Err(back) => mail = back,
                }
                thread::sleep(RETRY);
            }
        };
        // Without a thread the shard builds them itself, when it judges.
        thread::Builder::new().name("pincer-guards".to_owned()).spawn(build).is_ok()
    }

    fn cancel(&mut self, shard: ShardId, call: CallId) {
        self.egress.cancel(shard, call);
    }
}
