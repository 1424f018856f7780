//! Whose certificates are believed when the shop is reached over TLS, and what a certificate says of its own time.
//!
//! The public authorities are Mozilla's, compiled in. `upstream.ca` adds a private one beside them. There is no setting
//! that switches verification off: whoever stands between gateway and shop would read every customer token.

use jiff::Timestamp;
use rustls::client::WantsClientCert;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The largest file of certificates or keys that is read, in bytes.
const MAX: u64 = 1 << 20;

/// Why the authorities of `upstream.ca` cannot be used. Read by operators at start.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The file cannot be read.
    #[error("upstream.ca: {path} cannot be read: {reason}; name a PEM file with the authority's certificate")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The file holds no certificate.
    #[error(
        "upstream.ca: {0} holds no certificate that can be trusted; it should begin with -----BEGIN CERTIFICATE-----"
    )]
    Empty(PathBuf),
    /// The TLS library refuses its own settings: a fault of ours.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
}

/// Reads a small file. Errors: why it cannot be read, or that it is larger than a pair of TLS would be.
pub fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX {
        return Err(std::io::Error::new(std::io::ErrorKind::FileTooLarge, "it is larger than 1 MiB"));
    }
    Ok(bytes)
}

/// A client's TLS: TLS 1.2 and 1.3, the public authorities and those of `ca`. Errors: see [`TrustError`].
pub fn client(ca: Option<&Path>) -> Result<ClientConfig, TrustError> {
    Ok(builder(ca)?.with_no_client_auth())
}

fn builder(ca: Option<&Path>) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, TrustError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = ca {
        let bytes =
            read(path).map_err(|error| TrustError::File { path: path.to_owned(), reason: error.to_string() })?;
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
        let certificates = certificates.map_err(|_| TrustError::Empty(path.to_owned()))?;
        if roots.add_parsable_certificates(certificates).0 == 0 {
            return Err(TrustError::Empty(path.to_owned()));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(versions.with_root_certificates(roots))
}

/// SHA-256 of a certificate as tools print it: `AB:CD:…`.
pub fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    Sha256::digest(certificate).iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

/// From when to when a certificate is valid. `None`: its bytes are no certificate of X.509.
pub fn validity(certificate: &[u8]) -> Option<(Timestamp, Timestamp)> {
    let (SEQUENCE, outer, _) = element(certificate)? else { return None };
    let (SEQUENCE, mut inner, _) = element(outer)? else { return None };
    // [0] version where there is one, serial number, algorithm, issuer; then the validity. RFC 5280, 4.1.
    if let (VERSION, _, rest) = element(inner)? {
        inner = rest;
    }
    for _ in 0..3 {
        inner = element(inner)?.2;
    }
    let (SEQUENCE, times, _) = element(inner)? else { return None };
    let (kind, begin, rest) = element(times)?;
    let (end_kind, end, _) = element(rest)?;
    Some((time(kind, begin)?, time(end_kind, end)?))
}

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xA0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The first element of DER: its tag, its content, what follows.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let mut length = usize::from(first);
    if first >= 0x80 {
        let digits = usize::from(first & 0x7F);
        if digits == 0 || digits > 4 || digits > rest.len() {
            return None;
        }
        let (written, after) = rest.split_at(digits);
        length = written.iter().fold(0, |sum, byte| (sum << 8) | usize::from(*byte));
        rest = after;
    }
    (length <= rest.len()).then(|| (tag, &rest[..length], &rest[length..]))
}

/// `YYMMDDHHMMSSZ`, years before 50 in this century, or `YYYYMMDDHHMMSSZ`.
fn time(kind: u8, digits: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(digits).ok()?.strip_suffix('Z')?;
    let text = match kind {
        UTC_TIME if text.get(..2)? < "50" => format!("20{text}"),
        UTC_TIME => format!("19{text}"),
        GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let zoned = jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", &text).ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(until: i32) -> rcgen::Certificate {
        let mut wanted = rcgen::CertificateParams::new(vec!["shop.test".to_owned()]).unwrap();
        wanted.not_before = rcgen::date_time_ymd(2026, 1, 2);
        wanted.not_after = rcgen::date_time_ymd(until, 3, 4);
        wanted.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap()
    }

    #[test]
    fn a_certificate_tells_its_time_before_and_after_2050() {
        let (begin, end) = validity(made(2027).der()).unwrap();
        assert_eq!(
            (begin.to_string(), end.to_string()),
            ("2026-01-02T00:00:00Z".into(), "2027-03-04T00:00:00Z".into())
        );
        assert_eq!(validity(made(2061).der()).unwrap().1.to_string(), "2061-03-04T00:00:00Z");
    }

    #[test]
    fn no_piece_of_a_certificate_breaks_the_reading() {
        let whole = made(2027).der().to_vec();
        for end in 0..whole.len() {
            validity(&whole[..end]);
        }
        for at in 0..whole.len().min(200) {
            for byte in [0, 0x7F, 0x80, 0x84, 0xFF] {
                let mut changed = whole.clone();
                changed[at] = byte;
                validity(&changed);
            }
        }
    }

    #[test]
    fn a_file_without_an_authority_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let refused = |path: &Path| client(Some(path)).unwrap_err().to_string();
        assert!(refused(&path).contains("cannot be read"), "{}", refused(&path));
        for wrong in ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            std::fs::write(&path, wrong).unwrap();
            assert!(refused(&path).contains("holds no certificate"), "{}", refused(&path));
        }
        std::fs::write(&path, made(2027).pem()).unwrap();
        assert!(client(Some(&path)).is_ok() && client(None).is_ok());
    }
}
