//! `outfitter backfill`: what a shop knows of its past, from files or from the platform's own export, into the shared store
//! and the training log.
//!
//! It may be cut off at any moment: beside each file stands how far it is taken, and what is taken twice counts once.

mod bulk;
mod file;
mod outcomes;
mod stop;

use super::target::Target;
use super::{Ended, assemble, say, stores};
use crate::domain::event::Event;
use crate::domain::ids::ShopperKey;
use crate::ingest::{Delivered, Deps, Ingest, Learner};
use crate::settings::Settings;
use anyhow::Context;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use stop::Stop;

/// What `backfill` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    target: Target,
    /// Files to take: NAME.jsonl (orders, draft orders, abandoned checkouts as the platform's API or a bulk operation writes
    /// them) or NAME.csv: orders (order_id, customer_id, created_at, product_id, variant_id, quantity, price, currency), wishlists
    /// (customer_id, product_id, variant_id, added_at), outcomes of decisions (decision_id, product_id, at, type, order_id,
    /// position, quantity, price, currency).
    #[arg(value_name = "FILE", required_unless_present = "since")]
    files: Vec<PathBuf>,
    /// Ask the platform for its orders from this day on, by a bulk operation.
    #[arg(long, value_name = "YYYY-MM-DD", conflicts_with = "files")]
    since: Option<jiff::civil::Date>,
    /// The Admin API of the shop, for --since, such as `https://SHOP.myshopify.com/admin/api/VERSION/graphql.json`. Default:
    /// that of upstream.url.
    #[arg(long, value_name = "URL", requires = "since")]
    admin: Option<String>,
    /// The environment variable with the Admin API's access token (scope read_orders, read_all_orders beyond 60 days).
    #[arg(long, value_name = "NAME", default_value = "SHOPIFY_ADMIN_TOKEN")]
    token_env: String,
    /// Where the platform's export is kept until it is taken.
    #[arg(long, value_name = "FOLDER", default_value = "backfill")]
    work: PathBuf,
    /// Take everything again, whatever was taken before.
    #[arg(long)]
    again: bool,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut settings = arguments.target.settings()?;
    let stop = Stop::listen();
    // What came of decisions goes to their log, everything else to shoppers.
    let (mut outcomes, mut files) = (Vec::new(), Vec::new());
    for path in arguments.files {
        if outcomes::is_one(&path)? { outcomes.push(path) } else { files.push(path) }
    }
    for path in &outcomes {
        let platform = assemble::shop(&settings)?.platform;
        // A row that is taken again counts once: nothing has to be noted.
        let taken =
            stop.or(outcomes::take(&arguments.target, &*platform, path)).await.unwrap_or_else(|| Err(stopped()));
        let taken = taken.with_context(|| format!("{} was not taken whole; call the same again", path.display()))?;
        say(&format!("{}: {}", path.display(), taken.told()));
    }
    if files.is_empty() && arguments.since.is_none() {
        return Ok(());
    }
    anyhow::ensure!(
        settings.store.url.is_some() || settings.ingest.record.log.is_some(),
        "a backfill would go nowhere: sessions and profiles are in the memory of the gateway's own process. Set store.url to a \
         Redis that the gateway uses, or ingest.record.log for training, or both"
    );
    // The past is as old as it is; the future is refused as ever.
    settings.ingest.events.max_age = Duration::from_secs(200 * 365 * 86_400);
    let ingest = ingest(&settings)?;
    let files = match arguments.since {
        Some(since) => {
            let admin = arguments.admin.clone().or_else(|| bulk::admin(settings.upstream.url.as_deref()?));
            let admin = admin.context(
                "no Admin API is named: pass --admin https://SHOP.myshopify.com/admin/api/VERSION/graphql.json",
            )?;
            let export = bulk::Export { admin, token_env: arguments.token_env, since, work: arguments.work };
            // How far it is, is noted at each of its steps.
            let file = stop.or(export.file(&settings, arguments.again)).await;
            vec![file.unwrap_or_else(|| Err(stopped()))?]
        }
        None => files,
    };
    let mut total = file::Taken::default();
    for path in &files {
        let taken = file::take(&ingest, path, arguments.again, &stop).await;
        let taken =
            taken.with_context(|| format!("{} was not taken whole; call the same again to go on", path.display()))?;
        say(&format!("{}: {}", path.display(), taken.told()));
        total.add(&taken);
    }
    if files.len() > 1 {
        say(&format!("in all: {}", total.told()));
    }
    if total.delivered.accepted == 0 && total.delivered.duplicates == 0 && total.delivered.unused > 0 {
        say(
            "nothing could be used: without consent nothing is stored. ingest.default_consent is what a shopper who has said \
             nothing agrees to",
        );
    }
    Ok(())
}

/// Ingest as the gateway has it, with nobody who learns: statistics live in the gateway's own process.
fn ingest(settings: &Settings) -> anyhow::Result<Arc<Ingest>> {
    let shop = assemble::shop(settings)?;
    let store = stores::store(settings)?;
    let deps = Deps {
        platform: shop.platform,
        customers: None,
        store: store.clone(),
        decisions: store.clone(),
        shop: store,
        catalogue: Arc::new(assemble::catalogue(settings)?),
        learner: Arc::new(Nobody),
    };
    Ok(Ingest::new(settings.ingest.clone(), deps)?)
}

struct Nobody;

impl Learner for Nobody {
    fn learn(&self, _: &ShopperKey, _: &[Event]) {}

    fn forget(&self, _: &ShopperKey) {}

    fn forget_everyone(&self) {}
}

/// As programs end that Ctrl-C ends.
fn stopped() -> anyhow::Error {
    Ended::new(130, "stopped as asked").into()
}

/// How many of each, in words.
fn told(delivered: &Delivered) -> String {
    let Delivered { accepted, duplicates, unused, .. } = delivered;
    format!(
        "{accepted} taken, {duplicates} known before, {unused} of no use (nobody named, no consent, unknown products)"
    )
}
