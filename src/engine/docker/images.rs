//! Finding, getting, tagging and untagging images.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bollard::models::ImageSummary;
use bollard::query_parameters::{
    CreateImageOptions, ImportImageOptions, ListImagesOptions, RemoveImageOptions, TagImageOptions,
};
use bollard::{body_try_stream, errors::Error as DockerError};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt};
use tokio_util::io::ReaderStream;

use super::{DockerEngine, failure};
use crate::engine::{BaseSink, ImageFacts, LabelledImage};
use crate::error::{Exit, Problem, Result};
use crate::project::Platform;

/// How much of a base file is sent to the engine at once, in bytes.
const CHUNK: usize = 1 << 20;

/// How often images are listed where one of them is being removed, and what podman says then.
const LISTINGS: usize = 10;
const REMOVED: &str = "image not known";

/// What podman says, as a failure of its own, of what cannot be an image's name.
const NO_NAME: &str = "invalid reference format";

/// What engines before 24 say of an image without a reference.
const NO_REFERENCE: &str = "<none>:<none>";

pub(super) async fn find(engine: &DockerEngine, reference: &str) -> Result<Option<ImageFacts>> {
    match engine.docker.inspect_image(reference).await {
        Ok(image) => Ok(Some(ImageFacts {
            id: image.id.unwrap_or_default(),
            platform: format!(
                "{}/{}",
                image.os.unwrap_or_default(),
                image.architecture.unwrap_or_default()
            )
            .parse()
            .ok(),
            size: image.size.and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
            layers: image
                .root_fs
                .and_then(|root_fs| root_fs.layers)
                .map_or(0, |layers| layers.len()),
            triggers: image
                .config
                .and_then(|config| config.on_build)
                .is_some_and(|triggers| !triggers.is_empty()),
        })),
        // What is no reference at all (400) names no image either.
        Err(DockerError::DockerResponseServerError { status_code, message })
            if matches!(status_code, 400 | 404) || message.contains(NO_NAME) =>
        {
            Ok(None)
        }
        Err(error) => Err(failure::error(
            &format!("looking for the image `{reference}`"),
            &engine.endpoint,
            &error,
        )),
    }
}

pub(super) async fn labelled(engine: &DockerEngine, name: &str) -> Result<Vec<LabelledImage>> {
    let filters = HashMap::from([("label".to_owned(), vec![name.to_owned()])]);
    let options = ListImagesOptions { filters: Some(filters), ..ListImagesOptions::default() };
    let found = list(engine, &options).await?;
    let mut images: Vec<_> = found
        .into_iter()
        .map(|image| LabelledImage {
            id: image.id,
            created: image.created,
            size: u64::try_from(image.size).unwrap_or(0),
            references: image.repo_tags.into_iter().filter(|tag| tag != NO_REFERENCE).collect(),
            labels: image.labels,
        })
        .collect();
    images.sort_by_key(|image| std::cmp::Reverse(image.created));
    Ok(images)
}

pub(super) async fn newest_instruction(
    engine: &DockerEngine,
    image: &str,
) -> Result<Option<String>> {
    match engine.docker.image_history(image).await {
        Ok(history) => Ok(history.into_iter().next().map(|newest| newest.created_by)),
        Err(DockerError::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
        Err(error) => Err(failure::error(
            &format!("reading the history of `{image}`"),
            &engine.endpoint,
            &error,
        )),
    }
}

/// Lists images. podman fails where somebody removes one meanwhile, and not when it is asked again.
pub(super) async fn list(
    engine: &DockerEngine,
    options: &ListImagesOptions,
) -> Result<Vec<ImageSummary>> {
    for _ in 1..LISTINGS {
        match engine.docker.list_images(Some(options.clone())).await {
            Err(DockerError::DockerResponseServerError { message, .. })
                if message.contains(REMOVED) => {}
            other => return other.map_err(|error| unlisted(engine, &error)),
        }
    }
    let last = engine.docker.list_images(Some(options.clone())).await;
    last.map_err(|error| unlisted(engine, &error))
}

fn unlisted(engine: &DockerEngine, error: &DockerError) -> crate::error::Error {
    failure::error("listing its images", &engine.endpoint, error)
}

pub(super) async fn pull(
    engine: &DockerEngine,
    reference: &str,
    platform: &Platform,
    sink: BaseSink<'_>,
) -> Result<()> {
    let options = CreateImageOptions {
        from_image: Some(reference.to_owned()),
        tag: (!has_tag(reference)).then(|| "latest".to_owned()),
        platform: foreign(engine, platform),
        ..CreateImageOptions::default()
    };
    let answer = engine.patient.create_image(Some(options), None, None);
    let mut stream = std::pin::pin!(failure::to_end(answer));
    let mut layers = std::collections::BTreeMap::new();
    while let Some(info) = stream.next().await {
        let info = info.map_err(|error| not_pulled(engine, reference, &error))?;
        let detail = info.progress_detail.and_then(|detail| detail.current.zip(detail.total));
        if let (Some(id), Some((current, total))) = (info.id, detail) {
            layers.insert(
                id,
                (u64::try_from(current).unwrap_or(0), u64::try_from(total).unwrap_or(0)),
            );
            let (done, all) =
                layers.values().fold((0, 0), |sum, layer| (sum.0 + layer.0, sum.1 + layer.1));
            sink(done, Some(all));
        }
    }
    Ok(())
}

fn not_pulled(engine: &DockerEngine, reference: &str, error: &DockerError) -> crate::error::Error {
    failure::problem(&format!("pulling the base image `{reference}`"), &engine.endpoint, error)
        .hint("without a way to a registry, give the base an `archive` or a `rootfs` in stages/stages.toml, or load it yourself (`docker load`, `docker import`)")
        .exit(Exit::Engine)
}

/// Whether the last component of a reference has a tag or a digest.
fn has_tag(reference: &str) -> bool {
    reference.rsplit('/').next().is_some_and(|name| name.contains([':', '@']))
}

/// The platform parameter: empty where it is the engine's own, because engines before 20.10 refuse it then.
fn foreign(engine: &DockerEngine, platform: &Platform) -> String {
    if engine.facts.platform.as_ref() == Some(platform) {
        String::new()
    } else {
        platform.to_string()
    }
}

pub(super) async fn load(engine: &DockerEngine, archive: &Path, sink: BaseSink<'_>) -> Result<()> {
    let doing = format!("loading `{}`", archive.display());
    let (body, sent, size) = file_body(archive).await?;
    let stream = engine.patient.import_image_stream(
        ImportImageOptions { quiet: true, ..ImportImageOptions::default() },
        body,
        None,
    );
    drain(stream.map_ok(drop), &sent, size, sink)
        .await
        .map_err(|error| failure::error(&doing, &engine.endpoint, &error))
}

pub(super) async fn import(
    engine: &DockerEngine,
    rootfs: &Path,
    reference: &str,
    platform: &Platform,
    sink: BaseSink<'_>,
) -> Result<()> {
    let doing = format!("importing `{}` as `{reference}`", rootfs.display());
    let (body, sent, size) = file_body(rootfs).await?;
    let options = CreateImageOptions {
        from_src: Some("-".to_owned()),
        repo: Some(reference.to_owned()),
        platform: foreign(engine, platform),
        ..CreateImageOptions::default()
    };
    let stream = engine.patient.create_image(Some(options), Some(body_try_stream(body)), None);
    drain(stream.map_ok(drop), &sent, size, sink)
        .await
        .map_err(|error| failure::error(&doing, &engine.endpoint, &error))
}

type FileBody = (
    std::pin::Pin<Box<dyn Stream<Item = std::result::Result<Bytes, std::io::Error>> + Send>>,
    Arc<AtomicU64>,
    u64,
);

/// A file as a request's body, with a count of the bytes sent and its size.
async fn file_body(path: &Path) -> Result<FileBody> {
    let cannot = |error| {
        Problem::error(format!("cannot read `{}`", path.display())).cause(error).exit(Exit::Package)
    };
    let file = tokio::fs::File::open(path).await.map_err(cannot)?;
    let size = file.metadata().await.map_err(cannot)?.len();
    let sent = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&sent);
    let stream = ReaderStream::with_capacity(file, CHUNK).inspect_ok(move |bytes| {
        counter.fetch_add(bytes.len() as u64, Ordering::Relaxed);
    });
    Ok((Box::pin(stream), sent, size))
}

/// Follows an engine's answer to its end, telling how much of the body it has taken.
async fn drain(
    stream: impl Stream<Item = std::result::Result<(), DockerError>>,
    sent: &AtomicU64,
    size: u64,
    sink: BaseSink<'_>,
) -> std::result::Result<(), DockerError> {
    let mut stream = std::pin::pin!(failure::to_end(stream));
    let mut tick = tokio::time::interval(std::time::Duration::from_millis(200));
    loop {
        tokio::select! {
            item = stream.next() => match item {
                Some(item) => item?,
                None => return Ok(()),
            },
            _ = tick.tick() => sink(sent.load(Ordering::Relaxed), Some(size)),
        }
    }
}

pub(super) async fn tag(engine: &DockerEngine, image: &str, reference: &str) -> Result<()> {
    let (repo, tag) = split(reference);
    let options = TagImageOptions { repo: Some(repo.to_owned()), tag: Some(tag.to_owned()) };
    let tagged = engine.docker.tag_image(image, Some(options)).await;
    tagged.map_err(|error| {
        failure::error(&format!("tagging `{reference}`"), &engine.endpoint, &error)
    })
}

/// A reference's repository and tag; the tag is `latest` where there is none.
fn split(reference: &str) -> (&str, &str) {
    reference
        .rsplit_once(':')
        .filter(|(_, tag)| !tag.contains('/'))
        .unwrap_or((reference, "latest"))
}

pub(super) async fn untag(engine: &DockerEngine, reference: &str, label: &str) -> Result<()> {
    let failed = |error: &DockerError| {
        failure::error(&format!("removing the tag `{reference}`"), &engine.endpoint, error)
    };
    let image = match engine.docker.inspect_image(reference).await {
        Err(DockerError::DockerResponseServerError { status_code: 404, .. }) => return Ok(()),
        inspected => inspected.map_err(|error| failed(&error))?,
    };
    let labels = image.config.and_then(|config| config.labels).unwrap_or_default();
    if !labels.contains_key(label) && image.repo_tags.unwrap_or_default().len() < 2 {
        tracing::warn!(reference, "a base that lost its name meanwhile keeps the run's");
        return Ok(());
    }
    let options = RemoveImageOptions { noprune: true, ..RemoveImageOptions::default() };
    match engine.docker.remove_image(reference, Some(options), None).await {
        // 409: the last name of an image that somebody's container uses, who has it now.
        Ok(_) | Err(DockerError::DockerResponseServerError { status_code: 404 | 409, .. }) => {
            Ok(())
        }
        Err(error) => Err(failed(&error)),
    }
}
