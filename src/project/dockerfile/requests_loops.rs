//! A script's commands in the order in which they run, loops round by round.

use std::ops::Range;

use super::branches::Branches;
use super::requests::Finder;
use super::simple::Script;

/// A script and the text that it was read from.
#[derive(Clone, Copy)]
struct Reading<'a> {
    script: &'a Script,
    text: &'a str,
}

impl Finder<'_> {
    /// Finds what a script asks for.
    pub(super) fn script(&mut self, script: &Script, text: &str) {
        let reading = Reading { script, text };
        self.commands(reading, 0..script.commands.len(), 0, &mut Branches::default());
    }

    /// The commands at `places`, around which the outer `depth` loops are bound already.
    fn commands(
        &mut self,
        reading: Reading<'_>,
        places: Range<usize>,
        depth: usize,
        branches: &mut Branches,
    ) {
        let round = |place: usize| reading.script.commands[place].loops.get(depth);
        let mut place = places.start;
        while place < places.end {
            let Some(number) = round(place) else {
                self.one(reading, place, branches);
                place += 1;
                continue;
            };
            let same = |other: &usize| round(*other) == Some(number);
            let end = place + (place..places.end).take_while(same).count();
            self.rounds(reading, place..end, depth, branches);
            place = end;
        }
    }

    /// The commands of a loop, once for each of its rounds; where there are very many, the rest of
    /// them as one whose value is not known.
    fn rounds(
        &mut self,
        reading: Reading<'_>,
        places: Range<usize>,
        depth: usize,
        branches: &mut Branches,
    ) {
        let commands = &reading.script.commands[places.clone()];
        let one = &reading.script.loops[commands[0].loops[depth]];
        let before = branches.clone();
        for value in &one.values {
            *branches = before.clone();
            if self.rounds_left == 0 {
                self.commands(reading, places.clone(), depth + 1, branches);
                break;
            }
            self.rounds_left -= 1;
            let outer = self.variables.bind(&one.name, value);
            self.commands(reading, places.clone(), depth + 1, branches);
            self.variables.restore(outer);
        }
        self.variables.pass_loop(commands);
    }

    fn one(
        &mut self,
        Reading { script, text }: Reading<'_>,
        place: usize,
        branches: &mut Branches,
    ) {
        let Some(mut command) = branches.enter(&script.commands[place], script, &self.variables)
        else {
            return;
        };
        let tolerated = script.tolerates(place, text).then_some("before `||`");
        command.doubt = command.doubt.or(tolerated);
        let words = self.variables.words(&command.words);
        self.substitutions(&command, text);
        self.command(&words, &command, text);
        self.variables.pass(&command);
        branches.leave(&command, &words, script);
    }
}
