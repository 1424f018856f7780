//! TLS to all that Redis may be besides one server: a master that sentinels name, and a cluster. The certificates are of an
//! authority that nobody else knows.

use super::servers::{Server, free_port};
use super::tests::{open, patient, viewed, who};
use super::*;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use std::path::PathBuf;
use tempfile::TempDir;

/// An authority, and a certificate by it for the loopback.
struct Authority {
    folder: TempDir,
}

impl Authority {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut own = CertificateParams::new(Vec::new()).unwrap();
        own.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // By the name of its own certificate a server would seem to have signed that itself.
        own.distinguished_name.push(DnType::CommonName, "authority of a test");
        let authority = CertifiedIssuer::self_signed(own, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        // Sentinels and clusters name servers by address.
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
        for (name, text) in
            [("ca.pem", authority.pem()), ("server.pem", certificate.pem()), ("server.key", key.serialize_pem())]
        {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Self { folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Arguments of a server that speaks TLS at this port, to whatever it talks to.
    fn arguments(&self, port: u16) -> Vec<String> {
        let file = |name: &str| self.file(name).to_str().unwrap().to_owned();
        let pairs = [
            ("--tls-port", port.to_string()),
            ("--tls-cert-file", file("server.pem")),
            ("--tls-key-file", file("server.key")),
            ("--tls-ca-cert-file", file("ca.pem")),
            ("--tls-auth-clients", "no".to_owned()),
            ("--tls-replication", "yes".to_owned()),
        ];
        pairs.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect()
    }

    /// A server with these arguments besides, and the port at which it speaks TLS. The other is the test's own.
    fn server(&self, before: &[&str], behind: &[&str]) -> (Server, u16) {
        let port = free_port();
        let own = self.arguments(port);
        let own: Vec<&str> = own.iter().map(String::as_str).collect();
        (Server::with(&[before, &own, behind].concat()), port)
    }

    fn settings(&self) -> RedisConfig {
        RedisConfig { ca: Some(self.file("ca.pem")), replicas: Some(0), ..patient() }
    }
}

/// Waits until a server says so.
async fn until(server: &Server, words: &[&str], says: &str) {
    while !server.try_ask::<String>(words).await.is_ok_and(|told| told.contains(says)) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Shoppers of many slots are written and read; with another authority, or without TLS, nobody is.
async fn is_asked_over_tls_alone(url: &str, authority: &Authority) {
    let store = open(url, authority.settings());
    for n in 0..20 {
        let shopper = who(&format!("shopper {n}"));
        assert_eq!(store.append(&shopper, &[viewed("a", n)]).await.unwrap(), [Appended::Accepted]);
        assert_eq!(ShopperStore::read(&store, &shopper).await.unwrap().session.events.len(), 1);
    }
    let strange = open(url, Authority::new().settings());
    assert!(strange.append(&who("s"), &[viewed("a", 1)]).await.is_err());
    let plain = open(&url.replacen("rediss", "redis", 1), RedisConfig { ca: None, ..authority.settings() });
    assert!(plain.append(&who("s"), &[viewed("a", 1)]).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn sentinels_and_the_master_that_they_name_are_asked_over_tls() {
    let authority = Authority::new();
    let (master, port) = authority.server(&[], &[]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sentinel.conf");
    // It names the port at which the master speaks TLS, and asks there itself.
    std::fs::write(&file, format!("sentinel monitor shop 127.0.0.1 {port} 1\n")).unwrap();
    let (_sentinel, at) = authority.server(&[file.to_str().unwrap(), "--sentinel"], &[]);
    until(&master, &["CLIENT", "LIST"], "name=sentinel-").await;
    is_asked_over_tls_alone(&format!("rediss+sentinel://localhost:{at}/shop"), &authority).await;
    assert_eq!(master.ask::<u64>(&["DBSIZE"]).await, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_node_of_a_cluster_is_asked_over_tls() {
    let authority = Authority::new();
    let mut nodes = Vec::new();
    for (first, last) in [("0", "5460"), ("5461", "10922"), ("10923", "16383")] {
        let bus = free_port().to_string();
        let cluster = ["--cluster-enabled", "yes", "--tls-cluster", "yes", "--cluster-port", &bus];
        let (node, port) = authority.server(&[], &cluster);
        let _: () = node.ask(&["CLUSTER", "ADDSLOTSRANGE", first, last]).await;
        nodes.push((node, port, bus));
    }
    for (_, port, bus) in &nodes[1..] {
        let _: () = nodes[0].0.ask(&["CLUSTER", "MEET", "127.0.0.1", &port.to_string(), bus]).await;
    }
    for (node, ..) in &nodes {
        until(node, &["CLUSTER", "INFO"], "cluster_state:ok").await;
        until(node, &["CLUSTER", "INFO"], "cluster_known_nodes:3").await;
    }
    // One is named, the others are found.
    is_asked_over_tls_alone(&format!("rediss+cluster://127.0.0.1:{}", nodes[0].1), &authority).await;
    for (node, ..) in &nodes {
        assert!(node.ask::<u64>(&["DBSIZE"]).await > 0, "shoppers are on every node");
    }
}
