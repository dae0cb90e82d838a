//! Spans of time, for people.

/// `12s`, `3m`, `5h`, `2d`: the largest unit that fits.
pub(crate) fn span(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// How long ago `then` was; `-` for nothing.
pub(crate) fn ago(then: Option<u64>, now: u64) -> String {
    then.map_or_else(|| "-".to_owned(), |then| format!("{} ago", span(now.saturating_sub(then))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        for (ms, want) in [(0, "0s"), (59_999, "59s"), (60_000, "1m"), (7_200_000, "2h"), (86_400_000, "1d")]
        {
            assert_eq!(span(ms), want);
        }
        assert_eq!(ago(Some(1_000), 61_000), "1m ago");
        assert_eq!(ago(None, 1), "-");
    }
}
