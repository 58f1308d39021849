//! Arguments of `--invoke` from text, and results to text. What is printed can be given again.

use riser::{Val, ValType};
use wast::parser::{self, ParseBuffer};
use wast::token;

/// Lanes of vectors: name, number and bits of each.
const SHAPES: [(&str, usize, u32); 6] = [
    ("i8x16", 16, 8),
    ("i16x8", 8, 16),
    ("i32x4", 4, 32),
    ("i64x2", 2, 64),
    ("f32x4", 4, 32),
    ("f64x2", 2, 64),
];

/// Parses an argument of a type. The error says what would do.
pub fn parse(ty: &ValType, text: &str) -> Result<Val, String> {
    let number = |value: Option<u128>, bits: u32| {
        value.ok_or_else(|| {
            format!("`{text}` is not an integer of {bits} bits (decimal or 0x and hexadecimal, perhaps negative)")
        })
    };
    let float = || format!("`{text}` is not a number (such as 1.5, -2e10, 0x1.8p3, inf, nan)");
    match ty {
        ValType::I32 => number(integer(text, 32), 32).map(|value| Val::I32(value as i32)),
        ValType::I64 => number(integer(text, 64), 64).map(|value| Val::I64(value as i64)),
        ValType::F32 => f32_bits(text).map(Val::F32).ok_or_else(float),
        ValType::F64 => f64_bits(text).map(Val::F64).ok_or_else(float),
        ValType::V128 => vector(text).map(|bits| Val::V128(bits.into())),
        ValType::Ref(ty) => match (text, ty.is_nullable()) {
            ("null", true) => Ok(Val::null_ref(ty.heap_type())),
            (_, true) => Err("of references only `null` can be given".into()),
            (_, false) => Err("references that are not null cannot be given".into()),
        },
    }
}

/// The bits of an integer of `bits` bits, signed or unsigned, in two's complement.
fn integer(text: &str, bits: u32) -> Option<u128> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let digits = digits.replace('_', "");
    let (digits, radix) = match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None => (digits.as_str(), 10),
    };
    // The standard parser would take another sign.
    let magnitude = digits
        .chars()
        .all(|c| c.is_digit(radix))
        .then(|| u128::from_str_radix(digits, radix).ok())??;
    let mask = (1 << bits) - 1;
    match negative {
        false => (magnitude <= mask).then_some(magnitude),
        true => (magnitude <= 1 << (bits - 1)).then(|| magnitude.wrapping_neg() & mask),
    }
}

fn f32_bits(text: &str) -> Option<u32> {
    let decimal = text.parse().ok().filter(|value: &f32| !value.is_nan());
    decimal.map(f32::to_bits).or_else(|| {
        let buffer = ParseBuffer::new(text).ok()?;
        Some(parser::parse::<token::F32>(&buffer).ok()?.bits)
    })
}

fn f64_bits(text: &str) -> Option<u64> {
    let decimal = text.parse().ok().filter(|value: &f64| !value.is_nan());
    decimal.map(f64::to_bits).or_else(|| {
        let buffer = ParseBuffer::new(text).ok()?;
        Some(parser::parse::<token::F64>(&buffer).ok()?.bits)
    })
}

/// Parses `i32x4:1,2,3,4` (also with spaces), or 128 bits as one integer.
fn vector(text: &str) -> Result<u128, String> {
    if let Some(bits) =
        text.strip_prefix("0x").and_then(|digits| u128::from_str_radix(digits, 16).ok())
    {
        return Ok(bits);
    }
    let mut words = text.split([':', ',', ' ']).filter(|word| !word.is_empty());
    let shape = words.next().unwrap_or_default();
    let Some((name, lanes, bits)) = SHAPES.iter().find(|row| row.0 == shape) else {
        return Err(format!("`{text}` is not a vector (such as i32x4:1,2,3,4 or f64x2:0.5,1)"));
    };
    let words: Vec<&str> = words.collect();
    if words.len() != *lanes {
        return Err(format!("{name} needs {lanes} lanes, found {}", words.len()));
    }
    let lane = |word: &&str| match *name {
        "f32x4" => f32_bits(word).map(u128::from),
        "f64x2" => f64_bits(word).map(u128::from),
        _ => integer(word, *bits),
    };
    let mut value = 0;
    for (i, word) in words.iter().enumerate() {
        let lane = lane(word).ok_or_else(|| format!("`{word}` is not a lane of {name}"))?;
        value |= lane << (i as u32 * bits);
    }
    Ok(value)
}

/// A result in plain notation.
pub fn show(value: &Val) -> String {
    match value {
        Val::I32(value) => value.to_string(),
        Val::I64(value) => value.to_string(),
        Val::F32(bits) => {
            let value = f32::from_bits(*bits);
            let payload = u64::from(bits & 0x7F_FFFF);
            float(value.into(), value.to_string(), format!("{value:e}"), payload, 1 << 22)
        }
        Val::F64(bits) => {
            let value = f64::from_bits(*bits);
            let payload = bits & 0xF_FFFF_FFFF_FFFF;
            float(value, value.to_string(), format!("{value:e}"), payload, 1 << 51)
        }
        Val::V128(value) => {
            let bits = value.as_u128();
            let lanes: Vec<String> =
                (0..4).map(|i| format!("{:#010x}", (bits >> (32 * i)) as u32)).collect();
            format!("i32x4:{}", lanes.join(","))
        }
        Val::FuncRef(None) | Val::ExternRef(None) | Val::AnyRef(None) | Val::ExnRef(None) => {
            "null".into()
        }
        Val::FuncRef(Some(_)) => "funcref".into(),
        Val::ExternRef(Some(_)) => "externref".into(),
        Val::AnyRef(Some(_)) => "anyref".into(),
        Val::ExnRef(Some(_)) => "exnref".into(),
    }
}

/// A float: plainly where that is short, else with an exponent; a NaN with its payload unless that is `canonical`.
fn float(value: f64, plain: String, exponent: String, payload: u64, canonical: u64) -> String {
    let magnitude = value.abs();
    if value.is_nan() {
        let sign = if value.is_sign_negative() { "-" } else { "" };
        return match payload == canonical {
            true => format!("{sign}nan"),
            false => format!("{sign}nan:{payload:#x}"),
        };
    }
    if magnitude == 0.0 || !magnitude.is_finite() || (1e-5..1e16).contains(&magnitude) {
        plain
    } else {
        exponent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(ty: ValType, text: &str) -> String {
        match parse(&ty, text) {
            Ok(value) => show(&value),
            Err(message) => message,
        }
    }

    #[test]
    fn integers_are_signed_or_unsigned() {
        assert_eq!(back(ValType::I32, "-1"), "-1");
        assert_eq!(back(ValType::I32, "4294967295"), "-1");
        assert_eq!(back(ValType::I32, "0xFFFF_FFFF"), "-1");
        assert_eq!(back(ValType::I32, "-0x80000000"), "-2147483648");
        assert!(back(ValType::I32, "4294967296").contains("not an integer of 32 bits"));
        assert!(back(ValType::I32, "-2147483649").contains("not an integer"));
        assert_eq!(back(ValType::I64, "-9223372036854775808"), "-9223372036854775808");
        for bad in ["", "-", "0x", "1.5", "--1", "+-1", "é"] {
            assert!(back(ValType::I64, bad).contains("not an integer"), "{bad}");
        }
    }

    #[test]
    fn floats_have_many_notations() {
        for (text, shown) in [
            ("1.5", "1.5"),
            ("-0", "-0"),
            (".5", "0.5"),
            ("1e300", "1e300"),
            ("0x1.8p3", "12"),
            ("inf", "inf"),
            ("-inf", "-inf"),
            ("nan", "nan"),
            ("-nan", "-nan"),
            ("nan:0x4", "nan:0x4"),
            ("100", "100"),
        ] {
            assert_eq!(back(ValType::F64, text), shown, "{text}");
        }
        assert_eq!(back(ValType::F32, "0.1"), "0.1");
        assert_eq!(back(ValType::F32, "nan:0x200000"), "nan:0x200000");
        assert!(back(ValType::F64, "one").contains("not a number"));
    }

    #[test]
    fn vectors_are_lanes() {
        let shown = "i32x4:0x00000001,0x00000002,0x00000003,0xffffffff";
        assert_eq!(back(ValType::V128, "i32x4:1,2,3,-1"), shown);
        assert_eq!(back(ValType::V128, "i32x4 1 2 3 -1"), shown);
        assert_eq!(back(ValType::V128, shown), shown);
        assert_eq!(
            back(ValType::V128, "f64x2:1,0"),
            "i32x4:0x00000000,0x3ff00000,0x00000000,0x00000000"
        );
        assert!(back(ValType::V128, "i32x4:1,2").contains("needs 4 lanes"));
        assert!(back(ValType::V128, "i8x4:1").contains("not a vector"));
        assert!(back(ValType::V128, "i64x2:1,x").contains("not a lane"));
    }
}
