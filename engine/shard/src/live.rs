//! What v4 clients that subscribed hear of a session: `sessions.changed`, `session.message`.

use pincer_sessions::key::SessionKey;

use crate::Shard;
use crate::run::stream::Change;

impl Shard {
    /// A session changed.
    pub(crate) fn session_changed(&mut self, _key: &SessionKey, _change: Change) {}
}
