//! stub
use pincer_protocol::Wire;
use pincer_protocol::method::sessions::ResetReason;
use pincer_sessions::key::SessionKey;
use pincer_sessions::persist::StoreOp;
impl crate::Shard {
    pub(crate) fn reset_session(&mut self, _: &SessionKey, _: ResetReason, _: Wire) -> Vec<StoreOp> {
        vec![]
    }
}
