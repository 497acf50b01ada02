//! The lifetime of a JSON Web Token (RFC 7519). Signatures are not verified: the control plane does that.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;

/// Returns the remaining lifetime of `token`, if it has an expiry.
///
/// `date` is the issuer's clock, since the Unix epoch; without it the token's `iat` is used. This machine's clock is
/// not used, because it may be wrong.
pub(crate) fn lifetime(token: &str, date: Option<Duration>) -> Option<Duration> {
    let mut parts = token.split('.');
    let (_, claims, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next()) else { return None };
    // The standard omits padding; some libraries do not.
    let claims = BASE64URL_NOPAD.decode(claims.trim_end_matches('=').as_bytes()).ok()?;
    let Claims { exp, iat } = serde_json::from_slice(&claims).ok()?;
    let since_epoch = |seconds: f64| Duration::try_from_secs_f64(seconds).ok();
    let since = date.or_else(|| since_epoch(iat?))?;
    since_epoch(exp?)?.checked_sub(since).filter(|lifetime| !lifetime.is_zero())
}

/// Seconds since the Unix epoch, possibly with a fraction.
#[derive(Deserialize)]
struct Claims {
    exp: Option<f64>,
    iat: Option<f64>,
}

#[cfg(test)]
mod tests {
    use data_encoding::{BASE64URL, BASE64URL_NOPAD};
    use proptest::prelude::*;

    use super::*;

    fn token(claims: &str) -> String {
        format!("e30.{}.c2ln", BASE64URL_NOPAD.encode(claims.as_bytes()))
    }

    #[test]
    fn lifetime_uses_issuer_clock() {
        let hour = Some(Duration::from_hours(1));
        let claims = r#"{"exp": 7200, "iat": 3600, "name": "ÿ>?"}"#;
        assert!(token(claims).contains(['-', '_']), "{}", token(claims));
        assert_eq!(lifetime(&token(claims), None), hour);
        assert_eq!(lifetime(&token(claims), Some(Duration::from_secs(7000))), Some(Duration::from_secs(200)));
        assert_eq!(lifetime(&format!("e30.{}.s", BASE64URL.encode(claims.as_bytes())), None), hour);
        assert_eq!(lifetime(&token(r#"{"exp": 1e1}"#), Some(Duration::from_secs(7))), Some(Duration::from_secs(3)));
    }

    #[test]
    fn ignores_tokens_without_expiry() {
        let date = Some(Duration::from_secs(100));
        for token in [
            String::new(),
            "opaque".to_owned(),
            "a.b".to_owned(),
            "a.!.c".to_owned(),
            "a.e30.c.d".to_owned(),
            token("{}"),
            token("[]"),
            token(r#"{"exp": "soon"}"#),
            token(r#"{"exp": -1}"#),
            token(r#"{"exp": 1e300}"#),
            token(r#"{"exp": 100}"#),
        ] {
            assert_eq!(lifetime(&token, date), None, "{token}");
        }
        assert_eq!(lifetime(&token(r#"{"exp": 100}"#), None), None);
    }

    proptest! {
        #[test]
        fn never_panics(text in ".{0,60}", claims in ".{0,60}", seconds in any::<Option<u64>>()) {
            let _ = lifetime(&text, seconds.map(Duration::from_secs));
            let _ = lifetime(&token(&claims), seconds.map(Duration::from_secs));
            let _ = lifetime(&token(&format!(r#"{{"exp": {claims}, "iat": 1}}"#)), None);
        }
    }
}
