//! What an image holds, as the engine saves it: a stream that never touches this host's disk.

use std::collections::HashMap;
use std::io::{self, Read};
use std::pin::pin;

use bollard::errors::Error as DockerError;
use bytes::{Buf, Bytes};
use futures_util::StreamExt;
use tokio::sync::mpsc::{Receiver, channel};

use super::{DockerEngine, failure};
use crate::error::{Exit, Problem, Result};

/// Pieces that wait for the reader, each as large as the engine sends it (16 to 64 KiB).
const WAITING: usize = 32;

/// What an image is made of.
#[derive(Debug, Clone, Default)]
pub struct Make {
    /// The digests of its layers, the lowest first.
    pub layers: Vec<String>,
    /// Its labels.
    pub labels: HashMap<String, String>,
}

impl DockerEngine {
    /// Saves an image, and gives the stream to `read`, which runs on a thread of its own.
    ///
    /// The engine writes the archive to its own disk first. Dropping the future ends the stream.
    ///
    /// # Errors
    /// [`Exit::Engine`]: the engine failed; then what `read` said of the rest does not matter.
    pub async fn export<T: Send + 'static>(
        &self,
        reference: &str,
        read: impl FnOnce(&mut dyn Read) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (sender, receiver) = channel(WAITING);
        let mut pieces = Pieces { receiver, current: Bytes::new() };
        let reading = tokio::task::spawn_blocking(move || read(&mut pieces));
        let mut saved = pin!(self.patient.export_image(reference));
        while let Some(piece) = saved.next().await {
            let piece = piece.map_err(|error| {
                let doing = format!("saving the image `{reference}`");
                failure::error(&doing, &self.endpoint, &error)
            })?;
            // A reader that has seen enough is no failure.
            if sender.send(piece).await.is_err() {
                break;
            }
        }
        drop(sender);
        reading.await.map_err(|error| {
            Problem::error("reading an image ended early").cause(error).exit(Exit::Bug)
        })?
    }

    /// What an image is made of; `None` where there is no such image.
    ///
    /// # Errors
    /// [`Exit::Engine`].
    pub async fn make(&self, reference: &str) -> Result<Option<Make>> {
        match self.docker.inspect_image(reference).await {
            Ok(image) => Ok(Some(Make {
                layers: image.root_fs.and_then(|root_fs| root_fs.layers).unwrap_or_default(),
                labels: image.config.and_then(|config| config.labels).unwrap_or_default(),
            })),
            Err(DockerError::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
            Err(error) => {
                let doing = format!("looking for the image `{reference}`");
                Err(failure::error(&doing, &self.endpoint, &error))
            }
        }
    }
}

/// A stream of pieces as a reader.
struct Pieces {
    receiver: Receiver<Bytes>,
    current: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.receiver.blocking_recv() {
                Some(piece) => self.current = piece,
                None => return Ok(0),
            }
        }
        let count = self.current.len().min(buffer.len());
        self.current.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}
