//! `outfitter customer export`: what is stored of one shopper, for the shop to hand over to whoever asks for their data.

use super::stores::Stores;
use super::target::Target;
use super::{complain, say};
use crate::domain::consent::{Consent, Purpose};
use crate::domain::ids::{CustomerId, SessionId, ShopperKey};
use crate::ingest::identity::Hasher;
use crate::ingest::record;
use crate::platform::{self, Noun};
use crate::settings::Settings;
use crate::store::log::Line;
use anyhow::Context;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

/// What `customer` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Write what is stored of one shopper as JSON: consent, profile, events, decisions with what they read, lines of the
    /// training log.
    Export(Export),
}

#[derive(Debug, clap::Args)]
struct Export {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    who: Who,
    /// The file, which only this user may read; without, the standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Who {
    /// The platform's id of the customer, as a number or whole: `7`, `gid://shopify/Customer/7`.
    #[arg(value_name = "ID")]
    customer: Option<String>,
    /// The id of a session, of a shopper who is not signed in.
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// The key under which the shopper is stored, as the log tells it of a customer who asked.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let Command::Export(export) = arguments.command;
    let settings = export.target.settings()?;
    let keys = keys(&settings, &export.who)?;
    if settings.store.url.is_none() {
        complain(
            "outfitter: without store.url sessions and profiles are in the memory of the gateway's own process, which no \
             command can read; what follows is from the decision log and the training log",
        );
    }
    let stores = Stores::open(&settings)?;
    let mut found = Vec::new();
    for key in &keys {
        found.extend(stored(&settings, &stores, key).await?);
    }
    let text = serde_json::to_string_pretty(&json!({ "exported_at": Timestamp::now(), "stored": found }))?;
    match &export.out {
        Some(path) => write(path, &text).with_context(|| format!("{} cannot be written", path.display())),
        None => {
            say(&text);
            Ok(())
        }
    }
}

/// Every key under which something of the shopper may be stored, the current one first.
fn keys(settings: &Settings, who: &Who) -> anyhow::Result<Vec<ShopperKey>> {
    if let Some(key) = &who.key {
        anyhow::ensure!(key.len() == 64, "{key} is no key: it has 64 hexadecimal digits; leave --key out for an id");
        return Ok(vec![ShopperKey::new(key.as_str())]);
    }
    anyhow::ensure!(
        !settings.ingest.secrets.is_empty(),
        "ingest.secrets is not set: shoppers are stored under a secret that the gateway's process made for itself"
    );
    let hasher = Hasher::open(&settings.ingest.secrets)?;
    if let Some(session) = &who.session {
        let id = SessionId::parse(session).context("a session id has 1 to 128 printable ASCII characters")?;
        return Ok(std::iter::once(hasher.session(&id)).chain(hasher.older_sessions(&id)).collect());
    }
    let id = who.customer.as_deref().unwrap_or_default();
    let id = CustomerId::new(platform::open(&settings.platform)?.global(Noun::Customer, id));
    Ok(std::iter::once(hasher.customer(&id)).chain(hasher.older_customers(&id)).collect())
}

/// What is stored under a key; `None` where there is nothing.
async fn stored(settings: &Settings, stores: &Stores, key: &ShopperKey) -> anyhow::Result<Option<Value>> {
    let state = stores.store.read(key).await?;
    let records = stores.decisions.of(key).await?;
    let mut decisions = Vec::with_capacity(records.len());
    for record in &records {
        let came = match &stores.log {
            Some(log) => log.came_of(&record.slate.decision.id).await?,
            None => Vec::new(),
        };
        decisions.push(serde_json::to_value(Line::of(record, &came, settings.store.decisions.sample))?);
    }
    let lines = match settings.ingest.record.log.as_ref().filter(|log| log.dir.exists()) {
        Some(log) => record::lines_of(&log.dir, key).context("the training log cannot be read")?,
        None => Vec::new(),
    };
    let nothing = state == crate::store::ShopperState::default();
    if nothing && decisions.is_empty() && lines.is_empty() {
        return Ok(None);
    }
    let by_purpose = |consent: Consent| {
        let purpose = |purpose: Purpose| (purpose.word().to_owned(), Value::Bool(consent.allows(purpose)));
        Purpose::ALL.into_iter().map(purpose).collect::<Map<_, _>>()
    };
    let consent = state.consent.map(by_purpose);
    let kept = state.standing.consent.map(by_purpose);
    Ok(Some(json!({
        "key": key, "consent": consent, "consent_of_platform": kept, "tags": state.standing.tags, "profile": state.profile,
        "events": state.session.events, "decisions": decisions, "training_log": lines,
    })))
}

/// Writes a file that only this user may read. Errors: it is there already, or cannot be made.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.write(true).create_new(true).open(path)?;
    writeln!(file, "{text}")
}
