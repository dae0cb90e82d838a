//! Times as transcripts write them.

use jiff::Timestamp;

/// Milliseconds since 1970 as `2026-11-22T15:06:55.226Z`. A time outside the calendar is written as its epoch.
pub fn iso_ms(ms: u64) -> String {
    let stamp = i64::try_from(ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    stamp.unwrap_or(Timestamp::UNIX_EPOCH).strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// Reads such a time, to the millisecond. Anything else is `None`.
pub(crate) fn parse_iso(text: &str) -> Option<u64> {
    let stamp: Timestamp = text.parse().ok()?;
    u64::try_from(stamp.as_millisecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for (ms, text) in [(1_795_360_015_226, "2026-11-22T15:06:55.226Z"), (0, "1970-01-01T00:00:00.000Z")] {
            assert_eq!(iso_ms(ms), text);
            assert_eq!(parse_iso(text), Some(ms));
        }
        assert_eq!(iso_ms(u64::MAX), "1970-01-01T00:00:00.000Z");
        assert_eq!(parse_iso("yesterday"), None);
        assert_eq!(parse_iso("1969-01-01T00:00:00Z"), None);
    }
}
