//! The tables of an artifact in their encoded form, and how they are looked into.
//!
//! A header of 32-bit words, little-endian: five counts (traps, positions, calls, references, handlers), where slots are (bytes below the
//! frame pointer, or 0 if nobody knows; the first operand), how many bytes each number of the tables has, and the first operator. The tables follow,
//! whose numbers have 16 bits if all of them fit and 32 otherwise; operators count from the first one:
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

use crate::{ArtifactView, Handler, Position, SlotLayout};
use alloc::vec;
use alloc::vec::Vec;
use riser_ops::TrapCode;

const COUNTS: usize = 5;

/// How many words a row of each table has.
const COLUMNS: [u64; COUNTS] = [2, 2, 4, 1, 3];

/// The words of the header.
const HEADER: usize = COUNTS + 4;

/// Where each number of the tables is told to have so many bytes, and where the first operator is, in words.
const NUMBER_BYTES: usize = COUNTS + 2;
const FIRST_OPERATOR: usize = COUNTS + 3;

/// What a number of two bytes can be: the last one is no operator, like [`Position::NONE`].
const NARROW_MAX: u32 = u16::MAX as u32 - 1;

impl ArtifactView<'_> {
    /// The encoded tables.
    pub fn encode_tables(&self) -> Vec<u8> {
        let sizes = self.sizes();
        let counts = [self.traps.len(), self.positions.len(), self.calls.len()];
        let counts = [counts[0], counts[1], counts[2], sizes.references, sizes.handlers];
        let numbers = COLUMNS.iter().zip(counts).map(|(&columns, count)| columns as usize * count);
        let narrow = sizes.most <= NARROW_MAX && counts.iter().all(|&count| count <= 0xFFFF);
        let number_bytes = if narrow { 2 } else { 4 };
        let bytes = 4 * HEADER + number_bytes * numbers.sum::<usize>();
        let first_operator = if narrow { sizes.first_operator } else { 0 };
        let slots = self.slots.map_or([0, 0], |slots| [slots.below, slots.first_operand]);
        let mut out = vec![0; bytes];
        let (header, tables) = out.split_at_mut(4 * HEADER);
        let words = counts.into_iter().map(|count| count as u32).chain(slots);
        let words = words.chain([number_bytes as u32, first_operator]);
        for (place, word) in header.chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        if narrow {
            self.put_tables::<2>(tables, first_operator);
        } else {
            self.put_tables::<4>(tables, first_operator);
        }
        out
    }

    fn sizes(&self) -> Sizes {
        let (mut first, mut last) = (Position::NONE, 0);
        for position in self.positions {
            // The largest number is no operator.
            first = first.min(position.wasm);
            last = last.max(position.wasm.wrapping_add(1));
        }
        let mut most = match first {
            Position::NONE => 0,
            first => last.saturating_sub(1).saturating_sub(first),
        };
        most = most.max(self.traps.last().map_or(0, |trap| trap.offset));
        most = most.max(self.positions.last().map_or(0, |position| position.offset));
        most = most.max(self.calls.last().map_or(0, |call| call.offset));
        let (mut references, mut handlers) = (0, 0);
        for call in self.calls {
            references += call.references.len();
            handlers += call.handlers.len();
            most = most.max(call.frame_bytes);
            most = call.references.iter().fold(most, |most, &at| most.max(at));
            for handler in &call.handlers {
                let tag = handler.tag.map_or(0, |tag| tag.saturating_add(1));
                most = most.max(handler.vmctx).max(handler.target).max(tag);
            }
        }
        let first_operator = if first == Position::NONE { 0 } else { first };
        Sizes { references, handlers, first_operator, most }
    }

    /// Writes the tables, with `BYTES` for each number, to as many places.
    fn put_tables<const BYTES: usize>(&self, places: &mut [u8], first_operator: u32) {
        let mut places = Places::<BYTES> { rest: places };
        places.column(self.traps.iter().map(|trap| trap.offset));
        places.column(self.traps.iter().map(|trap| trap.code as u32));
        places.column(self.positions.iter().map(|position| position.offset));
        // What is no operator stays what it is, cut to its low bytes.
        let from_first = |wasm| if wasm == Position::NONE { wasm } else { wasm - first_operator };
        places.column(self.positions.iter().map(|position| from_first(position.wasm)));
        places.column(self.calls.iter().map(|call| call.offset));
        places.column(self.calls.iter().map(|call| call.frame_bytes));
        let mut end = 0;
        places.column(self.calls.iter().map(|call| {
            end += call.references.len() as u32;
            end
        }));
        let mut end = 0;
        places.column(self.calls.iter().map(|call| {
            end += call.handlers.len() as u32;
            end
        }));
        for call in self.calls {
            places.column(call.references.iter().copied());
        }
        for handler in self.calls.iter().flat_map(|call| &call.handlers) {
            let tag = handler.tag.map_or(0, |tag| tag + 1);
            places.column([tag, handler.vmctx, handler.target].into_iter());
        }
    }
}

/// What decides how tables are written.
struct Sizes {
    /// The sums of all calls.
    references: usize,
    handlers: usize,
    first_operator: u32,
    /// The largest number, where operators count from the first one.
    most: u32,
}

/// Where numbers of `BYTES` are written, one after the other.
struct Places<'a, const BYTES: usize> {
    rest: &'a mut [u8],
}

impl<const BYTES: usize> Places<'_, BYTES> {
    #[inline(always)]
    fn column(&mut self, values: impl ExactSizeIterator<Item = u32>) {
        let rest = core::mem::take(&mut self.rest);
        let (column, rest) = rest.split_at_mut(BYTES * values.len());
        for (place, value) in column.chunks_exact_mut(BYTES).zip(values) {
            place.copy_from_slice(&value.to_le_bytes()[..BYTES]);
        }
        self.rest = rest;
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

    /// A word of the header.
    fn header(&self, at: usize) -> Option<u32> {
        let bytes = self.bytes.get(4 * at..4 * at + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    }

    fn is_narrow(&self) -> bool {
        self.header(NUMBER_BYTES) == Some(2)
    }

    /// A number of the tables.
    fn number(&self, at: u64) -> Option<u32> {
        let at = usize::try_from(at).ok()?;
        let numbers = self.bytes.get(4 * HEADER..)?;
        if self.is_narrow() {
            let at = at.checked_mul(2)?;
            let bytes = numbers.get(at..at.checked_add(2)?)?;
            return Some(u16::from_le_bytes(bytes.try_into().ok()?).into());
        }
        let at = at.checked_mul(4)?;
        let bytes = numbers.get(at..at.checked_add(4)?)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    }

    fn count(&self, table: usize) -> u32 {
        self.header(table).unwrap_or(0)
    }

    /// Where a table begins, in numbers.
    fn start(&self, table: usize) -> u64 {
        let before = COLUMNS.iter().enumerate().take(table);
        before.map(|(at, columns)| columns * u64::from(self.count(at))).sum()
    }

    /// Which operator stands in the table of positions.
    fn operator(&self, row: u32) -> Option<Option<u32>> {
        let wasm = self.cell(1, 1, row)?;
        let none = if self.is_narrow() { u16::MAX.into() } else { Position::NONE };
        if wasm == none {
            return Some(None);
        }
        Some(Some(self.header(FIRST_OPERATOR)?.checked_add(wasm)?))
    }

    /// Of a column of sorted offsets, the last entry that is not above `offset`.
    fn find(&self, table: usize, offset: u32) -> Option<u32> {
        let (start, count) = (self.start(table), self.count(table));
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.number(start + u64::from(middle))? <= offset {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low.checked_sub(1)
    }

    fn cell(&self, table: usize, column: u64, row: u32) -> Option<u32> {
        self.number(self.start(table) + column * u64::from(self.count(table)) + u64::from(row))
    }

    /// Where locals and operands are during calls, if that is known.
    pub fn slots(&self) -> Option<SlotLayout> {
        let below = self.header(COUNTS).filter(|&below| below != 0)?;
        Some(SlotLayout { below, first_operand: self.header(COUNTS + 1)? })
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
        self.operator(row)?
    }

    /// Where code of other operators begins, as the artifact had it; `None` for code that is of none.
    pub fn positions(&self) -> impl Iterator<Item = (u32, Option<u32>)> + use<'a> {
        let tables = *self;
        (0..self.count(1))
            .map_while(move |row| Some((tables.cell(1, 0, row)?, tables.operator(row)?)))
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
        self.range(2, 3).map_while(move |at| self.tables.number(start + u64::from(at)))
    }

    /// The handlers in the order in which they are asked.
    pub fn handlers(self) -> impl Iterator<Item = Handler> + 'a {
        let start = self.tables.start(4);
        self.range(3, 4).map_while(move |at| {
            let word = |column| self.tables.number(start + u64::from(at) * 3 + column);
            let (tag, vmctx, target) = (word(0)?, word(1)?, word(2)?);
            Some(Handler { tag: tag.checked_sub(1), vmctx, target })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CallSite, CodeArtifact, TrapSite};
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

    /// The same, with one number that two bytes do not have.
    fn wide(change: impl FnOnce(&mut CodeArtifact)) -> CodeArtifact {
        let mut artifact = artifact();
        change(&mut artifact);
        artifact
    }

    #[test]
    fn numbers_are_as_wide_as_they_must_be() {
        let narrow = artifact().encode_tables();
        assert!(CodeTables::new(&narrow).is_narrow());
        let far = 10 << 20;
        let moved = wide(|it| {
            (it.positions[0].wasm, it.positions[2].wasm) = (far + 100, far + NARROW_MAX);
        });
        assert_eq!(moved.encode_tables().len(), narrow.len());
        let artifacts = [
            wide(|it| it.traps[1].offset = far),
            wide(|it| it.positions[2].offset = 0xFFFF),
            wide(|it| it.positions[2].wasm = 100 + 0xFFFF),
            wide(|it| it.calls[2].offset = far),
            wide(|it| it.calls[0].frame_bytes = far),
            wide(|it| it.calls[2].references[0] = 0xFFFF),
            wide(|it| it.calls[1].handlers[0].tag = Some(0xFFFE)),
            wide(|it| it.calls[1].handlers[0].vmctx = far),
            wide(|it| it.calls[1].handlers[1].target = far),
        ];
        for artifact in artifacts.iter().chain([&moved]) {
            let bytes = artifact.encode_tables();
            let tables = CodeTables::new(&bytes);
            assert!(!tables.is_narrow() || artifact == &moved);
            for trap in &artifact.traps {
                assert_eq!(tables.trap_at(trap.offset), Some(trap.code));
            }
            let positions = artifact.positions.iter().map(|position| {
                (position.offset, Some(position.wasm).filter(|&wasm| wasm != Position::NONE))
            });
            assert!(tables.positions().eq(positions));
            assert_eq!(tables.calls().count(), artifact.calls.len());
            for call in &artifact.calls {
                let found = tables.call_at(call.offset).unwrap();
                assert_eq!(found.frame_bytes, call.frame_bytes);
                assert!(found.references().eq(call.references.iter().copied()));
                assert!(found.handlers().eq(call.handlers.iter().copied()));
            }
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
        let narrow = artifact().encode_tables();
        let wide = wide(|it| it.positions[2].wasm = 1 << 20).encode_tables();
        for (whole, at) in
            [&narrow, &wide].into_iter().flat_map(|it| (0..it.len()).map(move |at| (it, at)))
        {
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
