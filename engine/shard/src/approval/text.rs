//! What people read before they decide: nothing in it may hide.

/// Longest text shown, characters; upstream's figure.
pub(crate) const SHOWN_CHARS_MAX: usize = 16_384;

/// Whether a character shows nothing, or makes others show in another order. Unicode's control and format characters, and
/// spaces and fillers that look like nothing; the plain space and the ideographic one are what they look like.
fn hides(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{a0}' | '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}'
            | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{1680}' | '\u{180b}'..='\u{180f}' | '\u{2000}'..='\u{200f}'
            | '\u{2028}'..='\u{202f}' | '\u{205f}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// `text` with everything that hides written as `\u{…}`; line breaks stay where `lines` are kept. `None`: it would be
/// longer than [`SHOWN_CHARS_MAX`].
pub(crate) fn shown(text: &str, lines: bool) -> Option<Box<str>> {
    let mut out = String::with_capacity(text.len().min(4 * SHOWN_CHARS_MAX));
    let mut left = SHOWN_CHARS_MAX;
    for c in text.chars() {
        let mut push = |c: char| -> Option<()> {
            left = left.checked_sub(1)?;
            out.push(c);
            Some(())
        };
        if (lines && c == '\n') || !hides(c) {
            push(c)?;
        } else {
            for c in format!("\\u{{{:X}}}", u32::from(c)).chars() {
                push(c)?;
            }
        }
    }
    Some(out.into())
}

/// The same, cut off at the end where it is too long.
pub(crate) fn shown_cut(text: &str, lines: bool) -> Box<str> {
    const CUT: &str = " … (cut off)";
    if let Some(whole) = shown(text, lines) {
        return whole;
    }
    // An escape is at most ten characters, so this much always fits.
    let mut kept: Vec<char> = text.chars().take(SHOWN_CHARS_MAX - CUT.chars().count()).collect();
    loop {
        let text: String = kept.iter().collect();
        if let Some(part) =
            shown(&text, lines).filter(|part| part.chars().count() + CUT.len() <= SHOWN_CHARS_MAX)
        {
            return format!("{part}{CUT}").into();
        }
        kept.truncate(kept.len() / 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, lines: bool, want: &str) {
        assert_eq!(shown(text, lines).as_deref(), Some(want));
        assert_eq!(&*shown_cut(text, lines), want);
    }

    #[test]
    fn nothing_hides() {
        check("cat  файл 表 é", false, "cat  файл 表 é");
        check("a\nb", false, "a\\u{A}b");
        check("a\nb\r", true, "a\nb\\u{D}");
        check("x\u{202e}y\u{200b}z\u{e0041}", true, "x\\u{202E}y\\u{200B}z\\u{E0041}");
    }

    #[test]
    fn long_texts_are_refused_or_cut() {
        for text in ["x".repeat(SHOWN_CHARS_MAX + 1), "\u{200b}".repeat(SHOWN_CHARS_MAX)] {
            assert_eq!(shown(&text, false), None);
            let cut = shown_cut(&text, false);
            assert!(cut.ends_with("(cut off)") && cut.chars().count() <= SHOWN_CHARS_MAX);
        }
        let fits = "x".repeat(SHOWN_CHARS_MAX);
        assert_eq!(shown(&fits, false).as_deref(), Some(&*fits));
    }
}
