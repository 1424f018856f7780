//! Requests at the edges: wrong types, hostile bodies, slow clients, panics.

use super::backend::{config, start};
use super::client::{exchange, post, read, request};
use outfitter::server::Config;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const GRAPHQL: &str = "accept: application/graphql-response+json";
const JSON: &str = "content-type: application/json";

#[tokio::test]
async fn an_operation_is_served_at_every_path_of_the_gateway() {
    let server = start(config()).await;
    for path in ["/graphql", "/graphql?operation=Q&cb=1", "/api/2026-04/graphql.json", "/api/unstable/graphql.json"] {
        let answer = exchange(server.address, &request("POST", path, &[JSON], br#"{"query":"{ a }"}"#)).await.unwrap();
        assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"data":{"answer":"ok"}}"#), "{path}");
        assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
        assert_eq!(answer.header("cache-control"), "private, no-store");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
    let missing = exchange(server.address, &request("GET", "/other", &[], b"")).await.unwrap();
    assert_eq!(missing.status, 404);
    assert!(missing.text().starts_with(r#"{"errors":"#));
}

#[tokio::test]
async fn a_get_serves_queries_and_refuses_mutations() {
    let server = start(config()).await;
    let get =
        |path: &'static str| async move { exchange(server.address, &request("GET", path, &[], b"")).await.unwrap() };
    assert_eq!(get("/graphql?query=%7B+a+%7D").await.status, 200);
    let refused = get("/graphql?query=mutation+%7B+a+%7D").await;
    assert_eq!((refused.status, refused.header("allow")), (405, "POST"));
    assert_eq!(refused.code(), "OUTFITTER_MUTATION_BY_GET");
    // Some storefronts name the type of a body they do not send.
    let typed = exchange(server.address, &request("GET", "/graphql?query=%7Ba%7D", &[JSON], b"")).await.unwrap();
    assert_eq!(typed.status, 200);
}

#[tokio::test]
async fn wrong_methods_types_and_accepts_have_their_own_status() {
    let server = start(config()).await;
    let send = |method: &'static str, headers: &'static [&'static str]| async move {
        let body = br#"{"query":"{ a }"}"#;
        exchange(server.address, &request(method, "/graphql", headers, body)).await.unwrap()
    };
    let method = send("PUT", &[JSON]).await;
    assert_eq!((method.status, method.header("allow")), (405, "GET, POST"));
    assert_eq!(send("POST", &["content-type: text/plain"]).await.status, 415);
    assert_eq!(send("POST", &[]).await.status, 415);
    assert_eq!(send("POST", &["content-type: application/json; charset=utf-16"]).await.status, 415);
    assert_eq!(send("POST", &[JSON, "accept: text/html"]).await.status, 406);
    let graphql = send("POST", &[JSON, GRAPHQL]).await;
    assert_eq!(graphql.header("content-type"), "application/graphql-response+json; charset=utf-8");
}

#[tokio::test]
async fn what_is_no_request_is_a_400_under_both_media_types() {
    let server = start(config()).await;
    for (body, code) in [
        ("{ \"not a JSON", "OUTFITTER_MALFORMED"),
        ("{}", "OUTFITTER_INVALID_PARAMETER"),
        (r#"{"query":0}"#, "OUTFITTER_INVALID_PARAMETER"),
    ] {
        let graphql = post(server.address, &[GRAPHQL], body).await;
        assert_eq!((graphql.status, graphql.code().as_str()), (400, code), "{body}");
        assert!(!graphql.text().contains("\"data\""));
        let json = post(server.address, &[], body).await;
        assert_eq!((json.status, json.code().as_str()), (400, code), "{body}");
    }
    let batch = post(server.address, &[], r#"[{"query":"{ a }"}]"#).await;
    assert_eq!((batch.status, batch.code().as_str()), (400, "OUTFITTER_BATCH_REFUSED"));
    let bytes = request("POST", "/graphql", &[JSON, GRAPHQL], b"{\"query\":\"\xff\"}");
    let utf8 = exchange(server.address, &bytes).await.unwrap();
    assert_eq!((utf8.status, utf8.code().as_str()), (400, "OUTFITTER_MALFORMED"));
}

#[tokio::test]
async fn hostile_requests_are_refused_and_the_next_one_is_served() {
    let server = start(config()).await;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let variables = post(server.address, &[], &format!(r#"{{"query":"{{a}}","variables":{{"v":{deep}}}}}"#)).await;
    assert_eq!((variables.status, variables.code().as_str()), (400, "OUTFITTER_LIMIT_EXCEEDED"));
    let document = post(server.address, &[], &format!(r#"{{"query":"{}"}}"#, "{a".repeat(100_000))).await;
    assert_eq!((document.status, document.code().as_str()), (400, "OUTFITTER_LIMIT_EXCEEDED"));
    let repeated = post(server.address, &[], &format!(r#"{{"query":"{{{}}}"}}"#, "a ".repeat(20_000))).await;
    assert_eq!((repeated.status, repeated.code().as_str()), (400, "OUTFITTER_LIMIT_EXCEEDED"));
    assert_eq!(post(server.address, &[], r#"{"query":"{ a }"}"#).await.status, 200);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_whether_it_says_so_or_not() {
    let server = start(config()).await;
    let announced = "POST /graphql HTTP/1.1\r\nhost: g\r\nconnection: close\r\ncontent-type: application/json\r\n\
                     content-length: 20000000\r\n\r\n";
    let answer = exchange(server.address, announced.as_bytes()).await.unwrap();
    assert_eq!((answer.status, answer.code().as_str()), (413, "OUTFITTER_BODY_TOO_LARGE"));

    let mut chunked = b"POST /graphql HTTP/1.1\r\nhost: g\r\nconnection: close\r\ncontent-type: application/json\r\n\
                        transfer-encoding: chunked\r\n\r\n"
        .to_vec();
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    chunked.extend_from_slice(b"100001\r\n");
    chunked.resize(chunked.len() + 0x10_0001, b' ');
    stream.write_all(&chunked).await.ok();
    let answer = read(&mut stream).await.unwrap();
    assert_eq!((answer.status, answer.code().as_str()), (413, "OUTFITTER_BODY_TOO_LARGE"));
}

#[tokio::test]
async fn slow_clients_are_not_waited_for() {
    let server = start(config()).await;
    let head = "POST /graphql HTTP/1.1\r\nhost: g\r\nconnection: close\r\ncontent-type: application/json\r\n\
                content-length: 10\r\n\r\n{";
    let body = exchange(server.address, head.as_bytes()).await.unwrap();
    assert_eq!((body.status, body.code().as_str()), (408, "OUTFITTER_BODY_TIMEOUT"));
    // Neither a head that never ends, nor one byte, nor none, holds a connection.
    for bytes in ["POST /graphql HTTP/1.1\r\nhost: g\r\nx-slow", "P", "PRI * HTTP/2.0", ""] {
        let answer = exchange(server.address, bytes.as_bytes()).await;
        assert!(answer.is_none_or(|answer| answer.status == 408), "{bytes}");
    }
}

#[tokio::test]
async fn a_panic_is_masked_and_ends_nothing_else() {
    let server = start(config()).await;
    let answer = post(server.address, &["origin: https://shop.example"], r#"{"query":"{ panic }"}"#).await;
    assert_eq!((answer.status, answer.code().as_str()), (500, "OUTFITTER_INTERNAL"));
    assert!(!answer.text().contains("secret"));
    assert_eq!(answer.header("access-control-allow-origin"), "https://shop.example");
    assert_eq!(post(server.address, &[], r#"{"query":"{ a }"}"#).await.status, 200);
}

#[tokio::test]
async fn whole_answers_of_some_size_are_compressed_for_who_asks() {
    let server = start(config()).await;
    let large = r#"{"query":"{ large }"}"#;
    assert_eq!(post(server.address, &["accept-encoding: gzip"], large).await.header("content-encoding"), "gzip");
    assert_eq!(post(server.address, &["accept-encoding: br, gzip"], large).await.header("content-encoding"), "br");
    assert_eq!(post(server.address, &[], large).await.header("content-encoding"), "");
    let small = post(server.address, &["accept-encoding: gzip"], r#"{"query":"{ a }"}"#).await;
    assert_eq!(small.header("content-encoding"), "");
}

#[tokio::test]
async fn a_trace_is_kept_and_every_answer_names_its_request() {
    let server = start(config()).await;
    let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let lines = [format!("traceparent: {trace}"), "x-request-id: abc".to_owned()];
    let answer = post(server.address, &[&lines[0], &lines[1]], r#"{"query":"{ trace }"}"#).await;
    assert!(answer.text().contains(trace), "{}", answer.text());
    assert_eq!(answer.header("outfitter-request-id"), "abc");
    let started = post(server.address, &[], r#"{"query":"{ trace }"}"#).await;
    assert!(started.text().contains("\"00-"), "{}", started.text());
    assert_eq!(started.header("outfitter-request-id").len(), 32);
}

#[tokio::test]
async fn a_proxys_word_for_the_address_counts_only_where_configured() {
    let forged = "x-forwarded-for: 198.51.100.1, 203.0.113.9";
    let server = start(config()).await;
    let answer = post(server.address, &[forged], r#"{"query":"{ peer }"}"#).await;
    assert!(answer.text().contains("127.0.0.1"), "{}", answer.text());
    let behind = start(Config { client_address_header: Some("x-forwarded-for".to_owned()), ..config() }).await;
    let answer = post(behind.address, &[forged], r#"{"query":"{ peer }"}"#).await;
    assert!(answer.text().contains("203.0.113.9"), "{}", answer.text());
}
