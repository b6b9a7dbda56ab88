//! Words, numbers, texts and signs of a query.

use super::Malformed;

/// One piece of a query.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name, a keyword, or a name of a span of days.
    Word(String),
    /// Anything that begins with a digit or a sign: a number, a day, an instant.
    Number(String),
    /// A text, without its quotes and with its escapes undone.
    Text(String),
    /// A comma, a parenthesis, an operator.
    Sign(&'static str),
    /// The end.
    End,
}

/// A token and the byte it begins at.
#[derive(Clone, Debug)]
pub(super) struct Spanned {
    pub(super) token: Token,
    pub(super) at: usize,
}

/// The longer signs come first.
const SIGNS: [&str; 13] = ["<=", ">=", "!=", "<>", "=", "<", ">", "(", ")", ",", ".", ":", "?"];

/// Cuts a query into its pieces; the last is [`Token::End`].
pub(super) fn tokens(query: &str) -> Result<Vec<Spanned>, Malformed> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(next) = query[at..].chars().next() {
        let rest = &query[at..];
        let (token, length) = if next.is_whitespace() {
            at += next.len_utf8();
            continue;
        } else if next.is_ascii_alphabetic() || next == '_' {
            let length = span(rest, |c| c.is_ascii_alphanumeric() || c == '_');
            (Token::Word(rest[..length].to_owned()), length)
        } else if next.is_ascii_digit() || (matches!(next, '-' | '+') && digit_follows(rest)) {
            // Colons and signs inside are those of times and zones.
            let length = 1 + span(&rest[1..], |c| {
                c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-' | '+')
            });
            (Token::Number(rest[..length].to_owned()), length)
        } else if next == '\'' {
            text(rest, at)?
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            (Token::Sign(sign), sign.len())
        } else {
            return Err(Malformed { at, message: format!("unexpected token: '{next}'") });
        };
        tokens.push(Spanned { token, at });
        at += length;
    }
    tokens.push(Spanned { token: Token::End, at });
    Ok(tokens)
}

fn digit_follows(text: &str) -> bool {
    text[1..].starts_with(|c: char| c.is_ascii_digit() || c == '.')
}

fn span(text: &str, is_inside: impl Fn(char) -> bool) -> usize {
    text.find(|c| !is_inside(c)).unwrap_or(text.len())
}

/// A text in single quotes: its value and its length with the quotes.
fn text(rest: &str, at: usize) -> Result<(Token, usize), Malformed> {
    let mut value = String::new();
    let mut letters = rest.char_indices().skip(1);
    while let Some((place, letter)) = letters.next() {
        match letter {
            '\'' => return Ok((Token::Text(value), place + 1)),
            '\\' => match letters.next() {
                Some((_, 'n' | 'N')) => value.push('\n'),
                Some((_, 'r' | 'R')) => value.push('\r'),
                Some((_, 't' | 'T')) => value.push('\t'),
                Some((_, 'b' | 'B')) => value.push('\u{8}'),
                Some((_, 'f' | 'F')) => value.push('\u{c}'),
                Some((_, quoted @ ('\'' | '"' | '\\'))) => value.push(quoted),
                // These two mean themselves to LIKE, which undoes them on its own.
                Some((_, wild @ ('%' | '_'))) => value.extend(['\\', wild]),
                Some((bad, letter)) => {
                    return Err(Malformed {
                        at: at + bad,
                        message: format!("Invalid string escape sequence '\\{letter}'"),
                    });
                }
                None => break,
            },
            other => value.push(other),
        }
    }
    Err(Malformed { at, message: "string literal is not terminated".to_owned() })
}
