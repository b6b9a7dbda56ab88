//! Property tests: reading never panics and always places its errors, and what is printed reads
//! back.

use proptest::prelude::*;

use super::tests::{Mode, Stream};
use super::{At, Entry, Node, Pairs, Value, parse};
use crate::Location;

/// Writes a tree so that YAML must read it back: quoted texts with escapes, and both styles of
/// lists and mappings.
fn print(node: &Node, indent: usize, block: bool, out: &mut String) {
    let pad = " ".repeat(indent);
    match &node.value {
        Value::Null => out.push_str("null\n"),
        Value::Scalar(text, _) => out.push_str(&format!("{}\n", double_quoted(text))),
        Value::Sequence(items) if block && !items.is_empty() => {
            out.push('\n');
            for item in items {
                out.push_str(&format!("{pad}-"));
                print_value(item, indent, block, out);
            }
        }
        Value::Mapping(entries) if block && !entries.is_empty() => {
            out.push('\n');
            for entry in entries {
                out.push_str(&format!("{pad}{}:", double_quoted(&entry.key)));
                print_value(&entry.node, indent, block, out);
            }
        }
        Value::Sequence(_) | Value::Mapping(_) => {
            flow(node, out);
            out.push('\n');
        }
    }
}

fn print_value(node: &Node, indent: usize, block: bool, out: &mut String) {
    out.push(' ');
    print(node, indent + 2, block, out);
}

fn flow(node: &Node, out: &mut String) {
    match &node.value {
        Value::Null => out.push('~'),
        Value::Scalar(text, _) => out.push_str(&double_quoted(text)),
        Value::Sequence(items) => {
            out.push('[');
            for item in items {
                flow(item, out);
                out.push_str(", ");
            }
            out.push(']');
        }
        Value::Mapping(entries) => {
            out.push('{');
            for entry in entries {
                out.push_str(&format!("{}: ", double_quoted(&entry.key)));
                flow(&entry.node, out);
                out.push_str(", ");
            }
            out.push('}');
        }
    }
}

fn double_quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            ' '..='~' => quoted.push(character),
            other => quoted.push_str(&format!("\\U{:08x}", u32::from(other))),
        }
    }
    quoted.push('"');
    quoted
}

/// The tree without places, which printing changes.
fn placeless(node: &Node) -> Node {
    let nowhere = Location::new("", 0, 0);
    let value = match &node.value {
        Value::Null => Value::Null,
        Value::Scalar(text, _) => Value::Scalar(text.clone(), true),
        Value::Sequence(items) => Value::Sequence(items.iter().map(placeless).collect()),
        Value::Mapping(entries) => Value::Mapping(
            entries
                .iter()
                .map(|entry| Entry {
                    key: entry.key.clone(),
                    location: nowhere.clone(),
                    node: placeless(&entry.node),
                })
                .collect(),
        ),
    };
    Node::new(nowhere, value)
}

fn trees() -> impl Strategy<Value = Node> {
    let node = |value| Node::new(Location::new("", 0, 0), value);
    let leaf = prop_oneof![
        Just(node(Value::Null)),
        any::<String>().prop_map(move |text| node(Value::Scalar(text, true))),
        "[ -~]{0,12}".prop_map(move |text| node(Value::Scalar(text, true))),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6)
                .prop_map(move |items| node(Value::Sequence(items))),
            prop::collection::btree_map("[a-z $:{}#-]{0,8}", inner, 0..6).prop_map(
                move |entries| {
                    let location = Location::new("", 0, 0);
                    let entries = entries.into_iter();
                    node(Value::Mapping(
                        entries
                            .map(|(key, node)| Entry { key, location: location.clone(), node })
                            .collect(),
                    ))
                }
            ),
        ]
    })
}

/// Texts that look like YAML, which hit more of a parser than random characters do.
fn yamlish() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec![
        "a",
        "key",
        ": ",
        ":",
        "- ",
        "-",
        "\n",
        "\n  ",
        "\n    ",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "'",
        "\"",
        "|",
        ">",
        "|-\n",
        "&x ",
        "*x",
        "!t ",
        "!!str ",
        "# c",
        "---\n",
        "...\n",
        "%YAML 1.2\n",
        "? ",
        "~",
        "null",
        "\t",
        "\\",
        "\r\n",
        "${A}",
        "é",
        "\u{feff}",
        "\0",
        "<<: ",
        "@",
        "`",
        "0.1%",
        "\u{2028}",
    ]);
    prop::collection::vec(token, 0..40).prop_map(|tokens| tokens.concat())
}

proptest! {
    #[test]
    fn parsing_any_text_answers_without_panic(text in prop_oneof![any::<String>(), yamlish()]) {
        match parse("p.yml", &text, 1) {
            Ok(node) => {
                // Decoding what was read answers too, into any type.
                let _ = node.decode::<Stream>();
                let _ = node.decode::<Pairs<At<String>, Vec<Mode>>>();
                let _ = node.expand(&|name| (name.len() % 2 == 0).then(|| "${x}".to_owned()));
                prop_assert_eq!(node.decode::<Node>().expect("a node is a node"), node);
            }
            Err(error) => {
                for error in error.iter() {
                    let place = error.location().expect("every error has a place");
                    prop_assert!(place.line >= 1 && place.line <= text.lines().count() + 2, "{place}");
                }
            }
        }
    }

    #[test]
    fn a_printed_tree_reads_back(tree in trees(), block in any::<bool>()) {
        let mut text = String::new();
        print(&tree, 0, block, &mut text);
        let read = parse("p.yml", &text, 1).map_err(|error| TestCaseError::fail(format!("{error:?}\n{text}")))?;
        prop_assert_eq!(placeless(&read), placeless(&tree), "{}", text);
    }
}
