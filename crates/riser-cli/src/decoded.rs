//! A decoded module with its names: what is shown of modules, and where errors are looked up.
//!
//! This reads the sections once more, beside what the engine does, so that a module which cannot run can be
//! shown too. Running a program does not need it.

use std::collections::HashMap;
use std::fmt::Write;

use riser_module::{
    EntityIdx, EntityType, GlobalType, Limits, MemoryType, Module, ModuleError, ModuleLimits,
    Names, TableType, TypeRegistry,
};
use riser_ops::{
    CompositeType, Features, FieldType, FuncIdx, FuncType, HeapType, RefType, StorageType, SubType,
    TypeId, TypeIdx, ValType,
};

use crate::errors::clean_name;
use crate::input::Input;

/// A decoded module and its names.
pub struct Decoded {
    /// The module.
    pub module: Module,
    names: Names,
    /// The first position of each canonical type.
    type_positions: HashMap<TypeId, TypeIdx>,
    /// The first export of each function.
    export_names: HashMap<FuncIdx, usize>,
}

impl Decoded {
    /// Reads the sections. Bodies are not looked into.
    pub fn new(input: &Input, features: Features) -> Result<Decoded, ModuleError> {
        let registry = TypeRegistry::new();
        let module =
            Module::decode(input.bytes.clone(), &registry, features, &ModuleLimits::DEFAULT)?;
        let names = module.names();
        let mut type_positions = HashMap::new();
        for (ty, i) in module.types.iter().zip(0..) {
            type_positions.entry(ty.id).or_insert(TypeIdx(i));
        }
        let mut export_names = HashMap::new();
        for (i, export) in module.exports.iter().enumerate() {
            if let EntityIdx::Func(func) = export.item {
                export_names.entry(func).or_insert(i);
            }
        }
        Ok(Decoded { module, names, type_positions, export_names })
    }

    /// The names that the producer gave.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// What a function is called: by the name section, else by an export, else by its import.
    pub fn func_name(&self, func: FuncIdx) -> Option<String> {
        if let Some(name) = self.names.func(func) {
            return Some(clean_name(&demangle(name)));
        }
        if let Some(i) = self.export_names.get(&func) {
            return Some(clean_name(&self.module.exports[*i].name));
        }
        let mut imported =
            self.module.imports.iter().filter(|import| matches!(import.ty, EntityType::Func(_)));
        let import = imported.nth(func.index())?;
        Some(import_path(&import.module, &import.name))
    }

    /// A function in messages: `` `name` (func 3) ``, or `func 3`.
    pub fn func_label(&self, func: FuncIdx) -> String {
        func_label(self.func_name(func).as_deref(), func.0)
    }

    /// A value type, with the module's own indices.
    pub fn val_type(&self, ty: ValType) -> String {
        match ty.as_ref() {
            Some(ty) => self.ref_type(ty),
            None => ty.to_string(),
        }
    }

    fn ref_type(&self, ty: RefType) -> String {
        let HeapType::Concrete(id, _) = ty.heap() else { return ty.to_string() };
        let null = if ty.is_nullable() { "null " } else { "" };
        format!("(ref {null}{})", self.type_position(id))
    }

    /// The position of a canonical type in this module.
    pub fn type_position(&self, id: TypeId) -> TypeIdx {
        self.type_positions.get(&id).copied().unwrap_or(TypeIdx(u32::MAX))
    }

    /// A function type: `(i32, i32) -> f64`.
    pub fn func_type(&self, ty: &FuncType) -> String {
        let list = |types: &[ValType]| {
            let types: Vec<String> = types.iter().map(|ty| self.val_type(*ty)).collect();
            types.join(", ")
        };
        match ty.results() {
            [one] => format!("({}) -> {}", list(ty.params()), self.val_type(*one)),
            results => format!("({}) -> ({})", list(ty.params()), list(results)),
        }
    }

    /// The function type at a position.
    pub fn func_type_at(&self, ty: TypeIdx) -> String {
        self.module.func_type_at(ty).map(|ty| self.func_type(ty)).unwrap_or_default()
    }

    /// An entry of the type section.
    pub fn sub_type(&self, ty: &SubType) -> String {
        let mut text = match &ty.composite {
            CompositeType::Func(ty) => format!("func {}", self.func_type(ty)),
            CompositeType::Struct(fields) => {
                let fields: Vec<String> = fields.iter().map(|field| self.field(*field)).collect();
                format!("struct {{{}}}", fields.join(", "))
            }
            CompositeType::Array(field) => format!("array [{}]", self.field(*field)),
        };
        if let Some(parent) = ty.supertype {
            let _ = write!(text, ", extends {}", self.type_position(parent));
        }
        if !ty.is_final {
            text.push_str(", open");
        }
        text
    }

    fn field(&self, field: FieldType) -> String {
        let storage = match field.storage {
            StorageType::Val(ty) => self.val_type(ty),
            packed => packed.to_string(),
        };
        if field.mutable { format!("mut {storage}") } else { storage }
    }

    /// The type of an import or export, without its kind: `(i32) -> f64`, `2 pages`, `mut i32`.
    pub fn entity(&self, ty: EntityType) -> String {
        match ty {
            EntityType::Func(ty) | EntityType::Tag(ty) => self.func_type_at(ty),
            EntityType::Table(ty) => self.table(&ty),
            EntityType::Memory(ty) => memory(&ty),
            EntityType::Global(ty) => self.global(&ty),
        }
    }

    /// The type of a table.
    pub fn table(&self, ty: &TableType) -> String {
        let flags = flags(&[(ty.table64, "64-bit indices"), (ty.shared, "shared")]);
        format!("{}, {}{flags}", self.ref_type(ty.element), limits(&ty.limits, "element"))
    }

    /// The type of a global.
    pub fn global(&self, ty: &GlobalType) -> String {
        let mutable = if ty.mutable { "mut " } else { "" };
        format!("{mutable}{}{}", self.val_type(ty.ty), flags(&[(ty.shared, "shared")]))
    }
}

/// A function in messages, from what is known of it.
pub fn func_label(name: Option<&str>, index: u32) -> String {
    match name {
        Some(name) => format!("`{name}` (func {index})"),
        None => format!("func {index}"),
    }
}

/// The two parts of an import's name in messages.
pub fn import_path(module: &str, name: &str) -> String {
    clean_name(&format!("{module}.{name}"))
}

/// The name as it was in the source, as far as that can be told.
pub fn demangle(name: &str) -> String {
    riser_inspect::demangle(name).unwrap_or_else(|| name.into())
}

/// The kind of an import or export, in the specification's words.
pub fn kind(ty: EntityType) -> &'static str {
    match ty {
        EntityType::Func(_) => "function",
        EntityType::Table(_) => "table",
        EntityType::Memory(_) => "memory",
        EntityType::Global(_) => "global",
        EntityType::Tag(_) => "tag",
    }
}

/// The type of a memory: `2 to 256 pages (128 KiB to 16 MiB), shared`.
pub fn memory(ty: &MemoryType) -> String {
    let bytes = |pages: u64| size(pages.saturating_mul(ty.page_size()));
    let sizes = match ty.limits.max {
        Some(max) if max != ty.limits.min => format!("{} to {}", bytes(ty.limits.min), bytes(max)),
        _ => bytes(ty.limits.min),
    };
    let flags = flags(&[
        (ty.memory64, "64-bit addresses"),
        (ty.shared, "shared"),
        (ty.page_size_log2 != 16, "small pages"),
    ]);
    format!("{} ({sizes}){flags}", limits(&ty.limits, "page"))
}

fn flags(flags: &[(bool, &str)]) -> String {
    flags.iter().filter(|(on, _)| *on).map(|(_, name)| format!(", {name}")).collect()
}

fn limits(limits: &Limits, unit: &str) -> String {
    match limits.max {
        None => format!("{} or more", count(limits.min, unit)),
        Some(max) if max == limits.min => count(max, unit),
        Some(max) => format!("{} to {}", number(limits.min), count(max, unit)),
    }
}

/// A number with a noun: `1 page`, `2 pages`, `3 entries`.
pub fn count(count: u64, noun: &str) -> String {
    match (count, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) => format!("{} {stem}ies", number(count)),
        _ => format!("{} {noun}s", number(count)),
    }
}

/// A number with its digits in groups: `1,234,567`.
pub fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of bytes in the largest unit that leaves no more than one decimal.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut unit = 0;
    let mut tenths = u128::from(bytes) * 10 / 1024;
    if bytes < 1024 {
        return count(bytes, "byte");
    }
    while tenths >= 10240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    match tenths % 10 {
        0 => format!("{} {}", tenths / 10, UNITS[unit]),
        tenth => format!("{}.{tenth} {}", tenths / 10, UNITS[unit]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(number(0), "0");
        assert_eq!(number(999), "999");
        assert_eq!(number(1_234_567), "1,234,567");
        assert_eq!(count(1, "entry"), "1 entry");
        assert_eq!(count(2000, "entry"), "2,000 entries");
    }

    #[test]
    fn sizes_have_at_most_one_decimal() {
        assert_eq!(size(1), "1 byte");
        assert_eq!(size(1000), "1,000 bytes");
        assert_eq!(size(65536), "64 KiB");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(size(u64::MAX), "15.9 EiB");
    }
}
