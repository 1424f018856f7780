//! TLS on the gateway's port: clients that verify the certificate, clients that speak something else, a certificate
//! that is renewed under load, an end that loses nothing.

use super::backend::{Server, config, start, start_with};
use super::client::read;
use bytes::Bytes;
use http::{HeaderMap, Request, Version};
use http_body_util::{BodyExt, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use outfitter::platform::trust;
use outfitter::platform::upstream::{self, Repeat, Upstream};
use outfitter::server::{Config, Tls, TlsConfig};
use outfitter::telemetry::init;
use rustls::DigitallySignedStruct;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// A folder with a pair in it, and an authority file that clients trust.
struct Pair {
    _folder: tempfile::TempDir,
    certificate: PathBuf,
    key: PathBuf,
    /// Every certificate that was ever written.
    trusted: PathBuf,
}

impl Pair {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let pair =
            Self { certificate: path("cert.pem"), key: path("key.pem"), trusted: path("ca.pem"), _folder: folder };
        std::fs::write(&pair.trusted, "").unwrap();
        pair.renew();
        pair
    }

    /// Writes another pair over the old one; gives its fingerprint.
    fn renew(&self) -> String {
        let key = rcgen::KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = rcgen::CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
        let trusted = std::fs::read_to_string(&self.trusted).unwrap() + &made.pem();
        std::fs::write(&self.trusted, trusted).unwrap();
        std::fs::write(&self.certificate, made.pem()).unwrap();
        std::fs::write(&self.key, key.serialize_pem()).unwrap();
        trust::fingerprint(made.der())
    }

    fn settings(&self) -> TlsConfig {
        TlsConfig { certificate: Some(self.certificate.clone()), key: Some(self.key.clone()), hsts: None }
    }

    async fn server(&self, config: Config) -> (Server, Tls) {
        let tls = Tls::open(&self.settings()).unwrap().unwrap();
        (start_with(config, Some(tls.clone())).await, tls)
    }

    fn client(&self, version: Version) -> Client<HttpsConnector<HttpConnector>, Full<Bytes>> {
        let tls = trust::client(Some(&self.trusted)).unwrap();
        let builder = HttpsConnectorBuilder::new().with_tls_config(tls).https_only();
        let connector = match version {
            Version::HTTP_2 => builder.enable_http2().build(),
            _ => builder.enable_http1().build(),
        };
        Client::builder(TokioExecutor::new()).http2_only(version == Version::HTTP_2).build(connector)
    }

    /// The fingerprint of what a new connection is shown.
    async fn shown(&self, server: &Server) -> String {
        let connector = tokio_rustls::TlsConnector::from(Arc::new(trust::client(Some(&self.trusted)).unwrap()));
        let stream = TcpStream::connect(server.address).await.unwrap();
        let stream = connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
        trust::fingerprint(&stream.get_ref().1.peer_certificates().unwrap()[0])
    }
}

/// Takes any certificate, and keeps the last that it was shown.
#[derive(Debug, Default)]
pub(super) struct Anyone(Mutex<Option<CertificateDer<'static>>>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        *self.0.lock().unwrap() = Some(end_entity.clone().into_owned());
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        rustls::crypto::ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// A client that takes whatever certificate it is shown.
pub(super) fn anyone() -> (tokio_rustls::TlsConnector, Arc<Anyone>) {
    let shown = Arc::new(Anyone::default());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = builder.dangerous().with_custom_certificate_verifier(shown.clone()).with_no_client_auth();
    (tokio_rustls::TlsConnector::from(Arc::new(config)), shown)
}

fn ask(server: &Server, query: &str) -> Request<Full<Bytes>> {
    Request::post(format!("https://{}/graphql", server.address))
        .header("content-type", "application/json")
        .body(Full::from(format!(r#"{{"query":"{query}"}}"#)))
        .unwrap()
}

#[tokio::test]
async fn clients_that_verify_are_served_over_http_2_and_http_1() {
    let pair = Pair::new();
    let (server, _) = pair.server(config()).await;
    for version in [Version::HTTP_2, Version::HTTP_11] {
        let answer = pair.client(version).request(ask(&server, "{ a }")).await.unwrap();
        assert_eq!(answer.version(), version);
        assert!(!answer.headers().contains_key("strict-transport-security"));
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), r#"{"data":{"answer":"ok"}}"#);
    }
    let stranger = Pair::new().client(Version::HTTP_11);
    assert!(stranger.request(ask(&server, "{ a }")).await.is_err(), "a client that trusts another certificate");
}

#[tokio::test]
async fn browsers_are_told_to_stay_on_tls_where_the_settings_say_so() {
    let pair = Pair::new();
    let hsts = Some(Duration::from_secs(86_400));
    let (server, _) = pair.server(Config { tls: TlsConfig { hsts, ..TlsConfig::default() }, ..config() }).await;
    let answer = pair.client(Version::HTTP_11).request(ask(&server, "{ a }")).await.unwrap();
    assert_eq!(answer.headers()["strict-transport-security"], "max-age=86400");
}

#[tokio::test]
async fn plain_http_is_told_to_speak_tls_and_garbage_is_dropped() {
    let pair = Pair::new();
    let (server, _) = pair.server(config()).await;
    let mut plain = TcpStream::connect(server.address).await.unwrap();
    plain.write_all(b"POST /graphql HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let answer = read(&mut plain).await.unwrap();
    assert!(answer.status == 400 && answer.text().contains("write https://"), "{answer:?}");
    for garbage in [&b"\x00\x01\x02"[..], b"\x16\x03\x01\xff\xffgarbage that is no handshake", b"\x80\x80"] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(garbage).await.unwrap();
        assert!(read(&mut stream).await.is_none());
    }
}

#[tokio::test]
async fn handshakes_that_do_not_come_hold_nobody_up_and_are_closed() {
    let pair = Pair::new();
    let (server, _) = pair.server(config()).await;
    let mut waiting = Vec::new();
    for begun in [&b""[..], b"\x16\x03\x01", b"\x16\x03\x01\x02\x00\x01"].iter().cycle().take(60) {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(begun).await.unwrap();
        waiting.push(stream);
    }
    let answer = pair.client(Version::HTTP_2).request(ask(&server, "{ a }")).await.unwrap();
    assert_eq!(answer.status(), 200);
    for stream in &mut waiting {
        assert!(read(stream).await.is_none(), "closed by the server after the header timeout");
    }
}

#[tokio::test]
async fn a_handshake_without_a_request_is_closed_too() {
    let pair = Pair::new();
    let (server, _) = pair.server(config()).await;
    let connector = tokio_rustls::TlsConnector::from(Arc::new(trust::client(Some(&pair.trusted)).unwrap()));
    let stream = TcpStream::connect(server.address).await.unwrap();
    let mut stream = connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
    let mut read = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut read).await.ok();
    assert!(read.is_empty());
}

#[tokio::test]
async fn a_renewed_certificate_is_served_without_losing_a_request() {
    let pair = Arc::new(Pair::new());
    let (server, tls) = pair.server(config()).await;
    let first = pair.shown(&server).await;
    // Clients trust what will be written, too: only what is served should matter.
    let second = pair.renew();
    let load = pair.client(Version::HTTP_2);
    let url = server.address;
    let stop = Arc::new(AtomicBool::new(false));
    let loads: Vec<_> = (0..4)
        .map(|at| {
            let (load, pair, stop) = (load.clone(), pair.clone(), stop.clone());
            tokio::spawn(async move {
                let mut served = 0;
                while !stop.load(Ordering::SeqCst) {
                    // Half of them on one connection, half each on a new one.
                    let client = if at % 2 == 0 { load.clone() } else { pair.client(Version::HTTP_11) };
                    let request = Request::get(format!("https://{url}/health/live")).body(Full::default()).unwrap();
                    let answer = client.request(request).await.unwrap();
                    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "live\n");
                    served += 1;
                }
                served
            })
        })
        .collect();
    // The server looks by itself; here it is told, as by SIGHUP.
    assert!(tls.refresh().unwrap());
    assert_eq!(pair.shown(&server).await, second);
    assert_ne!(first, second);
    std::fs::write(&pair.key, "no key").unwrap();
    assert!(tls.refresh().is_err());
    assert_eq!(pair.shown(&server).await, second, "a bad pair is refused");
    stop.store(true, Ordering::SeqCst);
    for load in loads {
        assert!(load.await.unwrap() > 0);
    }
}

#[tokio::test]
async fn the_server_finds_a_renewed_certificate_by_itself() {
    let pair = Pair::new();
    let (server, _) = pair.server(config()).await;
    let second = pair.renew();
    while pair.shown(&server).await != second {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn every_request_in_flight_is_answered_over_tls_after_the_signal() {
    let pair = Pair::new();
    let (server, _) = pair.server(config()).await;
    let clients = [pair.client(Version::HTTP_2), pair.client(Version::HTTP_11)];
    let requests: Vec<_> =
        (0..50).map(|at: usize| tokio::spawn(clients[at % 2].clone().request(ask(&server, "{ wait }")))).collect();
    while server.backend.waiting.load(Ordering::SeqCst) < 50 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    server.stop.send(()).unwrap();
    while TcpStream::connect(server.address).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    server.backend.gate.add_permits(50);
    for request in requests {
        let answer = request.await.unwrap().unwrap();
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), r#"{"data":{"answer":"waited"}}"#);
    }
    server.ended.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_shop_behind_a_private_authority_is_reached_where_the_settings_trust_it() {
    let pair = Pair::new();
    let (server, _) = pair.server(config()).await;
    let url = Some(format!("https://localhost:{}/graphql", server.address.port()));
    let asked = |ca: Option<PathBuf>| {
        let shop = upstream::Config { url: url.clone(), ca, ..upstream::Config::default() };
        async move {
            let shop = Upstream::new(shop, HeaderMap::new()).unwrap();
            shop.ask(HeaderMap::new(), Bytes::from_static(br#"{"query":"{ a }"}"#), Repeat::Once).await
        }
    };
    assert_eq!(asked(Some(pair.trusted.clone())).await.unwrap().body, r#"{"data":{"answer":"ok"}}"#);
    let refused = asked(None).await.unwrap_err().to_string();
    assert!(refused.contains("UnknownIssuer") || refused.contains("certificate"), "{refused}");
    // The name counts, too: the certificate is not for every host that resolves here.
    let other = upstream::Config {
        url: Some(format!("https://[::1]:{}/graphql", server.address.port())),
        ca: Some(pair.trusted.clone()),
        ..upstream::Config::default()
    };
    assert!(
        Upstream::new(other, HeaderMap::new())
            .unwrap()
            .ask(HeaderMap::new(), Bytes::new(), Repeat::Once)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_certificate_made_for_the_run_is_for_the_loopback_names() {
    let server = start_with(config(), Some(Tls::self_signed([127, 0, 0, 1].into()).unwrap())).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert_eq!(read(&mut stream).await.unwrap().status, 400);
    let plain = start(config()).await;
    assert_ne!(plain.address, server.address);
}

#[tokio::test]
async fn a_certificate_made_for_the_run_is_verified_by_clients_that_trust_it() {
    let tls = Tls::self_signed([127, 0, 0, 1].into()).unwrap();
    let server = start_with(config(), Some(tls.clone())).await;
    let (connector, shown) = anyone();
    let stream = TcpStream::connect(server.address).await.unwrap();
    connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
    let certificate = shown.0.lock().unwrap().take().unwrap();
    assert_eq!(trust::fingerprint(&certificate), tls.describe().0, "the one whose fingerprint was said");
    let pair = Pair::new();
    let text = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, &certificate);
    let lines: Vec<_> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"));
    std::fs::write(&pair.trusted, pem).unwrap();
    for (host, version) in [("localhost", Version::HTTP_2), ("127.0.0.1", Version::HTTP_11)] {
        let url = format!("https://{host}:{}/health/live", server.address.port());
        let answer = pair.client(version).request(Request::get(url).body(Full::default()).unwrap()).await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.version()), (200, version), "{host}");
    }
    // Another run makes another, which this client does not take.
    let other = start_with(config(), Some(Tls::self_signed([127, 0, 0, 1].into()).unwrap())).await;
    assert!(pair.client(Version::HTTP_11).request(ask(&other, "{ a }")).await.is_err());
}

#[tokio::test]
async fn handshakes_that_come_to_nothing_are_counted_by_why() {
    let pair = Pair::new();
    let (server, _) = pair.server(config()).await;
    let stranger = Pair::new().client(Version::HTTP_11);
    let counted = |reason: &str| {
        let sample = format!("outfitter_tls_handshakes_failed_total{{reason=\"{reason}\"}}");
        init::metrics().render().contains(&sample)
    };
    let sent: [(&str, &[u8]); 5] = [
        ("plain", b"GET / HTTP/1.1\r\n\r\n"),
        ("foreign", b"\x00garbage"),
        ("late", b"\x16\x03\x01"),
        ("invalid", b"\x16\x03\x01\x00\x05\x63\x00\x00\x01\x00"),
        ("closed", b""),
    ];
    for (reason, sent) in sent {
        while !counted(reason) {
            let mut stream = TcpStream::connect(server.address).await.unwrap();
            stream.write_all(sent).await.unwrap();
            if sent.is_empty() {
                stream.shutdown().await.unwrap();
            }
            read(&mut stream).await;
        }
    }
    // Its word can be lost where it closes over what it has not read: then it is asked again.
    while !counted("alert") {
        assert!(stranger.request(ask(&server, "{ a }")).await.is_err());
    }
}

#[test]
fn a_wrong_key_is_refused_at_start() {
    let (pair, other) = (Pair::new(), Pair::new());
    let settings = pair.certificate.with_file_name("outfitter.toml");
    let text = format!(
        "[upstream]\nurl = \"http://127.0.0.1:9/graphql\"\n[server]\nlisten = \"127.0.0.1:0\"\n[server.tls]\n\
         certificate = {:?}\nkey = {:?}\n",
        pair.certificate, other.key
    );
    std::fs::write(&settings, text).unwrap();
    let output =
        Command::new(env!("CARGO_BIN_EXE_outfitter")).args(["serve", "--config"]).arg(&settings).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("is not the one of the certificate"), "{said}");
}
