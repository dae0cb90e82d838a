//! The paragraph around a plain order, read as a text of its own.
//!
//! What else stands in a window speaks for or against the whole of it: a long manual is full of orders to people. No
//! manual excuses the one line in it that tells its reader to forget what it was told.

use crate::Span;

/// So much before and behind the order belongs to it, at most.
const REACH_BYTES: usize = 300;
/// So many are read of one window, at most.
pub(super) const PASSAGES_MAX: usize = 2;

/// What parts paragraphs; in JSON line ends are escaped.
const BLANK_LINES: [&str; 4] = ["\n\n", "\n\r\n", r"\n\n", r"\n\r\n"];

/// A text that is no longer is read again as a whole: as if it stood in a longer one.
pub(super) const SHORT_BYTES: usize = 2 * REACH_BYTES;

/// The paragraph of `window` around `order`, both in bytes of it; `None` if that is most of a long window.
pub(super) fn around(window: &str, order: Span) -> Option<(usize, &str)> {
    let to = window.floor_char_boundary(order.end as usize);
    let from = window.floor_char_boundary(order.start as usize).min(to);
    let first = window.floor_char_boundary(from.saturating_sub(REACH_BYTES));
    let last = window.floor_char_boundary(to + REACH_BYTES);
    let before = window.get(first..from)?;
    let behind = window.get(to..last)?;
    // Lines end with a line feed, or with a carriage return before it.
    let start = BLANK_LINES.iter().filter_map(|blank| Some(before.rfind(blank)? + blank.len())).max();
    let end = BLANK_LINES.iter().filter_map(|blank| behind.find(blank)).min();
    let (start, end) = (first + start.unwrap_or(0), end.map_or(last, |at| to + at));
    (window.len() <= SHORT_BYTES || 2 * (end - start) < window.len())
        .then_some((start, window.get(start..end)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(window: &str, order: &str, expect: Option<&str>) {
        let at = window.find(order).unwrap() as u32;
        let found = around(window, Span { start: at, end: at + order.len() as u32 });
        assert_eq!(found.map(|(_, text)| text), expect);
        assert!(found.is_none_or(|(start, text)| window[start..].starts_with(text)));
    }

    #[test]
    fn paragraphs() {
        let filler = "words ".repeat(100);
        check(&format!("{filler}\n\nDo it\nnow.\n\n{filler}"), "it", Some("Do it\nnow."));
        check(&format!("{filler}\r\n\r\nDo it\r\nnow.\r\n\r\n{filler}"), "it", Some("Do it\r\nnow.\r"));
        check(&format!("{filler}\n\nDo it.\r\n\r\n{filler}"), "Do", Some("Do it.\r"));
        check(&format!(r"{filler}\n\nDo it\nnow.\n\n{filler}"), "it", Some(r"Do it\nnow."));
        check(&format!(r"{filler}\r\n\r\nDo it.\r\n\r\n{filler}"), "it", Some(r"Do it.\r"));
        check(&format!("Do it.\n\n{filler}"), "Do", Some("Do it."));
        check(&format!("{filler}\n\nDo it."), "it.", Some("Do it."));
        check("Do it.", "it", Some("Do it."));
        check(&format!("Do it.{}\n\n{}", "y".repeat(300), "x".repeat(300)), "it", None);
        // Cut between characters, three bytes each.
        let long = format!("{}X{}", "忽".repeat(300), "忽".repeat(300));
        let (start, text) = around(&long, Span { start: 900, end: 901 }).unwrap();
        assert_eq!((start, text.len()), (600, 601));
        // Spans that are outside of the window do no harm.
        assert_eq!(around("ab", Span { start: 7, end: 9 }), Some((0, "ab")));
    }
}
