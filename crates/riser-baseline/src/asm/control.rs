//! Labels, jumps, calls, jump tables, and what stands between instructions.

use super::encode::{Bits, Op};
use super::finish::{Fixup, Kind};
use super::{Asm, Cond, Gpr, Label, Rm};

/// The offset of a label that is nowhere yet.
pub(super) const UNBOUND: u32 = u32::MAX;

/// What processors do nothing with, by length: the forms that Intel's manual recommends.
const NOPS: [u64; 9] = [
    0,
    0x90,
    0x90_66,
    0x1F0F,
    0x0040_1F0F,
    0x00_0044_1F0F,
    0x0000_441F_0F66,
    0x00_0000_0080_1F0F,
    0x0000_0000_0084_1F0F,
];

/// Labels.
impl Asm {
    /// A label that is nowhere yet.
    #[inline]
    pub fn new_label(&mut self) -> Label {
        let label = Label(self.labels.len() as u32);
        self.labels.push(UNBOUND);
        label
    }

    /// The label is here.
    ///
    /// # Panics
    ///
    /// It must have been nowhere.
    #[inline]
    pub fn bind(&mut self, label: Label) {
        let offset = self.offset();
        let place = &mut self.labels[label.0 as usize];
        assert!(*place == UNBOUND, "a label has one place");
        *place = offset;
    }

    /// A label that is here.
    pub fn label_here(&mut self) -> Label {
        let label = Label(self.labels.len() as u32);
        self.labels.push(self.offset());
        label
    }

    /// Where the label is, if that is known.
    #[inline]
    pub fn label_offset(&self, label: Label) -> Option<u32> {
        let offset = self.labels[label.0 as usize];
        (offset != UNBOUND).then_some(offset)
    }

    /// Whether it is known where the label is.
    #[inline]
    pub fn is_bound(&self, label: Label) -> bool {
        self.label_offset(label).is_some()
    }
}

/// Jumps and calls.
impl Asm {
    /// Jumps; in two bytes if the label is known and near.
    pub fn jmp(&mut self, label: Label) {
        if let Some(distance) = self.short_distance(label) {
            return self.put_bits(Bits::byte(0xEB).then(Bits::byte(distance)));
        }
        self.put_bits(Bits { value: 0xE9, count: 40 });
        self.fix(label, Kind::Near);
    }

    /// Jumps if the condition holds; in two bytes if the label is known and near.
    pub fn jcc(&mut self, cond: Cond, label: Label) {
        if let Some(distance) = self.short_distance(label) {
            return self.put_bits(Bits::byte(0x70 | cond as u8).then(Bits::byte(distance)));
        }
        self.put_bits(Bits { value: 0x800F | (cond as u64) << 8, count: 48 });
        self.fix(label, Kind::Near);
    }

    /// As [`Asm::jmp`], always in two bytes: the label must turn out to be near, at most 127 bytes ahead, or [`Asm::finish`] fails.
    pub fn jmp_short(&mut self, label: Label) {
        self.put_bits(Bits::half(0xEB));
        self.fix(label, Kind::Short);
    }

    /// As [`Asm::jcc`], always in two bytes: the label must turn out to be near, at most 127 bytes ahead, or [`Asm::finish`] fails.
    pub fn jcc_short(&mut self, cond: Cond, label: Label) {
        self.put_bits(Bits::half(0x70 | cond as u16));
        self.fix(label, Kind::Short);
    }

    /// The distance from the end of an instruction of two bytes that begins here, if it fits one.
    fn short_distance(&self, label: Label) -> Option<u8> {
        let offset = self.label_offset(label)?;
        let distance = i64::from(offset) - i64::from(self.offset()) - 2;
        i8::try_from(distance).ok().map(|distance| distance as u8)
    }

    /// Has the distance to a label written where the last instruction ends.
    fn fix(&mut self, label: Label, kind: Kind) {
        let at = self.offset().wrapping_sub(kind.bytes());
        self.fixups.push(Fixup { at, target: label.0, kind });
    }

    /// Calls what is at a label.
    pub fn call(&mut self, label: Label) {
        self.put_bits(Bits { value: 0xE8, count: 40 });
        self.fix(label, Kind::Near);
    }

    /// Jumps to an address.
    pub fn jmp_rm(&mut self, target: impl Into<Rm>) {
        self.emit(Op::one(0xFF), 4, target.into());
    }

    /// Calls an address.
    pub fn call_rm(&mut self, target: impl Into<Rm>) {
        self.emit(Op::one(0xFF), 2, target.into());
    }

    /// Returns, and takes `popped` bytes of arguments from the stack.
    pub fn ret(&mut self, popped: u16) {
        if popped == 0 {
            self.put_bits(Bits::byte(0xC3));
        } else {
            self.put_bits(Bits::byte(0xC2).then(Bits::half(popped)));
        }
    }

    /// An instruction that is none: the machine traps.
    pub fn ud2(&mut self) {
        self.put_bits(Bits::half(0x0B0F));
    }

    /// A breakpoint.
    pub fn int3(&mut self) {
        self.put_bits(Bits::byte(0xCC));
    }

    /// Fills up with instructions that do nothing to the next multiple of `bytes`, a power of two, counted from the beginning of the code.
    pub fn align(&mut self, bytes: u32) {
        assert!(bytes.is_power_of_two() && bytes <= super::Code::ALIGN_MAX, "not an alignment");
        let mut rest = self.offset().wrapping_neg() & (bytes - 1);
        while rest > 0 {
            let now = rest.min(NOPS.len() as u32 - 1);
            self.put_bits(Bits { value: NOPS[now as usize], count: 8 * now });
            rest -= now;
        }
    }

    /// The address of a label, of code or of a jump table.
    pub fn lea_label(&mut self, dst: Gpr, label: Label) {
        self.emit_relative(Op::one(0x8D).wide(true), dst.number(), Bits::NONE);
        self.fix(label, Kind::Near);
    }

    /// A table of labels behind the code, for [`Asm::lea_label`]. An entry has four bytes with a sign: the distance of its
    /// label from the beginning of the table.
    pub fn jump_table(&mut self, targets: impl IntoIterator<Item = Label>) -> Label {
        let label = self.new_label();
        let before = self.targets.len();
        self.targets.extend(targets);
        self.tables.push((label, (self.targets.len() - before) as u32));
        label
    }
}
