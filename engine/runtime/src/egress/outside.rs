//! A server's way out: the egress, and the way its answers take back to the shards.

use std::sync::Arc;

use pincer_adapters::ModelRequest;
use pincer_defender::Cleared;
use pincer_shard::driver::{CallId, CallProgress, Lookup, LookupError, LookupId, ShardId};

use super::{Egress, Limits};
use crate::calls::Calls;
use crate::mesh::Post;

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

    fn cancel(&mut self, shard: ShardId, call: CallId) {
        self.egress.cancel(shard, call);
    }
}
