//! The prompt guard on mutated rows: no panic, and no text that takes it long.

use std::time::Duration;

use pincer_defender::prompt::{PromptGuard, Scratch};

use super::clock;
use super::corpus::Row;
use super::prompts::provenance;

/// A small generator (xorshift), so that a run can be repeated.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % most.max(1) as u64) as usize
    }
}

/// Pieces that parsers stumble over.
const PIECES: [&str; 16] = [
    "\u{200b}",
    "&#",
    "\\u",
    "%C3",
    "\"",
    "`",
    "```",
    "|",
    "i g n o r e ",
    "<!--",
    "\u{e0041}",
    "\u{202e}",
    "忽略",
    "aWdub3Jl",
    "\u{fe0f}\u{fe01}",
    "\n\n",
];

/// Judges `count` mutations of rows; prints the worst time a byte.
pub(crate) fn mutate(rows: &[Row], guard: &PromptGuard, count: usize) {
    let (mut dice, mut scratch) = (Dice(0x9E37_79B9_7F4A_7C15), Scratch::default());
    let (since, mut worst, mut bytes) = (clock::now(), Duration::ZERO, 0usize);
    for _ in 0..count {
        let row = &rows[dice.below(rows.len())];
        let mut chars: Vec<char> = row.text.chars().take(1 + dice.below(1500)).collect();
        for _ in 0..1 + dice.below(6) {
            let at = dice.below(chars.len());
            match dice.below(5) {
                0 => chars[at] = char::from_u32(dice.below(0x11_0000) as u32).unwrap_or('\u{fffd}'),
                1 => drop(chars.drain(at..(at + 1 + dice.below(20)).min(chars.len()))),
                2 => drop(chars.splice(at..at, PIECES[dice.below(PIECES.len())].chars())),
                3 => {
                    let other = &rows[dice.below(rows.len())];
                    chars.splice(at..at, other.text.chars().take(dice.below(100)));
                }
                _ => {
                    let part: Vec<char> = chars[at..(at + dice.below(40)).min(chars.len())].to_vec();
                    chars.splice(at..at, part.iter().cycle().take(part.len() * dice.below(8)).copied());
                }
            }
            if chars.is_empty() {
                chars.push('x');
            }
        }
        let text: String = chars.into_iter().collect();
        bytes += text.len();
        let began = clock::now();
        let assessment = guard.assess(&text, provenance(row.channel), &mut scratch);
        worst = worst.max(clock::since(began));
        for finding in &assessment.findings {
            assert!(text.get(finding.span.start as usize..finding.span.end as usize).is_some(), "{text:?}");
        }
    }
    println!(
        "{count} mutations, {bytes} bytes, {:.1} s, worst {:.3} ms",
        clock::since(since).as_secs_f64(),
        worst.as_secs_f64() * 1e3
    );
}
