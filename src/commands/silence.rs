//! While a build runs: which stage is silent for longer than it ever was.

use std::collections::HashSet;
use std::convert::Infallible;
use std::time::{Duration, Instant};

use crate::project::StageName;
use crate::run::forecast::is_strange;
use crate::run::{Event, Forecast, Pace, Recorder};

/// How often silence is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Says once of each silence that it is longer than any before; never ends.
pub(super) async fn watch(pace: &Pace, recorder: &Recorder<'_>, forecast: &Forecast) -> Infallible {
    let mut told = HashSet::new();
    loop {
        tokio::time::sleep(LOOK).await;
        look(pace, recorder, forecast, &mut told, Instant::now());
    }
}

fn look(
    pace: &Pace,
    recorder: &Recorder<'_>,
    forecast: &Forecast,
    told: &mut HashSet<StageName>,
    now: Instant,
) {
    for (stage, silent) in pace.silent(now) {
        let known = forecast.stages.iter().find(|known| known.stage == stage);
        let before = known.and_then(|known| known.silence);
        let seconds = silent.as_secs_f64();
        match before.filter(|before| is_strange(seconds, *before)) {
            Some(before) if told.insert(stage.clone()) => {
                recorder.record(&Event::Silent { stage, seconds, before });
            }
            Some(_) => {}
            None => _ = told.remove(&stage),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use time::OffsetDateTime;

    use super::*;
    use crate::run::{Reporter, RunFolder, StageForecast};

    /// Keeps what is said of silent stages: which, for how many seconds, after how many.
    #[derive(Clone, Default)]
    struct Told(Arc<Mutex<Vec<(String, u64, u64)>>>);

    impl Reporter for Told {
        fn report(&self, event: &Event) {
            if let Event::Silent { stage, seconds, before } = event {
                let told = (stage.to_string(), *seconds as u64, *before as u64);
                self.0.lock().unwrap().push(told);
            }
        }
    }

    fn stage(name: &str, silence: Option<f64>) -> StageForecast {
        StageForecast {
            stage: name.parse().unwrap(),
            reused: false,
            seconds: silence,
            disk: 0,
            passing: 0,
            context: 0,
            silence,
            at_most: false,
        }
    }

    /// What is said at these seconds after A (30 s at most before) and B (never built before)
    /// have begun side by side, and say nothing.
    fn check(seconds: &[u64], expected: &[(&str, u64, u64)]) {
        let (folder, told) = (tempfile::tempdir().unwrap(), Told::default());
        let pace = Pace::new(Box::new(told.clone()));
        let run = RunFolder::create(folder.path(), OffsetDateTime::now_utc()).unwrap();
        let recorder = Recorder::new(run, &*pace);
        let stages = vec![stage("A", Some(30.0)), stage("B", None)];
        let forecast =
            Forecast { stages, bases: Vec::new(), seconds: None, disk: 0, free: None, runs: 1 };
        for stage in ["A", "B"] {
            let stage: StageName = stage.parse().unwrap();
            recorder.record(&Event::StageStarted { stage, steps: 1 });
        }
        let (begun, mut already) = (Instant::now(), HashSet::new());
        for after in seconds {
            let now = begun + Duration::from_secs(*after);
            look(&pace, &recorder, &forecast, &mut already, now);
        }
        let told = told.0.lock().unwrap();
        let told: Vec<_> = told.iter().map(|(name, one, other)| (&**name, *one, *other)).collect();
        assert_eq!(told, expected);
    }

    #[test]
    fn a_silence_is_told_once_and_only_of_a_stage_that_was_built_before() {
        check(&[10, 89], &[]);
        check(&[10, 100, 101, 300], &[("A", 100, 30)]);
    }
}
