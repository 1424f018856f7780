//! Fetching what a bulk operation wrote, whole or not at all.

use super::bar;
use super::operation::Written;
use crate::platform::upstream::{Asked, Repeat, Upstream};
use crate::settings::Settings;
use anyhow::Context;
use bytes::Bytes;
use http::{HeaderMap, Method};
use http_body_util::BodyExt;
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// What came of a file.
#[derive(Default)]
struct Came {
    bytes: u64,
    lines: u64,
    /// Whether the last line has its end.
    ended: bool,
}

/// Fetches into a file. Errors: it cannot be fetched, or less came than the shop says that there is.
pub(super) async fn fetch(settings: &Settings, written: &Written, name: &str, part: &Path) -> anyhow::Result<()> {
    let mut into = File::create(part).with_context(|| format!("{} cannot be written", part.display()))?;
    let mut came = Came::default();
    if let Some(url) = &written.url {
        let mut config = settings.upstream.clone();
        config.url = Some(url.clone());
        // Its address is its credential: no token goes there.
        let from = Upstream::new(config, HeaderMap::new())?;
        let asked = Asked {
            method: Method::GET,
            query: None,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            repeat: Repeat::Once,
        };
        let answer = from.send(asked).await.context("the export cannot be fetched; call the same again")?;
        anyhow::ensure!(
            answer.status().is_success(),
            "the export cannot be fetched: HTTP status {}; call the same again",
            answer.status().as_u16()
        );
        let bar = bar::of(written.bytes.unwrap_or(0));
        let mut body = answer.into_body();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| anyhow::anyhow!("the export broke off: {error}; call the same again"))?;
            if let Ok(data) = frame.into_data() {
                into.write_all(&data)?;
                came.count(&data);
                bar.set_position(came.bytes);
                bar.set_message(format!("{} of {} objects", came.lines, written.objects.unwrap_or(0)));
            }
        }
    }
    anyhow::ensure!(
        came.is_whole(written),
        "the export of {name} came cut off, {} of {} objects; call the same again to fetch it again",
        came.lines,
        written.objects.unwrap_or(0)
    );
    Ok(into.sync_all()?)
}

impl Came {
    fn count(&mut self, data: &[u8]) {
        self.bytes += data.len() as u64;
        self.lines += data.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.ended = data.last().map_or(self.ended, |last| *last == b'\n');
    }

    /// Whether it is all by either of what the shop says: a count of objects that is told otherwise than it is written must
    /// not keep a file for ever that has every byte.
    fn is_whole(&self, written: &Written) -> bool {
        let objects = self.lines + u64::from(self.bytes > 0 && !self.ended);
        match (written.objects, written.bytes) {
            (_, Some(bytes)) if self.bytes == bytes => true,
            (Some(all), Some(_)) => self.lines >= all,
            // Whether the last line is whole is not told; readers leave out what is none.
            (Some(all), None) => objects >= all,
            (None, Some(_)) => false,
            (None, None) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_whole_by_its_bytes_or_by_its_objects() {
        let is_whole = |text: &[&str], objects, bytes| {
            let mut came = Came::default();
            text.iter().for_each(|text| came.count(text.as_bytes()));
            came.is_whole(&Written { url: None, objects, bytes })
        };
        assert!(is_whole(&["{}\n{}\n"], Some(2), Some(6)) && is_whole(&["{}\n", "{}"], Some(2), Some(5)));
        assert!(is_whole(&["{}\n{", "}\n"], Some(2), None) && is_whole(&["{}\n{}"], Some(2), None));
        assert!(is_whole(&["{}\n"], Some(9), Some(3)), "every byte is there");
        assert!(is_whole(&["{}\n{}\n"], Some(2), Some(4)), "every object is there");
        assert!(!is_whole(&["{}\n"], Some(2), None) && !is_whole(&["{}\n{"], Some(2), Some(6)));
        assert!(!is_whole(&[], Some(1), None) && !is_whole(&["{"], None, Some(3)));
        assert!(is_whole(&[], Some(0), None) && is_whole(&["{}"], None, None));
    }
}
