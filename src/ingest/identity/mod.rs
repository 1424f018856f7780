//! Who is asking and what they allow: the step before everything else.
//!
//! Invariants: nothing raw leaves this module but the cookie to be set; a customer counts only where the platform
//! confirmed the token of this very request. That a session of one customer is never joined to another is the store's to
//! hold, since any replica may see the next login.

pub mod caller;
pub mod cookie;
pub mod customer;
mod glimpse;
pub mod hasher;

pub use caller::{Caller, ConsentSource, Evidence, Patience, SessionSource};
pub use cookie::SetCookie;
pub use customer::{AskPlatform, Asked, CustomerCheck, Customers, NoAnswer};
pub use hasher::Hasher;

use super::config;
use super::error::Refusal;
use crate::domain::consent::{Consent, Purpose};
use crate::domain::ids::{SessionId, ShopperKey};
use crate::domain::standing::{Standing, Told};
use crate::platform::{Confirmed, Platform};
use crate::store::{ShopperState, ShopperStore, StoreError};
use arc_swap::ArcSwap;
use http::HeaderMap;
use moka::sync::Cache;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The header with the client's own session id.
pub const SESSION_HEADER: &str = "outfitter-session";
/// The header with the client's consent.
pub const CONSENT_HEADER: &str = "outfitter-consent";

/// Keys whose joining is remembered. What is forgotten is joined again, which changes nothing.
const JOINED: u64 = 200_000;
/// For how long: as late does a login come to what was done signed out on another replica.
const JOINED_FOR: Duration = Duration::from_secs(60);
/// How long a request waits for a joining.
const JOINED_WITHIN: Duration = Duration::from_millis(50);

/// Weighs evidence.
pub struct Identity {
    /// Swapped where the secrets change while running.
    pub(super) hasher: ArcSwap<Hasher>,
    platform: Arc<dyn Platform>,
    store: Arc<dyn ShopperStore>,
    customers: Option<Customers>,
    default_consent: Consent,
    cookie: config::Cookie,
    /// Session, or key under an older secret, to the shopper whom it was joined to last.
    joined: Cache<ShopperKey, ShopperKey>,
}

impl Identity {
    /// Identity by this platform, store and, where the platform has customers, their confirmation.
    pub fn new(
        config: &config::Config,
        hasher: Hasher,
        platform: Arc<dyn Platform>,
        store: Arc<dyn ShopperStore>,
        customers: Option<Customers>,
    ) -> Self {
        Self {
            hasher: ArcSwap::from_pointee(hasher),
            platform,
            store,
            customers,
            default_consent: config.default_consent,
            cookie: config.cookie.clone(),
            joined: Cache::builder().max_capacity(JOINED).time_to_live(JOINED_FOR).build(),
        }
    }

    /// Forgets what was joined: nothing is stored of any of them any more.
    pub(super) fn forget_everyone(&self) {
        self.joined.invalidate_all();
    }

    /// The shop's default consent.
    pub(super) fn default_consent(&self) -> Consent {
        self.default_consent
    }

    /// Who is asking. Asks the store for consent on file only where the request brought none, and the platform for
    /// the customer only where the request brought a token. Errors: a header that cannot be read.
    pub async fn weigh(&self, evidence: &Evidence) -> Result<Caller, Refusal> {
        let said = self.said(evidence)?;
        let mut caller = Caller { https: evidence.https, ..Caller::nobody(evidence.market.clone()) };
        caller.prefetch = caller::is_prefetch(&evidence.headers);
        if let Some((id, source)) = self.session(&evidence.headers)? {
            self.hold_session(&mut caller, &id, source);
        }
        self.confirm(&mut caller, evidence).await;
        (caller.consent, caller.consent_source) = match said {
            Some(said) => said,
            None => self.on_file(&caller, evidence.patience).await,
        };
        self.sift(&mut caller, evidence.patience).await;
        if caller.session.is_none() && evidence.may_set_cookie && !caller.prefetch {
            self.make_session(&mut caller);
        }
        self.join(&caller).await;
        Ok(caller)
    }

    /// Gives a caller without a session one of the gateway's own, where consent and configuration allow a cookie.
    pub(super) fn make_session(&self, caller: &mut Caller) {
        if !self.cookie.enabled || !caller.allows(Purpose::Preferences) {
            return;
        }
        let Some(id) = cookie::make() else { return };
        caller.set_cookie = SetCookie::keep(&id, self.cookie.max_age, caller.https);
        self.hold_session(caller, &id, SessionSource::Made);
    }

    fn hold_session(&self, caller: &mut Caller, id: &SessionId, source: SessionSource) {
        let hasher = self.hasher.load();
        let key = hasher.session(id);
        caller.older.extend(hasher.older_sessions(id).into_iter().map(|old| (old, key.clone())));
        caller.shopper = caller.customer.clone().or_else(|| Some(key.clone()));
        caller.session = Some(key);
        caller.session_source = Some(source);
    }

    /// The keyed hash of the session that these headers name.
    pub(crate) fn session_key(&self, headers: &HeaderMap) -> Option<ShopperKey> {
        self.session(headers).ok().flatten().map(|(id, _)| self.hasher.load().session(&id))
    }

    /// Whether the headers name a session, or try to.
    pub fn knows(&self, headers: &HeaderMap) -> bool {
        !matches!(self.session(headers), Ok(None))
    }

    fn session(&self, headers: &HeaderMap) -> Result<Option<(SessionId, SessionSource)>, Refusal> {
        if let Some(value) = headers.get(SESSION_HEADER) {
            let id = value.to_str().ok().and_then(SessionId::parse).ok_or(Refusal::BadSession)?;
            return Ok(Some((id, SessionSource::Header)));
        }
        let platform = self.platform.session(headers).map(|id| (id, SessionSource::Platform));
        Ok(platform.or_else(|| cookie::read(headers).map(|id| (id, SessionSource::Cookie))))
    }

    /// The consent that the request itself brought.
    fn said(&self, evidence: &Evidence) -> Result<Option<(Consent, ConsentSource)>, Refusal> {
        if evidence.headers.contains_key(CONSENT_HEADER) {
            let mut all = Consent::NONE;
            for value in evidence.headers.get_all(CONSENT_HEADER) {
                let text = value.to_str().map_err(|_| Refusal::BadConsent("…".to_owned()))?;
                let some = Consent::parse(text).map_err(|word| Refusal::BadConsent(word.chars().take(32).collect()))?;
                all = all.or(some);
            }
            return Ok(Some((all, ConsentSource::Header)));
        }
        let operation = evidence.in_context.map(|consent| (consent, ConsentSource::Operation));
        Ok(operation.or_else(|| self.platform.consent(&evidence.headers).map(|said| (said, ConsentSource::Platform))))
    }

    /// What is on file, else the shop's default. What is on file is whole: the default never adds to it. A store that does
    /// not answer may hold a withdrawal, so then nothing is allowed.
    async fn on_file(&self, caller: &Caller, patience: Patience) -> (Consent, ConsentSource) {
        match self.filed(caller, patience).await {
            Ok(Some(filed)) => filed,
            Ok(None) => (self.default_consent, ConsentSource::Default),
            Err(_) => {
                caller.glimpse.fail();
                (Consent::NONE, ConsentSource::Default)
            }
        }
    }

    /// What the customer, else the session, set through the gateway, and what the shop keeps with the customer: where both
    /// are there, both have to allow. Errors: the store did not answer.
    pub(super) async fn filed(
        &self,
        caller: &Caller,
        patience: Patience,
    ) -> Result<Option<(Consent, ConsentSource)>, StoreError> {
        let (mut set, mut kept) = (None, Standing::default());
        for key in caller.keys() {
            let state = self.read(key, patience).await?;
            set = set.or(state.consent);
            kept.or_later(&state.standing);
            if caller.shopper.as_ref() == Some(key) {
                caller.glimpse.keep(key, state);
            }
            if set.is_some() {
                break;
            }
        }
        if let Some(told) = &caller.told {
            kept.hear(told);
        }
        Ok(match (set, kept.consent) {
            (Some(set), Some(kept)) => Some((set.and(kept), ConsentSource::OnFile)),
            (Some(set), None) => Some((set, ConsentSource::OnFile)),
            (None, kept) => kept.map(|kept| (kept, ConsentSource::Customer)),
        })
    }

    async fn read(&self, key: &ShopperKey, patience: Patience) -> Result<ShopperState, StoreError> {
        match patience {
            Patience::Page => self.store.read(key).await,
            Patience::Event => self.store.read_patiently(key).await,
        }
    }

    /// Leaves of what the platform said of a customer what is not stored yet; that takes a look at what is, where nobody
    /// had one.
    async fn sift(&self, caller: &mut Caller, patience: Patience) {
        if !caller.allows(Purpose::Preferences) {
            let told = caller.told.take().map(|told| Told { tags: None, ..told });
            caller.told = told.filter(|told| !told.is_nothing());
        }
        let (Some(customer), Some(told)) = (&caller.customer, &caller.told) else { return };
        if caller.glimpse.is_away() {
            return;
        }
        if caller.glimpse.standing(customer).is_none() {
            match self.read(customer, patience).await {
                Ok(state) => caller.glimpse.keep(customer, state),
                Err(_) => return caller.glimpse.fail(),
            }
        }
        if caller.glimpse.standing(customer).is_some_and(|mut known| !known.hear(told)) {
            caller.told = None;
        }
    }

    async fn confirm(&self, caller: &mut Caller, evidence: &Evidence) {
        let (Some(customers), Some(token)) = (&self.customers, &evidence.token) else { return };
        let hasher = self.hasher.load_full();
        let asked = Asked {
            headers: &evidence.headers,
            token,
            hash: hasher.token(token),
            session: caller.session.as_ref().map(|key| key.as_str().to_owned()),
        };
        if let Some(Confirmed { id, told }) = customers.confirm(asked).await {
            let key = hasher.customer(&id);
            caller.older.extend(hasher.older_customers(&id).into_iter().map(|old| (old, key.clone())));
            caller.shopper = Some(key.clone());
            caller.customer = Some(key);
            caller.told = Some(told).filter(|told| !told.is_nothing());
        }
    }

    /// Joins what is stored where one shopper has several keys: older secrets to the current one, and the session to
    /// the customer. A store that fails is asked again by the next request; one that is slow goes on beside this one.
    pub(super) async fn join(&self, caller: &Caller) {
        if caller.prefetch || !caller.allows(Purpose::Preferences) {
            return;
        }
        let mut moves: Vec<Move> = caller.older.iter().cloned().map(|(old, new)| Move::Rename { old, new }).collect();
        match (&caller.session, &caller.customer) {
            (Some(session), Some(customer)) => {
                let older = caller.older.iter().filter(|(_, new)| new == customer);
                let formerly = older.map(|(old, _)| old.clone()).collect();
                moves.push(Move::Login { session: session.clone(), customer: customer.clone(), formerly });
            }
            // What is done signed out is the customer's at the next login.
            (Some(session), None) => self.joined.invalidate(session),
            _ => {}
        }
        moves.retain(|one| {
            let (from, to) = one.ends();
            let is_done = self.joined.get(from).is_some_and(|joined| joined == *to);
            if !is_done {
                self.joined.insert(from.clone(), to.clone());
            }
            !is_done
        });
        if moves.is_empty() {
            return;
        }
        caller.glimpse.forget();
        let (store, joined) = (Arc::clone(&self.store), self.joined.clone());
        let work = tokio::spawn(async move {
            for one in moves {
                if one.make(&*store).await.is_err() {
                    joined.invalidate(one.ends().0);
                }
            }
        });
        // Either it is done, or the next request finds it done.
        drop(tokio::time::timeout(JOINED_WITHIN, work).await);
    }
}

/// What is joined.
enum Move {
    Rename { old: ShopperKey, new: ShopperKey },
    Login { session: ShopperKey, customer: ShopperKey, formerly: Vec<ShopperKey> },
}

impl Move {
    fn ends(&self) -> (&ShopperKey, &ShopperKey) {
        match self {
            Self::Rename { old, new } => (old, new),
            Self::Login { session, customer, .. } => (session, customer),
        }
    }

    async fn make(&self, store: &dyn ShopperStore) -> Result<(), StoreError> {
        match self {
            Self::Rename { old, new } => store.rename(old, new).await,
            Self::Login { session, customer, formerly } => store.stitch(session, customer, formerly).await,
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("hasher", &self.hasher).finish_non_exhaustive()
    }
}
