//! Dates in file names.

use jiff::Timestamp;

/// `2026-11-22T15-02-35.310Z`: ISO time with ':' as '-', as upstream names what it puts aside. `None` past year 9999.
pub(crate) fn file_stamp(at_ms: u64) -> Option<String> {
    let time = Timestamp::from_millisecond(i64::try_from(at_ms).ok()?).ok()?;
    Some(time.strftime("%Y-%m-%dT%H-%M-%S%.3fZ").to_string())
}

/// The stamp of this moment, for damaged files that are kept aside.
pub(crate) fn stamp_now() -> String {
    let now = Timestamp::now().as_millisecond();
    u64::try_from(now).ok().and_then(file_stamp).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_upstream_s() {
        assert_eq!(file_stamp(1_795_359_755_310).as_deref(), Some("2026-11-22T15-02-35.310Z"));
        assert_eq!(file_stamp(0).as_deref(), Some("1970-01-01T00-00-00.000Z"));
        assert_eq!(file_stamp(u64::MAX), None);
    }
}
