//! From bytes to a [`Module`]: the header, the order of the sections, and what spans several of them.
//!
//! One pass, linear in the input. Each section has its file in `sections/`, which adds to the [`Decoder`] the
//! part of the index spaces that it declares. A count in the input reserves no more memory than the bytes
//! behind it could fill.
//! Source: WebAssembly 3.0, sections 5.5 (modules) and 3.5 (their validation).

use crate::bytes::ModuleBytes;
use crate::error::ModuleError;
use crate::header;
use crate::limits::ModuleLimits;
use crate::matching::Subtyping;
use crate::module::{
    Body, CustomSection, Data, DataSegment, ElementSegment, Export, FuncSet, Global, Import,
    ImportCounts, MemoryType, Module, ModuleType, Outline, Section, Table,
};
use crate::reader::Reader;
use crate::registry::{Registration, TypeRegistry};
use crate::sections::const_exprs::Scratch;
use crate::sections::id;
use crate::tables::TableWrites;
use alloc::format;
use alloc::vec::Vec;
use core::ops::Range;
use riser_ops::{Features, FuncIdx, FuncType, TypeIdx};

pub(crate) type Result<T> = core::result::Result<T, ModuleError>;

impl Module {
    /// Decodes a module and validates everything in it but the function bodies.
    ///
    /// Types become canonical in `registry`, which the module keeps alive.
    pub fn decode(
        bytes: ModuleBytes,
        registry: &TypeRegistry,
        features: Features,
        limits: &ModuleLimits,
    ) -> Result<Module> {
        Module::decode_with(bytes, registry, features, limits, None)
    }

    /// Decodes a module that was decoded before, of which the outline was kept. The same bytes give the same module; of other bytes
    /// that a later stage reads as bodies or data, it would be wrong, though never outside of them.
    ///
    /// # Errors
    /// As for [`Module::decode`], and if the outline cannot be that of these bytes.
    pub fn decode_again(
        bytes: ModuleBytes,
        registry: &TypeRegistry,
        features: Features,
        limits: &ModuleLimits,
        outline: Outline,
    ) -> Result<Module> {
        Module::decode_with(bytes, registry, features, limits, Some(outline))
    }

    fn decode_with(
        bytes: ModuleBytes,
        registry: &TypeRegistry,
        features: Features,
        limits: &ModuleLimits,
        outline: Option<Outline>,
    ) -> Result<Module> {
        let content: &[u8] = &bytes;
        if content.len() > limits.module_bytes as usize {
            let len = content.len();
            let message = format!("{len} bytes exceed the limit of {}", limits.module_bytes);
            return Err(ModuleError::limit(0, message));
        }
        let mut reader = Reader::new(content);
        header::read(&mut reader)?;
        let mut decoder = Decoder::new(content, registry.registration(), features, limits);
        decoder.outline = outline;
        decoder.sections(&mut reader)?;
        decoder.check_ends()?;
        Ok(decoder.finish(bytes.clone()))
    }
}

/// The module as far as it was read.
pub(crate) struct Decoder<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) features: Features,
    pub(crate) limits: &'a ModuleLimits,
    pub(crate) registration: Registration,
    pub(crate) types: Vec<ModuleType>,
    pub(crate) subtyping: Subtyping,
    pub(crate) imports: Vec<Import>,
    pub(crate) exports: Vec<Export>,
    pub(crate) funcs: Vec<TypeIdx>,
    pub(crate) tables: Vec<Table>,
    pub(crate) memories: Vec<MemoryType>,
    pub(crate) globals: Vec<Global>,
    pub(crate) tags: Vec<TypeIdx>,
    pub(crate) imported: ImportCounts,
    pub(crate) start: Option<FuncIdx>,
    pub(crate) elements: Vec<ElementSegment>,
    pub(crate) data: Vec<DataSegment>,
    pub(crate) data_count: Option<u32>,
    /// How many data segments are read when somebody asks, and where.
    pub(crate) later_data: Option<(usize, Range<usize>)>,
    pub(crate) outline: Option<Outline>,
    pub(crate) bodies: Vec<Body>,
    /// Made when the first function is declared: then their number is known.
    pub(crate) declared_funcs: Option<FuncSet>,
    pub(crate) customs: Vec<CustomSection>,
    pub(crate) scratch: Scratch,
    sections: Vec<Section>,
}

impl<'a> Decoder<'a> {
    fn new(
        bytes: &'a [u8],
        registration: Registration,
        features: Features,
        limits: &'a ModuleLimits,
    ) -> Decoder<'a> {
        Decoder {
            bytes,
            features,
            limits,
            registration,
            types: Vec::new(),
            subtyping: Subtyping::default(),
            imports: Vec::new(),
            exports: Vec::new(),
            funcs: Vec::new(),
            tables: Vec::new(),
            memories: Vec::new(),
            globals: Vec::new(),
            tags: Vec::new(),
            imported: ImportCounts::default(),
            start: None,
            elements: Vec::new(),
            data: Vec::new(),
            data_count: None,
            later_data: None,
            outline: None,
            bodies: Vec::new(),
            declared_funcs: None,
            customs: Vec::new(),
            scratch: Scratch::default(),
            sections: Vec::new(),
        }
    }

    /// Reads all sections: custom ones anywhere, the others at most once and in their order.
    fn sections(&mut self, reader: &mut Reader<'a>) -> Result<()> {
        let mut last = 0;
        while !reader.is_empty() {
            let start = reader.pos();
            let section_id = reader.u8()?;
            let mut content = reader.sized()?;
            if section_id != id::CUSTOM {
                let Some(place) = id::ORDER.iter().position(|&other| other == section_id) else {
                    return Err(ModuleError::malformed(start, "malformed section id"));
                };
                if place < last {
                    return Err(ModuleError::malformed(
                        start,
                        "unexpected content after last section",
                    ));
                }
                last = place + 1;
            }
            self.sections.push(Section { id: section_id, range: content.pos()..content.end() });
            self.section(section_id, &mut content)?;
            if !content.is_empty() {
                return Err(ModuleError::malformed(content.pos(), "section size mismatch"));
            }
        }
        Ok(())
    }

    fn section(&mut self, section_id: u8, content: &mut Reader<'a>) -> Result<()> {
        match section_id {
            id::CUSTOM => self.custom_section(content),
            id::TYPE => self.type_section(content),
            id::IMPORT => self.import_section(content),
            id::FUNCTION => self.function_section(content),
            id::TABLE => self.table_section(content),
            id::MEMORY => self.memory_section(content),
            id::TAG => self.tag_section(content),
            id::GLOBAL => self.global_section(content),
            id::EXPORT => self.export_section(content),
            id::START => self.start_section(content),
            id::ELEMENT => self.element_section(content),
            id::DATA_COUNT => self.data_count_section(content),
            id::CODE => self.code_section(content),
            id::DATA => self.data_section(content),
            _ => Err(ModuleError::malformed(content.pos(), "malformed section id")),
        }
    }

    /// What can only be said when all sections are read: whether one is missing.
    fn check_ends(&self) -> Result<()> {
        let end = self.bytes.len();
        if self.bodies.len() != self.defined_funcs() {
            return Err(ModuleError::malformed(
                end,
                "function and code section have inconsistent lengths",
            ));
        }
        if self.data_count.is_some_and(|count| count as usize != self.data_len()) {
            return Err(ModuleError::malformed(
                end,
                "data count and data section have inconsistent lengths",
            ));
        }
        Ok(())
    }

    fn data_len(&self) -> usize {
        self.later_data.as_ref().map_or(self.data.len(), |(len, _)| *len)
    }

    fn finish(self, bytes: ModuleBytes) -> Module {
        let len = self.data_len();
        let (segments, section) = match self.later_data {
            Some((_, section)) => (spin::Once::new(), section),
            None => (spin::Once::initialized(self.data.into()), 0..0),
        };
        Module {
            bytes,
            features: self.features,
            registration: self.registration,
            has_object_types: self.types.iter().any(|ty| ty.ty.composite.as_func().is_none()),
            types: self.types.into(),
            subtyping: self.subtyping,
            type_indices: spin::Once::new(),
            imports: self.imports.into(),
            exports: self.exports.into(),
            funcs: self.funcs.into(),
            tables: self.tables.into(),
            memories: self.memories.into(),
            globals: self.globals.into(),
            tags: self.tags.into(),
            imported: self.imported,
            start: self.start,
            elements: self.elements.into(),
            data: Data { segments, len, section },
            data_count: self.data_count,
            table_writes: TableWrites::UNKNOWN,
            constant_tables: spin::Once::new(),
            bodies: self.bodies.into(),
            declared_funcs: self.declared_funcs.unwrap_or_default(),
            customs: self.customs.into(),
            sections: self.sections.into(),
        }
    }

    /// The number of functions that have a body.
    pub(crate) fn defined_funcs(&self) -> usize {
        self.funcs.len() - self.imported.funcs as usize
    }

    /// The function type at a type index that was read at `offset`.
    pub(crate) fn func_type(&self, ty: TypeIdx, offset: usize) -> Result<&FuncType> {
        match self.types.get(ty.index()) {
            Some(entry) => entry.ty.composite.as_func().ok_or_else(|| {
                ModuleError::invalid(
                    offset,
                    format!("type mismatch: type {ty} is not a function type"),
                )
            }),
            None => Err(unknown("type", ty.0, offset)),
        }
    }

    /// Notes that a function occurs outside of bodies, so that `ref.func` may name it.
    pub(crate) fn declare(&mut self, func: FuncIdx, offset: usize) -> Result<()> {
        if func.index() >= self.funcs.len() {
            return Err(unknown("function", func.0, offset));
        }
        let count = self.funcs.len();
        self.declared_funcs.get_or_insert_with(|| FuncSet::new(count)).insert(func);
        Ok(())
    }

    /// An error unless the features allow what is behind `gate`.
    pub(crate) fn require(&self, gate: Features, what: &'static str, offset: usize) -> Result<()> {
        if self.features.allows(gate) {
            return Ok(());
        }
        let name = gate.names().next().unwrap_or("?");
        Err(ModuleError::invalid(offset, format!("{what} need the feature {name}, which is off")))
    }
}

/// The error for an index out of range.
#[cold]
pub(crate) fn unknown(space: &'static str, index: u32, offset: usize) -> ModuleError {
    ModuleError::invalid(offset, format!("unknown {space} {index}"))
}
