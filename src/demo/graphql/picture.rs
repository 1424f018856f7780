//! Pictures: `Image` and the `MediaImage` around it. The store draws them when they are asked for.

use super::ask::Ask;
use super::scene::Scene;
use super::value::{Object, Resolved, Value};

/// A picture that the store can draw, by its path below `/images/`, without the ending.
#[derive(Clone, Copy)]
pub(super) struct Picture<'s> {
    /// What it shows: `product`, `collection`, `article`, `shop`.
    pub(super) of: &'static str,
    /// The number of what it shows.
    pub(super) number: u64,
    /// Which of its pictures, from 1.
    pub(super) view: u32,
    /// Said instead of it.
    pub(super) alt: &'s str,
}

/// Width and height of each picture, in pixels.
const SIDE: i32 = 1200;

impl<'s> Picture<'s> {
    /// Unique among pictures, for cursors.
    pub(super) fn key(self) -> u64 {
        self.number * 10 + u64::from(self.view)
    }

    fn id(self) -> String {
        format!("gid://shopify/ProductImage/{}", self.key())
    }

    /// The address, with the size that was asked for as a parameter; a drawing needs no other file for it.
    fn url(self, scene: &Scene<'_>, size: Option<(Option<i64>, Option<i64>)>) -> String {
        let mut url = scene.address(&format!("/images/{}-{}-{}.svg", self.of, self.number, self.view));
        let (width, height) = size.unwrap_or_default();
        let sizes = [("width", width), ("height", height)];
        for (at, (name, pixels)) in sizes.iter().filter_map(|(name, side)| Some((name, (*side)?))).enumerate() {
            url.push_str(if at == 0 { "?" } else { "&" });
            url.push_str(&format!("{name}={pixels}"));
        }
        url
    }

    /// The picture as a `MediaImage`.
    pub(super) fn media(self) -> Value<'s> {
        let image = Value::Object(Object::Picture(self));
        let fields = vec![
            ("id", Value::leaf(format!("gid://shopify/MediaImage/{}", self.key()))),
            ("alt", Value::leaf(self.alt)),
            ("mediaContentType", Value::leaf("IMAGE")),
            ("image", image.clone()),
            ("previewImage", image),
        ];
        Value::record("MediaImage", fields)
    }
}

/// A field of `Image`.
pub(super) fn field<'s>(scene: &'s Scene<'s>, picture: Picture<'s>, ask: Ask<'_>) -> Resolved<'s> {
    let asked = |ask: Ask<'_>| (ask.int("maxWidth"), ask.int("maxHeight"));
    Ok(match ask.field {
        "id" => Value::leaf(picture.id()),
        "altText" => Value::leaf(picture.alt),
        "url" => Value::leaf(picture.url(scene, ask.object("transform").map(asked))),
        "transformedSrc" => Value::leaf(picture.url(scene, Some(asked(ask)))),
        "src" | "originalSrc" => Value::leaf(picture.url(scene, None)),
        "width" | "height" => Value::leaf(SIDE),
        _ => Value::Absent,
    })
}
