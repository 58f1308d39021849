//! Code that was compiled before: in a cache, or ahead of time.

use super::compiled::CompiledModule;
use super::run::CodeHolder;
use crate::cache::{CacheKey, Known, Sight};
use crate::{Cache, Context, Engine, Error, Module, Result, bail};
use riser_code::image::{ImageError, ImageView};
use riser_module::{ModuleBytes, TableWrites};
use riser_sys::CodePages;
use riser_vm::{CodeImage, InstanceModule, ModuleCopy};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// What is known of a module's code before any is made.
#[derive(Default)]
pub(crate) struct Origin {
    /// The hash of its bytes, if its code is to be kept.
    pub(super) hash: Option<[u8; 32]>,
    /// The code that was made before.
    pub(super) images: Vec<Arc<CodeImage>>,
}

impl Origin {
    /// What the engine's cache has, if there is one. `hash` finds out what the module is.
    pub(crate) fn in_cache(engine: &Engine, hash: impl FnOnce(&Cache) -> [u8; 32]) -> Origin {
        let config = engine.config();
        let (Some(cache), Some(compiled)) = (&config.cache, engine.compiled()) else {
            return Origin::default();
        };
        let hash = hash(cache);
        let key = compiled.key();
        let cache_key = CacheKey::new(key, &hash);
        let files = [cache.lookup(&cache_key), cache.lookup_added(&cache_key)];
        // SAFETY: nobody changes a file of a cache. It is written under another name, and then only replaced; and nobody but
        // this user may write to its folder, as was checked when it was opened.
        let map = |file| unsafe { CodeImage::map(&file, compiled.pages()) }.ok();
        let images = files.into_iter().flatten().filter_map(map);
        let ours = |image: &CodeImage| {
            let view = image.view();
            view.engine() == key && *view.hash() == hash
        };
        Origin { hash: Some(hash), images: images.filter(ours).map(Arc::new).collect() }
    }

    /// The hash of the module's bytes, if its code is to be kept.
    pub(crate) fn hash(&self) -> Option<[u8; 32]> {
        self.hash
    }

    /// Whether the module is known to be valid under the engine's configuration: then the tables that its bodies write.
    pub(crate) fn validated(&self) -> Option<TableWrites> {
        self.images.iter().find_map(|image| image.view().validated()).map(TableWrites::from_bits)
    }
}

/// What is known of a module that is in a file, before that is read.
pub(crate) struct KnownModule {
    cache: Cache,
    sight: Sight,
    known: Known,
}

impl KnownModule {
    /// Looks at a file. `None` if the engine's cache does not know it.
    pub(crate) fn of(engine: &Engine, file: &File) -> Option<KnownModule> {
        engine.compiled()?;
        let cache = engine.config().cache.as_ref()?;
        let sight = Sight::of(file)?;
        let known = cache.known(&sight)?;
        Some(KnownModule { cache: cache.clone(), sight, known })
    }

    /// The hash of the file's content.
    pub(crate) fn hash(&self) -> [u8; 32] {
        self.known.hash
    }

    /// The copy of the module that the cache has.
    pub(crate) fn copy(&self) -> Option<Arc<ModuleCopy>> {
        let found = self.cache.copy(&self.known)?;
        // SAFETY: nobody changes a file of a cache, as for images of code.
        let copy = unsafe { ModuleCopy::map(found.file.try_clone().ok()?) };
        if found.is_checked && copy.is_some() {
            return copy.filter(|copy| *copy.hash() == self.known.hash).map(Arc::new);
        }
        let whole = copy.filter(|copy| *copy.hash() == self.known.hash && copy.is_whole());
        self.cache.copy_checked(&self.sight, &self.known, found, whole.is_some());
        whole.map(Arc::new)
    }

    /// Makes a copy of the module, while the program runs.
    pub(crate) fn make_copy(self, engine: &Engine, module: &Arc<InstanceModule>) {
        let Some(compiled) = engine.compiled() else { return };
        if !self.cache.copies(module.module().bytes.len()) {
            return;
        }
        let module = module.clone();
        let must_wait = self.cache.begin_copy(&self.sight, &self.known);
        let make = move || {
            // Without a copy, the file is read again next time.
            let _ = self.cache.put_copy(&self.known, |to| {
                let written = module.write_copy(self.known.hash, |part| to.write_all(part));
                written.unwrap_or_else(|| Err(std::io::ErrorKind::FileTooLarge.into()))
            });
        };
        match must_wait {
            true => make(),
            false => compiled.in_background(make),
        }
    }
}

/// The module in a copy.
pub(crate) struct ModuleOfCopy(pub(crate) Arc<ModuleCopy>);

impl AsRef<[u8]> for ModuleOfCopy {
    fn as_ref(&self) -> &[u8] {
        self.0.module()
    }
}

/// The module in an image.
struct ModuleOfImage(Arc<CodeImage>);

impl AsRef<[u8]> for ModuleOfImage {
    fn as_ref(&self) -> &[u8] {
        self.0.module()
    }
}

/// Code that was made for an engine, by [`Engine::precompile_module`] or [`Module::serialize`].
///
/// # Safety
/// See [`Module::deserialize`].
unsafe fn from_image(engine: &Engine, image: CodeImage) -> Result<Module> {
    let Some(compiled) = engine.compiled() else {
        bail!("compiled code cannot be run by an interpreter");
    };
    let view = image.view();
    let key = compiled.key();
    if view.engine() != key {
        bail!("it was compiled for another engine: {}", difference(view.engine(), key));
    }
    if view.module().is_none() {
        return Err(Error::new(ImageError::Damaged("its module is missing")));
    }
    let image = Arc::new(image);
    let bytes = ModuleBytes::new(ModuleOfImage(image.clone()));
    let origin = Origin { hash: Some(*image.view().hash()), images: vec![image] };
    Module::from_owned(engine, bytes, origin, None)
}

/// On which pages the engine's code is.
fn pages(engine: &Engine) -> CodePages {
    engine.compiled().map_or_else(CodePages::default, |compiled| compiled.pages())
}

/// What two engines say of themselves is not the same: in which words.
fn difference(theirs: &[u8], ours: &[u8]) -> String {
    let (theirs, ours) = (String::from_utf8_lossy(theirs), String::from_utf8_lossy(ours));
    let only = |one: &str, other: &str| {
        let other: Vec<&str> = other.split_whitespace().collect();
        let words = one.split_whitespace().filter(|word| !other.contains(word));
        let words: Vec<String> =
            words.map(|word| word.escape_default().collect()).take(WORDS_MAX).collect();
        if words.is_empty() { "nothing more".into() } else { words.join(" ") }
    };
    format!("one with {}, where this one has {}", only(&theirs, &ours), only(&ours, &theirs))
}

/// As many differences as a person reads.
const WORDS_MAX: usize = 8;

impl Module {
    /// A module with its code, from what [`Module::serialize`] or [`Engine::precompile_module`] gave.
    ///
    /// ```
    /// use riser::{Engine, Module};
    ///
    /// let engine = Engine::default();
    /// let module = Module::new(&engine, r#"(module (func (export "f")))"#)?;
    /// if engine.is_compiled() {
    ///     let bytes = module.serialize()?;
    ///     // SAFETY: the bytes are those that were just made.
    ///     let again = unsafe { Module::deserialize(&engine, &bytes)? };
    ///     assert!(again.get_export("f").is_some());
    /// }
    /// # riser::Result::<()>::Ok(())
    /// ```
    ///
    /// # Errors
    /// If it is something else or damaged, or was made for an engine with another configuration, on a machine with other
    /// extensions, or by another version.
    ///
    /// # Safety
    /// The bytes contain machine code, which is run as it is: they must come from `serialize` or `precompile_module`, and must not have been changed
    /// by anybody who is not trusted. Checksums find accidents, not attacks.
    pub unsafe fn deserialize(engine: &Engine, bytes: impl AsRef<[u8]>) -> Result<Module> {
        let image = CodeImage::copy(bytes.as_ref(), pages(engine))?;
        // SAFETY: the caller's promise.
        unsafe { from_image(engine, image) }
    }

    /// As [`Module::deserialize`], from a file, which is mapped: of its code only what runs is read.
    ///
    /// # Errors
    /// As for [`Module::deserialize`], and if the file cannot be read.
    ///
    /// # Safety
    /// As for [`Module::deserialize`]; and the file must not be changed or cut while the module is in use. (It may be
    /// replaced by another one of the same name, or removed.)
    pub unsafe fn deserialize_file(engine: &Engine, path: impl AsRef<Path>) -> Result<Module> {
        let path = path.as_ref();
        let what = || format!("failed to load compiled code from `{}`", path.display());
        let file = File::open(path).with_context(what)?;
        // SAFETY: the caller's promise.
        unsafe {
            let image =
                CodeImage::map(&file, pages(engine)).map_err(Error::new).with_context(what)?;
            from_image(engine, image).with_context(what)
        }
    }

    /// As [`Module::deserialize_file`], for the program that runs what its user names. To name a file with machine code to a
    /// command that runs it is what starting a program is: it is the user who has to know where the file came from. Not
    /// part of the stable interface.
    #[doc(hidden)]
    pub fn run_compiled_file(engine: &Engine, path: &Path) -> Result<Module> {
        // SAFETY: the user's promise, see above.
        unsafe { Module::deserialize_file(engine, path) }
    }

    /// The module with the code of all its functions, which are compiled now unless they were before. What it gives is the same each
    /// time, and for [`Module::deserialize`].
    ///
    /// # Errors
    /// If the engine interprets, or a function cannot be compiled.
    pub fn serialize(&self) -> Result<Vec<u8>> {
        compiled(self)?.serialize()
    }

    /// Compiles all functions that have no code yet. `progress` is told how many are done, and of how many, by several threads.
    ///
    /// # Errors
    /// As for [`Module::serialize`].
    pub fn compile_all(&self, progress: impl Fn(usize, usize) + Sync) -> Result<()> {
        compiled(self)?.compile_all(self.engine().config().parallel, &progress)
    }
}

fn compiled(module: &Module) -> Result<&Arc<CompiledModule>> {
    match CodeHolder::of(module) {
        Some(CodeHolder::Compiled(compiled)) => Ok(compiled),
        _ => bail!("the engine interprets, and has no compiled code"),
    }
}

/// The binary in compiled code.
pub(crate) fn module_in(bytes: &[u8]) -> Result<Vec<u8>> {
    let view = ImageView::parse(bytes)?;
    let module = view.module().ok_or(ImageError::Damaged("its module is missing"))?;
    Ok(module.to_vec())
}
