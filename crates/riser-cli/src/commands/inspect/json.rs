//! The module as JSON. Keys are added over time, never renamed.

use riser_module::{EntityType, MemoryType, Module, ModuleError, TableType};
use riser_ops::{CompositeType, FuncIdx};
use serde_json::{Value, json};

use super::{Inspection, custom_position, numbered_imports, position, section_name};
use crate::decoded::{self, Decoded};

/// Renders everything, with a line break at the end.
pub fn render(inspection: &Inspection<'_>) -> String {
    let module = inspection.module();
    let decoded = inspection.decoded;
    let value = json!({
        "file": inspection.input.name,
        "bytes": module.bytes.len(),
        "from_text": inspection.input.from_text,
        "kind": inspection.kind(),
        "name": decoded.names().module(),
        "valid": inspection.invalid.is_none(),
        "error": inspection.invalid.as_ref().map(error),
        "needs": needs(module),
        "sections": sections(module),
        "types": types(decoded),
        "imports": imports(decoded),
        "exports": exports(decoded),
        "functions": { "imported": module.imported.funcs, "defined": module.bodies.len() },
        "tables": tables(decoded),
        "memories": memories(module),
        "globals": globals(decoded),
        "tags": tags(decoded),
        "start": module.start.map(|func| func.0),
        "elements": elements(module),
        "data": {
            "segments": module.data_len(),
            "bytes": module.data().iter().map(|segment| segment.range.len()).sum::<usize>(),
        },
        "proposals": proposals(inspection),
        "custom_sections": custom_sections(module),
        "largest_functions": largest(inspection),
    });
    format!("{value:#}\n")
}

fn error(error: &ModuleError) -> Value {
    json!({
        "message": error.message(),
        "offset": error.offset(),
        "function": error.func().map(|func| func.0),
    })
}

fn needs(module: &Module) -> Value {
    let need = |need: &super::needs::Need| json!({ "topic": need.topic, "what": need.what, "functions": need.functions });
    super::needs::needs(module).iter().map(need).collect()
}

fn sections(module: &Module) -> Value {
    let section = |(i, section): (usize, &riser_module::Section)| {
        let custom = (section.id == 0).then(|| custom_position(module, i));
        let custom = custom.and_then(|i| module.customs.get(i)).map(|custom| &*custom.name);
        json!({
            "id": section.id,
            "name": section_name(section),
            "custom_name": custom,
            "offset": section.range.start,
            "bytes": section.range.len(),
        })
    };
    module.sections.iter().enumerate().map(section).collect()
}

fn types(decoded: &Decoded) -> Value {
    let entry = |(i, entry): (usize, &riser_module::ModuleType)| {
        let kind = match &entry.ty.composite {
            CompositeType::Func(_) => "function",
            CompositeType::Struct(_) => "struct",
            CompositeType::Array(_) => "array",
        };
        json!({ "index": i, "kind": kind, "type": decoded.sub_type(&entry.ty) })
    };
    decoded.module.types.iter().enumerate().map(entry).collect()
}

fn imports(decoded: &Decoded) -> Value {
    let numbers = numbered_imports(&decoded.module);
    let import = |(import, (index, ty)): (&riser_module::Import, &(u32, EntityType))| {
        json!({
            "module": &*import.module,
            "name": &*import.name,
            "kind": decoded::kind(*ty),
            "index": index,
            "type": entity(decoded, *ty),
        })
    };
    decoded.module.imports.iter().zip(&numbers).map(import).collect()
}

fn exports(decoded: &Decoded) -> Value {
    let module = &decoded.module;
    let export = |export: &riser_module::Export| {
        let ty = module.entity_type(export.item);
        json!({
            "name": &*export.name,
            "kind": decoded::kind(ty),
            "index": position(export.item),
            "type": entity(decoded, ty),
        })
    };
    module.exports.iter().map(export).collect()
}

/// The type of an import or export: text for functions, globals and tags, an object for tables and memories.
fn entity(decoded: &Decoded, ty: EntityType) -> Value {
    match ty {
        EntityType::Table(ty) => table(decoded, &ty),
        EntityType::Memory(ty) => memory(&ty),
        EntityType::Func(_) | EntityType::Global(_) | EntityType::Tag(_) => {
            decoded.entity(ty).into()
        }
    }
}

fn table(decoded: &Decoded, ty: &TableType) -> Value {
    json!({
        "element": decoded.val_type(ty.element.into()),
        "min": ty.limits.min,
        "max": ty.limits.max,
        "table64": ty.table64,
        "shared": ty.shared,
    })
}

fn memory(ty: &MemoryType) -> Value {
    json!({
        "min_pages": ty.limits.min,
        "max_pages": ty.limits.max,
        "page_bytes": ty.page_size(),
        "memory64": ty.memory64,
        "shared": ty.shared,
    })
}

fn tables(decoded: &Decoded) -> Value {
    let module = &decoded.module;
    let entry = |(i, each): (usize, &riser_module::Table)| {
        let imported = i < module.imported.tables as usize;
        json!({ "index": i, "imported": imported, "type": table(decoded, &each.ty) })
    };
    module.tables.iter().enumerate().map(entry).collect()
}

fn memories(module: &Module) -> Value {
    let entry = |(i, ty): (usize, &MemoryType)| {
        let imported = i < module.imported.memories as usize;
        json!({ "index": i, "imported": imported, "type": memory(ty) })
    };
    module.memories.iter().enumerate().map(entry).collect()
}

fn globals(decoded: &Decoded) -> Value {
    let module = &decoded.module;
    let global = |(i, global): (usize, &riser_module::Global)| {
        let imported = i < module.imported.globals as usize;
        json!({ "index": i, "imported": imported, "type": decoded.global(&global.ty) })
    };
    module.globals.iter().enumerate().map(global).collect()
}

fn tags(decoded: &Decoded) -> Value {
    let module = &decoded.module;
    let tag = |(i, ty): (usize, &riser_ops::TypeIdx)| json!({ "index": i, "imported": i < module.imported.tags as usize, "type": decoded.func_type_at(*ty) });
    module.tags.iter().enumerate().map(tag).collect()
}

fn elements(module: &Module) -> Value {
    let items: usize = module.elements.iter().map(|segment| segment.items.len()).sum();
    json!({ "segments": module.elements.len(), "elements": items })
}

fn proposals(inspection: &Inspection<'_>) -> Value {
    let proposal = |(name, each): (&str, &crate::proposals::Use)| json!({ "name": name, "operators": each.operators });
    inspection.proposals.list().map(proposal).collect()
}

fn custom_sections(module: &Module) -> Value {
    let custom = |custom: &riser_module::CustomSection| json!({ "name": &*custom.name, "offset": custom.range.start, "bytes": custom.range.len() });
    module.customs.iter().map(custom).collect()
}

fn largest(inspection: &Inspection<'_>) -> Value {
    let module = inspection.module();
    let function = |func: &FuncIdx| {
        let body = module.body(*func);
        json!({
            "index": func.0,
            "name": inspection.decoded.func_name(*func),
            "offset": body.map(|body| body.start),
            "bytes": body.map(|body| body.len()),
        })
    };
    inspection.largest.iter().map(function).collect()
}
