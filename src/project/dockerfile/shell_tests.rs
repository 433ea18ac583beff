//! What the shell reader makes of small scripts.

use super::shell::read;
use super::shell_words::Word;

/// The commands by their first word, each with what joins it to the next and why it may not run.
fn check(text: &str, expected: &str) {
    let commands = read(text).commands;
    let shown: Vec<String> = commands
        .iter()
        .map(|command| {
            let name = command.words.first().and_then(Word::plain).unwrap_or("=");
            let doubt = command.doubt.map_or(String::new(), |doubt| format!(" ({doubt})"));
            format!("{name}{doubt} {:?}", command.after)
        })
        .collect();
    assert_eq!(shown.join(", "), expected);
}

#[test]
fn commands_are_joined_as_they_are_written() {
    check("a && b || c; d | e &", "a And, b Or, c (after `||`) Then, d Pipe, e Background");
    check("a &&\n b\nc", "a And, b Then, c Edge");
    check("a # b && c\nd", "a Then, d Edge");
    check("X=1 a; Y=2", "a Then, = Edge");
    check("a 'b && c' \"d; e\" f\\;g", "a Edge");
    check("a > b 2>&1 < c && d", "a And, d Edge");
    check("a $(b; c) `d && e` $((1 + 2)) ${X:-y}", "a Edge");
}

#[test]
fn what_may_not_run_is_doubted() {
    check(
        "if a; then b; else c; fi; d",
        "a Then, b (inside `if`) Then, c (inside `if`) Then, d Edge",
    );
    check("for x in a b; do c; done && d", "c Then, d Edge");
    check("for x in $A; do c; done && d", "c (inside a loop) Then, d Edge");
    check("while a; do b; done", "a (inside a loop) Then, b (inside a loop) Then");
    check(
        "case $X in a|b) c ;; *) d ;; esac; e",
        "c (inside `case`) Compound, d (inside `case`) Compound, e Edge",
    );
    check("f() { a; }; f", "a (inside a function) Then, f Edge");
    check("[ -f x ] && a; b", "[ And, a (after a test) Then, b Edge");
    check("[[ a && b || c ]] && d", "[[ And, d (after a test) Edge");
    check("a || { b; c; }; d", "a Or, b (after `||`) Then, c (after `||`) Then, d Edge");
    check("(a; b) && c", "a Then, b Compound, c Edge");
}

#[test]
fn heredocs_and_arrays_are_no_commands() {
    check("a <<E && b\nc; d\nE\ne", "a And, b Then, e Edge");
    check("a <<-'E'\n\tb\n\tE\nc", "a Then, c Edge");
    check("X=(a b); c", "= Then, c Edge");
}
