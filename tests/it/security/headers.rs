//! What a client may say in headers, where it may send a mutation, and which headers travel which way.

use super::process::Gateway;

const QUERY: &str = r#"{"query":"{ a }"}"#;
const OURS: &str = r#"{"query":"{ personalized { id } }"}"#;

#[tokio::test]
async fn only_listed_headers_reach_the_shop() {
    let gateway = Gateway::start("").await;
    let sent = [
        "x-forwarded-for: 198.51.100.1",
        "x-forwarded-host: evil.example",
        "x-real-ip: 198.51.100.1",
        "forwarded: for=x",
        "x-shopify-access-token: admin",
        "authorization: Bearer admin",
        "proxy-authorization: Basic eA==",
        "te: trailers",
        "keep-alive: 1",
        "upgrade: h2c",
        "proxy-connection: x",
        "origin: https://evil.example",
        "referer: https://a/b",
        "x-http-method-override: DELETE",
        "x-original-url: /admin",
        "outfitter-session: s",
        "outfitter-consent: all",
        "cookie: outfitter_session=secret; theme=dark",
        "shopify-storefront-s: visit",
    ];
    let answer = gateway.post(&sent, QUERY).await;
    assert_eq!(answer.status, 200);
    let seen = gateway.reached().pop().unwrap();
    let mut names: Vec<&str> = seen.headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    let known = [
        "accept",
        "accept-encoding",
        "content-length",
        "content-type",
        "cookie",
        "host",
        "shopify-storefront-buyer-ip",
        "shopify-storefront-s",
        "traceparent",
        "x-request-id",
    ];
    assert!(names.iter().all(|name| known.contains(name)), "{names:?}");
    assert_eq!(seen.headers["cookie"], "theme=dark");
    assert!(!seen.headers["host"].to_str().unwrap().contains("gateway.example"));
}

#[tokio::test]
async fn only_listed_headers_come_back() {
    let gateway = Gateway::start("").await;
    for query in [QUERY, OURS] {
        let answer = gateway.post(&["origin: https://evil.example"], query).await;
        for name in ["server", "x-powered-by", "x-internal", "access-control-allow-origin"] {
            assert_eq!(answer.header(name), "", "{name}");
        }
    }
    assert_eq!(gateway.post(&[], QUERY).await.header("set-cookie"), "a=1");
}

#[tokio::test]
async fn a_buyers_address_cannot_be_made_up_over_a_private_token() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "private").unwrap();
    let settings = format!("[platform.shopify]\nprivate_token = {{ file = {:?} }}\n", token.to_str().unwrap());
    let gateway = Gateway::start(&settings).await;
    let sent = ["shopify-storefront-buyer-ip: 198.51.100.1", "shopify-storefront-private-token: mine"];
    gateway.post(&sent, QUERY).await;
    let seen = gateway.reached().pop().unwrap();
    assert_eq!(seen.headers["shopify-storefront-buyer-ip"], "127.0.0.1");
    assert_eq!(seen.headers["shopify-storefront-private-token"], "private");
    let trusting = Gateway::start(&format!("{settings}trust_buyer_ip = true\n")).await;
    trusting.post(&sent, QUERY).await;
    assert_eq!(trusting.reached().pop().unwrap().headers["shopify-storefront-buyer-ip"], "198.51.100.1");
}

#[tokio::test]
async fn a_session_or_consent_that_is_none_is_refused_and_never_repeated_at_length() {
    let mut gateway = Gateway::start("").await;
    let long = |name: &str| format!("{name}: {}", "y".repeat(10_000));
    for line in [
        long("outfitter-session"),
        "outfitter-session: a b".into(),
        "outfitter-session: a\tb".into(),
        "outfitter-session:".into(),
        "outfitter-session: é".into(),
        long("outfitter-consent"),
        "outfitter-consent: everything".into(),
        "outfitter-consent: all; drop table".into(),
        "outfitter-consent: é".into(),
    ] {
        let address = gateway.address;
        let lines = [line.as_str()];
        let attack = crate::http::client::post(address, &lines, OURS);
        let answer = gateway.withstands(&line[..18], attack).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "OUTFITTER_INVALID_PARAMETER"), "{line}");
        assert!(answer.body.len() < 1000, "{line}");
    }
    assert_eq!(gateway.post(&["outfitter-session: s", "outfitter-consent: none"], OURS).await.status, 200);
}

#[tokio::test]
async fn nothing_that_a_client_writes_becomes_a_header() {
    let mut gateway = Gateway::start("").await;
    let evil = r"x\r\nset-cookie: evil=1\r\n\r\n";
    for body in [
        format!(r#"{{"query":"query A{{personalized{{id}}}}","operationName":"{evil}"}}"#),
        format!(
            r#"{{"query":"query($v:ID!){{personalized{{decision(id:$v){{__typename}}}}}}","variables":{{"v":"{evil}"}}}}"#
        ),
    ] {
        let address = gateway.address;
        let answer = gateway.withstands("a line break", crate::http::client::post(address, &[], &body)).await;
        assert!(!answer.header("set-cookie").contains("evil"), "{}", answer.text());
    }
    let lines = ["cookie: outfitter_session=a\"b; x=y", "x-request-id: a b\"}", "traceparent: 00-zz-zz-zz"];
    let answer = gateway.post(&lines, QUERY).await;
    let seen = gateway.reached().pop().unwrap();
    assert_eq!(answer.header("outfitter-request-id").len(), 32);
    assert_eq!(seen.headers["x-request-id"].len(), 32);
}

#[tokio::test]
async fn a_made_up_cookie_is_no_way_to_share_a_session_beyond_the_one_named() {
    let gateway = Gateway::start("[ingest]\ndefault_consent = \"all\"\n").await;
    let id = |answer: crate::http::client::Answer| answer.text();
    let planted = id(gateway.post(&["cookie: outfitter_session=planted"], OURS).await);
    let header = id(gateway.post(&["cookie: outfitter_session=planted", "outfitter-session: own"], OURS).await);
    let own = id(gateway.post(&["outfitter-session: own"], OURS).await);
    assert_eq!(header, own, "the header is stronger than a cookie that a neighbouring site may have set");
    assert_ne!(planted, own);
    let made = gateway.post(&[], OURS).await;
    let cookie = made.header("set-cookie").to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
}

#[tokio::test]
async fn mutations_by_get_do_not_reach_the_shop_however_they_are_written() {
    let mut gateway = Gateway::start("").await;
    for query in [
        "query=mutation%7Ba%7D",
        "query=%EF%BB%BFmutation%7Ba%7D",
        "query=%23x%0Amutation%7Ba%7D",
        "query=mutation%20A%7Ba%7D%20query%20B%7Bb%7D&operationName=A",
        "query=mutation%20A%7Ba%7D%20query%20B%7Bb%7D",
        "query=mutation%7Ba%7D%20%7D",
        "query=%7Ba%7D&query=mutation%7Ba%7D",
        "query=%7Ba%7D&%71uery=mutation%7Ba%7D",
        "query=query%20B%7Bb%7D%20mutation%20A%7Ba%7D&operationName=B&operationName=A",
    ] {
        let (address, path) = (gateway.address, format!("/graphql?{query}"));
        let sent = crate::http::client::request("GET", &path, &[], b"");
        let answer = gateway.withstands(query, crate::http::client::exchange(address, &sent)).await.unwrap();
        assert!(matches!(answer.status, 400 | 405), "{query}: {} {}", answer.status, answer.text());
        assert!(gateway.reached().is_empty(), "{query}");
    }
    let served = gateway.send("GET", "/graphql?query=%7Ba%7D&cb=1", &[], b"").await.unwrap();
    assert_eq!((served.status, gateway.reached().len()), (200, 1));
}

#[tokio::test]
async fn a_documents_place_in_a_post_is_its_body() {
    let gateway = Gateway::start("").await;
    let path = "/graphql?query=mutation%7Ba%7D&variables=%7B%7D&operation=Q";
    gateway.send("POST", path, &["content-type: application/json"], QUERY.as_bytes()).await.unwrap();
    assert_eq!(gateway.reached().pop().unwrap().path, "/graphql?operation=Q");
}

#[tokio::test]
async fn long_headers_and_urls_are_read_in_linear_time() {
    let mut gateway = Gateway::start("").await;
    let accept = format!("accept: {}application/json", "a/b;q=0.1,".repeat(5000));
    let encodings = format!("accept-encoding: {}identity", "gzip;q=0,".repeat(5000));
    for line in [&accept, &encodings] {
        let (address, lines) = (gateway.address, [line.as_str()]);
        let answer = gateway.withstands("a long list", crate::http::client::post(address, &lines, QUERY)).await;
        assert_eq!(answer.status, 200);
    }
    let deep = format!("/graphql?query=%7Ba%7D&variables=%7B%22v%22:{}", "%5B".repeat(15_000));
    let broken = gateway.send("GET", &deep, &[], b"").await.unwrap();
    assert_eq!(broken.code(), "OUTFITTER_MALFORMED");
    let deep = format!("{deep}{}%7D", "%5D".repeat(15_000));
    // Beyond what a head may hold.
    assert!(gateway.send("GET", &deep, &[], b"").await.is_none_or(|answer| matches!(answer.status, 414 | 431)));
    let deep = format!("/graphql?query=%7Ba%7D&variables=%7B%22v%22:{}{}%7D", "[".repeat(15_000), "]".repeat(15_000));
    assert_eq!(gateway.send("GET", &deep, &[], b"").await.unwrap().code(), "OUTFITTER_LIMIT_EXCEEDED");
}
