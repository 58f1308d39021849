//! Making small objects without a call.
//!
//! Code takes bytes from where the heap would ([`riser_abi::BumpArea`]), and writes the object in full. Without room, or before
//! the first object of a type, it calls the runtime, which may collect, and gives an object of zeros. What the fields get is
//! written behind that, to the one object or the other; there is no call between, so that no collection sees what was not
//! written yet.

use super::Translator;
use super::vm::Region;
use core::mem::offset_of;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, MemFlagsData, Value, types};
use riser_abi::{
    ARRAY_ELEMENTS, ARRAY_LENGTH, BumpArea, Repr, TypeRow, VmRuntime, builtin, type_number,
};
use riser_ops::{TypeId, TypeIdx, ValType};

/// Objects of more bytes are made by the runtime.
const INLINE_BYTES: u32 = 256;

/// Arrays of more elements are.
const INLINE_ELEMENTS: u32 = 32;

/// Bytes for an object, if there are any: the way to where they are filled.
struct Taken {
    /// The reference, as 64 bits.
    place: Value,
    /// What `next` becomes.
    next: Value,
    header: Value,
    /// Where the runtime makes the object.
    slow: Block,
    /// Where there is an object, which this block takes.
    done: Block,
}

impl Translator<'_> {
    /// Makes a structure of operands or, without values, of zeros and nulls. `false` if code cannot do that.
    pub(super) fn make_struct(&mut self, ty: TypeIdx, with_values: bool) -> bool {
        let layout = self.struct_layout(ty);
        if layout.size > INLINE_BYTES {
            return false;
        }
        let (fields, size) = (&layout.fields, layout.size);
        let mut values = if with_values { self.pop_many(fields.len()) } else { Vec::new() };
        for (value, (storage, _)) in values.iter_mut().zip(fields) {
            *value = self.stored(*storage, *value);
        }
        let size_value = self.b.ins().iconst(types::I64, i64::from(size));
        let taken = self.take_bytes(ty, size_value, None);
        let address = self.place_address(&taken);
        let flags = self.heap_flags();
        if with_values {
            self.b.ins().store(flags, taken.header, address, 0);
        } else {
            // The header with the four bytes behind it.
            let header = self.b.ins().uextend(types::I64, taken.header);
            self.b.ins().store(flags, header, address, 0);
            self.write_zeros(address, 8, size);
        }
        self.finish_bytes(&taken);
        let object = self.make(builtin::struct_new_default, ty, &[], &[], &[]);
        let object = self.finish_slow(&taken, object);
        let address = self.heap_address(object);
        for (&(storage, offset), &value) in fields.iter().zip(&values) {
            self.write_object(address, offset, storage, value);
        }
        self.push(object);
        true
    }

    /// Makes an array of operands. `false` if code cannot do that.
    pub(super) fn make_fixed_array(&mut self, ty: TypeIdx, count: u32) -> bool {
        let element = self.element_type(ty);
        let width = Repr::of(element).size() as u32;
        if count > INLINE_ELEMENTS || ARRAY_ELEMENTS + count * width > INLINE_BYTES {
            return false;
        }
        let mut values = self.pop_many(count as usize);
        for value in &mut values {
            *value = self.stored(element, *value);
        }
        let size = (ARRAY_ELEMENTS + count * width).next_multiple_of(8);
        let size = self.b.ins().iconst(types::I64, i64::from(size));
        let len = self.i32(count);
        let taken = self.take_bytes(ty, size, None);
        self.begin_array(&taken, len);
        self.finish_bytes(&taken);
        let array = self.make(builtin::array_new_default, ty, &[ValType::I32], &[len], &[]);
        let array = self.finish_slow(&taken, array);
        let address = self.heap_address(array);
        for (index, &value) in (0..).zip(&values) {
            self.write_object(address, ARRAY_ELEMENTS + index * width, element, value);
        }
        self.push(array);
        true
    }

    /// Makes an array of a length that is an operand, of one value, which is an operand, or of zeros and nulls. `false` if code
    /// cannot do that.
    pub(super) fn make_array(&mut self, ty: TypeIdx, with_value: bool) -> bool {
        let element = self.element_type(ty);
        let repr = Repr::of(element);
        if with_value && matches!(repr, Repr::Func | Repr::V128) {
            return false;
        }
        let len = self.pop();
        let value = with_value.then(|| self.pop());
        // Eight bytes of elements.
        let word = match value {
            Some(value) => self.eight_bytes_of(value, repr),
            None => self.b.ins().iconst(types::I64, 0),
        };
        let wide = self.b.ins().uextend(types::I64, len);
        let size = self.b.ins().ishl_imm_u(wide, i64::from(repr.size().ilog2()));
        let size = self.b.ins().iadd_imm_u(size, i64::from(ARRAY_ELEMENTS) + 7);
        let size = self.b.ins().band_imm_s(size, -8);
        let large = i64::from(INLINE_ELEMENTS);
        let large = self.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThan, len, large);
        let taken = self.take_bytes(ty, size, Some(large));
        let address = self.begin_array(&taken, len);
        self.fill_words(address, size, word);
        self.finish_bytes(&taken);
        let array = match value {
            Some(value) => {
                let operands = [element.unpacked(), ValType::I32];
                self.make(builtin::array_new, ty, &operands, &[value, len], &[1])
            }
            None => self.make(builtin::array_new_default, ty, &[ValType::I32], &[len], &[]),
        };
        let array = self.finish_slow(&taken, array);
        self.push(array);
        true
    }

    /// Eight bytes of equal elements.
    fn eight_bytes_of(&mut self, value: Value, repr: Repr) -> Value {
        let bits = match self.b.func.dfg.value_type(value) {
            types::F32 => self.b.ins().bitcast(types::I32, MemFlagsData::new(), value),
            types::F64 => self.b.ins().bitcast(types::I64, MemFlagsData::new(), value),
            _ => value,
        };
        let (mask, times) = match repr {
            Repr::I8 => (0xFF, 0x0101_0101_0101_0101),
            Repr::I16 => (0xFFFF, 0x0001_0001_0001_0001),
            Repr::B64 => return bits,
            _ => (0xFFFF_FFFF, 0x0000_0001_0000_0001),
        };
        let bits = self.b.ins().uextend(types::I64, bits);
        let bits = self.b.ins().band_imm_u(bits, mask);
        self.b.ins().imul_imm_u(bits, times)
    }

    /// Begins to take so many bytes for an object of a type, unless `large` holds: the translator is where there are as many.
    fn take_bytes(&mut self, ty: TypeIdx, size: Value, large: Option<Value>) -> Taken {
        let [fits, known, slow, done] = [(); 4].map(|()| self.b.create_block());
        self.b.set_cold_block(slow);
        if let Some(large) = large {
            let small = self.b.create_block();
            self.b.ins().brif(large, slow, &[], small, &[]);
            self.b.seal_block(small);
            self.b.switch_to_block(small);
        }
        let runtime = self.runtime();
        let flags = self.trusted();
        let flags = self.in_region(flags, Region::Runtime);
        let bump = |field: usize| (offset_of!(VmRuntime, bump) + field) as i32;
        let next = bump(offset_of!(BumpArea, next));
        let place = self.b.ins().uload32(flags, runtime, next);
        let end = self.b.ins().uload32(flags, runtime, bump(offset_of!(BumpArea, end)));
        let next = self.b.ins().iadd(place, size);
        let has_room = self.b.ins().icmp(IntCC::UnsignedLessThanOrEqual, next, end);
        self.b.ins().brif(has_room, fits, &[], slow, &[]);
        self.b.seal_block(fits);
        self.b.switch_to_block(fits);
        // Before the first object of the type this is 0: the runtime must get to know the type. The load is no constant one, so that
        // it happens again afterwards.
        let row = self.type_row(ty);
        let header = self.b.ins().load(types::I32, flags, row, offset_of!(TypeRow, header) as i32);
        self.b.ins().brif(header, known, &[], slow, &[]);
        self.b.seal_block(known);
        self.b.seal_block(slow);
        self.b.switch_to_block(known);
        Taken { place, next, header, slow, done }
    }

    /// The row of a type of the module.
    fn type_row(&mut self, ty: TypeIdx) -> Value {
        let rows = self.type_rows();
        let id = self.type_id(ty);
        let number = self.b.ins().iadd_imm_u(id, i64::from(type_number(TypeId(0))));
        let number = self.b.ins().uextend(types::I64, number);
        let distance = self.b.ins().imul_imm_u(number, size_of::<TypeRow>() as i64);
        self.b.ins().iadd(rows, distance)
    }

    /// The address of bytes that were taken.
    fn place_address(&mut self, taken: &Taken) -> Value {
        let base = self.heap_base();
        self.b.ins().iadd(base, taken.place)
    }

    /// Writes the header and length of an array, and gives its address.
    fn begin_array(&mut self, taken: &Taken, len: Value) -> Value {
        let address = self.place_address(taken);
        let flags = self.heap_flags();
        self.b.ins().store(flags, taken.header, address, 0);
        self.b.ins().store(flags, len, address, ARRAY_LENGTH as i32);
        address
    }

    /// Zeros from one multiple of 8 to another.
    fn write_zeros(&mut self, address: Value, from: u32, to: u32) {
        let flags = self.heap_flags();
        let zero = self.b.ins().iconst(types::I64, 0);
        for offset in (from..to).step_by(8) {
            self.b.ins().store(flags, zero, address, offset as i32);
        }
    }

    /// Writes a word to all places of eight bytes behind an array's length.
    fn fill_words(&mut self, address: Value, size: Value, word: Value) {
        let [head, body, end] = [(); 3].map(|()| self.b.create_block());
        let at = self.b.append_block_param(head, types::I64);
        let first = self.b.ins().iconst(types::I64, i64::from(ARRAY_ELEMENTS));
        self.b.ins().jump(head, &[BlockArg::Value(first)]);
        self.b.switch_to_block(head);
        let more = self.b.ins().icmp(IntCC::UnsignedLessThan, at, size);
        self.b.ins().brif(more, body, &[], end, &[]);
        self.b.seal_block(body);
        self.b.seal_block(end);
        self.b.switch_to_block(body);
        let flags = self.heap_flags();
        let place = self.b.ins().iadd(address, at);
        self.b.ins().store(flags, word, place, 0);
        let next = self.b.ins().iadd_imm_u(at, 8);
        self.b.ins().jump(head, &[BlockArg::Value(next)]);
        self.b.seal_block(head);
        self.b.switch_to_block(end);
    }

    /// The bytes are an object: goes on where the runtime makes one.
    fn finish_bytes(&mut self, taken: &Taken) {
        let runtime = self.runtime();
        let flags = self.trusted();
        let flags = self.in_region(flags, Region::Runtime);
        let offset = offset_of!(VmRuntime, bump) + offset_of!(BumpArea, next);
        self.b.ins().istore32(flags, taken.next, runtime, offset as i32);
        let object = self.b.ins().ireduce(types::I32, taken.place);
        self.b.ins().jump(taken.done, &[BlockArg::Value(object)]);
        self.b.switch_to_block(taken.slow);
    }

    /// The runtime made an object: goes on with either.
    fn finish_slow(&mut self, taken: &Taken, object: Value) -> Value {
        let block = self.b.current_block().expect("behind the call");
        self.b.set_cold_block(block);
        let either = self.b.append_block_param(taken.done, types::I32);
        self.b.declare_value_needs_stack_map(either);
        self.b.ins().jump(taken.done, &[BlockArg::Value(object)]);
        self.b.seal_block(taken.done);
        self.b.switch_to_block(taken.done);
        either
    }
}
