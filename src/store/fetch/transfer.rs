//! One attempt to bring a partial file on, and what its answer means.

use std::path::Path;
use std::time::Duration;

use reqwest::{Client, Response, StatusCode, Url};

use super::partial::Partial;
use super::request::{self, RequestError};
use super::{FetchEvent, FetchItem, FetchOptions, Observer, free_space, problems};
use crate::error::Problem;
use crate::store::disguise::{self, Disguise};

/// Bytes of a wrong answer that are looked at.
const HEAD: usize = 16 << 10;

/// Why an attempt did not finish the file.
pub(super) enum Failure {
    /// It may work next time.
    Retry { reason: String, after: Option<Duration> },
    /// What is here is of no use: begin anew. The problem is for when that was done often enough.
    Restart(Box<Problem>),
    /// It will never work.
    Fatal(Box<Problem>),
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Fatal(Box::new(problem))
    }
}

/// One attempt.
pub(super) struct Transfer<'a> {
    pub(super) client: &'a Client,
    pub(super) options: &'a FetchOptions,
    pub(super) observer: Observer<'a>,
    pub(super) into: &'a Path,
    pub(super) item: &'a FetchItem,
}

impl Transfer<'_> {
    /// Brings `partial` to its end, or as far as it goes.
    pub(super) async fn run(&self, partial: &mut Partial) -> Result<(), Failure> {
        let resumed = partial.len() > 0;
        if self.item.size.is_none_or(|size| partial.len() != size) || !resumed {
            self.receive(partial).await?;
        }
        match self.wrong_content(partial) {
            None => Ok(()),
            // What was here before may have been of another version.
            Some(problem) if resumed => Err(Failure::Restart(Box::new(problem))),
            Some(problem) => {
                partial.remove();
                Err(problem.into())
            }
        }
    }

    async fn receive(&self, partial: &mut Partial) -> Result<(), Failure> {
        let url = Url::parse(&self.item.url).map_err(|_| problems::not_an_address(self.item))?;
        let validator = partial.origin().validator.clone();
        let from = partial.len();
        let answer =
            request::get(self.client, self.options, &url, from, validator.as_deref()).await;
        let answer = answer.map_err(|error| self.no_answer(error))?;
        let answer = self.accept(answer, partial).await?;
        self.write(answer, partial).await
    }

    /// Takes an answer that brings the file on, the partial file made ready for it.
    async fn accept(&self, answer: Response, partial: &mut Partial) -> Result<Response, Failure> {
        let status = answer.status();
        let begins_anew = match status {
            StatusCode::OK => true,
            StatusCode::PARTIAL_CONTENT => {
                self.check_range(&answer, partial)?;
                false
            }
            StatusCode::RANGE_NOT_SATISFIABLE if partial.len() > 0 => {
                return Err(Failure::Restart(Box::new(problems::status(self.item, status))));
            }
            _ => return Err(self.refused(answer).await),
        };
        let from = if begins_anew { 0 } else { partial.len() };
        let size = answer.content_length().map(|length| from + length);
        let answer = self.check_kind(answer, size).await?;
        self.check_space(answer.content_length())?;
        if begins_anew {
            let validator = request::validator(answer.headers());
            partial.restart(validator).await.map_err(|error| self.not_written(error))?;
        }
        let file = self.item.file.clone();
        (self.observer)(FetchEvent::Started { file, from, size: size.or(self.item.size) });
        Ok(answer)
    }

    /// A part must go on where the partial file ends, and be of the same version.
    fn check_range(&self, answer: &Response, partial: &Partial) -> Result<(), Failure> {
        let expected = partial.len();
        let starts = request::content_range(answer.headers()).map(|(start, _)| start);
        let (before, now) = (&partial.origin().validator, request::validator(answer.headers()));
        let same = before.is_none() || now.is_none() || *before == now;
        if starts == Some(expected) && same {
            return Ok(());
        }
        Err(Failure::Restart(Box::new(problems::wrong_part(self.item, expected, starts))))
    }

    /// Refuses pages and wrong lengths before anything is written.
    async fn check_kind(&self, answer: Response, size: Option<u64>) -> Result<Response, Failure> {
        let wrong_size = self.item.size.zip(size).filter(|(declared, actual)| declared != actual);
        let kind = answer.headers().get("content-type").map_or(&b""[..], |kind| kind.as_bytes());
        let page = kind.to_ascii_lowercase().starts_with(b"text/html") && !self.may_be_page();
        if !page && wrong_size.is_none() {
            return Ok(answer);
        }
        let address = answer.url().clone();
        let seen = disguise::recognise(&head(answer).await);
        let problem = match (seen, wrong_size) {
            (Some(disguise), _) => problems::page(self.item, self.into, &address, &disguise),
            (None, Some((declared, actual))) => {
                problems::wrong_length(self.item, &address, declared, actual)
            }
            (None, None) => {
                let kind = disguise::DisguiseKind::Html;
                let page = Disguise { kind, says: None };
                problems::page(self.item, self.into, &address, &page)
            }
        };
        Err(problem.into())
    }

    fn may_be_page(&self) -> bool {
        [".html", ".htm"].iter().any(|ending| self.item.file.ends_with(ending))
    }

    fn check_space(&self, length: Option<u64>) -> Result<(), Failure> {
        match (length, free_space(self.into)) {
            (Some(needed), Ok(free)) if free < needed => {
                Err(problems::no_space(self.into, needed, free).into())
            }
            _ => Ok(()),
        }
    }

    async fn write(&self, mut answer: Response, partial: &mut Partial) -> Result<(), Failure> {
        loop {
            let chunk = answer.chunk().await.map_err(|error| Failure::Retry {
                reason: format!("cut at byte {}: {}", partial.len(), request::innermost(&error)),
                after: None,
            })?;
            let Some(chunk) = chunk else { break };
            if self.item.size.is_some_and(|size| partial.len() + chunk.len() as u64 > size) {
                let actual = partial.len() + chunk.len() as u64;
                partial.remove();
                return Err(problems::too_long(self.item, actual).into());
            }
            partial.append(&chunk).await.map_err(|error| self.not_written(error))?;
            let bytes = chunk.len() as u64;
            (self.observer)(FetchEvent::Read { file: self.item.file.clone(), bytes });
        }
        // The content is looked at next, so it must have left this process's buffers.
        partial.flush().await.map_err(|error| self.not_written(error))?;
        match self.item.size {
            // A server that tells no length ends a cut answer like a whole one.
            Some(size) if partial.len() < size => Err(Failure::Retry {
                reason: format!("ended at byte {} of {size}", partial.len()),
                after: None,
            }),
            _ => Ok(()),
        }
    }

    /// What is wrong with a file that has come to its end.
    fn wrong_content(&self, partial: &Partial) -> Option<Problem> {
        let actual = partial.sha256();
        let right = match &self.item.sha256 {
            Some(declared) => *declared == actual,
            None => self.may_be_page() || disguise::look_at(partial.path()).is_none(),
        };
        if right {
            return None;
        }
        Some(match (disguise::look_at(partial.path()), &self.item.sha256) {
            (Some(disguise), _) => {
                let address = Url::parse(&self.item.url).ok()?;
                problems::page(self.item, self.into, &address, &disguise)
            }
            (None, Some(declared)) => {
                problems::mismatch(self.item, declared, &actual, partial.len())
            }
            (None, None) => return None,
        })
    }

    fn no_answer(&self, error: RequestError) -> Failure {
        match error {
            RequestError::Transient(error) => {
                Failure::Retry { reason: request::innermost(&error), after: None }
            }
            RequestError::RedirectLoop(url) => problems::redirect_loop(self.item, &url).into(),
            RequestError::BadRedirect(text) => problems::bad_redirect(self.item, &text).into(),
        }
    }

    async fn refused(&self, answer: Response) -> Failure {
        let status = answer.status();
        let passing = matches!(status.as_u16(), 408 | 425 | 429) || status.is_server_error();
        if passing {
            let after = request::retry_after(answer.headers());
            return Failure::Retry { reason: format!("the server answered {status}"), after };
        }
        let mut problem = problems::status(self.item, status);
        if let Some(Disguise { says: Some(text), .. }) = disguise::recognise(&head(answer).await) {
            problem = problem.note(format!("it says: {text}"));
        }
        problem.into()
    }

    fn not_written(&self, error: std::io::Error) -> Failure {
        problems::not_written(self.item, self.into, error).into()
    }
}

/// The beginning of an answer that is of no other use.
async fn head(mut answer: Response) -> Vec<u8> {
    let mut head = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        head.extend_from_slice(&chunk);
        if head.len() >= HEAD {
            break;
        }
    }
    head
}
