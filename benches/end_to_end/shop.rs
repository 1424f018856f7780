//! The shop to be asked: the demo store's answers, each made once and then given from memory, so that what is measured
//! waits for nobody. `/record` begins to keep the requests that come, `/seen` tells them.

use axum::Router;
use axum::body::Body;
use http::{Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use outfitter::demo::{Config, Store};
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tower::ServiceExt;

#[derive(Default)]
struct Known {
    answers: HashMap<Bytes, Bytes>,
    seen: Option<Vec<String>>,
}

/// Serves until the process ends.
pub(crate) async fn serve() {
    let store = Arc::new(Store::generate(&Config::default())).router();
    let known = Arc::new(Mutex::new(Known::default()));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    println!("http://{}", listener.local_addr().expect("bound"));
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        stream.set_nodelay(true).ok();
        let (store, known) = (store.clone(), known.clone());
        let service = service_fn(move |request: Request<Incoming>| {
            let (store, known) = (store.clone(), known.clone());
            async move { Ok::<_, Infallible>(answer(store, &known, request).await) }
        });
        tokio::spawn(async move {
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
        });
    }
}

async fn answer(store: Router, known: &Mutex<Known>, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    match path.as_str() {
        "/record" => {
            known.lock().expect("no panic").seen = Some(Vec::new());
            return json(Bytes::from_static(b"{}"));
        }
        "/seen" => {
            let seen = known.lock().expect("no panic").seen.take().unwrap_or_default();
            return json(serde_json::to_vec(&seen).expect("strings").into());
        }
        _ => {}
    }
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let found = {
        let mut known = known.lock().expect("no panic");
        if let Some(seen) = &mut known.seen {
            seen.push(String::from_utf8_lossy(&body).into_owned());
        }
        known.answers.get(&body).cloned()
    };
    if let Some(found) = found {
        return json(found);
    }
    let request = Request::post("/graphql").header(header::CONTENT_TYPE, "application/json");
    let request = request.body(Body::from(body.clone())).expect("a request");
    let answered = store.oneshot(request).await.unwrap_or_else(|never| match never {});
    let answered = answered.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let mut known = known.lock().expect("no panic");
    if known.answers.len() > 2000 {
        known.answers.clear();
    }
    known.answers.insert(body, answered.clone());
    json(answered)
}

fn json(body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    let kind = http::HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}
