//! Finding the handler of an opcode, and putting it into the code.

use super::access::{ACCESS, INDEXED};
use super::atomics;
use super::calls::{self, InAcc};
use super::control::{self, ADD_BRANCH, BRANCH, WIDE_BRANCH};
use super::exceptions;
use super::gc;
use super::locals::{self, GLOBAL, GLOBAL_ADD, SELECT};
use super::memory;
use super::operand::{A, I, S};
use super::simple::{MUL_ADD, SCALAR, VECTOR, WIDE};
use super::table;
use super::watch;
use super::{Handler, WORD};
use crate::code::{Lowered, Misc, Opcode, for_each_misc, region};
use alloc::boxed::Box;

/// The handler of an instruction of the first region.
// tidy: flat match
const fn misc(op: Misc) -> Handler {
    match op {
        Misc::Unreachable => control::unreachable,
        Misc::AtomicFence => atomics::fence,
        Misc::Br => control::br,
        Misc::BrCopy => control::br_copy,
        Misc::BrCopy2 => control::br_copy2,
        Misc::BrTableS => control::br_table::<S>,
        Misc::BrTableA => control::br_table::<A>,
        Misc::Ret => calls::return_nothing,
        Misc::RetIntS => calls::return_value::<i64, S>,
        Misc::RetIntA => calls::return_value::<i64, InAcc>,
        Misc::RetIntI => calls::return_value::<i64, I>,
        Misc::RetF32S => calls::return_value::<f32, S>,
        Misc::RetF32A => calls::return_value::<f32, InAcc>,
        Misc::RetF64S => calls::return_value::<f64, S>,
        Misc::RetF64A => calls::return_value::<f64, InAcc>,
        Misc::CopyS => locals::copy,
        Misc::CopyIntA => locals::copy_int_acc,
        Misc::CopyF32A => locals::copy_acc::<f32>,
        Misc::CopyF64A => locals::copy_acc::<f64>,
        Misc::Copy2 => locals::copy2,
        Misc::Copy128 => locals::copy128,
        Misc::CopyMany => locals::copy_many,
        Misc::Const32 => locals::const32,
        Misc::Const64 => locals::const64,
        Misc::Const128 => locals::const128,
        Misc::Zero1 => locals::zero1,
        Misc::Zero2 => locals::zero2,
        Misc::Zero3 => locals::zero3,
        Misc::Zero4 => locals::zero4,
        Misc::Zero6 => locals::zero6,
        Misc::Zero8 => locals::zero8,
        Misc::Zero12 => locals::zero12,
        Misc::Zero16 => locals::zero16,
        Misc::ZeroN => locals::zero_many,
        Misc::FarLoad => locals::far_load,
        Misc::FarStore => locals::far_store,
        Misc::SelectV128 => locals::select_vector,
        Misc::GlobalGetF32 => locals::global_get::<f32, S>,
        Misc::GlobalGetF64 => locals::global_get::<f64, S>,
        Misc::GlobalGetV128 => locals::global_get::<riser_numerics::V128, S>,
        Misc::GlobalSetS => locals::global_set::<S>,
        Misc::GlobalSetIntA => locals::global_set::<A>,
        Misc::GlobalSetI => locals::global_set::<I>,
        Misc::GlobalSetV128 => locals::global_set_vector,
        Misc::GlobalSetSum => locals::global_set_sum,
        Misc::GlobalMove => locals::global_move,
        Misc::Call => calls::call,
        Misc::CallCopy => calls::call_copy,
        Misc::CallCopy2 => calls::call_copy2,
        Misc::CallFar => calls::call_far,
        Misc::CallImport => calls::call_import,
        Misc::CallIndirectS => calls::call_indirect::<S>,
        Misc::CallIndirectA => calls::call_indirect::<A>,
        Misc::CallIndirect64 => calls::call_indirect64,
        Misc::CallRef => calls::call_ref,
        Misc::ReturnCall => calls::return_call,
        Misc::ReturnCallImport => calls::return_call_import,
        Misc::ReturnCallIndirect => calls::return_call_indirect,
        Misc::ReturnCallIndirect64 => calls::return_call_indirect64,
        Misc::ReturnCallRef => calls::return_call_ref,
        Misc::MemorySize => memory::size,
        Misc::MemoryGrow => memory::grow,
        Misc::MemoryCopy => memory::copy,
        Misc::MemoryFill => memory::fill,
        Misc::MemoryInit => memory::init,
        Misc::DataDrop => memory::data_drop,
        Misc::TableGet => table::get,
        Misc::TableSet => table::set,
        Misc::TableSize => table::size,
        Misc::TableGrow => table::grow,
        Misc::TableFill => table::fill,
        Misc::TableCopy => table::copy,
        Misc::TableInit => table::init,
        Misc::ElemDrop => table::elem_drop,
        Misc::Throw => exceptions::throw,
        Misc::ThrowRef => exceptions::throw_ref,
        Misc::RefFunc => table::ref_func,
        Misc::RefAsNonNull => table::ref_as_non_null,
        Misc::RefTest => gc::ref_test,
        Misc::RefCast => gc::ref_cast,
        Misc::StructNew => gc::struct_new,
        Misc::StructNewDefault => gc::struct_new_default,
        Misc::ArrayNew => gc::array_new,
        Misc::ArrayNewDefault => gc::array_new_default,
        Misc::ArrayNewFixed => gc::array_new_fixed,
        Misc::ArrayNewData => gc::array_new_data,
        Misc::ArrayNewElem => gc::array_new_elem,
        Misc::StructGet => gc::struct_get,
        Misc::StructSet => gc::struct_set,
        Misc::ArrayGet => gc::array_get,
        Misc::ArraySet => gc::array_set,
        Misc::ArrayLen => gc::array_len,
        Misc::ArrayFill => gc::array_fill,
        Misc::ArrayCopy => gc::array_copy,
        Misc::ArrayInitData => gc::array_init_data,
        Misc::ArrayInitElem => gc::array_init_elem,
        Misc::Epoch => watch::epoch,
        Misc::Fuel => watch::fuel,
        Misc::CanonF32 => locals::canon_f32,
        Misc::CanonF64 => locals::canon_f64,
        Misc::CanonF32x4 => locals::canon_f32x4,
        Misc::CanonF64x2 => locals::canon_f64x2,
    }
}

macro_rules! misc_handlers {
    ($($name:ident)*) => { static MISC: &[Handler] = &[$(misc(Misc::$name)),*]; };
}
for_each_misc!(misc_handlers);

/// The handler of an opcode.
fn handler(Opcode(opcode): Opcode) -> Handler {
    let in_blocks = |blocks: &[[Handler; 16]], first: u16| {
        blocks[usize::from((opcode - first) / 16)][usize::from((opcode - first) % 16)]
    };
    match opcode {
        region::VECTOR.. => VECTOR[usize::from(opcode - region::VECTOR)],
        region::MUL_ADD.. => in_blocks(MUL_ADD, region::MUL_ADD),
        region::ADD_BRANCH.. => in_blocks(ADD_BRANCH, region::ADD_BRANCH),
        region::WIDE_BRANCH.. => in_blocks(WIDE_BRANCH, region::WIDE_BRANCH),
        region::WIDE.. => in_blocks(WIDE, region::WIDE),
        region::INDEXED.. => in_blocks(INDEXED, region::INDEXED),
        region::ACCESS.. => in_blocks(ACCESS, region::ACCESS),
        region::BRANCH.. => in_blocks(BRANCH, region::BRANCH),
        region::SCALAR.. => in_blocks(SCALAR, region::SCALAR),
        region::GLOBAL_ADD.. => in_blocks(GLOBAL_ADD, region::GLOBAL_ADD),
        region::GLOBAL.. => in_blocks(GLOBAL, region::GLOBAL),
        region::SELECT.. => in_blocks(SELECT, region::SELECT),
        _ => MISC[usize::from(opcode)],
    }
}

/// Fills in the opcode words. From then on the code can be executed. Behind it lies the table of what the function
/// catches; gives also how far that is from the entry, if there is one.
pub(crate) fn link(lowered: &mut Lowered) -> (Box<[u8]>, Option<u32>) {
    for instr in &lowered.instrs {
        let word = (handler(instr.opcode) as usize).to_ne_bytes();
        lowered.code[instr.at as usize..][..WORD].copy_from_slice(&word);
    }
    let mut code = core::mem::take(&mut lowered.code);
    let catches = lowered.catches.write(&mut code, lowered.entry);
    (code.into_boxed_slice(), catches)
}
