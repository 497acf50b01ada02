//! The TLS configuration. Certificate verification cannot be disabled.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;
use secrecy::{ExposeSecret, SecretString};

use super::SetupError;

/// Returns the TLS configuration. If TLS is not `needed` it trusts nothing, so that a machine without root certificates
/// can connect to a simulator.
///
/// Uses the crypto provider of the process, if the program installed one. Installs none.
pub(super) fn config(
    needed: bool,
    root_certificates: &[Vec<u8>],
    client_certificate: Option<&(Vec<u8>, SecretString)>,
) -> Result<ClientConfig, SetupError> {
    let failed = |error: rustls::Error| SetupError::of(error);
    let provider = provider().ok_or_else(|| SetupError::new(NO_PROVIDER))?;
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(failed)?;
    // Parsed even if not needed: a file without certificates is always a mistake.
    let mut roots = Vec::new();
    for pem in root_certificates {
        roots.extend(certificates(pem, "the root certificates")?);
    }
    let builder = if needed {
        let verifier = if roots.is_empty() {
            Verifier::new(provider).map_err(failed)?
        } else {
            Verifier::new_with_extra_roots(roots, provider).map_err(failed)?
        };
        // rustls calls any custom verifier "dangerous"; this one is the platform's.
        builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
    } else {
        builder.with_root_certificates(RootCertStore::empty())
    };
    let mut config = match client_certificate {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => {
            let chain = certificates(chain, "the client certificate")?;
            // The parser's error is omitted: it may quote the key.
            let key = PrivateKeyDer::from_pem_slice(key.expose_secret().as_bytes())
                .map_err(|_| SetupError::new("the private key of the client certificate is not valid PEM"))?;
            builder.with_client_auth_cert(chain, key).map_err(failed)?
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Returns the crypto provider of the process, or else ring, with the feature `rustls-ring`.
fn provider() -> Option<Arc<CryptoProvider>> {
    #[cfg(feature = "rustls-ring")]
    let own = Some(Arc::new(rustls::crypto::ring::default_provider()));
    #[cfg(not(feature = "rustls-ring"))]
    let own = None;
    CryptoProvider::get_default().cloned().or(own)
}

const NO_PROVIDER: &str = "no crypto provider: install one, or enable the feature `rustls-ring`";

fn certificates(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    let certificates: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(pem).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err(SetupError::new(format!("no PEM certificate in {what}"))),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(SetupError::new(format!("invalid PEM in {what}")).with_source(error)),
    }
}
