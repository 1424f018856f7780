//! Events on their way in: verify, decode, consent, identity, de-duplicate, apply, record.
