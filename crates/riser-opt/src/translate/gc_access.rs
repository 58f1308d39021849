//! Fields and elements, without a call.
//!
//! A reference is a distance from the heap's start of 32 bits, and the heap lies in a reservation of
//! [`riser_abi::GUARDED_BYTES`]: whatever stands in the heap, an access stays in there, or faults, which is a trap. For elements the sum
//! of reference and distance wraps around in 32 bits before it becomes an address. What is read there is a number, a reference of the
//! same kind, or the number of a function, which is compared with how many there are; and the function's type is, too.
//!
//! No address that was made of a reference is used after a call, since a collection moves objects.

use super::vm::Region;
use super::{Translator, clif_trap, clif_type};
use core::mem::offset_of;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{BlockArg, Endianness, InstBuilder, MemFlagsData, Value, types};
use riser_abi::{ARRAY_LENGTH, FuncRef, Repr, StructLayout, VmRuntime, builtin};
use riser_ops::{HeapType, StorageType, TrapCode, TypeIdx};
use std::rc::Rc;

impl Translator<'_> {
    /// Whether code of this module may work on objects itself: otherwise there need be no reservation.
    pub(super) fn accesses_objects(&self) -> bool {
        self.env.module.has_object_types
    }

    /// The layout of a structure type.
    pub(super) fn struct_layout(&mut self, ty: TypeIdx) -> Rc<StructLayout> {
        let module = self.env.module;
        let new = || {
            let ty = module.type_at(ty).expect("a valid body names types of its module");
            Rc::new(StructLayout::of(&ty.ty.composite))
        };
        self.struct_layouts.entry(ty).or_insert_with(new).clone()
    }

    /// Flags of accesses to objects.
    pub(super) fn heap_flags(&mut self) -> MemFlagsData {
        let flags = MemFlagsData::new()
            .with_endianness(Endianness::Little)
            .with_trap_code(Some(clif_trap(TrapCode::HeapCorrupted)));
        self.in_region(flags, Region::Heap)
    }

    /// The heap's first byte.
    pub(super) fn heap_base(&mut self) -> Value {
        let runtime = self.runtime();
        self.constant_load(types::I64, runtime, offset_of!(VmRuntime, heap_base) as u32)
    }

    /// The address of what a reference leads to, until the next call.
    pub(super) fn heap_address(&mut self, object: Value) -> Value {
        let base = self.heap_base();
        let object = self.b.ins().uextend(types::I64, object);
        self.b.ins().iadd(base, object)
    }

    /// Reads a field or element of type `storage`.
    pub(super) fn read_object(
        &mut self,
        address: Value,
        offset: u32,
        storage: StorageType,
        signed: Option<bool>,
    ) -> Value {
        let flags = self.heap_flags();
        let offset = offset as i32;
        let i = self.b.ins();
        match (Repr::of(storage), signed == Some(true)) {
            (Repr::I8, true) => i.sload8(types::I32, flags, address, offset),
            (Repr::I8, false) => i.uload8(types::I32, flags, address, offset),
            (Repr::I16, true) => i.sload16(types::I32, flags, address, offset),
            (Repr::I16, false) => i.uload16(types::I32, flags, address, offset),
            (Repr::Func, _) => {
                let number = i.load(types::I32, flags, address, offset);
                let func = self.numbered_func(number);
                self.check_read_func(func, storage);
                func
            }
            _ => i.load(clif_type(storage.unpacked()), flags, address, offset),
        }
    }

    /// The function with a number that stood in a field.
    fn numbered_func(&mut self, number: Value) -> Value {
        let runtime = self.runtime();
        let flags = self.trusted();
        let flags = self.in_region(flags, Region::Runtime);
        let number = self.b.ins().uextend(types::I64, number);
        let offset = offset_of!(VmRuntime, func_count) as i32;
        let count = self.b.ins().load(types::I64, flags, runtime, offset);
        let beyond = self.b.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, number, count);
        self.trap_if(beyond, TrapCode::HeapCorrupted);
        let offset = offset_of!(VmRuntime, funcs) as i32;
        let funcs = self.b.ins().load(types::I64, flags, runtime, offset);
        let at = self.b.ins().ishl_imm_u(number, 3);
        let at = self.b.ins().iadd(funcs, at);
        self.b.ins().load(types::I64, flags, at, 0)
    }

    /// Checks that a function which was read from an object is of the type that stands there: were the heap damaged, code would
    /// otherwise call it with arguments of other types.
    fn check_read_func(&mut self, func: Value, storage: StorageType) {
        let ty = storage.unpacked().as_ref();
        if let Some(ty) = ty
            && let HeapType::Concrete(id, _) = ty.heap()
        {
            let fits = self.func_test(func, id, ty);
            self.b.ins().trapz(fits, clif_trap(TrapCode::HeapCorrupted));
        }
    }

    /// What stands in a field or element for a value: the number of a function, anything else itself. May call the runtime, which does
    /// not collect then.
    pub(super) fn stored(&mut self, storage: StorageType, value: Value) -> Value {
        if Repr::of(storage) != Repr::Func {
            return value;
        }
        let [some, new, done] = [(); 3].map(|()| self.b.create_block());
        self.b.set_cold_block(new);
        let number = self.b.append_block_param(done, types::I32);
        let null = self.i32(0);
        self.b.ins().brif(value, some, &[], done, &[BlockArg::Value(null)]);
        self.b.seal_block(some);
        self.b.switch_to_block(some);
        let flags = self.trusted();
        let flags = self.in_region(flags, Region::Code);
        let offset = offset_of!(FuncRef, number) as i32;
        let known = self.b.ins().load(types::I32, flags, value, offset);
        self.b.ins().brif(known, done, &[BlockArg::Value(known)], new, &[]);
        self.b.seal_block(new);
        self.b.switch_to_block(new);
        let given = self.builtin(builtin::number_func, &[value]);
        self.b.ins().trapz(given, clif_trap(TrapCode::AllocationTooLarge));
        self.b.ins().jump(done, &[BlockArg::Value(given)]);
        self.b.seal_block(done);
        self.b.switch_to_block(done);
        number
    }

    /// Writes what [`Translator::stored`] gave to a field or element.
    pub(super) fn write_object(
        &mut self,
        address: Value,
        offset: u32,
        storage: StorageType,
        value: Value,
    ) {
        let flags = self.heap_flags();
        let offset = offset as i32;
        match Repr::of(storage) {
            Repr::I8 => self.b.ins().istore8(flags, value, address, offset),
            Repr::I16 => self.b.ins().istore16(flags, value, address, offset),
            _ => self.b.ins().store(flags, value, address, offset),
        };
    }

    /// The number of elements of an array, which is not null.
    pub(super) fn read_array_len(&mut self, array: Value) -> Value {
        let address = self.heap_address(array);
        let flags = self.heap_flags();
        self.b.ins().load(types::I32, flags, address, ARRAY_LENGTH as i32)
    }

    /// The address that lies [`ARRAY_ELEMENTS`] before an element, after the check that there is such an element.
    pub(super) fn element_address(&mut self, array: Value, index: Value, element: Repr) -> Value {
        self.trap_if_null(array);
        let len = self.read_array_len(array);
        let beyond = self.b.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, index, len);
        self.trap_if(beyond, TrapCode::ArrayOutOfBounds);
        let distance = self.b.ins().ishl_imm_u(index, i64::from(element.size().ilog2()));
        let place = self.b.ins().iadd(array, distance);
        self.heap_address(place)
    }
}
