//! Types, constants and lists of them in a predicate.

use super::literals::{Constant, Literal, is_varchar};
use super::predicate::{Operand, Parser};

impl Parser<'_> {
    /// A type as PostgreSQL writes it after `::`.
    pub(super) fn sql_type(&mut self) -> Option<String> {
        const ENDS: [&str; 8] = ["AND", "OR", "IS", "NOT", "COLLATE", "IN", "LIKE", "BETWEEN"];
        let mut name = String::new();
        while let Some(token) = self.tokens.get(self.at) {
            let ends = ENDS.iter().any(|word| token.is_word(word));
            if !token.is_sign(".") && (ends || !token.is_identifier()) {
                break;
            }
            let joined = name.is_empty() || name.ends_with('.') || token.is_sign(".");
            name.push_str(if joined { "" } else { " " });
            name.push_str(&token.text);
            self.at += 1;
        }
        let list = self.attempt(|own| {
            own.sign("[")?;
            own.sign("]")
        });
        name.push_str(list.map_or("", |()| "[]"));
        (!name.is_empty()).then_some(name)
    }

    pub(super) fn constant(&mut self) -> Option<Constant> {
        let mut constant = if self.sign("(").is_some() {
            let inner = self.constant()?;
            self.sign(")")?;
            inner
        } else {
            let minus = self.sign("-").is_some();
            let token = self.tokens.get(self.at)?;
            self.at += 1;
            let literal = match (token.as_text(), token.as_number()) {
                (Some(text), _) if !minus => Literal::Text(text),
                (_, Some(number)) => Literal::Integer(if minus { -number } else { number }),
                _ if token.is_word("TRUE") && !minus => Literal::Boolean(true),
                _ if token.is_word("FALSE") && !minus => Literal::Boolean(false),
                _ => return None,
            };
            Constant {
                literal,
                casts: Vec::new(),
            }
        };
        if self.sign("::").is_some() {
            constant.casts.push(self.sql_type()?);
        }
        Some(constant)
    }

    pub(super) fn literals(&mut self, operand: &Operand<'_>) -> Option<Vec<Literal>> {
        let mut literals = Vec::new();
        loop {
            let constant = self.constant()?;
            literals.push(self.literal(operand, constant)?);
            if self.sign(",").is_none() {
                return Some(literals);
            }
        }
    }

    /// `ARRAY['x'::text, …]`, perhaps in parentheses and cast once more; or `'{x,y}'::text[]`.
    pub(super) fn array(&mut self, operand: &Operand<'_>) -> Option<Vec<Literal>> {
        let literals = if self.sign("(").is_some() {
            let inner = self.array(operand)?;
            self.sign(")")?;
            inner
        } else if self.word("ARRAY").is_some() {
            self.sign("[")?;
            let literals = self.literals(operand)?;
            self.sign("]")?;
            literals
        } else {
            return self.written_array(operand);
        };
        if self.sign("::").is_some() {
            let cast = self.sql_type()?;
            (cast == "text[]" && is_varchar(operand.column)).then_some(())?;
        }
        Some(literals)
    }

    fn written_array(&mut self, operand: &Operand<'_>) -> Option<Vec<Literal>> {
        let text = self.tokens.get(self.at)?.as_text()?;
        self.at += 1;
        self.sign("::")?;
        let sql_type = self.sql_type()?;
        let element = sql_type.strip_suffix("[]")?;
        let inside = text.strip_prefix('{')?.strip_suffix('}')?;
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | ',');
        (!inside.is_empty() && inside.chars().all(plain)).then_some(())?;
        let items = inside.split(',').map(|item| {
            let named = !item.is_empty() && !item.eq_ignore_ascii_case("null");
            let literal = Literal::Text(named.then(|| item.to_owned())?);
            let casts = vec![element.to_owned()];
            self.literal(operand, Constant { literal, casts })
        });
        items.collect()
    }
}
