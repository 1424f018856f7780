//! The bare proxy to compare with: hyper's server before hyper's pooled client, bodies streamed both ways, headers as they
//! came. It reads nothing, checks nothing, counts nothing.

use http::{Request, Response, Uri};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::convert::Infallible;
use tokio::net::TcpListener;

/// Serves until the process ends.
pub(crate) async fn serve(upstream: Uri) {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Client<_, Incoming> = Client::builder(TokioExecutor::new()).build(connector);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    println!("http://{}", listener.local_addr().expect("bound"));
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        stream.set_nodelay(true).ok();
        let (client, upstream) = (client.clone(), upstream.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            let (client, upstream) = (client.clone(), upstream.clone());
            async move {
                *request.uri_mut() = upstream;
                request.headers_mut().remove(http::header::HOST);
                Ok::<_, Infallible>(match client.request(request).await {
                    Ok(response) => response.map(BodyExt::boxed_unsync),
                    Err(error) => failed(&error.to_string()),
                })
            }
        });
        tokio::spawn(async move {
            hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
        });
    }
}

fn failed(why: &str) -> Response<UnsyncBoxBody<Bytes, hyper::Error>> {
    let mut response =
        Response::new(Full::new(Bytes::from(why.to_owned())).map_err(|never| match never {}).boxed_unsync());
    *response.status_mut() = http::StatusCode::BAD_GATEWAY;
    response
}
