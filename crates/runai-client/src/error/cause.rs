//! Underlying errors, and one-line messages that include them.

use std::error::Error as StdError;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::truncate;
use crate::secrets::Secrets;
use crate::transport::TransportError;

/// An underlying error of any type, shared by clones of the outer error.
///
/// It dereferences to the error itself, so `downcast_ref` works.
#[derive(Clone)]
pub struct Cause(Arc<dyn StdError + Send + Sync>);

impl Cause {
    /// Returns a cause from an error or a text.
    pub fn new(error: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(Arc::from(error.into()))
    }

    /// Returns the cause unchanged if it contains no secret, or else a chain of redacted messages.
    pub(crate) fn scrubbed(self, secrets: &Secrets) -> Self {
        let texts: Vec<String> = chain(&*self.0).map(ToString::to_string).collect();
        let is_clean = |text: &String| secrets.scrub(text) == *text;
        // `Debug` output includes the causes.
        if texts.iter().all(is_clean) && is_clean(&format!("{:?}", self.0)) {
            return self;
        }
        let redacted = texts.iter().rev().fold(None, |source: Option<Redacted>, text| {
            Some(Redacted { message: secrets.scrub(text), source: source.map(Box::new) })
        });
        redacted.map_or(self, |redacted| Self(Arc::new(redacted)))
    }
}

impl Deref for Cause {
    type Target = dyn StdError + Send + Sync;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A message without secrets.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Redacted {
    message: String,
    source: Option<Box<Redacted>>,
}

/// Returns the messages of `error` and its causes on one line, separated by colons.
///
/// Of a transport error only the innermost cause is included, because the layers between carry no information. A cause
/// that the line already contains is omitted.
///
/// ```
/// use runai_client::transport::{TransportErrorKind, TransportError};
///
/// let error = TransportError::not_sent(TransportErrorKind::Connect, "connection refused");
/// assert_eq!(error.to_string(), "cannot connect");
/// assert_eq!(runai_client::one_line(&error), "cannot connect: connection refused");
/// ```
#[must_use]
pub fn one_line(error: &(dyn StdError + 'static)) -> String {
    let mut line = error.to_string();
    let mut current = error;
    while let Some(mut cause) = current.source() {
        if current.is::<TransportError>() {
            cause = chain(cause).last().unwrap_or(cause);
        }
        let message = truncate(&cause.to_string());
        if !line.contains(&message) {
            line = format!("{line}: {message}");
        }
        current = cause;
    }
    line
}

/// Returns `error` and its causes.
fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| (**error).source())
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("layer")]
    struct Layer(#[source] io::Error);

    #[test]
    fn redacts_causes_with_secrets() {
        let secrets = Secrets::default();
        secrets.add_credential(&"canary-secret".into());
        let layer = |text: &str| Cause::new(Layer(io::Error::other(text.to_owned())));
        let clean = layer("refused").scrubbed(&secrets);
        assert!(clean.is::<Layer>() && clean.source().is_some_and(<dyn StdError>::is::<io::Error>));
        let redacted = layer("no canary-secret here").scrubbed(&secrets);
        assert!(!format!("{redacted} {redacted:?}").contains("canary"), "{redacted:?}");
        assert_eq!(redacted.source().unwrap().to_string(), "no [redacted] here");
    }
}
