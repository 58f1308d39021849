//! Every kind of access at the ends of memories: with static offsets up to the largest, before and after growing, in every way to run, and where address space is
//! short. What is inside succeeds, what is outside traps.

mod common;

use common::{configs, trap};
use riser::*;

/// Accesses: the text before and behind the memory with its offset, what is stored, and how many bytes are accessed.
const ACCESSES: &[(&str, &str, u64)] = &[
    ("i32.load", "", 4),
    ("i64.load", "", 8),
    ("f32.load", "", 4),
    ("f64.load", "", 8),
    ("i32.load8_s", "", 1),
    ("i32.load16_u", "", 2),
    ("i64.load8_u", "", 1),
    ("i64.load16_s", "", 2),
    ("i64.load32_s", "", 4),
    ("v128.load", "", 16),
    ("v128.load8x8_s", "", 8),
    ("v128.load16x4_u", "", 8),
    ("v128.load32x2_u", "", 8),
    ("v128.load8_splat", "", 1),
    ("v128.load16_splat", "", 2),
    ("v128.load32_splat", "", 4),
    ("v128.load64_splat", "", 8),
    ("v128.load32_zero", "", 4),
    ("v128.load64_zero", "", 8),
    ("i32.store", "i32", 4),
    ("i64.store", "i64", 8),
    ("f32.store", "f32", 4),
    ("f64.store", "f64", 8),
    ("i32.store8", "i32", 1),
    ("i32.store16", "i32", 2),
    ("i64.store8", "i64", 1),
    ("i64.store16", "i64", 2),
    ("i64.store32", "i64", 4),
    ("v128.store", "v128", 16),
    ("v128.load8_lane", "lane", 1),
    ("v128.load64_lane", "lane", 8),
    ("v128.store8_lane", "store_lane", 1),
    ("v128.store32_lane", "store_lane", 4),
    ("v128.store64_lane", "store_lane", 8),
    ("i32.atomic.load", "", 4),
    ("i64.atomic.load8_u", "", 1),
    ("i64.atomic.load", "", 8),
    ("i32.atomic.store16", "i32", 2),
    ("i64.atomic.store", "i64", 8),
    ("i32.atomic.rmw.add", "rmw i32", 4),
    ("i64.atomic.rmw16.sub_u", "rmw i64", 2),
    ("i64.atomic.rmw.xchg", "rmw i64", 8),
    ("i32.atomic.rmw8.cmpxchg_u", "cmpxchg i32", 1),
    ("i64.atomic.rmw.cmpxchg", "cmpxchg i64", 8),
];

/// Static offsets: at the ends of a page, of the guards that compiled code relies on, of what addresses reach.
const OFFSETS: &[u64] = &[
    0,
    1,
    65_528,
    65_536,
    (32 << 20) - 16,
    (32 << 20) - 1,
    32 << 20,
    1 << 31,
    (1 << 32) - 16,
    (1 << 32) - 1,
    1 << 32,
    1 << 63,
    u64::MAX,
];

/// A memory: its name, the type of its addresses, the bytes of a page, and its pages before and after growing.
type Kind = (&'static str, &'static str, u64, [u64; 2]);

const MEMORIES: [Kind; 3] = [
    ("$guarded", "i32", 65_536, [1, 2]),
    ("$wide", "i64", 65_536, [1, 2]),
    ("$bytes", "i32", 1, [100, 211]),
];

/// A function that makes one access.
fn function(
    name: &str,
    (access, kind, _): (&str, &str, u64),
    memory: &Kind,
    offset: u64,
) -> String {
    let &(memory, address, ..) = memory;
    let zero = |ty: &str| match ty {
        "v128" => "(v128.const i64x2 0 0)".to_string(),
        ty => format!("({ty}.const 0)"),
    };
    let at = format!("{access} {memory} offset={offset}");
    let body = match kind {
        "" => format!("(drop ({at} (local.get 0)))"),
        "lane" => format!("(drop ({at} 0 (local.get 0) {}))", zero("v128")),
        "store_lane" => format!("({at} 0 (local.get 0) {})", zero("v128")),
        kind => match kind.split_once(' ') {
            Some(("rmw", ty)) => format!("(drop ({at} (local.get 0) {}))", zero(ty)),
            Some((_, ty)) => format!("(drop ({at} (local.get 0) {} {}))", zero(ty), zero(ty)),
            None => format!("({at} (local.get 0) {})", zero(kind)),
        },
    };
    format!("(func (export \"{name}\") (param {address}) {body})")
}

/// Addresses around the ends: of the memory as the offset sees it, and of all addresses.
fn addresses(len: u64, offset: u64, width: u64, is_wide: bool) -> Vec<u64> {
    let max = if is_wide { u64::MAX } else { u64::from(u32::MAX) };
    let end = len.saturating_sub(offset);
    let mut all = vec![0, end, max, max - width, max - (width - 1), max / 2 + 1];
    all.extend((1..=width + 1).step_by(width as usize).map(|back| end.saturating_sub(back)));
    all.extend([end.saturating_sub(width), 0u64.wrapping_sub(offset)]);
    all.retain(|&address| address <= max);
    all
}

fn check(config: &Config) -> Result<u64> {
    let engine = Engine::new(config)?;
    let mut text = String::from(
        "(module (memory $guarded 1 2) (memory $wide i64 1 2) (memory $bytes 100 211 (pagesize 1))
         (func (export \"grow\") (drop (memory.grow $guarded (i32.const 1)))
            (drop (memory.grow $wide (i64.const 1))) (drop (memory.grow $bytes (i32.const 111))))",
    );
    let mut cases = Vec::new();
    for memory in MEMORIES {
        for &access in ACCESSES {
            for &offset in OFFSETS {
                let is_wide = memory.1 == "i64";
                if is_wide || offset <= u64::from(u32::MAX) {
                    let name = format!("{} {} {offset}", access.0, memory.0);
                    text += &function(&name, access, &memory, offset);
                    cases.push((name, access, memory, offset));
                }
            }
        }
    }
    let module = Module::new(&engine, text + ")")?;
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[])?;
    let (mut inside, mut outside) = (0, 0);
    for grown in [0, 1] {
        for (name, (access, _, width), (_, address, page, pages), offset) in &cases {
            let (is_wide, len) = (*address == "i64", page * pages[grown]);
            let func = instance.get_func(&mut store, name).unwrap();
            for at in addresses(len, *offset, *width, is_wide) {
                let first = u128::from(at) + u128::from(*offset);
                if access.contains("atomic") && first % u128::from(*width) != 0 {
                    continue;
                }
                let value = if is_wide { Val::I64(at as i64) } else { Val::I32(at as i32) };
                let outcome = func.call(&mut store, &[value], &mut []);
                let fits = first + u128::from(*width) <= u128::from(len);
                match outcome {
                    Ok(()) => assert!(fits, "{name} at {at} of {len} is outside"),
                    Err(error) => {
                        assert_eq!(trap(&error), Trap::MemoryOutOfBounds, "{name} at {at}");
                        assert!(!fits, "{name} at {at} of {len} is inside");
                    }
                }
                if fits { inside += 1 } else { outside += 1 }
            }
        }
        instance.get_typed_func::<(), ()>(&mut store, "grow")?.call(&mut store, ())?;
    }
    assert!(inside > 1000 && outside > 1000, "{inside} {outside}");
    Ok(inside + outside)
}

#[test]
fn what_is_outside_traps_and_what_is_inside_does_not() -> Result<()> {
    for config in configs() {
        println!("{} accesses", check(&config)?);
    }
    Ok(())
}

/// The same with so little address space that no memory can have guards: code compares.
#[test]
#[cfg(target_os = "linux")]
fn where_address_space_is_short_it_is_the_same() {
    let this = std::env::current_exe().unwrap();
    let name = "what_is_outside_traps_and_what_is_inside_does_not";
    let shell = format!("ulimit -v 4000000 && exec '{}' --exact {name}", this.display());
    let output = std::process::Command::new("sh").args(["-c", &shell]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}
