//! SQL as HTML: words in colours, and names of tables as links to their pages.

use crate::wording::escaped;

/// Words that stand out.
const KEYWORDS: [&str; 62] = [
    "all",
    "and",
    "any",
    "as",
    "asc",
    "between",
    "by",
    "case",
    "cast",
    "cross",
    "current",
    "date",
    "desc",
    "distinct",
    "else",
    "end",
    "except",
    "exists",
    "false",
    "filter",
    "first",
    "following",
    "from",
    "full",
    "group",
    "having",
    "in",
    "inner",
    "intersect",
    "interval",
    "is",
    "join",
    "last",
    "left",
    "like",
    "limit",
    "not",
    "null",
    "nulls",
    "offset",
    "on",
    "or",
    "order",
    "outer",
    "over",
    "partition",
    "preceding",
    "range",
    "recursive",
    "right",
    "row",
    "rows",
    "select",
    "then",
    "true",
    "unbounded",
    "union",
    "using",
    "values",
    "when",
    "where",
    "with",
];

/// What a piece of SQL is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Comment,
    Text,
    Number,
    Parameter,
    Name,
    Other,
}

/// SQL as HTML. `page` says where the page of a name with dots is, if it has one.
pub(crate) fn html(sql: &str, page: impl Fn(&str) -> Option<String>) -> String {
    let mut html = String::with_capacity(sql.len() * 2);
    let mut rest = sql;
    while !rest.is_empty() {
        let (piece, length) = next(rest);
        let (text, after) = rest.split_at(length);
        rest = after;
        let safe = escaped(text);
        match piece {
            Piece::Comment => span(&mut html, "c", &safe),
            Piece::Text => span(&mut html, "s", &safe),
            Piece::Number => span(&mut html, "n", &safe),
            Piece::Parameter => span(&mut html, "p", &safe),
            Piece::Name if is_keyword(text) => span(&mut html, "k", &safe),
            Piece::Name => match page(text) {
                Some(href) => {
                    html.push_str(&format!("<a href=\"{}\">{safe}</a>", escaped(&href)));
                }
                None if after.starts_with('(') => span(&mut html, "f", &safe),
                None => html.push_str(&safe),
            },
            Piece::Other => html.push_str(&safe),
        }
    }
    html
}

fn span(html: &mut String, class: &str, safe: &str) {
    html.push_str(&format!("<span class=\"{class}\">{safe}</span>"));
}

fn is_keyword(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    KEYWORDS.binary_search(&lower.as_str()).is_ok()
}

fn is_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The first piece of a text that is not empty, and its length in bytes.
fn next(text: &str) -> (Piece, usize) {
    let mut characters = text.chars();
    let first = characters.next().unwrap_or(' ');
    if text.starts_with("--") {
        return (Piece::Comment, text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return (Piece::Comment, text.find("*/").map_or(text.len(), |end| end + 2));
    }
    match first {
        '\'' | '"' => (if first == '"' { Piece::Other } else { Piece::Text }, quoted(text, first)),
        '$' => (Piece::Parameter, 1 + run(&text[1..], is_name)),
        _ if first.is_ascii_digit() => {
            (Piece::Number, run(text, |c| c.is_ascii_digit() || c == '.'))
        }
        _ if is_name(first) => (Piece::Name, dotted(text)),
        _ => (Piece::Other, first.len_utf8()),
    }
}

fn run(text: &str, within: impl Fn(char) -> bool) -> usize {
    text.find(|character| !within(character)).unwrap_or(text.len())
}

/// A name, with its dots: `raw.salesforce.account`.
fn dotted(text: &str) -> usize {
    let mut length = run(text, is_name);
    while let Some(after) = text[length..].strip_prefix('.') {
        let more = run(after, is_name);
        if more == 0 {
            break;
        }
        length += 1 + more;
    }
    length
}

/// A quoted text; the quote twice is one of its characters.
fn quoted(text: &str, quote: char) -> usize {
    let mut place = 1;
    while let Some(found) = text[place..].find(quote) {
        place += found + 1;
        if !text[place..].starts_with(quote) {
            return place;
        }
        place += 1;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn page(name: &str) -> Option<String> {
        (name == "mart.dim_rep").then(|| "mart.dim_rep.html".to_owned())
    }

    #[test]
    fn the_keywords_are_sorted() {
        assert!(KEYWORDS.is_sorted());
    }

    #[test]
    fn words_are_told_apart_and_tables_are_links() {
        insta::assert_snapshot!(
            html("select sum(a.x) as \"from\", 'it''s <b>' -- why\nfrom mart.dim_rep where d < $as_of and n = 0.5 /* end", page),
            @r#"
        <span class="k">select</span> <span class="f">sum</span>(a.x) <span class="k">as</span> &quot;from&quot;, <span class="s">&#39;it&#39;&#39;s &lt;b&gt;&#39;</span> <span class="c">-- why</span>
        <span class="k">from</span> <a href="mart.dim_rep.html">mart.dim_rep</a> <span class="k">where</span> d &lt; <span class="p">$as_of</span> <span class="k">and</span> n = <span class="n">0.5</span> <span class="c">/* end</span>
        "#
        );
    }

    /// The text of HTML.
    fn plain(html: &str) -> String {
        let mut text = String::new();
        let mut inside = false;
        for character in html.chars() {
            match character {
                '<' => inside = true,
                '>' => inside = false,
                other if !inside => text.push(other),
                _ => {}
            }
        }
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
            .iter()
            .fold(text, |text, (from, to)| text.replace(from, to))
    }

    proptest! {
        #[test]
        fn nothing_of_the_text_is_lost_or_added(sql in "(select|from|mart.dim_rep|[a-z'\"$\\-/*<>&.0-9 \n_é]){0,60}") {
            prop_assert_eq!(plain(&html(&sql, page)), sql);
        }
    }
}
