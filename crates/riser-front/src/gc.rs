//! References, casts, structures and arrays.

use crate::messages;
use crate::sink::BodySink;
use crate::walker::Walk;
use riser_module::{ModuleError, ModuleLimits};
use riser_ops::{
    DataIdx, ElemIdx, FieldType, FuncIdx, HeapType, RefType, StorageType, TypeIdx, ValType,
};

/// `(ref i31)`.
const I31: ValType = RefType::new(false, HeapType::I31).val_type();

impl<S: BodySink, const CHECK: bool> Walk<'_, S, CHECK> {
    /// `(ref null $index)`, the operand of accesses to an object of that type.
    fn object(&self, index: u32) -> Result<ValType, ModuleError> {
        Ok(RefType::new(true, self.concrete(index)?).val_type())
    }

    /// Pushes `(ref $index)`, the result of an allocation.
    fn push_new(&mut self, index: u32) -> Result<(), ModuleError> {
        let ty = RefType::new(false, self.concrete(index)?);
        self.push(ty.val_type());
        Ok(())
    }

    pub(crate) fn ref_null(&mut self) -> Result<(), ModuleError> {
        let ty = self.ref_type(true)?;
        self.push(ty.val_type());
        self.emit(|sink| sink.ref_null(ty.heap()));
        Ok(())
    }

    pub(crate) fn ref_is_null(&mut self) -> Result<(), ModuleError> {
        let ty = self.pop_ref()?;
        self.push(ValType::I32);
        self.emit(|sink| sink.ref_is_null(ty));
        Ok(())
    }

    pub(crate) fn ref_func(&mut self) -> Result<(), ModuleError> {
        let index = self.reader.u32()?;
        let Some(type_index) = self.module.funcs.get(index as usize) else {
            return Err(messages::unknown(self.at, "function", index));
        };
        if CHECK && !self.module.declared_funcs.contains(FuncIdx(index)) {
            return Err(messages::undeclared_function(self.at, index));
        }
        self.push_new(type_index.0)?;
        self.emit(|sink| sink.ref_func(FuncIdx(index)));
        Ok(())
    }

    pub(crate) fn ref_eq(&mut self) -> Result<(), ModuleError> {
        let eq = RefType::new(true, HeapType::Eq).val_type();
        self.pop_all(&[eq, eq])?;
        self.push(ValType::I32);
        self.emit(|sink| sink.ref_eq());
        Ok(())
    }

    pub(crate) fn ref_as_non_null(&mut self) -> Result<(), ModuleError> {
        let ty = self.pop_ref()?;
        self.push(ty.as_non_null().val_type());
        self.emit(|sink| sink.ref_as_non_null(ty));
        Ok(())
    }

    /// Reads the target of a test or cast and pops its operand, of any type in the same hierarchy.
    fn cast_operand(&mut self, nullable: bool) -> Result<(RefType, RefType), ModuleError> {
        let to = self.ref_type(nullable)?;
        let from = self.pop_ref_of(RefType::new(true, to.heap().top()))?;
        Ok((from, to))
    }

    pub(crate) fn ref_test(&mut self, nullable: bool) -> Result<(), ModuleError> {
        let (from, to) = self.cast_operand(nullable)?;
        self.push(ValType::I32);
        self.emit(|sink| sink.ref_test(from, to));
        Ok(())
    }

    pub(crate) fn ref_cast(&mut self, nullable: bool) -> Result<(), ModuleError> {
        let (from, to) = self.cast_operand(nullable)?;
        self.push(to.val_type());
        self.emit(|sink| sink.ref_cast(from, to));
        Ok(())
    }

    /// Reads the immediates of a branch on a cast: depth, from, to.
    fn branch_cast(&mut self) -> Result<(u32, RefType, RefType), ModuleError> {
        let at = self.reader.pos();
        let flags = self.reader.u8()?;
        if flags > 3 {
            return Err(messages::malformed(at, "cast flags", flags));
        }
        let depth = self.reader.u32()?;
        let from = self.ref_type(flags & 1 != 0)?;
        let to = self.ref_type(flags & 2 != 0)?;
        if CHECK && !self.matches(to.val_type(), from.val_type()) {
            return Err(messages::not_a_subtype(self.at, self.module, "cast", to, from));
        }
        Ok((depth, from, to))
    }

    pub(crate) fn br_on_cast(&mut self) -> Result<(), ModuleError> {
        let (depth, from, to) = self.branch_cast()?;
        let (label, frame) = self.label(depth)?;
        let (rest, last) = self.split_reference(frame.label_types(self.module))?;
        self.check_copy("cast to label", to, last)?;
        self.pop(from.val_type())?;
        self.retype(rest)?;
        self.push(difference(from, to).val_type());
        if self.live {
            let target = self.branch_to(label, &frame);
            self.emit(|sink| sink.br_on_cast(target, from, to));
        }
        Ok(())
    }

    pub(crate) fn br_on_cast_fail(&mut self) -> Result<(), ModuleError> {
        let (depth, from, to) = self.branch_cast()?;
        let (label, frame) = self.label(depth)?;
        let (rest, last) = self.split_reference(frame.label_types(self.module))?;
        self.check_copy("failed cast to label", difference(from, to), last)?;
        self.pop(from.val_type())?;
        self.retype(rest)?;
        self.push(to.val_type());
        if self.live {
            let target = self.branch_to(label, &frame);
            self.emit(|sink| sink.br_on_cast_fail(target, from, to));
        }
        Ok(())
    }

    /// Pops a reference of one hierarchy and pushes it as one of the other, null or not as it was.
    fn convert(&mut self, from: HeapType, to: HeapType) -> Result<RefType, ModuleError> {
        let ty = self.pop_ref_of(RefType::new(true, from))?;
        self.push(RefType::new(ty.is_nullable(), to).val_type());
        Ok(ty)
    }

    pub(crate) fn any_convert_extern(&mut self) -> Result<(), ModuleError> {
        let from = self.convert(HeapType::Extern, HeapType::Any)?;
        self.emit(|sink| sink.any_convert_extern(from));
        Ok(())
    }

    pub(crate) fn extern_convert_any(&mut self) -> Result<(), ModuleError> {
        let from = self.convert(HeapType::Any, HeapType::Extern)?;
        self.emit(|sink| sink.extern_convert_any(from));
        Ok(())
    }

    pub(crate) fn ref_i31(&mut self) -> Result<(), ModuleError> {
        self.pop(ValType::I32)?;
        self.push(I31);
        self.emit(|sink| sink.ref_i31());
        Ok(())
    }

    pub(crate) fn i31_get(&mut self, signed: bool) -> Result<(), ModuleError> {
        self.pop(RefType::new(true, HeapType::I31).val_type())?;
        self.push(ValType::I32);
        self.emit(|sink| sink.i31_get(signed));
        Ok(())
    }

    pub(crate) fn struct_new(&mut self) -> Result<(), ModuleError> {
        let index = self.reader.u32()?;
        for field in self.struct_at(index)?.iter().rev() {
            self.pop(field.storage.unpacked())?;
        }
        self.push_new(index)?;
        self.emit(|sink| sink.struct_new(TypeIdx(index)));
        Ok(())
    }

    pub(crate) fn struct_new_default(&mut self) -> Result<(), ModuleError> {
        let index = self.reader.u32()?;
        for field in self.struct_at(index)? {
            self.check_defaultable(*field)?;
        }
        self.push_new(index)?;
        self.emit(|sink| sink.struct_new_default(TypeIdx(index)));
        Ok(())
    }

    fn check_defaultable(&self, field: FieldType) -> Result<(), ModuleError> {
        let ty = field.storage.unpacked();
        if CHECK && !ty.is_defaultable() {
            return Err(messages::not_defaultable(self.at, self.module, ty));
        }
        Ok(())
    }

    /// Reads the indices of a structure type and of a field.
    fn field(&mut self) -> Result<(u32, u32, FieldType), ModuleError> {
        let (index, field_index) = (self.reader.u32()?, self.reader.u32()?);
        match self.struct_at(index)?.get(field_index as usize) {
            Some(field) => Ok((index, field_index, *field)),
            None => Err(messages::unknown(self.at, "field", field_index)),
        }
    }

    /// A packed field is read with a sign, any other without.
    fn check_packing(&self, field: FieldType, signed: Option<bool>) -> Result<(), ModuleError> {
        let packed = field.storage.is_packed();
        if CHECK && packed != signed.is_some() {
            return Err(messages::packing(self.at, packed));
        }
        Ok(())
    }

    pub(crate) fn struct_get(&mut self, signed: Option<bool>) -> Result<(), ModuleError> {
        let (index, field_index, field) = self.field()?;
        self.check_packing(field, signed)?;
        self.pop(self.object(index)?)?;
        self.push_any(field.storage.unpacked());
        self.emit(|sink| sink.struct_get(TypeIdx(index), field_index, signed));
        Ok(())
    }

    pub(crate) fn struct_set(&mut self) -> Result<(), ModuleError> {
        let (index, field_index, field) = self.field()?;
        if CHECK && !field.mutable {
            return Err(messages::immutable(self.at, "field"));
        }
        self.pop_all(&[self.object(index)?, field.storage.unpacked()])?;
        self.emit(|sink| sink.struct_set(TypeIdx(index), field_index));
        Ok(())
    }

    pub(crate) fn array_new(&mut self) -> Result<(), ModuleError> {
        let index = self.reader.u32()?;
        let element = self.array_at(index)?;
        self.pop_all(&[element.storage.unpacked(), ValType::I32])?;
        self.push_new(index)?;
        self.emit(|sink| sink.array_new(TypeIdx(index)));
        Ok(())
    }

    pub(crate) fn array_new_default(&mut self) -> Result<(), ModuleError> {
        let index = self.reader.u32()?;
        let element = self.array_at(index)?;
        self.check_defaultable(element)?;
        self.pop(ValType::I32)?;
        self.push_new(index)?;
        self.emit(|sink| sink.array_new_default(TypeIdx(index)));
        Ok(())
    }

    pub(crate) fn array_new_fixed(&mut self) -> Result<(), ModuleError> {
        let (index, count) = (self.reader.u32()?, self.reader.u32()?);
        let max = ModuleLimits::DEFAULT.array_new_fixed;
        if count > max {
            let what = "operands of array.new_fixed";
            return Err(messages::too_many(self.at, what, count as usize, max as usize));
        }
        let ty = self.array_at(index)?.storage.unpacked();
        for _ in 0..count {
            self.pop(ty)?;
            // A polymorphic stack gives any number of operands without being asked for each.
            if self.len == self.height && self.polymorphic {
                break;
            }
        }
        self.push_new(index)?;
        self.emit(|sink| sink.array_new_fixed(TypeIdx(index), count));
        Ok(())
    }

    /// Checks that a data segment can fill an array of that type.
    fn check_array_data(&self, element: FieldType, data: u32) -> Result<(), ModuleError> {
        if CHECK && element.storage.unpacked().is_ref() {
            let what = "type mismatch: array type is not numeric or vector";
            return Err(messages::invalid(self.at, what));
        }
        self.check_data(data)
    }

    /// Checks that an element segment can fill an array of that type.
    fn check_array_elem(&self, element: FieldType, elem: u32) -> Result<(), ModuleError> {
        let segment = self.elem_type(elem)?;
        let ty = element.storage.unpacked();
        if !CHECK || self.matches(segment.val_type(), ty) {
            return Ok(());
        }
        Err(messages::mismatch(self.at, self.module, ty, segment.val_type()))
    }

    pub(crate) fn array_new_data(&mut self) -> Result<(), ModuleError> {
        let (index, data) = (self.reader.u32()?, self.reader.u32()?);
        self.check_array_data(self.array_at(index)?, data)?;
        self.pop_all(&[ValType::I32, ValType::I32])?;
        self.push_new(index)?;
        self.emit(|sink| sink.array_new_data(TypeIdx(index), DataIdx(data)));
        Ok(())
    }

    pub(crate) fn array_new_elem(&mut self) -> Result<(), ModuleError> {
        let (index, elem) = (self.reader.u32()?, self.reader.u32()?);
        self.check_array_elem(self.array_at(index)?, elem)?;
        self.pop_all(&[ValType::I32, ValType::I32])?;
        self.push_new(index)?;
        self.emit(|sink| sink.array_new_elem(TypeIdx(index), ElemIdx(elem)));
        Ok(())
    }

    pub(crate) fn array_get(&mut self, signed: Option<bool>) -> Result<(), ModuleError> {
        let index = self.reader.u32()?;
        let element = self.array_at(index)?;
        self.check_packing(element, signed)?;
        self.pop_all(&[self.object(index)?, ValType::I32])?;
        self.push_any(element.storage.unpacked());
        self.emit(|sink| sink.array_get(TypeIdx(index), signed));
        Ok(())
    }

    pub(crate) fn array_set(&mut self) -> Result<(), ModuleError> {
        let index = self.reader.u32()?;
        let element = self.mutable_array_at(index)?;
        self.pop_all(&[self.object(index)?, ValType::I32, element.storage.unpacked()])?;
        self.emit(|sink| sink.array_set(TypeIdx(index)));
        Ok(())
    }

    pub(crate) fn array_len(&mut self) -> Result<(), ModuleError> {
        self.pop(RefType::new(true, HeapType::Array).val_type())?;
        self.push(ValType::I32);
        self.emit(|sink| sink.array_len());
        Ok(())
    }

    pub(crate) fn array_fill(&mut self) -> Result<(), ModuleError> {
        let index = self.reader.u32()?;
        let value = self.mutable_array_at(index)?.storage.unpacked();
        self.pop_all(&[self.object(index)?, ValType::I32, value, ValType::I32])?;
        self.emit(|sink| sink.array_fill(TypeIdx(index)));
        Ok(())
    }

    pub(crate) fn array_copy(&mut self) -> Result<(), ModuleError> {
        let (dst, src) = (self.reader.u32()?, self.reader.u32()?);
        let to = self.mutable_array_at(dst)?.storage;
        let from = self.array_at(src)?.storage;
        let fits = match (from, to) {
            (StorageType::Val(from), StorageType::Val(to)) => self.matches(from, to),
            _ => from == to,
        };
        if CHECK && !fits {
            return Err(messages::storage_mismatch(self.at, self.module, to, from));
        }
        let (dst_ref, src_ref) = (self.object(dst)?, self.object(src)?);
        self.pop_all(&[dst_ref, ValType::I32, src_ref, ValType::I32, ValType::I32])?;
        self.emit(|sink| sink.array_copy(TypeIdx(dst), TypeIdx(src)));
        Ok(())
    }

    pub(crate) fn array_init_data(&mut self) -> Result<(), ModuleError> {
        let (index, data) = (self.reader.u32()?, self.reader.u32()?);
        self.check_array_data(self.mutable_array_at(index)?, data)?;
        self.pop_all(&[self.object(index)?, ValType::I32, ValType::I32, ValType::I32])?;
        self.emit(|sink| sink.array_init_data(TypeIdx(index), DataIdx(data)));
        Ok(())
    }

    pub(crate) fn array_init_elem(&mut self) -> Result<(), ModuleError> {
        let (index, elem) = (self.reader.u32()?, self.reader.u32()?);
        self.check_array_elem(self.mutable_array_at(index)?, elem)?;
        self.pop_all(&[self.object(index)?, ValType::I32, ValType::I32, ValType::I32])?;
        self.emit(|sink| sink.array_init_elem(TypeIdx(index), ElemIdx(elem)));
        Ok(())
    }
}

/// What is left of `from` when it is not a `to`: if null is a `to`, null is gone.
fn difference(from: RefType, to: RefType) -> RefType {
    if to.is_nullable() { from.as_non_null() } else { from }
}
