//! Compact tables.

/// Rows under headings, columns as wide as their longest cell; the last column is not padded. No rows: nothing.
pub(crate) fn table<const N: usize>(heads: [&str; N], rows: &[[String; N]]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let widths: [usize; N] = std::array::from_fn(|column| {
        let head = heads.get(column).map_or(0, |head| width(head));
        rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).fold(head, usize::max)
    });
    let mut lines = vec![line(heads.iter().copied(), &widths)];
    lines.extend(rows.iter().map(|row| line(row.iter().map(String::as_str), &widths)));
    lines.join("\n")
}

fn line<'c>(cells: impl Iterator<Item = &'c str>, widths: &[usize]) -> String {
    let mut out = String::new();
    for (cell, wanted) in cells.zip(widths) {
        let cell = printable(cell);
        out.push_str(&cell);
        let padding = wanted.saturating_sub(width(&cell)) + 2;
        out.extend(std::iter::repeat_n(' ', padding));
    }
    out.truncate(out.trim_end().len());
    out
}

/// Characters; wide ones count as one, which misaligns a row and hurts nobody.
fn width(text: &str) -> usize {
    text.chars().count()
}

/// What a gateway says must not move the cursor or clear the screen: control characters become `·`.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { '·' } else { character }).collect()
}

/// `text` in at most `max` characters, the end cut with `…`.
pub(crate) fn cut(text: &str, max: usize) -> String {
    if width(text) <= max {
        return text.to_owned();
    }
    let mut out: String = text.chars().take(max.saturating_sub(1)).collect();
    out.push('…');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [["a".to_owned(), "ü".to_owned()], ["long one".to_owned(), "\u{1b}[2Jx".to_owned()]];
        assert_eq!(table(["KEY", "V"], &rows), "KEY       V\na         ü\nlong one  ·[2Jx");
        assert_eq!(table::<1>(["KEY"], &[]), "");
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("abcd", 4), "abcd");
    }
}
