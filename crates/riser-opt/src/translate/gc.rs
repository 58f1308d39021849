//! References: what they are, what they may become, and the objects that they lead to.
//!
//! `gc_cast.rs` asks what a reference refers to, `gc_access.rs` reads and writes objects, `gc_alloc.rs` makes small ones, `gc_copy.rs` copies a few
//! elements; the rest the runtime does. To make an object, it gets the operands in a row of slots on the stack, as the interpreter's frames
//! have them. It may collect garbage, which moves objects: so the slots with references stand in the call's stack map, and the reference
//! to the new object is read from the first slot afterwards.
//!
//! A module without types of objects leaves everything to the runtime: its instances' heaps need not be where code finds them.

use super::{Translator, clif_trap, clif_type};
use core::mem::offset_of;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    InstBuilder, MemFlagsData, StackSlot, UserStackMapEntry, Value, types,
};
use riser_abi::{ARRAY_ELEMENTS, BuiltinSignature, Repr, VmCtx, builtin};
use riser_ops::{
    CompositeType, DataIdx, ElemIdx, FuncIdx, HeapType, RefType, StorageType, TrapCode, TypeId,
    TypeIdx, ValType,
};

/// The bytes of a slot.
const SLOT: u32 = 8;

impl Translator<'_> {
    /// The elements of an array type.
    pub(super) fn element_type(&self, ty: TypeIdx) -> StorageType {
        match self.env.module.type_at(ty).map(|ty| &ty.ty.composite) {
            Some(CompositeType::Array(field)) => field.storage,
            _ => StorageType::I8,
        }
    }

    /// The canonical id of a type of the module. It is another in each engine, so code asks for it.
    pub(super) fn type_id(&mut self, ty: TypeIdx) -> Value {
        let ids = self.constant_load(types::I64, self.vmctx, offset_of!(VmCtx, type_ids) as u32);
        self.constant_load(types::I32, ids, ty.0 * size_of::<TypeId>() as u32)
    }

    /// The index of a canonical type that the body names, hence of one of the module's.
    pub(super) fn index_of(&self, id: TypeId) -> TypeIdx {
        self.env.module.index_of(id).expect("a valid body names types of its module")
    }

    pub(super) fn i32(&mut self, value: u32) -> Value {
        self.b.ins().iconst(types::I32, i64::from(value))
    }

    /// A reference or number as a slot holds it.
    pub(super) fn as_slot(&mut self, value: Value) -> Value {
        match self.b.func.dfg.value_type(value) {
            types::I64 => value,
            _ => self.b.ins().uextend(types::I64, value),
        }
    }

    /// Pushes a reference to an object.
    pub(super) fn push_object(&mut self, object: Value) {
        self.b.declare_value_needs_stack_map(object);
        self.push(object);
    }

    /// Writes values of these types to slots. Gives the slots, and where references into the heap are in them, in bytes.
    fn put_into_slots(&mut self, tys: &[ValType], values: &[Value]) -> (StackSlot, Vec<u32>) {
        let width: u32 = tys.iter().map(|ty| ty.slots()).sum();
        let slot = self.operand_slots(width as usize);
        let base = self.slot_address(slot);
        let (mut at, mut refs) = (0, Vec::new());
        for (&ty, &value) in tys.iter().zip(values) {
            if ty.is_heap_reference() {
                refs.push(at + self.env.low_half.offset());
            }
            self.store_slot(MemFlagsData::trusted(), ty, value, base, at as i32);
            at += ty.slots() * SLOT;
        }
        (slot, refs)
    }

    fn slot_address(&mut self, slot: StackSlot) -> Value {
        self.b.ins().stack_addr(types::I64, slot, 0)
    }

    /// Calls a builtin that makes an object of a type out of values: the reference.
    pub(super) fn make(
        &mut self,
        builtin: BuiltinSignature,
        ty: TypeIdx,
        tys: &[ValType],
        values: &[Value],
        more: &[u32],
    ) -> Value {
        let (slot, refs) = self.put_into_slots(tys, values);
        let mut args = vec![self.type_id(ty), self.slot_address(slot)];
        for &field in more {
            args.push(self.i32(field));
        }
        let call = self.builtin_call(builtin, &args);
        for offset in refs {
            let entry = UserStackMapEntry { ty: types::I32, slot, offset };
            self.b.func.dfg.append_user_stack_map_entry(call, entry);
        }
        let status = self.b.inst_results(call)[0];
        self.checked(status);
        let base = self.slot_address(slot);
        self.load_slot(MemFlagsData::trusted(), ValType::ANYREF, base, 0)
    }

    /// The same with operands that are on the stack. Pushes the reference.
    fn allocate(&mut self, builtin: BuiltinSignature, ty: TypeIdx, tys: &[ValType], more: &[u32]) {
        let values = self.pop_many(tys.len());
        let object = self.make(builtin, ty, tys, &values, more);
        self.push_object(object);
    }

    /// Calls a builtin that reads a value of a type from an object to a slot, and pushes the value.
    fn read(&mut self, builtin: BuiltinSignature, args: &[Value], ty: ValType) {
        let slot = self.operand_slots(ty.slots() as usize);
        let mut all = args.to_vec();
        all.push(self.slot_address(slot));
        let status = self.builtin(builtin, &all);
        self.checked(status);
        let base = self.slot_address(slot);
        let value = self.load_slot(MemFlagsData::trusted(), ty, base, 0);
        self.push_typed(value, ty);
    }

    pub fn lower_ref_null(&mut self, heap: HeapType) {
        let ty = RefType::new(true, heap).val_type();
        // The collector need not know it.
        let null = self.b.ins().iconst(clif_type(ty), 0);
        self.push(null);
    }

    pub fn lower_ref_is_null(&mut self, _ty: RefType) {
        let value = self.pop();
        let is_null = self.is_null(value);
        self.push(is_null);
    }

    /// Whether a reference of any type is null, as `i32`.
    pub(super) fn is_null(&mut self, value: Value) -> Value {
        let is_null = self.b.ins().icmp_imm_u(IntCC::Equal, value, 0);
        self.b.ins().uextend(types::I32, is_null)
    }

    /// Whether a reference of any type is not null, as `i32`.
    pub(super) fn is_not_null(&mut self, value: Value) -> Value {
        let is_some = self.b.ins().icmp_imm_u(IntCC::NotEqual, value, 0);
        self.b.ins().uextend(types::I32, is_some)
    }

    pub fn lower_ref_func(&mut self, func: FuncIdx) {
        let index = self.i32(func.0);
        let func = self.builtin(builtin::ref_func, &[index]);
        self.push(func);
    }

    pub fn lower_ref_as_non_null(&mut self, _ty: RefType) {
        let value = self.peek();
        self.trap_if_null(value);
    }

    pub(super) fn trap_if_null(&mut self, value: Value) {
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
        let value = self.peek();
        let fits = self.ref_test_value(value, from, to);
        self.b.ins().trapz(fits, clif_trap(TrapCode::CastFailure));
    }

    pub fn lower_any_convert_extern(&mut self, _from: RefType) {}

    pub fn lower_extern_convert_any(&mut self, _from: RefType) {}

    pub fn lower_ref_i31(&mut self) {
        let value = self.pop();
        let value = self.b.ins().ishl_imm_u(value, 1);
        let value = self.b.ins().bor_imm_u(value, 1);
        // The collector need not know it.
        self.push(value);
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
        if !self.make_struct(ty, true) {
            let layout = self.struct_layout(ty);
            let fields: Vec<ValType> = layout.fields.iter().map(|(ty, _)| ty.unpacked()).collect();
            self.allocate(builtin::struct_new, ty, &fields, &[]);
        }
    }

    pub fn lower_struct_new_default(&mut self, ty: TypeIdx) {
        if !self.make_struct(ty, false) {
            self.allocate(builtin::struct_new_default, ty, &[], &[]);
        }
    }

    pub fn lower_struct_get(&mut self, ty: TypeIdx, field: u32, signed: Option<bool>) {
        let (storage, offset) = self.struct_layout(ty).fields[field as usize];
        let object = self.pop();
        self.trap_if_null(object);
        let address = self.heap_address(object);
        let value = self.read_object(address, offset, storage, signed);
        self.push_typed(value, storage.unpacked());
    }

    pub fn lower_struct_set(&mut self, ty: TypeIdx, field: u32) {
        let (storage, offset) = self.struct_layout(ty).fields[field as usize];
        let (object, value) = self.pop2();
        self.trap_if_null(object);
        let value = self.stored(storage, value);
        let address = self.heap_address(object);
        self.write_object(address, offset, storage, value);
    }

    pub fn lower_array_new(&mut self, ty: TypeIdx) {
        if !self.make_array(ty, true) {
            let element = self.element_type(ty).unpacked();
            self.allocate(builtin::array_new, ty, &[element, ValType::I32], &[element.slots()]);
        }
    }

    pub fn lower_array_new_default(&mut self, ty: TypeIdx) {
        self.make_array(ty, false);
    }

    pub fn lower_array_new_fixed(&mut self, ty: TypeIdx, count: u32) {
        if !self.make_fixed_array(ty, count) {
            let elements = vec![self.element_type(ty).unpacked(); count as usize];
            self.allocate(builtin::array_new_fixed, ty, &elements, &[count]);
        }
    }

    pub fn lower_array_new_data(&mut self, ty: TypeIdx, data: DataIdx) {
        self.allocate(builtin::array_new_data, ty, &[ValType::I32; 2], &[data.0]);
    }

    pub fn lower_array_new_elem(&mut self, ty: TypeIdx, elem: ElemIdx) {
        self.allocate(builtin::array_new_elem, ty, &[ValType::I32; 2], &[elem.0]);
    }

    pub fn lower_array_get(&mut self, ty: TypeIdx, signed: Option<bool>) {
        let element = self.element_type(ty);
        let (array, index) = self.pop2();
        let address = self.element_address(array, index, Repr::of(element));
        let value = self.read_object(address, ARRAY_ELEMENTS, element, signed);
        self.push_typed(value, element.unpacked());
    }

    pub fn lower_array_set(&mut self, ty: TypeIdx) {
        let element = self.element_type(ty);
        let value = self.pop();
        let (array, index) = self.pop2();
        let value = self.stored(element, value);
        let address = self.element_address(array, index, Repr::of(element));
        self.write_object(address, ARRAY_ELEMENTS, element, value);
    }

    pub fn lower_array_len(&mut self) {
        let array = self.pop();
        if !self.accesses_objects() {
            let array = self.as_slot(array);
            return self.read(builtin::array_len, &[array], ValType::I32);
        }
        self.trap_if_null(array);
        let len = self.read_array_len(array);
        self.push(len);
    }

    pub fn lower_array_fill(&mut self, ty: TypeIdx) {
        let value = self.element_type(ty).unpacked();
        let (operand, len) = self.pop2();
        let (slot, _) = self.put_into_slots(&[value], &[operand]);
        let (array, index) = self.pop2();
        let width = self.i32(value.slots());
        let args = [self.as_slot(array), index, self.slot_address(slot), width, len];
        let status = self.builtin(builtin::array_fill, &args);
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
