//! Documents, variables and bodies that were made to hurt.

use super::process::{Gateway, document};
use serde_json::json;

/// All limits on documents far beyond what a body can hold.
const UNLIMITED: &str = "[limits]\ntokens = 1000000000\ndepth = 1000000000\nargument_depth = 1000000000\n\
    aliases = 1000000000\noperations = 1000000000\nroot_fields = 9223372036854775807\ndirectives = 1000000000\n\
    duplicates = 1000000000\nfields = 9223372036854775807\nvariables_depth = 1000000000\n";

/// Fragments of which each spreads the next one twice.
fn bomb(levels: usize) -> String {
    let mut text = "{ r { ...F0 } }".to_owned();
    for level in 0..levels {
        text += &format!(" fragment F{level} on T {{ ...F{} ...F{} }}", level + 1, level + 1);
    }
    format!("{text} fragment F{levels} on T {{ a }}")
}

/// What is beyond some limit. Behind none of them is a recursion: without limits it reaches the shop.
fn excessive() -> Vec<(&'static str, String)> {
    let deep = |times: usize, open: &str| open.repeat(times);
    let names = |count: usize, name: &str| (0..count).map(|n| format!("{name}{n} ")).collect::<String>();
    vec![
        ("2^30 fields in fragments", document(&bomb(30))),
        ("2^60 fields in fragments", document(&bomb(60))),
        ("20,000 times one field", document(&format!("{{{}}}", "a ".repeat(20_000)))),
        ("selections 100,000 deep", document(&deep(100_000, "{a"))),
        ("inline fragments 100,000 deep", document(&format!("{{{}", deep(100_000, "...{")))),
        ("lists 100,000 deep in an argument", document(&format!("{{a(b:{}", deep(100_000, "[")))),
        ("objects 100,000 deep in an argument", document(&format!("{{a(b:{}", deep(100_000, "{c:")))),
        ("a type 100,000 lists deep", document(&format!("query($v:{}", deep(100_000, "[")))),
        ("a default 100,000 deep", document(&format!("query($v:V={}", deep(100_000, "[")))),
        ("types of a schema 100,000 deep", document(&format!("type T{{f:{}", deep(100_000, "[")))),
        ("50,000 aliases", document(&format!("{{{}}}", names(50_000, "a:b")))),
        ("100,000 directives", document(&format!("{{a{}}}", deep(100_000, "@d ")))),
        ("100,000 operations", document(&deep(100_000, "{a}"))),
        ("100,000 variables", document(&format!("query({}){{a}}", names(60_000, "$v:V $")))),
        ("variables 100,000 deep", nested("variables", 100_000)),
        ("extensions 100,000 deep", nested("extensions", 100_000)),
        ("variables 100,000 objects deep", {
            let (open, close) = (r#"{"a":"#.repeat(100_000), "}".repeat(100_000));
            format!(r#"{{"query":"{{a}}","variables":{open}1{close}}}"#)
        }),
    ]
}

fn nested(name: &str, levels: usize) -> String {
    format!(r#"{{"query":"{{a}}","{name}":{{"v":{}{}}}}}"#, "[".repeat(levels), "]".repeat(levels))
}

#[tokio::test]
async fn what_grows_beyond_a_limit_is_refused_and_without_limits_reaches_the_shop() {
    let mut gateway = Gateway::start("").await;
    for (what, body) in excessive() {
        let address = gateway.address;
        let answer = gateway.withstands(what, crate::http::client::post(address, &[], &body)).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "OUTFITTER_LIMIT_EXCEEDED"), "{what}");
        assert!(answer.body.len() < 1000, "{what}: {}", answer.text());
        assert!(gateway.reached().is_empty(), "{what}");
    }
    let mut unlimited = Gateway::start(UNLIMITED).await;
    for (what, body) in excessive() {
        let address = unlimited.address;
        let answer = unlimited.withstands(what, crate::http::client::post(address, &[], &body)).await;
        assert_eq!(answer.code(), "", "{what}: {}", answer.text());
        assert_eq!(unlimited.reached().len(), 1, "{what} reaches the shop");
    }
}

#[tokio::test]
async fn what_names_our_fields_and_is_no_valid_operation_is_told_so_in_few_words() {
    let mut gateway = Gateway::start("").await;
    let long = "x".repeat(900_000);
    let spreads = "...".to_owned() + &["X".repeat(9000), "Y".repeat(9000)].join(" ...");
    for (what, text, code) in [
        ("a name of 900 KB", format!("{{personalized{{{long}}}}}"), "OUTFITTER_VALIDATION"),
        ("a type of 900 KB", format!("{{personalized{{id ...on {long}{{a}}}}}}"), "OUTFITTER_VALIDATION"),
        ("spreads of nothing", format!("{{personalized{{{spreads}}}}}"), "OUTFITTER_VALIDATION"),
        (
            "fragments in a circle",
            "{personalized{...A}} fragment A on Personalized{...B} fragment B on Personalized{...A}".into(),
            "OUTFITTER_VALIDATION",
        ),
        (
            "1,000 fragments in a row",
            {
                let row: String = (0..1000).map(|n| format!(" fragment F{n} on Query{{...F{}}}", n + 1)).collect();
                format!("{{personalized{{id}} ...F0}}{row}")
            },
            "OUTFITTER_VALIDATION",
        ),
        (
            "3,000 variables that nobody uses",
            {
                let variables: String = (0..3000).map(|n| format!("$v{n}:Int ")).collect();
                format!("query({variables}){{personalized{{id}}}}")
            },
            "OUTFITTER_VALIDATION",
        ),
        (
            "a number of 900 KB",
            format!(
                "{{personalized{{recommendations(placement:\"home\",first:{}){{items{{position}}}}}}}}",
                "9".repeat(900_000)
            ),
            "OUTFITTER_VALIDATION",
        ),
        (
            "a string that hides brackets from the count",
            format!("{{personalized a(b:\"\\\n{}", "[".repeat(500_000)),
            "OUTFITTER_SYNTAX",
        ),
        ("thousands of errors", format!("{{personalized {}", "} ".repeat(14_000)), "OUTFITTER_SYNTAX"),
        ("a string without an end", "{personalized(a:\"".into(), "OUTFITTER_SYNTAX"),
        ("a NUL", "{personalized\0{id}}".into(), "OUTFITTER_SYNTAX"),
        (
            "introspection in a circle",
            "{__schema{types{fields{type{fields{type{fields{type{fields{name}}}}}}}}}}".into(),
            "OUTFITTER_LIMIT_EXCEEDED",
        ),
    ] {
        let (address, body) = (gateway.address, document(&text));
        let answer = gateway.withstands(what, crate::http::client::post(address, &[], &body)).await;
        assert_eq!(answer.code(), code, "{what}: {}", answer.text().chars().take(300).collect::<String>());
        assert!(answer.body.len() < 64 << 10, "{what}: {} bytes come back", answer.body.len());
        assert!(gateway.reached().is_empty(), "{what}");
    }
}

#[tokio::test]
async fn strange_but_harmless_requests_are_served() {
    let mut gateway = Gateway::start("").await;
    for (what, body) in [
        ("a comment of 1 MB", document(&format!("#{}\n{{a}}", "x".repeat(1_000_000)))),
        ("commas", document(&format!("{{a{}}}", ",".repeat(1_000_000)))),
        ("a mark before the document", document("\u{feff}{a}")),
        ("a mark before the body", format!("\u{feff}{}", document("{a}"))),
        ("letters of every kind", document("{a(b:\"\u{202e}\u{1f600}\u{0}\")}")),
        (
            "members that nobody knows, 100,000 deep",
            format!(r#"{{"query":"{{a}}","x":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000)),
        ),
        ("escaped names", r#"{"qu\u0065ry":"{a}"}"#.to_owned()),
    ] {
        let address = gateway.address;
        let answer = gateway.withstands(what, crate::http::client::post(address, &[], &body)).await;
        assert_eq!((answer.status, answer.code().as_str()), (200, ""), "{what}: {}", answer.text());
        assert_eq!(gateway.reached().len(), 1, "{what}");
    }
}

#[tokio::test]
async fn what_is_no_json_or_no_request_is_a_400_that_repeats_nothing_of_it() {
    let mut gateway = Gateway::start("").await;
    for body in [
        &b""[..],
        b" ",
        b"{",
        b"}",
        b"[",
        b"null",
        b"0",
        b"\"{a}\"",
        b"{\"query\"",
        b"{\"query\":",
        b"{\"query\":\"{a}\"",
        b"{\"query\":\"{a}\",}",
        b"{\"query\":\"{a}\"}x",
        b"{'query':'{a}'}",
        b"{query:1}",
        b"{\"query\":NaN}",
        b"{\"query\":\"\\ud800\"}",
        b"{\"query\":\"\\u00\"}",
        b"{\"query\":\"a\nb\"}",
        b"{\"query\":\"{a}\",\"query\":\"{b}\"}",
        b"{\"query\":\"{a}\",\"variables\":[]}",
        b"{\"query\":\"{a}\",\"variables\":\"{}\"}",
        b"{\"query\":[\"{a}\"]}",
        b"{\"query\":\"{a}\",\"operationName\":{}}",
        b"{\"query\":\"{a}\",\"extensions\":1}",
        b"{\"query\":null}",
        b"{\"query\":\"\xff\"}",
        b"\xff\xfe{\x00}\x00",
        b"{\"query\":\"\xed\xa0\x80\"}",
        b"{\"query\":\"\xc0\xaf\"}",
        b"{\"query\":\"{a}\",\"extensions\":{\"persistedQuery\":[]}}",
        b"{\"extensions\":{\"persistedQuery\":{\"version\":9}}}",
        b"[{\"query\":\"{a}\"}]",
        b"\x1f\x8b\x08\x00",
    ] {
        let what = String::from_utf8_lossy(body).into_owned();
        let sent = crate::http::client::request("POST", "/graphql", &["content-type: application/json"], body);
        let address = gateway.address;
        let answer = gateway.withstands(&what, crate::http::client::exchange(address, &sent)).await.unwrap();
        assert_eq!(answer.status, 400, "{what}: {}", answer.text());
        assert!(answer.code().starts_with("OUTFITTER_"), "{what}");
        let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert!(json.get("data").is_none() && json["errors"].is_array(), "{what}");
        assert!(gateway.reached().is_empty(), "{what}");
    }
}

#[tokio::test]
async fn an_answer_that_would_outgrow_memory_is_the_clients_error() {
    let many = (0..100).map(|n| format!("a{n}:__schema{{...F}} ")).collect::<String>();
    let text = format!(
        "{{{many}}} fragment F on __Schema{{types{{name description fields{{name description type{{name}} args{{name description}}}}}}}}"
    );
    let mut gateway = Gateway::start("[limits]\nupstream_answer = \"1 MiB\"").await;
    let address = gateway.address;
    let (body, one) = (document(&text), document(&text.replace(&many, "__schema{...F}")));
    let refused = gateway.withstands("a hundred schemas", crate::http::client::post(address, &[], &body)).await;
    assert_eq!((refused.status, refused.code().as_str()), (400, "OUTFITTER_LIMIT_EXCEEDED"), "{}", refused.text());
    assert_eq!(gateway.post(&[], &one).await.code(), "");
    let raised = Gateway::start("[limits]\nupstream_answer = \"1 GiB\"").await;
    let answer = raised.post(&[], &body).await;
    assert!(answer.code().is_empty() && answer.body.len() > 2 << 20, "{} bytes", answer.body.len());
}

#[tokio::test]
async fn a_large_variable_in_many_places_is_refused_before_it_is_read_for_each() {
    let mut gateway = Gateway::start("").await;
    let places = |count: usize| {
        let fields = (0..count)
            .map(|n| format!("a{n}:recommendations(placement:\"home\",exclude:$v){{items{{position}}}} "))
            .collect::<String>();
        let ids = vec!["x".repeat(500); 1500];
        json!({"query": format!("query($v:[ID!]){{personalized{{{fields}}}}}"), "variables": {"v": ids}}).to_string()
    };
    let address = gateway.address;
    let sent = places(150);
    let refused = gateway.withstands("750 KB 150 times", crate::http::client::post(address, &[], &sent)).await;
    assert_eq!(refused.code(), "OUTFITTER_INVALID_VARIABLES", "{}", refused.text());
    let served = gateway.post(&[], &places(1)).await;
    assert!(served.text().contains("at most 250") || served.text().contains("250"), "{}", served.text());
    let pages =
        "query($v:[ID!]){products(first:250){nodes{personalized{recommendations(exclude:$v){items{position}}}}}}";
    let sent = json!({"query": pages, "variables": {"v": vec!["x".repeat(500); 1500]}}).to_string();
    let refused = gateway.withstands("750 KB 250 times", crate::http::client::post(address, &[], &sent)).await;
    assert_eq!(refused.code(), "OUTFITTER_INVALID_VARIABLES", "{}", refused.text());
}
