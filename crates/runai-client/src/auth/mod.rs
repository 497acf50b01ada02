//! The bearer token: one request for all callers, and renewal in the background before the token ends.

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

/// How long a token counts as valid if neither it nor its answer says; the API's own example is an hour.
pub const UNSTATED_LIFETIME: Duration = Duration::from_mins(5);

/// A token is renewed this long before it expires, or a tenth of its lifetime, whichever is less.
pub const RENEW_AHEAD: Duration = Duration::from_mins(1);

/// The source of a client's tokens, as errors name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenOrigin {
    /// The client credentials of a service account.
    ClientCredentials,
    /// A [`TokenCommand`].
    Command,
    /// The token that the builder was given.
    Fixed,
    /// A [`TokenProvider`].
    Provider,
}

impl fmt::Display for TokenOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClientCredentials => "a token that was just issued",
            Self::Command => "the token that the token command prints",
            Self::Fixed => "the given token",
            Self::Provider => "the token of the token provider",
        })
    }
}

/// The source of tokens, with all that it needs.
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
                let late = |_| Err(TokenError::unavailable("it took too long"));
                let answer = timeout(command::COMMAND_TIMEOUT, provider.token(was_refused)).await.unwrap_or_else(late);
                let AccessToken { token, lifetime } = answer.map_err(failed)?;
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
    /// Tells a token from the one before.
    generation: u64,
    renew_at: Instant,
    expires_at: Instant,
}

impl Token {
    /// Makes a token that was requested at `begun`, or returns the problem with it. `date` is the issuer's clock.
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
            .map_err(|_| "holds a character that no HTTP header can carry")?;
        header.set_sensitive(true);
        // If both are present, the shorter lifetime counts.
        let claimed = jwt::lifetime(text.expose_secret(), date);
        let claimed = claimed.filter(|_| stated != Some(FOREVER));
        let lifetime = stated.into_iter().chain(claimed).min().unwrap_or(UNSTATED_LIFETIME).min(FOREVER);
        let renew_at = begun + lifetime - RENEW_AHEAD.min(lifetime / 10);
        Ok(Self { header, text, generation: 0, renew_at, expires_at: begun + lifetime })
    }
}

/// The token in use and the source of the next one.
pub(crate) struct Tokens {
    source: TokenSource,
    current: SyncMutex<Option<Arc<Token>>>,
    /// Locked while a token is requested.
    asking: Mutex<Asking>,
    /// Number of token requests that have ended, successful or not. Changes only while `asking` is locked.
    generation: AtomicU64,
    renewal: SyncMutex<Renewal>,
}

#[derive(Default)]
struct Asking {
    /// The error of the last token request, if it failed.
    failure: Option<Error>,
}

/// The renewal in the background.
#[derive(Default)]
struct Renewal {
    is_running: bool,
    /// Earliest start of the next renewal after one that failed.
    not_before: Option<Instant>,
}

impl Tokens {
    pub(crate) fn new(source: TokenSource) -> Self {
        Self {
            source,
            current: SyncMutex::default(),
            asking: Mutex::default(),
            generation: AtomicU64::new(0),
            renewal: SyncMutex::default(),
        }
    }

    pub(crate) const fn origin(&self) -> TokenOrigin {
        self.source.origin()
    }

    /// Returns a token that works. Concurrent callers share one request and its result. A token that nears its end is
    /// returned at once and renewed in the background.
    pub(crate) async fn current(
        self: &Arc<Self>,
        sender: &Arc<Sender>,
        deadline: &mut Deadline,
    ) -> Result<Arc<Token>, Error> {
        let works = |token: &Token| Instant::now() < token.expires_at;
        if let Some(token) = self.held().filter(|token| works(token)) {
            if Instant::now() >= token.renew_at {
                self.renew_ahead(sender, &token);
            }
            return Ok(token);
        }
        self.ask(sender, deadline, works, false).await
    }

    /// Returns another token than `refused`: one that another caller got meanwhile, or a new one. `None` for a fixed
    /// token.
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
        will_do: impl Fn(&Token) -> bool,
        was_refused: bool,
    ) -> Result<Arc<Token>, Error> {
        let seen = self.generation.load(Ordering::Acquire);
        let begun = Instant::now();
        let mut asking = self.asking.lock().await;
        if sender.rate_limit.is_active() {
            // The request that this caller waited for was rate limited, as its own would have been.
            deadline.spend_on_rate_limit(begun.elapsed());
        }
        if let Some(token) = self.held().filter(|token| will_do(token)) {
            return Ok(token);
        }
        if self.generation.load(Ordering::Acquire) > seen
            && let Some(failure) = &asking.failure
        {
            // The request that this caller waited for failed. A request for each waiter would only repeat it.
            return Err(failure.clone());
        }
        let result = self.source.obtain(sender, deadline, was_refused).await;
        let generation = self.generation.fetch_add(1, Ordering::AcqRel) + 1;
        match result {
            Ok(token) => {
                asking.failure = None;
                Ok(self.hold(sender, token, generation))
            }
            Err(error) => {
                asking.failure = Some(error.clone());
                Err(error)
            }
        }
    }

    /// Starts the renewal of `token`, unless one is running or has just failed.
    fn renew_ahead(self: &Arc<Self>, sender: &Arc<Sender>, token: &Token) {
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
            let _asking = tokens.asking.lock().await;
            if tokens.held().is_some_and(|token| token.generation != generation) {
                return;
            }
            // The token still works, so no caller waits for this, and no caller gets its error.
            let mut deadline = Deadline::of(RetryPolicy::once(AHEAD_TIMEOUT));
            match tokens.source.obtain(&sender, &mut deadline, false).await {
                Ok(token) => {
                    let generation = tokens.generation.fetch_add(1, Ordering::AcqRel) + 1;
                    tokens.hold(&sender, token, generation);
                }
                Err(error) => {
                    tracing::debug!(error = one_line(&error), "could not renew the token ahead of its end; keeping it");
                    let mut renewal = tokens.renewal.lock().unwrap_or_else(PoisonError::into_inner);
                    renewal.not_before = Some(Instant::now() + AHEAD_AGAIN);
                }
            }
        });
    }

    fn held(&self) -> Option<Arc<Token>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn hold(&self, sender: &Sender, token: Token, generation: u64) -> Arc<Token> {
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

/// Time limit of a renewal in the background.
const AHEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// Pause after a failed renewal in the background.
const AHEAD_AGAIN: Duration = Duration::from_secs(10);

/// Longer than any token should live, and far from where times overflow.
const FOREVER: Duration = Duration::from_hours(365 * 24);
