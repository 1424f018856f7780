//! News of products, in Redis, by which replicas tell each other what a webhook told one of them: a stream, capped and with a
//! time to live.
//!
//! Each note says which one stood before it, so that whoever reads sees whether some are missing: too many came, the stream was
//! lost, or a replica of Redis took over that had not all of it.

use super::script::{self, script};
use super::{RedisStore, Token, live};
use crate::store::shop::{MOST_NEWS, NEWS_FOR, Place, ProductNote, ProductsTold};
use crate::store::traits::StoreError;
use redis::cmd;

/// Notes of one answer.
const PAGE: usize = 1_000;

/// Adds notes and lets go of those that are too old or too many. `ARGV`: how many, how long in milliseconds, a token that is the
/// answer, whose they are, the notes, and the digest. The time is the store's own.
const ADD: &str = "local now = redis.call('TIME')
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local before = last and last[1] or '0-0'
for at = 5, #ARGV - 1 do
  before = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'before', before, 'by', ARGV[4], 'told', ARGV[at])
end
redis.call('XTRIM', KEYS[1], 'MINID', string.format('%.0f', now[1] * 1000 - ARGV[2]))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return ARGV[3]";

/// The last place, then place, the place before it, whose, and note, one after the other. `ARGV`: behind which place, how many.
const READ: &str = "local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
local told = { last and last[1] or '0-0' }
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ARGV[2])) do
  told[#told + 1] = entry[1]
  for part = 2, 6, 2 do told[#told + 1] = entry[2][part] end
end
return told";

impl RedisStore {
    fn products_key(&self) -> String {
        format!("{}:products", self.config.prefix)
    }

    /// Adds notes. Replicas of Redis are not waited for: what is lost is told as a gap.
    pub(super) async fn put_products(&self, notes: &[ProductNote]) -> Result<(), StoreError> {
        for same in notes.chunk_by(|one, other| one.by == other.by) {
            let (own, by) = (rand::random::<Token>(), same.first().map_or(0, |note| note.by).to_string());
            let (most, live) = (MOST_NEWS.to_string(), live(NEWS_FOR).to_string());
            let mut arguments = vec![most.as_bytes(), live.as_bytes(), &own, by.as_bytes()];
            arguments.extend(same.iter().map(|note| note.told.as_bytes()));
            let add = script::checked(ADD, &self.products_key(), &arguments);
            self.link.change(self.config.write_timeout, &add, &own).await?;
        }
        Ok(())
    }

    /// Those behind a place, in one round trip where there are few.
    pub(super) async fn products_behind(&self, behind: Option<Place>) -> Result<ProductsTold, StoreError> {
        let Some(behind) = behind else {
            let mut last = cmd("XREVRANGE");
            last.arg(self.products_key()).arg("+").arg("-").arg("COUNT").arg(1);
            let last: Vec<(String, Vec<String>)> = self.link.ask("read", self.config.write_timeout, &last).await?;
            let last = last.first().map_or(Some(Place::default()), |(id, _)| place(id));
            return Ok(ProductsTold::behind(self.link.trusted(last.ok_or_else(another))?));
        };
        let mut told = ProductsTold::behind(behind);
        loop {
            let mut read = script(READ, &[&self.products_key()]);
            read.arg(format!("{}-{}", told.at.0, told.at.1)).arg(PAGE);
            let answer: Vec<String> = self.link.ask("read", self.config.write_timeout, &read).await?;
            let (last, page) = self.link.trusted(read_page(&answer).ok_or_else(another))?;
            if last != Place::default() && last < told.at {
                // Another store took over, whose clock is late or which had not all of it.
                return Ok(ProductsTold { at: last, gap: true, ..told });
            }
            let full = page.len() >= PAGE;
            page.into_iter().for_each(|(place, before, note)| told.take(place, before, note));
            if !full {
                return Ok(told);
            }
        }
    }
}

fn another() -> StoreError {
    StoreError::Unavailable("an answer was not of what was asked".to_owned())
}

fn place(id: &str) -> Option<Place> {
    let (at, number) = id.split_once('-')?;
    Some(Place(at.parse().ok()?, number.parse().ok()?))
}

/// A place, the one before it, and the note.
type Row = (Place, Place, ProductNote);

/// The last place, and notes.
fn read_page(answer: &[String]) -> Option<(Place, Vec<Row>)> {
    let (last, rest) = answer.split_first()?;
    let (rows, []) = rest.as_chunks::<4>() else { return None };
    let row = |[at, before, by, told]: &[String; 4]| {
        Some((place(at)?, place(before)?, ProductNote { by: by.parse().ok()?, told: told.clone() }))
    };
    Some((place(last)?, rows.iter().map(row).collect::<Option<_>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::redis::link::milliseconds;
    use crate::store::redis::servers::Server;
    use crate::store::redis::tests::{open, patient};
    use crate::store::shop::ShopStore;

    const KEY: &str = "outfitter:products";

    fn note(n: usize) -> ProductNote {
        ProductNote { by: u64::MAX, told: format!("product {n}") }
    }

    #[tokio::test]
    async fn news_of_products_lives_for_an_hour_at_most_is_capped_and_read_in_pages() {
        let server = Server::start();
        let store = open(&server.url(), patient());
        let begin = store.products(None).await.unwrap();
        assert_eq!(begin, ProductsTold::default());
        // One of long ago, as a stream holds it that nobody has added to since.
        let _: String = server.ask(&["XADD", KEY, "1-1", "before", "0-0", "by", "1", "told", "old"]).await;
        let old = store.products(Some(begin.at)).await.unwrap();
        assert_eq!((old.notes.len(), old.at, old.gap), (1, Place(1, 1), false));
        for some in (0..=PAGE).map(note).collect::<Vec<_>>().chunks(500) {
            store.note_products(some).await.unwrap();
        }
        let told = store.products(Some(old.at)).await.unwrap();
        assert_eq!((told.notes.len(), &told.notes[PAGE], told.gap), (PAGE + 1, &note(PAGE), false));
        let first: Vec<(String, Vec<String>)> = server.ask(&["XRANGE", KEY, "-", "+", "COUNT", "1"]).await;
        assert_ne!(first[0].0, "1-1", "it has lived its time");
        assert_eq!(store.products(Some(told.at)).await.unwrap(), ProductsTold::behind(told.at));
        let lives: u64 = server.ask(&["PTTL", KEY]).await;
        assert!((1..=milliseconds(NEWS_FOR)).contains(&lives), "{lives}");
        for some in (0..MOST_NEWS + 500).map(note).collect::<Vec<_>>().chunks(500) {
            store.note_products(some).await.unwrap();
        }
        let many: usize = server.ask(&["XLEN", KEY]).await;
        assert!((MOST_NEWS..MOST_NEWS + 500).contains(&many), "{many}");
        assert!(store.products(Some(told.at)).await.unwrap().gap, "more came than are told");
    }

    #[tokio::test]
    async fn who_reads_behind_what_was_lost_is_told_of_a_gap_once() {
        let server = Server::start();
        let store = open(&server.url(), patient());
        store.note_products(&[note(1)]).await.unwrap();
        let before = store.products(Some(Place::default())).await.unwrap();
        let _: u64 = server.ask(&["DEL", KEY]).await;
        store.note_products(&[note(2)]).await.unwrap();
        let lost = store.products(Some(before.at)).await.unwrap();
        assert_eq!((lost.gap, &lost.notes[..]), (true, &[note(2)][..]));
        assert!(!store.products(Some(lost.at)).await.unwrap().gap);
        // Another took over, whose stream ends before that.
        let _: u64 = server.ask(&["DEL", KEY]).await;
        let _: String = server.ask(&["XADD", KEY, "5-1", "before", "0-0", "by", "1", "told", "late clock"]).await;
        let back = store.products(Some(lost.at)).await.unwrap();
        assert_eq!((back.gap, back.at), (true, Place(5, 1)));
        assert_eq!(store.products(Some(back.at)).await.unwrap(), ProductsTold::behind(back.at));
        // A quiet hour is no gap.
        let _: u64 = server.ask(&["DEL", KEY]).await;
        store.note_products(&[note(3)]).await.unwrap();
        assert!(!store.products(Some(back.at)).await.unwrap().gap);
    }
}
