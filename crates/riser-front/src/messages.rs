//! Every error that a walk over a body can end with, in one place.
//!
//! The beginnings are those of the official test suite, so that people who know them find their way. All
//! functions are cold: a walk that succeeds never comes here.

use alloc::format;
use alloc::string::String;
use core::fmt;
use riser_module::{Module, ModuleError};
use riser_ops::{FuncIdx, HeapType, RefType, StorageType, ValType};

/// The reference type of unreachable code: some reference, nobody knows to what.
pub(crate) const UNKNOWN_REF: ValType = ValType::from_bits(1 << 31);

/// Shows a type as the text format does, with the module's own type indices, and the two types that only a
/// validator knows.
struct Shown<'a>(&'a Module, ValType);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {
            UNKNOWN_REF => return f.write_str("a reference"),
            ValType::BOTTOM => return f.write_str("a value"),
            _ => {}
        }
        if let Some(ty) = self.1.as_ref()
            && let HeapType::Concrete(id, _) = ty.heap()
            && let Some(index) = self.0.types.iter().position(|ty| ty.id == id)
        {
            let null = if ty.is_nullable() { "null " } else { "" };
            return write!(f, "(ref {null}{index})");
        }
        fmt::Display::fmt(&self.1, f)
    }
}

/// Shows a list of types as `[i32 i64]`.
fn shown(module: &Module, types: &[ValType]) -> String {
    let mut text = String::from("[");
    for (i, ty) in types.iter().enumerate() {
        let space = if i == 0 { "" } else { " " };
        text += &format!("{space}{}", Shown(module, *ty));
    }
    text + "]"
}

// The binary grammar.

#[cold]
pub(crate) fn illegal_opcode(at: usize, prefix: u8, sub: Option<u32>) -> ModuleError {
    ModuleError::malformed(
        at,
        match sub {
            None => format!("illegal opcode {prefix:#04x}"),
            Some(sub) => format!("illegal opcode {prefix:#04x} {sub:#04x}"),
        },
    )
}

#[cold]
pub(crate) fn feature_needed(at: usize, what: &str, feature: riser_ops::Features) -> ModuleError {
    let mut names = String::new();
    for name in feature.names() {
        let or = if names.is_empty() { "" } else { " or " };
        names += &format!("{or}`{name}`");
    }
    ModuleError::malformed(at, format!("illegal opcode: {what} needs the feature {names}"))
}

#[cold]
pub(crate) fn type_feature_needed(at: usize, ty: ValType) -> ModuleError {
    ModuleError::malformed(at, format!("malformed value type: {ty} needs a feature that is off"))
}

#[cold]
pub(crate) fn malformed(at: usize, what: &'static str, byte: u8) -> ModuleError {
    ModuleError::malformed(at, format!("malformed {what} {byte:#04x}"))
}

#[cold]
pub(crate) fn negative_type(at: usize) -> ModuleError {
    ModuleError::malformed(at, "malformed type: the index is negative")
}

#[cold]
pub(crate) fn malformed_memop(at: usize, flags: u32) -> ModuleError {
    ModuleError::malformed(at, format!("malformed memop flags {flags:#x}"))
}

#[cold]
pub(crate) fn zero_byte_expected(at: usize) -> ModuleError {
    ModuleError::malformed(at, "zero byte expected")
}

#[cold]
pub(crate) fn data_count_required(at: usize) -> ModuleError {
    ModuleError::malformed(at, "data count section required")
}

#[cold]
pub(crate) fn misplaced(at: usize, what: &str, outside: &str) -> ModuleError {
    ModuleError::malformed(at, format!("END opcode expected: `{what}` outside of {outside}"))
}

#[cold]
pub(crate) fn bytes_after_end(at: usize) -> ModuleError {
    ModuleError::malformed(at, "END opcode expected: the body goes on after its last `end`")
}

// Limits.

#[cold]
pub(crate) fn too_many_locals(at: usize, count: u64, limit: u32) -> ModuleError {
    if count > u64::from(u32::MAX) {
        return ModuleError::malformed(at, "too many locals: more than fit 32 bits");
    }
    ModuleError::limit(at, format!("too many locals: {count}, at most {limit} are allowed"))
}

#[cold]
pub(crate) fn too_many(at: usize, what: &str, count: usize, limit: usize) -> ModuleError {
    ModuleError::limit(at, format!("too many {what}: {count}, at most {limit} are allowed"))
}

// Validity.

#[cold]
pub(crate) fn invalid(at: usize, message: &'static str) -> ModuleError {
    ModuleError::invalid(at, message)
}

#[cold]
pub(crate) fn unknown(at: usize, space: &str, index: u32) -> ModuleError {
    ModuleError::invalid(at, format!("unknown {space} {index}"))
}

#[cold]
pub(crate) fn no_body(func: FuncIdx) -> ModuleError {
    ModuleError::invalid(0, format!("unknown function {func}: it has no body in this module"))
}

#[cold]
pub(crate) fn mismatch(
    at: usize,
    module: &Module,
    expected: ValType,
    found: ValType,
) -> ModuleError {
    let (expected, found) = (Shown(module, expected), Shown(module, found));
    ModuleError::invalid(at, format!("type mismatch: expected {expected}, found {found}"))
}

#[cold]
pub(crate) fn nothing_on_stack(at: usize, module: &Module, expected: ValType) -> ModuleError {
    let expected = Shown(module, expected);
    ModuleError::invalid(at, format!("type mismatch: expected {expected} but nothing on stack"))
}

#[cold]
pub(crate) fn values_remain(at: usize, count: usize) -> ModuleError {
    ModuleError::invalid(
        at,
        format!("type mismatch: values remaining on stack at end of block: {count} too many"),
    )
}

#[cold]
pub(crate) fn types_differ(
    at: usize,
    module: &Module,
    what: &str,
    expected: &[ValType],
    found: &[ValType],
) -> ModuleError {
    let (expected, found) = (shown(module, expected), shown(module, found));
    ModuleError::invalid(at, format!("type mismatch: {what}: expected {expected}, found {found}"))
}

#[cold]
pub(crate) fn not_a_subtype(
    at: usize,
    module: &Module,
    what: &str,
    sub: RefType,
    of: RefType,
) -> ModuleError {
    let (sub, of) = (Shown(module, sub.val_type()), Shown(module, of.val_type()));
    ModuleError::invalid(at, format!("type mismatch: {what}: {sub} does not match {of}"))
}

#[cold]
pub(crate) fn storage_mismatch(
    at: usize,
    module: &Module,
    expected: StorageType,
    found: StorageType,
) -> ModuleError {
    let shown = |storage| match storage {
        StorageType::Val(ty) => format!("{}", Shown(module, ty)),
        packed => format!("{packed}"),
    };
    let (expected, found) = (shown(expected), shown(found));
    ModuleError::invalid(
        at,
        format!("array types do not match: expected {expected}, found {found}"),
    )
}

#[cold]
pub(crate) fn wrong_kind(at: usize, expected: &str, index: u32) -> ModuleError {
    ModuleError::invalid(at, format!("type mismatch: type {index} is not {expected} type"))
}

#[cold]
pub(crate) fn uninitialized_local(at: usize, local: u32) -> ModuleError {
    ModuleError::invalid(at, format!("uninitialized local: {local}"))
}

#[cold]
pub(crate) fn immutable(at: usize, what: &str) -> ModuleError {
    ModuleError::invalid(at, format!("immutable {what}"))
}

#[cold]
pub(crate) fn undeclared_function(at: usize, func: u32) -> ModuleError {
    ModuleError::invalid(at, format!("undeclared function reference: function {func}"))
}

#[cold]
pub(crate) fn not_defaultable(at: usize, module: &Module, ty: ValType) -> ModuleError {
    let ty = Shown(module, ty);
    ModuleError::invalid(at, format!("type mismatch: field type {ty} is not defaultable"))
}

#[cold]
pub(crate) fn packing(at: usize, packed: bool) -> ModuleError {
    ModuleError::invalid(
        at,
        if packed {
            "type mismatch: the field is packed, which needs a signed or unsigned access"
        } else {
            "type mismatch: the field is not packed"
        },
    )
}

#[cold]
pub(crate) fn lane_out_of_range(at: usize, lane: u8, bound: u8) -> ModuleError {
    ModuleError::invalid(at, format!("invalid lane index {lane}: must be below {bound}"))
}

#[cold]
pub(crate) fn alignment(at: usize, atomic: bool) -> ModuleError {
    ModuleError::invalid(
        at,
        if atomic {
            "atomic alignment must be natural"
        } else {
            "alignment must not be larger than natural"
        },
    )
}

#[cold]
pub(crate) fn offset_out_of_range(at: usize, offset: u64) -> ModuleError {
    ModuleError::invalid(at, format!("offset out of range: {offset:#x} for a 32-bit memory"))
}
