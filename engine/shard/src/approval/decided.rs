//! Where the shard that opened an approval learns what became of it.

use pincer_protocol::method::approval::Decision;

use super::record::{Holder, Ruling, Why};
use crate::Shard;

impl Shard {
    /// An approval that this shard opened is over. It may be told again, after a restart or after it was opened again,
    /// until [`Shard::approval_taken`] says that nothing is to be done about it any more.
    pub(crate) fn approval_decided(&mut self, id: &str, holder: &Holder, ruling: &Ruling) {
        // Nothing is begun any more; it is told again after the restart.
        if self.draining.is_some() {
            return;
        }
        let by = match (ruling.why, &ruling.by) {
            (Why::User, Some(by)) => by,
            (Why::User, None) => "a person",
            (Why::Timeout, _) => "nobody decided in time",
            (Why::NoRoute | Why::Full, _) => "nobody could be asked",
            (Why::Withdrawn, _) => "it was withdrawn",
        };
        self.info("approvals", format!("{id} is decided: {:?} ({by})", ruling.effect()));
        let allowed = matches!(ruling.effect(), Decision::AllowOnce | Decision::AllowAlways);
        self.review_over(id, &holder.run_id, allowed, by);
    }
}
