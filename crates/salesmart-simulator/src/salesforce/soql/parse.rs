//! From text to [`Query`], by recursive descent.

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};

use super::lex::{Spanned, Token, tokens};
use super::{
    Condition, DateName, FieldSet, Function, Item, Literal, Malformed, Name, Operator, Order, Path,
    Place, Query,
};
use crate::salesforce::value::Decimal;

/// How deep conditions may be nested; deeper ones are no honest query.
const DEEPEST: usize = 50;

/// Parses a query.
pub(crate) fn parse(query: &str) -> Result<Query, Malformed> {
    let tokens = tokens(query)?;
    let mut parser = Parser { tokens, next: 0, depth: 0 };
    let query = parser.query()?;
    match parser.peek() {
        Token::End => Ok(query),
        _ => Err(parser.unexpected()),
    }
}

struct Parser {
    tokens: Vec<Spanned>,
    next: usize,
    depth: usize,
}

type Parsed<T> = Result<T, Malformed>;

impl Parser {
    fn query(&mut self) -> Parsed<Query> {
        self.keyword("SELECT")?;
        let mut select = vec![self.item()?];
        while self.takes_sign(",") {
            select.push(self.item()?);
        }
        self.keyword("FROM")?;
        let at = self.at();
        let from = Name { text: self.name()?, at };
        let filter = if self.takes("WHERE") { Some(self.condition()?) } else { None };
        let mut group_by = Vec::new();
        if self.takes("GROUP") {
            self.keyword("BY")?;
            group_by.push(self.path()?);
            while self.takes_sign(",") {
                group_by.push(self.path()?);
            }
        }
        let mut order_by = Vec::new();
        if self.takes("ORDER") {
            self.keyword("BY")?;
            order_by.push(self.order()?);
            while self.takes_sign(",") {
                order_by.push(self.order()?);
            }
        }
        let limit = if self.takes("LIMIT") { Some(self.count()?) } else { None };
        let offset = if self.takes("OFFSET") { Some(self.count()?) } else { None };
        Ok(Query { select, from, filter, group_by, order_by, limit, offset })
    }

    fn item(&mut self) -> Parsed<Item> {
        let at = self.at();
        if self.takes_sign("(") {
            self.deeper()?;
            let query = self.query()?;
            self.depth -= 1;
            self.sign(")")?;
            return Ok(Item::SubQuery(Box::new(query), Place(at)));
        }
        if let (Token::Word(word), Token::Sign("(")) = (self.peek(), self.peek_after()) {
            let word = word.to_ascii_uppercase();
            if word == "FIELDS" {
                return self.fields(at);
            }
            return self.figure(&word, at);
        }
        Ok(Item::Field(self.path()?))
    }

    fn fields(&mut self, at: usize) -> Parsed<Item> {
        self.next += 2;
        let set = if self.takes("ALL") {
            FieldSet::All
        } else if self.takes("STANDARD") {
            FieldSet::Standard
        } else if self.takes("CUSTOM") {
            FieldSet::Custom
        } else {
            return Err(self.unexpected());
        };
        self.sign(")")?;
        Ok(Item::Fields(set, Place(at)))
    }

    fn figure(&mut self, word: &str, at: usize) -> Parsed<Item> {
        let function = Function::ALL
            .iter()
            .find(|(_, name)| *name == word)
            .map(|(function, _)| *function)
            .ok_or_else(|| self.unexpected())?;
        self.next += 2;
        let of = if function == Function::Count && matches!(self.peek(), Token::Sign(")")) {
            None
        } else {
            Some(self.path()?)
        };
        self.sign(")")?;
        let alias = match self.peek() {
            Token::Word(word) if !word.eq_ignore_ascii_case("FROM") => Some(self.name()?),
            _ => None,
        };
        Ok(Item::Figure { function, of, alias, at: Place(at) })
    }

    fn order(&mut self) -> Parsed<Order> {
        let path = self.path()?;
        let descending = self.takes("DESC");
        if !descending {
            self.takes("ASC");
        }
        let mut nulls_last = None;
        if self.takes("NULLS") {
            nulls_last = Some(self.takes("LAST"));
            if nulls_last == Some(false) {
                self.keyword("FIRST")?;
            }
        }
        Ok(Order { path, descending, nulls_last })
    }

    /// Conditions joined by one kind of word: SOQL wants parentheses where AND and OR meet.
    fn condition(&mut self) -> Parsed<Condition> {
        self.deeper()?;
        let first = self.negation()?;
        let condition = if self.is("AND") {
            Condition::And(self.chain("AND", first)?)
        } else if self.is("OR") {
            Condition::Or(self.chain("OR", first)?)
        } else {
            first
        };
        self.depth -= 1;
        Ok(condition)
    }

    fn chain(&mut self, word: &str, first: Condition) -> Parsed<Vec<Condition>> {
        let mut parts = vec![first];
        while self.takes(word) {
            parts.push(self.negation()?);
        }
        if self.is("AND") || self.is("OR") {
            return Err(self.unexpected());
        }
        Ok(parts)
    }

    fn negation(&mut self) -> Parsed<Condition> {
        if self.takes("NOT") {
            self.deeper()?;
            let inner = self.negation()?;
            self.depth -= 1;
            return Ok(Condition::Not(Box::new(inner)));
        }
        if self.takes_sign("(") {
            let inner = self.condition()?;
            self.sign(")")?;
            return Ok(inner);
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Parsed<Condition> {
        let path = self.path()?;
        let negated = self.takes("NOT");
        if negated || self.is("IN") {
            self.keyword("IN")?;
            self.sign("(")?;
            let mut literals = vec![self.literal()?];
            while self.takes_sign(",") {
                literals.push(self.literal()?);
            }
            self.sign(")")?;
            return Ok(Condition::In { path, negated, literals });
        }
        let operator = match self.peek() {
            Token::Sign("=") => Operator::Equal,
            Token::Sign("!=" | "<>") => Operator::Unequal,
            Token::Sign("<") => Operator::Less,
            Token::Sign("<=") => Operator::LessOrEqual,
            Token::Sign(">") => Operator::Greater,
            Token::Sign(">=") => Operator::GreaterOrEqual,
            Token::Word(word) if word.eq_ignore_ascii_case("LIKE") => Operator::Like,
            _ => return Err(self.unexpected()),
        };
        self.next += 1;
        let literal = self.literal()?;
        Ok(Condition::Compare { path, operator, literal })
    }

    fn literal(&mut self) -> Parsed<Literal> {
        let literal = match self.peek() {
            Token::Text(text) => Literal::Text(text.clone()),
            Token::Number(text) => number(text).ok_or_else(|| self.unexpected())?,
            Token::Word(word) => {
                let word = word.clone();
                if let Some(known) = keyword_literal(&word) {
                    known
                } else {
                    return self.named(&word);
                }
            }
            _ => return Err(self.unexpected()),
        };
        self.next += 1;
        Ok(literal)
    }

    fn named(&mut self, word: &str) -> Parsed<Literal> {
        let named = DateName::named(word).ok_or_else(|| self.unexpected())?;
        self.next += 1;
        if let Some(name) = named {
            return Ok(Literal::Named(name));
        }
        self.sign(":")?;
        let count = match self.peek() {
            Token::Number(text) => text.parse().ok(),
            _ => None,
        };
        let name = count
            .and_then(|count| DateName::counted(word, count))
            .ok_or_else(|| self.unexpected())?;
        self.next += 1;
        Ok(Literal::Named(name))
    }

    fn path(&mut self) -> Parsed<Path> {
        let at = self.at();
        let mut parts = vec![self.name()?];
        while self.takes_sign(".") {
            parts.push(self.name()?);
        }
        Ok(Path { parts, at })
    }

    fn name(&mut self) -> Parsed<String> {
        match self.peek() {
            Token::Word(word) if !is_reserved(word) => {
                let word = word.clone();
                self.next += 1;
                Ok(word)
            }
            _ => Err(self.unexpected()),
        }
    }

    fn count(&mut self) -> Parsed<u64> {
        match self.peek() {
            Token::Number(text) => {
                let count = text.parse().map_err(|_| self.unexpected())?;
                self.next += 1;
                Ok(count)
            }
            _ => Err(self.unexpected()),
        }
    }

    fn deeper(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Malformed { at: self.at(), message: "too deeply nested".to_owned() });
        }
        Ok(())
    }

    fn peek(&self) -> &Token {
        &self.tokens[self.next].token
    }

    fn peek_after(&self) -> &Token {
        self.tokens.get(self.next + 1).map_or(&Token::End, |spanned| &spanned.token)
    }

    fn at(&self) -> usize {
        self.tokens[self.next].at
    }

    fn is(&self, keyword: &str) -> bool {
        matches!(self.peek(), Token::Word(word) if word.eq_ignore_ascii_case(keyword))
    }

    fn takes(&mut self, keyword: &str) -> bool {
        let is_it = self.is(keyword);
        self.next += usize::from(is_it);
        is_it
    }

    fn takes_sign(&mut self, wanted: &str) -> bool {
        let is_it = matches!(self.peek(), Token::Sign(sign) if *sign == wanted);
        self.next += usize::from(is_it);
        is_it
    }

    fn keyword(&mut self, keyword: &str) -> Parsed<()> {
        if self.takes(keyword) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn sign(&mut self, sign: &str) -> Parsed<()> {
        if self.takes_sign(sign) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn unexpected(&self) -> Malformed {
        let token = match self.peek() {
            Token::Word(text) | Token::Number(text) => format!("'{text}'"),
            Token::Text(text) => format!("''{text}''"),
            Token::Sign(sign) => format!("'{sign}'"),
            Token::End => "'<EOF>'".to_owned(),
        };
        Malformed { at: self.at(), message: format!("unexpected token: {token}") }
    }
}

/// Words that cannot be names of fields or objects.
fn is_reserved(word: &str) -> bool {
    const WORDS: [&str; 14] = [
        "SELECT", "FROM", "WHERE", "AND", "OR", "NOT", "IN", "LIKE", "LIMIT", "HAVING", "NULLS",
        "NULL", "TRUE", "FALSE",
    ];
    WORDS.iter().any(|reserved| word.eq_ignore_ascii_case(reserved))
}

fn keyword_literal(word: &str) -> Option<Literal> {
    match word.to_ascii_lowercase().as_str() {
        "null" => Some(Literal::Null),
        "true" => Some(Literal::Bool(true)),
        "false" => Some(Literal::Bool(false)),
        _ => None,
    }
}

/// A number, a day or an instant.
fn number(text: &str) -> Option<Literal> {
    if let Some(number) = Decimal::parse(text) {
        return Some(Literal::Number(number));
    }
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return (text.len() == 10).then_some(Literal::Date(date));
    }
    // Zones may be written `Z`, `+02:00` or `+0200`.
    let instant = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"))
        .ok()?
        .with_timezone(&Utc);
    // What Salesforce can store; leap seconds it cannot.
    let storable = (1700..=4000).contains(&instant.year()) && instant.nanosecond() < 1_000_000_000;
    storable.then_some(Literal::Instant(instant))
}
