//! The module as text for people: aligned tables under headings, long lists cut unless all was asked for.

use std::fmt::Write;

use anstyle::Style;
use riser_ops::FuncIdx;

use super::{
    Inspection, custom_position, numbered_imports, position, section_entries, section_name,
};
use crate::decoded::{count, kind, memory, number, size};
use crate::errors::{clean, clean_name};
use crate::style::{self, styled};

/// How many entries of a list are shown unless all are asked for.
const SHOWN: usize = 20;

/// Renders everything.
pub fn render(inspection: &Inspection<'_>, all: bool) -> String {
    let mut page = Page { text: String::new(), shown: if all { usize::MAX } else { SHOWN } };
    title(&mut page, inspection);
    needs(&mut page, inspection);
    sections(&mut page, inspection);
    types(&mut page, inspection);
    imports(&mut page, inspection);
    exports(&mut page, inspection);
    definitions(&mut page, inspection);
    proposals(&mut page, inspection);
    largest(&mut page, inspection);
    page.text
}

/// The text so far.
struct Page {
    text: String,
    shown: usize,
}

/// A column of a table: how its cells look, and whether they are aligned to the right.
#[derive(Clone, Copy)]
struct Column(Style, bool);

const PLAIN: Column = Column(Style::new(), false);
const NAMES: Column = Column(style::NAME, false);
const DIM: Column = Column(style::DIM, false);
const DIM_NUMBERS: Column = Column(style::DIM, true);
const NUMBERS: Column = Column(Style::new(), true);

impl Page {
    fn heading(&mut self, heading: &str) {
        let _ = write!(self.text, "\n{}\n", styled(style::HEADING, heading));
    }

    /// A heading with a list below it: nothing if the list is empty, and no more rows than are to be shown.
    fn list(&mut self, heading: &str, columns: &[Column], rows: Vec<Vec<String>>) {
        if rows.is_empty() {
            return;
        }
        self.heading(heading);
        let hidden = rows.len().saturating_sub(self.shown);
        self.table(columns, &rows[..rows.len() - hidden]);
        if hidden > 0 {
            let more = format!("... and {} more (--all shows them)", number(hidden as u64));
            let _ = writeln!(self.text, "  {}", styled(style::DIM, more));
        }
    }

    fn table(&mut self, columns: &[Column], rows: &[Vec<String>]) {
        let width = |i: usize| rows.iter().map(|row| row[i].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns.len()).map(width).collect();
        for row in rows {
            let mut line = String::from(" ");
            let mut pending = 0;
            for ((cell, Column(style, right)), width) in row.iter().zip(columns).zip(&widths) {
                if *width == 0 {
                    continue;
                }
                let space = width - cell.chars().count();
                let (before, after) = if *right { (space, 0) } else { (0, space) };
                // Spaces behind a cell are only written when something follows them.
                let _ = write!(line, "{}", " ".repeat(pending + before));
                pending = after;
                if cell.is_empty() {
                    pending += 1;
                    continue;
                }
                let _ = write!(line, " {}", styled(*style, cell));
                pending += 1;
            }
            let _ = writeln!(self.text, "{}", line.trim_end());
        }
    }
}

fn title(page: &mut Page, inspection: &Inspection<'_>) {
    let module = inspection.module();
    let _ = writeln!(page.text, "{}", styled(style::NAME, clean(&inspection.input.name)));
    let bytes = count(module.bytes.len() as u64, "byte");
    let from = if inspection.input.from_text { " as a binary" } else { "" };
    let _ = writeln!(page.text, "  {}, {bytes}{from}", inspection.kind());
    if let Some(name) = inspection.decoded.names().module() {
        let _ = writeln!(page.text, "  its own name is `{}`", clean_name(name));
    }
    match &inspection.invalid {
        None => {
            let _ = writeln!(page.text, "  valid");
        }
        Some(error) => {
            let func =
                error.func().map(|func| format!("in {}, ", inspection.decoded.func_label(func)));
            let place = format!("{}at offset {:#x}", func.unwrap_or_default(), error.offset());
            let not_valid = styled(style::ERROR, "not valid");
            let _ = writeln!(
                page.text,
                "  {not_valid}: {}\n    {}",
                clean(error.message()),
                clean(&place)
            );
        }
    }
}

/// How many of the functions by which something is asked for are named.
const NAMED_FUNCTIONS: usize = 4;

fn needs(page: &mut Page, inspection: &Inspection<'_>) {
    let named = if page.shown == SHOWN { NAMED_FUNCTIONS } else { page.shown };
    for (i, need) in super::needs::needs(inspection.module()).iter().enumerate() {
        if i == 0 {
            page.heading("What it asks for");
        }
        let topic = styled(style::NAME, format!("{:<11}", need.topic));
        let _ = writeln!(page.text, "  {topic}  {}", clean(&need.what));
        if need.functions.is_empty() {
            continue;
        }
        let mut names = need.functions[..need.functions.len().min(named)].join(", ");
        if need.functions.len() > named {
            let _ = write!(names, " and {} more", need.functions.len() - named);
        }
        let _ = writeln!(page.text, "               {}", styled(style::DIM, clean(&names)));
    }
}

fn sections(page: &mut Page, inspection: &Inspection<'_>) {
    let module = inspection.module();
    let total = module.bytes.len().max(1);
    let row = |(i, section): (usize, &riser_module::Section)| {
        let custom = (section.id == 0).then(|| custom_position(module, i));
        let custom = custom
            .and_then(|i| module.customs.get(i))
            .map(|custom| format!("`{}`", clean_name(&custom.name)));
        vec![
            section_name(section).into(),
            format!("{:#x}", section.range.start),
            number(section.range.len() as u64),
            format!("{:.1}%", section.range.len() as f64 * 100.0 / total as f64),
            custom.unwrap_or_else(|| section_entries(module, section)),
        ]
    };
    let rows: Vec<_> = module.sections.iter().enumerate().map(row).collect();
    page.list("Sections (offset, bytes)", &[NAMES, DIM_NUMBERS, NUMBERS, DIM_NUMBERS, PLAIN], rows);
}

fn types(page: &mut Page, inspection: &Inspection<'_>) {
    let decoded = inspection.decoded;
    let entries = decoded.module.types.iter().enumerate();
    let rows = entries.map(|(i, entry)| vec![i.to_string(), decoded.sub_type(&entry.ty)]).collect();
    page.list("Types", &[DIM_NUMBERS, PLAIN], rows);
}

fn imports(page: &mut Page, inspection: &Inspection<'_>) {
    let decoded = inspection.decoded;
    let numbers = numbered_imports(&decoded.module);
    let rows = decoded.module.imports.iter().zip(numbers).map(|(import, (index, ty))| {
        let path = format!("{}.{}", clean_name(&import.module), clean_name(&import.name));
        vec![kind(ty).into(), index.to_string(), path, decoded.entity(ty)]
    });
    page.list("Imports", &[PLAIN, DIM_NUMBERS, NAMES, PLAIN], rows.collect());
}

fn exports(page: &mut Page, inspection: &Inspection<'_>) {
    let decoded = inspection.decoded;
    let rows = decoded.module.exports.iter().map(|export| {
        let ty = decoded.module.entity_type(export.item);
        vec![
            kind(ty).into(),
            position(export.item).to_string(),
            clean_name(&export.name),
            decoded.entity(ty),
        ]
    });
    page.list("Exports", &[PLAIN, DIM_NUMBERS, NAMES, PLAIN], rows.collect());
}

/// Memories, tables, globals, tags, the start function.
fn definitions(page: &mut Page, inspection: &Inspection<'_>) {
    let decoded = inspection.decoded;
    let module = &decoded.module;
    let columns = &[DIM_NUMBERS, PLAIN, DIM];
    let row = |i: usize, ty: String, imported: u32| {
        vec![
            i.to_string(),
            ty,
            if i < imported as usize { "imported".into() } else { String::new() },
        ]
    };
    let memories = module.memories.iter().enumerate();
    let rows = memories.map(|(i, ty)| row(i, memory(ty), module.imported.memories));
    page.list("Memories", columns, rows.collect());
    let tables = module.tables.iter().enumerate();
    let rows = tables.map(|(i, table)| row(i, decoded.table(&table.ty), module.imported.tables));
    page.list("Tables", columns, rows.collect());
    let globals = module.globals.iter().enumerate();
    let rows =
        globals.map(|(i, global)| row(i, decoded.global(&global.ty), module.imported.globals));
    page.list("Globals", columns, rows.collect());
    let tags = module.tags.iter().enumerate();
    let rows = tags.map(|(i, ty)| row(i, decoded.func_type_at(*ty), module.imported.tags));
    page.list("Tags", columns, rows.collect());
    if let Some(start) = module.start {
        page.heading("Start function");
        let _ = writeln!(page.text, "  {}", clean(&decoded.func_label(start)));
    }
}

fn proposals(page: &mut Page, inspection: &Inspection<'_>) {
    let rows = inspection.proposals.list().map(|(name, each)| {
        let (operators, first) = match &each.first {
            None => (String::new(), String::new()),
            Some((func, seen)) => {
                let place = format!(
                    "first {} in func {} at {:#x}",
                    seen.op.mnemonic(),
                    func.0,
                    seen.offset
                );
                (count(each.operators, "operator"), place)
            }
        };
        vec![name.into(), operators, first]
    });
    page.list("Proposals in use", &[NAMES, NUMBERS, DIM], rows.collect());
}

fn largest(page: &mut Page, inspection: &Inspection<'_>) {
    let module = inspection.module();
    let total: u64 = module.bodies.iter().map(|body| u64::from(body.len())).sum();
    let row = |func: &FuncIdx| {
        let bytes = module.body(*func).map_or(0, |body| body.len());
        vec![
            number(bytes.into()),
            format!("{:.1}%", f64::from(bytes) * 100.0 / total.max(1) as f64),
            format!("func {}", func.0),
            clean(&inspection.decoded.func_name(*func).unwrap_or_default()),
        ]
    };
    let rows: Vec<_> = inspection.largest.iter().map(row).collect();
    let heading = format!("Largest functions (bytes; all bodies have {})", size(total));
    page.list(&heading, &[NUMBERS, DIM_NUMBERS, DIM, NAMES], rows);
}
