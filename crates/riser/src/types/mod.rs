//! Types as embedders see them.
//!
//! `value.rs` has value, reference and heap types, `composite.rs` function, structure and array types, which are
//! handles to canonical types of an engine, `external.rs` the types of what can be imported and exported. Each
//! converts from and to the packed types of `riser-ops` and `riser-module`, which the rest of Riser uses.

mod composite;
mod external;
mod value;

pub use composite::{ArrayType, FieldType, Finality, FuncType, StorageType, StructType};
pub use external::{
    ExportType, ExternType, GlobalType, ImportType, MemoryType, MemoryTypeBuilder, TableType,
    TagType,
};
pub use value::{HeapType, Mutability, RefType, ValType};
