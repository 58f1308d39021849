//! Following debug information from addresses to functions, files and lines.
//!
//! Each unit whose ranges have one of the addresses is looked at twice: its line table says the file and the line, its
//! tree of entries the function, and the functions that were inlined there. Nothing here calls itself, and all work is
//! charged to a meter. Source: DWARF 5, sections 3.3 (functions), 3.3.8 (inlining), 6.2 (lines).

use gimli::{
    Attribute, AttributeValue, ColumnType, DebugInfoOffset, Dwarf, EntriesRaw, Range, Result,
    SectionId, Unit, UnitHeader, UnitOffset, UnitRef, constants as dw,
};
use riser::FrameSymbol;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::meter::{Meter, Metered};
use crate::names::demangle;

/// How much a lookup may read, besides a read for each byte that there is. Looking for the units of Yosys (60 MB, 5 of them
/// debug information) takes 200,000 reads, and the units of a backtrace of 20 frames half a million more.
const READS: u64 = 1 << 23;

/// The most that it may read, however much there is: a second or two.
const READS_MAX: u64 = 1 << 28;

/// How much of the tables of a unit may be read that are kept in memory meanwhile. The files of a line table take 150
/// bytes for a read at worst, so 80 MB. Ten thousand files take 70,000 reads.
const KEPT_READS: u64 = 1 << 19;

/// How many functions may be inlined into each other. Deeper ones are left out.
const INLINED_MAX: usize = 64;

/// How often a name may stand elsewhere.
const REFERENCES_MAX: usize = 16;

/// The sections whose size decides how much may be read.
const SECTIONS: [SectionId; 5] = [
    SectionId::DebugInfo,
    SectionId::DebugAbbrev,
    SectionId::DebugLine,
    SectionId::DebugRanges,
    SectionId::DebugRngLists,
];

type Reader<'a> = Metered<'a>;

/// For each address in the code section, in the same order: the functions that were inlined there, innermost first, and
/// at last the function itself. Empty where nothing is known. `section` gives the contents of a section by its name, such as
/// `.debug_info`; nothing for one that is not there.
///
/// Whatever the sections contain, this ends soon, takes little memory, and does not panic.
pub fn find<'a>(section: impl Fn(&str) -> &'a [u8], addresses: &[u64]) -> Vec<Vec<FrameSymbol>> {
    let meter = Meter::new(allowance(&section));
    let sorted = sorted(addresses);
    let mut found = vec![Vec::new(); sorted.len()];
    // What was found before something failed is as good as before.
    let _ = load(&section, &meter).and_then(|dwarf| search(&dwarf, &meter, &sorted, &mut found));
    in_order(addresses, &sorted, &found)
}

/// How much a lookup may read.
fn allowance<'a>(section: impl Fn(&str) -> &'a [u8]) -> u64 {
    let sizes = SECTIONS.iter().map(|id| section(id.name()).len() as u64);
    READS.saturating_add(sizes.sum()).min(READS_MAX)
}

fn sorted(addresses: &[u64]) -> Vec<u64> {
    let mut sorted = addresses.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    sorted
}

/// What was found of sorted addresses, in the order in which they were given.
fn in_order(
    addresses: &[u64],
    sorted: &[u64],
    found: &[Vec<FrameSymbol>],
) -> Vec<Vec<FrameSymbol>> {
    let at =
        |address| sorted.binary_search(address).map_or_else(|_| Vec::new(), |at| found[at].clone());
    addresses.iter().map(at).collect()
}

fn load<'m, 's: 'm>(
    section: impl Fn(&str) -> &'s [u8],
    meter: &'m Meter,
) -> Result<Dwarf<Reader<'m>>> {
    Dwarf::load(|id: SectionId| {
        let is_kept = matches!(id, SectionId::DebugAbbrev | SectionId::DebugLine);
        Ok(Metered::new(section(id.name()), meter, is_kept))
    })
}

fn search(
    dwarf: &Dwarf<Reader<'_>>,
    meter: &Meter,
    addresses: &[u64],
    found: &mut [Vec<FrameSymbol>],
) -> Result<()> {
    let mut units = dwarf.units();
    while let Some(header) = units.next()? {
        search_unit(dwarf, header, meter, addresses, found);
        if found.iter().all(|symbols| !symbols.is_empty()) {
            break;
        }
    }
    Ok(())
}

/// Looks for addresses in one unit. One that cannot be read says nothing of the others.
fn search_unit<'a>(
    dwarf: &Dwarf<Reader<'a>>,
    header: UnitHeader<Reader<'a>>,
    meter: &Meter,
    addresses: &[u64],
    found: &mut [Vec<FrameSymbol>],
) {
    meter.allow_kept(KEPT_READS);
    let Ok(unit) = dwarf.unit(header) else { return };
    let Ok(inside) = inside(dwarf, &unit, meter, addresses) else { return };
    let wanted: Vec<usize> =
        (0..inside.len()).filter(|at| inside[*at] && found[*at].is_empty()).collect();
    if wanted.is_empty() {
        return;
    }
    let place = UnitPlace { dwarf, unit: &unit, meter };
    let here: Vec<u64> = wanted.iter().map(|at| addresses[*at]).collect();
    for (at, symbols) in wanted.into_iter().zip(place.symbols(&here)) {
        found[at] = symbols;
    }
}

/// Which units the code of a module is of, for those who look for the places of one function after the other.
#[derive(Debug, Default)]
pub(crate) struct UnitIndex {
    /// Begin, end, and the unit's place in `.debug_info`, sorted.
    ranges: Vec<(u64, u64, usize)>,
    /// How much all lookups together may still read.
    left: AtomicU64,
}

/// How many ranges an index has at most. Those of Yosys are 60,000.
const RANGES_MAX: usize = 1 << 22;

/// So many lookups that read as much as they may are answered, and as many more as read less.
const LOOKUPS: u64 = 64;

impl UnitIndex {
    /// Of all units that can be read.
    pub fn new<'a>(section: impl Fn(&str) -> &'a [u8]) -> UnitIndex {
        let reads = allowance(&section);
        let meter = Meter::new(reads);
        let mut ranges = Vec::new();
        let _ = load(&section, &meter).and_then(|dwarf| index(&dwarf, &meter, &mut ranges));
        ranges.sort_unstable();
        UnitIndex { ranges, left: AtomicU64::new(reads.saturating_mul(LOOKUPS)) }
    }

    /// As [`find`].
    pub fn find<'a>(
        &self,
        section: impl Fn(&str) -> &'a [u8],
        addresses: &[u64],
    ) -> Vec<Vec<FrameSymbol>> {
        let sorted = sorted(addresses);
        let mut found = vec![Vec::new(); sorted.len()];
        let allowed = READS.min(self.left.load(Ordering::Relaxed));
        let meter = Meter::new(allowed);
        if let Ok(dwarf) = load(&section, &meter) {
            for unit in self.units(&sorted) {
                if let Ok(header) = dwarf.debug_info.header_from_offset(DebugInfoOffset(unit)) {
                    search_unit(&dwarf, header, &meter, &sorted, &mut found);
                }
            }
        }
        let used = allowed - meter.left();
        let spend = |left: u64| Some(left.saturating_sub(used));
        let _ = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend);
        in_order(addresses, &sorted, &found)
    }

    /// The units that one of the sorted addresses may be in.
    fn units(&self, sorted: &[u64]) -> Vec<usize> {
        let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else { return Vec::new() };
        let end = self.ranges.partition_point(|range| range.0 <= *last);
        let near = self.ranges[..end].iter().rev().take(UNITS_NEAR);
        let mut units: Vec<usize> =
            near.filter(|range| range.1 > *first).map(|range| range.2).collect();
        units.sort_unstable();
        units.dedup();
        units
    }
}

/// A function's code is in one range, or, if what units say overlaps, among the last so many that begin before its end.
const UNITS_NEAR: usize = 64;

fn index(
    dwarf: &Dwarf<Reader<'_>>,
    meter: &Meter,
    ranges: &mut Vec<(u64, u64, usize)>,
) -> Result<()> {
    let mut units = dwarf.units();
    while let Some(header) = units.next()? {
        meter.allow_kept(KEPT_READS);
        let offset = header.debug_info_offset();
        let Ok(unit) = dwarf.unit(header) else { continue };
        let Ok(mut of_unit) = dwarf.unit_ranges(&unit) else { continue };
        while let Ok(Some(range)) = of_unit.next() {
            // There is no code at 0: see `covered`.
            if range.begin > 0 && range.begin < range.end && ranges.len() < RANGES_MAX {
                ranges.push((range.begin, range.end, offset.map_or(usize::MAX, |at| at.0)));
            }
        }
    }
    Ok(())
}

/// Which of the sorted addresses are in the ranges of a unit; nothing at all if none is.
fn inside<'a>(
    dwarf: &Dwarf<Reader<'a>>,
    unit: &Unit<Reader<'a>>,
    meter: &Meter,
    addresses: &[u64],
) -> Result<Vec<bool>> {
    let mut inside = Vec::new();
    let mut ranges = dwarf.unit_ranges(unit)?;
    while let Some(range) = ranges.next()? {
        let covered = covered(&range, addresses);
        meter.charge(covered.len())?;
        if !covered.is_empty() {
            if inside.is_empty() {
                // What is done for each address of a unit that has one.
                meter.charge(addresses.len())?;
                inside.resize(addresses.len(), false);
            }
            inside[covered].fill(true);
        }
    }
    Ok(inside)
}

/// Which of the sorted addresses are in a range. None, if it begins at 0: there is no code, and linkers move there what they left
/// out.
fn covered(range: &Range, addresses: &[u64]) -> std::ops::Range<usize> {
    let start = addresses.partition_point(|address| *address < range.begin);
    let end = addresses.partition_point(|address| *address < range.end);
    match range.begin {
        0 => 0..0,
        _ => start..end.max(start),
    }
}

/// A unit with what it refers to.
#[derive(Clone, Copy)]
struct UnitPlace<'u, 'a> {
    dwarf: &'u Dwarf<Reader<'a>>,
    unit: &'u Unit<Reader<'a>>,
    meter: &'u Meter,
}

/// A place in the source.
#[derive(Clone, Copy, Debug, Default)]
struct Line {
    file: u64,
    line: u64,
    column: u64,
}

/// A function, or one that was inlined.
#[derive(Clone, Copy, Debug)]
struct Scope {
    entry: UnitOffset,
    /// Where an inlined function was called.
    call: Line,
}

impl UnitPlace<'_, '_> {
    /// The symbols of sorted addresses.
    fn symbols(&self, addresses: &[u64]) -> Vec<Vec<FrameSymbol>> {
        let mut lines = vec![None; addresses.len()];
        let mut scopes = vec![Vec::new(); addresses.len()];
        // What was found before something failed is as good as before.
        let _ = self.lines(addresses, &mut lines);
        let _ = self.scopes(addresses, &mut scopes);
        lines.into_iter().zip(scopes).map(|(line, scopes)| self.chain(line, &scopes)).collect()
    }

    /// Finds the rows of the line table in which addresses are.
    fn lines(&self, addresses: &[u64], lines: &mut [Option<Line>]) -> Result<()> {
        let Some(program) = self.unit.line_program.clone() else { return Ok(()) };
        // Rows are looked at one by one.
        self.meter.allow_kept(u64::MAX);
        let mut rows = program.rows();
        // The row before, and whether its sequence is of code that exists.
        let mut before: Option<(u64, Line)> = None;
        let mut is_live = false;
        while let Some((_, row)) = rows.next_row()? {
            let address = row.address();
            if let Some((start, line)) = before.filter(|_| is_live) {
                let covered = covered(&Range { begin: start, end: address }, addresses);
                self.meter.charge(covered.len())?;
                lines[covered].fill(Some(line));
            } else if before.is_none() {
                is_live = address != 0;
            }
            let column = match row.column() {
                ColumnType::LeftEdge => 0,
                ColumnType::Column(column) => column.get(),
            };
            let line = row.line().map_or(0, |line| line.get());
            let here = (address, Line { file: row.file_index(), line, column });
            before = (!row.end_sequence()).then_some(here);
        }
        Ok(())
    }

    /// Finds the functions in which addresses are, outermost first.
    fn scopes(&self, addresses: &[u64], scopes: &mut [Vec<Scope>]) -> Result<()> {
        let mut entries = self.unit.entries_raw(None)?;
        while !entries.is_empty() {
            let offset = entries.next_offset();
            let Some(abbreviation) = entries.read_abbreviation()? else { continue };
            let is_inlined = match abbreviation.tag() {
                dw::DW_TAG_subprogram => false,
                dw::DW_TAG_inlined_subroutine => true,
                _ => {
                    entries.skip_attributes(abbreviation.attributes())?;
                    continue;
                }
            };
            let entry = Entry::read(&mut entries, abbreviation.attributes())?;
            let scope = Scope { entry: offset, call: entry.call };
            self.each_range(&entry, |range| {
                let covered = covered(&range, addresses);
                self.meter.charge(covered.len())?;
                for chain in &mut scopes[covered] {
                    if !is_inlined {
                        chain.clear();
                        chain.push(scope);
                    } else if !chain.is_empty() && chain.len() <= INLINED_MAX {
                        chain.push(scope);
                    }
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    fn each_range(
        &self,
        entry: &Entry<'_>,
        mut each: impl FnMut(Range) -> Result<()>,
    ) -> Result<()> {
        let unit = UnitRef::new(self.dwarf, self.unit);
        if let Some(ranges) = entry.ranges {
            if let Some(mut ranges) = unit.attr_ranges(ranges)? {
                while let Some(range) = ranges.next()? {
                    each(range)?;
                }
            }
            return Ok(());
        }
        let Some(low) = entry.low else { return Ok(()) };
        let Some(begin) = unit.attr_address(low)? else { return Ok(()) };
        let Some(high) = entry.high else { return Ok(()) };
        // An address, or else the size.
        let end = match unit.attr_address(high)? {
            Some(end) => Some(end),
            None => high.udata_value().and_then(|size| begin.checked_add(size)),
        };
        match end {
            Some(end) => each(Range { begin, end }),
            None => Ok(()),
        }
    }

    /// The symbols of one address, from its line and its functions.
    fn chain(&self, line: Option<Line>, scopes: &[Scope]) -> Vec<FrameSymbol> {
        let mut line = line;
        let mut symbols = Vec::with_capacity(scopes.len());
        for scope in scopes.iter().rev() {
            symbols.push(self.symbol(self.name(scope.entry), line));
            // The function around is at the place of the call.
            line = Some(scope.call);
        }
        if scopes.is_empty() && line.is_some() {
            symbols.push(self.symbol(None, line));
        }
        symbols
    }

    fn symbol(&self, name: Option<String>, line: Option<Line>) -> FrameSymbol {
        let known = line.filter(|line| line.line > 0);
        let number = |n: u64| u32::try_from(n).ok().filter(|n| *n > 0);
        let file = known.and_then(|line| self.file(line.file).ok().flatten());
        let place = known.filter(|_| file.is_some());
        let (line, column) = place.map_or((None, None), |at| (number(at.line), number(at.column)));
        FrameSymbol::new(name, file, line, column)
    }

    /// The path of a file in the line table.
    fn file(&self, index: u64) -> Result<Option<String>> {
        let unit = UnitRef::new(self.dwarf, self.unit);
        let Some(program) = &self.unit.line_program else { return Ok(None) };
        let header = program.header();
        let Some(file) = header.file(index) else { return Ok(None) };
        let mut path = String::new();
        if let Some(folder) = &self.unit.comp_dir {
            append(&mut path, &text(folder)?);
        }
        // Before DWARF 5, directory 0 is that of the compilation.
        let in_folder = file.directory_index() != 0 || header.version() >= 5;
        if let Some(folder) = file.directory(header).filter(|_| in_folder) {
            append(&mut path, &text(&unit.attr_string(folder)?)?);
        }
        append(&mut path, &text(&unit.attr_string(file.path_name())?)?);
        Ok(Some(path))
    }

    /// The name of a function, as in the source.
    fn name(&self, entry: UnitOffset) -> Option<String> {
        let mut place = NameAt::Unit(entry);
        let mut other: Option<Unit<Reader<'_>>> = None;
        for _ in 0..REFERENCES_MAX {
            let entry = match place {
                NameAt::Unit(entry) => entry,
                NameAt::Info(offset) => {
                    let (unit, entry) = self.elsewhere(offset).ok()??;
                    other = Some(unit);
                    entry
                }
            };
            let unit = UnitRef::new(self.dwarf, other.as_ref().unwrap_or(self.unit));
            let entry = unit.entry(entry).ok()?;
            let string = |name| {
                let value = entry.attr_value(name)?;
                text(&unit.attr_string(value).ok()?).ok()
            };
            let linked =
                string(dw::DW_AT_linkage_name).or_else(|| string(dw::DW_AT_MIPS_linkage_name));
            if let Some(name) = linked {
                let name = demangle(&name).unwrap_or(name);
                // A short name can stand for a long one.
                self.meter.charge(name.len()).ok()?;
                return Some(name);
            }
            let origin = entry
                .attr_value(dw::DW_AT_abstract_origin)
                .or_else(|| entry.attr_value(dw::DW_AT_specification));
            place = match origin {
                Some(AttributeValue::UnitRef(offset)) => NameAt::Unit(offset),
                Some(AttributeValue::DebugInfoRef(offset)) => NameAt::Info(offset),
                _ => return string(dw::DW_AT_name),
            };
        }
        None
    }

    /// An entry of another unit.
    #[allow(clippy::type_complexity, reason = "an entry is a unit and an offset")]
    fn elsewhere<'s>(
        &'s self,
        offset: DebugInfoOffset,
    ) -> Result<Option<(Unit<Reader<'s>>, UnitOffset)>>
    where
        Self: 's,
    {
        let mut units = self.dwarf.units();
        while let Some(header) = units.next()? {
            if let Some(entry) = offset.to_unit_offset(&header) {
                self.meter.allow_kept(KEPT_READS);
                return Ok(Some((self.dwarf.unit(header)?, entry)));
            }
        }
        Ok(None)
    }
}

/// Where a name is to be looked for.
enum NameAt {
    Unit(UnitOffset),
    Info(DebugInfoOffset),
}

/// The attributes of a function that matter here.
#[derive(Default)]
struct Entry<'a> {
    low: Option<AttributeValue<Reader<'a>>>,
    high: Option<AttributeValue<Reader<'a>>>,
    ranges: Option<AttributeValue<Reader<'a>>>,
    call: Line,
}

impl<'a> Entry<'a> {
    fn read(
        entries: &mut EntriesRaw<'_, Reader<'a>>,
        attributes: &[gimli::AttributeSpecification],
    ) -> Result<Entry<'a>> {
        let mut entry = Entry::default();
        for specification in attributes {
            let attribute = entries.read_attribute(*specification)?;
            let number = |attribute: &Attribute<Reader<'a>>| match attribute.value() {
                AttributeValue::FileIndex(index) => index,
                value => value.udata_value().unwrap_or(0),
            };
            match attribute.name() {
                dw::DW_AT_low_pc => entry.low = Some(attribute.value()),
                dw::DW_AT_high_pc => entry.high = Some(attribute.value()),
                dw::DW_AT_ranges => entry.ranges = Some(attribute.value()),
                dw::DW_AT_call_file => entry.call.file = number(&attribute),
                dw::DW_AT_call_line => entry.call.line = number(&attribute),
                dw::DW_AT_call_column => entry.call.column = number(&attribute),
                _ => {}
            }
        }
        Ok(entry)
    }
}

/// A string of a section.
fn text(reader: &Reader<'_>) -> Result<String> {
    use gimli::Reader as _;
    Ok(reader.to_string_lossy()?.into_owned())
}

/// Appends to a path; what is absolute replaces it.
fn append(path: &mut String, part: &str) {
    // Builds that can be repeated have something like a URL in place of the machine's folders.
    let is_absolute =
        part.starts_with('/') || part.as_bytes().get(1) == Some(&b':') || part.contains("://");
    if is_absolute || path.is_empty() {
        *path = part.into();
        return;
    }
    if !path.ends_with(['/', '\\']) && !part.is_empty() {
        path.push('/');
    }
    path.push_str(part);
}
