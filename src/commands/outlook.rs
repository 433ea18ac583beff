//! What a build would do with each stage, asked of an engine and changing nothing.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use tokio::sync::watch;

use super::builder;
use super::materials::Disk;
use super::packages::Packages;
use super::selection::Wanted;
use super::verification;
use crate::engine::{DockerEngine, Engine};
use crate::error::Result;
use crate::plan::{FileIdentity, Plan, PlannedPackage, VerifiedPackage};
use crate::project::{Project, StageName};
use crate::run::{Decision, Sources, Stock, foresee};
use crate::store::{Found, RootIndex, verify};
use crate::ui::Table;

/// What would become of each stage, in the plan's order.
pub(super) type Outlook = Vec<(StageName, Decision)>;

/// Asks an engine what a build would do.
///
/// # Errors
/// No engine answers, it has not got the builder, or a file that nothing declares is missing.
pub(super) async fn outlook(
    project: &Project,
    plan: &Plan,
    packages: Vec<VerifiedPackage>,
    wanted: Wanted,
) -> Result<(Outlook, DockerEngine)> {
    let engine = DockerEngine::connect().await?;
    let builder = builder::choose(wanted, engine.facts())?;
    let disk = Disk {
        context: project.context.clone(),
        dockerfile: project.dockerfile.clone(),
        options: verification::options(project.roots.clone(), false),
        verified: watch::channel(Packages::new(packages.clone())).1,
        expected: Packages::new(packages),
        shared: None,
    };
    let stock = Stock::of(&engine).await?;
    let sources = Sources {
        plan,
        engine: &engine,
        builder,
        materials: &disk,
        stock: &stock,
        no_cache: false,
    };
    let outlook = foresee(&sources).await?;
    Ok((outlook, engine))
}

/// The plan's files by what is declared of them; what nothing declares is hashed.
///
/// # Errors
/// A file that nothing declares is missing or cannot be read.
pub(super) fn packages(project: &Project, plan: &Plan) -> Result<Vec<VerifiedPackage>> {
    let undeclared: Vec<_> =
        plan.packages.iter().filter(|package| package.sha256.is_none()).cloned().collect();
    let options = verification::options(project.roots.clone(), false);
    let mut packages = verify(&undeclared, &options, &|_| {}, &AtomicBool::new(false))?;
    packages.extend(declared_packages(project, plan));
    Ok(packages)
}

/// The plan's files that are declared, as they are declared; none is read.
pub(super) fn declared_packages(project: &Project, plan: &Plan) -> Vec<VerifiedPackage> {
    let index = RootIndex::walk(&project.roots);
    plan.packages.iter().filter_map(|package| declared(package, &index)).collect()
}

fn declared(package: &PlannedPackage, index: &RootIndex) -> Option<VerifiedPackage> {
    let path = match index.find(&package.file) {
        Found::File { path, .. } => path.to_owned(),
        _ => PathBuf::new(),
    };
    let metadata = path.metadata().ok();
    Some(VerifiedPackage {
        name: package.name.clone(),
        file: package.file.clone(),
        sha256: package.sha256.clone()?,
        size: metadata.as_ref().map(std::fs::Metadata::len).or(package.size).unwrap_or(0),
        declared: true,
        identity: metadata.as_ref().map(FileIdentity::from).unwrap_or_default(),
        path,
    })
}

/// The outlook for people.
pub(super) fn table(outlook: &Outlook) -> String {
    let mut table = Table::new(&["STAGE", "A BUILD", "BECAUSE"]);
    for (stage, decision) in outlook {
        let word = if decision.reuse.is_some() { "reuses it" } else { "builds it" };
        table.row([stage.to_string(), word.to_owned(), decision.reasons.join("; ")]);
    }
    format!("\n{table}")
}

/// The outlook for programs.
pub(super) fn json(outlook: &Outlook) -> serde_json::Value {
    let one = |(stage, decision): &(StageName, Decision)| {
        serde_json::json!({
            "stage": stage,
            "reused": decision.reuse.is_some(),
            "reasons": decision.reasons,
            "key": decision.key.as_ref().filter(|_| decision.assumed.is_none()),
            "inputs": decision.inputs,
        })
    };
    outlook.iter().map(one).collect()
}
