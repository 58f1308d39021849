//! Folded `try` in scripts.
//!
//! The text parser reads the legacy exception instructions only as a sequence: `try … catch $e … end`. Scripts have them
//! folded: `(try (do …) (catch $e …))`. Here the second is rewritten to the first. Lines stay where they are.

use std::borrow::Cow;
use wast::lexer::{Lexer, Token, TokenKind};

/// What an open parenthesis belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Try {
        /// A `delegate` was in it, which is its end.
        is_closed: bool,
    },
    /// `(do …)`, `(catch …)`, `(catch_all …)`, `(delegate …)` in a `try`.
    Arm,
    Other,
}

/// The text with each folded `try` as a sequence. A text that is none, or that cannot be read, comes back as it is.
pub(super) fn unfold(text: &str) -> Cow<'_, str> {
    if !text.contains("(do") {
        return text.into();
    }
    let mut lexer = Lexer::new(text);
    lexer.allow_confusing_unicode(true);
    let Ok(tokens) = lexer.iter(0).collect::<Result<Vec<Token>, _>>() else { return text.into() };
    let mut out = String::with_capacity(text.len());
    let mut open = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        match token.kind {
            TokenKind::LParen => {
                let opened = opened(open.last_mut(), tokens.get(at).map(|next| next.src(text)));
                out.push(if opened == Open::Other { '(' } else { ' ' });
                open.push(opened);
                // Of `do` nothing is left.
                if opened == Open::Arm && tokens[at].src(text) == "do" {
                    at += 1;
                }
            }
            TokenKind::RParen => out.push_str(match open.pop() {
                Some(Open::Try { is_closed: false }) => " end",
                Some(Open::Try { is_closed: true } | Open::Arm) => " ",
                Some(Open::Other) | None => ")",
            }),
            _ => out.push_str(token.src(text)),
        }
    }
    out.into()
}

/// What a parenthesis opens whose first word is `word`.
fn opened(parent: Option<&mut Open>, word: Option<&str>) -> Open {
    match (parent, word) {
        (_, Some("try")) => Open::Try { is_closed: false },
        (Some(Open::Try { is_closed }), Some("delegate")) => {
            *is_closed = true;
            Open::Arm
        }
        (Some(Open::Try { .. }), Some("do" | "catch" | "catch_all")) => Open::Arm,
        _ => Open::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(folded: &str, flat: &str) {
        let words = unfold(folded);
        let words: Vec<&str> = words.split_whitespace().collect();
        assert_eq!(words.join(" "), flat);
    }

    #[test]
    fn folded_becomes_flat() {
        check(
            "(func (try $t (result i32) (do (call $f)) (catch $e (drop)) (catch_all)))",
            "(func try $t (result i32) (call $f) catch $e (drop) catch_all end)",
        );
        check("(try (do (try (do nop) (delegate 0))))", "try try nop delegate 0 end");
        check("(module quote \"(try (do))\")", "(module quote \"(try (do))\")");
        check("(try_table (catch $e $l) (do))", "(try_table (catch $e $l) (do))");
    }
}
