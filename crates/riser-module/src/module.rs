//! The decoded module: everything the sections say, checked, and nothing about how it will run.
//!
//! A [`Module`] is immutable and has no code. All value types in it are canonical (they name engine-wide
//! [`TypeId`]s), so they compare across modules as words. Function bodies are byte ranges; `riser-front`
//! walks them. `decode.rs` makes a module; `sections/` has a file per section.

use crate::bytes::ModuleBytes;
use crate::matching::Subtyping;
use crate::registry::Registration;
use crate::tables::{ConstantTable, TableWrites};
use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;
use riser_abi::{VmCtxCounts, VmCtxLayout};
use riser_ops::{
    DataIdx, ElemIdx, Features, FuncIdx, FuncType, GlobalIdx, HeapType, MemoryIdx, RefType,
    SubType, TableIdx, TagIdx, TypeId, TypeIdx, ValType,
};
use spin::Once;

/// A decoded module whose sections are valid. Its bodies are validated separately (`riser-front`).
#[derive(Debug)]
pub struct Module {
    /// The binary that everything here was read from.
    pub bytes: ModuleBytes,
    /// The features it was decoded under.
    pub features: Features,
    /// Keeps the canonical types of `types` alive in the engine's registry.
    pub registration: Registration,
    /// The type index space.
    pub types: Box<[ModuleType]>,
    /// Whether one of `types` is a structure's or an array's.
    pub has_object_types: bool,
    /// The declared supertypes of `types`, for matching without a lock.
    pub subtyping: Subtyping,
    /// See [`Module::index_of`].
    pub(crate) type_indices: Once<Box<[(TypeId, TypeIdx)]>>,
    /// Imports in order of declaration.
    pub imports: Box<[Import]>,
    /// Exports in order of declaration; names are unique.
    pub exports: Box<[Export]>,
    /// The function index space: each function's type.
    pub funcs: Box<[TypeIdx]>,
    /// The table index space.
    pub tables: Box<[Table]>,
    /// The memory index space.
    pub memories: Box<[MemoryType]>,
    /// The global index space.
    pub globals: Box<[Global]>,
    /// The tag index space: each tag's function type.
    pub tags: Box<[TypeIdx]>,
    /// How many of each space are imports; they come first.
    pub imported: ImportCounts,
    /// The function to call after instantiation.
    pub start: Option<FuncIdx>,
    /// Element segments.
    pub elements: Box<[ElementSegment]>,
    /// See [`Module::data`].
    pub(crate) data: Data,
    /// The count in the data count section, if there is one.
    pub data_count: Option<u32>,
    /// The tables that the bodies write: all, as long as nobody has looked into those.
    pub(crate) table_writes: TableWrites,
    /// See [`Module::constant_table`].
    pub(crate) constant_tables: Once<Box<[Option<ConstantTable>]>>,
    /// Bodies of the defined functions: entry `i` belongs to function `imported.funcs + i`.
    pub bodies: Box<[Body]>,
    /// Functions that `ref.func` may name inside a body: those that occur outside of bodies.
    pub declared_funcs: FuncSet,
    /// Custom sections, kept by range.
    pub customs: Box<[CustomSection]>,
    /// All sections in file order, for those who show a module to people.
    pub sections: Box<[Section]>,
}

/// An entry of the type index space.
#[derive(Clone, Debug)]
pub struct ModuleType {
    /// The canonical type.
    pub id: TypeId,
    /// What it looks like.
    pub ty: Arc<SubType>,
    /// Whether all fields of the structure, or the elements of the array, have a default value. Kept here since a
    /// type with thousands of fields can be asked for it once per operator.
    pub has_default: bool,
}

/// How many entries of each index space are imported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportCounts {
    /// Functions.
    pub funcs: u32,
    /// Tables.
    pub tables: u32,
    /// Memories.
    pub memories: u32,
    /// Globals.
    pub globals: u32,
    /// Tags.
    pub tags: u32,
}

/// An import declaration.
#[derive(Clone, Debug)]
pub struct Import {
    /// The first part of the name.
    pub module: Box<str>,
    /// The second part of the name.
    pub name: Box<str>,
    /// What is wanted.
    pub ty: EntityType,
}

/// The type of something that can be imported or exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntityType {
    /// A function of this type (an index of the module).
    Func(TypeIdx),
    /// A table.
    Table(TableType),
    /// A memory.
    Memory(MemoryType),
    /// A global.
    Global(GlobalType),
    /// A tag with this function type (an index of the module).
    Tag(TypeIdx),
}

/// An export.
#[derive(Clone, Debug)]
pub struct Export {
    /// The name.
    pub name: Box<str>,
    /// What is exported.
    pub item: EntityIdx,
}

/// A position in one of the index spaces that can be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EntityIdx {
    /// A function.
    Func(FuncIdx),
    /// A table.
    Table(TableIdx),
    /// A memory.
    Memory(MemoryIdx),
    /// A global.
    Global(GlobalIdx),
    /// A tag.
    Tag(TagIdx),
}

/// Size limits of a table (elements) or a memory (pages).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// The initial size.
    pub min: u64,
    /// The largest size, if bounded.
    pub max: Option<u64>,
}

/// The type of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TableType {
    /// What its elements are.
    pub element: RefType,
    /// Its size, in elements.
    pub limits: Limits,
    /// Whether indices are 64-bit.
    pub table64: bool,
    /// Whether it is shared.
    pub shared: bool,
}

impl TableType {
    /// The type of indices: `i32` or `i64`.
    pub const fn index_type(&self) -> ValType {
        if self.table64 { ValType::I64 } else { ValType::I32 }
    }
}

/// The type of a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MemoryType {
    /// Its size, in pages.
    pub limits: Limits,
    /// Whether addresses are 64-bit.
    pub memory64: bool,
    /// Whether it is shared.
    pub shared: bool,
    /// The binary logarithm of the page size: 16 or 0.
    pub page_size_log2: u32,
}

impl MemoryType {
    /// The type of addresses: `i32` or `i64`.
    pub const fn index_type(&self) -> ValType {
        if self.memory64 { ValType::I64 } else { ValType::I32 }
    }

    /// The page size in bytes.
    pub const fn page_size(&self) -> u64 {
        1 << self.page_size_log2
    }
}

/// The type of a global.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GlobalType {
    /// What it holds.
    pub ty: ValType,
    /// Whether it can be written.
    pub mutable: bool,
    /// Whether it is shared.
    pub shared: bool,
}

/// A table of the index space.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its type.
    pub ty: TableType,
    /// What its elements start as, if the definition says so; otherwise null. `None` for imports.
    pub init: Option<ConstExpr>,
}

/// A global of the index space.
#[derive(Clone, Debug)]
pub struct Global {
    /// Its type.
    pub ty: GlobalType,
    /// Its initial value; `None` for imports.
    pub init: Option<ConstExpr>,
}

/// A constant expression, decoded and valid: its operators in order, without the final `end`.
#[derive(Clone, Debug, PartialEq)]
pub struct ConstExpr {
    /// The operators, evaluated on a stack.
    pub ops: ConstOps,
}

/// Most constant expressions are one operator, which needs no allocation.
#[derive(Clone, Debug, PartialEq)]
pub enum ConstOps {
    /// A single operator.
    One(ConstOp),
    /// Several.
    Many(Box<[ConstOp]>),
}

impl ConstExpr {
    /// The operators in order.
    pub fn ops(&self) -> &[ConstOp] {
        match &self.ops {
            ConstOps::One(op) => core::slice::from_ref(op),
            ConstOps::Many(ops) => ops,
        }
    }
}

/// An operator of a constant expression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ConstOp {
    /// `i32.const`
    I32Const(i32),
    /// `i64.const`
    I64Const(i64),
    /// `f32.const`, as bits.
    F32Const(u32),
    /// `f64.const`, as bits.
    F64Const(u64),
    /// `v128.const`, lane 0 lowest.
    V128Const(u128),
    /// `global.get`
    GlobalGet(GlobalIdx),
    /// `ref.null`
    RefNull(HeapType),
    /// `ref.func`
    RefFunc(FuncIdx),
    /// `i32.add`
    I32Add,
    /// `i32.sub`
    I32Sub,
    /// `i32.mul`
    I32Mul,
    /// `i64.add`
    I64Add,
    /// `i64.sub`
    I64Sub,
    /// `i64.mul`
    I64Mul,
    /// `ref.i31`
    RefI31,
    /// `struct.new`
    StructNew(TypeIdx),
    /// `struct.new_default`
    StructNewDefault(TypeIdx),
    /// `array.new`
    ArrayNew(TypeIdx),
    /// `array.new_default`
    ArrayNewDefault(TypeIdx),
    /// `array.new_fixed` with the number of elements.
    ArrayNewFixed(TypeIdx, u32),
    /// `any.convert_extern`
    AnyConvertExtern,
    /// `extern.convert_any`
    ExternConvertAny,
}

/// An element segment.
#[derive(Clone, Debug)]
pub struct ElementSegment {
    /// When and where it is used.
    pub mode: ElementMode,
    /// The type of its elements.
    pub ty: RefType,
    /// The elements.
    pub items: ElementItems,
}

/// When and where an element segment is used.
#[derive(Clone, Debug)]
pub enum ElementMode {
    /// Copied into a table at instantiation.
    Active {
        /// The table.
        table: TableIdx,
        /// The first index written.
        offset: ConstExpr,
    },
    /// Used by `table.init` and array operators.
    Passive,
    /// Only declares functions for `ref.func`.
    Declared,
}

/// The elements of a segment.
#[derive(Clone, Debug)]
pub enum ElementItems {
    /// Functions by index.
    Funcs(Box<[FuncIdx]>),
    /// An expression each.
    Exprs(Box<[ConstExpr]>),
}

impl ElementItems {
    /// The number of elements.
    pub fn len(&self) -> usize {
        match self {
            ElementItems::Funcs(funcs) => funcs.len(),
            ElementItems::Exprs(exprs) => exprs.len(),
        }
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A data segment.
#[derive(Clone, Debug)]
pub struct DataSegment {
    /// When and where it is used.
    pub mode: DataMode,
    /// Where its content stands in the module's bytes.
    pub range: Range<usize>,
}

/// When and where a data segment is used.
#[derive(Clone, Debug)]
pub enum DataMode {
    /// Copied into a memory at instantiation.
    Active {
        /// The memory.
        memory: MemoryIdx,
        /// The first address written.
        offset: ConstExpr,
    },
    /// Used by `memory.init` and array operators.
    Passive,
}

/// The data segments: of a module that was decoded before, they are read when somebody asks.
#[derive(Debug)]
pub(crate) struct Data {
    pub(crate) segments: Once<Box<[DataSegment]>>,
    pub(crate) len: usize,
    /// Where they are read then.
    pub(crate) section: Range<usize>,
}

/// What is known of a module that was decoded before, so that decoding it again need not look at most of its bytes.
#[derive(Clone, Debug, Default)]
pub struct Outline {
    /// Where each body is.
    pub bodies: Box<[Body]>,
    /// Whether each data segment is an active one at a constant address.
    pub data_is_placed: bool,
}

/// A function body: where it stands in the module's bytes, from its local declarations to its last `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Body {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset behind the last byte.
    pub end: u32,
}

impl Body {
    /// The range of bytes.
    pub const fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The number of bytes.
    pub const fn len(self) -> u32 {
        self.end - self.start
    }

    /// Whether there are no bytes (never so in a decoded module).
    pub const fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// A custom section.
#[derive(Clone, Debug)]
pub struct CustomSection {
    /// Its name.
    pub name: Box<str>,
    /// Where its content (behind the name) stands in the module's bytes.
    pub range: Range<usize>,
}

/// A section as it stands in the file.
#[derive(Clone, Debug)]
pub struct Section {
    /// The section id (0 for custom sections).
    pub id: u8,
    /// Where its content stands in the module's bytes.
    pub range: Range<usize>,
}

/// A set of functions, one bit each.
#[derive(Clone, Debug, Default)]
pub struct FuncSet {
    words: Box<[u64]>,
}

impl FuncSet {
    /// An empty set for `count` functions.
    pub fn new(count: usize) -> FuncSet {
        FuncSet { words: alloc::vec![0; count.div_ceil(64)].into() }
    }

    /// Adds a function, which must be below the count given to [`FuncSet::new`].
    pub fn insert(&mut self, func: FuncIdx) {
        self.words[func.index() / 64] |= 1 << (func.index() % 64);
    }

    /// Whether the function is in the set.
    #[inline]
    pub fn contains(&self, func: FuncIdx) -> bool {
        self.words.get(func.index() / 64).is_some_and(|word| word >> (func.index() % 64) & 1 == 1)
    }
}

impl Module {
    /// How the blocks of the module's instances lie in memory.
    pub fn vmctx_layout(&self) -> VmCtxLayout {
        VmCtxLayout::new(VmCtxCounts {
            imported_funcs: self.imported.funcs,
            memories: self.memories.len() as u32,
            tables: self.tables.len() as u32,
            globals: self.globals.len() as u32,
            imported_globals: self.imported.globals,
            tags: self.tags.len() as u32,
        })
    }

    /// The canonical type at a type index.
    #[inline]
    pub fn type_at(&self, ty: TypeIdx) -> Option<&ModuleType> {
        self.types.get(ty.index())
    }

    /// An index of a canonical type, the same one each time; `None` if it is none of the module's.
    pub fn index_of(&self, id: TypeId) -> Option<TypeIdx> {
        let indices = self.type_indices.call_once(|| {
            let ids = self.types.iter().map(|ty| ty.id).zip((0..).map(TypeIdx));
            let mut indices: Vec<_> = ids.collect();
            indices.sort_unstable_by_key(|&(id, index)| (id.0, index.0));
            indices.dedup_by_key(|&mut (id, _)| id);
            indices.into()
        });
        let at = indices.binary_search_by_key(&id.0, |(id, _)| id.0).ok()?;
        Some(indices[at].1)
    }

    /// The function type at a type index. `None` if there is no such type, or it is not a function's.
    #[inline]
    pub fn func_type_at(&self, ty: TypeIdx) -> Option<&FuncType> {
        self.types.get(ty.index())?.ty.composite.as_func()
    }

    /// The type of a function. `None` if there is no such function.
    #[inline]
    pub fn func_type(&self, func: FuncIdx) -> Option<&FuncType> {
        self.func_type_at(*self.funcs.get(func.index())?)
    }

    /// The function type of a tag. `None` if there is no such tag.
    #[inline]
    pub fn tag_type(&self, tag: TagIdx) -> Option<&FuncType> {
        self.func_type_at(*self.tags.get(tag.index())?)
    }

    /// The body of a defined function; `None` for imports and indices out of range.
    #[inline]
    pub fn body(&self, func: FuncIdx) -> Option<Body> {
        self.bodies.get(func.index().checked_sub(self.imported.funcs as usize)?).copied()
    }

    /// Whether the function is imported.
    #[inline]
    pub fn is_imported(&self, func: FuncIdx) -> bool {
        func.0 < self.imported.funcs
    }

    /// The data segments.
    pub fn data(&self) -> &[DataSegment] {
        self.data
            .segments
            .call_once(|| crate::sections::read_placed(&self.bytes, &self.data.section))
    }

    /// How many data segments there are.
    #[inline]
    pub fn data_len(&self) -> usize {
        self.data.len
    }

    /// The content of a data segment. Empty for an index out of range.
    pub fn data_bytes(&self, data: DataIdx) -> &[u8] {
        self.data().get(data.index()).map_or(&[], |segment| &self.bytes[segment.range.clone()])
    }

    /// An element segment.
    pub fn element(&self, elem: ElemIdx) -> Option<&ElementSegment> {
        self.elements.get(elem.index())
    }

    /// The type of what an export names.
    pub fn entity_type(&self, item: EntityIdx) -> EntityType {
        match item {
            EntityIdx::Func(i) => EntityType::Func(self.funcs[i.index()]),
            EntityIdx::Table(i) => EntityType::Table(self.tables[i.index()].ty),
            EntityIdx::Memory(i) => EntityType::Memory(self.memories[i.index()]),
            EntityIdx::Global(i) => EntityType::Global(self.globals[i.index()].ty),
            EntityIdx::Tag(i) => EntityType::Tag(self.tags[i.index()]),
        }
    }

    /// Looks an export up by its name. A linear search; those who look often build a map.
    pub fn export(&self, name: &str) -> Option<EntityIdx> {
        self.exports.iter().find(|export| &*export.name == name).map(|export| export.item)
    }
}
