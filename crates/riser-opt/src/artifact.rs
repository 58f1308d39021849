//! From what Cranelift made to a [`CodeArtifact`].

use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::ir::{ExternalName, SourceLoc, TrapCode as ClifTrap, UserExternalName};
use cranelift_codegen::isa::TargetIsa;
use cranelift_codegen::{
    CompiledCode, ExceptionContextLoc, FinalizedMachCallSite, FinalizedMachExceptionHandler,
    FinalizedMachReloc, FinalizedRelocTarget,
};
use riser_code::{CallSite, CodeArtifact, CompileError, Handler, Position, TrapSite};
use riser_ops::{FuncIdx, TrapCode};
use target_lexicon::Architecture;

/// What becomes of a function's code.
pub(crate) fn of(compiled: &CompiledCode) -> Result<CodeArtifact, CompileError> {
    let buffer = &compiled.buffer;
    let mut code = buffer.data().to_vec();
    for relocation in buffer.relocs() {
        let is_own =
            matches!(&relocation.target, FinalizedRelocTarget::ExternalName(ExternalName::User(_)));
        if !is_own || call_itself(&mut code, relocation).is_none() {
            // Cranelift calls functions of its own where a machine lacks instructions.
            let what = format!("code that is not self-contained: {relocation:?}");
            return Err(CompileError::new(what));
        }
    }
    let traps: Result<Vec<TrapSite>, CompileError> = buffer
        .traps()
        .iter()
        .map(|trap| Ok(TrapSite { offset: trap.offset, code: trap_code(trap.code)? }))
        .collect();
    // The stack pointer is at the same place at all calls: Cranelift makes room for all arguments at once.
    let Some(frame) = buffer.frame_layout() else {
        return Err(CompileError::new("code without a frame"));
    };
    let mut maps = buffer.user_stack_maps().iter().peekable();
    let mut calls = Vec::new();
    for site in buffer.call_sites() {
        let mut call = call_site(&site, frame.frame_to_fp_offset)?;
        while maps.next_if(|map| map.0 < site.ret_addr).is_some() {}
        if let Some((_, _, map)) = maps.next_if(|map| map.0 == site.ret_addr) {
            call.references = map.entries().map(|(_, offset)| offset).collect();
            call.references.sort_unstable();
        }
        calls.push(call);
    }
    Ok(CodeArtifact {
        code,
        alignment: buffer.alignment,
        traps: traps?,
        positions: positions(compiled),
        calls,
        slots: None,
    })
}

/// By what name a function calls itself. It is the only name of the kind that code has.
pub(crate) fn own_name(func: FuncIdx) -> UserExternalName {
    UserExternalName::new(0, func.0)
}

/// Whether the distances of calls to the code's start are written here on a machine.
pub(crate) fn calls_itself(isa: &dyn TargetIsa) -> bool {
    matches!(isa.triple().architecture, Architecture::X86_64 | Architecture::Aarch64(_))
}

/// Writes the distance from a call to the start of its code. `None` if it is another kind of reference, or too far.
fn call_itself(code: &mut [u8], relocation: &FinalizedMachReloc) -> Option<()> {
    let distance = relocation.addend.checked_sub(i64::from(relocation.offset))?;
    let at = relocation.offset as usize;
    let place: &mut [u8; 4] = code.get_mut(at..at.checked_add(4)?)?.try_into().ok()?;
    match relocation.kind {
        Reloc::X86CallPCRel4 => *place = i32::try_from(distance).ok()?.to_le_bytes(),
        Reloc::Arm64Call => {
            const BITS: u32 = (1 << 26) - 1;
            let words = i32::try_from(distance / 4)
                .ok()
                .filter(|words| words.unsigned_abs() <= BITS >> 1)?;
            let instruction = u32::from_le_bytes(*place) & !BITS | words as u32 & BITS;
            *place = instruction.to_le_bytes();
        }
        _ => return None,
    }
    Some(())
}

/// The operators that code is of: neighbours of the same operator are one, and gaps are of none.
fn positions(compiled: &CompiledCode) -> Vec<Position> {
    let mut positions: Vec<Position> = Vec::new();
    let mut put = |offset: u32, wasm: u32| {
        // What is empty is taken back.
        positions.pop_if(|last| last.offset == offset);
        if positions.last().map_or(Position::NONE, |last| last.wasm) != wasm {
            positions.push(Position { offset, wasm });
        }
    };
    for range in compiled.buffer.get_srclocs_sorted() {
        let wasm = if range.loc.is_default() { Position::NONE } else { range.loc.bits() };
        debug_assert_eq!(SourceLoc::default().bits(), Position::NONE);
        put(range.start, wasm);
        put(range.end, Position::NONE);
    }
    positions
}

fn call_site(site: &FinalizedMachCallSite<'_>, frame_bytes: u32) -> Result<CallSite, CompileError> {
    debug_assert!(site.frame_offset.is_none_or(|bytes| bytes == frame_bytes));
    let mut vmctx = None;
    let mut handlers = Vec::new();
    for handler in site.exception_handlers {
        match *handler {
            FinalizedMachExceptionHandler::Context(ExceptionContextLoc::SPOffset(offset)) => {
                vmctx = Some(offset);
            }
            FinalizedMachExceptionHandler::Context(ExceptionContextLoc::GPR(_)) => {
                return Err(CompileError::new("an instance that is in a register during a call"));
            }
            FinalizedMachExceptionHandler::Tag(tag, target) => {
                let Some(vmctx) = vmctx else {
                    return Err(CompileError::new("a tag without an instance"));
                };
                handlers.push(Handler { tag: Some(tag.as_u32()), vmctx, target });
            }
            FinalizedMachExceptionHandler::Default(target) => {
                handlers.push(Handler { tag: None, vmctx: vmctx.unwrap_or(0), target });
            }
        }
    }
    Ok(CallSite { offset: site.ret_addr, frame_bytes, references: Vec::new(), handlers })
}

/// What a fault means.
fn trap_code(code: ClifTrap) -> Result<TrapCode, CompileError> {
    Ok(match code {
        ClifTrap::STACK_OVERFLOW => TrapCode::StackOverflow,
        ClifTrap::INTEGER_OVERFLOW => TrapCode::IntegerOverflow,
        ClifTrap::HEAP_OUT_OF_BOUNDS => TrapCode::MemoryOutOfBounds,
        ClifTrap::INTEGER_DIVISION_BY_ZERO => TrapCode::IntegerDivideByZero,
        ClifTrap::BAD_CONVERSION_TO_INTEGER => TrapCode::InvalidConversionToInteger,
        code => TrapCode::from_u8(code.as_raw().get())
            .ok_or_else(|| CompileError::new(format!("a trap of unknown meaning: {code}")))?,
    })
}
