//! What requests have left in a gateway's memory, and that it goes when it has to.

use super::execute::Gateway;

impl Gateway {
    /// Forgets the documents that are kept by text, and their plans: shoppers' own words may stand in them.
    pub fn forget_documents(&self) {
        if let Some(served) = &*self.served.load() {
            served.documents.clear();
        }
    }
}
