//! Handlers of what throws, and the search for whoever catches.
//!
//! The runtime keeps the exception that is under way. The search goes through the records of the activation, innermost
//! first; each frame's function may have a table of what it catches (`catches.rs`), in which the return address tells
//! the piece of code. Tags are compared by address, which is their identity in all instances. If nobody in the
//! activation catches, it ends with [`Status::EXCEPTION`].

use super::activation::{Cx, EXIT, RESTORE, Record};
use super::header::FuncHeader;
use super::{Flow, Regs, Slot, Unaligned, divert, handler, next};
use crate::catches::{Clause, Mark, NONE};
use riser_abi::{Builtins, Status, TagDef, VmCtx};

/// A frame while the search goes outwards.
#[derive(Clone, Copy)]
struct Frame {
    /// Its own record.
    record: *mut Record,
    vmctx: *mut VmCtx,
    header: *const FuncHeader,
    fp: *mut Slot,
    /// Where it is, as an offset in its code.
    pc: u32,
}

/// The words of a table of catches.
#[derive(Clone, Copy)]
struct Table(*const u32);

impl Table {
    const MARK: usize = size_of::<Mark>() / 4;
    const CLAUSE: usize = size_of::<Clause>() / 4;

    /// # Safety
    ///
    /// The table has this word.
    unsafe fn word(self, at: usize) -> u32 {
        // SAFETY: the caller's promise. Tables lie behind code, without alignment.
        unsafe { (*self.0.wrapping_add(at).cast::<Unaligned<u32>>()).0 }
    }

    /// The first clause for an offset in the code, or [`NONE`].
    ///
    /// # Safety
    ///
    /// It is a table.
    unsafe fn first(self, pc: u32) -> u32 {
        // SAFETY: the first word says how many marks follow, in the order of places.
        unsafe {
            let (mut low, mut high) = (0, self.word(0) as usize);
            while low < high {
                let middle = usize::midpoint(low, high);
                if self.word(1 + middle * Table::MARK) <= pc {
                    low = middle + 1;
                } else {
                    high = middle;
                }
            }
            match low {
                0 => NONE,
                behind => self.word(1 + (behind - 1) * Table::MARK + 1),
            }
        }
    }

    /// A clause.
    ///
    /// # Safety
    ///
    /// The table has this clause.
    unsafe fn clause(self, number: u32) -> Clause {
        // SAFETY: the caller's promise; clauses lie behind the marks.
        unsafe {
            let marks = self.word(0) as usize;
            let at = 1 + marks * Table::MARK + number as usize * Table::CLAUSE;
            let word = |i| self.word(at + i);
            Clause {
                tag: word(0),
                payload: word(1),
                reference: word(2),
                target: word(3),
                next: word(4),
            }
        }
    }
}

/// The clause of a frame's function that catches an exception with this tag there.
///
/// # Safety
///
/// The frame is one of the activation that runs.
unsafe fn clause_of(frame: &Frame, tag: *const TagDef) -> Option<Clause> {
    // SAFETY: the function runs, so it has code; the table lies behind that. Its tags are offsets in the instance's
    // block (fact 4), and chains of clauses end.
    unsafe {
        let table = Table((*frame.header).catches()?.cast());
        let mut number = table.first(frame.pc);
        while number != NONE {
            let clause = table.clause(number);
            let place = frame.vmctx.cast::<u8>().wrapping_add(clause.tag as usize);
            if clause.tag == NONE || *place.cast::<*const TagDef>() == tag {
                return Some(clause);
            }
            number = clause.next;
        }
        None
    }
}

/// Finds who catches an exception that is thrown where `cx` says.
///
/// # Safety
///
/// `cx` is the running activation.
unsafe fn search(cx: &Cx, tag: *const TagDef) -> Option<(Frame, Clause)> {
    let (mut ip, mut fp, mut vmctx) = (cx.ip, cx.fp, cx.vmctx);
    // A return address points behind its call; the address where something is thrown points at it.
    let mut behind = 0;
    let mut record = cx.csp;
    // SAFETY: the records from `csp` up to the one that returns to `EXIT` are the activation's.
    unsafe {
        loop {
            let Record { ret_ip, fp: outer, header } = *record;
            if !header.is_null() {
                let pc = ip.offset_from((*header).code()) as u32 - behind;
                let frame = Frame { record, vmctx, header, fp, pc };
                if let Some(clause) = clause_of(&frame, tag) {
                    return Some((frame, clause));
                }
            }
            if ret_ip == EXIT.ip() {
                return None;
            }
            if ret_ip == RESTORE.ip() {
                vmctx = outer.cast();
            } else {
                (ip, fp, behind) = (ret_ip, outer, 1);
            }
            record = record.add(1);
        }
    }
}

/// If `cx.exit` is an exception, unwinds to who catches it, and says where to go on (in `cx.ip` and `cx.fp`).
/// Otherwise, and if nobody does, the activation is to be left.
///
/// # Safety
///
/// `cx` is the running activation, whose `ip` and `fp` are set.
#[inline(never)]
unsafe fn unwind(cx: *mut Cx) -> bool {
    // SAFETY: the caller's promise. A frame that was found has slots for what its clause passes; the values are those
    // of the tag's type, with which the clause's block was validated.
    unsafe {
        if (*cx).exit != Status::EXCEPTION {
            return false;
        }
        let builtins: &Builtins = &*(*(*cx).runtime).builtins;
        let tag = (builtins.exception_tag)((*cx).vmctx);
        let Some((frame, clause)) = search(&*cx, tag) else { return false };
        let slot = |number: u32| frame.fp.add(number as usize);
        let payload = if clause.tag == NONE { core::ptr::null_mut() } else { slot(clause.payload) };
        let has_reference = clause.reference != NONE;
        let reference = if has_reference { slot(clause.reference) } else { core::ptr::null_mut() };
        let status = (builtins.catch_exception)((*cx).vmctx, payload, reference);
        if !status.is_ok() {
            (*cx).exit = status;
            return false;
        }
        (*cx).csp = frame.record;
        (*cx).set_instance(frame.vmctx);
        (*cx).ip = (*frame.header).code().add(clause.target as usize);
        (*cx).fp = frame.fp;
        true
    }
}

handler! {
    /// Something failed: `cx.exit` says what.
    #[cold]
    #[inline(never)]
    fn raised[](r) {
        (*r.cx).ip = r.ip;
        (*r.cx).fp = r.fp;
        if !unwind(r.cx) {
            return (*r.cx).left;
        }
        r.ip = (*r.cx).ip;
        r.fp = (*r.cx).fp;
        r.reload_memory();
        next(r)
    }
    fn throw[](r) {
        let throw = r.builtins().throw;
        let values = r.fp.add(r.field::<u32>(4) as usize);
        (*r.cx).exit = throw((*r.cx).vmctx, r.field(0), values);
        divert(r, raised)
    }
    fn throw_ref[](r) {
        let exception = *r.slot(0);
        let throw_ref = r.builtins().throw_ref;
        (*r.cx).exit = throw_ref((*r.cx).vmctx, exception);
        divert(r, raised)
    }
}
