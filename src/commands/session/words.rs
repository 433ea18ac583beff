//! What a session says of itself before the first stage.

use super::Session;
use crate::engine::{Builder, DockerEngine, Engine as _};
use crate::plan::Piece;
use crate::run::{Event, SCHEMA};

impl Session<'_> {
    pub(super) fn announce(&self) {
        let folder = self.recorder.folder();
        self.recorder.record(&Event::RunStarted {
            schema: SCHEMA,
            run: folder.id.clone(),
            project: self.plan.project.clone(),
            target: self.plan.target.clone(),
            platform: self.plan.platform.clone(),
            stages: self.plan.stages.iter().map(|stage| stage.name.clone()).collect(),
        });
        if let Some(why) = folder.unlocked() {
            self.warn(format!(
                "`{}` cannot be locked ({why}): whether this run is under way is told by its process alone; keep the project on a file system that has locks",
                folder.path.display()
            ));
        }
    }

    pub(super) fn ready(
        &self,
        engine: &DockerEngine,
        builder: Builder,
        address: &str,
        shared: bool,
    ) {
        let version = engine.facts().version.clone();
        self.recorder.record(&Event::EngineReady {
            version,
            builder,
            server: format!("http://{address}"),
            shared,
        });
        let pieces = self.plan.stages.iter().flat_map(|stage| &stage.pieces);
        let mut written: Vec<&String> = pieces
            .filter_map(|piece| match piece {
                Piece::Authority(written) | Piece::Given { written, .. } => Some(written),
                _ => None,
            })
            .filter(|written| *written != address)
            .collect();
        written.dedup();
        for written in written {
            self.warn(format!(
                "the Dockerfile asks `{written}`, and this engine's containers reach the package server at `{address}`: the engine is given the latter"
            ));
        }
    }

    fn warn(&self, message: String) {
        self.recorder.record(&Event::Warning { message });
    }
}
