//! Limits the size of a response, so that a server cannot exhaust the memory of the node.

use hyper::body::{Body, Bytes, Frame, SizeHint};
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The size limit of a response, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyLimit {
    /// The limit of the complete body.
    Whole(usize),
    /// The limit of each line of a body of any length, such as a watch.
    Line(usize),
}

/// A response exceeds its limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TooLarge(pub BodyLimit);

impl fmt::Display for BodyLimit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(bytes) => write!(formatter, "the response exceeds {} MiB", bytes >> 20),
            Self::Line(bytes) => {
                write!(formatter, "a line of the response exceeds {} MiB", bytes >> 20)
            }
        }
    }
}

/// A body that fails with [`TooLarge`] as soon as it exceeds its limit.
#[derive(Debug)]
pub(crate) struct LimitedBody<B> {
    body: B,
    limit: BodyLimit,
    /// The number of bytes of the body or of the current line so far.
    read: usize,
}

impl<B> LimitedBody<B> {
    pub(crate) fn new(body: B, limit: BodyLimit) -> Self {
        Self { body, limit, read: 0 }
    }

    fn count(&mut self, data: &[u8]) -> Result<(), TooLarge> {
        match self.limit {
            BodyLimit::Whole(most) => {
                self.read = self.read.saturating_add(data.len());
                self.check(most)
            }
            BodyLimit::Line(most) => {
                for part in data.split_inclusive(|byte| *byte == b'\n') {
                    self.read = self.read.saturating_add(part.len());
                    self.check(most)?;
                    if part.ends_with(b"\n") {
                        self.read = 0;
                    }
                }
                Ok(())
            }
        }
    }

    fn check(&self, most: usize) -> Result<(), TooLarge> {
        if self.read > most { Err(TooLarge(self.limit)) } else { Ok(()) }
    }
}

impl<B> Body for LimitedBody<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = match std::task::ready!(Pin::new(&mut self.body).poll_frame(context)) {
            None => return Poll::Ready(None),
            Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
            Some(Ok(frame)) => frame,
        };
        let counted = frame.data_ref().map_or(Ok(()), |data| self.count(data));
        Poll::Ready(Some(counted.map(|()| frame).map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(limit: BodyLimit, chunks: &[&str]) -> Result<(), String> {
        let mut body = LimitedBody::new((), limit);
        let mut each = chunks.iter().map(|chunk| body.count(chunk.as_bytes()));
        each.find_map(Result::err).map_or(Ok(()), |error| Err(error.to_string()))
    }

    #[test]
    fn a_body_limit_counts_all_chunks() {
        assert_eq!(read(BodyLimit::Whole(6), &["abc", "abc"]), Ok(()));
        assert_eq!(
            read(BodyLimit::Whole(6), &["abc", "ab\n", "a"]),
            Err("the response exceeds 0 MiB".to_owned())
        );
        let most = BodyLimit::Whole(2 << 20);
        assert_eq!(TooLarge(most).to_string(), "the response exceeds 2 MiB");
    }

    #[test]
    fn a_line_limit_counts_from_the_last_line_break() {
        let limit = BodyLimit::Line(4);
        assert_eq!(read(limit, &["abc\n", "ab", "c\nabc\nab", "c\n"]), Ok(()));
        let too_long = Err("a line of the response exceeds 0 MiB".to_owned());
        assert_eq!(read(limit, &["abc\n", "ab", "cd\n"]), too_long);
        assert_eq!(read(limit, &["abc\nabcde"]), too_long);
        assert_eq!(read(limit, &["a\nabcde\na\n"]), too_long);
    }
}
