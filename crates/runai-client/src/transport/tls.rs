//! How certificates are verified and shown. Verification cannot be switched off.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;
use secrecy::{ExposeSecret, SecretString};

use super::SetupError;

/// What connections with TLS use. Nothing is trusted if it is not `needed`: a machine without root certificates can still
/// talk to a simulator.
///
/// The crypto provider is that of the process, if the program installed one. None is installed here.
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
    // Read in any case: a file that holds none is a mistake, whoever is asked first.
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
        // "Dangerous" is any verifier of one's own; this one verifies as the platform does.
        builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
    } else {
        builder.with_root_certificates(RootCertStore::empty())
    };
    let mut config = match client_certificate {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => {
            let chain = certificates(chain, "the client certificate")?;
            // What is wrong with a key is not told in detail: the text would be that of a secret.
            let key = PrivateKeyDer::from_pem_slice(key.expose_secret().as_bytes())
                .map_err(|_| SetupError::new("the client certificate's private key is no PEM text with a key"))?;
            builder.with_client_auth_cert(chain, key).map_err(failed)?
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// The crypto provider of the process, or else ring, if this crate has it.
fn provider() -> Option<Arc<CryptoProvider>> {
    #[cfg(feature = "rustls-ring")]
    let own = Some(Arc::new(rustls::crypto::ring::default_provider()));
    #[cfg(not(feature = "rustls-ring"))]
    let own = None;
    CryptoProvider::get_default().cloned().or(own)
}

const NO_PROVIDER: &str = "the process has no crypto provider: install one, or enable the feature `rustls-ring`";

fn certificates(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    let certificates: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(pem).collect();
    match certificates {
        Ok(certificates) if certificates.is_empty() => Err(SetupError::new(format!("{what} hold no PEM certificate"))),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(SetupError::new(format!("{what} cannot be read")).with_source(error)),
    }
}
