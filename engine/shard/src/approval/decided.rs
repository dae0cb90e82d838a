//! Where the shard that opened an approval learns what became of it.

use super::record::{Holder, Ruling};
use crate::Shard;

impl Shard {
    /// An approval that this shard opened is over. It may be told again, after a restart or after it was opened again,
    /// until [`Shard::approval_taken`] says that nothing is to be done about it any more.
    pub(crate) fn approval_decided(&mut self, id: &str, holder: &Holder, ruling: &Ruling) {
        let Holder { session_key, run_id } = holder;
        let (effect, why) = (ruling.effect(), ruling.why);
        self.info("approvals", format!("{id} for run {run_id} of {session_key}: {effect:?} ({why:?})"));
    }
}
