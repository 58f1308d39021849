//! What a reference refers to.
//!
//! The header of an object has the number of its type. That of null can be read as well, and has number 0, as the headers of
//! values of the host have; a 31-bit integer is replaced by null. The types above an object's stand in the row of its type, by
//! their depth, so that no test takes more than two loads. The row with number 0 is empty.
//!
//! A test leaves its answer in the flags, and the operand where it was.

use super::Translator;
use super::vm::Arg;
use crate::asm::{Alu, Cond, Gpr, Label, Mem, Shift, Width};
use crate::convention::{C_PARAMS, Kind, RESULT};
use crate::operands::{At, SCRATCH};
use core::mem::offset_of;
use riser_abi::{
    FuncRef, HEADER_TYPE_SHIFT, ObjectKind, REF_TEST_FAILED, ROW_DISPLAY, TypeRow, VmRuntime,
    builtin, header_of_kind, object_header,
};
use riser_front::Target;
use riser_ops::{CompositeKind, HeapType, RefType, TrapCode, TypeId, TypeIdx};

/// The bits of a header that say the kind.
const KIND_BITS: i32 = (1 << HEADER_TYPE_SHIFT) - 1;

/// The binary logarithm of the bytes of a row.
const ROW_SHIFT: u8 = size_of::<TypeRow>().ilog2() as u8;
const _: () = assert!(size_of::<TypeRow>().is_power_of_two());

/// Whether a reference is of a type.
#[derive(Clone, Copy, Debug)]
enum Fits {
    Always,
    Never,
    /// If the condition holds of the flags.
    If(Cond),
}

impl Translator<'_> {
    pub(super) fn lower_ref_test(&mut self, from: RefType, to: RefType) {
        let fits = self.test_top(from, to);
        self.pop_and_free();
        match fits {
            Fits::Always => self.push(Kind::I32, At::Const(1)),
            Fits::Never => self.push(Kind::I32, At::Const(0)),
            Fits::If(cond) => self.push(Kind::I32, At::Flags(cond)),
        }
    }

    pub(super) fn lower_ref_cast(&mut self, from: RefType, to: RefType) {
        match self.test_top(from, to) {
            Fits::Always => {}
            Fits::Never => {
                let label = self.far_trap(TrapCode::CastFailure);
                self.asm.jmp(label);
            }
            Fits::If(cond) => self.trap_if(cond.inverse(), TrapCode::CastFailure),
        }
    }

    pub(super) fn lower_br_on_cast(&mut self, target: Target, from: RefType, to: RefType) {
        match self.test_top(from, to) {
            Fits::Always => self.go(target),
            Fits::Never => {}
            Fits::If(cond) => self.go_if(cond, target),
        }
    }

    pub(super) fn lower_br_on_cast_fail(&mut self, target: Target, from: RefType, to: RefType) {
        match self.test_top(from, to) {
            Fits::Always => {}
            Fits::Never => self.go(target),
            Fits::If(cond) => self.go_if(cond.inverse(), target),
        }
    }

    /// Whether the top operand, of type `from`, is of type `to`.
    fn test_top(&mut self, from: RefType, to: RefType) -> Fits {
        let heap = to.heap();
        let module = self.env.module;
        if from.heap().matches(heap, |a, b| module.is_subtype(a, b)) {
            return match to.is_nullable() || !from.is_nullable() {
                true => Fits::Always,
                false => Fits::If(self.null_test().inverse()),
            };
        }
        if heap == heap.bottom() {
            return match to.is_nullable() {
                true => Fits::If(self.null_test()),
                false => Fits::Never,
            };
        }
        Fits::If(match heap {
            HeapType::Concrete(id, CompositeKind::Func) => self.func_test(id, to),
            HeapType::I31 => self.i31_test(to),
            _ if self.accesses_objects() && !self.is_too_deep(heap) => {
                self.object_test(from.heap(), to)
            }
            _ => self.runtime_test(to),
        })
    }

    /// Whether the top operand is null.
    fn null_test(&mut self) -> Cond {
        let operand = self.pop();
        let gpr = self.gpr(operand);
        self.asm.test(Width::W64, gpr, gpr);
        self.push_read(operand, gpr);
        Cond::E
    }

    /// Whether the top operand is a 31-bit integer, or null if the type has it.
    fn i31_test(&mut self, to: RefType) -> Cond {
        let operand = self.pop();
        let gpr = self.gpr(operand);
        let done = self.asm.new_label();
        self.compare_i31(gpr);
        self.or_is_null(gpr, to, done);
        self.push_read(operand, gpr);
        Cond::E
    }

    /// Equal, if a reference is a 31-bit integer.
    fn compare_i31(&mut self, reference: Gpr) {
        self.asm.mov(Width::W32, SCRATCH, reference);
        self.asm.alu_imm(Alu::And, Width::W32, SCRATCH, 1);
        self.asm.alu_imm(Alu::Cmp, Width::W32, SCRATCH, 1);
    }

    /// The end of a test whose answer so far is whether the flags say that something is equal, here and where control comes to
    /// `done` from: a reference also fits that is null, if the type has that.
    fn or_is_null(&mut self, reference: Gpr, to: RefType, done: Label) {
        if to.is_nullable() {
            self.asm.jcc_short(Cond::E, done);
            self.asm.test(Width::W32, reference, reference);
        }
        self.asm.bind(done);
    }

    /// Asks the runtime about the top operand.
    fn runtime_test(&mut self, to: RefType) -> Cond {
        self.settle_for_call();
        let ty = self.type_bits(to);
        let operand = self.operands.stack[self.height() - 1];
        let fits = self.builtin(builtin::ref_test, &[Arg::Operand(operand), ty], &[]);
        self.asm.alu_imm(Alu::Cmp, Width::W32, fits, REF_TEST_FAILED as i32);
        self.trap_if(Cond::E, TrapCode::HeapCorrupted);
        self.asm.alu_imm(Alu::Cmp, Width::W32, fits, 1);
        self.free(fits);
        Cond::E
    }

    /// The bits of a type as the runtime wants them.
    fn type_bits(&self, ty: RefType) -> Arg {
        let HeapType::Concrete(id, kind) = ty.heap() else {
            return Arg::Imm(ty.val_type().to_bits().into());
        };
        // Everything but the id.
        let zero = RefType::new(ty.is_nullable(), HeapType::Concrete(TypeId(0), kind));
        Arg::TypeId(self.index_of(id), zero.val_type().to_bits())
    }

    /// The index of a canonical type that the body names, hence of one of the module's.
    fn index_of(&self, id: TypeId) -> TypeIdx {
        self.env.module.index_of(id).expect("a valid body names types of its module")
    }

    fn is_final(&self, ty: TypeIdx) -> bool {
        self.env.module.type_at(ty).is_none_or(|ty| ty.ty.is_final)
    }

    /// Whether the top operand, a reference to a function, is of a type.
    pub(super) fn func_test(&mut self, id: TypeId, to: RefType) -> Cond {
        let index = self.index_of(id);
        let is_final = self.is_final(index);
        if !is_final {
            // The runtime may have to be asked.
            self.settle_for_call();
        }
        let operand = self.pop();
        let func = self.gpr(operand);
        let expected = self.type_id(index);
        let [null, done] = [(); 2].map(|()| self.asm.new_label());
        self.asm.test(Width::W64, func, func);
        self.asm.jcc(Cond::E, if to.is_nullable() { done } else { null });
        let actual = Mem::at(func, offset_of!(FuncRef, type_id) as i32);
        self.asm.alu(Alu::Cmp, Width::W32, expected, actual);
        self.free(expected);
        if is_final {
            self.push_read(operand, func);
        } else {
            // The operand is in its slot, and stays there.
            self.push(operand.kind, At::Slot);
            self.asm.jcc(Cond::E, done);
            self.asm.load(Width::W32, SCRATCH, actual);
            self.asm.mov(Width::W32, C_PARAMS[2], expected);
            self.asm.mov(Width::W32, C_PARAMS[1], SCRATCH);
            self.free(func);
            self.call_builtin(builtin::is_subtype, &[]);
            self.reload(false);
            self.asm.alu_imm(Alu::Cmp, Width::W32, RESULT, 1);
        }
        if !to.is_nullable() {
            self.asm.jmp_short(done);
            self.asm.bind(null);
            // Never equal.
            self.asm.test(Width::W64, Gpr::RSP, Gpr::RSP);
        }
        self.asm.bind(done);
        Cond::E
    }

    /// Whether types have so many above them that they do not stand in the rows of types below them.
    fn is_too_deep(&self, heap: HeapType) -> bool {
        match heap {
            HeapType::Concrete(id, _) => {
                let depth = self.env.module.subtyping.ancestors(id).len();
                depth >= ROW_DISPLAY && !self.is_final(self.index_of(id))
            }
            _ => false,
        }
    }

    /// Whether the top operand, a reference into the heap, is of a type of structures or arrays, or of what `ref.eq` compares.
    fn object_test(&mut self, from: HeapType, to: RefType) -> Cond {
        let operand = self.pop();
        let object = self.gpr(operand);
        let header = self.alloc();
        let base = self.heap_base();
        if matches!(from, HeapType::Any | HeapType::Eq | HeapType::I31) {
            self.asm.zero(SCRATCH);
            self.asm.mov(Width::W32, header, object);
            self.asm.test_imm(Width::W32, object, 1);
            self.asm.cmov(Cond::Ne, Width::W32, header, SCRATCH);
        } else {
            self.asm.mov(Width::W32, header, object);
        }
        self.may_trap(TrapCode::HeapCorrupted);
        self.asm.load(Width::W32, header, Mem::indexed(base, header, 0, 0));
        self.free(base);
        let done = self.asm.new_label();
        match to.heap() {
            HeapType::Concrete(id, kind) => self.compare_type(header, id, kind),
            HeapType::Struct => self.compare_kinds(header, &[ObjectKind::Struct], done),
            HeapType::Array => self.compare_kinds(header, &[ObjectKind::Array], done),
            _ => {
                self.compare_kinds(header, &[ObjectKind::Struct, ObjectKind::Array], done);
                self.asm.jcc_short(Cond::E, done);
                self.compare_i31(object);
            }
        }
        self.or_is_null(object, to, done);
        self.free(header);
        self.push_read(operand, object);
        Cond::E
    }

    /// Equal, here or at `done`, if a header is that of an object of one of these kinds. Changes the register.
    fn compare_kinds(&mut self, header: Gpr, kinds: &[ObjectKind], done: Label) {
        self.asm.alu_imm(Alu::And, Width::W32, header, KIND_BITS);
        for (number, &kind) in kinds.iter().enumerate() {
            if number > 0 {
                self.asm.jcc_short(Cond::E, done);
            }
            self.asm.alu_imm(Alu::Cmp, Width::W32, header, header_of_kind(kind) as i32);
        }
    }

    /// Equal, if the type in a header is a type of structures or arrays, or below that. Changes the register.
    fn compare_type(&mut self, header: Gpr, id: TypeId, kind: CompositeKind) {
        let kind = match kind {
            CompositeKind::Array => ObjectKind::Array,
            _ => ObjectKind::Struct,
        };
        let depth = self.env.module.subtyping.ancestors(id).len();
        let index = self.index_of(id);
        // The header of objects of the type.
        let expected = self.type_id(index);
        self.asm.shift_imm(Shift::Shl, Width::W32, expected, HEADER_TYPE_SHIFT as u8);
        let zero = object_header(kind, TypeId(0));
        self.asm.alu_imm(Alu::Add, Width::W32, expected, zero as i32);
        if self.is_final(index) {
            self.asm.alu(Alu::Cmp, Width::W32, header, expected);
            return self.free(expected);
        }
        let runtime = self.runtime();
        self.asm.shift_imm(Shift::Shr, Width::W32, header, HEADER_TYPE_SHIFT as u8);
        self.asm.shift_imm(Shift::Shl, Width::W64, header, ROW_SHIFT);
        let rows = Mem::at(runtime, offset_of!(VmRuntime, type_rows) as i32);
        self.asm.alu(Alu::Add, Width::W64, header, rows);
        self.free(runtime);
        // Whatever the header says, there is address space for its row.
        let above = offset_of!(TypeRow, display) + depth * size_of::<u32>();
        self.may_trap(TrapCode::HeapCorrupted);
        self.asm.alu(Alu::Cmp, Width::W32, expected, Mem::at(header, above as i32));
        self.free(expected);
    }

    /// Makes the id of a type in a register the address of the type's row.
    pub(super) fn row_of(&mut self, id: Gpr, runtime: Gpr) {
        self.asm.alu_imm(Alu::Add, Width::W32, id, riser_abi::type_number(TypeId(0)) as i32);
        self.asm.shift_imm(Shift::Shl, Width::W64, id, ROW_SHIFT);
        let rows = Mem::at(runtime, offset_of!(VmRuntime, type_rows) as i32);
        self.asm.alu(Alu::Add, Width::W64, id, rows);
    }
}
