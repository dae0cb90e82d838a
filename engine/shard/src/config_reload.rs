//! A config file that changed while we run.

use crate::Shard;

impl Shard {
    /// Home reads the new text. Reloading is not built: a restart applies it.
    pub(crate) fn config_changed(&mut self, _raw: &[u8]) {
        self.info("gateway/reload", "the config file changed; restart to apply it".to_owned());
    }
}
