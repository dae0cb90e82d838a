//! Lines of a file in one piece of memory: a transcript may have thousands, and every turn reads it.

/// Lines of text, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Lines {
    text: String,
    /// Where each begins and ends in `text`, bytes.
    places: Vec<(usize, usize)>,
}

impl Lines {
    /// Those lines of `text` that `pick` gives back, as it gives them back: a line, or a part of it.
    pub fn of(text: String, pick: impl Fn(&str) -> Option<&str>) -> Lines {
        let mut places = Vec::new();
        let mut begin = 0;
        for line in text.split_inclusive('\n') {
            let whole = line.strip_suffix('\n').unwrap_or(line);
            if let Some(picked) = pick(whole) {
                // A part of `whole` begins where its address says.
                let from = begin + (picked.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
                places.push((from, from + picked.len()));
            }
            begin += line.len();
        }
        Lines { text, places }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Bytes of memory that their text takes.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    /// The lines, oldest first, without newlines.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &str> + ExactSizeIterator {
        self.places.iter().map(|&(from, to)| self.text.get(from..to).unwrap_or_default())
    }
}

impl PartialEq for Lines {
    fn eq(&self, other: &Lines) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Lines {}

impl<S: AsRef<str>> FromIterator<S> for Lines {
    fn from_iter<I: IntoIterator<Item = S>>(lines: I) -> Lines {
        let mut all = Lines::default();
        for line in lines {
            let from = all.text.len();
            all.text.push_str(line.as_ref());
            all.places.push((from, all.text.len()));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_again() {
        let text = "one\n  two  \n\nthree\r\nfour";
        let lines = Lines::of(text.to_owned(), |line| Some(line.trim()).filter(|line| !line.is_empty()));
        assert_eq!(lines.iter().collect::<Vec<_>>(), ["one", "two", "three", "four"]);
        assert_eq!((lines.len(), lines.is_empty()), (4, false));
        assert_eq!(lines.iter().next_back(), Some("four"));
        fn all(line: &str) -> Option<&str> {
            Some(line)
        }
        assert_eq!(Lines::of("\n\n".to_owned(), all).iter().collect::<Vec<_>>(), ["", ""]);
        assert!(Lines::of(String::new(), all).is_empty());
        assert_eq!(Lines::of("a\nb\n".to_owned(), all), ["a", "b"].iter().collect());
        assert_ne!(Lines::of("a\nb\n".to_owned(), all), ["ab"].iter().collect());
        assert_eq!(["a", "", "b"].iter().collect::<Lines>().iter().collect::<Vec<_>>(), ["a", "", "b"]);
    }
}
