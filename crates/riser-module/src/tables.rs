//! Tables that never change once an instance is complete, and what is certain of what is in them: then code need not look.
//!
//! Such a table is the module's own, nobody else can name it, and no body writes it. The last is only known of modules whose bodies were
//! validated; who validates says so with [`Module::set_table_writes`].
//!
//! *Nobody sees it incomplete.* An instance's code runs when all its tables are complete, or, if the instance fails, when others have its functions from
//! a table of theirs that they gave it. So a module that copies functions to an imported table has no constant tables.

use crate::{ConstExpr, ConstOp, ElementItems, ElementMode, ElementSegment, EntityIdx, Module};
use alloc::boxed::Box;
use riser_ops::{FuncIdx, TableIdx, TypeId};
use spin::Once;

/// The tables that bodies write: one bit for each of the first 30, and one for all others together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableWrites(u32);

impl TableWrites {
    /// No table.
    pub const NONE: TableWrites = TableWrites(0);
    /// Perhaps all: nobody has looked.
    pub const UNKNOWN: TableWrites = TableWrites(TableWrites::ALL);

    const LAST: u32 = 30;
    const ALL: u32 = (1 << (TableWrites::LAST + 1)) - 1;

    const fn bit(table: TableIdx) -> u32 {
        1 << if table.0 < TableWrites::LAST { table.0 } else { TableWrites::LAST }
    }

    /// A body writes a table.
    pub fn insert(&mut self, table: TableIdx) {
        self.0 |= TableWrites::bit(table);
    }

    /// Adds what others write.
    pub fn add(&mut self, other: TableWrites) {
        self.0 |= other.0;
    }

    /// Whether a table may be written.
    pub const fn contains(self, table: TableIdx) -> bool {
        self.0 & TableWrites::bit(table) != 0
    }

    /// As 31 bits, to keep them.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// From [`TableWrites::bits`].
    pub const fn from_bits(bits: u32) -> TableWrites {
        TableWrites(bits & TableWrites::ALL)
    }
}

/// Nobody has looked.
impl Default for TableWrites {
    fn default() -> TableWrites {
        TableWrites::UNKNOWN
    }
}

/// What is certain of the elements of a table that never changes. Any of them may be null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConstantTable {
    /// How many there are.
    pub size: u64,
    /// Whether all functions in it are defined by the module itself, and so are of the instance that has the table.
    pub is_own: bool,
    /// The canonical type of all functions in it, if they have the same.
    pub type_id: Option<TypeId>,
}

/// What is put into a table, as far as it is known without an instance.
#[derive(Clone, Copy, Debug)]
enum Item {
    Null,
    Func(FuncIdx),
    Unknown,
}

fn item(expr: &ConstExpr) -> Item {
    match expr.ops() {
        [ConstOp::RefNull(_)] => Item::Null,
        [ConstOp::RefFunc(func)] => Item::Func(*func),
        _ => Item::Unknown,
    }
}

/// An element of a segment, by its place.
fn item_at(segment: &ElementSegment, at: usize) -> Item {
    match &segment.items {
        ElementItems::Funcs(funcs) => funcs.get(at).map_or(Item::Unknown, |&func| Item::Func(func)),
        ElementItems::Exprs(exprs) => exprs.get(at).map_or(Item::Unknown, item),
    }
}

/// In modules with more segments, nobody looks for single elements: it would take a time that grows with the square of a module.
const SEGMENTS_MAX: usize = 16;

impl Module {
    /// The tables that bodies write.
    pub fn table_writes(&self) -> TableWrites {
        self.table_writes
    }

    /// All bodies are known, and write these tables only.
    pub fn set_table_writes(&mut self, writes: TableWrites) {
        self.table_writes = writes;
        self.constant_tables = Once::new();
    }

    /// What is certain of a table, if it never changes and is one of the first 30.
    pub fn constant_table(&self, table: TableIdx) -> Option<&ConstantTable> {
        let tables = self.constant_tables.call_once(|| {
            let of = |table| self.find_constant_table(TableIdx(table));
            let len = self.tables.len().min(TableWrites::LAST as usize) as u32;
            (0..len).map(of).collect::<Box<[_]>>()
        });
        tables.get(table.index())?.as_ref()
    }

    /// The function at a place of a table that never changes, if it is certain.
    pub fn constant_element(&self, table: TableIdx, at: u64) -> Option<FuncIdx> {
        self.constant_table(table)?;
        if self.elements.len() > SEGMENTS_MAX {
            return None;
        }
        let mut found = None;
        for (segment, offset) in self.segments_of(table) {
            let [ConstOp::I32Const(start)] = offset.ops() else { return None };
            if let Some(at) = at.checked_sub(u64::from(*start as u32))
                && at < segment.items.len() as u64
            {
                found = Some(item_at(segment, at as usize));
            }
        }
        // That a segment is there means that it fits: otherwise there is no instance, and nobody has its functions.
        match found? {
            Item::Func(func) => Some(func),
            Item::Null | Item::Unknown => None,
        }
    }

    /// The segments that are copied into a table, with where they are.
    fn segments_of(&self, table: TableIdx) -> impl Iterator<Item = (&ElementSegment, &ConstExpr)> {
        self.elements.iter().filter_map(move |segment| match &segment.mode {
            ElementMode::Active { table: of, offset } if *of == table => Some((segment, offset)),
            _ => None,
        })
    }

    fn find_constant_table(&self, table: TableIdx) -> Option<ConstantTable> {
        let entry = self.tables.get(table.index())?;
        let is_imported = |table: TableIdx| table.0 < self.imported.tables;
        let is_exported =
            || self.exports.iter().any(|export| export.item == EntityIdx::Table(table));
        let gives_functions_away = || {
            self.elements.iter().any(|segment| {
                matches!(segment.mode, ElementMode::Active { table, .. } if is_imported(table))
            })
        };
        if is_imported(table)
            || self.table_writes.contains(table)
            || is_exported()
            || gives_functions_away()
        {
            return None;
        }
        let mut known = Known::default();
        known.add(self, entry.init.as_ref().map_or(Item::Null, item));
        for (segment, _) in self.segments_of(table) {
            (0..segment.items.len()).for_each(|at| known.add(self, item_at(segment, at)));
        }
        let Known { is_foreign, first, differs } = known;
        let type_id = first.filter(|_| !differs);
        Some(ConstantTable { size: entry.ty.limits.min, is_own: !is_foreign, type_id })
    }
}

/// What was seen of the elements of a table.
#[derive(Default)]
struct Known {
    is_foreign: bool,
    first: Option<TypeId>,
    differs: bool,
}

impl Known {
    fn add(&mut self, module: &Module, item: Item) {
        match item {
            Item::Null => {}
            Item::Unknown => (self.is_foreign, self.differs) = (true, true),
            Item::Func(func) => {
                self.is_foreign |= module.is_imported(func);
                let ty = module.funcs.get(func.index()).and_then(|&ty| module.type_at(ty));
                let Some(ty) = ty else { return self.add(module, Item::Unknown) };
                self.differs |= *self.first.get_or_insert(ty.id) != ty.id;
            }
        }
    }
}
