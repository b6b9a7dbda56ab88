//! Whether a text can be read at all, seen before it is.
//!
//! The parser tries some readings of a bracket twice, so that calls within calls cost it twice as
//! much at each depth; and a chain of operators becomes a tree as deep as the chain is long, on
//! which every later step recurses. Either would let one statement stop a thread, or the program.

use datafusion::sql::sqlparser::ast::Statement;
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use super::{Failure, code};
use crate::catalog;

/// What brackets may cost, a call at depth n costing 2ⁿ: half a second of the parser, at most.
const MOST_COST: u64 = 1 << 18;
/// Operators that may follow each other, and queries and tables that may be joined by words.
const LONGEST_CHAIN: usize = 1_000;

/// Reads what a client sent: no statement, one or more.
///
/// # Errors
/// 42601 where it is no SQL, 54001 where it is too complex.
pub(crate) fn parse(sql: &str) -> Result<Vec<Statement>, Failure> {
    bearable(sql)?;
    catalog::parse(sql).map_err(|e| {
        let error = datafusion::common::DataFusionError::SQL(Box::new(e), None);
        Failure::of_engine(sql, &error)
    })
}

/// A bracket that is open: whether it costs, and the chains in it.
#[derive(Default)]
struct Level {
    costs: bool,
    operators: usize,
    joined: usize,
}

fn bearable(sql: &str) -> Result<(), Failure> {
    // What is no token is told by the parser, with its place.
    let Ok(tokens) = Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize() else { return Ok(()) };
    let tokens: Vec<&Token> =
        tokens.iter().filter(|token| !matches!(token, Token::Whitespace(_))).collect();
    let too_complex = |what: &str| {
        Err(Failure::new(code::TOO_COMPLEX, "the statement is too complex").with_detail(what))
    };
    let mut levels = vec![Level::default()];
    let (mut depth, mut cost) = (0_u32, 0_u64);
    for (at, token) in tokens.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| tokens.get(at));
        match token {
            Token::LParen | Token::LBracket | Token::LBrace => {
                let costs = is_call(before.copied()) || opens_query(tokens.get(at + 1).copied());
                depth += u32::from(costs);
                if costs {
                    cost = cost.saturating_add(1_u64.checked_shl(depth).unwrap_or(u64::MAX));
                }
                levels.push(Level { costs, ..Level::default() });
            }
            Token::RParen | Token::RBracket | Token::RBrace => {
                if levels.len() > 1
                    && let Some(level) = levels.pop()
                {
                    depth -= u32::from(level.costs);
                }
            }
            _ => {}
        }
        if cost > MOST_COST {
            return too_complex("Calls and subqueries lie too deep within each other.");
        }
        let Some(level) = levels.last_mut() else { continue };
        match token {
            Token::SemiColon => *level = Level::default(),
            Token::Comma => level.operators = 0,
            Token::Word(word) => match word.keyword {
                Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT | Keyword::JOIN => {
                    level.joined += 1;
                }
                Keyword::SELECT
                | Keyword::FROM
                | Keyword::WHERE
                | Keyword::HAVING
                | Keyword::WHEN
                | Keyword::THEN => level.operators = 0,
                Keyword::AND
                | Keyword::OR
                | Keyword::NOT
                | Keyword::IS
                | Keyword::IN
                | Keyword::LIKE
                | Keyword::ILIKE
                | Keyword::COLLATE
                | Keyword::AT => {
                    level.operators += 1;
                }
                _ => {}
            },
            Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::Placeholder(_)
            | Token::Period
            | Token::LParen
            | Token::RParen
            | Token::RBrace
            | Token::LBrace => {}
            _ => level.operators += 1,
        }
        if level.operators > LONGEST_CHAIN || level.joined > LONGEST_CHAIN {
            return too_complex("A chain of operators or of queries is too long.");
        }
    }
    Ok(())
}

/// Whether a bracket after this is a call. After these words it is not.
fn is_call(before: Option<&Token>) -> bool {
    match before {
        Some(Token::Word(word)) => !matches!(
            word.keyword,
            Keyword::IN
                | Keyword::AND
                | Keyword::OR
                | Keyword::NOT
                | Keyword::ON
                | Keyword::WHERE
                | Keyword::WHEN
                | Keyword::THEN
                | Keyword::ELSE
                | Keyword::SELECT
                | Keyword::FROM
                | Keyword::JOIN
                | Keyword::AS
                | Keyword::BY
                | Keyword::HAVING
                | Keyword::VALUES
                | Keyword::USING
                | Keyword::OVER
                | Keyword::UNION
                | Keyword::ALL
        ),
        _ => false,
    }
}

fn opens_query(after: Option<&Token>) -> bool {
    let Some(Token::Word(word)) = after else { return false };
    matches!(word.keyword, Keyword::SELECT | Keyword::WITH | Keyword::VALUES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(sql: &str) -> Result<(), &'static str> {
        bearable(sql).map_err(|failure| failure.code)
    }

    #[test]
    fn what_people_and_tools_write_is_bearable() {
        for sql in [
            format!("select {}1{}", "coalesce(".repeat(12), ")".repeat(12)),
            format!("select {}1{}", "(".repeat(200), ")".repeat(200)),
            format!("select 1 where x in ({})", "1,".repeat(50_000)),
            format!("select 1 where {} x = 1", "x = 1 or ".repeat(400)),
            format!("select {}", "round(a, 2), ".repeat(2_000)),
            format!("select case {} end", "when a = 1 then 2 ".repeat(3_000)),
            format!("select 1 {}", "union all select 1 ".repeat(500)),
            "select 'not a '' bracket ((((' -- ((((\n/* (((( */".to_owned(),
        ] {
            assert_eq!(judged(&sql), Ok(()), "{sql:.80}");
        }
    }

    #[test]
    fn what_would_stop_the_server_is_refused() {
        for sql in [
            format!("select {}1{}", "f(".repeat(24), ")".repeat(24)),
            format!("select {}", "array[".repeat(300)),
            format!("select {}1{}", "(select ".repeat(24), ")".repeat(24)),
            format!("select {}", format!("{}1{}, ", "f(".repeat(14), ")".repeat(14)).repeat(50)),
            format!("select 1{}", " + 1".repeat(5_000)),
            format!("select {} true", "not ".repeat(5_000)),
            format!("select {} 1", "- ".repeat(5_000)),
            format!("select 1{}", "::int".repeat(5_000)),
            format!("select 1 {}", "union all select 1 ".repeat(5_000)),
            format!("select a{}", "[1]".repeat(5_000)),
        ] {
            assert_eq!(judged(&sql), Err(code::TOO_COMPLEX), "{sql:.80}");
        }
    }
}
