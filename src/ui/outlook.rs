//! What a build is expected to need, in words, and how much of its time is left.

use std::collections::HashMap;
use std::time::Instant;

use super::units::{about, counted};
use super::{bytes, seconds};
use crate::project::StageName;
use crate::run::{Event, Forecast, StageForecast};

/// The forecast on one line.
pub(super) fn told(forecast: &Forecast) -> String {
    let building: Vec<&StageForecast> =
        forecast.stages.iter().filter(|stage| !stage.reused).collect();
    let parts = if building.is_empty() {
        vec![format!("nothing to build{}", in_all(forecast))]
    } else if building.iter().all(|stage| stage.seconds.is_none()) {
        let unknown = "no earlier run of this target to go by".to_owned();
        std::iter::once(unknown).chain(disk(forecast)).collect()
    } else {
        known(forecast, &building)
    };
    format!("forecast: {}", parts.join("; "))
}

fn known(forecast: &Forecast, building: &[&StageForecast]) -> Vec<String> {
    let time = |stage: &&StageForecast| match stage.seconds {
        Some(time) => format!("{} {}", stage.stage, seconds(time)),
        None => format!("{} never built before", stage.stage),
    };
    let stages: Vec<_> = building.iter().map(time).collect();
    let runs = format!("by {}", counted(forecast.runs, "earlier run"));
    let times = format!("{}{}", stages.join(", "), in_all(forecast));
    std::iter::once(times).chain(disk(forecast)).chain([runs]).collect()
}

fn in_all(forecast: &Forecast) -> String {
    forecast.seconds.map(|time| format!(", {} in all", seconds(time))).unwrap_or_default()
}

/// Nothing where nothing is known: that it takes at least 0 bytes is no news.
fn disk(forecast: &Forecast) -> Option<String> {
    let pulled: Vec<_> = forecast.unknown_bases().map(|base| format!("`{}`", base.image)).collect();
    let is_known = forecast.unknown().next().is_none() && pulled.is_empty();
    let least = match is_known {
        true if forecast.is_upper_bound() => "at most ",
        true => "",
        false => "at least ",
    };
    let base = match pulled.as_slice() {
        [] => None,
        [base] => Some(format!("the base {base} of unknown size")),
        bases => Some(format!("the bases {} of unknown size", bases.join(", "))),
    };
    if !is_known && forecast.disk == 0 {
        return base.map(|base| format!("disk for {base}"));
    }
    let base = base.map(|base| format!(", and {base}")).unwrap_or_default();
    let free = forecast.free.map(|free| format!(" of {} free", bytes(free))).unwrap_or_default();
    Some(format!("disk {least}{}{free}{base}", bytes(forecast.disk)))
}

/// A stage that is silent, on one line.
pub(super) fn silent(stage: &StageName, silence: f64, before: f64) -> String {
    let (silence, before) = (seconds(silence), seconds(before));
    format!("[{stage}] no output and no transfer for {silence}; it took {before} at most before")
}

/// How much of a build's time is left.
#[derive(Debug, Default)]
pub(super) struct Remaining {
    total: f64,
    stages: HashMap<StageName, Work>,
}

#[derive(Debug)]
struct Work {
    seconds: f64,
    begun: Option<Instant>,
    ended: bool,
}

impl Remaining {
    /// Takes what tells of it.
    pub(super) fn take(&mut self, event: &Event, now: Instant) {
        match event {
            Event::Forecast(forecast) => {
                self.total = forecast.seconds.unwrap_or(0.0);
                let work = |stage: &StageForecast| {
                    let seconds = stage.seconds.unwrap_or(0.0);
                    (stage.stage.clone(), Work { seconds, begun: None, ended: false })
                };
                self.stages = forecast.stages.iter().map(work).collect();
            }
            Event::StageStarted { stage, .. } => {
                if let Some(work) = self.stages.get_mut(stage) {
                    work.begun = Some(now);
                }
            }
            Event::StageFinished(result) => {
                if let Some(work) = self.stages.get_mut(&result.stage) {
                    work.ended = true;
                }
            }
            _ => {}
        }
    }

    /// Such as `about 2 min 05 s left`; empty where nobody knows.
    pub(super) fn text(&self, now: Instant) -> String {
        let all: f64 = self.stages.values().map(|work| work.seconds).sum();
        if self.total <= 0.0 || all <= 0.0 || self.stages.values().all(|work| work.ended) {
            return String::new();
        }
        let left: f64 = self.stages.values().map(|work| work.left(now)).sum();
        if left <= 0.0 {
            return "taking longer than expected".to_owned();
        }
        // Stages side by side take less time than one after the other.
        format!("about {} left", about((self.total * left / all).ceil()))
    }
}

impl Work {
    fn left(&self, now: Instant) -> f64 {
        let gone =
            self.begun.map_or(0.0, |begun| now.saturating_duration_since(begun).as_secs_f64());
        if self.ended { 0.0 } else { (self.seconds - gone).max(0.0) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn stage(name: &str, seconds: Option<f64>) -> StageForecast {
        StageForecast {
            stage: name.parse().unwrap(),
            reused: seconds == Some(0.2),
            seconds,
            disk: 1 << 30,
            passing: 0,
            context: 0,
            silence: None,
            at_most: false,
        }
    }

    fn forecast(stages: &[(&str, Option<f64>)], seconds: Option<f64>) -> Forecast {
        let stages: Vec<_> = stages.iter().map(|(name, seconds)| stage(name, *seconds)).collect();
        Forecast {
            stages,
            bases: Vec::new(),
            seconds,
            disk: 3 << 30,
            free: Some(50 << 30),
            runs: 4,
        }
    }

    fn check(stages: &[(&str, Option<f64>)], seconds: Option<f64>, expected: &str) {
        assert_eq!(told(&forecast(stages, seconds)), expected);
    }

    #[test]
    fn a_forecast_says_what_it_knows_and_what_not() {
        check(
            &[("A", Some(0.2)), ("B", Some(40.0)), ("C", Some(120.0))],
            Some(160.0),
            "forecast: B 40 s, C 2 min 00 s, 2 min 40 s in all; disk 3.00 GiB of 50.00 GiB free; by 4 earlier runs",
        );
        check(&[("A", Some(0.2))], Some(0.2), "forecast: nothing to build, 0.2 s in all");
        check(
            &[("A", Some(0.2)), ("B", None)],
            None,
            "forecast: no earlier run of this target to go by; disk at least 3.00 GiB of 50.00 GiB free",
        );
        check(
            &[("A", Some(9.0)), ("B", None)],
            None,
            "forecast: A 9.0 s, B never built before; disk at least 3.00 GiB of 50.00 GiB free; by 4 earlier runs",
        );
    }

    #[test]
    fn an_upper_bound_is_said_to_be_one_and_nothing_is_said_of_nothing() {
        let mut bound = forecast(&[("A", Some(9.0))], Some(9.0));
        bound.stages[0].at_most = true;
        assert_eq!(
            told(&bound),
            "forecast: A 9.0 s, 9.0 s in all; disk at most 3.00 GiB of 50.00 GiB free; by 4 earlier runs"
        );
        let first = Forecast { disk: 0, ..forecast(&[("A", None)], None) };
        assert_eq!(told(&first), "forecast: no earlier run of this target to go by");
    }

    #[test]
    fn a_base_of_unknown_size_is_told() {
        let image = "ubuntu:22.04".to_owned();
        let pulled = crate::run::forecast::BaseForecast { image, disk: None, passing: 0 };
        let forecast = Forecast { bases: vec![pulled], ..forecast(&[("A", Some(9.0))], Some(9.0)) };
        assert_eq!(
            told(&forecast),
            "forecast: A 9.0 s, 9.0 s in all; disk at least 3.00 GiB of 50.00 GiB free, and the base `ubuntu:22.04` of unknown size; by 4 earlier runs"
        );
    }

    /// What is said `after` seconds when A (30 s of 120) has begun at once, and has ended or not.
    fn check_left(after: u64, ended: bool, expected: &str) {
        let (mut remaining, start) = (Remaining::default(), Instant::now());
        let stages = [("A", Some(30.0)), ("B", Some(90.0))];
        remaining.take(&Event::Forecast(forecast(&stages, Some(120.0))), start);
        let stage: StageName = "A".parse().unwrap();
        remaining.take(&Event::StageStarted { stage: stage.clone(), steps: 1 }, start);
        if ended {
            remaining.stages.get_mut(&stage).unwrap().ended = true;
        }
        assert_eq!(remaining.text(start + Duration::from_secs(after)), expected);
    }

    #[test]
    fn the_time_that_is_left_follows_what_has_ended() {
        assert_eq!(Remaining::default().text(Instant::now()), "");
        check_left(0, false, "about 2 min 00 s left");
        check_left(20, false, "about 1 min 40 s left");
        check_left(50, false, "about 1 min 30 s left");
        check_left(10, true, "about 1 min 30 s left");
    }
}
