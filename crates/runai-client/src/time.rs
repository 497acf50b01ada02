//! Parses the control plane's timestamps as durations since the Unix epoch.

use std::time::Duration;

use http::HeaderMap;
use http::header::{DATE, HeaderName, RETRY_AFTER};
use jiff::Timestamp;

/// Parses an RFC 3339 timestamp, as in `phaseUpdatedAt`.
pub(crate) fn rfc3339(text: &str) -> Option<Duration> {
    since_epoch(text.parse().ok()?)
}

/// Returns the response's `Date`: the clock of the control plane, or of a proxy.
pub(crate) fn date(headers: &HeaderMap) -> Option<Duration> {
    http_date(text_of(headers, &DATE)?)
}

/// Returns `Retry-After`, in seconds or as a date; `None` if invalid.
///
/// A date is relative to the response's own `Date`, so a wrong clock on this machine does not matter.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = text_of(headers, &RETRY_AFTER)?;
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    Some(http_date(text)?.saturating_sub(date(headers)?))
}

fn text_of<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn http_date(text: &str) -> Option<Duration> {
    since_epoch(jiff::fmt::rfc2822::parse(text).ok()?.timestamp())
}

fn since_epoch(timestamp: Timestamp) -> Option<Duration> {
    Duration::try_from(timestamp.as_duration()).ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn parses_timestamps() {
        let expected = Some(Duration::from_secs(784_111_777));
        assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 GMT"), expected);
        assert_eq!(rfc3339("1994-11-06T08:49:37Z"), expected);
        assert_eq!(rfc3339("1994-11-06T09:49:37+01:00"), expected);
        assert_eq!(rfc3339("2022-06-08T11:28:24.131Z"), Some(Duration::from_millis(1_654_687_704_131)));
        for invalid in ["", "yesterday", "0001-01-01T00:00:00Z", "1994-11-06"] {
            assert_eq!(rfc3339(invalid), None, "{invalid}");
            assert_eq!(http_date(invalid), None, "{invalid}");
        }
    }

    #[test]
    fn parses_retry_after() {
        for (text, seconds) in [
            ("120", Some(120)),
            (" 1 ", Some(1)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("-5", None),
            ("1.5", None),
            ("soon", None),
            ("99999999999999999999999", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(DATE, HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT"));
            headers.insert(RETRY_AFTER, HeaderValue::from_str(text).unwrap());
            assert_eq!(retry_after(&headers), seconds.map(Duration::from_secs), "{text}");
        }
    }
}
