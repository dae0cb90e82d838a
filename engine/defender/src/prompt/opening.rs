//! How a word of a text is known before the tree of phrases is walked: most words need no walk.
//!
//! A word that is a phrase alone is found by its hash, and so is one that is only counted. Whether a longer phrase may
//! begin with a word, or a phrase end inside of it, is asked of small sets of hashes, which say yes to all that do and to a
//! few that do not; the tree then says no.

use std::ops::Range;

/// Words, and beginnings of words, that phrases begin with.
#[derive(Debug)]
pub(super) struct Openings {
    /// Eight places a bucket: the words' numbers, and a byte of the hash of each that is a phrase itself.
    tags: Box<[u64; 1 << BUCKET_BITS]>,
    numbers: Vec<[u16; 8]>,
    words: Vec<Known>,
    /// The bytes of all of them.
    text: Vec<u8>,
    counted: Counted,
    /// Words, with the first three of what a phrase has behind them; then with six, or three where there are not so many.
    begins: Bits<1024>,
    longer: Bits<1024>,
    longish: Bits<512>,
    /// What phrases have behind a word that have no more than two bytes there: zero is for a second that there is not.
    nearer: Vec<[u8; 2]>,
    /// Words, with the first of such bytes.
    near: Bits<64>,
    /// The first four bytes of phrases that end inside of a word, or three and any fourth; then more of them: six, five or
    /// four, where there are not so many.
    stems: Bits<1024>,
    six: Bits<256>,
    five: Bits<64>,
    four: Bits<512>,
    /// First bytes of phrases in a script whose characters may stand alone: six, or three where there are not so many.
    far: Bits<64>,
    far_short: Bits<64>,
    /// First bytes of shorter ones, and of words that found no place.
    leads: [bool; 256],
    /// The first three bytes of phrases that begin with a sign.
    signs: Bits<256>,
    /// The two bytes of shorter ones, and signs that are one.
    sign_pairs: Bits<64>,
    short_signs: [bool; 256],
}

/// A word that is known exactly.
#[derive(Debug, Default)]
struct Known {
    /// Its first eight bytes, and all of them.
    first: u64,
    text: Range<u32>,
    /// It is a phrase: these entries of the tree end with it.
    entries: Range<u32>,
    /// What phrases have behind it that have no more than two bytes there.
    nearer: Range<u8>,
}

/// What is known of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Opens {
    /// No phrase begins with it.
    Nothing,
    /// No longer phrase begins with it: these entries of the tree end with it.
    Alone(Range<usize>),
    /// The tree has to be asked.
    Walk,
}

/// What a first look at a word tells.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Look {
    hash: u64,
    /// Places of the word's bucket that may be the word's, if it is a phrase itself.
    same: u64,
    /// A phrase may have one or two bytes behind it.
    near: bool,
    /// A phrase may begin with its first bytes.
    stem: bool,
    /// A phrase may begin with it and what is behind it.
    longer: bool,
    /// It is one of those that are counted.
    pub(super) is_counted: bool,
}

impl Look {
    /// Whether anything may be known: false for most words of which nothing is.
    #[inline]
    pub(super) fn may_open(&self) -> bool {
        self.stem | self.longer | self.near | (self.same != 0)
    }
}

/// Words that are counted: a few short ones.
#[derive(Debug)]
struct Counted {
    /// Their bytes, each where the last eight bits of its hash, turned by so much, say. No two have the same place.
    places: Box<[u64; 256]>,
    turn: u32,
}

/// Words that are counted have at most so many bytes: no longer word begins with the same eight.
const COUNTED_BYTES_MAX: usize = 7;

impl Counted {
    fn new(words: &[String]) -> Self {
        let firsts = || {
            let short =
                words.iter().map(|word| word.as_bytes()).filter(|word| word.len() <= COUNTED_BYTES_MAX);
            short.map(|word| (eight(word, 0), hash(eight(word, 0), word.len())))
        };
        // Of few words in many places, most turns put no two into one.
        let is_clear = |&turn: &u32| {
            let mut taken = [false; 256];
            firsts().all(|(_, hash)| {
                let place = taken.get_mut(Self::place(hash, turn));
                place.is_some_and(|taken| !std::mem::replace(taken, true))
            })
        };
        let turn = (0..u64::BITS).find(is_clear);
        debug_assert!(turn.is_some(), "of two words in one place only one is counted");
        let mut counted = Self { places: Box::new([0; 256]), turn: turn.unwrap_or(0) };
        for (first, hash) in firsts() {
            let place = counted.places.get_mut(Self::place(hash, counted.turn));
            place.into_iter().for_each(|place| *place = first);
        }
        counted
    }

    #[inline]
    fn place(hash: u64, turn: u32) -> usize {
        (hash.rotate_left(turn) & 0xFF) as usize
    }

    #[inline]
    fn has(&self, first: u64, hash: u64) -> bool {
        self.places.get(Self::place(hash, self.turn)).is_some_and(|&place| place == first)
    }
}

/// A set of hashes: a bit each, in so many blocks of 64, which is a power of two.
#[derive(Debug)]
struct Bits<const BLOCKS: usize>(Box<[u64; BLOCKS]>);

impl<const BLOCKS: usize> Bits<BLOCKS> {
    fn new() -> Self {
        Self(Box::new([0; BLOCKS]))
    }

    /// The highest bits of the hash tell the place.
    #[inline]
    fn place(hash: u64) -> (usize, u64) {
        let place = hash >> (u64::BITS - BLOCKS.ilog2() - 6);
        ((place >> 6) as usize % BLOCKS, place & 63)
    }

    fn add(&mut self, hash: u64) {
        let (block, bit) = Self::place(hash);
        if let Some(block) = self.0.get_mut(block) {
            *block |= 1 << bit;
        }
    }

    /// The lowest bit tells.
    #[inline]
    fn has(&self, hash: u64) -> u64 {
        let (block, bit) = Self::place(hash);
        self.0.get(block).map_or(0, |block| block >> bit)
    }
}

/// How many buckets there are, as a power of two: most hold two of eight words.
const BUCKET_BITS: u32 = 11;

const SIX: u64 = 0xFFFF_FFFF_FFFF;
/// Leads characters of three bytes or more.
const FAR: u8 = 0xE0;

const FIVE: u64 = 0xFF_FFFF_FFFF;
const FOUR: u64 = 0xFFFF_FFFF;
const THREE: u64 = 0xFF_FFFF;
const TWO: u64 = 0xFFFF;

#[inline]
fn mix(value: u64) -> u64 {
    value.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Eight bytes from `at` on, the first the lowest; zeros behind the end.
#[inline]
fn eight(text: &[u8], at: usize) -> u64 {
    match text.get(at..at + 8).and_then(<[u8]>::first_chunk) {
        Some(eight) => u64::from_le_bytes(*eight),
        None => last(text, at),
    }
}

/// The same near the end of the text.
#[cold]
fn last(text: &[u8], at: usize) -> u64 {
    let rest = text.get(at..).unwrap_or_default();
    rest.iter().take(8).rev().fold(0, |all, &byte| all << 8 | u64::from(byte))
}

/// As many of the eight bytes as a word of `len` bytes has.
#[inline]
fn kept(raw: u64, len: usize) -> u64 {
    const KEPT: [u64; 9] = [0, 0xFF, 0xFFFF, THREE, FOUR, FIVE, SIX, u64::MAX >> 8, u64::MAX];
    raw & KEPT.get(len.min(8)).copied().unwrap_or(u64::MAX)
}

/// Of a word of `len` bytes whose first are `first`. Words that differ behind their eighth byte only have the same.
#[inline]
fn hash(first: u64, len: usize) -> u64 {
    let mixed = mix(first ^ len as u64);
    mixed ^ mixed >> 32
}

/// With one byte that stands behind it.
#[inline]
fn with_one(word: u64, behind: u64) -> u64 {
    word.rotate_left(23) ^ behind << 56
}

/// With three bytes that stand behind it.
#[inline]
fn with_three(word: u64, behind: u64) -> u64 {
    mix(word ^ (behind & THREE) << 32)
}

/// With six.
#[inline]
fn with_six(word: u64, behind: u64) -> u64 {
    mix(word.rotate_left(11) ^ mix(behind & SIX))
}

fn set(bytes: &mut [bool; 256], byte: u8) {
    bytes.iter_mut().skip(usize::from(byte)).take(1).for_each(|set| *set = true);
}

#[inline]
fn bucket(hash: u64) -> usize {
    (hash >> (u64::BITS - BUCKET_BITS)) as usize
}

/// A byte of the hash that is not the bucket's; zero is for places that are free.
#[inline]
fn tag(hash: u64) -> u8 {
    (hash as u8).max(1)
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

impl Openings {
    /// Of `phrases`, each with whether it may end inside of a word, and short words that are counted. `ending` finds the entries
    /// of a phrase; `is_word` says what words are made of: the rest are signs.
    pub(super) fn new<'a>(
        phrases: impl IntoIterator<Item = (&'a str, bool)>,
        counted: &[String],
        ending: impl Fn(&str) -> Range<usize>,
        is_word: impl Fn(u8) -> bool,
    ) -> Self {
        let mut openings = Self {
            tags: Box::new([0; 1 << BUCKET_BITS]),
            numbers: vec![[u16::MAX; 8]; 1 << BUCKET_BITS],
            words: Vec::new(),
            text: Vec::new(),
            counted: Counted::new(counted),
            begins: Bits::new(),
            longer: Bits::new(),
            longish: Bits::new(),
            nearer: Vec::new(),
            near: Bits::new(),
            stems: Bits::new(),
            six: Bits::new(),
            five: Bits::new(),
            four: Bits::new(),
            far: Bits::new(),
            far_short: Bits::new(),
            leads: [false; 256],
            signs: Bits::new(),
            sign_pairs: Bits::new(),
            short_signs: [false; 256],
        };
        let mut nearer: Vec<(usize, [u8; 2])> = Vec::new();
        for (phrase, is_open) in phrases {
            let bytes = phrase.as_bytes();
            let len = bytes.iter().take_while(|&&byte| is_word(byte)).count();
            let Some(&lead) = bytes.first() else { continue };
            let raw = eight(bytes, 0);
            if lead >= FAR {
                match bytes.len() {
                    ..6 => openings.far_short.add(mix(raw & THREE)),
                    _ => openings.far.add(mix(raw & SIX)),
                }
            }
            if len == 0 {
                match bytes.len() {
                    1 => set(&mut openings.short_signs, lead),
                    2 => openings.sign_pairs.add(mix(raw & TWO)),
                    _ => openings.signs.add(mix(raw & THREE)),
                }
                continue;
            }
            let behind = eight(bytes, len);
            match bytes.len() - len {
                0 if !is_open => {
                    let entries = ending(phrase);
                    if let Some((_, known)) = openings.add(bytes) {
                        known.entries = entries.start as u32..entries.end as u32;
                    }
                }
                0 if len >= 6 => openings.add_stem(raw, |openings| openings.six.add(mix(raw & SIX))),
                0 if len == 5 => openings.add_stem(raw, |openings| openings.five.add(mix(raw & FIVE))),
                0 if len == 4 => openings.add_stem(raw, |openings| openings.four.add(mix(raw & FOUR))),
                1 | 2 => {
                    if let Some((number, _)) = openings.add(bytes.get(..len).unwrap_or_default()) {
                        nearer.push((number, [behind as u8, (behind >> 8) as u8]));
                    }
                }
                // Whatever comes behind three.
                0 if len == 3 => (0..=0xFF).for_each(|byte| {
                    let raw = raw & THREE | byte << 24;
                    openings.add_stem(raw, |openings| openings.four.add(mix(raw)));
                }),
                0 => set(&mut openings.leads, lead),
                more => {
                    let word = hash(kept(raw, len), len);
                    match more {
                        3..6 => openings.longish.add(with_three(word, behind)),
                        _ => openings.longer.add(with_six(word, behind)),
                    }
                    openings.begins.add(with_three(word, behind));
                }
            }
        }
        openings.sort_nearer(nearer);
        openings
    }

    fn add_stem(&mut self, raw: u64, add: impl FnOnce(&mut Self)) {
        self.stems.add(mix(raw & FOUR));
        add(self);
    }

    /// Puts what stands behind words together, those of one word.
    fn sort_nearer(&mut self, mut nearer: Vec<(usize, [u8; 2])>) {
        nearer.sort_unstable();
        nearer.dedup();
        for (number, behind) in nearer {
            let Some(known) = self.words.get_mut(number) else { continue };
            let here = u8::try_from(self.nearer.len());
            let (Ok(here), false) = (here, here == Ok(u8::MAX)) else {
                // More than are numbered: the tree is asked about all words with its first letter.
                set(&mut self.leads, known.first as u8);
                continue;
            };
            if known.nearer.is_empty() {
                known.nearer.start = here;
            }
            known.nearer.end = here + 1;
            self.nearer.push(behind);
            self.near.add(with_one(hash(known.first, known.text.len()), u64::from(behind[0])));
        }
        // What begins a phrase and is none is not taken for one.
        for (number, known) in self.words.iter().enumerate().filter(|(_, known)| known.entries.is_empty()) {
            let bucket = bucket(hash(known.first, known.text.len()));
            let place =
                self.numbers.get(bucket).and_then(|held| held.iter().position(|&n| usize::from(n) == number));
            if let (Some(place), Some(tags)) = (place, self.tags.get_mut(bucket)) {
                *tags &= !(0xFF << (8 * place));
            }
        }
    }

    /// The number and the place of a word, which is made if there is none. `None`: its bucket is full, and the tree is asked about all
    /// words with its first letter.
    fn add(&mut self, word: &[u8]) -> Option<(usize, &mut Known)> {
        let first = kept(eight(word, 0), word.len());
        let hash = hash(first, word.len());
        let (bucket, new) = (bucket(hash), self.words.len() as u16);
        let held = self.numbers.get(bucket).copied().unwrap_or([u16::MAX; 8]);
        let same = |&&number: &&u16| {
            self.words.get(usize::from(number)).is_some_and(|known| self.spelled(known) == word)
        };
        if let Some(&number) = held.iter().find(same) {
            return Some((usize::from(number), self.words.get_mut(usize::from(number))?));
        }
        let free = held.iter().position(|&number| number == u16::MAX).filter(|_| new < u16::MAX);
        let (Some(free), Some(numbers), Some(tags)) =
            (free, self.numbers.get_mut(bucket), self.tags.get_mut(bucket))
        else {
            word.first().into_iter().for_each(|&lead| set(&mut self.leads, lead));
            return None;
        };
        numbers.iter_mut().skip(free).take(1).for_each(|number| *number = new);
        *tags |= u64::from(tag(hash)) << (8 * free);
        let from = self.text.len() as u32;
        self.text.extend_from_slice(word);
        self.words.push(Known { first, text: from..self.text.len() as u32, ..Known::default() });
        Some((usize::from(new), self.words.last_mut()?))
    }

    fn spelled(&self, known: &Known) -> &[u8] {
        self.text.get(known.text.start as usize..known.text.end as usize).unwrap_or_default()
    }

    /// A first look at the word in `start..end` of a text. Without a branch: words are of all kinds.
    #[inline(always)]
    pub(super) fn look(&self, text: &[u8], start: usize, end: usize) -> Look {
        let (raw, len) = (eight(text, start), end - start);
        let first = kept(raw, len);
        let hash = hash(first, len);
        let lead = self.leads.get((raw & 0xFF) as usize).copied().unwrap_or(false);
        let stem = (self.stems.has(mix(raw & FOUR)) | u64::from(lead)) & 1 != 0;
        let behind = eight(text, end);
        let longer = self.begins.has(with_three(hash, behind)) & 1 != 0;
        let near = self.near.has(with_one(hash, behind)) & 1 != 0;
        Look {
            hash,
            same: self.same_tags(hash),
            stem,
            longer,
            near,
            is_counted: self.counted.has(first, hash),
        }
    }

    /// The same of a text whose characters may stand alone. What stands alone is not told apart from what does not.
    #[inline]
    pub(super) fn look_dense(&self, text: &[u8], start: usize, end: usize) -> Look {
        let raw = eight(text, start);
        if (raw & 0xFF) as u8 >= FAR {
            let stem = (self.far.has(mix(raw & SIX)) | self.far_short.has(mix(raw & THREE))) & 1 != 0;
            return Look { stem, ..Look::default() };
        }
        self.look(text, start, end)
    }

    /// Whether a phrase may end inside of a word, by more of its first bytes.
    #[inline]
    fn is_stem(&self, raw: u64) -> bool {
        let lead = (raw & 0xFF) as u8;
        let short = lead >= FAR || self.leads.get(usize::from(lead)).copied().unwrap_or(false);
        let long =
            self.six.has(mix(raw & SIX)) | self.five.has(mix(raw & FIVE)) | self.four.has(mix(raw & FOUR));
        (long | u64::from(short)) & 1 != 0
    }

    /// Whether a phrase may begin with a word and have behind it what stands there, by more of it.
    #[inline]
    fn is_longer(&self, hash: u64, behind: u64) -> bool {
        (self.longer.has(with_six(hash, behind)) | self.longish.has(with_three(hash, behind))) & 1 != 0
    }

    /// The highest bit of each place of the word's bucket whose tag is the word's; of those above the lowest such place
    /// some have another.
    #[inline]
    fn same_tags(&self, hash: u64) -> u64 {
        let apart = self.tags.get(bucket(hash)).copied().unwrap_or(0) ^ (u64::from(tag(hash)) * ONES);
        apart.wrapping_sub(ONES) & !apart & HIGHS
    }

    /// What is known of the word in `start..end` of a text, by the first look.
    #[inline]
    pub(super) fn of(&self, look: Look, text: &[u8], start: usize, end: usize) -> Opens {
        let Look { hash, mut same, stem, longer, near, .. } = look;
        let (bucket, len, raw) = (bucket(hash), end - start, eight(text, start));
        let first = kept(raw, len);
        let behind = eight(text, end);
        let walk = longer & self.is_longer(hash, behind) | stem & self.is_stem(raw);
        if near {
            // Also those that are no phrases themselves.
            same = HIGHS;
        }
        while same != 0 {
            let place = (same.trailing_zeros() / 8) as usize;
            same &= same - 1;
            let number = self.numbers.get(bucket).and_then(|numbers| numbers.get(place));
            if let Some(known) = number.and_then(|&number| self.words.get(usize::from(number)))
                && known.first == first
                && known.text.len() == len
                && (len <= 8 || text.get(start..end) == Some(self.spelled(known)))
            {
                return match walk || self.goes_on(known, behind) {
                    true => Opens::Walk,
                    false => Opens::Alone(known.entries.start as usize..known.entries.end as usize),
                };
            }
        }
        if walk { Opens::Walk } else { Opens::Nothing }
    }

    /// Whether a phrase may have behind a word what stands there, if it is no more than two bytes.
    #[inline]
    fn goes_on(&self, known: &Known, behind: u64) -> bool {
        let nearer = self.nearer.get(usize::from(known.nearer.start)..usize::from(known.nearer.end));
        let is = |&[one, two]: &[u8; 2]| one == behind as u8 && (two == 0 || two == (behind >> 8) as u8);
        nearer.unwrap_or_default().iter().any(is)
    }

    /// Whether a phrase may begin with the sign at `at` of a text.
    #[inline]
    pub(super) fn at_sign(&self, text: &[u8], at: usize) -> bool {
        let raw = eight(text, at);
        let short = self.short_signs.get((raw & 0xFF) as usize).copied().unwrap_or(false);
        (self.signs.has(mix(raw & THREE)) | self.sign_pairs.has(mix(raw & TWO)) | u64::from(short)) & 1 != 0
    }

    /// Bytes that the tables take.
    pub(super) fn bytes(&self) -> usize {
        self.tags.len() * 8
            + self.numbers.len() * 16
            + self.words.len() * size_of::<Known>()
            + self.text.len()
            + (self.counted.places.len() + self.begins.0.len()) * 8
            + (self.longer.0.len() + self.longish.0.len() + self.six.0.len() + self.stems.0.len()) * 8
            + (self.five.0.len() + self.four.0.len() + self.far.0.len() + self.far_short.0.len()) * 8
            + (self.near.0.len() + self.signs.0.len() + self.sign_pairs.0.len()) * 8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_word(byte: u8) -> bool {
        byte.is_ascii_alphanumeric() || byte >= 0x80
    }

    fn openings(phrases: &[&'static str]) -> Openings {
        let split = |phrase: &&'static str| match phrase.strip_suffix('*') {
            Some(stem) => (stem, true),
            None => (*phrase, false),
        };
        let counted = ["the", "to"].map(str::to_owned);
        // The entries of a phrase are known by its length.
        Openings::new(phrases.iter().map(split), &counted, |phrase| 0..phrase.len(), is_word)
    }

    #[track_caller]
    fn check(openings: &Openings, text: &str, expect: Opens) {
        let end = text.bytes().take_while(|&byte| is_word(byte)).count();
        // At the end of a text and elsewhere.
        for behind in ["", " and many more words"] {
            let text = format!("{text}{behind}");
            let text_bytes = text.as_bytes();
            let look = openings.look(text_bytes, 0, end);
            assert!(look.may_open() || expect == Opens::Nothing, "{text:?}");
            assert_eq!(openings.of(look, text_bytes, 0, end), expect, "{text:?}");
        }
    }

    #[test]
    fn what_words_open() {
        let openings = openings(&[
            "now",
            "the rules",
            "instruct*",
            "doxx*",
            "sag*",
            "is",
            "zu*",
            "i'm here",
            "c#",
            "c++",
            "to",
            "internationalised",
        ]);
        check(&openings, "now", Opens::Alone(0..3));
        check(&openings, "know", Opens::Nothing);
        check(&openings, "nowhere", Opens::Nothing);
        check(&openings, "the rules", Opens::Walk);
        check(&openings, "the rest", Opens::Nothing);
        check(&openings, "the rule", Opens::Nothing);
        check(&openings, "to", Opens::Alone(0..2));
        for walked in ["instructing us", "doxxed", "sagen", "sag", "zu", "zurück", "i'm here", "c#", "c++"] {
            check(&openings, walked, Opens::Walk);
        }
        check(&openings, "c", Opens::Nothing);
        check(&openings, "c+", Opens::Alone(0..0));
        check(&openings, "instance", Opens::Nothing);
        check(&openings, "is", Opens::Alone(0..2));
        check(&openings, "zebra", Opens::Walk); // a stem of two bytes is known by its first
        check(&openings, "dog", Opens::Nothing);
        check(&openings, "internationalised", Opens::Alone(0..17));
        check(&openings, "internationalisee", Opens::Nothing);
    }

    #[test]
    fn words_that_are_counted() {
        let openings = openings(&["the rules", "to"]);
        let is_counted = |text: &str, end| openings.look(text.as_bytes(), 0, end).is_counted;
        for (text, end) in [("the", 3), ("the rules", 3), ("the rest", 3), ("to", 2), ("to be", 2)] {
            assert!(is_counted(text, end), "{text:?}");
        }
        for (text, end) in [("then", 4), ("th", 2), ("t", 1), ("rules", 5)] {
            assert!(!is_counted(text, end), "{text:?}");
        }
        // More than there are.
        let words: Vec<String> = (0..20).map(|n| format!("w{n}")).collect();
        let openings = Openings::new([], &words, |_| 0..0, is_word);
        for word in &words {
            assert!(openings.look(word.as_bytes(), 0, word.len()).is_counted, "{word}");
        }
    }

    #[test]
    fn characters_that_stand_alone() {
        let openings = openings(&["忽略", "说", "now"]);
        let opens = |text: &str, end| openings.look_dense(text.as_bytes(), 0, end).may_open();
        for text in ["忽略它", "忽略", "说", "说话"] {
            assert!(opens(text, 3), "{text}");
        }
        assert!(opens("now忽略", 3));
        for text in ["忽", "忽然", "略", "话"] {
            assert!(!opens(text, 3), "{text}");
        }
    }

    #[test]
    fn signs_that_begin_a_phrase() {
        let openings = openings(&["<system>", "={*", "$*", "now"]);
        let begins = |text: &str| openings.at_sign(text.as_bytes(), 0);
        for yes in ["<system>", "<sys", "={x", "={", "$", "$x"] {
            assert!(begins(yes), "{yes:?}");
        }
        for no in ["<b>", "=x", "!", ""] {
            assert!(!begins(no), "{no:?}");
        }
    }

    #[test]
    fn no_word_is_lost_in_a_crowd() {
        let words: Vec<String> = (0..30_000).map(|n| format!("w{n:x}")).collect();
        let phrases = words.iter().map(|word| (word.as_str(), false));
        let openings = Openings::new(phrases, &[], |phrase| 0..phrase.len(), is_word);
        for word in &words {
            let look = openings.look(word.as_bytes(), 0, word.len());
            assert_ne!(openings.of(look, word.as_bytes(), 0, word.len()), Opens::Nothing, "{word}");
        }
    }
}
