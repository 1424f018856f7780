//! The pages of a crawl under way, kept in a file so that a crawl cut off goes on where it stopped.
//!
//! One line names the shop and the moment, then each page is a line: it is appended whole or, where the program dies in
//! the middle of it, torn, and a torn line ends what is read back. A checkpoint only spares work: where it cannot be
//! read or written the crawl goes on without it.

use crate::domain::product::CatalogueProduct;
use crate::platform::pages::Page;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The file of a crawl under way.
pub(super) struct Checkpoint {
    path: Option<PathBuf>,
    shop: String,
    file: Option<File>,
    pages: Vec<Page>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    shop: String,
    begun: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Line {
    next: Option<String>,
    products: Vec<CatalogueProduct>,
}

impl Checkpoint {
    /// Opens the checkpoint beside the catalogue's file and reads the pages of the crawl cut off, if it was of this shop
    /// and less than a day ago.
    pub(super) fn open(catalogue: Option<&Path>, shop: &str) -> Self {
        let path = catalogue.map(|path| path.with_extension("part"));
        let mut checkpoint = Self { path, shop: shop.to_owned(), file: None, pages: Vec::new() };
        let Some(path) = checkpoint.path.clone() else { return checkpoint };
        match resume(&path, shop) {
            Some((file, pages)) => (checkpoint.file, checkpoint.pages) = (Some(file), pages),
            None => checkpoint.clear(),
        }
        checkpoint
    }

    /// The pages read back, in order. Each but perhaps the last names where the next begins.
    pub(super) fn take(&mut self) -> Vec<Page> {
        std::mem::take(&mut self.pages)
    }

    /// Keeps a page.
    pub(super) fn add(&mut self, page: &Page) {
        let Some(path) = &self.path else { return };
        if self.file.is_none() {
            self.file = begin(path, &self.shop);
        }
        let line = Line { next: page.next.clone(), products: page.products.clone() };
        let kept = self.file.as_mut().map(|file| write_line(file, &line));
        if let Some(Err(error)) = kept {
            tracing::warn!(%error, path = %path.display(), "a crawl cut off now will begin anew: the checkpoint cannot be written");
            self.clear();
            self.path = None;
        }
    }

    /// Forgets the pages: the crawl is through, or begins anew.
    pub(super) fn clear(&mut self) {
        self.file = None;
        if let Some(path) = self.path.as_ref().filter(|path| path.exists())
            && let Err(error) = std::fs::remove_file(path)
        {
            tracing::warn!(%error, path = %path.display(), "the checkpoint of a crawl cannot be removed");
        }
    }
}

fn begin(path: &Path, shop: &str) -> Option<File> {
    let head = Head { shop: shop.to_owned(), begun: Timestamp::now() };
    let begun = File::create(path).and_then(|mut file| write_line(&mut file, &head).map(|()| file));
    if let Err(error) = &begun {
        tracing::warn!(%error, path = %path.display(), "a crawl cut off will begin anew: the checkpoint cannot be written");
    }
    begun.ok()
}

fn write_line<T: Serialize>(file: &mut File, value: &T) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    file.write_all(&line)
}

/// Reads the pages back and cuts a torn line off. `None`: no checkpoint, another shop's, too old, or without a page that
/// leads on.
fn resume(path: &Path, shop: &str) -> Option<(File, Vec<Page>)> {
    let mut file = OpenOptions::new().read(true).write(true).open(path).ok()?;
    let mut reader = BufReader::new(&file);
    let mut line = Vec::new();
    let mut whole = reader.read_until(b'\n', &mut line).ok()?;
    let head: Head = serde_json::from_slice(&line).ok()?;
    let oldest = Timestamp::now().checked_sub(24.hours()).ok()?;
    if head.shop != shop || head.begun < oldest {
        return None;
    }
    let mut pages = Vec::new();
    loop {
        line.clear();
        let length = reader.read_until(b'\n', &mut line).ok()?;
        if !line.ends_with(b"\n") {
            break;
        }
        let Ok(Line { next, products }) = serde_json::from_slice(&line) else { break };
        // The page before led here, so one that leads nowhere can only be the last.
        next.as_ref()?;
        whole += length;
        pages.push(Page { products, next });
    }
    if pages.is_empty() {
        return None;
    }
    let end = u64::try_from(whole).ok()?;
    file.set_len(end).ok()?;
    file.seek(SeekFrom::Start(end)).ok()?;
    Some((file, pages))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(next: &str) -> Page {
        Page { products: Vec::new(), next: Some(next.into()) }
    }

    #[test]
    fn pages_come_back_up_to_a_torn_line_and_writing_goes_on_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalogue.jsonl");
        let mut first = Checkpoint::open(Some(&path), "shop");
        first.add(&page("a"));
        first.add(&page("b"));
        drop(first);
        let part = folder.path().join("catalogue.part");
        OpenOptions::new().append(true).open(&part).unwrap().write_all(b"{\"next\":\"c\",\"pro").unwrap();

        let mut second = Checkpoint::open(Some(&path), "shop");
        assert_eq!(second.take(), [page("a"), page("b")]);
        second.add(&page("c"));
        drop(second);
        let mut third = Checkpoint::open(Some(&path), "shop");
        assert_eq!(third.take(), [page("a"), page("b"), page("c")]);
        third.clear();
        assert!(!part.exists());
    }

    #[test]
    fn another_shops_checkpoint_is_not_resumed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalogue.jsonl");
        Checkpoint::open(Some(&path), "one").add(&page("a"));
        assert!(Checkpoint::open(Some(&path), "two").take().is_empty());
    }

    #[test]
    fn a_file_that_is_no_checkpoint_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalogue.jsonl");
        std::fs::write(folder.path().join("catalogue.part"), b"\xff\xfe nonsense").unwrap();
        assert!(Checkpoint::open(Some(&path), "shop").take().is_empty());
        assert!(!folder.path().join("catalogue.part").exists());
    }
}
