//! Where Redis is: the URL of the settings, read.
//!
//! | form | what |
//! |---|---|
//! | `redis://host:6379/0` | one Redis |
//! | `redis+cluster://a:6379,b:6379` | a cluster, by some of its nodes; `redis://a,redis://b` is the same |
//! | `redis+sentinel://a:26379,b:26379/name/0` | the master that these sentinels watch under the name |
//!
//! `rediss` in the place of `redis` is TLS, to sentinels as well. `user:password@` before the first host counts for every
//! Redis; sentinels are asked without. An address holds a password: its `Debug` shows nothing, nor do its errors.

use redis::io::tcp::TcpSettings;
use redis::{ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo};
use std::time::Duration;

/// Why the store's address cannot be used. Read by operators at start.
#[derive(Debug, thiserror::Error)]
pub enum RedisError {
    /// No address of a Redis.
    #[error(
        "store.url cannot be used: {0}; write redis://host:6379/0 (rediss:// for TLS), redis+cluster://host:6379,host:6379 \
         or redis+sentinel://host:26379,host:26379/name"
    )]
    Url(String),
    /// The certificate authority cannot be used.
    #[error("store.redis.ca cannot be used: {0}; name a PEM file with the certificate of Redis' authority")]
    Authority(String),
}

/// A connection on which nothing is acknowledged for so long is dead, also where no packet says so.
const GONE: Duration = Duration::from_secs(5);
/// The port of a sentinel that names none.
const SENTINEL_PORT: u16 = 26379;

/// Where Redis is.
#[derive(Clone)]
pub struct Address(pub(super) Place);

/// What is at an address.
#[derive(Clone)]
pub(super) enum Place {
    Single(ConnectionInfo),
    Cluster(Vec<ConnectionInfo>),
    Sentinel(Watch),
}

/// A master that sentinels watch.
#[derive(Clone)]
pub(super) struct Watch {
    pub(super) sentinels: Vec<ConnectionInfo>,
    pub(super) name: String,
    /// How to speak to the master.
    pub(super) redis: RedisConnectionInfo,
    pub(super) tls: bool,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Address")
    }
}

impl Address {
    /// Reads a URL. Errors: [`RedisError::Url`], which repeats nothing of it.
    pub fn parse(url: &str) -> Result<Self, RedisError> {
        let wrong = |what: &str| RedisError::Url(what.to_owned());
        let (scheme, rest) = url.trim().split_once("://").ok_or_else(|| wrong("it has no scheme"))?;
        let (plain, kind) = scheme.split_once('+').unwrap_or((scheme, ""));
        if !matches!(plain, "redis" | "rediss") {
            return Err(wrong("its scheme is none of Redis"));
        }
        let several = rest.contains(',');
        Ok(Self(match kind {
            "" if !several => Place::Single(info(&format!("{plain}://{rest}"))?),
            "" | "cluster" => Place::Cluster(nodes(plain, rest)?),
            "sentinel" => Place::Sentinel(watch(plain, rest)?),
            _ => return Err(wrong("its scheme is none of Redis")),
        }))
    }

    /// The same with this password, in the place of any in the URL.
    #[must_use]
    pub fn with_password(self, password: &str) -> Self {
        let with = |info: ConnectionInfo| {
            let redis = info.redis_settings().clone().set_password(password);
            info.set_redis_settings(redis)
        };
        Self(match self.0 {
            Place::Single(info) => Place::Single(with(info)),
            Place::Cluster(nodes) => Place::Cluster(nodes.into_iter().map(with).collect()),
            Place::Sentinel(watch) => Place::Sentinel(Watch { redis: watch.redis.set_password(password), ..watch }),
        })
    }

    /// Whether what is here has replicas, as far as its kind tells.
    pub(super) fn is_replicated(&self) -> bool {
        !matches!(self.0, Place::Single(_))
    }
}

/// How a connection to Redis behaves: small commands leave at once, and a host that vanished is noticed.
pub(super) fn tcp() -> TcpSettings {
    let settings = TcpSettings::default().set_nodelay(true);
    #[cfg(target_os = "linux")]
    let settings = settings.set_user_timeout(GONE);
    settings
}

fn info(url: &str) -> Result<ConnectionInfo, RedisError> {
    // Certificates that nobody checks are no TLS.
    if url.contains('#') {
        return Err(RedisError::Url("it has a fragment".to_owned()));
    }
    let read = url.into_connection_info().map_err(|error| RedisError::Url(error.to_string()))?;
    Ok(read.set_tcp_settings(tcp()))
}

/// `user:password@a:1,b:2/path` as user information, hosts and path. A host may be a whole URL of its own.
fn split(rest: &str) -> (&str, Vec<&str>, &str) {
    let (hosts, path) = match rest.rsplit_once(',') {
        Some((_, last)) => {
            let last = last.rsplit_once("://").map_or(last, |(_, host)| host);
            let path = last.find('/').map_or("", |at| &last[at + 1..]);
            (rest[..rest.len() - path.len()].trim_end_matches('/'), path)
        }
        None => rest.split_once('/').unwrap_or((rest, "")),
    };
    let (user, hosts) = match hosts.split_once('@') {
        Some((user, _)) if !user.contains(',') => (&hosts[..=user.len()], &hosts[user.len() + 1..]),
        _ => ("", hosts),
    };
    (user, hosts.split(',').map(str::trim).collect(), path)
}

fn nodes(plain: &str, rest: &str) -> Result<Vec<ConnectionInfo>, RedisError> {
    let (user, hosts, path) = split(rest);
    if !matches!(path, "" | "0") {
        return Err(RedisError::Url("a cluster has no database but 0".to_owned()));
    }
    let node = |host: &&str| match host.contains("://") {
        // Written whole, with what goes before it.
        true if host.starts_with(&format!("{plain}://")) => info(host),
        true => Err(RedisError::Url("the nodes of a cluster have different schemes".to_owned())),
        false if host.contains('@') => info(&format!("{plain}://{host}")),
        false => info(&format!("{plain}://{user}{host}")),
    };
    hosts.iter().map(node).collect()
}

fn watch(plain: &str, rest: &str) -> Result<Watch, RedisError> {
    let (user, hosts, path) = split(rest);
    let (name, database) = path.split_once('/').unwrap_or((path, ""));
    if name.is_empty() {
        return Err(RedisError::Url("it does not name what the sentinels watch".to_owned()));
    }
    // The library reads the rest of a URL: user, password and database are those of a Redis.
    let redis = info(&format!("{plain}://{user}host/{database}"))?.redis_settings().clone();
    let sentinel = |host: &&str| {
        let url = url::Url::parse(&format!("{plain}://{host}"));
        let port = url.map_err(|_| RedisError::Url("the address of a sentinel is none".to_owned()))?.port();
        info(&if port.is_some() { format!("{plain}://{host}") } else { format!("{plain}://{host}:{SENTINEL_PORT}") })
    };
    let sentinels = hosts.iter().map(sentinel).collect::<Result<_, _>>()?;
    Ok(Watch { sentinels, name: name.to_owned(), redis, tls: plain == "rediss" })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The addresses, and user, password and database of the first.
    fn told(url: &str) -> (Vec<String>, String) {
        let addresses = |infos: &[ConnectionInfo]| infos.iter().map(|info| info.addr().to_string()).collect();
        let login = |redis: &RedisConnectionInfo| {
            format!("{} {} {}", redis.username().unwrap_or("-"), redis.password().unwrap_or("-"), redis.db())
        };
        match Address::parse(url).unwrap().0 {
            Place::Single(info) => (addresses(std::slice::from_ref(&info)), login(info.redis_settings())),
            Place::Cluster(nodes) => (addresses(&nodes), format!("cluster {}", login(nodes[0].redis_settings()))),
            Place::Sentinel(watch) => (addresses(&watch.sentinels), format!("{} {}", watch.name, login(&watch.redis))),
        }
    }

    #[test]
    fn each_form_is_read() {
        for (url, hosts, rest) in [
            ("redis://localhost", &["localhost:6379"][..], "- - 0"),
            ("redis://:secret@h:7000/3", &["h:7000"], "- secret 3"),
            ("rediss://u:p@h/0", &["h:6379"], "u p 0"),
            ("redis+cluster://a:7000", &["a:7000"], "cluster - - 0"),
            ("redis+cluster://u:p@a:7000,b:7001/", &["a:7000", "b:7001"], "cluster u p 0"),
            ("redis://u:p@a:7000, b:7001", &["a:7000", "b:7001"], "cluster u p 0"),
            ("redis://a:7000,redis://b:7001", &["a:7000", "b:7001"], "cluster - - 0"),
            ("redis://a:7000/0,redis://b:7001/0", &["a:7000", "b:7001"], "cluster - - 0"),
            ("redis+sentinel://a,b:5000/mymaster", &["a:26379", "b:5000"], "mymaster - - 0"),
            ("rediss+sentinel://u:p@a/mymaster/2", &["a:26379"], "mymaster u p 2"),
            ("redis+sentinel://[::1]:5000/m", &["::1:5000"], "m - - 0"),
        ] {
            let (addresses, told) = told(url);
            assert_eq!(
                (addresses.iter().map(String::as_str).collect::<Vec<_>>().as_slice(), &*told),
                (hosts, rest),
                "{url}"
            );
        }
    }

    #[test]
    fn a_password_of_the_settings_takes_the_place_of_the_urls() {
        for url in ["redis://u:old@h", "redis+cluster://u:old@h,i", "redis+sentinel://u:old@h/m"] {
            let password = match Address::parse(url).unwrap().with_password("new").0 {
                Place::Single(info) => info.redis_settings().password().map(str::to_owned),
                Place::Cluster(nodes) => nodes[1].redis_settings().password().map(str::to_owned),
                Place::Sentinel(watch) => watch.redis.password().map(str::to_owned),
            };
            assert_eq!(password.as_deref(), Some("new"), "{url}");
        }
    }

    #[test]
    fn an_address_that_is_none_is_refused_without_its_password() {
        for url in [
            "",
            "user:secret@host:6379",
            "http://user:secret@host",
            "redis://user:secret@host:port/0",
            "redis://user:secret@host/database",
            "redis://user:secret@/ ",
            "rediss://user:secret@host#insecure",
            "redis+unknown://user:secret@host",
            "redis://a, http://user:secret@host",
            "redis://user:secret@a:port,redis://b",
            "redis+cluster://user:secret@a:1,b:2/3",
            "redis+cluster://",
            "redis+sentinel://user:secret@a",
            "redis+sentinel://user:secret@a/",
            "redis+sentinel://user:secret@a:port/name",
            "redis+sentinel://user:secret@a/name/database",
            "redis+sentinel:///name",
        ] {
            let error = Address::parse(url).unwrap_err().to_string();
            assert!(error.contains("redis://host:6379") && !error.contains("secret"), "{url}: {error}");
        }
        assert_eq!(format!("{:?}", Address::parse("redis://u:secret@h").unwrap()), "Address");
    }
}
