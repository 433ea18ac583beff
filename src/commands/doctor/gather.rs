//! Gathering the facts: the engine beside the machine, because each takes a while.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use time::OffsetDateTime;

use super::{firewall, leftovers, machine, project, proxies, way};
use crate::doctor::{Asked, Code, EngineSide, Facts, Firewall, Gateway, Reach, Unreachable};
use crate::engine::{DockerEngine, Engine as _, HostAccess};
use crate::error::{Error, Result};
use crate::project::Project;

/// How long an engine may take to say what it is.
const PATIENCE: Duration = Duration::from_secs(5);

/// Everything that is looked at. Nothing here fails: what cannot be known is left out.
pub(super) async fn facts(folder: &Path, asked: Asked) -> Facts {
    let found = project::find(folder);
    let side = project::side(folder, found.as_ref());
    let npu = machine::npu();
    let (engine, npu) = tokio::join!(engine(found.as_ref()), npu);
    let machine = crate::doctor::Machine {
        now: OffsetDateTime::now_utc(),
        unknown_time_zone: machine::unknown_time_zone(std::env::var("TZ").ok()),
        memory: machine::memory(),
        emulator: asked.platform.as_ref().and_then(machine::emulator),
        proxies: proxies::proxies(),
        npu,
    };
    Facts { engine, machine, project: side, asked }
}

async fn engine(project: Option<&Project>) -> std::result::Result<EngineSide, Unreachable> {
    let connecting = tokio::time::timeout(PATIENCE, DockerEngine::connect());
    let engine = connecting.await.map_err(|_| hanging())?.map_err(unreachable)?;
    let side = side(&engine, project).await.map_err(unreachable);
    engine.settle().await;
    side
}

async fn side(engine: &DockerEngine, project: Option<&Project>) -> Result<EngineSide> {
    let asked = OffsetDateTime::now_utc();
    let examination = engine.examine().await?;
    let answered = OffsetDateTime::now_utc();
    let between = asked + (answered - asked) / 2_i32;
    let clock_ahead =
        examination.time.map(|time: OffsetDateTime| (time - between).as_seconds_f64());
    let images = engine.images().await?;
    let leftovers = leftovers::leftovers(engine, &images, project).await;
    let gateway = match engine.gateway().await {
        Ok(access) => known(engine, access, way::candidates(&images, project)).await,
        Err(error) => Gateway::None(words(&error).join("; ")),
    };
    Ok(EngineSide { examination, clock_ahead, gateway, leftovers })
}

/// Rules are looked at only where something is in the way, or nobody could try.
async fn known(engine: &DockerEngine, access: HostAccess, candidates: Vec<String>) -> Gateway {
    let is_here = engine.elsewhere().is_none() && is_here(access.listen);
    let reach = if is_here {
        way::reach(engine, &access, &candidates).await
    } else {
        Reach::Untried("the engine's bridge is not in this network".to_owned())
    };
    let firewall = if is_here && reach != Reach::Reached {
        firewall::read().await
    } else {
        Firewall::default()
    };
    Gateway::Known { access, is_here, reach, firewall }
}

fn is_here(address: IpAddr) -> bool {
    std::net::TcpListener::bind((address, 0)).is_ok()
}

fn hanging() -> Unreachable {
    let seconds = PATIENCE.as_secs();
    Unreachable {
        code: Some(Code::EngineSilent.as_str()),
        what: format!("the Docker Engine does not answer within {seconds} s"),
        notes: vec!["something listens at its address; `docker version` hangs as well".to_owned()],
        mend: vec!["restart it (`systemctl restart docker`); its log says what it waits for (`journalctl -u docker`)".to_owned()],
    }
}

fn unreachable(error: Error) -> Unreachable {
    let notes = words(&error).split_off(1);
    let Some(problem) = error.problems.into_iter().next() else { return Unreachable::default() };
    Unreachable { code: problem.code, what: problem.message, notes, mend: problem.hints }
}

/// What an error says: its message, its cause, its notes.
fn words(error: &Error) -> Vec<String> {
    let problem = error.problems.iter();
    problem
        .flat_map(|problem| {
            let cause = problem.source.iter().map(|cause| format!("cause: {cause}"));
            [problem.message.clone()].into_iter().chain(cause).chain(problem.notes.iter().cloned())
        })
        .collect()
}
