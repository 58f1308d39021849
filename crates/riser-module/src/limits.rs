//! How large a module may be.
//!
//! The defaults are the table in the JavaScript API specification (section "Implementation limits"), which
//! all browsers share, so that a module which runs there runs here and the other way round. Where that table
//! is silent:
//!
//! - `element_segments` (100,000), `name_bytes` (100,000), `catches` (10,000) are those of `wasmparser` 0.263.
//! - `br_table` has no limit of its own: its targets stand in a body, which has one.
//! - The size of a table (10,000,000) is a limit when it is made, not of the module that declares it.
//!
//! `wasmparser` does not bound `array_new_fixed` and `module_bytes`, and bounds the sum of the sizes of all
//! imported and exported types (1,000,000), which the standard does not; so do we not.

/// Limits on the parts of a module. Each is the largest number allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ModuleLimits {
    /// Bytes of the module.
    pub module_bytes: u32,
    /// Types, over all recursion groups; also the number of groups.
    pub types: u32,
    /// Supertypes above a type.
    pub subtyping_depth: u32,
    /// Functions, imported ones included.
    pub funcs: u32,
    /// Imports.
    pub imports: u32,
    /// Exports.
    pub exports: u32,
    /// Globals, imported ones included.
    pub globals: u32,
    /// Tags, imported ones included.
    pub tags: u32,
    /// Tables, imported ones included.
    pub tables: u32,
    /// Memories, imported ones included.
    pub memories: u32,
    /// Element segments.
    pub element_segments: u32,
    /// Elements of a segment.
    pub segment_elements: u32,
    /// Data segments.
    pub data_segments: u32,
    /// Bytes of a name.
    pub name_bytes: u32,
    /// Bytes of a function body.
    pub body_bytes: u32,
    /// Locals of a function, parameters included.
    pub locals: u32,
    /// Parameters of a function or block.
    pub params: u32,
    /// Results of a function or block.
    pub results: u32,
    /// Fields of a structure.
    pub struct_fields: u32,
    /// Operands of `array.new_fixed`.
    pub array_new_fixed: u32,
    /// Handlers of a `try_table`.
    pub catches: u32,
}

impl ModuleLimits {
    /// The limits that browsers share.
    pub const DEFAULT: ModuleLimits = ModuleLimits {
        module_bytes: 1 << 30,
        types: 1_000_000,
        subtyping_depth: 63,
        funcs: 1_000_000,
        imports: 1_000_000,
        exports: 1_000_000,
        globals: 1_000_000,
        tags: 1_000_000,
        tables: 100_000,
        memories: 100,
        element_segments: 100_000,
        segment_elements: 10_000_000,
        data_segments: 100_000,
        name_bytes: 100_000,
        body_bytes: 7_654_321,
        locals: 50_000,
        params: 1_000,
        results: 1_000,
        struct_fields: 10_000,
        array_new_fixed: 10_000,
        catches: 10_000,
    };
}

impl Default for ModuleLimits {
    fn default() -> ModuleLimits {
        ModuleLimits::DEFAULT
    }
}
