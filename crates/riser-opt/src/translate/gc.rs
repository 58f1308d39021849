//! References: what they are, what they may become, and the objects that they lead to.
//!
//! The runtime makes objects. It gets the operands in a row of slots on the stack, as the interpreter's frames have them. It
//! may collect garbage, which moves objects: so the slots with references stand in the call's stack map, and the
//! reference to the new object is read from the first slot afterwards.

use super::{Translator, clif_trap, clif_type};
use core::mem::offset_of;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, StackSlot, UserStackMapEntry, Value, types};
use riser_abi::{BuiltinSignature, REF_TEST_FAILED, VmCtx, builtin, object_access};
use riser_ops::{
    CompositeType, DataIdx, ElemIdx, FuncIdx, HeapType, RefType, StorageType, TrapCode, TypeId,
    TypeIdx, ValType,
};

/// The bytes of a slot.
const SLOT: u32 = 8;

/// How the accesses of a field or element are to be.
fn access_bits(ty: ValType, signed: Option<bool>) -> u32 {
    let signed = if signed == Some(true) { object_access::SIGNED } else { 0 };
    let vector = if ty == ValType::V128 { object_access::VECTOR } else { 0 };
    signed | vector
}

impl Translator<'_> {
    /// A field of a structure type. The index is of a valid body.
    fn field_type(&self, ty: TypeIdx, field: u32) -> StorageType {
        match self.env.module.type_at(ty).map(|ty| &ty.ty.composite) {
            Some(CompositeType::Struct(fields)) => {
                fields.get(field as usize).map_or(StorageType::I8, |field| field.storage)
            }
            _ => StorageType::I8,
        }
    }

    /// The types of a structure's fields, as they are read.
    fn field_types(&self, ty: TypeIdx) -> Vec<ValType> {
        match self.env.module.type_at(ty).map(|ty| &ty.ty.composite) {
            Some(CompositeType::Struct(fields)) => {
                fields.iter().map(|field| field.storage.unpacked()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The elements of an array type.
    fn element_type(&self, ty: TypeIdx) -> StorageType {
        match self.env.module.type_at(ty).map(|ty| &ty.ty.composite) {
            Some(CompositeType::Array(field)) => field.storage,
            _ => StorageType::I8,
        }
    }

    /// The canonical id of a type of the module. It is another in each engine, so code asks for it.
    fn type_id(&mut self, ty: TypeIdx) -> Value {
        let ids = self.constant_load(types::I64, self.vmctx, offset_of!(VmCtx, type_ids) as u32);
        self.constant_load(types::I32, ids, ty.0 * size_of::<TypeId>() as u32)
    }

    /// The index of a canonical type that the body names, hence of one of the module's.
    fn index_of(&self, id: TypeId) -> TypeIdx {
        self.env.module.index_of(id).expect("a valid body names types of its module")
    }

    fn i32(&mut self, value: u32) -> Value {
        self.b.ins().iconst(types::I32, i64::from(value))
    }

    /// A reference or number as a slot holds it.
    fn as_slot(&mut self, value: Value) -> Value {
        match self.b.func.dfg.value_type(value) {
            types::I64 => value,
            _ => self.b.ins().uextend(types::I64, value),
        }
    }

    /// Pushes a reference to an object.
    fn push_object(&mut self, object: Value) {
        self.b.declare_value_needs_stack_map(object);
        self.push(object);
    }

    /// Passes operands of these types, which are on top of the stack, in slots. Gives the slots and where
    /// references into the heap are in them, in bytes.
    fn pop_to_slots(&mut self, operands: &[ValType]) -> (StackSlot, Vec<u32>) {
        let width: u32 = operands.iter().map(|ty| ty.slots()).sum();
        let slot = self.operand_slots(width as usize);
        let (mut at, mut refs) = (0, Vec::new());
        let first = self.stack.len() - operands.len();
        for (position, ty) in operands.iter().enumerate() {
            let value = self.stack[first + position];
            let value = match *ty {
                ty if ty.is_heap_reference() => {
                    refs.push(at);
                    self.b.ins().uextend(types::I64, value)
                }
                ValType::I32 => self.b.ins().uextend(types::I64, value),
                _ => value,
            };
            self.b.ins().stack_store(types::I64, value, slot, at as i32);
            at += ty.slots() * SLOT;
        }
        self.stack.truncate(first);
        (slot, refs)
    }

    /// Calls a builtin that makes an object of a type out of operands, and pushes the reference.
    fn allocate(
        &mut self,
        builtin: BuiltinSignature,
        ty: TypeIdx,
        operands: &[ValType],
        more: &[u32],
    ) {
        let (slot, refs) = self.pop_to_slots(operands);
        let mut args = vec![self.type_id(ty), self.b.ins().stack_addr(types::I64, slot, 0)];
        for &field in more {
            args.push(self.i32(field));
        }
        let call = self.builtin_call(builtin, &args);
        let status = self.b.inst_results(call)[0];
        for offset in refs {
            let entry = UserStackMapEntry { ty: types::I32, slot, offset };
            self.b.func.dfg.append_user_stack_map_entry(call, entry);
        }
        self.checked(status);
        let object = self.b.ins().stack_load(types::I64, types::I32, slot, 0);
        self.push_object(object);
    }

    /// Calls a builtin that reads a value of a type from an object to a slot, and pushes the value.
    fn read(&mut self, builtin: BuiltinSignature, args: &[Value], ty: ValType) {
        let slot = self.operand_slots(ty.slots() as usize);
        let mut all = args.to_vec();
        all.push(self.b.ins().stack_addr(types::I64, slot, 0));
        let status = self.builtin(builtin, &all);
        self.checked(status);
        let value = self.b.ins().stack_load(types::I64, clif_type(ty), slot, 0);
        self.push_typed(value, ty);
    }

    pub fn lower_ref_null(&mut self, heap: HeapType) {
        let ty = RefType::new(true, heap).val_type();
        let null = self.b.ins().iconst(clif_type(ty), 0);
        self.push_typed(null, ty);
    }

    pub fn lower_ref_is_null(&mut self, _ty: RefType) {
        let value = self.pop();
        let is_null = self.is_null(value);
        self.push(is_null);
    }

    /// Whether a reference of any type is null, as `i32`.
    fn is_null(&mut self, value: Value) -> Value {
        let is_null = self.b.ins().icmp_imm_u(IntCC::Equal, value, 0);
        self.b.ins().uextend(types::I32, is_null)
    }

    /// Whether a reference of any type is not null, as `i32`.
    fn is_not_null(&mut self, value: Value) -> Value {
        let is_some = self.b.ins().icmp_imm_u(IntCC::NotEqual, value, 0);
        self.b.ins().uextend(types::I32, is_some)
    }

    pub fn lower_ref_func(&mut self, func: FuncIdx) {
        let index = self.i32(func.0);
        let func = self.builtin(builtin::ref_func, &[index]);
        self.push(func);
    }

    pub fn lower_ref_as_non_null(&mut self, _ty: RefType) {
        let value = *self.stack.last().expect("a valid body has an operand here");
        self.trap_if_null(value);
    }

    fn trap_if_null(&mut self, value: Value) {
        self.b.ins().trapz(value, clif_trap(TrapCode::NullReference));
    }

    pub fn lower_ref_eq(&mut self) {
        let (a, b) = self.pop2();
        let same = self.b.ins().icmp(IntCC::Equal, a, b);
        let same = self.b.ins().uextend(types::I32, same);
        self.push(same);
    }

    pub fn lower_ref_test(&mut self, from: RefType, to: RefType) {
        let value = self.pop();
        let fits = self.ref_test_value(value, from, to);
        self.push(fits);
    }

    pub fn lower_ref_cast(&mut self, from: RefType, to: RefType) {
        let value = *self.stack.last().expect("a valid body has an operand here");
        let fits = self.ref_test_value(value, from, to);
        self.b.ins().trapz(fits, clif_trap(TrapCode::CastFailure));
    }

    /// Whether a reference of type `from` is one of type `to`: 1 or 0, as `i32`.
    pub fn ref_test_value(&mut self, value: Value, from: RefType, to: RefType) -> Value {
        let heap = to.heap();
        let module = self.env.module;
        if from.heap().matches(heap, |a, b| module.is_subtype(a, b)) {
            return match to.is_nullable() || !from.is_nullable() {
                true => self.i32(1),
                false => self.is_not_null(value),
            };
        }
        if heap == heap.bottom() {
            return match to.is_nullable() {
                true => self.is_null(value),
                false => self.i32(0),
            };
        }
        let ty = self.type_bits(to);
        let slot = self.as_slot(value);
        let fits = self.builtin(builtin::ref_test, &[slot, ty]);
        let failed = self.b.ins().icmp_imm_u(IntCC::Equal, fits, i64::from(REF_TEST_FAILED));
        self.trap_if(failed, TrapCode::HeapCorrupted);
        fits
    }

    /// The bits of a type as the runtime wants them.
    fn type_bits(&mut self, ty: RefType) -> Value {
        let HeapType::Concrete(id, kind) = ty.heap() else {
            return self.i32(ty.val_type().to_bits());
        };
        // Everything but the id.
        let zero = RefType::new(ty.is_nullable(), HeapType::Concrete(TypeId(0), kind));
        let index = self.index_of(id);
        let id = self.type_id(index);
        self.b.ins().bor_imm_u(id, i64::from(zero.val_type().to_bits()))
    }

    pub fn lower_any_convert_extern(&mut self, _from: RefType) {}

    pub fn lower_extern_convert_any(&mut self, _from: RefType) {}

    pub fn lower_ref_i31(&mut self) {
        let value = self.pop();
        let value = self.b.ins().ishl_imm_u(value, 1);
        let value = self.b.ins().bor_imm_u(value, 1);
        self.push_object(value);
    }

    pub fn lower_i31_get(&mut self, signed: bool) {
        let value = self.pop();
        self.trap_if_null(value);
        let value = match signed {
            true => self.b.ins().sshr_imm_u(value, 1),
            false => self.b.ins().ushr_imm_u(value, 1),
        };
        self.push(value);
    }

    pub fn lower_struct_new(&mut self, ty: TypeIdx) {
        let fields = self.field_types(ty);
        self.allocate(builtin::struct_new, ty, &fields, &[]);
    }

    pub fn lower_struct_new_default(&mut self, ty: TypeIdx) {
        self.allocate(builtin::struct_new_default, ty, &[], &[]);
    }

    pub fn lower_struct_get(&mut self, ty: TypeIdx, field: u32, signed: Option<bool>) {
        let result = self.field_type(ty, field).unpacked();
        let object = self.pop();
        let object = self.as_slot(object);
        let args = [object, self.i32(field), self.i32(access_bits(result, signed))];
        self.read(builtin::struct_get, &args, result);
    }

    pub fn lower_struct_set(&mut self, ty: TypeIdx, field: u32) {
        let value = self.field_type(ty, field).unpacked();
        let (slot, _) = self.pop_to_slots(&[value]);
        let object = self.pop();
        let bits = access_bits(value, None);
        let args = [self.as_slot(object), self.i32(field), self.i32(bits), self.slot_address(slot)];
        let status = self.builtin(builtin::struct_set, &args);
        self.checked(status);
    }

    fn slot_address(&mut self, slot: StackSlot) -> Value {
        self.b.ins().stack_addr(types::I64, slot, 0)
    }

    pub fn lower_array_new(&mut self, ty: TypeIdx) {
        let element = self.element_type(ty).unpacked();
        self.allocate(builtin::array_new, ty, &[element, ValType::I32], &[element.slots()]);
    }

    pub fn lower_array_new_default(&mut self, ty: TypeIdx) {
        self.allocate(builtin::array_new_default, ty, &[ValType::I32], &[]);
    }

    pub fn lower_array_new_fixed(&mut self, ty: TypeIdx, count: u32) {
        let elements = vec![self.element_type(ty).unpacked(); count as usize];
        self.allocate(builtin::array_new_fixed, ty, &elements, &[count]);
    }

    pub fn lower_array_new_data(&mut self, ty: TypeIdx, data: DataIdx) {
        self.allocate(builtin::array_new_data, ty, &[ValType::I32; 2], &[data.0]);
    }

    pub fn lower_array_new_elem(&mut self, ty: TypeIdx, elem: ElemIdx) {
        self.allocate(builtin::array_new_elem, ty, &[ValType::I32; 2], &[elem.0]);
    }

    pub fn lower_array_get(&mut self, ty: TypeIdx, signed: Option<bool>) {
        let result = self.element_type(ty).unpacked();
        let (array, index) = self.pop2();
        let args = [self.as_slot(array), index, self.i32(access_bits(result, signed))];
        self.read(builtin::array_get, &args, result);
    }

    pub fn lower_array_set(&mut self, ty: TypeIdx) {
        let value = self.element_type(ty).unpacked();
        let (slot, _) = self.pop_to_slots(&[value]);
        let (array, index) = self.pop2();
        let bits = access_bits(value, None);
        let args = [self.as_slot(array), index, self.i32(bits), self.slot_address(slot)];
        let status = self.builtin(builtin::array_set, &args);
        self.checked(status);
    }

    pub fn lower_array_len(&mut self) {
        let array = self.pop();
        let array = self.as_slot(array);
        self.read(builtin::array_len, &[array], ValType::I32);
    }

    pub fn lower_array_fill(&mut self, ty: TypeIdx) {
        let value = self.element_type(ty).unpacked();
        let len = self.pop();
        let (slot, _) = self.pop_to_slots(&[value]);
        let (array, index) = self.pop2();
        let width = self.i32(value.slots());
        let args = [self.as_slot(array), index, self.slot_address(slot), width, len];
        let status = self.builtin(builtin::array_fill, &args);
        self.checked(status);
    }

    pub fn lower_array_copy(&mut self, _dst: TypeIdx, _src: TypeIdx) {
        let len = self.pop();
        let (src, src_index) = self.pop2();
        let (dst, dst_index) = self.pop2();
        let args = [self.as_slot(dst), dst_index, self.as_slot(src), src_index, len];
        let status = self.builtin(builtin::array_copy, &args);
        self.checked(status);
    }

    pub fn lower_array_init_data(&mut self, _ty: TypeIdx, data: DataIdx) {
        self.array_init(builtin::array_init_data, data.0);
    }

    pub fn lower_array_init_elem(&mut self, _ty: TypeIdx, elem: ElemIdx) {
        self.array_init(builtin::array_init_elem, elem.0);
    }

    /// Sets elements from a segment.
    fn array_init(&mut self, builtin: BuiltinSignature, segment: u32) {
        let (start, len) = self.pop2();
        let (array, index) = self.pop2();
        let args = [self.as_slot(array), self.i32(segment), index, start, len];
        let status = self.builtin(builtin, &args);
        self.checked(status);
    }
}
