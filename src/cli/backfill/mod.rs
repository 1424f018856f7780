//! `outfitter backfill`: what a shop knows of its past, from files or from the platform's own export, into the shared store
//! and the training log.
//!
//! It may be cut off at any moment: beside each file stands how far it is taken, and what is taken twice counts once.

mod admin;
mod bar;
mod bulk;
mod fetch;
mod file;
mod operation;
mod outcomes;
mod stop;

use super::assemble::{self, customers};
use super::target::Target;
use super::{Ended, complain, say, stores};
use crate::domain::event::Event;
use crate::domain::ids::ShopperKey;
use crate::ingest::{Delivered, Deps, Ingest, Learner};
use crate::platform::Wanted;
use crate::platform::kept_consent::Attribute;
use crate::platform::shopify::exports::What;
use crate::settings::Settings;
use admin::Denied;
use anyhow::Context;
use jiff::civil::Date;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use stop::Stop;

/// What `backfill` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    target: Target,
    /// Files to take: NAME.jsonl (orders, draft orders, abandoned checkouts, customers as the platform's API or a bulk operation
    /// writes them) or NAME.csv: orders (order_id, customer_id, created_at, product_id, variant_id, quantity, price, currency), wishlists
    /// (customer_id, product_id, variant_id, added_at), outcomes of decisions (decision_id, product_id, at, type, order_id,
    /// position, quantity, price, currency).
    #[arg(value_name = "FILE", required_unless_present = "since")]
    files: Vec<PathBuf>,
    /// Ask the platform for its customers, and for orders, draft orders and abandoned checkouts from this day on, by bulk
    /// operations.
    #[arg(long, value_name = "YYYY-MM-DD", conflicts_with = "files")]
    since: Option<Date>,
    /// What to ask it for, with commas between. Default: all.
    #[arg(long, value_enum, value_delimiter = ',', requires = "since")]
    what: Vec<What>,
    /// The Admin API of the shop, for --since, such as `https://SHOP.myshopify.com/admin/api/VERSION/graphql.json`. Default:
    /// that of upstream.url.
    #[arg(long, value_name = "URL", requires = "since")]
    admin: Option<String>,
    /// The environment variable with the Admin API's access token (scopes read_customers, read_orders, read_all_orders beyond 60
    /// days, read_draft_orders).
    #[arg(long, value_name = "NAME", default_value = "SHOPIFY_ADMIN_TOKEN")]
    token_env: String,
    /// Where the platform's exports are kept until they are taken.
    #[arg(long, value_name = "FOLDER", default_value = "backfill")]
    work: PathBuf,
    /// Take everything again, whatever was taken before.
    #[arg(long)]
    again: bool,
}

/// What takes files, one after the other.
struct Walk {
    ingest: Arc<Ingest>,
    /// Where the shop keeps the consent of its customers.
    consent: Option<Attribute>,
    stop: Stop,
    files: usize,
    total: file::Taken,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let mut settings = arguments.target.settings()?;
    let stop = Stop::listen();
    // What came of decisions goes to their log, everything else to shoppers.
    let (mut outcomes, mut files) = (Vec::new(), Vec::new());
    for path in &arguments.files {
        if outcomes::is_one(path)? { outcomes.push(path) } else { files.push(path) }
    }
    for path in outcomes {
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
    let wanted = customers::wanted(&settings);
    if wanted.consent.is_some() {
        // Of nobody it may be forgotten what they allow, before what they bought is taken.
        settings.store.memory.shoppers = bytesize::ByteSize(u64::MAX);
    }
    let ingest = ingest(&settings, &wanted)?;
    let mut walk = Walk { ingest, consent: wanted.consent.clone(), stop, files: 0, total: file::Taken::default() };
    let mut left_out = Vec::new();
    match arguments.since {
        Some(since) => left_out = walk.exports(&arguments, &settings, since, &wanted).await?,
        None => {
            for path in files {
                walk.take(path, arguments.again).await?;
            }
        }
    }
    walk.tell();
    anyhow::ensure!(
        left_out.is_empty(),
        "the token may not read {}; give it what it needs, or name with --what what to take",
        left_out.join(", ")
    );
    Ok(())
}

impl Walk {
    async fn take(&mut self, path: &Path, again: bool) -> anyhow::Result<()> {
        let taken = file::take(&self.ingest, path, again, self.consent.as_ref(), &self.stop).await;
        let taken =
            taken.with_context(|| format!("{} was not taken whole; call the same again to go on", path.display()))?;
        say(&format!("{}: {}", path.display(), taken.told()));
        self.files += 1;
        self.total.add(&taken);
        Ok(())
    }

    /// Takes what the shop exports, one after the other: shops run one operation at a time. What the token may not read is
    /// left out. Errors: anything else that keeps it from being taken.
    async fn exports(
        &mut self,
        arguments: &Arguments,
        settings: &Settings,
        since: Date,
        wanted: &Wanted,
    ) -> anyhow::Result<Vec<&'static str>> {
        let address = arguments.admin.clone().or_else(|| admin::address(settings.upstream.url.as_deref()?));
        let address = address
            .context("no Admin API is named: pass --admin https://SHOP.myshopify.com/admin/api/VERSION/graphql.json")?;
        let admin = admin::Admin::open(settings, address, &arguments.token_env)?;
        let exports = bulk::Exports { settings, admin, since, wanted, work: arguments.work.clone() };
        let mut left_out = Vec::new();
        let named = |what: &What| arguments.what.is_empty() || arguments.what.contains(what);
        for what in What::ALL.into_iter().filter(named) {
            // How far it is, is noted at each of its steps.
            let file = self.stop.or(exports.file(what, arguments.again)).await.unwrap_or_else(|| Err(stopped()));
            match file {
                // Without a shared store it is known only as long as this process lives.
                Ok(file) => {
                    let again = what == What::Customers && settings.store.url.is_none();
                    self.take(&file, again || arguments.again).await?;
                }
                Err(error) if error.is::<Denied>() => {
                    anyhow::ensure!(
                        what != What::Customers || wanted.consent.is_none(),
                        "{error:#}; without customers ({}) the consent that ingest.customer.consent names is not known, and \
                         nothing is taken against it",
                        what.scope()
                    );
                    complain(&format!("{} are left out: {error:#} ({})", what.name(), what.scope()));
                    left_out.push(what.name());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(left_out)
    }

    /// What became of all files.
    fn tell(&self) {
        if self.files > 1 {
            say(&format!("in all: {}", self.total.told()));
        }
        let delivered = &self.total.delivered;
        if delivered.accepted == 0 && delivered.duplicates == 0 && delivered.unused > 0 {
            say(
                "nothing could be used: without consent nothing is stored. ingest.default_consent is what a shopper who has said \
                 nothing agrees to",
            );
        }
    }
}

/// Ingest as the gateway has it, with nobody who learns: statistics live in the gateway's own process.
fn ingest(settings: &Settings, wanted: &Wanted) -> anyhow::Result<Arc<Ingest>> {
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
    let ingest = Ingest::new(settings.ingest.clone(), deps)?;
    ingest.name_tags(wanted.tags.clone());
    Ok(ingest)
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
