//! Arguments of scripts as values, and results compared with what scripts expect.

use riser::{AnyRef, ExternRef, Result, Rooted, Store, V128, Val, bail};
use wast::core::{AbstractHeapType, HeapType, NanPattern, V128Pattern, WastArgCore, WastRetCore};
use wast::token::{F32, F64};
use wast::{WastArg, WastRet};

/// The value of an argument.
pub(super) fn argument(store: &mut Store<()>, arg: &WastArg<'_>) -> Result<Val> {
    let WastArg::Core(arg) = arg else {
        bail!("component values have no meaning in a core script")
    };
    Ok(match arg {
        WastArgCore::I32(value) => Val::I32(*value),
        WastArgCore::I64(value) => Val::I64(*value),
        WastArgCore::F32(value) => Val::F32(value.bits),
        WastArgCore::F64(value) => Val::F64(value.bits),
        WastArgCore::V128(value) => Val::V128(V128::from(u128::from_le_bytes(value.to_le_bytes()))),
        WastArgCore::RefNull(HeapType::Abstract { shared: false, ty }) => null(*ty)?,
        WastArgCore::RefExtern(n) => Val::ExternRef(Some(ExternRef::new(store, *n)?)),
        WastArgCore::RefHost(n) => {
            let value = ExternRef::new(&mut *store, *n)?;
            Val::AnyRef(Some(AnyRef::convert_extern(store, value)?))
        }
        other => bail!("an argument like {other:?} is not known"),
    })
}

/// Null of an abstract heap type.
fn null(ty: AbstractHeapType) -> Result<Val> {
    Ok(match ty {
        AbstractHeapType::Func | AbstractHeapType::NoFunc => Val::FuncRef(None),
        AbstractHeapType::Extern | AbstractHeapType::NoExtern => Val::ExternRef(None),
        AbstractHeapType::Any
        | AbstractHeapType::Eq
        | AbstractHeapType::I31
        | AbstractHeapType::Struct
        | AbstractHeapType::Array
        | AbstractHeapType::None => Val::AnyRef(None),
        AbstractHeapType::Exn | AbstractHeapType::NoExn => Val::ExnRef(None),
        other => bail!("a null like {other:?} is not known"),
    })
}

/// Whether the results of a call are what the script expects.
pub(super) fn check_results(
    store: &mut Store<()>,
    results: &[Val],
    expected: &[WastRet<'_>],
) -> Result<()> {
    if results.len() != expected.len() {
        bail!("expected {} results, found {}: {results:?}", expected.len(), results.len());
    }
    for (i, (result, expected)) in results.iter().zip(expected).enumerate() {
        let WastRet::Core(expected) = expected else {
            bail!("component values have no meaning in a core script");
        };
        if !matches(store, result, expected)? {
            bail!("result {i}: expected {expected:?}, found {}", show(result));
        }
    }
    Ok(())
}

/// A value as people read it: floats with their bits.
fn show(value: &Val) -> String {
    match value {
        Val::F32(bits) => format!("f32 {} ({bits:#010x})", f32::from_bits(*bits)),
        Val::F64(bits) => format!("f64 {} ({bits:#018x})", f64::from_bits(*bits)),
        Val::V128(v) => format!("v128 {:#034x}", v.as_u128()),
        other => format!("{other:?}"),
    }
}

fn matches(store: &mut Store<()>, value: &Val, expected: &WastRetCore<'_>) -> Result<bool> {
    Ok(match (value, expected) {
        (_, WastRetCore::Either(choices)) => {
            for choice in choices {
                if matches(store, value, choice)? {
                    return Ok(true);
                }
            }
            false
        }
        (Val::I32(a), WastRetCore::I32(b)) => a == b,
        (Val::I64(a), WastRetCore::I64(b)) => a == b,
        (Val::F32(a), WastRetCore::F32(b)) => matches_f32(*a, b),
        (Val::F64(a), WastRetCore::F64(b)) => matches_f64(*a, b),
        (Val::V128(a), WastRetCore::V128(b)) => matches_v128(a.as_u128(), b),
        (Val::FuncRef(r), WastRetCore::RefNull(ty)) => r.is_none() && is_null_of(ty, &NULL_FUNC),
        (Val::ExternRef(r), WastRetCore::RefNull(ty)) => {
            r.is_none() && is_null_of(ty, &NULL_EXTERN)
        }
        (Val::AnyRef(r), WastRetCore::RefNull(ty)) => r.is_none() && is_null_of(ty, &NULL_ANY),
        (Val::ExnRef(r), WastRetCore::RefNull(ty)) => r.is_none() && is_null_of(ty, &NULL_EXN),
        (Val::FuncRef(r), WastRetCore::RefFunc(None)) => r.is_some(),
        (Val::ExternRef(r), WastRetCore::RefExtern(None)) => r.is_some(),
        (Val::ExternRef(Some(r)), WastRetCore::RefExtern(Some(n))) => {
            host_number(store, r)? == Some(*n)
        }
        (Val::AnyRef(Some(r)), WastRetCore::RefAny) => r.ty(store).is_ok(),
        (Val::AnyRef(Some(r)), WastRetCore::RefEq) => r.is_eqref(store)?,
        (Val::AnyRef(Some(r)), WastRetCore::RefI31) => r.is_i31(store)?,
        (Val::AnyRef(Some(r)), WastRetCore::RefStruct) => r.is_struct(store)?,
        (Val::AnyRef(Some(r)), WastRetCore::RefArray) => r.is_array(store)?,
        // A value of the host that became internal; its number is looked at as that of an external one.
        (Val::AnyRef(Some(r)), WastRetCore::RefHost(n)) => {
            let external = ExternRef::convert_any(&mut *store, *r)?;
            host_number(store, &external)? == Some(*n)
        }
        _ => false,
    })
}

/// The number behind an external reference that a script made.
fn host_number(store: &Store<()>, reference: &Rooted<ExternRef>) -> Result<Option<u32>> {
    let data = reference.data(store)?;
    Ok(data.and_then(|data| data.downcast_ref::<u32>()).copied())
}

const NULL_FUNC: [AbstractHeapType; 2] = [AbstractHeapType::Func, AbstractHeapType::NoFunc];
const NULL_EXTERN: [AbstractHeapType; 2] = [AbstractHeapType::Extern, AbstractHeapType::NoExtern];
const NULL_EXN: [AbstractHeapType; 2] = [AbstractHeapType::Exn, AbstractHeapType::NoExn];
const NULL_ANY: [AbstractHeapType; 6] = [
    AbstractHeapType::Any,
    AbstractHeapType::Eq,
    AbstractHeapType::I31,
    AbstractHeapType::Struct,
    AbstractHeapType::Array,
    AbstractHeapType::None,
];

/// Whether a null of one of the heap types `hierarchy` is what `expected` means.
fn is_null_of(expected: &Option<HeapType<'_>>, hierarchy: &[AbstractHeapType]) -> bool {
    match expected {
        None => true,
        Some(HeapType::Abstract { ty, .. }) => hierarchy.contains(ty),
        // A concrete type belongs to the function or to the internal hierarchy.
        Some(HeapType::Concrete(_) | HeapType::Exact(_)) => {
            !hierarchy.contains(&AbstractHeapType::Extern)
                && !hierarchy.contains(&AbstractHeapType::Exn)
        }
    }
}

fn matches_f32(bits: u32, expected: &NanPattern<F32>) -> bool {
    match expected {
        NanPattern::CanonicalNan => bits & 0x7FFF_FFFF == 0x7FC0_0000,
        NanPattern::ArithmeticNan => bits & 0x7FC0_0000 == 0x7FC0_0000,
        NanPattern::Value(value) => bits == value.bits,
    }
}

fn matches_f64(bits: u64, expected: &NanPattern<F64>) -> bool {
    match expected {
        NanPattern::CanonicalNan => bits & (u64::MAX >> 1) == 0x7FF8_0000_0000_0000,
        NanPattern::ArithmeticNan => bits & 0x7FF8_0000_0000_0000 == 0x7FF8_0000_0000_0000,
        NanPattern::Value(value) => bits == value.bits,
    }
}

/// Lane `i` of lanes of `width` bits.
fn lane(bits: u128, i: usize, width: usize) -> u64 {
    let mask = if width == 64 { u64::MAX } else { (1 << width) - 1 };
    (bits >> (i * width)) as u64 & mask
}

fn matches_v128(bits: u128, expected: &V128Pattern) -> bool {
    match expected {
        V128Pattern::I8x16(lanes) => (0..16).all(|i| lane(bits, i, 8) as u8 == lanes[i] as u8),
        V128Pattern::I16x8(lanes) => (0..8).all(|i| lane(bits, i, 16) as u16 == lanes[i] as u16),
        V128Pattern::I32x4(lanes) => (0..4).all(|i| lane(bits, i, 32) as u32 == lanes[i] as u32),
        V128Pattern::I64x2(lanes) => (0..2).all(|i| lane(bits, i, 64) == lanes[i] as u64),
        V128Pattern::F32x4(lanes) => {
            (0..4).all(|i| matches_f32(lane(bits, i, 32) as u32, &lanes[i]))
        }
        V128Pattern::F64x2(lanes) => (0..2).all(|i| matches_f64(lane(bits, i, 64), &lanes[i])),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_patterns() {
        let canonical: NanPattern<F32> = NanPattern::CanonicalNan;
        let arithmetic: NanPattern<F32> = NanPattern::ArithmeticNan;
        assert!(matches_f32(0x7FC0_0000, &canonical));
        assert!(matches_f32(0xFFC0_0000, &canonical));
        assert!(!matches_f32(0x7FC0_0001, &canonical));
        assert!(matches_f32(0x7FC0_0001, &arithmetic));
        assert!(!matches_f32(0x7FA0_0000, &arithmetic));
        assert!(!matches_f32(0x7F80_0000, &arithmetic));
    }

    #[test]
    fn vectors_compare_lane_by_lane() {
        let bits = 0x0000_0004_0000_0003_0000_0002_0000_0001;
        assert!(matches_v128(bits, &V128Pattern::I32x4([1, 2, 3, 4])));
        assert!(!matches_v128(bits, &V128Pattern::I32x4([1, 2, 3, 5])));
        assert!(matches_v128(bits, &V128Pattern::I16x8([1, 0, 2, 0, 3, 0, 4, 0])));
        assert!(matches_v128(u128::MAX, &V128Pattern::I8x16([-1; 16])));
    }
}
