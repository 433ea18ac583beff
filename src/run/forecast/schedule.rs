//! When stages run that are built side by side, and what lies on the disk meanwhile.

use super::{Expected, StageForecast};

/// What all stages need together.
pub(super) struct Together {
    /// Seconds from the first one's start to the last one's end.
    pub(super) seconds: f64,
    /// The most bytes at one time.
    pub(super) disk: u64,
}

/// Lets stages begin as a run does: in the plan's order, when their parents are done and one of `jobs` is free.
pub(super) fn simulate(expected: &[Expected], stages: &[StageForecast], jobs: usize) -> Together {
    let mut spans: Vec<(f64, f64)> = Vec::new();
    for (index, stage) in expected.iter().enumerate() {
        let parents = stage.parents.iter().filter_map(|parent| {
            let place = expected[..index].iter().position(|other| other.stage == *parent)?;
            spans.get(place)
        });
        let ready = parents.map(|(_, end)| *end).fold(0.0, f64::max);
        let start = free(&spans, ready, jobs.max(1));
        spans.push((start, start + stages[index].seconds.unwrap_or(0.0)));
    }
    let disk = (0..stages.len()).map(|index| at(&spans, stages, index)).max();
    Together {
        seconds: spans.iter().map(|(_, end)| *end).fold(0.0, f64::max),
        disk: disk.unwrap_or(0),
    }
}

/// The first moment from `ready` on at which fewer than `jobs` stages run.
fn free(spans: &[(f64, f64)], ready: f64, jobs: usize) -> f64 {
    let busy =
        |moment: f64| spans.iter().filter(|(start, end)| *start <= moment && moment < *end).count();
    let mut moments: Vec<f64> =
        spans.iter().map(|(_, end)| *end).filter(|end| *end >= ready).collect();
    moments.push(ready);
    moments.sort_by(f64::total_cmp);
    moments.into_iter().find(|moment| busy(*moment) < jobs).unwrap_or(ready)
}

/// The bytes on the disk when the stage at `index` ends: its own, those of all that have begun before, and
/// what lies there only while it and those beside it run.
fn at(spans: &[(f64, f64)], stages: &[StageForecast], index: usize) -> u64 {
    let end = spans[index].1;
    let begun = (0..stages.len()).filter(|other| spans[*other].0 < end || *other <= index);
    begun
        .map(|other| {
            let beside = other == index || spans[other].1 > spans[index].0 && spans[other].0 < end;
            stages[other].disk + if beside { stages[other].passing } else { 0 }
        })
        .sum()
}
