//! The rules as they are worked out: which concepts they need, and where one of them completes a rule.

use super::found::{Hit, Matches};
use super::recent::{Concepts, NEAR_BITS};
use super::view::DENSE;
use crate::RuleId;

/// So many characters of a script without spaces are as long as a word of another.
const DENSE_WORD: u32 = 3;

/// All concepts: what any will do for.
const ANY: Concepts = Concepts::MAX;

/// A rule needs at most so many concepts.
const NEEDS_MAX: usize = 4;

/// Uses of one concept: those of rules that it meets on its own come first.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Used {
    pub(super) from: u16,
    pub(super) alone_to: u16,
    pub(super) to: u16,
    /// Rules ask whether it was seen lately.
    pub(super) partner: bool,
    /// What else its uses look for, near and far: they are open or not by that alone.
    pub(super) sought: [Concepts; 2],
}

/// A rule that needs a concept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Use {
    pub(super) rule: u16,
    /// In which place.
    pub(super) slot: u8,
    /// Looks at the far block, not only at the near one.
    pub(super) far: bool,
    /// The first two of what else it needs: any concept will do if it needs no more.
    pub(super) others: [Concepts; 2],
}

impl Use {
    /// What of `seen`, near and far, it looks at.
    #[inline]
    pub(super) fn among(&self, [near, far]: [Concepts; 2]) -> Concepts {
        if self.far { far } else { near }
    }
}

#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) name: &'static str,
    pub(super) family: RuleId,
    pub(super) need: Vec<Concepts>,
    pub(super) within: u32,
    pub(super) ordered: bool,
    pub(super) across: u32,
    pub(super) negatable: bool,
    /// Its weight is so much at least.
    pub(super) least: f32,
    /// The paragraph around it is judged as a text of its own, too.
    pub(super) apart: bool,
}

/// Which uses have all else that they need among what was `seen`: a bit each, of which there are enough (a test holds it).
pub(super) fn open_uses(uses: &[Use], seen: [Concepts; 2]) -> u64 {
    uses.iter().rev().fold(0, |open, one| {
        let seen = one.among(seen);
        open << 1 | u64::from((one.others[0] & seen != 0) & (one.others[1] & seen != 0))
    })
}

/// The uses of every concept, and where they are.
pub(super) fn uses_of(rules: &[Compiled], concepts: usize, not: usize) -> (Vec<Use>, Vec<Used>) {
    let (mut uses, mut used) = (Vec::new(), Vec::new());
    for concept in 0..concepts {
        let from = uses.len() as u16;
        let mut alone_to = from;
        for alone in [true, false] {
            for (n, rule) in rules.iter().enumerate().filter(|(_, rule)| (rule.need.len() == 1) == alone) {
                for (slot, need) in rule.need.iter().enumerate() {
                    // In order, the last concept is what completes a rule.
                    let completes = !rule.ordered || slot + 1 == rule.need.len();
                    if need >> concept & 1 == 0 || !completes {
                        continue;
                    }
                    let mut others = [ANY; 2];
                    let rest = rule.need.iter().enumerate().filter(|(other, _)| *other != slot);
                    for (place, (_, &need)) in others.iter_mut().zip(rest) {
                        *place = need;
                    }
                    let far = rule.within > 1 << NEAR_BITS;
                    uses.push(Use { rule: n as u16, slot: slot as u8, far, others });
                }
            }
            alone_to = if alone { uses.len() as u16 } else { alone_to };
        }
        let asked = rules.iter().filter(|rule| rule.need.len() > 1).flat_map(|rule| &rule.need);
        let partner = concept == not || asked.fold(0, |all, need| all | need) >> concept & 1 == 1;
        let mut sought = [0; 2];
        for one in uses.iter().skip(usize::from(alone_to)) {
            let at = sought.iter_mut().skip(usize::from(one.far)).take(1);
            at.for_each(|sought| {
                *sought |= one.others.iter().filter(|&&need| need != ANY).fold(0, |all, need| all | need)
            });
        }
        used.push(Used { from, alone_to, to: uses.len() as u16, partner, sought });
    }
    (uses, used)
}

impl Compiled {
    /// Whether `hit` in place `slot` has the others around it, which are among those `seen` lately; the first of them
    /// if so.
    pub(super) fn met(&self, hit: &Hit, slot: usize, seen: Concepts, found: &Matches) -> Option<Hit> {
        let within = if hit.flags & DENSE != 0 { self.within * DENSE_WORD } else { self.within };
        let mut first = *hit;
        // The tokens that are taken, and the one that another has to be before.
        let mut taken: heapless::Vec<(u32, u32), NEEDS_MAX> = heapless::Vec::new();
        let _ = taken.push((hit.token, hit.last_token));
        let mut bound = hit.token;
        for (n, &need) in self.need.iter().enumerate().rev() {
            if n == slot {
                continue;
            }
            let fits = |other: &&Hit| {
                let apart = taken.iter().all(|&(from, to)| other.last_token < from || other.token > to);
                apart
                    && hit.token.abs_diff(other.token) <= within
                    && hit.sentence.abs_diff(other.sentence) <= self.across
                    && (!self.ordered || other.last_token < bound)
            };
            let mut best: Option<&Hit> = None;
            let mut bits = need & seen;
            while bits != 0 {
                let concept = bits.trailing_zeros() as usize;
                bits &= bits - 1;
                let candidate = found.latest(concept).find(fits);
                if let Some(candidate) = candidate
                    && best.is_none_or(|best| best.token < candidate.token)
                {
                    best = Some(candidate);
                }
            }
            let other = best?;
            // A rule has no more than that.
            let _ = taken.push((other.token, other.last_token));
            bound = other.token;
            if other.token < first.token {
                first = *other;
            }
        }
        Some(first)
    }
}
