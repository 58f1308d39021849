//! Copying a few elements of arrays without a call: programs with strings do little else.
//!
//! Whatever is copied is read before anything is written, so that it does not matter whether source and target overlap: 9 to 16 bytes are
//! read as the first eight and the last eight of them, and so on. What is more than [`INLINE_BYTES`] the runtime copies.

use super::Translator;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, MemFlagsData, Type, Value, types};
use riser_abi::{ARRAY_ELEMENTS, Repr, builtin};
use riser_ops::{TrapCode, TypeIdx};

/// Up to so many bytes are copied in place: four vectors.
const INLINE_BYTES: u32 = 64;

/// What is to be copied: addresses that lie [`ARRAY_ELEMENTS`] before the first element, and the number of bytes.
#[derive(Clone, Copy)]
struct Copy {
    to: Value,
    from: Value,
    /// As 64 bits.
    bytes: Value,
    flags: MemFlagsData,
    done: Block,
}

impl Translator<'_> {
    /// `array.copy`. A valid body copies between arrays with elements of the same width.
    pub fn lower_array_copy(&mut self, dst_type: TypeIdx, _src_type: TypeIdx) {
        let element = Repr::of(self.element_type(dst_type));
        let width = element.size() as u32;
        let len = self.pop();
        let (src, src_index) = self.pop2();
        let (dst, dst_index) = self.pop2();
        let [slow, fast, done] = [(); 3].map(|()| self.b.create_block());
        let to = self.elements_address(dst, dst_index, len, element);
        let from = self.elements_address(src, src_index, len, element);
        let most = i64::from(INLINE_BYTES / width);
        let many = self.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThan, len, most);
        self.b.ins().brif(many, slow, &[], fast, &[]);

        self.enter(fast);
        let bytes = self.b.ins().uextend(types::I64, len);
        let bytes = self.b.ins().ishl_imm_u(bytes, i64::from(width.ilog2()));
        let flags = self.heap_flags();
        self.copy_few(Copy { to, from, bytes, flags, done }, width);

        self.enter(slow);
        let args = [self.as_slot(dst), dst_index, self.as_slot(src), src_index, len];
        let status = self.builtin(builtin::array_copy, &args);
        self.checked(status);
        self.b.ins().jump(done, &[]);
        self.enter(done);
    }

    /// The address that lies [`ARRAY_ELEMENTS`] before an element, after the check that there are `len` elements from there on.
    fn elements_address(&mut self, array: Value, index: Value, len: Value, element: Repr) -> Value {
        self.trap_if_null(array);
        let size = self.read_array_len(array);
        let [first, count, size] =
            [index, len, size].map(|value| self.b.ins().uextend(types::I64, value));
        let end = self.b.ins().iadd(first, count);
        let beyond = self.b.ins().icmp(IntCC::UnsignedGreaterThan, end, size);
        self.trap_if(beyond, TrapCode::ArrayOutOfBounds);
        // Wraps around in 32 bits, as everywhere.
        let distance = self.b.ins().ishl_imm_u(index, i64::from(element.size().ilog2()));
        let place = self.b.ins().iadd(array, distance);
        self.heap_address(place)
    }

    /// Copies up to [`INLINE_BYTES`], a multiple of `width`, and goes to the end.
    fn copy_few(&mut self, copy: Copy, width: u32) {
        // At least so many bytes; how they are copied: as so many values of a type from both ends.
        let ways = [
            (33, types::I8X16, 2),
            (16, types::I8X16, 1),
            (8, types::I64, 1),
            (4, types::I32, 1),
            (2, types::I16, 1),
            (1, types::I8, 1),
        ];
        for (least, ty, count) in ways {
            if ty.bytes() < width {
                break;
            }
            let [enough, fewer] = [(); 2].map(|()| self.b.create_block());
            let least = i64::from(least);
            let is_enough =
                self.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThanOrEqual, copy.bytes, least);
            self.b.ins().brif(is_enough, enough, &[], fewer, &[]);
            self.enter(enough);
            self.copy_ends(copy, ty, count);
            self.b.ins().jump(copy.done, &[]);
            self.enter(fewer);
        }
        self.b.ins().jump(copy.done, &[]);
    }

    /// Copies the first `count` values of a type and the last ones, which may be the same in part.
    fn copy_ends(&mut self, copy: Copy, ty: Type, count: i32) {
        let (size, first) = (ty.bytes() as i32, ARRAY_ELEMENTS as i32);
        let ends = [copy.from, copy.to].map(|start| self.b.ins().iadd(start, copy.bytes));
        let near = |at: i32| (0, first + at * size);
        let far = |at: i32| (1, first - (at + 1) * size);
        let places = (0..count).flat_map(|at| [near(at), far(at)]).collect::<Vec<_>>();
        let from = [copy.from, ends[0]];
        let read =
            |&(end, offset): &(usize, i32)| self.b.ins().load(ty, copy.flags, from[end], offset);
        let values = places.iter().map(read).collect::<Vec<_>>();
        let to = [copy.to, ends[1]];
        for (value, (end, offset)) in values.into_iter().zip(places) {
            self.b.ins().store(copy.flags, value, to[end], offset);
        }
    }
}
