//! `outfitter doctor`: whether the settings, the shop and this machine fit together, before shoppers come. Reads only:
//! nothing is changed anywhere.

mod cors;
mod endpoint;
mod local;
mod schema;
mod scopes;

use super::assemble::{self, Shop};
use super::target::Target;
use super::{say, whole};
use crate::platform::examine::{Finding, Verdict};
use std::io::IsTerminal;

/// What `doctor` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    target: Target,
    /// An origin whose pages shall call the gateway, beside those of the settings.
    #[arg(long, value_name = "ORIGIN")]
    origin: Vec<String>,
    /// Print the findings as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let findings = examine(arguments.target, &arguments.origin).await;
    if arguments.json {
        say(&serde_json::to_string_pretty(&findings)?);
    } else {
        let colours = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        findings.iter().for_each(|finding| say(&line(finding, colours)));
    }
    let failed = findings.iter().filter(|finding| finding.verdict == Verdict::Fail).count();
    anyhow::ensure!(failed == 0, "{failed} of {} checks failed", findings.len());
    Ok(())
}

/// Every check, in the order in which a request would meet what it is about. A check whose ground is missing is left out.
async fn examine(target: Target, origins: &[String]) -> Vec<Finding> {
    let settings = match target.settings() {
        Ok(settings) => settings,
        Err(error) => return vec![Finding::fail("settings", whole(&error), "mend the line that is named")],
    };
    let mut found = vec![Finding::pass("settings", "read")];
    found.extend(local::examine(&settings).await);
    found.extend(cors::examine(&settings, origins).await);
    let shop = match assemble::shop(&settings) {
        Ok(shop) => shop,
        Err(error) => {
            let next = "set what is named; a secret is { env = \"NAME\" } or { file = \"path\" }";
            found.push(Finding::fail("shop", whole(&error), next));
            return found;
        }
    };
    found.push(Finding::pass("secrets of the platform", "can be read"));
    let reached = endpoint::examine(&settings, &shop).await;
    let answers = reached.iter().all(|finding| finding.verdict != Verdict::Fail);
    found.extend(reached);
    if answers {
        found.extend(scopes::examine(&shop).await);
        found.extend(catalogue(&shop).await);
        found.extend(schema::examine(&settings, &shop).await);
    }
    found
}

/// The first page of the crawl: the very query that fills the catalogue.
async fn catalogue(shop: &Shop) -> Option<Finding> {
    const WHAT: &str = "catalogue of the shop";
    let pages = shop.platform.pages(shop.upstream.asking_for("crawl"));
    Some(match pages.page(None).await {
        Ok(page) if page.products.is_empty() => {
            Finding::warn(WHAT, "no product", "publish products to the sales channel of the token")
        }
        Ok(page) => {
            let more = if page.next.is_some() { " and more" } else { "" };
            Finding::pass(WHAT, format!("{} products{more} can be read", page.products.len()))
        }
        Err(error) => Finding::fail(WHAT, error.to_string(), "give the token the access scopes named above"),
    })
}

/// `PASS what — what was found — what to do`.
fn line(finding: &Finding, colours: bool) -> String {
    let (word, colour) = match finding.verdict {
        Verdict::Pass => ("PASS", "32"),
        Verdict::Warn => ("WARN", "33"),
        Verdict::Fail => ("FAIL", "31"),
    };
    let word = if colours { format!("\u{1b}[{colour}m{word}\u{1b}[0m") } else { word.to_owned() };
    let next = if finding.next.is_empty() { String::new() } else { format!(" — {}", finding.next) };
    format!("{word} {} — {}{next}", finding.what, finding.found)
}
