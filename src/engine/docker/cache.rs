//! What BuildKit's cache has.
//!
//! bollard reads this answer as the newest engines give it, which is not how those before them
//! did: so it is asked for here, in HTTP/1.0, whose answer ends with the connection.

use std::time::Duration;

use serde::Deserialize;
use time::OffsetDateTime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::DockerEngine;

/// How long it may take: engines before 23 add up all images and volumes as well.
const PATIENCE: Duration = Duration::from_secs(3);
/// The last version of the API in which the answer is what it always was.
const LAST: u32 = 44;
/// How descriptions of records begin that no instruction made.
const SENT: [&str; 4] = ["from local", "local source", "pulled from", "[internal]"];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Usage {
    #[serde(default)]
    build_cache: Option<Vec<Record>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Record {
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    description: String,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

/// When the records were made that instructions left, in seconds since the epoch.
pub(super) async fn records(engine: &DockerEngine) -> Option<Vec<i64>> {
    let socket = engine.endpoint.strip_prefix("unix://")?;
    let answer = tokio::time::timeout(PATIENCE, ask(socket, &engine.facts.api_version)).await;
    let answer = answer.ok()?.ok()?;
    read(&answer)
}

async fn ask(socket: &str, api_version: &str) -> std::io::Result<Vec<u8>> {
    let minor = api_version.split_once('.').and_then(|(_, minor)| minor.parse::<u32>().ok());
    let version = minor.unwrap_or(LAST).min(LAST);
    let mut stream = UnixStream::connect(socket).await?;
    let request =
        format!("GET /v1.{version}/system/df?type=build-cache HTTP/1.0\r\nHost: docker\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer)
}

fn read(answer: &[u8]) -> Option<Vec<i64>> {
    let is_fine = answer.starts_with(b"HTTP/1.0 200") || answer.starts_with(b"HTTP/1.1 200");
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").filter(|_| is_fine)?;
    let usage: Usage = serde_json::from_slice(&answer[end + 4..]).ok()?;
    let of_instruction = |record: &Record| {
        record.r#type == "regular" && !SENT.iter().any(|sent| record.description.starts_with(sent))
    };
    let records = usage.build_cache.unwrap_or_default().into_iter().filter(of_instruction);
    Some(records.map(|record| record.created_at.unix_timestamp()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(answer: &str, expected: Option<&[i64]>) {
        assert_eq!(read(answer.as_bytes()).as_deref(), expected);
    }

    #[test]
    fn what_instructions_left_is_told_from_what_was_sent() {
        check("HTTP/1.0 500 Internal Server Error\r\n\r\n{}", None);
        check("HTTP/1.0 200 OK\r\n\r\nhalf", None);
        check("HTTP/1.0 200 OK\r\n\r\n{\"BuildCache\":null}", Some(&[]));
        let record = |kind: &str, description: &str, second: u32| {
            format!(
                "{{\"Type\":\"{kind}\",\"Description\":\"{description}\",\"CreatedAt\":\"1970-01-01T00:00:{second:02}.5Z\"}}"
            )
        };
        let records = [
            record("regular", "mount / from exec /bin/sh -c true", 7),
            record("regular", "fileop target", 9),
            record("regular", "from local", 11),
            record("source.local", "local source for context", 12),
            record("exec.cachemount", "cached mount /root", 13),
        ];
        let body = format!("{{\"BuildCache\":[{}]}}", records.join(","));
        check(&format!("HTTP/1.0 200 OK\r\nX: y\r\n\r\n{body}"), Some(&[7, 9]));
    }
}
