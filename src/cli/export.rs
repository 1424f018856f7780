//! `outfitter demo --export`: the demo store's products and history as files, for `outfitter train`.

use super::assemble;
use super::say;
use crate::catalogue::Catalogue;
use crate::demo::{self, Store};
use crate::domain::event::Event;
use crate::domain::ids::ShopperKey;
use crate::domain::market::Market;
use crate::ingest::record::Recorded;
use crate::settings::Settings;
use anyhow::Context;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// Writes `catalogue.jsonl`, read from the store as the gateway reads it, and `events.jsonl`, the history of its seeded
/// shoppers in the lines of the training log. The same settings give the same files.
pub(super) async fn run(mut settings: Settings, folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let (catalogue, events) = (folder.join("catalogue.jsonl"), folder.join("events.jsonl"));
    let store = Arc::new(Store::generate(&settings.demo));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    settings.upstream.url = Some(format!("http://{}/graphql", listener.local_addr()?));
    settings.catalogue.file = Some(catalogue.clone());
    settings.catalogue.delay = Duration::ZERO;
    let serving = tokio::spawn(demo::serve(store.clone(), listener, std::future::pending()));
    let shop = assemble::shop(&settings)?;
    let products = assemble::crawler(&settings, &shop, &Arc::<Catalogue>::default())?.once().await?;
    serving.abort();
    let count = history(&store, &events).with_context(|| format!("{} cannot be written", events.display()))?;
    say(&format!("{products} products in {}, {count} events in {}", catalogue.display(), events.display()));
    Ok(())
}

/// Writes the history in the order of time; returns how many lines.
fn history(store: &Store, path: &Path) -> std::io::Result<usize> {
    let mut all: Vec<(String, Event)> = Vec::new();
    for (label, events) in store.history() {
        all.extend(events.into_iter().map(|event| (label.clone(), event)));
    }
    all.sort_by_key(|(_, event)| event.at);
    let mut out = BufWriter::new(File::create(path)?);
    for (label, event) in &all {
        serde_json::to_writer(&mut out, &Recorded::of(&ShopperKey::new(label.as_str()), &Market::default(), event))?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(all.len())
}
