//! The stores of the settings, opened: shoppers, decisions of the last hours, and the decision log behind them.

use crate::settings::Settings;
use crate::store::{Address, DecisionLog, DecisionStore, Logged, MemoryStore, RedisStore, Store};
use anyhow::Context;
use std::sync::Arc;

/// Where state lives.
pub(super) struct Stores {
    /// Sessions, profiles, decisions of the last hours.
    pub(super) store: Arc<dyn Store>,
    /// All decisions.
    pub(super) decisions: Arc<dyn DecisionStore>,
    /// Decisions of months, where a log is configured.
    pub(super) log: Option<Arc<DecisionLog>>,
}

impl Stores {
    /// Opens them; connects to nothing yet. Errors: a place that cannot be used.
    pub(super) fn open(settings: &Settings) -> anyhow::Result<Self> {
        let (store, log) = (store(settings)?, log(settings)?);
        let decisions: Arc<dyn DecisionStore> = match &log {
            Some(log) => Arc::new(Logged::new(store.clone(), log.clone())),
            None => store.clone(),
        };
        Ok(Self { store, decisions, log })
    }
}

/// The shared store where the settings name one.
pub(super) fn store(settings: &Settings) -> anyhow::Result<Arc<dyn Store>> {
    Ok(match &settings.store.url {
        // A secret made at start would be another one in each replica, and so would the keys of its shoppers.
        Some(_) if settings.ingest.secrets.is_empty() => {
            anyhow::bail!("store.url is set and ingest.secrets is not; name a secret there, the same for every replica")
        }
        Some(url) => {
            let mut address = Address::parse(url)?;
            if let Some(password) = &settings.store.password {
                address = address.with_password(password.reveal().context("the password of the store")?.expose());
            }
            Arc::new(RedisStore::open(&address, settings.store.redis.clone())?)
        }
        None => Arc::new(MemoryStore::new(&settings.store.memory)),
    })
}

/// The decision log where the settings name one.
fn log(settings: &Settings) -> anyhow::Result<Option<Arc<DecisionLog>>> {
    let config = &settings.store.decisions;
    if config.file.is_none() && config.url.is_none() {
        return Ok(None);
    }
    Ok(Some(Arc::new(DecisionLog::open(config)?)))
}
