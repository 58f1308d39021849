//! Value, reference and heap types: how bytes name them, and which features allow them.
//! Source: WebAssembly 3.0, sections 5.3.1 to 5.3.4.

use crate::decode::{Result, unknown};
use crate::error::ModuleError;
use crate::module::{Module, ModuleType};
use crate::reader::Reader;
use riser_ops::{Features, HeapType, RefType, StorageType, ValType};

const REF_NULL: u8 = 0x63;
const REF: u8 = 0x64;

/// What a type index means to somebody who reads a type.
pub(crate) trait TypeSpace {
    /// The concrete heap type at an index; `None` if there is no such type.
    fn heap_type(&self, index: u32) -> Option<HeapType>;
}

impl TypeSpace for [ModuleType] {
    #[inline]
    fn heap_type(&self, index: u32) -> Option<HeapType> {
        self.get(index as usize).map(ModuleType::heap_type)
    }
}

impl ModuleType {
    /// The heap type that refers to this type.
    #[inline]
    pub fn heap_type(&self) -> HeapType {
        HeapType::Concrete(self.id, self.ty.composite.kind())
    }
}

/// Reads a value type that the features allow.
pub(crate) fn val_type<S: TypeSpace + ?Sized>(
    reader: &mut Reader<'_>,
    features: Features,
    space: &S,
) -> Result<ValType> {
    let offset = reader.pos();
    match reader.peek() {
        Some(0x7C..=0x7F) => {
            // The bytes of number types are their packed words.
            let byte = reader.u8()?;
            Ok(ValType::from_bits(u32::from(byte)))
        }
        Some(0x7B) => {
            reader.u8()?;
            if !features.contains(Features::SIMD) {
                return Err(ModuleError::invalid(
                    offset,
                    "v128 needs the feature simd, which is off",
                ));
            }
            Ok(ValType::V128)
        }
        Some(_) => ref_type(reader, features, space).map(RefType::val_type),
        None => Err(ModuleError::malformed(offset, "unexpected end")),
    }
}

/// Reads a value type or a packed integer.
pub(crate) fn storage_type<S: TypeSpace + ?Sized>(
    reader: &mut Reader<'_>,
    features: Features,
    space: &S,
) -> Result<StorageType> {
    match reader.peek() {
        Some(0x78) => reader.u8().map(|_| StorageType::I8),
        Some(0x77) => reader.u8().map(|_| StorageType::I16),
        _ => val_type(reader, features, space).map(StorageType::Val),
    }
}

/// Reads a reference type that the features allow.
pub(crate) fn ref_type<S: TypeSpace + ?Sized>(
    reader: &mut Reader<'_>,
    features: Features,
    space: &S,
) -> Result<RefType> {
    let offset = reader.pos();
    let ty = any_ref_type(reader, space)?;
    check_ref_type(ty, features, offset)?;
    Ok(ty)
}

/// Reads a reference type, whatever the features.
pub(crate) fn any_ref_type<S: TypeSpace + ?Sized>(
    reader: &mut Reader<'_>,
    space: &S,
) -> Result<RefType> {
    let offset = reader.pos();
    match reader.u8()? {
        REF_NULL => any_heap_type(reader, space).map(|heap| RefType::new(true, heap)),
        REF => any_heap_type(reader, space).map(|heap| RefType::new(false, heap)),
        byte => match HeapType::from_byte(byte) {
            Some(heap) => Ok(RefType::new(true, heap)),
            None => Err(ModuleError::malformed(offset, "malformed reference type")),
        },
    }
}

/// Reads a heap type that the features allow.
pub(crate) fn heap_type<S: TypeSpace + ?Sized>(
    reader: &mut Reader<'_>,
    features: Features,
    space: &S,
) -> Result<HeapType> {
    let offset = reader.pos();
    let heap = any_heap_type(reader, space)?;
    check_ref_type(RefType::new(true, heap), features, offset)?;
    Ok(heap)
}

/// Reads a heap type, whatever the features: an abstract type is one byte (which a signed integer would take
/// as negative), anything else a type index.
fn any_heap_type<S: TypeSpace + ?Sized>(reader: &mut Reader<'_>, space: &S) -> Result<HeapType> {
    let offset = reader.pos();
    if let Some(heap) = reader.peek().and_then(HeapType::from_byte) {
        reader.u8()?;
        return Ok(heap);
    }
    match u32::try_from(reader.s33()?) {
        Ok(index) => space.heap_type(index).ok_or_else(|| unknown("type", index, offset)),
        Err(_) => Err(ModuleError::malformed(offset, "malformed heap type")),
    }
}

/// An error unless the features have a reference type.
pub(crate) fn check_ref_type(ty: RefType, features: Features, offset: usize) -> Result<()> {
    use HeapType as H;
    if !features.contains(Features::REFERENCE_TYPES) {
        return Err(feature_off(Features::REFERENCE_TYPES, offset));
    }
    let gate = match ty.heap() {
        H::Func | H::Extern if ty.is_nullable() => Features::MVP,
        H::Func | H::Extern => Features::FUNCTION_REFERENCES,
        H::Concrete(..) => Features::FUNCTION_REFERENCES | Features::GC,
        H::Exn | H::NoExn => Features::EXCEPTIONS,
        H::Any | H::Eq | H::I31 | H::Struct | H::Array | H::None | H::NoFunc | H::NoExtern => {
            Features::GC
        }
    };
    if features.allows(gate) { Ok(()) } else { Err(feature_off(gate, offset)) }
}

#[cold]
fn feature_off(gate: Features, offset: usize) -> ModuleError {
    let name = gate.names().next().unwrap_or("?");
    let message = alloc::format!("this reference type needs the feature {name}, which is off");
    ModuleError::invalid(offset, message)
}

impl Module {
    /// Reads a value type, as in a function body. Indices are this module's.
    #[inline]
    pub fn read_val_type(&self, reader: &mut Reader<'_>) -> Result<ValType> {
        val_type(reader, self.features, &*self.types)
    }

    /// Reads a reference type, as in a function body. Indices are this module's.
    #[inline]
    pub fn read_ref_type(&self, reader: &mut Reader<'_>) -> Result<RefType> {
        ref_type(reader, self.features, &*self.types)
    }

    /// Reads a heap type, as in a function body. Indices are this module's.
    #[inline]
    pub fn read_heap_type(&self, reader: &mut Reader<'_>) -> Result<HeapType> {
        heap_type(reader, self.features, &*self.types)
    }
}
