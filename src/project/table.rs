//! Reading TOML tables key by key, so that every problem of a file is found in
//! one run and points at its place.
//!
//! A [`Table`] remembers which keys were asked for; [`Table::finish`] refuses
//! the rest, with the nearest known key.

use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::{Place, Problem, SourceFile, did_you_mean};

/// A value and the place where it was written.
#[derive(Debug, Clone)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Where it was written.
    pub place: Place,
}

/// One table of a file that is being read.
pub(super) struct Table<'a> {
    title: String,
    file: &'a Arc<SourceFile>,
    span: Range<usize>,
    entries: &'a DeTable<'a>,
    asked: Vec<&'static str>,
}

/// Parses `file`; where it is no TOML, adds its first syntax error to `problems`: the later ones
/// follow from it, and so would every problem of what was understood.
pub(super) fn parse<'a>(
    file: &'a SourceFile,
    place: &Arc<SourceFile>,
    problems: &mut Vec<Problem>,
) -> Option<Spanned<DeTable<'a>>> {
    let (table, errors) = DeTable::parse_recoverable(&file.text);
    let Some(error) = errors.first() else { return Some(table) };
    let span = error.span().unwrap_or(0..0);
    problems.push(
        Problem::error("the file is not valid TOML").at(Place::new(place, span), error.message()),
    );
    None
}

impl<'a> Table<'a> {
    pub(super) fn new(
        title: impl Into<String>,
        file: &'a Arc<SourceFile>,
        table: &'a DeTable<'a>,
        span: Range<usize>,
    ) -> Self {
        Self { title: title.into(), file, span, entries: table, asked: Vec::new() }
    }

    /// The place of the whole table.
    pub(super) fn place(&self) -> Place {
        Place::new(self.file, self.span.clone())
    }

    fn placed(&self, span: Range<usize>) -> Place {
        Place::new(self.file, span)
    }

    fn get(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.asked.push(key);
        let entries: &'a DeTable<'a> = self.entries;
        entries.iter().find(|(name, _)| name.get_ref().as_ref() == key).map(|(_, value)| value)
    }

    /// A text, where the key is there.
    pub(super) fn text(
        &mut self,
        key: &'static str,
        problems: &mut Vec<Problem>,
    ) -> Option<Placed<String>> {
        let value = self.get(key)?;
        let place = self.placed(value.span());
        match value.get_ref().as_str() {
            Some(text) => Some(Placed { value: text.to_owned(), place }),
            None => {
                problems.push(self.wrong_type(key, "a string", value));
                None
            }
        }
    }

    /// A text that must be there.
    pub(super) fn required_text(
        &mut self,
        key: &'static str,
        problems: &mut Vec<Problem>,
    ) -> Option<Placed<String>> {
        if !self.has(key) {
            let problem = Problem::error(format!("{} has no `{key}`", self.title));
            problems.push(problem.at(self.place(), format!("expected `{key} = \"…\"` here")));
        }
        self.text(key, problems)
    }

    /// A text that must make a `T`.
    pub(super) fn parsed<T: FromStr<Err: std::fmt::Display>>(
        &mut self,
        key: &'static str,
        problems: &mut Vec<Problem>,
    ) -> Option<Placed<T>> {
        let text = self.text(key, problems)?;
        parse_placed(&text, key, problems)
    }

    /// A text that must be there and must make a `T`.
    pub(super) fn required<T: FromStr<Err: std::fmt::Display>>(
        &mut self,
        key: &'static str,
        problems: &mut Vec<Problem>,
    ) -> Option<Placed<T>> {
        let text = self.required_text(key, problems)?;
        parse_placed(&text, key, problems)
    }

    /// A whole number from 0 on.
    pub(super) fn whole_number(
        &mut self,
        key: &'static str,
        problems: &mut Vec<Problem>,
    ) -> Option<Placed<u64>> {
        let value = self.get(key)?;
        let number = value.get_ref().as_integer().and_then(|integer| {
            u64::from_str_radix(&integer.as_str().replace('_', ""), integer.radix()).ok()
        });
        if number.is_none() {
            problems.push(self.wrong_type(key, "a whole number from 0 on", value));
        }
        Some(Placed { value: number?, place: self.placed(value.span()) })
    }

    /// A list of texts; empty where the key is missing.
    pub(super) fn texts(
        &mut self,
        key: &'static str,
        problems: &mut Vec<Problem>,
    ) -> Vec<Placed<String>> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            problems.push(self.wrong_type(key, "a list of strings", value));
            return Vec::new();
        };
        let mut texts = Vec::new();
        for item in array.iter() {
            match item.get_ref().as_str() {
                Some(text) => {
                    texts.push(Placed { value: text.to_owned(), place: self.placed(item.span()) });
                }
                None => problems.push(self.wrong_type(key, "a list of strings", item)),
            }
        }
        texts
    }

    /// A table under `key`.
    pub(super) fn table(
        &mut self,
        key: &'static str,
        problems: &mut Vec<Problem>,
    ) -> Option<Table<'a>> {
        let value = self.get(key)?;
        let title = format!("`[{key}]`");
        match value.get_ref().as_table() {
            Some(table) => Some(Table::new(title, self.file, table, value.span())),
            None => {
                problems.push(self.wrong_type(key, "a table", value));
                None
            }
        }
    }

    /// The tables of a list of tables (`[[key]]`).
    pub(super) fn tables(
        &mut self,
        key: &'static str,
        problems: &mut Vec<Problem>,
    ) -> Vec<Table<'a>> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let items: Option<Vec<_>> = value.get_ref().as_array().and_then(|array| {
            array.iter().map(|item| Some((item.get_ref().as_table()?, item.span()))).collect()
        });
        let Some(items) = items else {
            problems.push(self.wrong_type(key, "a list of tables", value));
            return Vec::new();
        };
        items
            .into_iter()
            .map(|(table, span)| Table::new(format!("`[[{key}]]`"), self.file, table, span))
            .collect()
    }

    /// The tables under the keys of this table (`[title.NAME]`), in the order of the file.
    pub(super) fn named_tables(
        &mut self,
        problems: &mut Vec<Problem>,
    ) -> Vec<(Placed<String>, Table<'a>)> {
        let mut tables = Vec::new();
        for (name, value) in self.in_order() {
            let title = format!("`[{}.{}]`", self.title.trim_matches(['`', '[', ']']), name.value);
            match value.get_ref().as_table() {
                Some(table) => {
                    let span = name.place.span.clone();
                    tables.push((name, Table::new(title, self.file, table, span)));
                }
                None => problems.push(self.wrong_type(&name.value, "a table", value)),
            }
        }
        tables
    }

    /// All keys with texts as values, in the order of the file.
    pub(super) fn text_pairs(
        &mut self,
        problems: &mut Vec<Problem>,
    ) -> Vec<(Placed<String>, Placed<String>)> {
        let mut pairs = Vec::new();
        for (name, value) in self.in_order() {
            match value.get_ref().as_str() {
                Some(text) => {
                    pairs.push((
                        name,
                        Placed { value: text.to_owned(), place: self.placed(value.span()) },
                    ));
                }
                None => problems.push(self.wrong_type(&name.value, "a string", value)),
            }
        }
        pairs
    }

    fn in_order(&self) -> Vec<(Placed<String>, &'a Spanned<DeValue<'a>>)> {
        let mut entries: Vec<_> = self
            .entries
            .iter()
            .map(|(name, value)| {
                (
                    Placed { value: name.get_ref().to_string(), place: self.placed(name.span()) },
                    value,
                )
            })
            .collect();
        entries.sort_by_key(|(name, _)| name.place.span.start);
        entries
    }

    fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|(name, _)| name.get_ref().as_ref() == key)
    }

    /// Refuses the keys that nobody asked for.
    pub(super) fn finish(self, problems: &mut Vec<Problem>) {
        for (name, _) in self.in_order() {
            if self.asked.contains(&name.value.as_str()) {
                continue;
            }
            let problem = Problem::error(format!("unknown key `{}` in {}", name.value, self.title))
                .at(name.place, "not known here");
            let known = format!("known keys: {}", self.asked.join(", "));
            let hint = did_you_mean(&name.value, self.asked.iter().copied()).unwrap_or(known);
            problems.push(problem.hint(hint));
        }
    }

    fn wrong_type(&self, key: &str, expected: &str, value: &Spanned<DeValue<'_>>) -> Problem {
        Problem::error(format!("`{key}` of {} has the wrong type", self.title)).at(
            self.placed(value.span()),
            format!("expected {expected}, actual {}", value.get_ref().type_str()),
        )
    }
}

/// Makes a `T` of a text, or a problem that points at it.
pub(super) fn parse_placed<T: FromStr<Err: std::fmt::Display>>(
    text: &Placed<String>,
    key: &str,
    problems: &mut Vec<Problem>,
) -> Option<Placed<T>> {
    match text.value.parse() {
        Ok(value) => Some(Placed { value, place: text.place.clone() }),
        Err(error) => {
            let problem = Problem::error(format!("`{key}` is not valid"));
            problems.push(problem.at(text.place.clone(), error.to_string()));
            None
        }
    }
}
