//! Which answers are shared, and what leader and followers get where something goes wrong.

use super::*;
use crate::gateway::accept::Accept;
use crate::gateway::share::key::Asked;
use crate::gateway::share::{Config, Following, Joined, Share, Waited};
use crate::platform::shopify::Shopify;
use bytesize::ByteSize;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::TryStreamExt;
use futures::channel::mpsc::{UnboundedSender, unbounded};
use http::{HeaderName, HeaderValue, Method};
use std::io::Write;

const BODY: &[u8] = br#"{"data":{"shop":{"name":"Shop"}}}"#;

fn share() -> Share {
    Share::new(&Config { largest: ByteSize::b(100), memory: ByteSize::b(400), ..Config::default() })
}

/// A leader and so many that follow it.
fn led(share: &Share, followers: usize) -> (Leader, Vec<Following>) {
    let (method, body, none) = (Method::POST, Bytes::from_static(b"{}"), HeaderMap::new());
    let accept = Accept::default();
    let asked = Asked { method: &method, query: None, body: &body, sent: &none, came: &none, accept };
    let key = share.key(&asked, &Shopify::open(&Default::default()).unwrap()).unwrap();
    let Joined::Lead(leader) = share.join(&key) else { panic!("somebody leads already") };
    let follow = |_| match share.join(&key) {
        Joined::Follow(following) => following,
        Joined::Lead(_) => panic!("two lead"),
    };
    let followers = (0..followers).map(follow).collect();
    (leader, followers)
}

fn json(more: &[(&'static str, &'static str)]) -> HeaderMap {
    let header =
        |(name, value): &(&'static str, &'static str)| (HeaderName::from_static(name), HeaderValue::from_static(value));
    [("content-type", "application/json")].iter().chain(more).map(header).collect()
}

fn frames() -> (UnboundedSender<io::Result<Bytes>>, Frames) {
    let (sender, receiver) = unbounded();
    (sender, Box::pin(receiver))
}

fn whole(body: &[u8]) -> Frames {
    let frames: Vec<_> = body.chunks(10).map(|frame| Ok(Bytes::copy_from_slice(frame))).collect();
    Box::pin(futures::stream::iter(frames))
}

async fn read(stream: Frames) -> Vec<u8> {
    let frames: Vec<Bytes> = stream.try_collect().await.unwrap();
    frames.concat()
}

/// Whether followers get an answer.
async fn is_shared(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> bool {
    let share = share();
    let (leader, mut followers) = led(&share, 1);
    assert_eq!(
        read(leader.followed().unwrap().tee((status, headers), whole(body))).await,
        body,
        "the leader gets it in any case"
    );
    match followers.remove(0).wait().await {
        Waited::Whole(whole) => {
            assert_eq!(whole.body, body);
            true
        }
        Waited::Alone => false,
        Waited::Abandoned => panic!("nobody left"),
    }
}

#[tokio::test]
async fn only_an_answer_that_anybody_might_have_is_shared() {
    assert!(is_shared(StatusCode::OK, &json(&[]), BODY).await);
    assert!(
        is_shared(StatusCode::OK, &json(&[("cache-control", "public, max-age=1"), ("vary", "accept")]), BODY).await
    );
    for header in [
        ("set-cookie", "a=1"),
        ("cache-control", "max-age=0, Private"),
        ("cache-control", "private=\"x\""),
        ("cache-control", "no-store"),
        ("vary", "*"),
        ("content-encoding", "br"),
    ] {
        assert!(!is_shared(StatusCode::OK, &json(&[header]), BODY).await, "{header:?}");
    }
    assert!(!is_shared(StatusCode::TOO_MANY_REQUESTS, &json(&[]), BODY).await);
    assert!(!is_shared(StatusCode::OK, &HeaderMap::new(), BODY).await);
    assert!(!is_shared(StatusCode::OK, &json(&[]), br#"{"data":null,"errors":[{"message":"Throttled"}]}"#).await);
    assert!(!is_shared(StatusCode::OK, &json(&[]), br#"{"data":{"#).await, "an answer that is no whole JSON");
}

#[tokio::test]
async fn a_compressed_answer_is_read_before_it_is_shared() {
    let gzip = |text: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    };
    let headers = json(&[("content-encoding", "gzip")]);
    assert!(is_shared(StatusCode::OK, &headers, &gzip(BODY)).await);
    assert!(!is_shared(StatusCode::OK, &headers, &gzip(br#"{"errors":[]}"#)).await);
    let bomb = gzip(format!(r#"{{"data":"{}"}}"#, " ".repeat(60_000)).as_bytes());
    assert!(!is_shared(StatusCode::OK, &headers, &bomb).await);
}

#[tokio::test]
async fn a_large_answer_is_the_leaders_and_comes_whole() {
    let answer = |bytes: usize| format!(r#"{{"data":"{}"}}"#, "x".repeat(bytes - 11)).into_bytes();
    assert!(is_shared(StatusCode::OK, &json(&[]), &answer(100)).await, "the bound itself");
    for large in [answer(101), answer(1000)] {
        assert!(!is_shared(StatusCode::OK, &json(&[]), &large).await);
    }
    assert!(!is_shared(StatusCode::OK, &json(&[("content-length", "101")]), &answer(101)).await);
    // What announces itself as too large takes nothing from the budget.
    let share = share();
    let (leader, _followers) = led(&share, 1);
    let _stream = leader.followed().unwrap().tee((StatusCode::OK, &json(&[("content-length", "101")])), whole(BODY));
    assert_eq!(share.memory.available_permits(), 400);
}

#[tokio::test]
async fn memory_is_taken_from_one_budget_and_given_back() {
    let share = share();
    let (leader, followers) = led(&share, 1);
    let stream = leader.followed().unwrap().tee((StatusCode::OK, &json(&[])), whole(BODY));
    assert_eq!(share.memory.available_permits(), 200, "twice the bound");
    let mut kept = Vec::new();
    for following in followers {
        let Waited::Whole(whole) = following.wait().await else { panic!("not shared") };
        kept.push(whole.body.clone());
    }
    assert_eq!(read(stream).await, BODY);
    assert_eq!(share.memory.available_permits(), 200, "a follower is still reading");
    drop(kept);
    tokio::task::yield_now().await;
    assert_eq!(share.memory.available_permits(), 400);

    let _taken = share.memory.clone().try_acquire_many_owned(300).unwrap();
    let (leader, mut followers) = led(&share, 1);
    assert_eq!(read(leader.followed().unwrap().tee((StatusCode::OK, &json(&[])), whole(BODY))).await, BODY);
    assert!(matches!(followers.remove(0).wait().await, Waited::Alone), "without room nothing is kept");
}

#[tokio::test]
async fn a_leader_that_leaves_takes_nobody_with_it() {
    let share = share();
    let (leader, mut followers) = led(&share, 2);
    let (sender, stream) = frames();
    let stream = leader.followed().unwrap().tee((StatusCode::OK, &json(&[])), stream);
    sender.unbounded_send(Ok(Bytes::from_static(&BODY[..5]))).unwrap();
    drop(stream);
    sender.unbounded_send(Ok(Bytes::from_static(&BODY[5..]))).unwrap();
    drop(sender);
    for following in followers.drain(..) {
        let Waited::Whole(whole) = following.wait().await else { panic!("the leader took it along") };
        assert_eq!(whole.body, BODY);
    }
    // Before the answer begins, one of those who waited leads.
    let (leader, mut followers) = led(&share, 1);
    drop(leader);
    assert!(matches!(followers.remove(0).wait().await, Waited::Abandoned));
    led(&share, 0);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_cut_for_the_leader_alone() {
    let share = share();
    let (leader, mut followers) = led(&share, 1);
    let (sender, stream) = frames();
    let mut stream = leader.followed().unwrap().tee((StatusCode::OK, &json(&[])), stream);
    sender.unbounded_send(Ok(Bytes::from_static(&BODY[..5]))).unwrap();
    sender.unbounded_send(Err(io::Error::other("reset"))).unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap(), &BODY[..5]);
    assert!(stream.next().await.unwrap().is_err());
    assert!(matches!(followers.remove(0).wait().await, Waited::Abandoned));
}

#[tokio::test]
async fn a_slow_leader_holds_nobody_up() {
    let share = share();
    let (leader, mut followers) = led(&share, 1);
    let stream = leader.followed().unwrap().tee((StatusCode::OK, &json(&[])), whole(BODY));
    // The leader has read nothing yet.
    let Waited::Whole(answer) = followers.remove(0).wait().await else { panic!("not shared") };
    assert_eq!(answer.body, BODY);
    assert_eq!(read(stream).await, BODY);
}

#[tokio::test]
async fn nobody_joins_an_answer_that_has_begun() {
    let share = share();
    let (leader, _) = led(&share, 0);
    assert!(leader.followed().is_none(), "nobody came, so nothing is kept");
    // Leads again: the answer that has begun is the first one's alone.
    let (leader, followers) = led(&share, 1);
    let stream = leader.followed().unwrap().tee((StatusCode::OK, &json(&[])), whole(BODY));
    led(&share, 0);
    assert_eq!(read(stream).await, BODY);
    for following in followers {
        assert!(matches!(following.wait().await, Waited::Whole(_)));
    }
}
