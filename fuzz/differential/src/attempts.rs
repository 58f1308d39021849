//! Code with handlers, in both forms that it has.

use std::fmt::Write;

/// How exceptions are caught.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Table,
    Legacy,
}

/// Code with handlers.
pub struct Attempt<'a> {
    /// What tells it from others.
    pub label: u32,
    pub body: &'a str,
    /// The tag (`$tN`; none for all exceptions) and the code of each handler.
    pub handlers: &'a [(Option<usize>, String)],
    /// The number of the local that keeps the exception, if somebody throws it again.
    pub own: Option<usize>,
}

impl Attempt<'_> {
    /// As text; `types` gives what a tag's exceptions carry.
    pub fn text(&self, form: Form, types: impl Fn(usize) -> String) -> String {
        match form {
            Form::Table => self.table(types),
            Form::Legacy => self.legacy(),
        }
    }

    fn legacy(&self) -> String {
        let Attempt { label, body, handlers, .. } = self;
        let mut text = format!("try $try{label} {body}\n");
        for (tag, handler) in *handlers {
            match tag {
                Some(tag) => writeln!(text, "catch $t{tag} {handler}").unwrap(),
                None => writeln!(text, "catch_all {handler}").unwrap(),
            }
        }
        text + "end\n"
    }

    /// A `try_table` with the handlers behind it.
    fn table(&self, types: impl Fn(usize) -> String) -> String {
        let Attempt { label, body, handlers, own } = self;
        let keep = own.map_or("drop".into(), |own| format!("(local.set $x{own})"));
        let mut text = format!("(block $out{label}\n");
        for (place, (tag, _)) in handlers.iter().enumerate().rev() {
            let types = tag.map_or(String::new(), &types);
            writeln!(text, "(block $h{label}_{place} (result {types} exnref)").unwrap();
        }
        text.push_str("(try_table ");
        for (place, (tag, _)) in handlers.iter().enumerate() {
            match tag {
                Some(tag) => write!(text, "(catch_ref $t{tag} $h{label}_{place})").unwrap(),
                None => write!(text, "(catch_all_ref $h{label}_{place})").unwrap(),
            }
        }
        write!(text, "\n{body})\n(br $out{label}))\n").unwrap();
        for (place, (_, handler)) in handlers.iter().enumerate() {
            let end = if place + 1 < handlers.len() { ")" } else { "" };
            write!(text, "{keep} {handler}\n(br $out{label}){end}\n").unwrap();
        }
        text + ")\n"
    }
}

/// Throws an exception again that the handler of `label` caught, and local number `own` keeps.
pub fn rethrow(form: Form, label: u32, own: usize) -> String {
    match form {
        Form::Table => format!("(throw_ref (local.get $x{own}))"),
        Form::Legacy => format!("(rethrow $try{label})"),
    }
}
