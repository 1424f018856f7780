//! Kept decisions: never another's, never after the shopper did something, never older than they may be.

use super::world::*;
use crate::domain::consent::{Consent, Purpose};
use crate::domain::event::{Event, EventType};
use crate::domain::ids::{CollectionKey, EventId, ShopperKey};
use crate::domain::market::Market;
use crate::domain::slate::{Decision, FallbackReason, Intent, ServedBy, Slate};
use crate::engine::basis::{Key, Wave};
use crate::engine::config::CacheConfig;
use crate::engine::content::Content;
use crate::engine::encode::Encoded;
use crate::engine::kept::Decisions;
use crate::engine::slate::new_id;
use crate::engine::statistics::Statistics;
use crate::engine::tastes::Known;
use crate::engine::{Config, Context, Engine, Settled, SlateRequest, Slated};
use crate::store::ShopperState;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::time::Duration;

/// Everything that may tell one decision from another. The numbers choose among a few values of each.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Input {
    Shopper,
    Confirmed,
    Consent,
    Country,
    Language,
    Placement,
    Intent,
    Seeds,
    Collection,
    Exclude,
    First,
    Reading,
    Model,
    Catalogue,
    Content,
    Settings,
}

const INPUTS: [Input; 16] = [
    Input::Shopper,
    Input::Confirmed,
    Input::Consent,
    Input::Country,
    Input::Language,
    Input::Placement,
    Input::Intent,
    Input::Seeds,
    Input::Collection,
    Input::Exclude,
    Input::First,
    Input::Reading,
    Input::Model,
    Input::Catalogue,
    Input::Content,
    Input::Settings,
];

/// One who asks: a choice for each of [`INPUTS`].
type Asker = [usize; INPUTS.len()];

/// One who asks, and others who differ from that one in a single input.
fn askers() -> impl Strategy<Value = Vec<Asker>> {
    let one = prop::array::uniform16(0_usize..3);
    (one, prop::collection::vec((0..INPUTS.len(), 0_usize..3), 1..40)).prop_map(|(one, others)| {
        let mut all = vec![one];
        all.extend(others.into_iter().map(|(input, choice)| {
            let mut other = one;
            other[input] = choice;
            other
        }));
        all
    })
}

fn choice(asker: &Asker, input: Input) -> usize {
    asker[INPUTS.iter().position(|other| *other == input).unwrap()]
}

const INTENTS: [Intent; 3] = [Intent::ForYou, Intent::Popular, Intent::BuyAgain];

/// An asker's choices as far as they may tell one decision from another: for what is most wanted the shopper is not read, and two of the
/// choices of having been confirmed are one.
fn telling(asker: &Asker) -> Vec<(Input, usize)> {
    let personal = INTENTS[choice(asker, Input::Intent)] != Intent::Popular;
    let tells = |input: Input| match input {
        Input::Reading | Input::Model if !personal => None,
        Input::Confirmed => Some(choice(asker, input).min(1)),
        _ => Some(choice(asker, input)),
    };
    INPUTS.into_iter().filter_map(|input| Some((input, tells(input)?))).collect()
}

/// The world that askers choose from.
struct World {
    catalogues: Vec<crate::catalogue::Index>,
    contents: Vec<Content>,
    settings: Vec<Settled>,
    readings: Vec<Known>,
    statistics: Statistics,
}

impl World {
    fn new() -> Self {
        let index = || crate::catalogue::Index::build(shop(&[("A", &["p", "q"])]));
        Self {
            catalogues: (0..3).map(|_| index()).collect(),
            contents: (0..3).map(|_| Content::build(index().into())).collect(),
            settings: (0..3).map(|_| Config::default().into()).collect(),
            readings: (0..3).map(|number| Known { taste: None, number }).collect(),
            statistics: Statistics::new(Config::default().statistics),
        }
    }

    fn key(&self, asker: &Asker) -> Key {
        let choice = |input: Input| choice(asker, input);
        let context = Context {
            shopper: [None, Some("anna"), Some("bert")][choice(Input::Shopper)].map(ShopperKey::new),
            confirmed: choice(Input::Confirmed) > 0,
            consent: [Consent::NONE, Consent::ALL, Consent::ALL.with(Purpose::Preferences, false)]
                [choice(Input::Consent)],
            state: ShopperState::default(),
            away: false,
            market: Market {
                country: [None, Some("DE"), Some("US")][choice(Input::Country)].map(Into::into),
                language: [None, Some("DE"), Some("EN")][choice(Input::Language)].map(Into::into),
            },
            now: at(0),
        };
        let keys = |input| (0..choice(input)).map(|n| key(&n.to_string())).collect();
        let request = SlateRequest {
            placement: ["home", "cart", "checkout"][choice(Input::Placement)].into(),
            intent: INTENTS[choice(Input::Intent)],
            seeds: keys(Input::Seeds),
            collection: [None, Some("sale"), Some("new")][choice(Input::Collection)].map(CollectionKey::new),
            exclude: keys(Input::Exclude),
            first: choice(Input::First),
        };
        let wave = Wave {
            context: &context,
            index: &self.catalogues[choice(Input::Catalogue)],
            content: &self.contents[choice(Input::Content)],
            known: self.readings.get(choice(Input::Reading)),
            model: Some(choice(Input::Model) as u64),
            settled: &self.settings[choice(Input::Settings)],
        };
        wave.basis(&request, &self.statistics, &Encoded::Nothing).key()
    }

    /// How many are served what was decided for an asker who differs from them, by their choices and not by their keys, so that
    /// an input that the key itself forgets is found out. `blind`: an input left out of the key.
    fn cross_reads(&self, askers: &[Asker], blind: Option<Input>) -> usize {
        let decisions = Decisions::new(1 << 20);
        let mut crossed = 0;
        for asker in askers {
            let own = format!("{:?}", telling(asker));
            let key = without(self.key(asker), blind);
            match decisions.get(&key, at(0), Duration::from_secs(5)) {
                Some(kept) => crossed += usize::from(*kept.slate.placement != *own),
                None => decisions.put(key, &told_by(&own), at(0)),
            }
        }
        crossed
    }
}

/// A decision that tells for whom it was made.
fn told_by(asker: &str) -> Slated {
    let decision = Decision {
        id: new_id(),
        served_by: ServedBy::Statistics,
        fallback: None,
        model: None,
        experiment: None,
        explore: 0.0,
        decided_at: at(0),
        max_age: 30,
    };
    Slated {
        slate: Slate { decision, placement: asker.into(), items: Vec::new(), wanted: 0 },
        inputs: [].into(),
        made: None,
    }
}

/// The key of someone who forgot an input.
fn without(mut key: Key, input: Option<Input>) -> Key {
    let Some(input) = input else { return key };
    match input {
        Input::Shopper => key.shopper = None,
        Input::Confirmed => key.confirmed = false,
        Input::Consent => key.consent = Consent::NONE,
        Input::Country => key.market.country = None,
        Input::Language => key.market.language = None,
        Input::Placement => key.request.placement = "".into(),
        Input::Intent => key.request.intent = Intent::ForYou,
        Input::Seeds => key.request.seeds.clear(),
        Input::Collection => key.request.collection = None,
        Input::Exclude => key.request.exclude.clear(),
        Input::First => key.request.first = 0,
        Input::Reading => key.reading = None,
        Input::Model => key.model = None,
        Input::Catalogue => key.catalogue = 0,
        Input::Content => key.content = 0,
        Input::Settings => key.settings = 0,
    }
    key
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nobody_is_served_what_was_decided_for_another(askers in askers()) {
        prop_assert_eq!(World::new().cross_reads(&askers, None), 0);
    }
}

#[test]
fn any_input_left_out_of_the_key_is_found_out_by_that() {
    let world = World::new();
    for blind in INPUTS {
        let mut runner = TestRunner::deterministic();
        let mut crossed = (0..200).map(|_| {
            let askers = askers().new_tree(&mut runner).unwrap().current();
            world.cross_reads(&askers, Some(blind))
        });
        assert!(crossed.any(|crossed| crossed > 0), "{blind:?} can be forgotten and nobody notices");
    }
}

/// What happens in a sequence: someone asks, or someone looks at a product.
#[derive(Clone, Debug)]
enum Turn {
    Asks { who: usize, consent: bool, confirmed: bool, country: bool, intent: Intent, seed: Option<u8>, first: usize },
    Views { who: usize, product: u8 },
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let intents = vec![Intent::ForYou, Intent::Related, Intent::RecentlyViewed, Intent::Popular];
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    let asks = (0_usize..3, flags, prop::sample::select(intents), prop::option::of(0_u8..9), 1_usize..3).prop_map(
        |(who, (consent, confirmed, country), intent, seed, first)| Turn::Asks {
            who,
            consent,
            confirmed,
            country,
            intent,
            seed,
            first,
        },
    );
    let views = (0_usize..3, 0_u8..9).prop_map(|(who, product)| Turn::Views { who, product });
    prop::collection::vec(prop_oneof![3 => asks, 1 => views], 1..60)
}

fn nine() -> Vec<crate::domain::product::CatalogueProduct> {
    shop(&[("A", &["p0", "p1", "p2"]), ("B", &["p3", "p4", "p5"]), ("C", &["p6", "p7", "p8"])])
}

fn kept_for(decisions: Duration) -> Engine {
    let engine =
        with_config(Config { cache: CacheConfig { decisions, ..CacheConfig::default() }, ..Config::default() }, nine());
    learn(&engine, 3, &[viewed(0, "p0"), viewed(1, "p3"), viewed(2, "p6")]);
    learn(&engine, 2, &[viewed(0, "p1"), viewed(1, "p4")]);
    engine
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// The engine that keeps decisions says what the engine that keeps none says, whoever did what in between.
    #[test]
    fn what_is_kept_is_what_would_be_decided(turns in turns()) {
        let (keeps, decides) = (kept_for(Duration::from_secs(5)), kept_for(Duration::ZERO));
        let mut shoppers = [(); 3].map(|()| shopper(100, &[]));
        shoppers.iter_mut().zip(["anna", "bert", "carl"]).for_each(|(s, name)| s.shopper = Some(ShopperKey::new(name)));
        for (n, turn) in turns.into_iter().enumerate() {
            match turn {
                Turn::Views { who, product } => {
                    let event = viewed(50 + i64::try_from(n).unwrap() % 40, &format!("p{product}"));
                    shoppers[who].state.session.insert(Event { id: EventId::new(n.to_string()), ..event });
                }
                Turn::Asks { who, consent, confirmed, country, intent, seed, first } => {
                    let mut context = shoppers[who].clone();
                    context.consent = if consent { Consent::ALL } else { Consent::NONE };
                    context.confirmed = confirmed;
                    context.market.country = country.then(|| "DE".into());
                    let seeds: Vec<String> = seed.iter().map(|seed| format!("p{seed}")).collect();
                    let request = request(intent, &seeds.iter().map(String::as_str).collect::<Vec<_>>(), first);
                    let [kept, decided] = [&keeps, &decides].map(|engine| slated(engine, &context, &request));
                    prop_assert_eq!(&kept.slate.items, &decided.slate.items);
                    prop_assert_eq!(&kept.inputs, &decided.inputs);
                    prop_assert_eq!(kept.slate.decision.fallback, decided.slate.decision.fallback);
                    prop_assert_ne!(kept.slate.decision.id, decided.slate.decision.id);
                }
            }
        }
    }
}

fn later(mut context: Context, seconds: i64) -> Context {
    context.now = context.now.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap();
    context
}

#[test]
fn a_kept_ranking_is_served_for_its_time_each_time_as_a_decision_of_its_own() {
    let engine = kept_for(Duration::from_secs(5));
    let context = shopper(100, &[viewed(99, "p0")]);
    let first = slated(&engine, &context, &request(Intent::Popular, &[], 3)).slate;
    learn(&engine, 50, &[viewed(10, "p8")]);
    let second = slated(&engine, &later(context.clone(), 4), &request(Intent::Popular, &[], 3)).slate;
    assert_eq!(second.items, first.items);
    assert_ne!(second.decision.id, first.decision.id);
    assert_eq!(second.decision.decided_at, first.decision.decided_at);
    assert_eq!((first.decision.max_age, second.decision.max_age), (30, 26), "kept here, it may be kept less there");
    let third = slated(&engine, &later(context.clone(), 5), &request(Intent::Popular, &[], 3)).slate;
    assert_eq!(third.items[0].product, key("p8"));
    engine.configure(Config::default());
    let other = slated(&engine, &later(context, 5), &request(Intent::Popular, &[], 3)).slate;
    assert_eq!(other.decision.max_age, 30, "by other settings it is decided anew");
}

#[test]
fn what_could_not_be_decided_is_tried_again() {
    let late = Config { deadline: Duration::ZERO, ..Config::default() };
    let engine = with_config(late.clone(), nine());
    let context = shopper(100, &[viewed(99, "p0")]);
    let asked = || slated(&engine, &context, &request(Intent::ForYou, &[], 3)).slate.decision.fallback;
    assert_eq!(asked(), Some(FallbackReason::Deadline));
    assert!(engine.decisions.shoppers().is_empty());
}

#[test]
fn forgetting_a_shopper_forgets_what_is_kept_of_that_one_alone() {
    let engine = kept_for(Duration::from_secs(5));
    let [anna, bert] = ["anna", "bert"].map(|name| {
        let mut context = shopper(100, &[event(EventType::ProductViewed, 99, "p0")]);
        context.shopper = Some(ShopperKey::new(name));
        slated(&engine, &context, &request(Intent::ForYou, &[], 3));
        context.shopper.unwrap()
    });
    assert_eq!(engine.decisions.shoppers().len(), 2);
    engine.forget(&anna);
    assert_eq!(engine.decisions.shoppers(), [Some(bert)]);
}
