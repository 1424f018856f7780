//! The ways to Redis: a connection to one, to the master that sentinels name, or to a cluster. Each is made when it is
//! needed first, shared by all requests, and made anew where it broke.
//!
//! Who asks may stop waiting at any time; a connection in the making is made all the same, for the next who asks.

use super::RedisConfig;
use super::address::{Address, Place, RedisError, Watch, tcp};
use arc_swap::{ArcSwap, ArcSwapOption};
use redis::aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{Route, RoutingInfo, SingleNodeRoutingInfo, SlotAddr};
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, Cmd, FromRedisValue, Pipeline, RedisResult, TlsCertificates, TlsMode, Value,
};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// How often a question is sent where the connection breaks or a cluster moves.
const SENDS: u32 = 3;
/// Milliseconds that a cluster is given before it is asked again, at least and at most: while it chooses a master.
const CLUSTER_PAUSE: (u64, u64) = (10, 100);

/// One of the ways.
pub(super) enum Way {
    Single(Box<Single>),
    Sentinel(Arc<Sentinels>),
    Cluster(Arc<Cluster>),
}

/// One Redis.
pub(super) struct Single {
    client: Client,
    config: ConnectionManagerConfig,
    manager: ArcSwap<ConnectionManager>,
}

/// The master that sentinels name.
pub(super) struct Sentinels {
    client: Mutex<SentinelClient>,
    config: AsyncConnectionConfig,
    made: Made<MultiplexedConnection>,
}

/// What is asked of a master.
#[derive(Clone, Copy)]
enum Question<'a> {
    One(&'a Cmd),
    Both(&'a Pipeline),
}

/// A cluster; its client follows where slots go.
pub(super) struct Cluster {
    client: ClusterClient,
    made: Made<ClusterConnection>,
}

impl Way {
    /// A way that connects to nothing yet. `patience`: for connecting, and for an answer.
    /// Errors: [`RedisError`] where the address or the authority cannot be used.
    pub(super) fn open(address: &Address, settings: &RedisConfig, patience: Duration) -> Result<Self, RedisError> {
        let wrong = |error: redis::RedisError| RedisError::Url(error.to_string());
        let authority = authority(settings)?;
        Ok(match &address.0 {
            Place::Single(info) => {
                let client = match authority {
                    Some(authority) => Client::build_with_tls(info.clone(), authority),
                    None => Client::open(info.clone()),
                };
                let config = ConnectionManagerConfig::new()
                    .set_connection_timeout(Some(patience))
                    .set_response_timeout(Some(patience))
                    .set_number_of_retries(1);
                Self::Single(Box::new(Single::new(client.map_err(wrong)?, config).map_err(wrong)?))
            }
            Place::Cluster(nodes) => {
                let mut builder = ClusterClient::builder(nodes.iter().cloned())
                    .connection_timeout(patience)
                    .response_timeout(patience)
                    .tcp_settings(tcp())
                    .min_retry_wait(CLUSTER_PAUSE.0)
                    .max_retry_wait(CLUSTER_PAUSE.1)
                    .retries(SENDS);
                if let Some(authority) = authority {
                    builder = builder.certs(authority);
                }
                Self::Cluster(Arc::new(Cluster { client: builder.build().map_err(wrong)?, made: Made::default() }))
            }
            Place::Sentinel(watch) => Self::Sentinel(Arc::new(Sentinels {
                client: Mutex::new(sentinels(watch, authority).map_err(wrong)?),
                config: AsyncConnectionConfig::new()
                    .set_connection_timeout(Some(patience))
                    .set_response_timeout(Some(patience)),
                made: Made::default(),
            })),
        })
    }

    /// Sends a command and reads its answer.
    pub(super) async fn send<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        match self {
            Self::Single(single) => command.query_async(&mut single.connection()).await,
            Self::Sentinel(sentinels) => sentinels.ask(Question::One(command)).await,
            Self::Cluster(cluster) => command.query_async(&mut cluster.connection().await?).await,
        }
    }

    /// Sends a script that changes `key` and, on the same connection behind it, `WAIT`; gives the answers of both.
    pub(super) async fn send_and_wait(&self, key: &str, script: &Cmd, wait: &Cmd) -> RedisResult<(Vec<u8>, u64)> {
        let mut both = redis::pipe();
        both.add_command(script.clone()).add_command(wait.clone());
        match self {
            Self::Single(single) => both.query_async(&mut single.connection()).await,
            Self::Sentinel(sentinels) => sentinels.ask(Question::Both(&both)).await,
            Self::Cluster(cluster) => {
                // `WAIT` has no key: alone it would go to every node.
                let route = SingleNodeRoutingInfo::SpecificNode(Route::with_key(key, SlotAddr::Master));
                let answers = cluster.connection().await?.route_pipeline(both, 0, 2, route).await?;
                FromRedisValue::from_redis_value(redis::Value::Array(answers)).map_err(Into::into)
            }
        }
    }

    /// Every master, each by a slot that it holds; without slots the only one.
    pub(super) async fn masters(&self) -> RedisResult<Vec<Option<u16>>> {
        let Self::Cluster(cluster) = self else { return Ok(vec![None]) };
        let mut slots = redis::cmd("CLUSTER");
        slots.arg("SLOTS");
        let ranges: Vec<Vec<Value>> = slots.query_async(&mut cluster.connection().await?).await?;
        let (mut known, mut masters) = (Vec::new(), Vec::new());
        // First slot, last slot, master, replicas.
        for range in ranges {
            let mut range = range.into_iter();
            let (Some(first), Some(master)) = (range.next(), range.nth(1)) else { continue };
            if !known.contains(&master) {
                known.push(master);
                masters.push(Some(u16::from_redis_value(first)?));
            }
        }
        Ok(masters)
    }

    /// Sends a command to one of the masters.
    pub(super) async fn send_to<T: FromRedisValue>(&self, master: Option<u16>, command: &Cmd) -> RedisResult<T> {
        let (Self::Cluster(cluster), Some(slot)) = (self, master) else { return self.send(command).await };
        let route = SingleNodeRoutingInfo::SpecificNode(Route::new(slot, SlotAddr::Master));
        let route = RoutingInfo::SingleNode(route);
        let answer = cluster.connection().await?.route_command(command.clone(), route).await?;
        T::from_redis_value(answer).map_err(Into::into)
    }

    /// Asks the sentinels again before the next question, and leaves the connection to one Redis: they do not answer. A
    /// broken connection is left without that; a master that hangs keeps its own, and so does a length that was damaged,
    /// behind which everything is taken for the rest of one answer.
    pub(super) fn doubt(&self) {
        match self {
            Self::Single(single) => single.renew(),
            Self::Sentinel(sentinels) => sentinels.made.held.store(None),
            Self::Cluster(_) => {}
        }
    }

    /// Leaves the connection for another: what comes on it is not to be trusted.
    pub(super) fn renew(&self) {
        match self {
            Self::Single(single) => single.renew(),
            Self::Sentinel(sentinels) => sentinels.made.held.store(None),
            Self::Cluster(cluster) => cluster.made.held.store(None),
        }
    }
}

impl Single {
    fn new(client: Client, config: ConnectionManagerConfig) -> RedisResult<Self> {
        let manager = ConnectionManager::new_lazy_with_config(client.clone(), config.clone())?;
        Ok(Self { client, config, manager: ArcSwap::from_pointee(manager) })
    }

    fn connection(&self) -> ConnectionManager {
        (**self.manager.load()).clone()
    }

    fn renew(&self) {
        // It could be made before, so there is no error now.
        if let Ok(manager) = ConnectionManager::new_lazy_with_config(self.client.clone(), self.config.clone()) {
            self.manager.store(Arc::new(manager));
        }
    }
}

impl Sentinels {
    async fn ask<T: FromRedisValue>(self: &Arc<Self>, question: Question<'_>) -> RedisResult<T> {
        let mut sends = 1;
        loop {
            let master = self.master().await?;
            let answer = match question {
                Question::One(command) => command.query_async(&mut (*master).clone()).await,
                Question::Both(pipeline) => pipeline.query_async(&mut (*master).clone()).await,
            };
            match answer {
                Err(error) if lost(&error) => {
                    // Another may have found the next one meanwhile.
                    drop(self.made.held.compare_and_swap(&Some(master), None));
                    if sends == SENDS {
                        return Err(error);
                    }
                    sends += 1;
                }
                answer => return answer,
            }
        }
    }

    async fn master(self: &Arc<Self>) -> RedisResult<Arc<MultiplexedConnection>> {
        let this = self.clone();
        let make = async move {
            let found = this.client.lock().await.async_get_client().await?;
            let made = Arc::new(found.get_multiplexed_async_connection_with_config(&this.config).await?);
            this.made.held.store(Some(made.clone()));
            Ok(made)
        };
        self.made.get(make).await
    }
}

impl Cluster {
    async fn connection(self: &Arc<Self>) -> RedisResult<ClusterConnection> {
        let this = self.clone();
        let make = async move {
            let made = Arc::new(this.client.get_async_connection().await?);
            this.made.held.store(Some(made.clone()));
            Ok(made)
        };
        Ok((*self.made.get(make).await?).clone())
    }
}

/// A connection that is made by one for all who ask.
struct Made<C> {
    held: ArcSwapOption<C>,
    /// Held while one is made.
    making: Arc<Mutex<()>>,
}

impl<C> Default for Made<C> {
    fn default() -> Self {
        Self { held: ArcSwapOption::empty(), making: Arc::default() }
    }
}

impl<C: Send + Sync + 'static> Made<C> {
    /// The connection, made by `make` where there is none; `make` puts it into `held`.
    async fn get(&self, make: impl Future<Output = RedisResult<Arc<C>>> + Send + 'static) -> RedisResult<Arc<C>> {
        if let Some(held) = self.held.load_full() {
            return Ok(held);
        }
        if let Ok(making) = self.making.clone().try_lock_owned() {
            let made = tokio::spawn(async move {
                let made = make.await;
                drop(making);
                made
            });
            return made.await.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::NotConnected).into()));
        }
        drop(self.making.lock().await);
        self.held.load_full().ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected).into())
    }
}

/// Whether a master is gone, or none any more.
fn lost(error: &redis::RedisError) -> bool {
    let demoted = |code: String| matches!(&*code, "READONLY" | "MASTERDOWN" | "LOADING");
    code(error).is_some_and(demoted) || error.is_unrecoverable_error() || error.is_connection_dropped()
}

/// The code that Redis gave, also where one of several commands failed.
pub(super) fn code(error: &redis::RedisError) -> Option<String> {
    let first = || error.clone().into_server_errors()?.first().map(|(_, error)| error.code().to_owned());
    error.code().map(str::to_owned).or_else(first)
}

fn sentinels(watch: &Watch, authority: Option<TlsCertificates>) -> RedisResult<SentinelClient> {
    let addresses = watch.sentinels.iter().map(|sentinel| sentinel.addr().clone());
    let mut builder = SentinelClientBuilder::new(addresses, &watch.name, SentinelServerType::Master)?
        .set_client_to_redis_db(watch.redis.db())
        .set_client_to_redis_tcp_settings(tcp())
        .set_client_to_sentinel_tcp_settings(tcp());
    if let Some(user) = watch.redis.username() {
        builder = builder.set_client_to_redis_username(user);
    }
    if let Some(password) = watch.redis.password() {
        builder = builder.set_client_to_redis_password(password);
    }
    if watch.tls {
        builder =
            builder.set_client_to_redis_tls_mode(TlsMode::Secure).set_client_to_sentinel_tls_mode(TlsMode::Secure);
    }
    if let Some(authority) = authority {
        builder = builder.set_client_to_redis_certificates(authority.clone());
        builder = builder.set_client_to_sentinel_certificates(authority);
    }
    builder.build()
}

/// The authority of the settings. Without one, those that the system trusts.
fn authority(config: &RedisConfig) -> Result<Option<TlsCertificates>, RedisError> {
    let Some(path) = &config.ca else { return Ok(None) };
    let read = std::fs::read(path).map_err(|error| RedisError::Authority(format!("{}: {error}", path.display())))?;
    Ok(Some(TlsCertificates { client_tls: None, root_cert: Some(read) }))
}
