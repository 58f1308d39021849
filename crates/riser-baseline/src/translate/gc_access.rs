//! Fields and elements, without a call.
//!
//! A reference is a distance from the heap's start of 32 bits, and the heap lies in a reservation of
//! [`riser_abi::GUARDED_BYTES`]: whatever stands in the heap, an access stays in there, or faults, which is a trap. For elements
//! the sum of reference and distance wraps around in 32 bits before it becomes an address. What is read there is a number, a
//! reference of the same kind, or the number of a function, which is compared with how many there are; and the function's type
//! is, too.
//!
//! No address that was made of a reference is used after a call, since a collection moves objects.

use super::Translator;
use crate::asm::{Alu, Cond, Gpr, Mem, Shift, Width};
use crate::convention::{C_PARAMS, Kind, RESULT};
use crate::operands::{At, Operand, SCRATCH};
use alloc::rc::Rc;
use core::mem::offset_of;
use riser_abi::{ARRAY_ELEMENTS, ARRAY_LENGTH, FuncRef, Repr, StructLayout, VmRuntime, builtin};
use riser_ops::{HeapType, StorageType, TrapCode, TypeIdx};

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
        self.layouts.entry(ty.0).or_insert_with(new).clone()
    }

    /// The heap's first byte. The register is to be freed.
    pub(super) fn heap_base(&mut self) -> Gpr {
        let gpr = self.runtime();
        self.asm.load(Width::W64, gpr, Mem::at(gpr, offset_of!(VmRuntime, heap_base) as i32));
        gpr
    }

    /// Traps if a reference is null.
    pub(super) fn trap_if_null(&mut self, reference: Gpr) {
        self.asm.test(Width::W64, reference, reference);
        self.trap_if(Cond::E, TrapCode::NullReference);
    }

    /// Pushes the field of an object that is the top operand.
    pub(super) fn read_field(&mut self, offset: u32, storage: StorageType, signed: bool) {
        let operand = self.pop();
        let object = self.gpr(operand);
        self.trap_if_null(object);
        let base = self.heap_base();
        let at = Mem::indexed(base, object, 0, offset as i32);
        self.read(at, [base, object], storage, signed);
    }

    /// Pushes an element, whose index is the top operand, of the array below it.
    pub(super) fn read_element(&mut self, element: StorageType, signed: bool) {
        let index = self.pop();
        let array = self.pop();
        let (at, held) = self.element(array, index, Repr::of(element));
        self.read(at, held, element, signed);
    }

    /// Pushes what a field or element of type `storage` has, and frees the registers that its place is made of.
    fn read(&mut self, at: Mem, held: [Gpr; 2], storage: StorageType, signed: bool) {
        let kind = Kind::of(storage.unpacked());
        let [result, other] = held;
        if kind.is_float() {
            let xmm = self.alloc_xmm();
            self.may_trap(TrapCode::HeapCorrupted);
            self.load_xmm(kind, xmm, at);
            self.free(result);
            self.free(other);
            return self.push_xmm(kind, xmm);
        }
        self.may_trap(TrapCode::HeapCorrupted);
        match (Repr::of(storage), signed) {
            (Repr::I8, true) => self.asm.load_signed(Width::W8, Width::W32, result, at),
            (Repr::I8, false) => self.asm.load(Width::W8, result, at),
            (Repr::I16, true) => self.asm.load_signed(Width::W16, Width::W32, result, at),
            (Repr::I16, false) => self.asm.load(Width::W16, result, at),
            (Repr::B64, _) => self.asm.load(Width::W64, result, at),
            _ => self.asm.load(Width::W32, result, at),
        }
        self.free(other);
        if kind == Kind::Func {
            self.numbered_func(result);
            self.push_gpr(kind, result);
            return self.check_read_func(storage);
        }
        self.push_gpr(kind, result);
    }

    /// Replaces the number of a function that stood in a field by the function.
    fn numbered_func(&mut self, number: Gpr) {
        let runtime = self.runtime();
        let count = Mem::at(runtime, offset_of!(VmRuntime, func_count) as i32);
        self.asm.alu(Alu::Cmp, Width::W64, number, count);
        self.trap_if(Cond::Ae, TrapCode::HeapCorrupted);
        let funcs = Mem::at(runtime, offset_of!(VmRuntime, funcs) as i32);
        self.asm.load(Width::W64, runtime, funcs);
        self.asm.load(Width::W64, number, Mem::indexed(runtime, number, 3, 0));
        self.free(runtime);
    }

    /// Checks that the top operand, a function which was read from an object, is of the type that stands there: were the heap
    /// damaged, code would otherwise call it with arguments of other types.
    fn check_read_func(&mut self, storage: StorageType) {
        let ty = storage.unpacked().as_ref();
        if let Some(ty) = ty
            && let HeapType::Concrete(id, _) = ty.heap()
        {
            let fits = self.func_test(id, ty);
            self.trap_if(fits.inverse(), TrapCode::HeapCorrupted);
        }
    }

    /// Replaces an operand, a function, by its number, as it stands in fields and elements. May call the runtime, which does not
    /// collect then.
    pub(super) fn number_operand(&mut self, number: usize) {
        if self.operands.stack[number].at == At::Const(0) {
            self.operands.stack[number].kind = Kind::I32;
            return;
        }
        self.settle_for_call();
        let func = self.frame.slot(self.operands.stack[number].slot, Kind::Func);
        let [known, done] = [(); 2].map(|()| self.asm.new_label());
        // All registers for operands are free now.
        self.claim(RESULT);
        self.asm.load(Width::W64, RESULT, func);
        self.asm.test(Width::W64, RESULT, RESULT);
        self.asm.jcc(Cond::E, done);
        let at = Mem::at(RESULT, offset_of!(FuncRef, number) as i32);
        self.asm.load(Width::W32, SCRATCH, at);
        self.asm.test(Width::W32, SCRATCH, SCRATCH);
        self.asm.jcc(Cond::Ne, known);
        self.asm.mov(Width::W64, C_PARAMS[1], RESULT);
        self.call_builtin(builtin::number_func, &[]);
        self.reload(false);
        self.asm.test(Width::W32, RESULT, RESULT);
        self.trap_if(Cond::E, TrapCode::AllocationTooLarge);
        self.asm.mov(Width::W32, SCRATCH, RESULT);
        self.asm.bind(known);
        self.asm.mov(Width::W32, RESULT, SCRATCH);
        self.asm.bind(done);
        self.asm.store(Width::W64, func, RESULT);
        self.free(RESULT);
        self.operands.stack[number].kind = Kind::I32;
    }

    /// Sets the field of an object, which is an operand, to the one above it.
    pub(super) fn write_field(&mut self, offset: u32, storage: StorageType) {
        let value = self.pop_stored(storage);
        let operand = self.pop();
        let object = self.gpr(operand);
        self.trap_if_null(object);
        let base = self.heap_base();
        self.write(Mem::indexed(base, object, 0, offset as i32), storage, value);
        self.free(base);
        self.free(object);
    }

    /// Sets an element: the operands are the array, the index and the value.
    pub(super) fn write_element(&mut self, element: StorageType) {
        let value = self.pop_stored(element);
        let index = self.pop();
        let array = self.pop();
        let (at, held) = self.element(array, index, Repr::of(element));
        self.write(at, element, value);
        held.into_iter().for_each(|gpr| self.free(gpr));
    }

    /// Pops a value for a field or element: for a function its number.
    fn pop_stored(&mut self, storage: StorageType) -> Operand {
        if Repr::of(storage) == Repr::Func {
            self.number_operand(self.height() - 1);
        }
        self.pop()
    }

    /// Writes a popped operand to a field or element: for a function its number. Frees the operand.
    pub(super) fn write(&mut self, to: Mem, storage: StorageType, value: Operand) {
        if value.kind.is_float() {
            let xmm = self.xmm(value);
            self.may_trap(TrapCode::HeapCorrupted);
            self.store_xmm(value.kind, to, xmm);
            return self.free_xmm(xmm);
        }
        let width = match Repr::of(storage) {
            Repr::I8 => Width::W8,
            Repr::I16 => Width::W16,
            Repr::B64 => Width::W64,
            _ => Width::W32,
        };
        if let Some(immediate) = Self::immediate_of(value) {
            self.may_trap(TrapCode::HeapCorrupted);
            return self.asm.store_imm(width, to, immediate);
        }
        let gpr = self.gpr(value);
        self.may_trap(TrapCode::HeapCorrupted);
        self.asm.store(width, to, gpr);
        self.free(gpr);
    }

    /// The number of elements of an array, which replaces the reference to it.
    pub(super) fn read_array_len(&mut self, array: Gpr) {
        self.trap_if_null(array);
        let base = self.heap_base();
        self.may_trap(TrapCode::HeapCorrupted);
        self.asm.load(Width::W32, array, Mem::indexed(base, array, 0, ARRAY_LENGTH as i32));
        self.free(base);
    }

    /// The place of an element, after the check that there is such an element; and the registers that are to be freed. Both
    /// operands were popped.
    fn element(&mut self, array: Operand, index: Operand, element: Repr) -> (Mem, [Gpr; 2]) {
        let array = self.owned(array);
        self.trap_if_null(array);
        let scale = element.size().ilog2() as u8;
        if let Some(constant) = Self::immediate_of(index) {
            let base = self.heap_base();
            self.may_trap(TrapCode::HeapCorrupted);
            let len = Mem::indexed(base, array, 0, ARRAY_LENGTH as i32);
            self.asm.alu_imm(Alu::Cmp, Width::W32, len, constant);
            self.trap_if(Cond::Be, TrapCode::ArrayOutOfBounds);
            self.asm.alu_imm(Alu::Add, Width::W32, array, constant.wrapping_shl(scale.into()));
            return (Mem::indexed(base, array, 0, ARRAY_ELEMENTS as i32), [base, array]);
        }
        let index = self.gpr(index);
        let base = self.heap_base();
        self.may_trap(TrapCode::HeapCorrupted);
        let len = Mem::indexed(base, array, 0, ARRAY_LENGTH as i32);
        self.asm.alu(Alu::Cmp, Width::W32, index, len);
        self.trap_if(Cond::Ae, TrapCode::ArrayOutOfBounds);
        if scale <= 3 {
            self.asm.lea(Width::W32, array, Mem::indexed(array, index, scale, 0));
        } else {
            self.asm.mov(Width::W32, SCRATCH, index);
            self.asm.shift_imm(Shift::Shl, Width::W32, SCRATCH, scale);
            self.asm.alu(Alu::Add, Width::W32, array, SCRATCH);
        }
        self.free(index);
        (Mem::indexed(base, array, 0, ARRAY_ELEMENTS as i32), [base, array])
    }
}
