//! The schema as a file.

use super::execute::Personalization;

/// The personalization schema in SDL.
pub fn sdl() -> String {
    Personalization::new().raw_sdl()
}
