//! Where the locals and operands of a function's frame are, at each place where somebody may look: calls, and what
//! else may reach the host or the collector.
//!
//! Code does not carry this: a function is lowered again, with recording on, when it is first needed
//! ([`crate::InterpModule::frame_map`]). An operand that lowering kept virtual is described as what it is: the value
//! of a local, or a constant.

use alloc::vec::Vec;
use core::ops::Range;
use riser_ops::{Hierarchy, ValType};

/// Where a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameSource {
    /// In the frame, from this slot on.
    Slot(u32),
    /// Nowhere: it is a constant. An `i32` is sign-extended.
    Const(u64),
}

/// A local or an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameValue {
    /// Its type. An operand's may be a supertype or a subtype of what the validator says.
    pub ty: ValType,
    /// Where it is.
    pub source: FrameSource,
}

/// A place in the code.
#[derive(Clone, Debug)]
struct Point {
    /// Offset in the code, counted from the entry, of its instruction.
    at: u32,
    /// Offset in the module of the operator.
    wasm_offset: u32,
    /// The operands.
    operands: Range<u32>,
    /// Those of the slots that hold references into the heap.
    references: Range<u32>,
    /// The frame is given up here, for a tail call: nothing in it is looked at any more.
    is_left: bool,
}

/// The frames of a function.
#[derive(Debug, Default)]
pub struct FrameMap {
    locals: Vec<FrameValue>,
    /// The slots of locals that hold references into the heap.
    references: Vec<u32>,
    points: Vec<Point>,
    operands: Vec<FrameValue>,
    operand_references: Vec<u32>,
}

/// A frame at one place of its function.
#[derive(Clone, Copy, Debug)]
pub struct FrameState<'a> {
    /// Offset in the module of the operator that is executed. It has taken its operands already, unless it allocates.
    pub wasm_offset: u32,
    /// The locals, parameters first. None if the frame is given up for a tail call.
    pub locals: &'a [FrameValue],
    /// The operands that stay on the stack, the lowest first.
    pub operands: &'a [FrameValue],
    map: &'a FrameMap,
    point: &'a Point,
}

/// Whether values of a type are references into the heap: of any hierarchy but that of functions.
pub(crate) fn is_heap_reference(ty: ValType) -> bool {
    ty.as_ref().is_some_and(|ty| ty.heap().hierarchy() != Hierarchy::Func)
}

impl FrameMap {
    /// Adds a local, in order.
    pub(crate) fn local(&mut self, slot: u32, ty: ValType) {
        self.locals.push(FrameValue { ty, source: FrameSource::Slot(slot) });
        if is_heap_reference(ty) {
            self.references.push(slot);
        }
    }

    /// Adds a slot that holds a reference into the heap of which the function's body knows nothing.
    pub(crate) fn hidden_reference(&mut self, slot: u32) {
        self.references.push(slot);
    }

    /// Adds a place behind all others. An operand is given with whether it is in a slot of its own.
    pub(crate) fn point(
        &mut self,
        at: u32,
        wasm_offset: u32,
        is_left: bool,
        operands: impl Iterator<Item = (FrameValue, bool)>,
    ) {
        let first = (self.operands.len() as u32, self.operand_references.len() as u32);
        for (value, is_own) in operands {
            self.operands.push(value);
            if let (FrameSource::Slot(slot), true, true) =
                (value.source, is_own, is_heap_reference(value.ty))
            {
                self.operand_references.push(slot);
            }
        }
        let operands = first.0..self.operands.len() as u32;
        let references = first.1..self.operand_references.len() as u32;
        self.points.push(Point { at, wasm_offset, operands, references, is_left });
    }

    /// Counts places from the entry, which became known.
    pub(crate) fn set_entry(&mut self, entry: u32) {
        for point in &mut self.points {
            point.at = point.at.saturating_sub(entry);
        }
    }

    /// The frame at a place in the code (see [`crate::FrameInfo::pc`]). `None` if nobody can look there.
    pub fn at(&self, pc: u32) -> Option<FrameState<'_>> {
        let behind = self.points.partition_point(|point| point.at <= pc);
        let point = self.points.get(behind.checked_sub(1)?)?;
        let operands = point.operands.start as usize..point.operands.end as usize;
        Some(FrameState {
            wasm_offset: point.wasm_offset,
            locals: if point.is_left { &[] } else { &self.locals },
            operands: &self.operands[operands],
            map: self,
            point,
        })
    }
}

impl<'a> FrameState<'a> {
    /// The slots that hold references into the heap (or null), each once.
    pub fn references(&self) -> impl Iterator<Item = u32> + 'a {
        let (map, point) = (self.map, self.point);
        let locals = if point.is_left { &[][..] } else { &map.references };
        let operands = point.references.start as usize..point.references.end as usize;
        locals.iter().chain(&map.operand_references[operands]).copied()
    }
}
