//! Operations of a storefront against the shop's whole schema.

use super::*;
use std::path::Path;

async fn checker() -> Checker {
    let mut settings = Settings::default();
    settings.platform.schema = Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/shopify.graphql"));
    Checker::new(&settings).await.unwrap()
}

async fn check(text: &str) -> Checked {
    let whole = Whole { file: "shop.graphql".into(), line: 1, text: text.to_owned(), missing: Vec::new() };
    checker().await.check(&whole).swap_remove(0)
}

#[tokio::test]
async fn each_fate_is_told_with_its_reason() {
    let passes = check("query Shop { shop { name } }").await;
    assert_eq!((passes.fate, passes.operation.as_str()), (Fate::Passes, "query Shop"));
    assert!(passes.notes.is_empty());
    let newer = check("{ shop { aFieldOfTomorrow } }").await;
    assert_eq!(newer.fate, Fate::Passes);
    assert!(newer.what.contains("does not validate"), "{}", newer.what);
    let wrong = check("{ product(handle: \"a\") {\n personalized { nothing } } }").await;
    assert_eq!(wrong.fate, Fate::Refused);
    assert!(wrong.notes[0].starts_with("line 2:"), "{:?}", wrong.notes);
    assert_eq!(check("{ shop { ").await.fate, Fate::Refused);
    let bomb = format!("{{ {} }}", (0..300).map(|at| format!("a{at}: shop {{ name }} ")).collect::<String>());
    let bomb = check(&bomb).await;
    assert!(bomb.fate == Fate::Refused && bomb.notes[0].contains("limits."), "{:?}", bomb.notes);
}

#[tokio::test]
async fn a_plan_is_explained() {
    let query = r#"query Page($handle: String!) @inContext(country: US) {
  product(handle: $handle) {
    title
    personalized {
      recommendations(intent: COMPLEMENTARY, first: 2) {
        items { product { title priceRange { minVariantPrice { amount } } } reason { text } }
      }
    }
  }
}"#;
    let checked = check(query).await;
    assert_eq!(checked.fate, Fate::Rewritten);
    insta::assert_snapshot!(checked.plan.unwrap());
}

#[tokio::test]
async fn the_lines_for_people_are_aligned_and_plain_without_a_terminal() {
    let (one, other) = (check("query A { shop { name } }").await, check("query LongName { shop { ").await);
    let shown = lines(&[one, other], false);
    assert!(shown.iter().all(|line| !line.contains('\u{1b}')));
    assert!(shown.last().unwrap().starts_with("2 operations: 1 pass through, 0 rewritten, 1 refused"));
    assert!(shown[0].starts_with("passes     query A"), "{}", shown[0]);
}
