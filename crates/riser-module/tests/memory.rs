//! A claim in the input costs nothing until bytes stand behind it. The only test of its process, since it looks
//! at the memory of the whole process.

mod support;

use std::time::{Duration, Instant};
use support::{decode, leb, module, section, vector};

/// The largest amount of memory that this process had, in bytes, where the system tells.
fn peak_memory() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<usize>().ok().map(|kib| kib * 1024)
}

#[test]
fn huge_claims_in_tiny_modules_cost_nothing() {
    let before = peak_memory();
    let max = u64::from(u32::MAX);
    let func = || vector(1, 1, b"\x60\0\0");
    let mut hostile = vec![
        module(&[section(1, &leb(1_000_000))]),
        module(&[section(1, &leb(max))]),
        module(&[vector(1, 1, &[&b"\x4E"[..], &leb(max)].concat())]),
        module(&[vector(1, 1, &[&b"\x4E"[..], &leb(1_000_000)].concat())]),
        module(&[vector(1, 1, &[&b"\x5F"[..], &leb(10_000)].concat())]),
        module(&[vector(1, 1, &[&b"\x60"[..], &leb(1_000)].concat())]),
        module(&[vector(1, 1, &[&b"\x60\0"[..], &leb(max)].concat())]),
        module(&[vector(1, 1, &[&b"\x50"[..], &leb(max)].concat())]),
        module(&[func(), vector(3, 1, b"\0"), section(10, &leb(max))]),
        module(&[func(), vector(3, 1, b"\0"), vector(10, 1, &leb(max))]),
        module(&[vector(9, 1, &[&b"\x01\0"[..], &leb(10_000_000)].concat())]),
        module(&[vector(9, 1, &[&b"\x05\x70"[..], &leb(10_000_000)].concat())]),
        module(&[section(12, &leb(max))]),
        module(&[vector(11, 1, &[&b"\x01"[..], &leb(max)].concat())]),
        module(&[section(0, &leb(max))]),
        module(&[vector(2, 1, &leb(max))]),
        module(&[vector(7, 1, &leb(max))]),
        module(&[
            vector(1, 1, b"\x5E\x78\0"),
            vector(6, 1, b"\x6E\0\xFB\x08\0\xFF\xFF\xFF\xFF\x0F\x0B"),
        ]),
    ];
    for id in 2..=13 {
        for count in [90, 99_999, 999_999, max] {
            hostile.push(module(&[func(), section(id, &leb(count))]));
        }
    }
    for bytes in hostile {
        let start = Instant::now();
        assert!(decode(&bytes).is_err(), "{bytes:02x?}");
        assert!(start.elapsed() < Duration::from_millis(100), "{bytes:02x?}");
    }
    if let (Some(before), Some(after)) = (before, peak_memory()) {
        assert!(after - before < 32 << 20, "{} bytes for tiny modules", after - before);
    }
}
