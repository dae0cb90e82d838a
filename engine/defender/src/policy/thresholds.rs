//! From which risk on a person is asked, and from which an action is blocked.

use serde::{Deserialize, Serialize};

use super::error::PolicyError;
use super::number::Risk;
use super::verdict::Verdict;
use crate::{BLOCK_AT, REVIEW_AT};

/// Both are reached by a risk that equals them. The guards are calibrated to the defaults.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Thresholds {
    /// A person is asked. At most [`Thresholds::block`].
    pub review: Risk,
    /// It does not happen.
    pub block: Risk,
}

impl Default for Thresholds {
    fn default() -> Thresholds {
        Thresholds { review: Risk::clamped(REVIEW_AT), block: Risk::clamped(BLOCK_AT) }
    }
}

impl Thresholds {
    /// What a risk asks for.
    pub fn verdict(&self, risk: f32) -> Verdict {
        if risk >= self.block.get() {
            Verdict::Block
        } else if risk >= self.review.get() {
            Verdict::Review
        } else {
            Verdict::Allow
        }
    }

    pub(super) fn check(&self) -> Result<(), PolicyError> {
        let Thresholds { review, block } = self;
        if review > block {
            let (review, block) = (review.get(), block.get());
            return Err(PolicyError::field(
                "thresholds.review",
                format!("{review} is above thresholds.block ({block}), allowed is 0 to {block}"),
            ));
        }
        Ok(())
    }
}
