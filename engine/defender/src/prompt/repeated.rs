//! Windows that come again.
//!
//! Whoever wants a guard to be busy sends it the worst text it can read, over and over. A window that was read before, byte
//! for byte, says nothing new: the later of two is judged no worse than the first.

/// So many windows are remembered. Text that repeats itself after `n` bytes has no more than `n` different ones, and only
/// a quarter of them where `n` is a multiple of four.
const SLOTS: usize = 128;
/// A window is remembered in one of so many groups of places, the latest first; the oldest is forgotten.
const GROUP: usize = 4;

/// Which windows of one text were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Repeated {
    /// Where they begin. 0 is a free place: the window at the edge of the text is not remembered.
    starts: [[u32; GROUP]; SLOTS / GROUP],
}

impl Default for Repeated {
    fn default() -> Self {
        Self { starts: [[0; GROUP]; SLOTS / GROUP] }
    }
}

impl Repeated {
    /// Whether a window like the one in `start..end` of `text` was read, and is the same to its last byte. If not, it is
    /// one from now on.
    pub(super) fn was_read(&mut self, text: &[u8], start: usize, end: usize) -> bool {
        let window = text.get(start..end).unwrap_or_default();
        let Some(group) = self.starts.get_mut(group(window)) else { return false };
        let same =
            |&from: &u32| from != 0 && text.get(from as usize..).is_some_and(|rest| rest.starts_with(window));
        if group.iter().any(same) {
            return true;
        }
        group.rotate_right(1);
        // Spans are of the same width.
        group[0] = start as u32;
        false
    }
}

/// Which group a window belongs to, by a few of its bytes.
fn group(window: &[u8]) -> usize {
    let place = |n: usize| {
        let eight = window.get(n * window.len() / 4..).and_then(|rest| rest.first_chunk());
        eight.map_or(0, |eight| u64::from_le_bytes(*eight))
    };
    let hash =
        (0..4).fold(0u64, |hash, n| (hash ^ place(n)).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29));
    hash as usize % (SLOTS / GROUP)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: usize = 200;

    /// How many windows of `text` had to be read, one every `step` bytes.
    fn read(text: &str, step: usize) -> usize {
        let mut repeated = Repeated::default();
        let starts = (step..text.len() - WINDOW).step_by(step);
        starts.filter(|&start| !repeated.was_read(text.as_bytes(), start, start + WINDOW)).count()
    }

    #[test]
    fn what_comes_again_is_read_once() {
        assert_eq!(read(&"a".repeat(9000), 150), 1);
        assert_eq!(
            read(&"so it is said and done ".repeat(900), 150),
            23,
            "every place that a window can begin at"
        );
        assert_eq!(read(&"so it is said, and done ".repeat(900), 150), 4);
    }

    #[test]
    fn one_byte_makes_another_window() {
        let mut text = "a".repeat(9000);
        text.replace_range(5000..5001, "b");
        let with_it = WINDOW / 50;
        assert_eq!(read(&text, 50), 1 + with_it);
    }

    #[test]
    fn what_is_forgotten_is_read_again() {
        let all: String = (0..9000).map(|n| format!("{n} ")).collect();
        let windows = (150..all.len() - WINDOW).step_by(150).count();
        assert_eq!(read(&all, 150), windows);
    }
}
