//! Custom certificate authorities, client certificates and proxies, over sockets.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use runai_client::{Client, ClientBuilder, Error, RetryPolicy};
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Returns a certificate for `name` and its key, in PEM.
fn certificate(authority: &Authority, name: &str) -> (rcgen::Certificate, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    (params.signed_by(&key, authority).unwrap(), key)
}

/// A control plane without projects, behind TLS; requires a client certificate if `clients` is set.
async fn serve(authority: &Authority, name: &str, clients: Option<&Authority>) -> String {
    let (certificate, key) = certificate(authority, name);
    let provider = Arc::new(ring::default_provider());
    let builder =
        ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions().unwrap();
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(clients) => {
            let mut roots = RootCertStore::empty();
            roots.add(clients.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
            builder.with_client_cert_verifier(verifier)
        }
    };
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = builder.with_single_cert(vec![certificate.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut buffer = [0; 8192];
                while let Ok(count @ 1..) = stream.read(&mut buffer).await {
                    let is_token = buffer[..count].starts_with(b"POST /api/v2/token");
                    let body = if is_token { r#"{"access_token": "t", "expires_in": 60}"# } else { "[]" };
                    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                    let _ = stream.write_all(answer.as_bytes()).await;
                }
            });
        }
    });
    format!("https://localhost:{port}")
}

fn builder(url: &str) -> ClientBuilder {
    Client::builder(url).credentials("id", "secret").no_proxy().retry_policy(RetryPolicy::once(Duration::from_secs(10)))
}

#[tokio::test]
async fn trusts_custom_root_certificate() {
    let (authority, other) = (authority(), authority());
    let url = serve(&authority, "localhost", None).await;
    let trusting = builder(&url).root_certificates(authority.pem()).build().unwrap();
    assert_eq!(trusting.clusters().await.unwrap().len(), 0);

    let elsewhere = serve(&authority, "example.com", None).await;
    for (url, root) in [(&url, &other), (&elsewhere, &authority)] {
        let client = builder(url).root_certificates(root.pem()).build().unwrap();
        let error = client.clusters().await.unwrap_err();
        assert!(error.hint().unwrap().contains("certificate") && error.is_unreachable(), "{error:?}");
    }
}

#[tokio::test]
async fn sends_client_certificate() {
    let authority = authority();
    let url = serve(&authority, "localhost", Some(&authority)).await;
    let (certificate, key) = certificate(&authority, "client");
    let known = builder(&url)
        .root_certificates(authority.pem())
        .client_certificate(certificate.pem(), key.serialize_pem())
        .build()
        .unwrap();
    assert_eq!(known.clusters().await.unwrap().len(), 0);
    let unknown = builder(&url).root_certificates(authority.pem()).build().unwrap();
    assert!(unknown.clusters().await.unwrap_err().is_unreachable());
}

#[tokio::test]
async fn rejects_invalid_certificates() {
    let authority = authority();
    let (certificate, key) = certificate(&authority, "client");
    let base = || builder("https://localhost:1");
    for broken in [
        base().root_certificates("no certificate"),
        base().root_certificates("-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n"),
        base().root_certificates(authority.pem()).client_certificate("", key.serialize_pem()),
        base().root_certificates(authority.pem()).client_certificate(certificate.pem(), "canary-key"),
        // The key of another certificate.
        base()
            .root_certificates(authority.pem())
            .client_certificate(certificate.pem(), KeyPair::generate().unwrap().serialize_pem()),
    ] {
        assert!(!format!("{broken:?}").contains("canary"));
        let error = broken.build().unwrap_err();
        assert!(matches!(error, Error::Setup(_)) && error.is_configuration(), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
    }
}

#[tokio::test]
async fn uses_proxy_with_credentials() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let log = Arc::clone(&log);
            tokio::spawn(async move { answer(&mut stream, &log).await });
        }
    });
    let client = Client::builder("http://runai.test")
        .allow_http(true)
        .credentials("id", "secret")
        .proxy_with_credentials(address, "me", "canary-password")
        .build()
        .unwrap();
    assert!(!format!("{client:?}").contains("canary"));
    assert_eq!(client.clusters().await.unwrap().len(), 0);
    let seen = seen.lock().unwrap();
    assert!(seen[0].starts_with("POST http://runai.test/api/v2/token "), "{seen:?}");
    // `me:canary-password` in base64.
    assert!(seen.iter().all(|text| text.contains("Basic bWU6Y2FuYXJ5LXBhc3N3b3Jk")), "{seen:?}");
}

async fn answer(stream: &mut TcpStream, log: &Mutex<Vec<String>>) {
    let mut buffer = [0; 8192];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        let text = String::from_utf8_lossy(&buffer[..count]).into_owned();
        let body = if text.starts_with("POST") { r#"{"access_token": "t", "expires_in": 60}"# } else { "[]" };
        log.lock().unwrap().push(text);
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        let _ = stream.write_all(answer.as_bytes()).await;
    }
}
