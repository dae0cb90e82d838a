//! Finding the shard that has a run, by the run's id alone.

use pincer_protocol::Wire;

use crate::Shard;
use crate::caller::Held;
use crate::dispatch::MethodCall;
use crate::driver::ShardId;
use crate::gather::{Part, Query};
use crate::message::{ForwardedCall, ShardMsg};
use crate::query::RunFound;

impl Shard {
    /// Hands `call` to the other shard on which `run_id` runs or waits. `nobody` answers when there is none: the run has
    /// ended, or never was.
    ///
    /// A call that is handed on finds the run or a run that just ended, so it is handed on at most once more.
    pub(crate) fn hand_to_run_owner(
        &mut self,
        run_id: String,
        wire: Wire,
        call: MethodCall,
        held: Held,
        nobody: impl FnOnce(&mut Shard, Held) + Send + 'static,
    ) {
        self.ask_all(Query::Run { run_id, wire }, move |shard, parts| {
            let owner = parts.into_iter().find_map(|part| match part {
                Part::Run(RunFound::Busy(owner)) if ShardId(owner) != shard.id => Some(ShardId(owner)),
                _ => None,
            });
            match owner {
                None => nobody(shard, held),
                Some(owner) => shard.send(owner, ShardMsg::Call(Box::new(ForwardedCall { call, held }))),
            }
        });
    }
}
