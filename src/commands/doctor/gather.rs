//! Gathering the facts: the engine beside the machine, because each takes a while.

use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use time::OffsetDateTime;

use super::{firewall, leftovers, machine, project, proxies, way};
use crate::commands::interrupt::Interrupt;
use crate::doctor::{Asked, Code, EngineSide, Facts, Firewall, Gateway, Reach, Unreachable};
use crate::engine::{DockerEngine, Engine as _, HostAccess};
use crate::error::{Error, Result};
use crate::project::Project;

/// How long an engine may take to say what it is.
const PATIENCE: Duration = Duration::from_secs(15);

/// Everything that is looked at. What cannot be known is left out.
///
/// # Errors
/// [`crate::error::Exit::Interrupted`].
pub(super) async fn facts(folder: &Path, asked: Asked) -> Result<Facts> {
    let interrupt = Interrupt::listen()?;
    let found = project::find(folder);
    let side = project::side(folder, found.as_ref());
    let npu = async { Ok(machine::npu().await) };
    let (engine, npu) = tokio::try_join!(engine(found.as_ref(), &interrupt), npu)?;
    let machine = crate::doctor::Machine {
        now: OffsetDateTime::now_utc(),
        unknown_time_zone: machine::unknown_time_zone(std::env::var("TZ").ok()),
        memory: machine::memory(),
        emulator: asked.platform.as_ref().map(machine::emulator).unwrap_or_default(),
        proxies: proxies::proxies(),
        npu,
    };
    Ok(Facts { engine, machine, project: side, asked })
}

/// However the questions end, the throwaway container is gone before doctor is.
async fn engine(
    project: Option<&Project>,
    interrupt: &Interrupt,
) -> Result<std::result::Result<EngineSide, Unreachable>> {
    let connecting = tokio::time::timeout(PATIENCE, DockerEngine::connect());
    let connected = interrupt.unless(async { Ok(connecting.await) }).await?;
    let engine = match connected.map_err(|_| hanging()).and_then(|done| done.map_err(unreachable)) {
        Ok(engine) => engine,
        Err(unreachable) => return Ok(Err(unreachable)),
    };
    let side = interrupt.unless(async { Ok(side(&engine, project).await) }).await;
    engine.settle().await;
    side.map(|side| side.map_err(unreachable))
}

async fn side(engine: &DockerEngine, project: Option<&Project>) -> Result<EngineSide> {
    let asked = OffsetDateTime::now_utc();
    let examination = engine.examine().await?;
    let answered = OffsetDateTime::now_utc();
    let between = asked + (answered - asked) / 2_i32;
    let clock_ahead =
        examination.time.map(|time: OffsetDateTime| (time - between).as_seconds_f64());
    let images = engine.images().await?;
    let now = examination.time.unwrap_or(answered);
    let leftovers = leftovers::leftovers(engine, &images, project, now);
    let gateway = gateway(engine, way::candidates(&images, project));
    let (leftovers, gateway) = tokio::join!(leftovers, gateway);
    Ok(EngineSide { examination, clock_ahead, gateway, leftovers })
}

async fn gateway(engine: &DockerEngine, candidates: Vec<String>) -> Gateway {
    match engine.gateway().await {
        Ok(access) => known(engine, access, candidates).await,
        Err(error) => Gateway::None(words(&error).join("; ")),
    }
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
