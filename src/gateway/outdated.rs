//! Whether a gateway still serves what its files say: asked when the settings are read again while it runs.

use super::execute::Gateway;
use super::limits::Limits;
use super::persisted;
use super::persisted::manifest::ManifestError;

impl Gateway {
    /// Whether the files of these settings register other documents than those it knows.
    /// Errors: a file that cannot be used.
    pub fn is_outdated(&self, config: &persisted::Config, limits: &Limits) -> Result<bool, ManifestError> {
        self.modules.persisted.is_outdated(config, limits)
    }
}
