//! Every limit of `[limits]` on a request, at its figure and one beyond.

use super::process::{Gateway, document};
use outfitter::gateway::limits::Limits;

/// A setting, its default, and a body of any size.
struct Bound {
    setting: &'static str,
    default: usize,
    body: fn(usize) -> String,
}

fn many(count: usize, item: impl Fn(usize) -> String) -> String {
    (0..count).map(item).collect::<Vec<_>>().join(" ")
}

fn bounds() -> Vec<Bound> {
    let limits = Limits::default();
    let bound = |setting, default, body| Bound { setting, default, body };
    vec![
        bound("tokens", limits.tokens, |n| document(&format!("{{a(b:[{}])}}", "1 ".repeat(n - 9)))),
        bound("depth", limits.depth, |n| document(&format!("{}{}", "{a".repeat(n), "}".repeat(n)))),
        bound("argument_depth", limits.argument_depth, |n| {
            document(&format!("{{a(b:{}1{})}}", "[".repeat(n), "]".repeat(n)))
        }),
        bound("aliases", limits.aliases, |n| document(&format!("{{r{{{}}}}}", many(n, |i| format!("a{i}:b"))))),
        bound("operations", limits.operations, |n| {
            serde_json::json!({"query": many(n, |i| format!("query A{i}{{a}}")), "operationName": "A0"}).to_string()
        }),
        bound("root_fields", limits.root_fields, |n| document(&format!("{{{}}}", many(n, |i| format!("f{i}"))))),
        bound("directives", limits.directives, |n| document(&format!("{{a {}}}", "@d ".repeat(n)))),
        bound("duplicates", limits.duplicates, |n| document(&format!("{{r{{{}}}}}", "a ".repeat(n)))),
        bound("fields", limits.fields, |n| document(&format!("{{r{{{}}}}}", many(n - 1, |i| format!("f{i}"))))),
        bound("variables_depth", limits.variables_depth, |n| {
            let (open, close) = ("[".repeat(n - 1), "]".repeat(n - 1));
            format!(r#"{{"query":"query($v:V){{a(v:$v)}}","variables":{{"v":{open}{close}}}}}"#)
        }),
    ]
}

#[tokio::test]
async fn each_limit_lets_its_figure_through_and_refuses_one_more_until_it_is_raised() {
    let mut gateway = Gateway::start("").await;
    for Bound { setting, default, body } in bounds() {
        let at = gateway.withstands(setting, gateway_post(&gateway.address, body(default))).await;
        assert_eq!((at.0, at.1.as_str()), (200, ""), "{setting} at {default}");
        assert_eq!(gateway.reached().len(), 1, "{setting} at {default} reaches the shop");
        let beyond = gateway.withstands(setting, gateway_post(&gateway.address, body(default + 1))).await;
        assert_eq!((beyond.0, beyond.1.as_str()), (400, "OUTFITTER_LIMIT_EXCEEDED"), "{setting} beyond {default}");
        assert!(beyond.2.contains(&format!("limits.{setting}")), "{}", beyond.2);
        assert_eq!(gateway.reached().len(), 0, "{setting} beyond {default} does not reach the shop");
    }
    let raised: String = bounds().iter().map(|bound| format!("{} = {}\n", bound.setting, bound.default + 1)).collect();
    let gateway = Gateway::start(&format!("[limits]\n{raised}")).await;
    for Bound { setting, default, body } in bounds() {
        let raised = gateway_post(&gateway.address, body(default + 1)).await;
        assert_eq!((raised.0, raised.1.as_str()), (200, ""), "{setting} raised: {}", raised.2);
    }
}

/// Status, code and text.
fn gateway_post(address: &std::net::SocketAddr, body: String) -> impl Future<Output = (u16, String, String)> + use<> {
    let address = *address;
    async move {
        let answer = crate::http::client::post(address, &[], &body).await;
        (answer.status, answer.code(), answer.text().chars().take(400).collect())
    }
}

#[tokio::test]
async fn a_body_of_the_limit_is_read_and_a_byte_more_is_not() {
    let gateway = Gateway::start("").await;
    let body = |length: usize| {
        let begun = r#"{"query":"{ a }","x":""#;
        format!("{begun}{}\"}}", "x".repeat(length - begun.len() - 2))
    };
    let limit = usize::try_from(Limits::default().body.as_u64()).unwrap();
    assert_eq!(gateway.post(&[], &body(limit)).await.status, 200);
    let beyond = gateway.post(&[], &body(limit + 1)).await;
    assert_eq!((beyond.status, beyond.code().as_str()), (413, "OUTFITTER_BODY_TOO_LARGE"));
    let raised = Gateway::start("[limits]\nbody = \"2 MiB\"").await;
    assert_eq!(raised.post(&[], &body(limit + 1)).await.status, 200);
}

#[tokio::test]
async fn entities_beyond_the_limit_go_without_and_are_told_so() {
    let query = document("{ many: products(first: 250) { nodes { __typename personalized { id } } } }");
    let refused = |text: &str| text.matches("limits.entities").count();
    let gateway = Gateway::start("").await;
    let answer = gateway.post(&["outfitter-session: s"], &query).await;
    assert_eq!((answer.status, refused(&answer.text())), (200, 1), "{}", answer.text());
    let raised = Gateway::start("[limits]\nentities = 501").await;
    assert_eq!(refused(&raised.post(&["outfitter-session: s"], &query).await.text()), 0);
}

#[tokio::test]
async fn personalized_fields_within_each_other_are_bounded() {
    let nested = |levels: usize| {
        let open = "personalized{recommendations{items{product{".repeat(levels);
        document(&format!("{{products(first:1){{nodes{{{open}id{}}}}}}}", "}}}}".repeat(levels)))
    };
    let gateway = Gateway::start("").await;
    assert_eq!(gateway.post(&[], &nested(3)).await.code(), "");
    let refused = gateway.post(&[], &nested(4)).await;
    assert!(refused.text().contains("nested 4 levels deep; at most 3"), "{}", refused.text());
    let raised = Gateway::start("[limits]\nnesting = 4").await;
    assert_eq!(raised.post(&[], &nested(4)).await.code(), "");
}
