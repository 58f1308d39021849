//! Debug information and mangled names that a guest may bring along: whatever they are, looking into them ends, soon and
//! without a panic.
//!
//! The input is taken apart into sections by marks that a fuzzer finds easily: a byte for the section, two for its length.
//! What is left is a name. `fuzz/seeds/inspect/` has the sections of a real program to begin with, so that most inputs are
//! damaged ones rather than noise.
#![no_main]

use libfuzzer_sys::fuzz_target;

const SECTIONS: [&str; 12] = [
    ".debug_info",
    ".debug_abbrev",
    ".debug_line",
    ".debug_str",
    ".debug_ranges",
    ".debug_rnglists",
    ".debug_addr",
    ".debug_line_str",
    ".debug_str_offsets",
    ".debug_types",
    ".debug_aranges",
    ".debug_loc",
];

fuzz_target!(|bytes: &[u8]| {
    let mut sections: [&[u8]; SECTIONS.len()] = [&[]; SECTIONS.len()];
    let mut rest = bytes;
    while let [id, low, high, after @ ..] = rest {
        let length = usize::from(*low) | usize::from(*high) << 8;
        let (section, next) = after.split_at(length.min(after.len()));
        let position = usize::from(*id);
        if position >= SECTIONS.len() {
            rest = after;
            break;
        }
        sections[position] = section;
        rest = next;
    }
    let find = |name: &str| {
        let position = SECTIONS.iter().position(|known| *known == name);
        position.map_or(&[][..], |position| sections[position])
    };
    let addresses: Vec<u64> = (0..64).chain([1 << 20, u64::MAX - 1, u64::MAX]).collect();
    let found = riser_inspect::find(find, &addresses);
    assert_eq!(found.len(), addresses.len());
    if let Ok(name) = std::str::from_utf8(rest) {
        let name = riser_inspect::demangle(name);
        assert!(name.is_none_or(|name| name.len() <= 4096));
    }
});
