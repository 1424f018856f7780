//! The gateway's certificate and key: read, checked to belong together, read again when their files change.
//!
//! A new pair takes the place of the old one for the connections that come; a bad one is refused and the old stays.

use super::config::{ConfigError, TlsConfig};
use crate::platform::trust;
use arc_swap::ArcSwap;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Why a certificate cannot be served. Read by operators; says nothing of the key.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// One of the two settings is missing.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file cannot be read.
    #[error("server.tls.{setting}: {path} cannot be read: {source}; check that it exists and who may read it")]
    File {
        /// `certificate` or `key`.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No certificate in the file.
    #[error("server.tls.certificate: {0} holds no certificate; it should begin with -----BEGIN CERTIFICATE-----")]
    NoCertificate(PathBuf),
    /// No key in the file.
    #[error(
        "server.tls.key: {0} holds no private key that can be read; it should be PEM, PKCS#8, SEC1 or PKCS#1, not encrypted"
    )]
    NoKey(PathBuf),
    /// The two are not of one pair.
    #[error(
        "server.tls: the key in {key} is not the one of the certificate in {certificate}; name the pair that was issued \
         together"
    )]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// TLS cannot use them.
    #[error(
        "server.tls: {certificate} cannot be served: {reason}; RSA keys of 2048 bits and more, P-256, P-384 and Ed25519 can"
    )]
    Unusable {
        /// The certificate's file.
        certificate: PathBuf,
        /// Why.
        reason: String,
    },
    /// No certificate could be made for this run.
    #[error("no certificate can be made: {0}")]
    Made(String),
}

/// Where a pair stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

impl Files {
    /// Both files; `None` where neither is named. Errors: one is named without the other.
    pub(super) fn of(config: &TlsConfig) -> Result<Option<Self>, ConfigError> {
        match (&config.certificate, &config.key) {
            (Some(certificate), Some(key)) => Ok(Some(Self { certificate: certificate.clone(), key: key.clone() })),
            (None, None) => Ok(None),
            (Some(_), None) => Err(ConfigError::Pair { named: "certificate", missing: "key" }),
            (None, Some(_)) => Err(ConfigError::Pair { named: "key", missing: "certificate" }),
        }
    }

    /// The bytes of both, and a hash that tells whether they are other ones.
    fn read(&self) -> Result<(Vec<u8>, Vec<u8>, Seen), TlsError> {
        let read = |setting, path: &Path| {
            trust::read(path).map_err(|source| TlsError::File { setting, path: path.to_owned(), source })
        };
        let certificate = read("certificate", &self.certificate)?;
        let key = read("key", &self.key)?;
        let seen = Sha256::new().chain_update(&certificate).chain_update([0]).chain_update(&key).finalize().into();
        Ok((certificate, key, seen))
    }

    fn pair(&self, certificate: &[u8], key: &[u8]) -> Result<CertifiedKey, TlsError> {
        let none = || TlsError::NoCertificate(self.certificate.clone());
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate).collect();
        let chain = chain.map_err(|_| none())?;
        if chain.is_empty() {
            return Err(none());
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::NoKey(self.key.clone()))?;
        CertifiedKey::from_der(chain, key, &rustls::crypto::ring::default_provider()).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => {
                TlsError::Mismatch { certificate: self.certificate.clone(), key: self.key.clone() }
            }
            other => TlsError::Unusable { certificate: self.certificate.clone(), reason: other.to_string() },
        })
    }
}

type Seen = [u8; 32];

/// The pair in use, for rustls to take at each handshake.
#[derive(Debug)]
pub(super) struct Kept {
    current: ArcSwap<CertifiedKey>,
    files: Option<Files>,
    /// What was last read, good or bad: a bad pair is complained of once.
    seen: Mutex<Seen>,
}

impl Kept {
    /// Reads a pair. Errors: see [`TlsError`].
    pub(super) fn open(files: Files) -> Result<Self, TlsError> {
        let (certificate, key, seen) = files.read()?;
        let pair = files.pair(&certificate, &key)?;
        Ok(Self { current: ArcSwap::from_pointee(pair), files: Some(files), seen: Mutex::new(seen) })
    }

    /// A pair for this run alone, its key in memory only: for `localhost`, the loopback addresses and `host`.
    /// Errors: the system gives no random bytes.
    pub(super) fn self_signed(host: IpAddr) -> Result<Self, TlsError> {
        let made = |error: rcgen::Error| TlsError::Made(error.to_string());
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned(), host.to_string()];
        let mut wanted = rcgen::CertificateParams::new(names).map_err(made)?;
        wanted.distinguished_name.push(rcgen::DnType::CommonName, "Outfitter, made for this run");
        let key = rcgen::KeyPair::generate().map_err(made)?;
        let certificate = wanted.self_signed(&key).map_err(made)?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let chain = vec![certificate.der().clone()];
        let pair = CertifiedKey::from_der(chain, key, &rustls::crypto::ring::default_provider())
            .map_err(|error| TlsError::Made(error.to_string()))?;
        Ok(Self { current: ArcSwap::from_pointee(pair), files: None, seen: Mutex::new([0; 32]) })
    }

    /// Reads the files again and serves what they hold from now on. `false`: nothing new since the last look.
    /// Errors: see [`TlsError`]; the pair in use stays, and the same bad one is not reported again.
    pub(super) fn refresh(&self) -> Result<bool, TlsError> {
        let Some(files) = &self.files else { return Ok(false) };
        let (certificate, key, read) = files.read()?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == read {
            return Ok(false);
        }
        *seen = read;
        self.current.store(Arc::new(files.pair(&certificate, &key)?));
        Ok(true)
    }

    /// SHA-256 of the certificate in use, and when it ends where it says so.
    pub(super) fn describe(&self) -> (String, Option<jiff::Timestamp>) {
        let pair = self.current.load();
        let end = pair.cert.first().and_then(|certificate| trust::validity(certificate));
        (pair.cert.first().map(trust::fingerprint).unwrap_or_default(), end.map(|(_, end)| end))
    }
}

impl ResolvesServerCert for Kept {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn made() -> (String, rcgen::KeyPair) {
        let key = rcgen::KeyPair::generate().unwrap();
        let wanted = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        (wanted.self_signed(&key).unwrap().pem(), key)
    }

    fn files(folder: &Path) -> Files {
        let config = TlsConfig {
            certificate: Some(folder.join("cert.pem")),
            key: Some(folder.join("key.pem")),
            ..TlsConfig::default()
        };
        Files::of(&config).unwrap().unwrap()
    }

    fn write(files: &Files, certificate: &str, key: &str) {
        fs::write(&files.certificate, certificate).unwrap();
        fs::write(&files.key, key).unwrap();
    }

    #[test]
    fn what_is_wrong_with_a_pair_is_said_with_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path());
        let said = || Kept::open(files.clone()).unwrap_err().to_string();
        let (certificate, key) = made();
        assert!(said().contains("server.tls.certificate") && said().contains("cannot be read"), "{}", said());
        write(&files, "nothing", &key.serialize_pem());
        assert!(said().contains("holds no certificate"), "{}", said());
        write(&files, &certificate, "nothing");
        assert!(said().contains("holds no private key"), "{}", said());
        let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
        write(&files, &certificate, encrypted);
        assert!(said().contains("not encrypted"), "{}", said());
        write(&files, &certificate, &made().1.serialize_pem());
        assert!(said().contains("is not the one of the certificate"), "{}", said());
        write(&files, &certificate, &key.serialize_pem());
        assert!(Kept::open(files).is_ok());
    }

    #[test]
    fn one_file_without_the_other_is_refused() {
        let config = TlsConfig { key: Some("key.pem".into()), ..TlsConfig::default() };
        let said = Files::of(&config).unwrap_err().to_string();
        assert!(said.contains("server.tls.certificate"), "{said}");
        assert_eq!(Files::of(&TlsConfig::default()).unwrap(), None);
    }

    #[test]
    fn a_bad_new_pair_is_refused_once_and_the_old_stays() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path());
        let (first, key) = made();
        write(&files, &first, &key.serialize_pem());
        let kept = Kept::open(files.clone()).unwrap();
        let before = kept.describe();
        assert!(!kept.refresh().unwrap());
        let (second, second_key) = made();
        fs::write(&files.certificate, &second).unwrap();
        assert!(matches!(kept.refresh(), Err(TlsError::Mismatch { .. })));
        assert!(!kept.refresh().unwrap());
        assert_eq!(kept.describe(), before);
        fs::write(&files.key, second_key.serialize_pem()).unwrap();
        assert!(kept.refresh().unwrap());
        assert_ne!(kept.describe().0, before.0);
    }

    #[test]
    fn keys_in_the_words_of_openssl_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(folder.path());
        let made = |arguments: &[&str]| {
            let ended = std::process::Command::new("openssl").args(arguments).current_dir(folder.path()).output();
            ended.is_ok_and(|output| output.status.success())
        };
        let certificate =
            |key: &str| made(&["req", "-x509", "-key", key, "-out", "cert.pem", "-subj", "/CN=localhost"]);
        // Where there is no openssl the three forms stay untried here; PKCS#8 is tried above.
        if made(&["genrsa", "-traditional", "-out", "key.pem", "2048"]) && certificate("key.pem") {
            assert!(fs::read_to_string(&files.key).unwrap().contains("BEGIN RSA PRIVATE KEY"));
            Kept::open(files.clone()).unwrap();
        }
        if made(&["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "key.pem"]) && certificate("key.pem") {
            assert!(fs::read_to_string(&files.key).unwrap().contains("BEGIN EC PRIVATE KEY"));
            Kept::open(files).unwrap();
        }
    }
}
