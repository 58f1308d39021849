//! A Rust file split into code and comments, without a parser.
//!
//! [`Source::code`] is the text with comments and the insides of literals blanked, [`Source::comments`] the text
//! with everything but comments blanked. Both keep every line break and column, so a position in one is a
//! position in the file. On top of that: where functions and macros begin and end.

/// A Rust file, split.
pub struct Source {
    pub code: String,
    pub comments: String,
}

/// Where a named block lies, in lines counted from 1, both included.
#[derive(Debug, PartialEq)]
pub struct Block {
    pub name: String,
    pub first: usize,
    pub last: usize,
    /// Byte range of what is between its braces, in [`Source::code`].
    pub inside: std::ops::Range<usize>,
}

/// What a stretch of the text is.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Code,
    Comment,
    Literal,
}

impl Source {
    /// Splits the text of a Rust file. Text that is not Rust gives nonsense, but ends.
    pub fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut code = Vec::with_capacity(bytes.len());
        let mut comments = Vec::with_capacity(bytes.len());
        let mut at = 0;
        while at < bytes.len() {
            let (kind, length) = stretch(&bytes[at..], at > 0 && is_word(bytes[at - 1]));
            for &byte in &bytes[at..at + length] {
                let blank = if byte == b'\n' { b'\n' } else { b' ' };
                code.push(if kind == Kind::Code { byte } else { blank });
                comments.push(if kind == Kind::Comment { byte } else { blank });
            }
            at += length;
        }
        // Stretches end at ASCII bytes, so no character is cut in two.
        let whole = |bytes| String::from_utf8(bytes).expect("only whole characters were blanked");
        Self { code: whole(code), comments: whole(comments) }
    }

    /// The line of a byte, counted from 1.
    pub fn line(&self, at: usize) -> usize {
        self.code.as_bytes()[..at].iter().filter(|&&byte| byte == b'\n').count() + 1
    }

    /// All functions with a body, in the order of their beginnings.
    pub fn functions(&self) -> Vec<Block> {
        words(&self.code)
            .filter(|(_, word)| *word == "fn")
            .filter_map(|(at, _)| self.block_after(at, at + 2))
            .collect()
    }

    /// All macros declared with `macro_rules!`.
    pub fn macros(&self) -> Vec<Block> {
        let macros = words(&self.code).filter(|(_, word)| *word == "macro_rules");
        macros.filter_map(|(at, word)| self.block_after(at, at + word.len() + 1)).collect()
    }

    /// The block whose name begins after `from` and whose declaration began at `start`; none if it ends before a brace.
    fn block_after(&self, start: usize, from: usize) -> Option<Block> {
        let (name_at, name) = words(self.code.get(from..)?).next()?;
        // `fn(i32)` is a type: nothing but blanks may stand before the name.
        if !self.code[from..from + name_at].trim().is_empty() {
            return None;
        }
        let after = from + name_at + name.len();
        let open = after + opening_brace(&self.code.as_bytes()[after..])?;
        let close = open + closing_brace(&self.code.as_bytes()[open..])?;
        Some(Block {
            name: name.into(),
            first: self.line(start),
            last: self.line(close),
            inside: open + 1..close,
        })
    }
}

/// Identifiers and keywords of code, with their places.
pub fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let bytes = code.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() && !is_word(bytes[at]) {
            at += 1;
        }
        let start = at;
        while at < bytes.len() && is_word(bytes[at]) {
            at += 1;
        }
        (start < at).then(|| (start, &code[start..at]))
    })
}

/// Whether a byte belongs to an identifier; bytes of characters beyond ASCII do.
pub fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// The first brace outside parentheses and brackets, unless a semicolon comes before.
fn opening_brace(code: &[u8]) -> Option<usize> {
    let mut depth = 0usize;
    for (at, byte) in code.iter().enumerate() {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.saturating_sub(1),
            b'{' if depth == 0 => return Some(at),
            b';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// The brace that closes the one at the beginning.
pub fn closing_brace(code: &[u8]) -> Option<usize> {
    let mut depth = 0usize;
    for (at, byte) in code.iter().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth <= 1 => return Some(at),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// What the text begins with, and how long that is; at least one byte. `in_word` tells that a word continues.
fn stretch(text: &[u8], in_word: bool) -> (Kind, usize) {
    match text {
        [b'/', b'/', ..] => (Kind::Comment, line_length(text)),
        [b'/', b'*', ..] => (Kind::Comment, block_comment_length(text)),
        [b'"', ..] => (Kind::Literal, string_length(text)),
        [b'\'', ..] => char_length(text).map_or((Kind::Code, 1), |length| (Kind::Literal, length)),
        [b'r', ..] if !in_word => raw_string(text, 1),
        [b'b' | b'c', b'r', ..] if !in_word => raw_string(text, 2),
        _ => (Kind::Code, 1),
    }
}

fn line_length(text: &[u8]) -> usize {
    text.iter().position(|&byte| byte == b'\n').unwrap_or(text.len())
}

/// Block comments nest.
fn block_comment_length(text: &[u8]) -> usize {
    let mut depth = 0usize;
    let mut at = 0;
    while at < text.len() {
        match &text[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] if depth == 1 => return at + 2,
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    text.len()
}

fn string_length(text: &[u8]) -> usize {
    let mut at = 1;
    while at < text.len() {
        match text[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

/// The length of a character literal; none for a lifetime.
fn char_length(text: &[u8]) -> Option<usize> {
    let end = match text.get(1)? {
        b'\\' => 3 + text.get(3..)?.iter().take(10).position(|&byte| byte == b'\'')?,
        _ => 2 + text.get(2..)?.iter().take(4).position(|&byte| byte == b'\'')?,
    };
    let inner = &text[1..end];
    let one_character = inner.first() == Some(&b'\\')
        || std::str::from_utf8(inner).is_ok_and(|inner| inner.chars().count() == 1);
    one_character.then_some(end + 1)
}

/// A raw string whose hashes would begin at `prefix`; a word that only begins like one is code.
fn raw_string(text: &[u8], prefix: usize) -> (Kind, usize) {
    let hashes = text[prefix..].iter().take_while(|&&byte| byte == b'#').count();
    let open = prefix + hashes;
    if text.get(open) != Some(&b'"') {
        return (Kind::Code, 1);
    }
    let mut end = vec![b'"'];
    end.resize(1 + hashes, b'#');
    let inner = &text[open + 1..];
    let length = inner
        .windows(end.len())
        .position(|window| window == end)
        .map_or(inner.len(), |at| at + end.len());
    (Kind::Literal, open + 1 + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_told_from_code() {
        let check = |text: &str, code: &str, comments: &str| {
            let source = Source::new(text);
            assert_eq!(source.code.trim_end(), code.trim_end(), "code of {text}");
            assert_eq!(source.comments.trim(), comments, "comments of {text}");
            assert_eq!((source.code.len(), source.comments.len()), (text.len(), text.len()));
        };
        check("a // b\nc", "a     \nc", "// b");
        check("a /* b /* c */ d */ e", "a                   e", "/* b /* c */ d */");
        check(r#"f("// no", x)"#, "f(       , x)", "");
        check(r#"f("a\"b", x)"#, "f(      , x)", "");
        check(r##"f(r#"a"b"#, x)"##, "f(        , x)", "");
        check(r#"f(br"\", x)"#, "f(     , x)", "");
        check("f('\"', '\\'', 'a) // b", "f(   ,     , 'a)", "// b");
        check("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}", "");
        check("'é' 'outer: loop {}", "     'outer: loop {}", "");
        check("for r in 0..9 {}", "for r in 0..9 {}", "");
    }

    #[test]
    fn unfinished_text_ends() {
        for text in [
            "\"",
            "r#\"",
            "/*",
            "'",
            "'\\",
            "b",
            "r",
            "fn",
            "fn f",
            "fn f(",
            "fn f() {",
            "macro_rules! m {",
            "'\\u{1",
        ] {
            let source = Source::new(text);
            assert!(source.functions().is_empty() && source.macros().is_empty(), "{text}");
        }
    }

    #[test]
    fn functions_are_found_with_their_lines() {
        let source = Source::new(
            "trait T { fn declared(x: [u8; 4]); }\nfn a(f: fn(i32) -> i32) {\n    fn b() { '{'; }\n}\n",
        );
        let found: Vec<_> = source
            .functions()
            .into_iter()
            .map(|block| (block.name, block.first, block.last))
            .collect();
        assert_eq!(found, [("a".into(), 2, 4), ("b".into(), 3, 3)]);
    }

    #[test]
    fn macros_are_found_with_their_lines() {
        let source = Source::new("macro_rules! m {\n    () => {};\n}\n");
        let found = source.macros();
        assert_eq!((found[0].name.as_str(), found[0].first, found[0].last), ("m", 1, 3));
    }
}
