//! Finding an operator by its opcode, in constant time: tables computed at compile time from the rows.

use crate::{AccessOp, Operator, SimpleOp, StructuralOp};

/// Sub-opcodes of each prefix are below this bound.
const SUB_OPCODES: usize = 0x120;

type Table<const N: usize> = [Option<Operator>; N];

/// Puts every operator whose opcode has `prefix` (0 for none) at its sub-opcode.
const fn fill<const N: usize>(prefix: u32) -> Table<N> {
    let mut table = [None; N];
    let mut i = 0;
    while i < SimpleOp::ROWS.len() {
        let row = &SimpleOp::ROWS[i];
        if row.opcode >> 16 == prefix {
            table[(row.opcode & 0xFFFF) as usize] = Some(Operator::Simple(row.op));
        }
        i += 1;
    }
    i = 0;
    while i < AccessOp::ROWS.len() {
        let row = &AccessOp::ROWS[i];
        if row.opcode >> 16 == prefix {
            table[(row.opcode & 0xFFFF) as usize] = Some(Operator::Access(row.op));
        }
        i += 1;
    }
    i = 0;
    while i < StructuralOp::ROWS.len() {
        let row = &StructuralOp::ROWS[i];
        if row.opcode >> 16 == prefix {
            table[(row.opcode & 0xFFFF) as usize] = Some(Operator::Structural(row.op));
        }
        i += 1;
    }
    table
}

static BYTES: Table<256> = fill(0);
static FB: Table<0x20> = fill(0xFB);
static FC: Table<0x20> = fill(0xFC);
static FD: Table<SUB_OPCODES> = fill(0xFD);
static FE: Table<0x50> = fill(0xFE);

/// The operator that the single byte `byte` encodes. The prefix bytes encode none.
#[inline(always)]
pub fn by_byte(byte: u8) -> Option<Operator> {
    BYTES[byte as usize]
}

/// Whether `byte` begins an opcode of two parts.
#[inline(always)]
pub const fn is_prefix(byte: u8) -> bool {
    byte >= 0xFB && byte <= 0xFE
}

/// The operator that `prefix` and the sub-opcode `sub` encode.
#[inline]
pub fn by_prefix(prefix: u8, sub: u32) -> Option<Operator> {
    let table: &[Option<Operator>] = match prefix {
        0xFB => &FB,
        0xFC => &FC,
        0xFD => &FD,
        0xFE => &FE,
        _ => return None,
    };
    *table.get(sub as usize)?
}

/// The operator whose encoding begins here; `None` if none does.
pub fn by_bytes(bytes: &[u8]) -> Option<Operator> {
    let (&byte, rest) = bytes.split_first()?;
    if !is_prefix(byte) {
        return by_byte(byte);
    }
    let mut sub = 0;
    for (i, &byte) in rest.iter().take(5).enumerate() {
        sub |= u32::from(byte & 0x7F) << (7 * i);
        if byte & 0x80 == 0 {
            break;
        }
    }
    by_prefix(byte, sub)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operator_is_found_by_its_opcode() {
        for op in Operator::all() {
            let (prefix, sub) = (op.opcode() >> 16, op.opcode() & 0xFFFF);
            let found = match prefix {
                0 => by_byte(sub as u8),
                _ => by_prefix(prefix as u8, sub),
            };
            assert_eq!(found, Some(op), "{}", op.mnemonic());
        }
    }
}
