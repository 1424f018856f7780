//! Deliveries as platforms sign them, with the secrets and keys of the tests; and the samples of the fuzz targets' corpora.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use rustls::SignatureScheme;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use sha2::Sha256;
use std::path::{Path, PathBuf};

/// The secret of both apps.
pub(crate) const SECRET: &str = "client secret";
/// The client of Adobe's project.
pub(crate) const CLIENT: &str = "client-1";

type Headers = Vec<(&'static str, String)>;

fn hmac(parts: &[&[u8]]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    parts.iter().for_each(|part| mac.update(part));
    STANDARD.encode(mac.finalize().into_bytes())
}

fn keys() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keys")
}

/// The public key of a name, `one` or `two`.
pub(crate) fn public_key(name: &str) -> PathBuf {
    keys().join(format!("adobe-{name}.pub.pem"))
}

fn rsa(name: &str, message: &[u8]) -> String {
    let key = PrivateKeyDer::from_pem_file(keys().join(format!("adobe-{name}.key.pem"))).unwrap();
    let key = rustls::crypto::ring::sign::any_supported_type(&key).unwrap();
    STANDARD.encode(key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256]).unwrap().sign(message).unwrap())
}

/// A delivery of Shopify's. `id`: its webhook id; none where empty.
pub(crate) fn shopify(topic: &str, id: &str, body: &str) -> Headers {
    let mut headers = vec![("x-shopify-topic", topic.to_owned()), ("x-shopify-hmac-sha256", hmac(&[body.as_bytes()]))];
    if !id.is_empty() {
        headers.push(("x-shopify-webhook-id", id.to_owned()));
    }
    headers
}

/// A delivery of BigCommerce's, signed so many seconds ago.
pub(crate) fn bigcommerce(id: &str, ago: i64, body: &str) -> Headers {
    let at = (jiff::Timestamp::now().as_second() - ago).to_string();
    let signature = hmac(&[id.as_bytes(), b".", at.as_bytes(), b".", body.as_bytes()]);
    vec![("webhook-id", id.to_owned()), ("webhook-timestamp", at), ("webhook-signature", format!("v1,{signature}"))]
}

/// A delivery of Adobe I/O Events.
pub(crate) fn adobe(body: &str) -> Headers {
    vec![
        ("x-adobe-digital-signature-1", rsa("one", body.as_bytes())),
        ("x-adobe-public-key1-path", "/prod/keys/pub-key-one.pem".to_owned()),
    ]
}

/// A delivery of Commerce's own webhooks.
pub(crate) fn adobe_own(body: &str) -> Headers {
    vec![("x-adobe-commerce-webhook-signature", rsa("two", STANDARD.encode(body).as_bytes()))]
}

/// Settings that take all of them; the secret is written into this folder.
pub(crate) fn settings(folder: &Path) -> String {
    let secret = folder.join("webhook-secret");
    std::fs::write(&secret, SECRET).unwrap();
    let secret = format!("secrets = [{{ file = {secret:?} }}]\n");
    let key = |name: &str| format!("[{{ file = {:?} }}]", public_key(name));
    format!(
        "[ingest.webhooks.shopify]\nshop = \"a.myshopify.com\"\n{secret}[ingest.webhooks.bigcommerce]\n{secret}[ingest.webhooks.adobe]\n\
         event_keys = {}\nwebhook_keys = {}\nclient = \"{CLIENT}\"\n",
        key("one"),
        key("two")
    )
}

/// The files of a fuzz target's corpus: name, first line, the rest.
pub(crate) fn samples(target: &str) -> Vec<(String, String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let sample = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        let (line, body) = text.split_once('\n').unwrap();
        (path.file_name().unwrap().to_str().unwrap().to_owned(), line.to_owned(), body.to_owned())
    };
    files.iter().map(sample).collect()
}

/// A sample of webhooks, signed: the path and headers.
pub(crate) fn signed(line: &str, id: &str, body: &str) -> (String, Headers) {
    let (platform, topic) = line.split_once(' ').unwrap();
    let headers = match (platform, topic) {
        ("shopify", topic) => shopify(topic, id, body),
        ("bigcommerce", _) => bigcommerce(id, 0, body),
        ("adobe", "own") => adobe_own(body),
        ("adobe", _) => adobe(body),
        other => panic!("{other:?}"),
    };
    (format!("/webhooks/{platform}"), headers)
}
