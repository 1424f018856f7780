//! The model that comes with the demo: trained on the history of the default store, part of the program, so that the demo
//! needs no file. `models/demo/` holds it with its card; `scripts/train-demo` makes it anew.

use crate::model::{ModelError, Served, checkpoint};
use candle_core::Device;
use rust_embed::Embed;
use std::path::Path;

/// Where the files are called to be.
const FOLDER: &str = "models/demo";

#[derive(Embed)]
#[folder = "models/demo"]
struct Files;

/// Reads the version that `active` names.
///
/// # Errors
/// The program was built with a model that cannot be served.
pub fn model() -> Result<Served, ModelError> {
    let pointer = get(&Path::new(FOLDER).join("active"))?;
    let version = String::from_utf8_lossy(&pointer).lines().next().unwrap_or_default().trim().to_owned();
    let folder = Path::new(FOLDER).join(&version);
    Served::new(format!("demo/{version}"), checkpoint::read_by(&folder, &Device::Cpu, &get)?)
}

fn get(path: &Path) -> Result<Vec<u8>, ModelError> {
    let missing = || ModelError::File { path: path.to_owned(), source: std::io::ErrorKind::NotFound.into() };
    let inside = path.strip_prefix(FOLDER).map_err(|_| missing())?;
    // Names within the program have slashes on every system.
    let name: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
    Files::get(&name.join("/")).map(|file| file.data.into_owned()).ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_of_the_demo_is_in_the_program_and_small() {
        let served = model().unwrap();
        assert!(served.name().starts_with("demo/"), "{}", served.name());
        assert!(served.vocabulary().rows() > 400);
        let size: usize = Files::iter().filter_map(|name| Files::get(&name)).map(|file| file.data.len()).sum();
        assert!(size < 4 << 20, "{size} bytes");
        assert!(Files::iter().any(|name| name.ends_with("card.md")));
    }
}
