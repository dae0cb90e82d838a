//! What a character stands for: case, width, accents, look-alikes.

use unicode_normalization::char::decompose_compatible;
use unicode_security::confusable_detection::skeleton;

use super::Class;

/// Character ranges that are folded through the table: alphabets with case, accents or look-alikes of Latin, and the
/// compatibility forms. Everything else stands for itself.
const RANGES: [(u32, u32, Kind); 21] = [
    (0x0080, 0x058F, Kind::Alphabet), // Latin, phonetic, Greek, Cyrillic, Armenian
    (0x0590, 0x06FF, Kind::Plain),    // Hebrew, Arabic: points and hamza go, letters stay
    (0x093C, 0x093C, Kind::Plain), // the dot below letters of Hindi, written or left out, alone or with its letter
    (0x0958, 0x095F, Kind::Plain),
    (0x0964, 0x0965, Kind::Plain), // danda, the full stop of many Indian scripts
    (0x09BC, 0x09BC, Kind::Plain), // the same of Bengali
    (0x09DC, 0x09DF, Kind::Plain),
    (0x13A0, 0x13FF, Kind::Alphabet), // Cherokee
    (0x1D00, 0x1FFF, Kind::Alphabet), // phonetic extensions, Vietnamese, old Greek
    (0x2000, 0x22FF, Kind::Plain),    // punctuation, letter-like symbols
    (0x2460, 0x24FF, Kind::Plain),    // letters in circles
    (0x2C60, 0x2D2F, Kind::Alphabet),
    (0x3000, 0x30FF, Kind::Plain), // CJK punctuation, kana
    (0xA640, 0xA7FF, Kind::Alphabet),
    (0xAB30, 0xABBF, Kind::Alphabet),
    (0xFB00, 0xFDFF, Kind::Plain), // ligatures, Arabic forms
    (0xFE30, 0xFEFE, Kind::Plain),
    (0xFF00, 0xFFEF, Kind::Plain),     // full and half width
    (0x1_D400, 0x1_D7FF, Kind::Plain), // mathematical alphabets
    (0x1_F100, 0x1_F1FF, Kind::Plain), // letters in squares
    (0x2_F800, 0x2_FA1F, Kind::Plain),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Compatibility decomposition and lower case.
    Plain,
    /// The same, and what looks like Latin is Latin.
    Alphabet,
}

/// The table, built once.
#[derive(Debug)]
pub(in crate::prompt) struct Folder {
    /// Of each character of each range in order.
    slots: Vec<Slot>,
    text: String,
}

/// Where the folded form of a character is in the text of the table, and what it is.
#[derive(Debug, Clone, Copy)]
struct Slot {
    at: u16,
    len: u8,
    class: Class,
    lookalike: bool,
}

/// What a character stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Folded<'a> {
    pub(super) text: &'a str,
    pub(super) class: Class,
    /// A letter of another alphabet that looks like one of Latin.
    pub(super) lookalike: bool,
}

impl Folder {
    pub(in crate::prompt) fn new() -> Self {
        let (mut slots, mut text) = (Vec::new(), String::new());
        for (first, last, kind) in RANGES {
            for code in first..=last {
                let at = text.len();
                let c = char::from_u32(code).unwrap_or('\0');
                fold_into(c, kind, &mut text);
                let folded = text.get(at..).unwrap_or_default();
                // Greek, Cyrillic, Armenian and Cherokee.
                let lookalike =
                    matches!(code, 0x370..=0x58F | 0x13A0..=0x13FF) && folded.is_ascii() && c.is_alphabetic();
                let letter =
                    folded.bytes().next().is_some_and(|b| !b.is_ascii() || b.is_ascii_alphanumeric());
                let class = match (letter, lookalike) {
                    (false, _) => Class::Other,
                    (true, false) if folded.is_ascii() => Class::Latin,
                    (true, _) => Class::Letter,
                };
                // The ranges together hold about ten thousand characters of a few bytes: the offset fits.
                let (start, len) = (u16::try_from(at).unwrap_or(0), u8::try_from(folded.len()).unwrap_or(0));
                slots.push(Slot { at: start, len, class, lookalike });
            }
        }
        debug_assert!(text.len() <= usize::from(u16::MAX));
        Self { slots, text }
    }

    /// Bytes that the table takes.
    pub(in crate::prompt) fn bytes(&self) -> usize {
        self.text.len() + self.slots.len() * size_of::<Slot>()
    }

    /// The folded form; `None` where a character stands for itself.
    #[inline]
    pub(super) fn fold(&self, c: char) -> Option<Folded<'_>> {
        let code = u32::from(c);
        let mut base = 0;
        for (first, last, _) in RANGES {
            if code < first {
                return None;
            }
            if code <= last {
                let &Slot { at, len, class, lookalike } = self.slots.get((base + code - first) as usize)?;
                let text = self.text.get(usize::from(at)..usize::from(at) + usize::from(len))?;
                return Some(Folded { text, class, lookalike });
            }
            base += last - first + 1;
        }
        None
    }

    /// Folds a text as a view does, for patterns: they meet text in the form they have themselves.
    pub(in crate::prompt) fn fold_str(&self, text: &str) -> String {
        let mut out = String::new();
        for c in text.chars() {
            match c {
                c if c.is_ascii() => out.push(c.to_ascii_lowercase()),
                c => match self.fold(c) {
                    Some(folded) => out.push_str(folded.text),
                    None => out.push(c),
                },
            }
        }
        out
    }
}

fn fold_into(c: char, kind: Kind, out: &mut String) {
    if let Some(text) = special(c) {
        out.push_str(text);
        return;
    }
    let mut parts = Vec::new();
    for lower in c.to_lowercase() {
        decompose_compatible(lower, |part| parts.push(part));
    }
    for part in parts {
        if is_dropped_mark(part) {
            continue;
        }
        if part.is_ascii() {
            out.push(part.to_ascii_lowercase());
        } else if let Some(text) = special(part) {
            out.push_str(text);
        } else if kind == Kind::Alphabet && part.is_alphabetic() {
            let mut buffer = [0; 4];
            let like = skeleton(part.encode_utf8(&mut buffer)).flat_map(char::to_lowercase);
            for c in like.filter(|&c| !is_dropped_mark(c)) {
                match special(c) {
                    Some(text) => out.push_str(text),
                    None => out.push(c),
                }
            }
        } else {
            out.extend(part.to_lowercase());
        }
    }
}

/// Marks above and below letters. Vowel signs of Indian scripts and kana voicing are no decoration and stay.
fn is_dropped_mark(c: char) -> bool {
    matches!(u32::from(c),
        0x0300..=0x036F | 0x0483..=0x0489 | 0x0591..=0x05C7 | 0x0610..=0x061A | 0x0640 | 0x064B..=0x065F
        | 0x093C | 0x09BC
        | 0x0670 | 0x06D6..=0x06ED | 0x1AB0..=0x1AFF | 0x1DC0..=0x1DFF | 0x20D0..=0x20FF | 0xFE20..=0xFE2F)
}

/// What neither table says the way we need it: punctuation by its role, letters that decompose to nothing, small
/// capitals.
fn special(c: char) -> Option<&'static str> {
    Some(match c {
        '\u{85}'
        | '\u{A0}'
        | '\u{2000}'..='\u{200A}'
        | '\u{2028}'
        | '\u{2029}'
        | '\u{202F}'
        | '\u{205F}'
        | '\u{3000}'
        | '¿'
        | '¡' => " ",
        '‘' | '’' | '‚' | '‛' | '′' | '´' | 'ʼ' | 'ʹ' => "'",
        '“' | '”' | '„' | '‟' | '«' | '»' | '″' | '「' | '」' | '『' | '』' => "\"",
        '‐' | '‑' | '‒' | '–' | '—' | '―' | '−' => "-",
        '。' | '।' | '॥' | '۔' | '։' => ".",
        '、' | '،' => ",",
        '؟' => "?",
        '؛' => ";",
        '…' => "...",
        '•' | '·' | '・' => "*",
        'ß' | 'ẞ' => "ss",
        'æ' | 'Æ' => "ae",
        'œ' | 'Œ' => "oe",
        'đ' | 'Đ' | 'ð' | 'Ð' => "d",
        'ı' => "i",
        'ł' | 'Ł' => "l",
        'ø' | 'Ø' => "o",
        'ə' | 'Ə' => "e",
        'ᴀ' => "a",
        'ʙ' => "b",
        'ᴄ' => "c",
        'ᴅ' => "d",
        'ᴇ' => "e",
        'ꜰ' => "f",
        'ɢ' => "g",
        'ʜ' => "h",
        'ɪ' => "i",
        'ᴊ' => "j",
        'ᴋ' => "k",
        'ʟ' => "l",
        'ᴍ' => "m",
        'ɴ' => "n",
        'ᴏ' => "o",
        'ᴘ' => "p",
        'ʀ' => "r",
        'ꜱ' => "s",
        'ᴛ' => "t",
        'ᴜ' => "u",
        'ᴠ' => "v",
        'ᴡ' => "w",
        'ʏ' => "y",
        'ᴢ' => "z",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: &str) {
        assert_eq!(Folder::new().fold_str(text), expect);
    }

    #[test]
    fn what_looks_alike_is_alike() {
        check("Ｉｇｎｏｒｅ", "ignore"); // full width
        check("𝐈𝓰𝕟𝚘𝗿𝖾", "ignore"); // mathematical
        check("ɪɢɴᴏʀᴇ", "ignore"); // small capitals
        check("ⓘⓖⓝⓞⓡⓔ", "ignore"); // circled
        check("іgnоrе", "ignore"); // Cyrillic among Latin
        check("Ígñórë", "ignore");
        check("Straße bỏ qua đường", "strasse bo qua duong");
        check("„So“ – und ‘so’。", "\"so\" - und 'so'.");
    }

    #[test]
    fn the_case_of_a_letter_does_not_change_its_form() {
        let folder = Folder::new();
        for (upper, lower) in [("ИГНОРИРУЙ ВСЕ", "игнорируй все"), ("ΑΓΝΌΗΣΕ", "αγνόησε"), ("İĞŞ", "iğş")]
        {
            assert_eq!(folder.fold_str(upper), folder.fold_str(lower));
        }
    }

    #[test]
    fn scripts_without_look_alikes_stay() {
        check("忽略之前的指示", "忽略之前的指示");
        check("지시를 무시", "지시를 무시");
        check("निर्देशों", "निर्देशों");
        // The dot below is one character with its letter, or two, or left out.
        check("नज\u{93c}र \u{95b}", "नजर ज");
        check("উপরে য\u{9bc} \u{9df}", "উপরে য য");
    }
}
