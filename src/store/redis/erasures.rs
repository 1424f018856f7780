//! Erasures of shoppers, in Redis, by which replicas tell each other of them: a stream, capped and with a time to live.

use super::script::{self, script};
use super::{RedisStore, Token, live};
use crate::store::shop::{ERASURES_FOR, Erasure, MOST_ERASURES, Place};
use crate::store::traits::StoreError;
use jiff::Timestamp;
use redis::cmd;

/// Notes of one answer.
const PAGE: usize = 1_000;

/// Adds a note and lets go of those that are too old or too many. `ARGV`: the note, how many, how long in milliseconds, and a
/// token that is the answer. The time is the store's own.
const ADD: &str = "local now = redis.call('TIME')
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'erasure', ARGV[1])
redis.call('XTRIM', KEYS[1], 'MINID', string.format('%.0f', now[1] * 1000 - ARGV[3]))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return ARGV[4]";

/// Place and note, one after the other. `ARGV`: behind which place, how many.
const READ: &str = "local told = {}
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '(' .. ARGV[1], '+', 'COUNT', ARGV[2])) do
  told[#told + 1] = entry[1]
  told[#told + 1] = entry[2][2]
end
return told";

impl RedisStore {
    fn erasures_key(&self) -> String {
        format!("{}:erasures", self.config.prefix)
    }

    /// Adds an erasure. It holds without replicas of Redis, as the erasure itself does.
    pub(super) async fn put_erasure(&self, erasure: &Erasure) -> Result<(), StoreError> {
        let key = self.erasures_key();
        let note = serde_json::to_string(erasure).map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let own = rand::random::<Token>();
        let (most, live) = (MOST_ERASURES.to_string(), live(ERASURES_FOR).to_string());
        let add = script::checked(ADD, &key, &[note.as_bytes(), most.as_bytes(), live.as_bytes(), &own]);
        match self.link.change_durably(self.config.write_timeout, &key, &add, &own).await {
            Err(StoreError::NotDurable) => Ok(()),
            noted => noted.map(drop),
        }
    }

    /// Lets go of those from before a redaction of the whole shop, which all replicas go along with.
    pub(super) async fn forget_erasures(&self, before: Timestamp) -> Result<(), StoreError> {
        let mut trim = cmd("XTRIM");
        trim.arg(self.erasures_key()).arg("MINID").arg(before.as_millisecond().max(0));
        self.link.ask::<u64>("write", self.config.write_timeout, &trim).await.map(drop)
    }

    /// Those behind a place.
    pub(super) async fn erasures_behind(&self, behind: Place) -> Result<Vec<(Place, Erasure)>, StoreError> {
        let (mut found, mut last) = (Vec::new(), behind);
        loop {
            let mut read = script(READ, &[&self.erasures_key()]);
            read.arg(format!("{}-{}", last.0, last.1)).arg(PAGE);
            let told: Vec<String> = self.link.ask("read", self.config.write_timeout, &read).await?;
            let (pairs, rest) = told.as_chunks::<2>();
            let page = pairs.iter().map(read_note).collect::<Option<Vec<_>>>().filter(|_| rest.is_empty());
            let page = page.ok_or_else(|| StoreError::Unavailable("an answer was not of what was asked".to_owned()));
            let page = self.link.trusted(page)?;
            let full = page.len() >= PAGE;
            last = page.last().map_or(last, |(place, _)| *place);
            found.extend(page);
            if !full {
                return Ok(found);
            }
        }
    }
}

fn read_note([place, note]: &[String; 2]) -> Option<(Place, Erasure)> {
    let (at, number) = place.split_once('-')?;
    Some((Place(at.parse().ok()?, number.parse().ok()?), serde_json::from_str(note).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::ShopperKey;
    use crate::store::redis::link::milliseconds;
    use crate::store::redis::servers::Server;
    use crate::store::redis::tests::{open, patient};
    use crate::store::shop::ShopStore;

    #[tokio::test]
    async fn erasures_live_for_a_week_at_most_and_are_read_in_pages() {
        let server = Server::start();
        let store = open(&server.url(), patient());
        let erasure = |n: usize| Erasure {
            who: ShopperKey::new(format!("s{n}")),
            purpose: None,
            at: Timestamp::UNIX_EPOCH,
            by: u64::MAX,
        };
        // One of long ago, as a stream holds it that was never trimmed since.
        let old = serde_json::to_string(&erasure(0)).unwrap();
        let _: String = server.ask(&["XADD", "outfitter:erasures", "1-1", "erasure", &old]).await;
        assert_eq!(store.erasures(Place::default()).await.unwrap(), [(Place(1, 1), erasure(0))]);
        for n in 1..=PAGE + 1 {
            store.note_erasure(&erasure(n)).await.unwrap();
        }
        let all = store.erasures(Place::default()).await.unwrap();
        assert_eq!((all.len(), &all[0].1, &all[PAGE].1), (PAGE + 1, &erasure(1), &erasure(PAGE + 1)));
        assert_eq!(store.erasures(all[PAGE - 1].0).await.unwrap(), all[PAGE..]);
        ShopStore::redact(&store, all[PAGE].1.at + jiff::SignedDuration::from_hours(24 * 365_000)).await.unwrap();
        assert_eq!(store.erasures(Place::default()).await.unwrap(), [], "they went with the whole shop");
        store.note_erasure(&erasure(1)).await.unwrap();
        let lives: u64 = server.ask(&["PTTL", "outfitter:erasures"]).await;
        assert!((1..=milliseconds(ERASURES_FOR)).contains(&lives), "{lives}");
    }
}
