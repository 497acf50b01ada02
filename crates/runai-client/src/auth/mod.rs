//! Bearer tokens: callers share one request, and a background task renews the token before it expires.

mod command;
mod credentials;
mod provider;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex as SyncMutex, PoisonError};
use std::time::Duration;

use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

pub use self::command::TokenCommand;
pub use self::credentials::ClientCredentials;
pub(crate) use self::credentials::{CredentialSource, ServiceAccount};
pub use self::provider::{AccessToken, TokenError, TokenProvider};
use crate::error::{Error, one_line};
use crate::jwt;
use crate::retry::{Deadline, RetryPolicy};
use crate::sender::Sender;

/// Lifetime of a token if neither the response nor the token's claims contain one.
pub const DEFAULT_TOKEN_LIFETIME: Duration = Duration::from_mins(5);

/// How long before its expiry a token is renewed; a tenth of its lifetime if that is less.
pub const RENEW_BEFORE_EXPIRY: Duration = Duration::from_mins(1);

/// The source of a client's tokens, for errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenOrigin {
    /// The client credentials of a service account.
    ClientCredentials,
    /// A [`TokenCommand`].
    Command,
    /// The fixed token of the builder.
    Fixed,
    /// A [`TokenProvider`].
    Provider,
}

impl fmt::Display for TokenOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClientCredentials => "a newly issued token",
            Self::Command => "the token of the token command",
            Self::Fixed => "the configured token",
            Self::Provider => "the token of the token provider",
        })
    }
}

/// The source of tokens.
pub(crate) enum TokenSource {
    ClientCredentials(ServiceAccount),
    Command(TokenCommand),
    Fixed(SecretString),
    Provider(Arc<dyn TokenProvider>),
}

impl TokenSource {
    const fn origin(&self) -> TokenOrigin {
        match self {
            Self::ClientCredentials(_) => TokenOrigin::ClientCredentials,
            Self::Command(_) => TokenOrigin::Command,
            Self::Fixed(_) => TokenOrigin::Fixed,
            Self::Provider(_) => TokenOrigin::Provider,
        }
    }

    async fn obtain(&self, sender: &Sender, deadline: &mut Deadline, was_refused: bool) -> Result<Token, Error> {
        match self {
            Self::ClientCredentials(account) => account.token(sender, deadline).await,
            Self::Command(command) => {
                let begun = Instant::now();
                let text = command.run().await?;
                // `TokenCommand` accepts printable ASCII only.
                Token::new(text, begun, None, None).map_err(Error::Token)
            }
            Self::Fixed(text) => Token::new(text.clone(), Instant::now(), Some(FOREVER), None).map_err(Error::Token),
            Self::Provider(provider) => {
                let begun = Instant::now();
                let failed = |error: TokenError| Error::TokenProvider { source: error.scrubbed(&sender.secrets) };
                let late = |_| Err(TokenError::unavailable("timed out"));
                let result = timeout(command::COMMAND_TIMEOUT, provider.token(was_refused)).await.unwrap_or_else(late);
                let AccessToken { token, lifetime } = result.map_err(failed)?;
                Token::new(token, begun, lifetime, None)
                    .map_err(|problem| failed(TokenError::refused(format!("the token {problem}"))))
            }
        }
    }
}

/// A bearer token.
pub(crate) struct Token {
    /// The `Authorization` header, marked sensitive.
    pub(crate) header: HeaderValue,
    text: SecretString,
    /// Distinguishes a token from earlier ones.
    generation: u64,
    renew_at: Instant,
    expires_at: Instant,
}

impl Token {
    /// Returns a token that was requested at `begun`, or its problem. `date` is the issuer's clock.
    fn new(
        text: SecretString,
        begun: Instant,
        stated: Option<Duration>,
        date: Option<Duration>,
    ) -> Result<Self, &'static str> {
        if text.expose_secret().is_empty() {
            return Err("is empty");
        }
        let mut header = HeaderValue::from_str(&format!("Bearer {}", text.expose_secret()))
            .map_err(|_| "contains a character that is invalid in an HTTP header")?;
        header.set_sensitive(true);
        // The shorter lifetime is used.
        let claimed = jwt::lifetime(text.expose_secret(), date);
        let claimed = claimed.filter(|_| stated != Some(FOREVER));
        let lifetime = stated.into_iter().chain(claimed).min().unwrap_or(DEFAULT_TOKEN_LIFETIME).min(FOREVER);
        let renew_at = begun + lifetime - RENEW_BEFORE_EXPIRY.min(lifetime / 10);
        Ok(Self { header, text, generation: 0, renew_at, expires_at: begun + lifetime })
    }
}

/// The current token and its source.
pub(crate) struct Tokens {
    source: TokenSource,
    current: SyncMutex<Option<Arc<Token>>>,
    /// Locked while a token is requested.
    request: Mutex<TokenRequestState>,
    /// Number of completed token requests, successful or not. Changes only while `request` is locked.
    generation: AtomicU64,
    renewal: SyncMutex<Renewal>,
}

#[derive(Default)]
struct TokenRequestState {
    /// The error of the last token request, if it failed.
    failure: Option<Error>,
}

/// The state of the background renewal.
#[derive(Default)]
struct Renewal {
    is_running: bool,
    /// Earliest start of the next renewal after a failed one.
    not_before: Option<Instant>,
}

impl Tokens {
    pub(crate) fn new(source: TokenSource) -> Self {
        Self {
            source,
            current: SyncMutex::default(),
            request: Mutex::default(),
            generation: AtomicU64::new(0),
            renewal: SyncMutex::default(),
        }
    }

    pub(crate) const fn origin(&self) -> TokenOrigin {
        self.source.origin()
    }

    /// Returns a valid token. Concurrent callers share one request and its result. A token that expires soon is
    /// returned immediately and renewed in the background.
    pub(crate) async fn current(
        self: &Arc<Self>,
        sender: &Arc<Sender>,
        deadline: &mut Deadline,
    ) -> Result<Arc<Token>, Error> {
        let is_valid = |token: &Token| Instant::now() < token.expires_at;
        if let Some(token) = self.stored().filter(|token| is_valid(token)) {
            if Instant::now() >= token.renew_at {
                self.renew_in_background(sender, &token);
            }
            return Ok(token);
        }
        self.ask(sender, deadline, is_valid, false).await
    }

    /// Returns another token than `refused`: one that another caller has got, or a new one. `None` for a fixed token.
    pub(crate) async fn replace(
        &self,
        sender: &Sender,
        refused: &Token,
        deadline: &mut Deadline,
    ) -> Option<Result<Arc<Token>, Error>> {
        if matches!(self.source, TokenSource::Fixed(_)) {
            return None;
        }
        Some(self.ask(sender, deadline, |token| token.generation != refused.generation, true).await)
    }

    async fn ask(
        &self,
        sender: &Sender,
        deadline: &mut Deadline,
        is_acceptable: impl Fn(&Token) -> bool,
        was_refused: bool,
    ) -> Result<Arc<Token>, Error> {
        let seen = self.generation.load(Ordering::Acquire);
        let begun = Instant::now();
        let mut request = self.request.lock().await;
        if sender.rate_limit.is_active() {
            // This caller waited for a rate-limited request of another one.
            deadline.spend_on_rate_limit(begun.elapsed());
        }
        if let Some(token) = self.stored().filter(|token| is_acceptable(token)) {
            return Ok(token);
        }
        if self.generation.load(Ordering::Acquire) > seen
            && let Some(failure) = &request.failure
        {
            // The request that this caller waited for failed. Repeating it for each waiter would not help.
            return Err(failure.clone());
        }
        let result = self.source.obtain(sender, deadline, was_refused).await;
        let generation = self.generation.fetch_add(1, Ordering::AcqRel) + 1;
        match result {
            Ok(token) => {
                request.failure = None;
                Ok(self.store(sender, token, generation))
            }
            Err(error) => {
                request.failure = Some(error.clone());
                Err(error)
            }
        }
    }

    /// Starts a renewal of `token`, unless one is running or has just failed.
    fn renew_in_background(self: &Arc<Self>, sender: &Arc<Sender>, token: &Token) {
        {
            let mut renewal = self.renewal.lock().unwrap_or_else(PoisonError::into_inner);
            if renewal.is_running || renewal.not_before.is_some_and(|at| Instant::now() < at) {
                return;
            }
            renewal.is_running = true;
        }
        let running = Running(Arc::clone(self));
        let (sender, generation) = (Arc::clone(sender), token.generation);
        tokio::spawn(async move {
            let Running(tokens) = &running;
            let _request = tokens.request.lock().await;
            if tokens.stored().is_some_and(|token| token.generation != generation) {
                return;
            }
            // The token is still valid, so no caller waits for this or gets its error.
            let mut deadline = Deadline::of(RetryPolicy::once(RENEWAL_TIMEOUT));
            match tokens.source.obtain(&sender, &mut deadline, false).await {
                Ok(token) => {
                    let generation = tokens.generation.fetch_add(1, Ordering::AcqRel) + 1;
                    tokens.store(&sender, token, generation);
                }
                Err(error) => {
                    tracing::debug!(error = one_line(&error), "cannot renew the token yet; keeping it");
                    let mut renewal = tokens.renewal.lock().unwrap_or_else(PoisonError::into_inner);
                    renewal.not_before = Some(Instant::now() + RENEWAL_PAUSE);
                }
            }
        });
    }

    fn stored(&self) -> Option<Arc<Token>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn store(&self, sender: &Sender, token: Token, generation: u64) -> Arc<Token> {
        sender.secrets.add_token(&token.text);
        tracing::debug!(origin = ?self.origin(), "got a token");
        let token = Arc::new(Token { generation, ..token });
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&token));
        token
    }
}

/// Marks the renewal as running until it is dropped.
struct Running(Arc<Tokens>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.renewal.lock().unwrap_or_else(PoisonError::into_inner).is_running = false;
    }
}

/// Timeout of a background renewal.
const RENEWAL_TIMEOUT: Duration = Duration::from_secs(5);

/// Pause after a failed background renewal.
const RENEWAL_PAUSE: Duration = Duration::from_secs(10);

/// Longer than the lifetime of any token, but short enough not to overflow.
const FOREVER: Duration = Duration::from_hours(365 * 24);
