//! The tables of an artifact in their encoded form, and how they are looked into.
//!
//! All numbers are 32 bits, little-endian. A header of five counts (traps, positions, calls, references, handlers) and of where slots are (bytes below the
//! frame pointer, or 0 if nobody knows; the first operand) is followed by the tables:
//!
//! | table | columns, one after the other |
//! | --- | --- |
//! | traps | offset; code |
//! | positions | offset; operator |
//! | calls | offset; bytes of the frame; end of its references; end of its handlers |
//! | references | distance from the stack pointer |
//! | handlers | tag plus 1, or 0; place of the `VmCtx`; target |
//!
//! Columns of one table lie apart, so that looking for an offset touches few bytes. Whatever the bytes are, looking into
//! them gives no answer or a wrong one, and never panics.

use crate::{CodeArtifact, Handler, SlotLayout};
use alloc::vec;
use alloc::vec::Vec;
use riser_ops::TrapCode;

const COUNTS: usize = 5;

/// How many words a row of each table has.
const COLUMNS: [u64; COUNTS] = [2, 2, 4, 1, 3];

/// The words of the header.
const HEADER: u64 = COUNTS as u64 + 2;

impl CodeArtifact {
    /// The encoded tables.
    pub fn encode_tables(&self) -> Vec<u8> {
        let references: usize = self.calls.iter().map(|call| call.references.len()).sum();
        let handlers: usize = self.calls.iter().map(|call| call.handlers.len()).sum();
        let counts =
            [self.traps.len(), self.positions.len(), self.calls.len(), references, handlers];
        let words = COLUMNS.iter().zip(counts).map(|(&columns, count)| columns as usize * count);
        let words = HEADER as usize + words.sum::<usize>();
        let mut out = vec![0; 4 * words];
        let mut places = out.chunks_exact_mut(4);
        let mut put = |value: u32| {
            let place = places.next().expect("all words were counted");
            place.copy_from_slice(&value.to_le_bytes());
        };
        counts.iter().for_each(|&count| put(count as u32));
        let slots = self.slots.map_or([0, 0], |slots| [slots.below, slots.first_operand]);
        slots.into_iter().for_each(&mut put);
        self.traps.iter().for_each(|trap| put(trap.offset));
        self.traps.iter().for_each(|trap| put(trap.code as u32));
        self.positions.iter().for_each(|position| put(position.offset));
        self.positions.iter().for_each(|position| put(position.wasm));
        self.calls.iter().for_each(|call| put(call.offset));
        self.calls.iter().for_each(|call| put(call.frame_bytes));
        let mut end = 0;
        for call in &self.calls {
            end += call.references.len() as u32;
            put(end);
        }
        let mut end = 0;
        for call in &self.calls {
            end += call.handlers.len() as u32;
            put(end);
        }
        self.calls.iter().flat_map(|call| &call.references).for_each(|&at| put(at));
        for handler in self.calls.iter().flat_map(|call| &call.handlers) {
            put(handler.tag.map_or(0, |tag| tag + 1));
            put(handler.vmctx);
            put(handler.target);
        }
        out
    }
}

/// The encoded tables of one function.
#[derive(Clone, Copy, Debug)]
pub struct CodeTables<'a> {
    bytes: &'a [u8],
}

/// A call in encoded tables.
#[derive(Clone, Copy, Debug)]
pub struct CallSiteRef<'a> {
    tables: CodeTables<'a>,
    at: u32,
    /// How far the stack pointer is below the frame pointer when the call is made.
    pub frame_bytes: u32,
}

impl<'a> CodeTables<'a> {
    /// Tables that [`CodeArtifact::encode_tables`] made.
    pub fn new(bytes: &'a [u8]) -> CodeTables<'a> {
        CodeTables { bytes }
    }

    /// The bytes that it was made of.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    fn word(&self, at: u64) -> Option<u32> {
        let at = usize::try_from(at.checked_mul(4)?).ok()?;
        let bytes = self.bytes.get(at..at.checked_add(4)?)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    }

    fn count(&self, table: usize) -> u32 {
        self.word(table as u64).unwrap_or(0)
    }

    /// Where a table begins, in words.
    fn start(&self, table: usize) -> u64 {
        let before = COLUMNS.iter().enumerate().take(table);
        HEADER + before.map(|(at, columns)| columns * u64::from(self.count(at))).sum::<u64>()
    }

    /// Of a column of sorted offsets, the last entry that is not above `offset`.
    fn find(&self, table: usize, offset: u32) -> Option<u32> {
        let (start, count) = (self.start(table), self.count(table));
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.word(start + u64::from(middle))? <= offset {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low.checked_sub(1)
    }

    fn cell(&self, table: usize, column: u64, row: u32) -> Option<u32> {
        self.word(self.start(table) + column * u64::from(self.count(table)) + u64::from(row))
    }

    /// Where locals and operands are during calls, if that is known.
    pub fn slots(&self) -> Option<SlotLayout> {
        let below = self.word(COUNTS as u64).filter(|&below| below != 0)?;
        Some(SlotLayout { below, first_operand: self.word(COUNTS as u64 + 1)? })
    }

    /// What a fault of the instruction at `offset` means; `None` if none was expected there.
    pub fn trap_at(&self, offset: u32) -> Option<TrapCode> {
        let row = self.find(0, offset)?;
        if self.cell(0, 0, row)? != offset {
            return None;
        }
        TrapCode::from_u8(u8::try_from(self.cell(0, 1, row)?).ok()?)
    }

    /// The operator that the code at `offset` is of, as an offset in the module's bytes.
    pub fn position_at(&self, offset: u32) -> Option<u32> {
        let row = self.find(1, offset)?;
        self.cell(1, 1, row).filter(|&wasm| wasm != crate::Position::NONE)
    }

    /// Where code of other operators begins, as the artifact had it; `None` for code that is of none.
    pub fn positions(&self) -> impl Iterator<Item = (u32, Option<u32>)> + use<'a> {
        let tables = *self;
        (0..self.count(1)).map_while(move |row| {
            let wasm = tables.cell(1, 1, row)?;
            Some((
                tables.cell(1, 0, row)?,
                Some(wasm).filter(|&wasm| wasm != crate::Position::NONE),
            ))
        })
    }

    /// All calls.
    pub fn calls(&self) -> impl Iterator<Item = CallSiteRef<'a>> + use<'a> {
        let tables = *self;
        (0..self.count(2)).map_while(move |at| {
            Some(CallSiteRef { tables, at, frame_bytes: tables.cell(2, 1, at)? })
        })
    }

    /// The call that returns to `offset`.
    pub fn call_at(&self, offset: u32) -> Option<CallSiteRef<'a>> {
        let row = self.find(2, offset)?;
        if self.cell(2, 0, row)? != offset {
            return None;
        }
        Some(CallSiteRef { tables: *self, at: row, frame_bytes: self.cell(2, 1, row)? })
    }
}

impl<'a> CallSiteRef<'a> {
    fn range(&self, column: u64, table: usize) -> core::ops::Range<u32> {
        let end = |row| self.tables.cell(2, column, row).unwrap_or(0);
        let start = self.at.checked_sub(1).map_or(0, end);
        start..end(self.at).min(self.tables.count(table))
    }

    /// The return address.
    pub fn offset(&self) -> u32 {
        self.tables.cell(2, 0, self.at).unwrap_or(0)
    }

    /// Where references into the heap of objects are, in bytes from the stack pointer.
    pub fn references(self) -> impl Iterator<Item = u32> + 'a {
        let start = self.tables.start(3);
        self.range(2, 3).map_while(move |at| self.tables.word(start + u64::from(at)))
    }

    /// The handlers in the order in which they are asked.
    pub fn handlers(self) -> impl Iterator<Item = Handler> + 'a {
        let start = self.tables.start(4);
        self.range(3, 4).map_while(move |at| {
            let word = |column| self.tables.word(start + u64::from(at) * 3 + column);
            let (tag, vmctx, target) = (word(0)?, word(1)?, word(2)?);
            Some(Handler { tag: tag.checked_sub(1), vmctx, target })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CallSite, Position, TrapSite};
    use alloc::vec;

    fn artifact() -> CodeArtifact {
        let trap = |offset, code| TrapSite { offset, code };
        let position = |offset, wasm| Position { offset, wasm };
        let handler = |tag, target| Handler { tag, vmctx: 8, target };
        let call = |offset, references, handlers| CallSite {
            offset,
            frame_bytes: 32,
            references,
            handlers,
        };
        CodeArtifact {
            code: vec![0; 64],
            alignment: 16,
            traps: vec![trap(4, TrapCode::Unreachable), trap(9, TrapCode::MemoryOutOfBounds)],
            positions: vec![position(0, 100), position(10, Position::NONE), position(20, 90)],
            calls: vec![
                call(12, vec![], vec![]),
                call(22, vec![0, 16], vec![handler(Some(0), 40), handler(None, 50)]),
                call(30, vec![24], vec![]),
            ],
            slots: Some(SlotLayout { below: 24, first_operand: 3 }),
        }
    }

    #[test]
    fn what_is_encoded_is_found() {
        let bytes = artifact().encode_tables();
        let tables = CodeTables::new(&bytes);
        assert_eq!(tables.trap_at(4), Some(TrapCode::Unreachable));
        assert_eq!((tables.trap_at(5), tables.trap_at(0)), (None, None));
        assert_eq!(tables.position_at(9), Some(100));
        assert_eq!((tables.position_at(12), tables.position_at(63)), (None, Some(90)));
        let positions = [(0, Some(100)), (10, None), (20, Some(90))];
        assert_eq!(tables.positions().collect::<Vec<_>>(), positions);
        assert!(tables.call_at(13).is_none());
        let call = tables.call_at(22).unwrap();
        assert_eq!((call.frame_bytes, call.references().collect::<Vec<_>>()), (32, vec![0, 16]));
        assert_eq!(call.handlers().collect::<Vec<_>>(), artifact().calls[1].handlers);
        assert_eq!(tables.call_at(30).unwrap().references().collect::<Vec<_>>(), [24]);
        assert_eq!(tables.call_at(12).unwrap().references().count(), 0);
        assert_eq!(tables.slots(), artifact().slots);
        let unknown = CodeArtifact { slots: None, ..artifact() }.encode_tables();
        assert_eq!(CodeTables::new(&unknown).slots(), None);
    }

    #[test]
    fn damaged_tables_give_wrong_answers_at_worst() {
        let whole = artifact().encode_tables();
        for at in 0..whole.len() {
            for value in [0, 1, 0x7F, 0xFF] {
                let mut bytes = whole.clone();
                bytes[at] = value;
                for bytes in [&bytes[..], &bytes[..at]] {
                    let tables = CodeTables::new(bytes);
                    assert!(tables.positions().count() <= bytes.len());
                    tables.slots();
                    for offset in 0..64 {
                        tables.trap_at(offset);
                        tables.position_at(offset);
                        if let Some(call) = tables.call_at(offset) {
                            assert!(call.references().count() < 64 && call.handlers().count() < 64);
                        }
                    }
                }
            }
        }
    }
}
