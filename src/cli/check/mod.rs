//! `outfitter schema check`: what the gateway will do with a storefront's operations. The very code of the gateway
//! classifies and plans them; nothing is sent anywhere.

mod explain;
mod extract;
mod resolve;
mod sources;

use super::target::Target;
use super::{assemble, say};
use crate::gateway::classify::{Class, Classified, Operation};
use crate::gateway::compose::Composed;
use crate::gateway::documents::Documents;
use crate::gateway::error::RequestError;
use crate::gateway::personalize;
use crate::gateway::plan::{Plan, Step};
use crate::platform;
use crate::settings::Settings;
use apollo_compiler::ExecutableDocument;
use apollo_compiler::ast::Document as Ast;
use resolve::{Read, Whole};
use serde::Serialize;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;

/// What `schema check` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Files (.graphql, .gql, and .ts, .tsx, .js, .jsx, .vue, .svelte with documents in them), folders, patterns.
    #[arg(required = true, value_name = "OPERATIONS")]
    operations: Vec<String>,
    #[command(flatten)]
    target: Target,
    /// Print what the gateway will do for each operation that it rewrites.
    #[arg(long)]
    explain: bool,
    /// Print the findings as JSON.
    #[arg(long)]
    json: bool,
}

/// What becomes of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Fate {
    /// Forwarded byte for byte.
    Passes,
    /// Planned over platform and personalization.
    Rewritten,
    /// Answered with an error.
    Refused,
}

/// What is known of an operation.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Checked {
    fate: Fate,
    /// `query Shelf`.
    operation: String,
    file: PathBuf,
    /// From 1.
    line: usize,
    /// In a few words.
    what: String,
    /// What is wrong, or worth knowing; with lines of the file.
    notes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<String>,
}

pub(super) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let settings = arguments.target.settings()?;
    // The files first: they cost no request.
    let read = Read::files(&sources::files(&arguments.operations)?)?;
    let checker = Checker::new(&settings).await?;
    let mut checked: Vec<_> = read.whole().iter().flat_map(|whole| checker.check(whole)).collect();
    if !arguments.explain {
        checked.iter_mut().for_each(|one| one.plan = None);
    }
    if arguments.json {
        say(&serde_json::to_string_pretty(&checked)?);
    } else {
        let colours = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        lines(&checked, colours).iter().for_each(|line| say(line));
    }
    let refused = checked.iter().filter(|one| one.fate == Fate::Refused).count();
    anyhow::ensure!(refused == 0, "{refused} of {} operations would be refused", checked.len());
    Ok(())
}

struct Checker {
    composed: Arc<Composed>,
    documents: Documents,
    rules: bool,
}

impl Checker {
    /// Errors: a schema that cannot be had, or does not compose.
    async fn new(settings: &Settings) -> anyhow::Result<Self> {
        let (theirs, entities) = match &settings.platform.schema {
            // From a file nothing is asked: no address, no token.
            Some(path) => {
                let plain = platform::Config { name: settings.platform.name, ..platform::Config::default() };
                let theirs = std::fs::read_to_string(path)
                    .map_err(|error| anyhow::anyhow!("the schema file {} cannot be read: {error}", path.display()))?;
                (theirs, platform::open(&plain)?.entities())
            }
            None => {
                let shop = assemble::shop(settings)?;
                (assemble::schema(settings, &shop).await?, shop.platform.entities())
            }
        };
        let composed = Arc::new(Composed::new(&theirs, &personalize::sdl(), entities)?);
        let documents = Documents::new(composed.clone(), settings.limits.clone(), settings.rerank.clone());
        Ok(Self { composed, documents, rules: !settings.rerank.is_empty() })
    }

    /// Every operation of a document.
    fn check(&self, whole: &Whole) -> Vec<Checked> {
        let refused = |operation: &str, notes: Vec<String>| {
            let what = "the gateway refuses it".to_owned();
            self.checked(whole, Fate::Refused, operation.to_owned(), what, notes)
        };
        let text: Arc<str> = whole.text.as_str().into();
        let classified = match self.documents.classify(&text) {
            Ok(classified) => classified,
            Err(error) => return vec![refused("document", said(whole, &error))],
        };
        if classified.operations.is_empty() {
            let why = match Ast::parse(&*whole.text, "document.graphql") {
                Ok(_) => vec!["it holds no operation".to_owned()],
                Err(invalid) => invalid
                    .errors
                    .iter()
                    .take(3)
                    .map(|error| {
                        let json = error.to_json();
                        at(whole, json.locations.first().map(|at| at.line), &json.message)
                    })
                    .collect(),
            };
            return vec![self.checked(
                whole,
                Fate::Refused,
                "document".to_owned(),
                "it does not parse".to_owned(),
                why,
            )];
        }
        classified.operations.iter().map(|operation| self.operation(whole, &classified, operation)).collect()
    }

    fn operation(&self, whole: &Whole, classified: &Classified, operation: &Operation) -> Checked {
        let name = operation.definition.name.as_ref().map(|name| name.as_str());
        let title = format!("{} {}", operation.definition.operation_type.name(), name.unwrap_or("(without a name)"));
        let checked = |fate, what: &str, notes| self.checked(whole, fate, title.clone(), what.to_owned(), notes);
        let by_rule = operation.class == Class::Forward && !operation.rules.is_empty();
        if operation.class == Class::Plan || by_rule {
            match self.documents.plan(classified, name, self.rules || operation.class == Class::Plan) {
                Ok(plan) if operation.class == Class::Plan || !plan.ranks.is_empty() => {
                    let what = summary(&plan, by_rule);
                    let explained = explain::plan(&plan);
                    return Checked { plan: Some(explained), ..checked(Fate::Rewritten, &what, Vec::new()) };
                }
                Err(error) if operation.class == Class::Plan => {
                    return checked(Fate::Refused, "it is not valid for the composed schema", said(whole, &error));
                }
                // A rule that fits by name alone changes nothing.
                Ok(_) | Err(_) => {}
            }
        }
        let valid = ExecutableDocument::parse_and_validate(&self.composed.upstream, &*whole.text, "operation.graphql");
        let doubts = match valid {
            Ok(_) => return checked(Fate::Passes, "passes through", Vec::new()),
            Err(invalid) => invalid
                .errors
                .iter()
                .take(5)
                .map(|error| {
                    let json = error.to_json();
                    at(whole, json.locations.first().map(|at| at.line), &json.message)
                })
                .collect(),
        };
        // Published schemas lag behind what shops answer: a doubt, not a fault.
        checked(Fate::Passes, "passes through, but the shop's schema does not validate it", doubts)
    }

    fn checked(&self, whole: &Whole, fate: Fate, operation: String, what: String, mut notes: Vec<String>) -> Checked {
        notes.extend(whole.missing.iter().cloned());
        // What could not be taken in explains the rest, and may be all that is wrong.
        Checked { fate, operation, file: whole.file.clone(), line: whole.line, what, notes, plan: None }
    }
}

/// What a client would read, with lines of the file.
fn said(whole: &Whole, error: &RequestError) -> Vec<String> {
    let told = error.client().into_iter().take(5);
    told.map(|error| at(whole, error.locations.first().map(|at| at.line), &error.message)).collect()
}

/// A message with the line of the file, where it is one of the file's own.
fn at(whole: &Whole, line: Option<usize>, message: &str) -> String {
    match line {
        Some(line) => format!("line {}: {message}", whole.line + line - 1),
        None => message.to_owned(),
    }
}

/// A plan in a few words.
fn summary(plan: &Plan, by_rule: bool) -> String {
    let asked = plan.steps.iter().filter(|step| matches!(step, Step::Upstream(_))).count();
    let parts = [
        (asked, "document", "documents"),
        (plan.sites.len(), "personalized field", "personalized fields"),
        (plan.selections.len(), "look-up", "look-ups"),
        (plan.ranks.len(), "list in order", "lists in order"),
    ];
    let parts = parts.into_iter().filter(|(count, ..)| *count > 0);
    let parts: Vec<_> =
        parts.map(|(count, one, many)| format!("{count} {}", if count == 1 { one } else { many })).collect();
    let when = if by_rule { ", where the caller opts in" } else { "" };
    format!("rewritten: {}{when}", parts.join(", "))
}

/// The findings for people, aligned.
fn lines(checked: &[Checked], colours: bool) -> Vec<String> {
    let widest = checked.iter().map(|one| one.operation.chars().count()).max().unwrap_or_default().min(48);
    let mut lines = Vec::new();
    for one in checked {
        let (word, colour) = match one.fate {
            Fate::Passes => ("passes   ", "32"),
            Fate::Rewritten => ("rewritten", "36"),
            Fate::Refused => ("refused  ", "31"),
        };
        let word = if colours { format!("\u{1b}[{colour}m{word}\u{1b}[0m") } else { word.to_owned() };
        lines.push(format!("{word}  {:widest$}  {}:{}  {}", one.operation, one.file.display(), one.line, one.what));
        lines.extend(one.notes.iter().map(|note| format!("             {note}")));
        lines.extend(one.plan.iter().flat_map(|plan| plan.lines()).map(|line| format!("    {line}")));
    }
    let count = |fate| checked.iter().filter(|one| one.fate == fate).count();
    let (passes, rewritten, refused) = (count(Fate::Passes), count(Fate::Rewritten), count(Fate::Refused));
    lines
        .push(format!("{} operations: {passes} pass through, {rewritten} rewritten, {refused} refused", checked.len()));
    lines
}

#[cfg(test)]
mod tests;
