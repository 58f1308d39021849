//! The compiler: what an engine makes once, and what each thread that compiles has.

use crate::artifact;
use crate::chains;
use crate::env::Env;
use crate::joins;
use crate::places;
use crate::translate::{Beginning, Failure, LocalsIn, Translator};
use core::fmt;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::dominator_tree::DominatorTree;
use cranelift_codegen::ir::{Function, UserFuncName};
use cranelift_codegen::isa::{Builder, OwnedTargetIsa, TargetIsa};
use cranelift_codegen::settings::{self, Configurable, Flags};
use cranelift_codegen::{CodegenResult, CompiledCode, Context, isa};
use cranelift_frontend::FunctionBuilderContext;
use riser_code::{CodeArtifact, CodeOptions, CompileError};
use riser_front::Walker;
use riser_module::{Module, ModuleError};
use riser_ops::FuncIdx;
use target_lexicon::{Architecture, Triple};

/// Makes machine code for one machine, with one set of options. Threads share it; each has a [`CompileContext`] of its
/// own.
#[derive(Clone)]
pub struct Compiler {
    isa: OwnedTargetIsa,
    /// The same with little effort, for functions for which the other one would take too long.
    quick: OwnedTargetIsa,
    options: CodeOptions,
}

impl fmt::Debug for Compiler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compiler").field("fingerprint", &self.fingerprint()).finish()
    }
}

/// The memory that compiling takes: used for one function after the other.
pub struct CompileContext {
    pub(crate) walker: Walker,
    pub(crate) builder: FunctionBuilderContext,
    pub(crate) context: Context,
    lower: Box<Lower>,
    /// Whether the function is compiled with little effort.
    is_quick: bool,
}

/// Makes machine code of an optimized function, with text if asked for. It keeps the memory of register allocation, whose
/// type only Cranelift can name.
type Lower = dyn FnMut(&dyn TargetIsa, &Function, &DominatorTree, bool) -> CodegenResult<CompiledCode>
    + Send;

/// What lowers functions, with memory of its own.
fn lower() -> Box<Lower> {
    let mut memory = Default::default();
    Box::new(move |isa, func, domtree, text| {
        let control = &mut ControlPlane::default();
        let code = isa.compile_function(func, domtree, &mut memory, text, control)?;
        Ok(code.apply_params(&func.params))
    })
}

impl fmt::Debug for CompileContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompileContext").finish_non_exhaustive()
    }
}

/// The extensions of x86-64 without which vectors would need functions of Cranelift's.
const X86_64_NEEDS: [&str; 3] = ["has_sse3", "has_ssse3", "has_sse41"];

/// What is assumed of other machines than this one: x86-64-v2; vectors on RISC-V.
const X86_64_ASSUMED: [&str; 6] =
    ["has_sse3", "has_ssse3", "has_sse41", "has_sse42", "has_popcnt", "has_cmpxchg16b"];
const RISCV64_ASSUMED: [&str; 2] = ["has_v", "has_zvl128b"];

impl Compiler {
    /// For this machine, with all that it has.
    ///
    /// # Errors
    /// If there is no compiler for machines like this one, or it lacks an extension that all but the oldest have.
    pub fn host(options: CodeOptions) -> Result<Compiler, CompileError> {
        let builder = cranelift_native::builder().map_err(CompileError::new)?;
        Compiler::new(builder, options)
    }

    /// For another machine, of which little more is assumed than what all of its kind have.
    ///
    /// # Errors
    /// If the triple is not known, or the compiler was built without support for it.
    pub fn for_target(triple: &str, options: CodeOptions) -> Result<Compiler, CompileError> {
        let unknown = |error: &dyn fmt::Display| {
            CompileError::new(format!("no such machine as `{triple}`: {error}"))
        };
        let target: Triple = triple.parse().map_err(|error| unknown(&error))?;
        let assumed: &[&str] = match target.architecture {
            Architecture::X86_64 => &X86_64_ASSUMED,
            Architecture::Riscv64(_) => &RISCV64_ASSUMED,
            _ => &[],
        };
        let mut builder = isa::lookup(target).map_err(|error| unknown(&error))?;
        for extension in assumed {
            builder.enable(extension).map_err(|error| unknown(&error))?;
        }
        Compiler::new(builder, options)
    }

    fn new(builder: Builder, options: CodeOptions) -> Result<Compiler, CompileError> {
        let finish = |effort: Effort| {
            let flags = flags(options, builder.triple(), effort)
                .map_err(|error| CompileError::new(error.to_string()))?;
            builder.finish(flags).map_err(|error| CompileError::new(error.to_string()))
        };
        let (isa, quick) = (finish(Effort::Full)?, finish(Effort::Little)?);
        if isa.pointer_bytes() != 8 {
            return Err(CompileError::new("machines whose addresses are not 64 bits long"));
        }
        if isa.triple().architecture == Architecture::X86_64 {
            let flags = isa.isa_flags();
            let has = |name: &str| {
                flags.iter().any(|flag| flag.name == name && flag.as_bool() == Some(true))
            };
            if let Some(lacking) = X86_64_NEEDS.into_iter().find(|name| !has(name)) {
                let extension = lacking.trim_start_matches("has_");
                let what = format!("for processors without the extension {extension}");
                return Err(CompileError::new(what));
            }
        }
        Ok(Compiler { isa, quick, options })
    }

    /// The options.
    pub fn options(&self) -> &CodeOptions {
        &self.options
    }

    /// Tells code of one compiler from code of others: the machine and its extensions, the flags, the versions.
    pub fn fingerprint(&self) -> String {
        let CodeOptions { canonicalize_nans, fuel, guards, spectre } = self.options;
        let extensions: Vec<String> =
            self.isa.isa_flags().iter().map(ToString::to_string).collect();
        format!(
            "riser-opt {} cranelift {} {} [{}] canonicalize_nans={canonicalize_nans} fuel={fuel} guards={guards} spectre={spectre}",
            env!("CARGO_PKG_VERSION"),
            cranelift_codegen::VERSION,
            self.isa.triple(),
            extensions.join(" "),
        )
    }

    /// Memory for one thread that compiles.
    pub fn new_context(&self) -> CompileContext {
        CompileContext {
            walker: Walker::new(),
            builder: FunctionBuilderContext::new(),
            context: Context::new(),
            lower: lower(),
            is_quick: false,
        }
    }

    pub(crate) fn isa(&self) -> &dyn TargetIsa {
        &*self.isa
    }

    /// Makes the code of a defined function (0 is the first one that is not imported), whose body was validated.
    ///
    /// # Errors
    /// If the function is larger than the compiler can take, or there is no such function.
    ///
    /// # Panics
    /// Perhaps, if the body is not valid.
    pub fn function(
        &self,
        cx: &mut CompileContext,
        module: &Module,
        defined: u32,
    ) -> Result<CodeArtifact, CompileError> {
        self.translate(cx, module, defined, None)?;
        self.compile(cx)
    }

    /// Makes code for the rest of a function that is where the loop at byte `at` of the module begins. It is called as a function
    /// without parameters that has the same results, by a tail call, and finds the frame where `VmRuntime::replacement` says.
    ///
    /// # Errors
    /// As for [`Compiler::function`]; if there is no such loop.
    pub fn loop_entry(
        &self,
        cx: &mut CompileContext,
        module: &Module,
        defined: u32,
        at: u32,
    ) -> Result<CodeArtifact, CompileError> {
        let func = FuncIdx(module.imported.funcs.saturating_add(defined));
        let beginning = Beginning::find(&mut cx.walker, module, func, at)
            .ok_or_else(|| CompileError::new(NOWHERE))?;
        self.translate(cx, module, defined, Some(&beginning))?;
        self.compile(cx)
    }

    /// The function as CLIF, before and after it was optimized.
    ///
    /// # Errors
    /// As for [`Compiler::function`].
    pub fn clif(
        &self,
        cx: &mut CompileContext,
        module: &Module,
        defined: u32,
    ) -> Result<String, CompileError> {
        self.translate(cx, module, defined, None)?;
        let before = cx.context.func.display().to_string();
        self.optimize(cx)?;
        Ok(format!("{before}\n; optimized\n{}", cx.context.func.display()))
    }

    /// The machine code of a function as text.
    ///
    /// # Errors
    /// As for [`Compiler::function`].
    pub fn assembly(
        &self,
        cx: &mut CompileContext,
        module: &Module,
        defined: u32,
    ) -> Result<String, CompileError> {
        self.translate(cx, module, defined, None)?;
        self.optimize(cx)?;
        let code = self.lower(cx, true)?;
        code.vcode.ok_or_else(|| CompileError::new("text of the code"))
    }

    /// Makes CLIF of a function, or of what is left of it from a loop on.
    fn translate(
        &self,
        cx: &mut CompileContext,
        module: &Module,
        defined: u32,
        beginning: Option<&Beginning>,
    ) -> Result<(), CompileError> {
        let mut locals_in = LocalsIn::Variables;
        loop {
            // Each time fewer locals are variables.
            let again =
                match self.translate_with(cx, module, defined, beginning, locals_in.clone())? {
                    Ok(()) => return Ok(()),
                    Err(Failure::Error(what)) => return Err(CompileError::new(what)),
                    Err(Failure::WrittenEverywhere(locals)) => LocalsIn::Both(locals),
                    Err(Failure::TooManyValues) => LocalsIn::Frame,
                };
            if matches!(locals_in, LocalsIn::Both(_)) && again != LocalsIn::Frame
                || locals_in == LocalsIn::Frame
            {
                return Err(CompileError::new("that many values"));
            }
            locals_in = again;
        }
    }

    fn translate_with(
        &self,
        cx: &mut CompileContext,
        module: &Module,
        defined: u32,
        beginning: Option<&Beginning>,
        locals_in: LocalsIn,
    ) -> Result<Result<(), Failure>, CompileError> {
        cx.context.clear();
        let func = FuncIdx(module.imported.funcs.saturating_add(defined));
        cx.context.func.name = UserFuncName::user(0, func.0);
        let env = Env::new(module, self.options, self.isa());
        let mut translator =
            Translator::new(&env, &mut cx.context.func, &mut cx.builder, locals_in);
        let mut walk = |translator: &mut Translator<'_>| {
            if let Some(beginning) = beginning {
                translator.begin_at(beginning.clone());
                let facts = cx.walker.trusted(module, func, translator)?;
                if !translator.goes_on() {
                    // There is no code to go on behind.
                    return Ok(facts);
                }
                translator.begin_again();
            }
            cx.walker.trusted(module, func, translator)
        };
        let walked = walk(&mut translator);
        let outcome = match walked {
            Ok(_) if !translator.was_entered() && translator.goes_on() => {
                Ok(Err(Failure::Error(NOWHERE)))
            }
            Ok(_) => Ok(translator.finish(self.isa())),
            Err(error) => Err(invalid(&error)),
        };
        if !matches!(outcome, Ok(Ok(()))) {
            // What is left of the function is not to be found by the next one.
            cx.builder = FunctionBuilderContext::new();
        }
        outcome
    }

    /// Makes machine code of the CLIF.
    pub(crate) fn compile(&self, cx: &mut CompileContext) -> Result<CodeArtifact, CompileError> {
        self.optimize(cx)?;
        artifact::of(&self.lower(cx, false)?)
    }

    /// Optimizes the CLIF.
    fn optimize(&self, cx: &mut CompileContext) -> Result<(), CompileError> {
        cx.is_quick =
            cx.context.func.dfg.num_insts() > MOST_INSTS || joins::are_too_deep(&mut cx.context);
        let isa = self.isa_for(cx);
        let outcome = cx.context.optimize(isa, &mut ControlPlane::default());
        outcome.map_err(|error| CompileError::new(error.to_string()))?;
        chains::shorten(&mut cx.context);
        places::attribute(&mut cx.context.func);
        Ok(())
    }

    /// Makes machine code of optimized CLIF.
    fn lower(&self, cx: &mut CompileContext, text: bool) -> Result<CompiledCode, CompileError> {
        let isa = self.isa_for(cx);
        let Context { func, domtree, .. } = &cx.context;
        let lowered = (cx.lower)(isa, func, domtree, text);
        lowered.map_err(|error| CompileError::new(error.to_string()))
    }

    /// With what the function is compiled.
    fn isa_for(&self, cx: &CompileContext) -> &dyn TargetIsa {
        if cx.is_quick { &*self.quick } else { &*self.isa }
    }
}

fn invalid(error: &ModuleError) -> CompileError {
    CompileError::new(format!("a body that is not valid: {error}"))
}

/// Said of a loop that is to be entered.
const NOWHERE: &str = "a loop that is nowhere";

/// A function of more instructions than these is compiled with little effort: the register allocator clears a table for each range of
/// values, and that of 290,000 instructions with calls takes a quarter of its time, and more of larger ones. The largest function of clang
/// has 107,000.
const MOST_INSTS: usize = 250_000;

/// How much is done for good code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effort {
    Full,
    /// What takes a time that is linear in the function.
    Little,
}

/// Cranelift's settings.
fn flags(
    options: CodeOptions,
    target: &Triple,
    effort: Effort,
) -> Result<Flags, settings::SetError> {
    let spectre = if options.spectre { "true" } else { "false" };
    // RISC-V returns fewer values in registers than the other machines; the rest goes through memory.
    let is_riscv = matches!(target.architecture, Architecture::Riscv64(_));
    let returns_in_memory = if is_riscv { "true" } else { "false" };
    let (level, allocator) = match effort {
        Effort::Full => ("speed", "backtracking"),
        Effort::Little => ("none", "single_pass"),
    };
    let mut flags = settings::builder();
    for (name, value) in [
        ("opt_level", level),
        ("regalloc_algorithm", allocator),
        ("preserve_frame_pointers", "true"),
        ("unwind_info", "false"),
        ("enable_probestack", "false"),
        ("enable_multi_ret_implicit_sret", returns_in_memory),
        // It takes time.
        ("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" }),
        ("enable_nan_canonicalization", if options.canonicalize_nans { "true" } else { "false" }),
        ("enable_heap_access_spectre_mitigation", spectre),
        ("enable_table_access_spectre_mitigation", spectre),
    ] {
        flags.set(name, value)?;
    }
    Ok(Flags::new(flags))
}
