//! Sources of tokens, and their renewal.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use runai_client::{
    AccessToken, BoxFuture, Client, ClientBuilder, ClientCredentials, Error, SecretString, TokenError, TokenOrigin,
    TokenProvider, one_line,
};
use serde_json::json;
use tokio::time::Instant;

use crate::script::{BASE_URL, Reply, Script, answering, answering_builder, pass};

const CLUSTERS: &str = "GET /api/v1/clusters";

fn token(text: &str) -> Reply {
    Reply::json(200, &json!({"access_token": text, "expires_in": 100}))
}

#[tokio::test(start_paused = true)]
async fn hanging_renewal_delays_nobody() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let client = answering(move |sent| {
        if !sent.line.ends_with("/token") {
            return Reply::text(200, "[]");
        }
        if counter.fetch_add(1, Ordering::Relaxed) == 0 { token("t") } else { Reply::Hangs }
    });
    client.clusters().await.unwrap();
    pass(Duration::from_secs(91)).await;
    let begun = Instant::now();
    for _ in 0..100 {
        client.clusters().await.unwrap();
    }
    assert_eq!(begun.elapsed(), Duration::ZERO);
    pass(Duration::from_millis(1)).await;
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    // The renewal times out after 5 s, and is retried after 10 s or later.
    pass(Duration::from_secs(6)).await;
    client.clusters().await.unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn callers_share_renewal() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let client = answering(move |sent| {
        if sent.line.ends_with("/token") {
            return token(&format!("t{}", counter.fetch_add(1, Ordering::Relaxed)));
        }
        Reply::text(200, "[]")
    });
    client.clusters().await.unwrap();
    pass(Duration::from_secs(91)).await;
    let calls = (0..1000).map(|_| client.clusters());
    assert!(futures_util::future::join_all(calls).await.iter().all(Result::is_ok));
    pass(Duration::from_secs(1)).await;
    client.clusters().await.unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn refused_renewal_fails_after_expiry() {
    let script = Script::without_tokens();
    script
        .expect("POST /api/v2/token", token("t"))
        .expect(CLUSTERS, Reply::text(200, "[]"))
        .expect(CLUSTERS, Reply::text(200, "[]"))
        .expect("POST /api/v2/token", Reply::json(401, &json!({"error": "invalid_client"})));
    let client = script.client();
    client.clusters().await.unwrap();
    pass(Duration::from_secs(91)).await;
    client.clusters().await.unwrap();
    pass(Duration::from_secs(8)).await;
    script
        .expect(CLUSTERS, Reply::text(200, "[]"))
        .expect("POST /api/v2/token", Reply::json(401, &json!({"error": "invalid_client"})));
    client.clusters().await.unwrap();
    pass(Duration::from_secs(2)).await;
    assert!(matches!(client.clusters().await.unwrap_err(), Error::CredentialsRefused { .. }));
}

/// A control plane that accepts one secret.
fn takes(secret: &'static str, asked: &Arc<AtomicUsize>) -> ClientBuilder {
    let asked = Arc::clone(asked);
    answering_builder(move |sent| {
        if !sent.line.ends_with("/token") {
            return Reply::text(200, "[]");
        }
        asked.fetch_add(1, Ordering::Relaxed);
        if sent.body.ends_with(&format!("client_secret={secret}")) {
            token("t")
        } else {
            Reply::json(401, &json!({"error": "invalid_client", "error_description": sent.body}))
        }
    })
}

#[tokio::test(start_paused = true)]
async fn rereads_secret_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("secret");
    let asked = Arc::new(AtomicUsize::new(0));
    let client = takes("canary-new", &asked).secret_file("id", &path).build().unwrap();

    let error = client.clusters().await.unwrap_err();
    assert!(error.is_configuration() && error.to_string().contains(path.to_str().unwrap()), "{error}");
    assert!(error.hint().is_some() && asked.load(Ordering::Relaxed) == 0);

    std::fs::write(&path, " \n").unwrap();
    assert!(matches!(client.clusters().await.unwrap_err(), Error::EmptyCredential(_)));

    // The same secret is not tried twice.
    std::fs::write(&path, "canary-old\n").unwrap();
    let error = client.clusters().await.unwrap_err();
    assert!(matches!(error, Error::CredentialsRefused { .. }), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
    assert_eq!(asked.load(Ordering::Relaxed), 1);

    std::fs::write(&path, "canary-new\n").unwrap();
    client.clusters().await.unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 3);
}

#[tokio::test(start_paused = true)]
async fn rereads_credentials() {
    let asked = Arc::new(AtomicUsize::new(0));
    let read = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&read);
    let client = takes("canary-new", &asked)
        .credentials_from(move || {
            let secret = if counter.fetch_add(1, Ordering::Relaxed) == 0 { "canary-old" } else { "canary-new" };
            Ok(ClientCredentials::new("id", secret))
        })
        .build()
        .unwrap();
    client.clusters().await.unwrap();
    assert_eq!((read.load(Ordering::Relaxed), asked.load(Ordering::Relaxed)), (2, 2));

    let client =
        takes("x", &asked).credentials_from(|| Err(io::Error::other("the keyring is locked"))).build().unwrap();
    let error = client.clusters().await.unwrap_err();
    assert_eq!(one_line(&error), "cannot read the client credentials: the keyring is locked");
    assert!(error.is_configuration(), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn does_not_replace_fixed_token() {
    let script = Script::without_tokens();
    script.expect(CLUSTERS, Reply::text(200, "[]")).expect(CLUSTERS, Reply::error(401, "expired canary-given"));
    let client = script.builder().token(" canary-given\n").build().unwrap();
    client.clusters().await.unwrap();
    assert_eq!(script.sent()[0].headers["authorization"], "Bearer canary-given");
    // A day later it is still used.
    pass(Duration::from_hours(24)).await;
    let error = client.clusters().await.unwrap_err();
    assert!(matches!(&error, Error::TokenRefused { origin: TokenOrigin::Fixed, .. }) && error.is_auth(), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");

    for unusable in ["", " ", "canary\nb"] {
        let error = Client::builder(BASE_URL).token(unusable).build().unwrap_err();
        assert!(error.is_configuration() && !error.to_string().contains("canary"), "{error}");
    }
    assert!(Client::builder(BASE_URL).build().unwrap_err().is_configuration());
}

/// A scripted provider.
struct Provider {
    answer: fn(usize) -> Result<AccessToken, TokenError>,
    asked: Arc<Mutex<Vec<bool>>>,
}

impl TokenProvider for Provider {
    fn token(&self, was_refused: bool) -> BoxFuture<'_, Result<AccessToken, TokenError>> {
        let mut asked = self.asked.lock().unwrap();
        asked.push(was_refused);
        let answer = (self.answer)(asked.len());
        Box::pin(async { answer })
    }
}

fn provider(answer: fn(usize) -> Result<AccessToken, TokenError>) -> (Provider, Arc<Mutex<Vec<bool>>>) {
    let asked = Arc::default();
    (Provider { answer, asked: Arc::clone(&asked) }, asked)
}

fn accepts(accepted: &'static str) -> ClientBuilder {
    answering_builder(move |sent| {
        let authorization = sent.headers["authorization"].to_str().unwrap();
        if authorization == format!("Bearer {accepted}") { Reply::text(200, "[]") } else { Reply::error(401, "no") }
    })
}

#[tokio::test(start_paused = true)]
async fn provider_replaces_refused_token() {
    let (three, asked) = provider(|count| Ok(AccessToken::new(format!("t{count}"))));
    let client = accepts("t2").token_provider(three).build().unwrap();
    client.clusters().await.unwrap();
    client.clusters().await.unwrap();
    assert_eq!(*asked.lock().unwrap(), [false, true]);

    let (stubborn, asked) = provider(|_| Ok(AccessToken::new("old")));
    let error = accepts("t").token_provider(stubborn).build().unwrap().clusters().await.unwrap_err();
    assert!(matches!(error, Error::TokenRefused { origin: TokenOrigin::Provider, .. }), "{error:?}");
    assert_eq!(*asked.lock().unwrap(), [false, true]);
}

#[tokio::test(start_paused = true)]
async fn uses_shorter_lifetime() {
    // RFC 7519: issued at 0, and valid for 100 s.
    let jwt = |_: usize| {
        let claims = BASE64URL_NOPAD.encode(br#"{"iat": 0, "exp": 100}"#);
        Ok(AccessToken::new(format!("e30.{claims}.c2ln")))
    };
    let stated = |_: usize| Ok(AccessToken::new("t").valid_for(Duration::from_secs(100)));
    for answer in [jwt as fn(usize) -> _, stated] {
        let (provider, asked) = provider(answer);
        let client = answering_builder(|_| Reply::text(200, "[]")).token_provider(provider).build().unwrap();
        client.clusters().await.unwrap();
        pass(Duration::from_secs(89)).await;
        client.clusters().await.unwrap();
        assert_eq!(asked.lock().unwrap().len(), 1);
        pass(Duration::from_secs(2)).await;
        client.clusters().await.unwrap();
        pass(Duration::from_secs(1)).await;
        assert_eq!(*asked.lock().unwrap(), [false, false]);
    }
}

#[tokio::test(start_paused = true)]
async fn distinguishes_temporary_provider_errors() {
    let failing = |answer| accepts("t").token_provider(provider(answer).0).build().unwrap();
    let error = failing(|_| Err(TokenError::refused("nobody is logged in"))).clusters().await.unwrap_err();
    assert!(error.is_auth() && !error.is_unreachable() && !error.may_have_taken_effect(), "{error:?}");
    assert_eq!(one_line(&error), "the token provider returned no token: nobody is logged in");
    let error = failing(|_| Err(TokenError::unavailable("no network"))).clusters().await.unwrap_err();
    assert!(error.is_unreachable() && !error.is_auth(), "{error:?}");
    for token in ["", "canary\nb"] {
        let failing = accepts("t").token_provider(Fixed(token)).build().unwrap();
        let error = failing.clusters().await.unwrap_err();
        assert!(error.is_auth() && !format!("{error} {error:?}").contains("canary"), "{error:?}");
    }

    let begun = Instant::now();
    let error = accepts("t").token_provider(Hanging).build().unwrap().clusters().await.unwrap_err();
    assert!(error.is_unreachable(), "{error:?}");
    assert_eq!(begun.elapsed().as_secs(), 10);
}

struct Fixed(&'static str);

impl TokenProvider for Fixed {
    fn token(&self, _: bool) -> BoxFuture<'_, Result<AccessToken, TokenError>> {
        Box::pin(async { Ok(AccessToken::new(SecretString::from(self.0))) })
    }
}

struct Hanging;

impl TokenProvider for Hanging {
    fn token(&self, _: bool) -> BoxFuture<'_, Result<AccessToken, TokenError>> {
        Box::pin(std::future::pending())
    }
}

#[cfg(unix)]
mod command {
    //! Tests with real commands, in real time unless a command hangs.

    use std::io::{BufRead as _, BufReader, Read as _};
    use std::process::Command;

    use runai_client::TokenCommand;

    use super::*;

    fn shell(script: &str, argument: &str) -> TokenCommand {
        TokenCommand::new("sh", ["-c", script, "sh", argument])
    }

    #[tokio::test]
    async fn reruns_command_after_refusal() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("runs");
        // stdin is empty, so `cat` ends immediately.
        let command = shell(r#"cat; echo run >> "$1"; echo "  t$(grep -c run "$1")""#, log.to_str().unwrap());
        let client = accepts("t2").token_command(command.clone()).build().unwrap();
        client.clusters().await.unwrap();
        client.clusters().await.unwrap();
        assert_eq!(std::fs::read_to_string(&log).unwrap().lines().count(), 2);

        let error = accepts("other").token_command(command).build().unwrap().clusters().await.unwrap_err();
        assert!(matches!(error, Error::TokenRefused { origin: TokenOrigin::Command, .. }), "{error:?}");
        assert!(error.is_auth() && error.hint().is_some(), "{error:?}");
        assert_eq!(std::fs::read_to_string(&log).unwrap().lines().count(), 4);
    }

    #[tokio::test]
    async fn does_not_quote_command_output() {
        for (script, problem) in [
            ("echo canary; echo canary >&2; exit 3", "failed with exit status: 3"),
            ("kill -9 $$", "failed with signal: 9 (SIGKILL)"),
            ("true", "printed nothing"),
            ("echo canary >&2", "printed nothing"),
            ("echo canary-a; echo canary-b", "printed 2 lines instead of one"),
            ("echo canary: log in first", "printed several words instead of a token"),
            ("head -c 100000 /dev/zero", "printed more than 64 KiB"),
        ] {
            let client = accepts("t").token_command(shell(script, "canary-argument")).build().unwrap();
            let error = client.clusters().await.unwrap_err();
            assert!(error.is_auth() && error.hint().is_some() && !error.may_have_taken_effect(), "{error:?}");
            assert_eq!(error.to_string(), format!("token command `sh` {problem}"), "{script}");
            assert!(!format!("{error:?} {:?} {client:?}", error.hint()).contains("canary"), "{error:?}");
        }
        let missing = TokenCommand::split("/nowhere/get-token --password canary").unwrap();
        let error = accepts("t").token_command(missing).build().unwrap().clusters().await.unwrap_err();
        let text = one_line(&error);
        assert!(
            text.starts_with("token command `get-token` cannot be started: ") && !text.contains("canary"),
            "{text}"
        );
        let empty = Client::builder(BASE_URL).token_command(TokenCommand::new("", [""; 0])).build();
        assert!(empty.unwrap_err().is_configuration());
    }

    #[tokio::test(start_paused = true)]
    async fn command_times_out() {
        let begun = Instant::now();
        let client = accepts("t").token_command(shell("sleep 600", "")).build().unwrap();
        let error = client.clusters().await.unwrap_err();
        assert_eq!(error.to_string(), "token command `sh` did not end within 10 s");
        assert!(error.is_auth(), "{error:?}");
        assert_eq!(begun.elapsed().as_secs(), 10);
    }

    #[tokio::test]
    async fn dropped_command_kills_process_group() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let script = r#"exec 3> "$1"; (sleep 20; echo ended >&3) & echo started >&3; wait"#;
        let client = accepts("t").token_command(shell(script, pipe.to_str().unwrap())).build().unwrap();
        let call = tokio::spawn(async move { client.clusters().await });
        // The pipe closes when no process can write to it.
        let (sender, started) = tokio::sync::oneshot::channel();
        let reading = tokio::task::spawn_blocking(move || {
            let mut pipe = BufReader::new(std::fs::File::open(pipe).unwrap());
            let mut line = String::new();
            pipe.read_line(&mut line).unwrap();
            sender.send(line).unwrap();
            let mut rest = String::new();
            pipe.read_to_string(&mut rest).unwrap();
            rest
        });
        assert_eq!(started.await.unwrap(), "started\n");
        call.abort();
        assert_eq!(reading.await.unwrap(), "");
    }
}
