//! What a reference refers to.
//!
//! The header of an object has the number of its type. That of null can be read as well, and has number 0, as the headers of
//! values of the host have; a 31-bit integer is replaced by null. The types above an object's stand in the row of its type, by their
//! depth, so that no test takes more than two loads. The row with number 0 is empty.

use super::{Translator, clif_trap};
use core::mem::offset_of;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{BlockArg, InstBuilder, MemFlagsData, Value, types};
use riser_abi::{
    FuncRef, HEADER_TYPE_SHIFT, ObjectKind, REF_TEST_FAILED, ROW_DISPLAY, TypeRow, VmRuntime,
    builtin, header_of_kind, object_header,
};
use riser_ops::{CompositeKind, HeapType, RefType, TrapCode, TypeId, TypeIdx};

/// The bits of a header that say the kind.
const KIND_BITS: i64 = (1 << HEADER_TYPE_SHIFT) - 1;

impl Translator<'_> {
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
        match heap {
            HeapType::Concrete(id, CompositeKind::Func) => self.func_test(value, id, to),
            HeapType::I31 => {
                let fits = self.b.ins().band_imm_u(value, 1);
                self.or_is_null(fits, value, to)
            }
            _ if self.accesses_objects() => self.object_test(value, from.heap(), to),
            _ => self.runtime_test(value, to),
        }
    }

    /// `fits`, or 1 if the type has null and the reference is null.
    fn or_is_null(&mut self, fits: Value, value: Value, to: RefType) -> Value {
        if !to.is_nullable() {
            return fits;
        }
        let is_null = self.is_null(value);
        self.b.ins().bor(fits, is_null)
    }

    /// Asks the runtime.
    fn runtime_test(&mut self, value: Value, to: RefType) -> Value {
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

    /// Whether a reference to a function is of a type.
    pub(super) fn func_test(&mut self, value: Value, id: TypeId, to: RefType) -> Value {
        let index = self.index_of(id);
        let (some, done) = (self.b.create_block(), self.b.create_block());
        let fits = self.b.append_block_param(done, types::I32);
        let null = self.i32(to.is_nullable().into());
        self.b.ins().brif(value, some, &[], done, &[BlockArg::Value(null)]);
        self.b.seal_block(some);
        self.b.switch_to_block(some);
        let expected = self.type_id(index);
        let offset = offset_of!(FuncRef, type_id) as u32;
        let flags = MemFlagsData::trusted().with_readonly();
        let actual = self.b.ins().load(types::I32, flags, value, offset as i32);
        let same = self.b.ins().icmp(IntCC::Equal, actual, expected);
        let same = self.b.ins().uextend(types::I32, same);
        if self.is_final(index) {
            self.b.ins().jump(done, &[BlockArg::Value(same)]);
        } else {
            let other = self.b.create_block();
            self.b.set_cold_block(other);
            self.b.ins().brif(same, done, &[BlockArg::Value(same)], other, &[]);
            self.b.seal_block(other);
            self.b.switch_to_block(other);
            let below = self.builtin(builtin::is_subtype, &[actual, expected]);
            self.b.ins().jump(done, &[BlockArg::Value(below)]);
        }
        self.b.seal_block(done);
        self.b.switch_to_block(done);
        fits
    }

    fn is_final(&self, ty: TypeIdx) -> bool {
        self.env.module.type_at(ty).is_none_or(|ty| ty.ty.is_final)
    }

    /// Whether a reference into the heap is of a type of structures or arrays, or of what `ref.eq` compares.
    fn object_test(&mut self, value: Value, from: HeapType, to: RefType) -> Value {
        let maybe_i31 = matches!(from, HeapType::Any | HeapType::Eq | HeapType::I31);
        let object = if maybe_i31 { self.without_i31(value) } else { value };
        let address = self.heap_address(object);
        let flags = self.heap_flags();
        let header = self.b.ins().load(types::I32, flags, address, 0);
        let fits = match to.heap() {
            HeapType::Concrete(id, kind) => {
                let depth = self.env.module.subtyping.ancestors(id).len();
                let index = self.index_of(id);
                if !self.is_final(index) && depth >= ROW_DISPLAY {
                    return self.runtime_test(value, to);
                }
                self.type_test(header, index, kind, depth)
            }
            HeapType::Struct => self.has_kind(header, ObjectKind::Struct),
            HeapType::Array => self.has_kind(header, ObjectKind::Array),
            _ => {
                let structure = self.has_kind(header, ObjectKind::Struct);
                let array = self.has_kind(header, ObjectKind::Array);
                let object = self.b.ins().bor(structure, array);
                let integer = self.b.ins().band_imm_u(value, 1);
                self.b.ins().bor(object, integer)
            }
        };
        self.or_is_null(fits, value, to)
    }

    /// A reference, or null if it is a 31-bit integer.
    fn without_i31(&mut self, value: Value) -> Value {
        let integer = self.b.ins().band_imm_u(value, 1);
        let null = self.i32(0);
        self.b.ins().select(integer, null, value)
    }

    fn has_kind(&mut self, header: Value, kind: ObjectKind) -> Value {
        let bits = self.b.ins().band_imm_u(header, KIND_BITS);
        let same = self.b.ins().icmp_imm_u(IntCC::Equal, bits, i64::from(header_of_kind(kind)));
        self.b.ins().uextend(types::I32, same)
    }

    /// The header of objects of a type.
    fn header_of(&mut self, ty: TypeIdx, kind: ObjectKind) -> Value {
        let id = self.type_id(ty);
        let header = self.b.ins().ishl_imm_u(id, i64::from(HEADER_TYPE_SHIFT));
        let zero = i64::from(object_header(kind, TypeId(0)));
        self.b.ins().iadd_imm_u(header, zero)
    }

    /// The rows of types.
    pub(super) fn type_rows(&mut self) -> Value {
        let runtime = self.runtime();
        self.constant_load(types::I64, runtime, offset_of!(VmRuntime, type_rows) as u32)
    }

    /// Whether the type in a header is one that has so many types above it, or below that one.
    fn type_test(
        &mut self,
        header: Value,
        index: TypeIdx,
        kind: CompositeKind,
        depth: usize,
    ) -> Value {
        let kind = match kind {
            CompositeKind::Array => ObjectKind::Array,
            _ => ObjectKind::Struct,
        };
        let expected = self.header_of(index, kind);
        if self.is_final(index) {
            let same = self.b.ins().icmp(IntCC::Equal, header, expected);
            return self.b.ins().uextend(types::I32, same);
        }
        let rows = self.type_rows();
        let number = self.b.ins().ushr_imm_u(header, i64::from(HEADER_TYPE_SHIFT));
        let number = self.b.ins().uextend(types::I64, number);
        let distance = self.b.ins().imul_imm_u(number, size_of::<TypeRow>() as i64);
        let row = self.b.ins().iadd(rows, distance);
        // Whatever the header says, there is address space for its row. What the row says never changes once there are objects.
        let flags = MemFlagsData::new()
            .with_aligned()
            .with_readonly()
            .with_trap_code(Some(clif_trap(TrapCode::HeapCorrupted)));
        let offset = offset_of!(TypeRow, display) + depth * size_of::<u32>();
        let above = self.b.ins().load(types::I32, flags, row, offset as i32);
        let same = self.b.ins().icmp(IntCC::Equal, above, expected);
        self.b.ins().uextend(types::I32, same)
    }
}
