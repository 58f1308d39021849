//! The types of what can be imported and exported.

use super::{FuncType, Mutability, RefType, ValType};
use crate::{
    AsContextMut, Engine, Extern, Global, Memory, Ref, Result, SharedMemory, Table, Tag, bail,
    format_err,
};
use core::fmt;
use riser_module as module;

/// The type of something that can be imported or exported.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let module = Module::new(&Engine::default(), r#"(module (memory (export "m") 1 2))"#)?;
/// let ty = module.get_export("m").unwrap();
/// assert_eq!(ty.unwrap_memory().maximum(), Some(2));
/// assert!(ty.func().is_none());
/// assert_eq!(ty.to_string(), "(memory 1 2)");
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExternType {
    /// A function.
    Func(FuncType),
    /// A global.
    Global(GlobalType),
    /// A table.
    Table(TableType),
    /// A memory.
    Memory(MemoryType),
    /// A tag.
    Tag(TagType),
}

/// Declares accessors and conversions for each kind.
macro_rules! kinds {
    ($($kind:ident($ty:ty) $get:ident $unwrap:ident;)*) => {
        impl ExternType {$(
            /// The type, if it is of this kind.
            pub fn $get(&self) -> Option<&$ty> {
                if let ExternType::$kind(ty) = self { Some(ty) } else { None }
            }

            /// The type.
            ///
            /// # Panics
            /// If it is of another kind.
            pub fn $unwrap(&self) -> &$ty {
                self.$get().expect(concat!("expected ", stringify!($get)))
            }
        )*}

        $(impl From<$ty> for ExternType {
            fn from(ty: $ty) -> ExternType { ExternType::$kind(ty) }
        })*
    };
}

kinds! {
    Func(FuncType) func unwrap_func;
    Global(GlobalType) global unwrap_global;
    Table(TableType) table unwrap_table;
    Memory(MemoryType) memory unwrap_memory;
    Tag(TagType) tag unwrap_tag;
}

impl ExternType {
    /// Something of this type that holds zeros and nulls, or does nothing.
    ///
    /// # Errors
    /// If the type has no default value.
    pub fn default_value<T: 'static>(&self, store: impl AsContextMut<Data = T>) -> Result<Extern> {
        Ok(match self {
            ExternType::Func(ty) => ty.default_value(store)?.into(),
            ExternType::Global(ty) => ty.default_value(store)?.into(),
            ExternType::Table(ty) => ty.default_value(store)?.into(),
            ExternType::Memory(ty) => ty.default_value(store)?,
            ExternType::Tag(ty) => ty.default_value(store)?.into(),
        })
    }

    pub(crate) fn of(
        engine: &Engine,
        decoded: &module::Module,
        ty: module::EntityType,
    ) -> ExternType {
        let func = |ty: riser_ops::TypeIdx| FuncType::of(engine, decoded.types[ty.index()].id);
        match ty {
            module::EntityType::Func(ty) => ExternType::Func(func(ty)),
            module::EntityType::Table(ty) => ExternType::Table(TableType::of(engine, ty)),
            module::EntityType::Memory(ty) => ExternType::Memory(MemoryType { ty }),
            module::EntityType::Global(ty) => ExternType::Global(GlobalType::of(engine, ty)),
            module::EntityType::Tag(ty) => ExternType::Tag(TagType { ty: func(ty) }),
        }
    }
}

impl fmt::Display for ExternType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExternType::Func(ty) => ty.fmt(f),
            ExternType::Global(ty) => ty.fmt(f),
            ExternType::Table(ty) => ty.fmt(f),
            ExternType::Memory(ty) => ty.fmt(f),
            ExternType::Tag(ty) => ty.fmt(f),
        }
    }
}

/// The type of a global.
///
/// ```
/// use riser::{GlobalType, Mutability, ValType};
///
/// let ty = GlobalType::new(ValType::I64, Mutability::Var);
/// assert!(ty.content().is_i64());
/// assert_eq!(ty.to_string(), "(global (mut i64))");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct GlobalType {
    content: ValType,
    mutability: Mutability,
}

impl GlobalType {
    /// A global type from its parts.
    pub fn new(content: ValType, mutability: Mutability) -> GlobalType {
        GlobalType { content, mutability }
    }

    /// What it holds.
    pub fn content(&self) -> &ValType {
        &self.content
    }

    /// Whether it can be written.
    pub fn mutability(&self) -> Mutability {
        self.mutability
    }

    /// A global of this type that holds zero or null.
    ///
    /// # Errors
    /// If the content has no default.
    pub fn default_value(&self, store: impl AsContextMut) -> Result<Global> {
        let value = self.content.default_value();
        let value = value.ok_or_else(|| format_err!("`{}` has no default value", self.content))?;
        Global::new(store, self.clone(), value)
    }

    pub(crate) fn of(engine: &Engine, ty: module::GlobalType) -> GlobalType {
        let content = ValType::from_ops(engine, ty.ty);
        GlobalType { content, mutability: Mutability::of(ty.mutable) }
    }

    pub(crate) fn to_module(&self) -> module::GlobalType {
        let mutable = self.mutability.is_var();
        module::GlobalType { ty: self.content.to_ops(), mutable, shared: false }
    }
}

impl fmt::Display for GlobalType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.mutability {
            Mutability::Const => write!(f, "(global {})", self.content),
            Mutability::Var => write!(f, "(global (mut {}))", self.content),
        }
    }
}

/// The type of a tag: the parameters of its function type are the payload of exceptions.
///
/// ```
/// use riser::{Engine, FuncType, TagType, ValType};
///
/// let ty = TagType::new(FuncType::new(&Engine::default(), [ValType::I32], []));
/// assert_eq!(ty.to_string(), "(tag (func (param i32)))");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TagType {
    ty: FuncType,
}

impl TagType {
    /// A tag with the parameters of `ty` as payload.
    pub fn new(ty: FuncType) -> TagType {
        TagType { ty }
    }

    /// The function type.
    pub fn ty(&self) -> &FuncType {
        &self.ty
    }

    /// A new tag of this type.
    ///
    /// # Errors
    /// If the store has no room for one.
    pub fn default_value(&self, store: impl AsContextMut) -> Result<Tag> {
        Tag::new(store, self)
    }
}

impl fmt::Display for TagType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "(tag {})", self.ty)
    }
}

fn limits(f: &mut fmt::Formatter<'_>, is_64: bool, limits: module::Limits) -> fmt::Result {
    if is_64 {
        f.write_str(" i64")?;
    }
    write!(f, " {}", limits.min)?;
    limits.max.map_or(Ok(()), |max| write!(f, " {max}"))
}

/// The type of a table.
///
/// ```
/// use riser::{RefType, TableType};
///
/// let ty = TableType::new(RefType::FUNCREF, 10, None);
/// assert_eq!((ty.minimum(), ty.maximum(), ty.is_64()), (10, None, false));
/// assert_eq!(ty.to_string(), "(table 10 funcref)");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TableType {
    element: RefType,
    ty: module::TableType,
}

impl TableType {
    /// A table with at least `min` and at most `max` elements.
    pub fn new(element: RefType, min: u32, max: Option<u32>) -> TableType {
        let limits = module::Limits { min: min.into(), max: max.map(u64::from) };
        let ops = element.to_ops();
        let ty = module::TableType { element: ops, limits, table64: false, shared: false };
        TableType { element, ty }
    }

    /// A table with 64-bit indices.
    pub fn new64(element: RefType, min: u64, max: Option<u64>) -> TableType {
        let limits = module::Limits { min, max };
        let ops = element.to_ops();
        let ty = module::TableType { element: ops, limits, table64: true, shared: false };
        TableType { element, ty }
    }

    /// Whether indices are 64-bit.
    pub fn is_64(&self) -> bool {
        self.ty.table64
    }

    /// What its elements are.
    pub fn element(&self) -> &RefType {
        &self.element
    }

    /// The least number of elements.
    pub fn minimum(&self) -> u64 {
        self.ty.limits.min
    }

    /// The largest number of elements, if bounded.
    pub fn maximum(&self) -> Option<u64> {
        self.ty.limits.max
    }

    /// A table of this type's smallest size, full of nulls.
    ///
    /// # Errors
    /// If elements cannot be null.
    pub fn default_value(&self, store: impl AsContextMut) -> Result<Table> {
        if !self.element.is_nullable() {
            bail!("`{}` has no default value", self.element);
        }
        Table::new(store, self.clone(), Ref::null(self.element.heap_type()))
    }

    pub(crate) fn of(engine: &Engine, ty: module::TableType) -> TableType {
        TableType { element: RefType::from_ops(engine, ty.element), ty }
    }

    pub(crate) fn to_module(&self) -> module::TableType {
        self.ty
    }
}

impl fmt::Display for TableType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(table")?;
        limits(f, self.ty.table64, self.ty.limits)?;
        write!(f, " {})", self.element)
    }
}

/// The type of a memory.
///
/// ```
/// use riser::MemoryType;
///
/// let ty = MemoryType::new(1, Some(10));
/// assert_eq!((ty.minimum(), ty.maximum()), (1, Some(10)));
/// assert_eq!(ty.page_size(), 65536);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MemoryType {
    ty: module::MemoryType,
}

impl MemoryType {
    /// A memory with at least `minimum` and at most `maximum` pages of 64 KiB.
    ///
    /// # Panics
    /// If a bound exceeds 65536 pages, or the minimum the maximum.
    pub fn new(minimum: u32, maximum: Option<u32>) -> MemoryType {
        let mut builder = MemoryTypeBuilder::new();
        builder.min(minimum.into()).max(maximum.map(u64::from));
        builder.build().expect("valid bounds")
    }

    /// A memory with 64-bit addresses.
    ///
    /// # Panics
    /// If the size does not fit 64 bits, or the minimum exceeds the maximum.
    pub fn new64(minimum: u64, maximum: Option<u64>) -> MemoryType {
        let mut builder = MemoryTypeBuilder::new();
        builder.memory64(true).min(minimum).max(maximum);
        builder.build().expect("valid bounds")
    }

    /// A shared memory.
    ///
    /// # Panics
    /// If a bound exceeds 65536 pages, or the minimum the maximum.
    pub fn shared(minimum: u32, maximum: u32) -> MemoryType {
        let mut builder = MemoryTypeBuilder::new();
        builder.shared(true).min(minimum.into()).max(Some(maximum.into()));
        builder.build().expect("valid bounds")
    }

    /// Makes other memory types.
    pub fn builder() -> MemoryTypeBuilder {
        MemoryTypeBuilder::new()
    }

    /// Whether addresses are 64-bit.
    pub fn is_64(&self) -> bool {
        self.ty.memory64
    }

    /// Whether it is shared between threads.
    pub fn is_shared(&self) -> bool {
        self.ty.shared
    }

    /// The least number of pages.
    pub fn minimum(&self) -> u64 {
        self.ty.limits.min
    }

    /// The largest number of pages, if bounded.
    pub fn maximum(&self) -> Option<u64> {
        self.ty.limits.max
    }

    /// The size of a page in bytes.
    pub fn page_size(&self) -> u64 {
        self.ty.page_size()
    }

    /// The binary logarithm of the size of a page.
    pub fn page_size_log2(&self) -> u8 {
        self.ty.page_size_log2 as u8
    }

    /// A memory of this type's smallest size, all zero.
    pub fn default_value(&self, store: impl AsContextMut) -> Result<Extern> {
        if self.is_shared() {
            let engine = store.as_context().engine().clone();
            return Ok(SharedMemory::new(&engine, self.clone())?.into());
        }
        Ok(Memory::new(store, self.clone())?.into())
    }

    pub(crate) fn of(ty: module::MemoryType) -> MemoryType {
        MemoryType { ty }
    }

    pub(crate) fn to_module(&self) -> module::MemoryType {
        self.ty
    }
}

impl fmt::Display for MemoryType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(memory")?;
        limits(f, self.ty.memory64, self.ty.limits)?;
        if self.ty.shared {
            f.write_str(" shared")?;
        }
        if self.ty.page_size_log2 != 16 {
            write!(f, " (pagesize {})", self.page_size())?;
        }
        f.write_str(")")
    }
}

/// Makes a [`MemoryType`] part by part.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let bytes = MemoryTypeBuilder::new().min(100).max(Some(200)).page_size_log2(0).build()?;
/// assert_eq!(bytes.page_size(), 1);
/// assert!(MemoryTypeBuilder::new().min(2).max(Some(1)).build().is_err());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct MemoryTypeBuilder {
    ty: module::MemoryType,
}

impl Default for MemoryTypeBuilder {
    fn default() -> MemoryTypeBuilder {
        let limits = module::Limits { min: 0, max: None };
        let ty = module::MemoryType { limits, memory64: false, shared: false, page_size_log2: 16 };
        MemoryTypeBuilder { ty }
    }
}

impl MemoryTypeBuilder {
    /// A memory of zero pages of 64 KiB, unbounded, 32-bit, not shared.
    pub fn new() -> MemoryTypeBuilder {
        MemoryTypeBuilder::default()
    }

    /// The least number of pages.
    pub fn min(&mut self, minimum: u64) -> &mut Self {
        self.ty.limits.min = minimum;
        self
    }

    /// The largest number of pages.
    pub fn max(&mut self, maximum: Option<u64>) -> &mut Self {
        self.ty.limits.max = maximum;
        self
    }

    /// Whether addresses are 64-bit.
    pub fn memory64(&mut self, memory64: bool) -> &mut Self {
        self.ty.memory64 = memory64;
        self
    }

    /// Whether it is shared.
    pub fn shared(&mut self, shared: bool) -> &mut Self {
        self.ty.shared = shared;
        self
    }

    /// The binary logarithm of the size of a page: 16 or 0.
    pub fn page_size_log2(&mut self, page_size_log2: u8) -> &mut Self {
        self.ty.page_size_log2 = page_size_log2.into();
        self
    }

    /// The type.
    ///
    /// # Errors
    /// If the parts contradict each other or exceed what WebAssembly allows.
    pub fn build(&self) -> Result<MemoryType> {
        let module::MemoryType { limits, memory64, shared, page_size_log2 } = self.ty;
        if !matches!(page_size_log2, 0 | 16) {
            bail!("page size log2 must be 0 or 16, not {page_size_log2}");
        }
        let bits = if memory64 { 64 } else { 32 };
        let pages_max = 1u128 << (bits - page_size_log2);
        if u128::from(limits.min) > pages_max {
            bail!("minimum size of {} pages exceeds {pages_max}", limits.min);
        }
        if let Some(max) = limits.max {
            if u128::from(max) > pages_max {
                bail!("maximum size of {max} pages exceeds {pages_max}");
            }
            if max < limits.min {
                bail!("maximum size of {max} pages is less than the minimum of {}", limits.min);
            }
        }
        if shared && limits.max.is_none() {
            bail!("shared memories must have a maximum size");
        }
        Ok(MemoryType { ty: self.ty })
    }
}

/// An import of a module.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let module = Module::new(&Engine::default(), r#"(module (import "a" "b" (func)))"#)?;
/// let import = module.imports().next().unwrap();
/// assert_eq!((import.module(), import.name()), ("a", "b"));
/// assert!(import.ty().func().is_some());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct ImportType<'module> {
    pub(crate) module: &'module str,
    pub(crate) name: &'module str,
    pub(crate) ty: ExternType,
}

impl<'module> ImportType<'module> {
    /// The first part of the name.
    pub fn module(&self) -> &'module str {
        self.module
    }

    /// The second part of the name.
    pub fn name(&self) -> &'module str {
        self.name
    }

    /// What is wanted.
    pub fn ty(&self) -> ExternType {
        self.ty.clone()
    }
}

/// An export of a module.
///
/// ```
/// # use riser::*;
/// # fn main() -> Result<()> {
/// let module = Module::new(&Engine::default(), r#"(module (func (export "f")) (memory (export "m") 1))"#)?;
/// let names: Vec<&str> = module.exports().map(|export| export.name()).collect();
/// assert_eq!(names, ["f", "m"]);
/// assert!(module.exports().all(|export| export.ty().global().is_none()));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct ExportType<'module> {
    pub(crate) name: &'module str,
    pub(crate) ty: ExternType,
}

impl<'module> ExportType<'module> {
    /// The name.
    pub fn name(&self) -> &'module str {
        self.name
    }

    /// What is exported.
    pub fn ty(&self) -> ExternType {
        self.ty.clone()
    }
}
