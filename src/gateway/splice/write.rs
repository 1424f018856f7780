//! Writing a fragment by hand: text of our own, parts of a body, and holes between.

use super::{Fragment, FragmentId, Hole, Piece, Step, Wanted};

/// A fragment in the making.
#[derive(Default)]
pub struct Writing {
    bytes: Vec<u8>,
    from: usize,
    out: Fragment,
}

impl Writing {
    /// Text as it stands.
    pub fn text(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
    }

    /// A value as JSON.
    pub fn json(&mut self, value: &serde_json::Value) {
        self.text(value.to_string().as_bytes());
    }

    /// A place that a fragment fills, at a path from this fragment's root.
    pub fn fragment(&mut self, fill: FragmentId, path: &[Step]) {
        self.hole(Wanted::Given, "", Some(fill), path);
    }

    /// A place that waits for something.
    pub fn hole(&mut self, wanted: Wanted, key: &str, fill: Option<FragmentId>, path: &[Step]) {
        self.flush();
        let path = path.iter().fold(None, |parent, step| self.out.child(parent, step.clone()));
        self.out.pieces.push(Piece::Hole(self.out.holes.len()));
        self.out.holes.push(Hole { wanted, key: key.into(), hidden: Vec::new(), raw: 0..0, fill, path });
    }

    /// The fragment.
    pub fn done(mut self) -> Fragment {
        self.flush();
        self.out.body = self.bytes.into();
        self.out
    }

    fn flush(&mut self) {
        if self.bytes.len() > self.from {
            self.out.pieces.push(Piece::Raw(self.from..self.bytes.len()));
        }
        self.from = self.bytes.len();
    }
}
