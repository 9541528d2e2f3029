//! Predicates of partial indexes, as far as they are understood: terms about one column each, joined
//! by AND.
//!
//! The text comes from the database itself: PostgreSQL writes one out anew from what it has understood
//! (`pg_get_expr`), SQLite gives back what somebody once wrote. What is not understood here does not
//! serve: nothing is guessed.

use super::literals::{Constant, Literal, literal};
use super::tokens::{Token, tokens};
use crate::catalog::{Column, Dialect, Kind, Table};
use crate::request::Comparison;

/// One term of a predicate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// The column that it is about.
    pub column: String,
    /// What it says of the column.
    pub(super) meaning: Meaning,
    /// The term as the database has it, before the column's name and after.
    before: String,
    after: String,
}

impl Term {
    /// The term as SQL on a column that is written so. A statement that repeats it lets the planner see
    /// that every row it asks for is in the index.
    pub fn on(&self, column: &str) -> String {
        format!("{}{column}{}", self.before, self.after)
    }
}

/// What a term says of its column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    Null,
    NotNull,
    Is(Literal),
    IsNot(Literal),
    OneOf(Vec<Literal>),
    NoneOf(Vec<Literal>),
    /// Less or greater than a whole number.
    Ordered(Comparison, i64),
    /// IS NOT TRUE, or IS NOT FALSE: NULL will do.
    IsNotTruth(bool),
}

/// The terms of a predicate that must all hold; `None`: it says something else, or something more.
pub(super) fn terms(predicate: &str, table: &Table, dialect: Dialect) -> Option<Vec<Term>> {
    let tokens = tokens(predicate, dialect)?;
    let mut parser = Parser {
        tokens: &tokens,
        at: 0,
        table,
        dialect,
    };
    let mut terms = Vec::new();
    parser.all(&mut terms)?;
    (parser.at == tokens.len()).then_some(terms)
}

pub(super) struct Parser<'a> {
    pub(super) tokens: &'a [Token],
    pub(super) at: usize,
    table: &'a Table,
    dialect: Dialect,
}

/// A term under construction.
struct Raw {
    column: String,
    /// The column's own tokens.
    place: std::ops::Range<usize>,
    says: Meaning,
    /// What NOT before it says.
    denied: Meaning,
}

/// A column, and what it is cast to before it is compared.
pub(super) struct Operand<'t> {
    pub(super) column: &'t Column,
    place: std::ops::Range<usize>,
    cast: Option<String>,
}

impl<'a> Parser<'a> {
    fn all(&mut self, terms: &mut Vec<Term>) -> Option<()> {
        loop {
            let start = self.at;
            match self.raw().filter(|_| self.ends_here()) {
                Some(raw) => terms.push(self.term(start, raw)),
                None => {
                    self.at = start;
                    self.sign("(")?;
                    self.all(terms)?;
                    self.sign(")")?;
                    self.ends_here().then_some(())?;
                }
            }
            if self.word("AND").is_none() {
                return Some(());
            }
        }
    }

    fn term(&self, start: usize, raw: Raw) -> Term {
        let written = |from: usize, to: usize| {
            let part = self.tokens.get(from..to).unwrap_or_default();
            part.iter()
                .map(|token| token.text.as_str())
                .collect::<Vec<_>>()
                .join(" ")
        };
        let before = written(start, raw.place.start);
        let after = written(raw.place.end, self.at);
        let spaced = |text: String, space: fn(String) -> String| match text.is_empty() {
            true => text,
            false => space(text),
        };
        Term {
            column: raw.column,
            meaning: raw.says,
            before: spaced(before, |text| format!("{text} ")),
            after: spaced(after, |text| format!(" {text}")),
        }
    }

    fn ends_here(&self) -> bool {
        let next = self.tokens.get(self.at);
        next.is_none_or(|token| token.is_sign(")") || token.is_word("AND"))
    }

    pub(super) fn sign(&mut self, sign: &str) -> Option<()> {
        self.tokens
            .get(self.at)
            .filter(|token| token.is_sign(sign))?;
        self.at += 1;
        Some(())
    }

    pub(super) fn word(&mut self, word: &str) -> Option<()> {
        self.tokens
            .get(self.at)
            .filter(|token| token.is_word(word))?;
        self.at += 1;
        Some(())
    }

    /// Tries one way to read on, and stays where it is if that leads nowhere.
    pub(super) fn attempt<T>(&mut self, way: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let start = self.at;
        let read = way(self);
        if read.is_none() {
            self.at = start;
        }
        read
    }

    fn raw(&mut self) -> Option<Raw> {
        if self.word("NOT").is_some() {
            let bare = self.attempt(Self::raw);
            let inner = bare.or_else(|| {
                self.sign("(")?;
                let inner = self.raw()?;
                self.sign(")")?;
                Some(inner)
            })?;
            return Some(Raw {
                says: inner.denied,
                denied: inner.says,
                ..inner
            });
        }
        if let Some(operand) = self.attempt(Self::operand) {
            let (says, denied) = self.said_of(&operand)?;
            return Some(Raw {
                column: operand.column.name.clone(),
                place: operand.place,
                says,
                denied,
            });
        }
        // `'x' = column`
        let constant = self.constant()?;
        let operator = mirrored(self.operator()?);
        let operand = self.operand()?;
        let literal = self.literal(&operand, constant)?;
        let (says, denied) = compared(operator, literal)?;
        Some(Raw {
            column: operand.column.name.clone(),
            place: operand.place,
            says,
            denied,
        })
    }

    /// What follows a column.
    fn said_of(&mut self, operand: &Operand<'_>) -> Option<(Meaning, Meaning)> {
        let null = (Meaning::Null, Meaning::NotNull);
        let not_null = (Meaning::NotNull, Meaning::Null);
        if self.ends_here() {
            return self
                .truth(operand, true)
                .map(|(yes, no)| (Meaning::Is(yes), Meaning::Is(no)));
        }
        if self.word("ISNULL").is_some() {
            return Some(null);
        }
        if self.word("NOTNULL").is_some() {
            return Some(not_null);
        }
        if self.word("IS").is_some() {
            let not = self.word("NOT").is_some();
            if self.word("NULL").is_some() {
                return Some(if not { not_null } else { null });
            }
            for (word, value) in [("TRUE", true), ("FALSE", false)] {
                if self.word(word).is_some() {
                    let (literal, _) = self.truth(operand, value)?;
                    let pair = (Meaning::Is(literal), Meaning::IsNotTruth(value));
                    return Some(if not { (pair.1, pair.0) } else { pair });
                }
            }
            // SQLite's own: `c IS 'x'` is `c = 'x'` where the other side is no NULL.
            let sqlite = self.dialect == Dialect::Sqlite && !not;
            let constant = sqlite.then(|| self.constant()).flatten()?;
            let literal = self.literal(operand, constant)?;
            // NOT before it would hold for NULL, too: understood by nobody.
            return Some((Meaning::Is(literal), Meaning::OneOf(Vec::new())));
        }
        let not = self.word("NOT").is_some();
        if not && self.word("NULL").is_some() {
            return Some(not_null);
        }
        if self.word("IN").is_some() {
            self.sign("(")?;
            let literals = self.literals(operand)?;
            self.sign(")")?;
            let pair = (Meaning::OneOf(literals.clone()), Meaning::NoneOf(literals));
            return Some(if not { (pair.1, pair.0) } else { pair });
        }
        if not {
            return None;
        }
        let operator = self.operator()?;
        let of_many = match operator {
            Comparison::Equal => self.word("ANY"),
            Comparison::NotEqual => self.word("ALL"),
            _ => None,
        };
        if of_many.is_some() {
            self.sign("(")?;
            let literals = self.array(operand)?;
            self.sign(")")?;
            let pair = (Meaning::OneOf(literals.clone()), Meaning::NoneOf(literals));
            return Some(match operator {
                Comparison::Equal => pair,
                _ => (pair.1, pair.0),
            });
        }
        let constant = self.constant()?;
        let literal = self.literal(operand, constant)?;
        compared(operator, literal)
    }

    fn operator(&mut self) -> Option<Comparison> {
        let signs = [
            ("=", Comparison::Equal),
            ("==", Comparison::Equal),
            ("<>", Comparison::NotEqual),
            ("!=", Comparison::NotEqual),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        let mut signs = signs.into_iter();
        signs.find_map(|(sign, operator)| self.sign(sign).map(|()| operator))
    }

    fn operand(&mut self) -> Option<Operand<'a>> {
        let mut operand = if self.sign("(").is_some() {
            let inner = self.operand()?;
            self.sign(")")?;
            inner
        } else {
            let start = self.at;
            let mut name = self.name()?;
            if self.dialect == Dialect::Sqlite && self.sign(".").is_some() {
                name.eq_ignore_ascii_case(&self.table.id.name)
                    .then_some(())?;
                name = self.name()?;
            }
            let same = |column: &&Column| match self.dialect {
                Dialect::Postgres => column.name == name,
                Dialect::Sqlite => column.name.eq_ignore_ascii_case(&name),
            };
            Operand {
                column: self.table.columns.iter().find(same)?,
                place: start..self.at,
                cast: None,
            }
        };
        if self.sign("::").is_some() {
            let cast = self.sql_type()?;
            // A cast of a cast is more than is understood here.
            operand.cast.is_none().then_some(())?;
            operand.cast = Some(cast);
        }
        Some(operand)
    }

    fn name(&mut self) -> Option<String> {
        let name = self.tokens.get(self.at)?.as_name(self.dialect)?;
        self.at += 1;
        Some(name)
    }

    pub(super) fn literal(&self, operand: &Operand<'_>, constant: Constant) -> Option<Literal> {
        let cast = operand.cast.as_deref();
        literal(operand.column, cast, constant, self.dialect)
    }

    /// A truth value as this column would be compared with it, and the other one.
    fn truth(&self, operand: &Operand<'_>, value: bool) -> Option<(Literal, Literal)> {
        let literal = |value: bool| match self.dialect {
            Dialect::Postgres => Literal::Boolean(value),
            Dialect::Sqlite => Literal::Integer(i64::from(value)),
        };
        let holds_truth = match self.dialect {
            Dialect::Postgres => operand.column.kind == Kind::Boolean,
            Dialect::Sqlite => matches!(operand.column.kind, Kind::Boolean | Kind::Integer(_)),
        };
        (holds_truth && operand.cast.is_none()).then(|| (literal(value), literal(!value)))
    }
}

fn compared(operator: Comparison, literal: Literal) -> Option<(Meaning, Meaning)> {
    let (is, is_not) = (
        Meaning::Is(literal.clone()),
        Meaning::IsNot(literal.clone()),
    );
    match (operator, literal) {
        (Comparison::Equal, _) => Some((is, is_not)),
        (Comparison::NotEqual, _) => Some((is_not, is)),
        (_, Literal::Integer(number)) => Some((
            Meaning::Ordered(operator, number),
            Meaning::Ordered(operator.inverse(), number),
        )),
        _ => None,
    }
}

/// The comparison with its sides changed.
fn mirrored(operator: Comparison) -> Comparison {
    match operator {
        Comparison::Less => Comparison::Greater,
        Comparison::LessOrEqual => Comparison::GreaterOrEqual,
        Comparison::Greater => Comparison::Less,
        Comparison::GreaterOrEqual => Comparison::LessOrEqual,
        same => same,
    }
}
