//! Types as immediates: read from the bytes, made canonical, checked against the features.

use crate::messages;
use crate::sink::BodySink;
use crate::stack::BlockType;
use crate::walker::Walk;
use riser_module::ModuleError;
use riser_ops::{
    CompositeType, Features, FieldType, FuncType, HeapType, RefType, TypeIdx, ValType,
};

impl<'a, S: BodySink, const CHECK: bool> Walk<'a, S, CHECK> {
    /// Reads a block type.
    #[inline(always)]
    pub(crate) fn block_type(&mut self) -> Result<BlockType, ModuleError> {
        if self.reader.peek() == Some(0x40) {
            self.reader.u8()?;
            return Ok(BlockType::Empty);
        }
        self.block_type_long()
    }

    #[inline(never)]
    fn block_type_long(&mut self) -> Result<BlockType, ModuleError> {
        let at = self.reader.pos();
        // A value type is one negative byte: an overlong encoding of it is not a value type.
        if self.reader.peek().is_some_and(|byte| byte & 0xC0 == 0x40) {
            return Ok(BlockType::Value(self.val_type()?));
        }
        let Ok(index) = u32::try_from(self.reader.s33()?) else {
            return Err(messages::negative_type(at));
        };
        if CHECK && !self.features.contains(Features::MULTI_VALUE) {
            return Err(messages::feature_needed(
                at,
                "a block type by index",
                Features::MULTI_VALUE,
            ));
        }
        self.func_type_at(index)?;
        Ok(BlockType::Func(TypeIdx(index)))
    }

    /// Reads a value type.
    pub(crate) fn val_type(&mut self) -> Result<ValType, ModuleError> {
        let at = self.reader.pos();
        let ty = match self.reader.u8()? {
            0x7F => return Ok(ValType::I32),
            0x7E => return Ok(ValType::I64),
            0x7D => return Ok(ValType::F32),
            0x7C => return Ok(ValType::F64),
            0x7B => ValType::V128,
            0x63 => RefType::new(true, self.heap_type()?).val_type(),
            0x64 => RefType::new(false, self.heap_type()?).val_type(),
            byte => match HeapType::from_byte(byte) {
                Some(heap) => RefType::new(true, heap).val_type(),
                None => return Err(messages::malformed(at, "value type", byte)),
            },
        };
        self.gate_type(at, ty)?;
        Ok(ty)
    }

    /// Reads a heap type as a reference type.
    pub(crate) fn ref_type(&mut self, nullable: bool) -> Result<RefType, ModuleError> {
        let at = self.reader.pos();
        let ty = RefType::new(nullable, self.heap_type()?);
        self.gate_type(at, ty.val_type())?;
        Ok(ty)
    }

    fn heap_type(&mut self) -> Result<HeapType, ModuleError> {
        let at = self.reader.pos();
        if let Some(byte) = self.reader.peek().filter(|byte| byte & 0xC0 == 0x40) {
            self.reader.u8()?;
            return HeapType::from_byte(byte)
                .ok_or_else(|| messages::malformed(at, "heap type", byte));
        }
        match u32::try_from(self.reader.s33()?) {
            Ok(index) => self.concrete(index),
            Err(_) => Err(messages::negative_type(at)),
        }
    }

    /// The canonical heap type at a type index.
    pub(crate) fn concrete(&self, index: u32) -> Result<HeapType, ModuleError> {
        match self.module.types.get(index as usize) {
            Some(ty) => Ok(HeapType::Concrete(ty.id, ty.ty.composite.kind())),
            None => Err(messages::unknown(self.at, "type", index)),
        }
    }

    /// Refuses a type whose feature is off.
    fn gate_type(&self, at: usize, ty: ValType) -> Result<(), ModuleError> {
        if !CHECK {
            return Ok(());
        }
        let needed = match ty.as_ref() {
            None => Features::SIMD,
            Some(ty) if !self.features.contains(Features::REFERENCE_TYPES) => {
                return Err(messages::type_feature_needed(at, ty.val_type()));
            }
            Some(ty) => match ty.heap() {
                HeapType::Func | HeapType::Extern if ty.is_nullable() => return Ok(()),
                HeapType::Func | HeapType::Extern => Features::FUNCTION_REFERENCES,
                HeapType::Exn | HeapType::NoExn => Features::EXCEPTIONS,
                HeapType::Concrete(..) => Features::FUNCTION_REFERENCES.union(Features::GC),
                _ => Features::GC,
            },
        };
        if self.features.allows(needed) {
            return Ok(());
        }
        Err(messages::type_feature_needed(at, ty))
    }

    fn composite_at(&self, index: u32) -> Result<&'a CompositeType, ModuleError> {
        match self.module.types.get(index as usize) {
            Some(ty) => Ok(&ty.ty.composite),
            None => Err(messages::unknown(self.at, "type", index)),
        }
    }

    /// The function type at a type index.
    pub(crate) fn func_type_at(&self, index: u32) -> Result<&'a FuncType, ModuleError> {
        match self.composite_at(index)? {
            CompositeType::Func(ty) => Ok(ty),
            _ => Err(messages::wrong_kind(self.at, "a function", index)),
        }
    }

    /// The fields of the structure type at a type index.
    pub(crate) fn struct_at(&self, index: u32) -> Result<&'a [FieldType], ModuleError> {
        match self.composite_at(index)? {
            CompositeType::Struct(fields) => Ok(fields),
            _ => Err(messages::wrong_kind(self.at, "a structure", index)),
        }
    }

    /// The element of the array type at a type index.
    pub(crate) fn array_at(&self, index: u32) -> Result<FieldType, ModuleError> {
        match self.composite_at(index)? {
            CompositeType::Array(element) => Ok(*element),
            _ => Err(messages::wrong_kind(self.at, "an array", index)),
        }
    }

    /// The element of the array type at a type index, which must be writable.
    pub(crate) fn mutable_array_at(&self, index: u32) -> Result<FieldType, ModuleError> {
        let element = self.array_at(index)?;
        if CHECK && !element.mutable {
            return Err(messages::immutable(self.at, "array"));
        }
        Ok(element)
    }
}
