//! Tests of the page: who gets it, under which policy, and how it is kept. They hold with and without embedded pages.

use super::*;
use http::Request;
use http_body_util::BodyExt;
use tower::ServiceExt;

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

fn demo() -> PageSettings {
    PageSettings { endpoint: "/graphql", demo: true, consent: Consent::ALL }
}

async fn fetch(path: &str, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap, String) {
    let request = headers.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
    let response = routes(&demo()).oneshot(request.body(axum::body::Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    (parts.status, parts.headers, String::from_utf8_lossy(&bytes).into_owned())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).unwrap_or_else(|| panic!("{name} is missing")).to_str().unwrap()
}

/// The addresses that a page loads from this server.
fn own_files(page: &str) -> Vec<&str> {
    page.split('"').filter(|part| part.starts_with("/assets/")).collect()
}

#[tokio::test]
async fn a_browser_gets_the_page_and_everything_that_the_page_loads_is_there() {
    let (status, headers, page) = fetch("/", &[("accept", BROWSER)]).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(text(&headers, "content-type"), "text/html; charset=utf-8");
    assert!(!page.contains("{{"), "{page}");
    let files = own_files(&page);
    assert!(files.len() >= 4, "{files:?}");
    for file in files {
        let (status, headers, _) = fetch(file, &[]).await;
        assert_eq!(status, StatusCode::OK, "{file}");
        assert_ne!(text(&headers, "content-type"), "application/octet-stream", "{file}");
        assert_eq!(text(&headers, "x-content-type-options"), "nosniff");
    }
}

#[tokio::test]
async fn what_does_not_read_html_is_pointed_to_the_endpoint_in_json() {
    for accept in ["*/*", "application/json", "application/graphql-response+json, application/json;q=0.9"] {
        let (status, headers, body) = fetch("/", &[("accept", accept)]).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{accept}");
        assert_eq!(text(&headers, "vary"), "accept");
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert!(body["errors"][0]["message"].as_str().unwrap().contains("/graphql"));
    }
}

#[tokio::test]
async fn the_policy_allows_no_inline_script_no_eval_and_no_foreign_connection() {
    let (_, headers, page) = fetch("/", &[("accept", BROWSER)]).await;
    let policy = text(&headers, "content-security-policy");
    assert!(!policy.contains("unsafe"), "{policy}");
    for directive in ["default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
        assert!(policy.split("; ").any(|found| found == directive), "{policy}");
    }
    let scripts = policy.split("; ").find(|directive| directive.starts_with("script-src")).unwrap();
    assert!(!scripts.contains("nonce"), "the nonce is for styles: {scripts}");
    assert_eq!(embedded(), scripts == "script-src 'self'", "{scripts}");
    assert!(!page.contains("<script>") && !page.contains("<style"), "{page}");
    assert_eq!(text(&headers, "referrer-policy"), "no-referrer");
}

#[test]
fn the_page_from_the_cdn_may_load_exactly_the_files_it_names() {
    let pages = Pages::new(CDN_PAGE, &demo());
    let policy = pages.policy.to_str().unwrap();
    let foreign = CDN_PAGE.split('"').filter(|part| part.starts_with("https://"));
    let count =
        foreign.inspect(|address| assert!(policy.contains(&format!(" {address}")), "{address}: {policy}")).count();
    assert_eq!(count, 4);
    assert_eq!(policy.matches("https://").count(), count);
    assert_eq!(CDN_PAGE.matches(" integrity=\"sha384-").count(), count);
    assert!(pages.body.contains("built without its pages"), "the reader is told");
}

#[test]
fn the_page_from_the_cdn_finds_its_own_files_among_the_sources() {
    for file in own_files(CDN_PAGE) {
        assert!(Sources::get(file.trim_start_matches("/assets/")).is_some(), "{file}");
    }
}

#[tokio::test]
async fn a_hashed_file_is_kept_for_ever_and_a_page_is_asked_for_again() {
    let (_, headers, page) = fetch("/", &[("accept", BROWSER)]).await;
    assert_eq!(text(&headers, "cache-control"), "no-cache");
    for file in own_files(&page) {
        let (_, headers, _) = fetch(file, &[]).await;
        assert_eq!(text(&headers, "cache-control").ends_with("immutable"), embedded(), "{file}");
    }
}

#[tokio::test]
async fn a_file_that_the_browser_holds_is_not_sent_again() {
    let (_, _, page) = fetch("/", &[("accept", BROWSER)]).await;
    let file = own_files(&page)[0];
    let (_, headers, _) = fetch(file, &[]).await;
    let tag = text(&headers, "etag").to_owned();
    for held in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
        let (status, headers, body) = fetch(file, &[("if-none-match", &held)]).await;
        assert_eq!((status, body.as_str()), (StatusCode::NOT_MODIFIED, ""), "{held}");
        assert_eq!(text(&headers, "etag"), tag);
    }
    let (status, ..) = fetch(file, &[("if-none-match", "\"other\"")]).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn a_file_outside_the_pages_is_not_there() {
    for path in ["/assets/nothing.js", "/assets/..%2F..%2FCargo.toml", "/assets/index.html", "/assets/.gitkeep"] {
        let (status, ..) = fetch(path, &[]).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[test]
fn the_page_says_which_consent_is_assumed() {
    let some = Consent::NONE.with(Purpose::Analytics, true).with(Purpose::SaleOfData, true);
    for (consent, said) in [(Consent::ALL, "all"), (Consent::NONE, "none"), (some, "analytics, sale-of-data")] {
        let pages = Pages::new(CDN_PAGE, &PageSettings { consent, ..demo() });
        assert!(pages.body.contains(&format!("&quot;consent&quot;:&quot;{said}&quot;")), "{said}");
    }
}

#[test]
fn a_setting_cannot_break_out_of_its_attribute() {
    assert_eq!(attribute(r#"a"b&<c>"#), "a&quot;b&amp;&lt;c>");
}
