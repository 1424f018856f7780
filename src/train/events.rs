//! A shop's own events, as the gateway's training log holds them: JSON lines, each of one shopper.
//!
//! What counts as an interaction is said by [`interactions`], for training as for serving. Of a shopper the newest [`MOST`]
//! are kept, so that no robot outweighs everybody else. A last line that was cut off is left out; any other line that is no
//! event is an error.

use super::error::TrainError;
use super::history::History;
use crate::catalogue::Index;
use crate::domain::event::{Event, EventType, Line};
use crate::domain::ids::{EventId, ProductKey};
use crate::features::{Action, Attributes, Vocabulary, described, interactions, written};
use crate::text;
use jiff::Timestamp;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Interactions kept of a shopper.
const MOST: usize = 1_000;
/// The longest line taken, in bytes.
const LONGEST: u64 = 1024 * 1024;

/// What is read of a line; whatever else it holds is not for training.
#[derive(Deserialize)]
struct Logged {
    shopper: Box<str>,
    kind: EventType,
    at: Timestamp,
    #[serde(default)]
    product: Option<ProductKey>,
    #[serde(default)]
    query: Option<Box<str>>,
    #[serde(default)]
    lines: Vec<Line>,
}

/// A shop as training sees it.
pub struct Shop {
    /// The catalogue's products, or those of the events where there is no catalogue.
    pub vocabulary: Vocabulary,
    /// What is known of them.
    pub attributes: Arc<Attributes>,
    /// Their titles by row, empty for padding; none without a catalogue.
    pub titles: Vec<Box<str>>,
    /// Shoppers in the order of their keys; each has at least one interaction.
    pub histories: Vec<History>,
    /// Lines read.
    pub lines: usize,
    /// Events left out because the catalogue has no such product.
    pub unknown: usize,
}

impl Shop {
    /// Reads a file of events, or every `.jsonl` file of a folder.
    ///
    /// # Errors
    /// Nothing to read, a line that is no event, no event with a product.
    pub fn read(events: &Path, catalogue: Option<&Index>) -> Result<Self, TrainError> {
        let mut met: BTreeMap<Box<str>, Vec<Event>> = BTreeMap::new();
        let mut count = 0;
        for file in files(events)? {
            count += lines(&file, &mut |logged| add(&mut met, logged))?;
        }
        let vocabulary = match catalogue {
            Some(index) => Vocabulary::new(index.products().iter().map(|product| product.key.as_str()))?,
            None => Vocabulary::new(met.values().flatten().flat_map(products).map(ProductKey::as_str))?,
        };
        let (mut histories, mut unknown) = (Vec::new(), 0);
        for events in met.into_values() {
            let known = |key: &ProductKey| vocabulary.row(key.as_str()).is_some();
            let of_items = events.iter().filter(|event| event.kind != EventType::SearchSubmitted);
            unknown += of_items.filter(|event| !products(event).any(known)).count();
            let history = History::of_sequence(&interactions(&vocabulary, &events), MOST);
            if !history.is_empty() {
                histories.push(history);
            }
        }
        if histories.is_empty() {
            let why = format!("{}: no event with a product that the catalogue has", events.display());
            return Err(TrainError::Unfit(why));
        }
        let attributes = Arc::new(catalogue.map(|index| attributes(&vocabulary, index)).unwrap_or_default());
        let titles = catalogue.map(|index| titles(&vocabulary, index)).unwrap_or_default();
        Ok(Self { vocabulary, attributes, titles, histories, lines: count, unknown })
    }

    /// Interactions over all.
    pub fn interactions(&self) -> usize {
        self.histories.iter().map(|history| history.len()).sum()
    }

    /// When the newest interaction was.
    pub fn newest(&self) -> i64 {
        self.histories.iter().filter_map(|history| history.times().next_back()).max().unwrap_or(0)
    }
}

/// What the catalogue says of every row.
fn attributes(vocabulary: &Vocabulary, index: &Index) -> Attributes {
    let mut names = vec![Vec::new(); vocabulary.rows()];
    for (product, ordinal) in index.products().iter().zip(0u32..) {
        if let Some(row) = vocabulary.row(product.key.as_str()) {
            names[row as usize] = described(product, index.band(ordinal));
        }
    }
    let text = |key: &Arc<str>| index.get(key).map(written).unwrap_or_default();
    let texts = std::iter::once(String::new()).chain(vocabulary.keys().iter().map(text));
    match text::vectors(texts) {
        Some((width, vectors)) => Attributes::new(&names).with_texts(width, vectors),
        None => Attributes::new(&names),
    }
}

fn titles(vocabulary: &Vocabulary, index: &Index) -> Vec<Box<str>> {
    let title = |key: &Arc<str>| index.get(key).map(|product| product.title.clone()).unwrap_or_default();
    std::iter::once(Box::default()).chain(vocabulary.keys().iter().map(title)).collect()
}

fn add(met: &mut BTreeMap<Box<str>, Vec<Event>>, logged: Logged) {
    let Logged { shopper, kind, at, product, query, lines } = logged;
    if Action::of(kind).is_some() {
        // Ids of events say nothing here.
        let event = Event { product, query, lines, ..Event::bare(EventId::new(""), kind, at) };
        met.entry(shopper).or_default().push(event);
    }
}

fn products(event: &Event) -> impl Iterator<Item = &ProductKey> {
    event.product.iter().chain(event.lines.iter().map(|line| &line.product))
}

fn files(path: &Path) -> Result<Vec<PathBuf>, TrainError> {
    let failed = |source| TrainError::File { path: path.to_owned(), source };
    if !fs::metadata(path).map_err(failed)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(failed)?;
    let mut files: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    Ok(files)
}

/// Hands over every event of a file; returns how many.
fn lines(path: &Path, take: &mut dyn FnMut(Logged)) -> Result<usize, TrainError> {
    let failed = |source| TrainError::File { path: path.to_owned(), source };
    let mut reader = BufReader::new(File::open(path).map_err(failed)?);
    let (mut bytes, mut count) = (Vec::new(), 0);
    for line in 1.. {
        bytes.clear();
        let length = (&mut reader).take(LONGEST + 1).read_until(b'\n', &mut bytes).map_err(failed)?;
        if length == 0 {
            break;
        }
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        match serde_json::from_slice(&bytes) {
            Ok(logged) => take(logged),
            // The writer was cut off within its last line.
            Err(_) if !bytes.ends_with(b"\n") && length as u64 <= LONGEST => break,
            Err(error) => {
                let why = format!("it is no event of a training log: {error}");
                return Err(TrainError::Line { path: path.to_owned(), line, why });
            }
        }
        count += 1;
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::Interaction;

    fn event(shopper: &str, kind: &str, second: i64, rest: &str) -> String {
        let at = Timestamp::from_second(second).unwrap();
        format!(
            r#"{{"shopper":"{shopper}","kind":"{kind}","at":"{at}","market":{{"country":null,"language":null}}{rest}}}"#
        )
    }

    fn viewed(shopper: &str, second: i64, product: &str) -> String {
        event(shopper, "product_viewed", second, &format!(r#","product":"{product}""#))
    }

    fn read(files: &[(&str, String)], catalogue: Option<&Index>) -> Result<Shop, TrainError> {
        let folder = tempfile::tempdir().unwrap();
        files.iter().for_each(|(name, text)| fs::write(folder.path().join(name), text).unwrap());
        Shop::read(folder.path(), catalogue)
    }

    #[test]
    fn shoppers_are_put_together_over_files_in_the_order_of_time() {
        let bought = event(
            "b",
            "checkout_completed",
            9,
            r#","lines":[{"product":"p1","quantity":1},{"product":"p3","quantity":2}]"#,
        );
        let one = [viewed("b", 7, "p2"), bought, event("b", "page_viewed", 8, "")].join("\n");
        let two = [viewed("b", 3, "p1"), viewed("b", 5, "p2"), viewed("a", 4, "p3"), "{\"shopper\":\"a\",\"ki".into()]
            .join("\n");
        let shop =
            read(&[("events-1.jsonl", one + "\n"), ("events-2.jsonl", two), ("note.txt", "no".into())], None).unwrap();
        let one = |row, action, at| Interaction { row, action, at };
        let b = [one(1, Action::Viewed, 3), one(2, Action::Viewed, 7), one(3, Action::Bought, 9)];
        assert_eq!(shop.histories, [History::viewed(&[(3, 4)]), History::of(&b)]);
        assert_eq!((shop.lines, shop.newest(), shop.interactions()), (6, 9, 4));
    }

    #[test]
    fn products_outside_the_catalogue_are_left_out_and_counted() {
        let product = |key: &str| {
            let line = format!(r#"{{"key":"{key}","handle":"{key}","title":"Hat","category":"Hats"}}"#);
            serde_json::from_str(&line).unwrap()
        };
        let index = Index::build([product("p2"), product("p9")]);
        let text = [viewed("a", 1, "p1"), viewed("a", 2, "p2")].join("\n");
        let shop = read(&[("e.jsonl", text)], Some(&index)).unwrap();
        assert_eq!((shop.histories, shop.unknown), (vec![History::viewed(&[(1, 2)])], 1));
        assert_eq!(shop.attributes.names(), ["category:Hats", "word:hat"]);
        assert!(read(&[("e.jsonl", viewed("a", 1, "p1"))], Some(&index)).is_err(), "nothing is left");
    }

    #[test]
    fn a_robot_counts_by_its_newest_interactions_and_a_broken_line_is_named() {
        let robot: Vec<String> = (0..3_000).map(|at| viewed("r", at, &format!("p{}", at % 7))).collect();
        let shop = read(&[("e.jsonl", robot.join("\n"))], None).unwrap();
        assert_eq!((shop.histories[0].len(), shop.histories[0].times().next()), (MOST, Some(2_000)));
        let broken = format!("{}\nnonsense\n{}\n", viewed("a", 1, "p"), viewed("a", 2, "p"));
        assert!(read(&[("e.jsonl", broken)], None).err().unwrap().to_string().contains("line 2"));
        let long = format!("{}\n", " ".repeat(LONGEST as usize + 2));
        assert!(read(&[("e.jsonl", long + &viewed("a", 1, "p"))], None).is_ok(), "blanks are no line");
        assert!(Shop::read(Path::new("/nowhere/events"), None).is_err());
    }
}
