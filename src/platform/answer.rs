//! A buffered answer of the shop, read and decompressed within a limit.

use super::fault::UpstreamError;
use bytes::{Bytes, BytesMut};
use bytesize::ByteSize;
use flate2::bufread::MultiGzDecoder;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::{HeaderMap, Response, StatusCode, Version};
use http_body::Body;
use http_body_util::BodyExt;
use std::io::Read;

/// Above this many compressed bytes decompression leaves the thread that serves requests.
const INLINE: usize = 64 * 1024;

/// An answer of the shop, whole.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The version of HTTP that it came by.
    pub version: Version,
    /// The headers; encoding and length, which no longer fit, are removed.
    pub headers: HeaderMap,
    /// The body, decompressed, in UTF-8.
    pub body: Bytes,
}

/// Reads the whole body, at most `limit` bytes before and after decompression, and decodes gzip.
/// Errors: `TooLarge` as soon as the limit is passed, `Read` where it breaks off, `Encoding` where it is not gzip, or not
/// UTF-8: its pieces go into answers that are.
pub(super) async fn collect<B>(response: Response<B>, limit: ByteSize) -> Result<Answer, UpstreamError>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    let (mut head, mut body) = response.into_parts();
    let most = usize::try_from(limit.as_u64()).unwrap_or(usize::MAX);
    // A declared length beyond the limit spares reading up to it.
    if body.size_hint().lower() > limit.as_u64() {
        return Err(UpstreamError::TooLarge(limit));
    }
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| UpstreamError::Read(error.to_string()))?;
        if let Ok(data) = frame.into_data() {
            if bytes.len() + data.len() > most {
                return Err(UpstreamError::TooLarge(limit));
            }
            bytes.extend_from_slice(&data);
        }
    }
    let encoding = head.headers.remove(CONTENT_ENCODING);
    head.headers.remove(CONTENT_LENGTH);
    let bytes = bytes.freeze();
    let body = match encoding.as_ref().map(|value| value.to_str().unwrap_or("?").trim()) {
        None | Some("" | "identity") => bytes,
        Some("gzip" | "x-gzip") if bytes.len() <= INLINE => gunzip(&bytes, limit)?,
        Some("gzip" | "x-gzip") => tokio::task::spawn_blocking(move || gunzip(&bytes, limit))
            .await
            .map_err(|error| UpstreamError::Encoding(error.to_string()))??,
        Some(_) => return Err(UpstreamError::Encoding("it is neither plain nor gzip".into())),
    };
    let body = match std::str::from_utf8(&body) {
        Ok(_) => body,
        Err(error) if head.status.is_success() => return Err(UpstreamError::Encoding(error.to_string())),
        // A page in whatever charset: its status says all that it has to say.
        Err(_) => Bytes::new(),
    };
    Ok(Answer { status: head.status, version: head.version, headers: head.headers, body })
}

fn gunzip(bytes: &[u8], limit: ByteSize) -> Result<Bytes, UpstreamError> {
    let mut plain = Vec::new();
    MultiGzDecoder::new(bytes)
        .take(limit.as_u64().saturating_add(1))
        .read_to_end(&mut plain)
        .map_err(|error| UpstreamError::Encoding(error.to_string()))?;
    if plain.len() as u64 > limit.as_u64() { Err(UpstreamError::TooLarge(limit)) } else { Ok(plain.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use http_body_util::Full;
    use std::io::Write;

    fn zipped(plain: &[u8]) -> Response<Full<Bytes>> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain).unwrap();
        let body = Full::new(Bytes::from(encoder.finish().unwrap()));
        Response::builder().header(CONTENT_ENCODING, "gzip").body(body).unwrap()
    }

    #[tokio::test]
    async fn a_compressed_answer_is_read_and_loses_the_headers_that_no_longer_fit() {
        let answer = collect(zipped(b"{\"data\":{}}"), ByteSize::kib(1)).await.unwrap();
        assert_eq!(&answer.body[..], b"{\"data\":{}}");
        assert!(answer.headers.is_empty());
    }

    #[tokio::test]
    async fn a_small_answer_that_unpacks_beyond_the_limit_is_refused() {
        let bomb = zipped(&vec![b' '; 10 << 20]);
        assert!(matches!(collect(bomb, ByteSize::mib(1)).await, Err(UpstreamError::TooLarge(_))));
    }

    #[tokio::test]
    async fn an_answer_beyond_the_limit_or_in_a_foreign_encoding_is_refused() {
        let long = Response::new(Full::new(Bytes::from(vec![b' '; 2000])));
        assert!(matches!(collect(long, ByteSize::kib(1)).await, Err(UpstreamError::TooLarge(_))));
        let foreign = Response::builder().header(CONTENT_ENCODING, "br").body(Full::new(Bytes::new())).unwrap();
        assert!(matches!(collect(foreign, ByteSize::kib(1)).await, Err(UpstreamError::Encoding(_))));
        let torn = Response::builder().header(CONTENT_ENCODING, "gzip").body(Full::new(Bytes::from("plain"))).unwrap();
        assert!(matches!(collect(torn, ByteSize::kib(1)).await, Err(UpstreamError::Encoding(_))));
    }

    #[tokio::test]
    async fn an_answer_that_is_not_utf_8_is_refused_and_an_error_page_keeps_its_status() {
        let answer =
            |status| Response::builder().status(status).body(Full::new(Bytes::from_static(b"\"\xff\""))).unwrap();
        assert!(matches!(collect(answer(200), ByteSize::kib(1)).await, Err(UpstreamError::Encoding(_))));
        let page = collect(answer(503), ByteSize::kib(1)).await.unwrap();
        assert_eq!((page.status.as_u16(), page.body.len()), (503, 0));
    }
}
