//! Access tokens: JSON Web Tokens signed with a random key (RFC 7519, HS256).

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;

use crate::clock::later;

pub(crate) struct Tokens {
    /// Incremented when all tokens expire.
    generation: AtomicU64,
    key: [u8; 16],
}

impl Tokens {
    pub(crate) fn new() -> Self {
        Self { generation: AtomicU64::new(0), key: *Uuid::new_v4().as_bytes() }
    }

    /// Issues a token for `subject` that is valid for `lifetime` of simulated time.
    pub(crate) fn issue(&self, subject: &str, now: Timestamp, lifetime: Duration) -> String {
        let claims = Claims {
            generation: self.generation.load(Ordering::Relaxed),
            exp: later(now, lifetime).as_second(),
            iat: now.as_second(),
            iss: "runai-sim".to_owned(),
            jti: Uuid::new_v4().to_string(),
            sub: subject.to_owned(),
        };
        // Strings and integers cannot fail to serialise.
        let claims = serde_json::to_vec(&claims).unwrap_or_default();
        let signed = format!("{}.{}", BASE64URL_NOPAD.encode(HEADER), BASE64URL_NOPAD.encode(&claims));
        let signature = self.mac(&signed).finalize().into_bytes();
        format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature))
    }

    /// Returns the subject of `token`, if this simulator issued it and it has not expired.
    pub(crate) fn subject(&self, token: &str, now: Timestamp) -> Result<String, &'static str> {
        let claims = self.claims(token).ok_or("the access token was not issued by this simulator")?;
        if now.as_second() >= claims.exp || claims.generation != self.generation.load(Ordering::Relaxed) {
            return Err("the access token has expired");
        }
        Ok(claims.sub)
    }

    /// Expires all tokens issued so far.
    pub(crate) fn expire_all(&self) {
        self.generation.fetch_add(1, Ordering::Relaxed);
    }

    fn claims(&self, token: &str) -> Option<Claims> {
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).ok()?;
        self.mac(signed).verify_slice(&signature).ok()?;
        let (_, claims) = signed.split_once('.')?;
        serde_json::from_slice(&BASE64URL_NOPAD.decode(claims.as_bytes()).ok()?).ok()
    }

    fn mac(&self, signed: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::new_from_slice(&self.key).expect("HMAC takes a key of any length");
        mac.update(signed.as_bytes());
        mac
    }
}

const HEADER: &[u8] = br#"{"alg":"HS256","typ":"JWT"}"#;

#[derive(Serialize, Deserialize)]
struct Claims {
    exp: i64,
    generation: u64,
    iat: i64,
    iss: String,
    jti: String,
    sub: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_expires() {
        let tokens = Tokens::new();
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let token = tokens.issue("me", now, Duration::from_mins(1));
        assert_eq!(token.split('.').count(), 3);
        assert_eq!(tokens.subject(&token, now).as_deref(), Ok("me"));
        let at = |seconds| later(now, Duration::from_secs(seconds));
        assert_eq!(tokens.subject(&token, at(59)).as_deref(), Ok("me"));
        assert!(tokens.subject(&token, at(60)).unwrap_err().contains("expired"));
        assert!(Tokens::new().subject(&token, now).is_err());
        tokens.expire_all();
        assert!(tokens.subject(&token, now).unwrap_err().contains("expired"));
        assert!(tokens.subject(&tokens.issue("me", now, Duration::from_mins(1)), now).is_ok());
    }

    #[test]
    fn rejects_changed_token() {
        let tokens = Tokens::new();
        let now = Timestamp::UNIX_EPOCH;
        let token = tokens.issue("me", now, Duration::from_mins(1));
        let forged = tokens.issue("you", now, Duration::from_mins(1));
        let (claims, _) = forged.rsplit_once('.').unwrap();
        let (_, signature) = token.rsplit_once('.').unwrap();
        for text in ["", "a.b", "a.b.c", &format!("{claims}.{signature}"), &format!("{token}x")] {
            assert!(tokens.subject(text, now).is_err(), "{text}");
        }
    }

    #[test]
    fn signature_matches_reference() {
        // The signature was computed with an independent implementation of HS256.
        let tokens = Tokens { key: *b"0123456789abcdef", ..Tokens::new() };
        let signature = tokens.mac("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.e30").finalize().into_bytes();
        assert_eq!(BASE64URL_NOPAD.encode(&signature), "A5mVf-_pE0XM6RlWnNx4YBzFWqYIcsc3_j1g9I2768c");
    }
}
