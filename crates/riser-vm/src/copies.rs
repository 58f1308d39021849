//! Copies of modules: a file with the bytes of a module, where the bodies are in them, and what memories hold at first. Bytes are mapped, and
//! memories show them, so that a start looks only at what it needs.
//!
//! How such a file is laid out says `riser_code::copy`. Who may write it, and when it is looked at as a whole, is for its owner to decide.

use crate::images;
use crate::instance::InstanceModule;
use riser_code::copy::{self, CopyLayout, CopySource};
use riser_module::{Body, Module, Outline};
use riser_ops::MemoryIdx;
use riser_sys::{FileMapping, MemoryImage};
use std::fs::File;
use std::sync::Arc;

/// A file with a module.
#[derive(Debug)]
pub struct ModuleCopy {
    file: File,
    mapping: FileMapping,
    layout: CopyLayout,
}

impl ModuleCopy {
    /// Maps a copy. `None` if the file is something else, its head is damaged, or it cannot be mapped.
    ///
    /// # Safety
    /// Nobody changes the file or makes it shorter while this lives, what [`ModuleCopy::images`] gives, or a memory that shows one of these.
    pub unsafe fn map(file: File) -> Option<ModuleCopy> {
        let bytes = file.metadata().ok()?.len();
        let mapping = FileMapping::new(&file, usize::try_from(bytes).ok()?).ok()?;
        // SAFETY: the caller's promise.
        let layout = CopyLayout::read(unsafe { mapping.bytes() }, bytes)?;
        Some(ModuleCopy { file, mapping, layout })
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: who mapped the file promised that it does not change.
        unsafe { self.mapping.bytes() }
    }

    /// The hash that the bytes of the module had.
    pub fn hash(&self) -> &[u8; 32] {
        self.layout.hash()
    }

    /// Whether all of the file is as it was written. This looks at every byte.
    pub fn is_whole(&self) -> bool {
        self.layout.is_whole(self.bytes())
    }

    /// The module's binary.
    pub fn module(&self) -> &[u8] {
        let range = self.layout.module_range();
        self.bytes().get(range.start as usize..range.end as usize).unwrap_or_default()
    }

    /// What decoding it again needs not look at.
    pub fn outline(&self) -> Outline {
        let bodies = self.layout.bodies(self.bytes()).map(|(start, end)| Body { start, end });
        Outline { bodies: bodies.collect(), data_is_placed: self.layout.data_is_placed() }
    }

    /// What memories of the module hold at first. Nothing where the system refuses one of them, or one does not lie in its memory.
    fn images(&self, module: &Module) -> Option<images::MemoryImages> {
        let mut images = vec![None; module.memories.len()];
        for copied in self.layout.memories(self.bytes()) {
            let start = usize::try_from(copied.address).ok()?;
            let pages = start..start.checked_add(usize::try_from(copied.bytes).ok()?)?;
            let image = images.get_mut(copied.memory as usize)?;
            if !images::fits(module, MemoryIdx(copied.memory), &pages) {
                return None;
            }
            let file = self.file.try_clone().ok()?;
            // SAFETY: who mapped the file promised that it does not change.
            let made = unsafe { MemoryImage::of_file(file, copied.start, pages) };
            *image = Some(Arc::new(made.ok()?));
        }
        Some(images::MemoryImages::known(images.into(), self.layout.data_is_placed()))
    }
}

impl InstanceModule {
    /// Lets memories of instances show what a copy of the same module has. There is no instance yet.
    pub fn show_copy(&mut self, copy: &ModuleCopy) {
        if let Some(images) = copy.images(self.module()) {
            self.set_images(images);
        }
    }

    /// Writes a copy, piece by piece.
    ///
    /// # Errors
    /// Those of `put`.
    pub fn write_copy<E>(
        &self,
        hash: [u8; 32],
        put: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Option<Result<(), E>> {
        let module = self.module();
        let bodies: Vec<(u32, u32)> =
            module.bodies.iter().map(|body| (body.start, body.end)).collect();
        let images = self.images().of(module);
        let shown = images.iter().enumerate().filter_map(|(at, image)| Some((at, image.as_ref()?)));
        let shown: Vec<(u32, u64, &[u8])> = shown
            .map(|(at, image)| (at as u32, image.pages().start as u64, image.bytes()))
            .collect();
        let data_is_placed = images::have_all(module, images);
        let (module, bodies) = (&*module.bytes, &*bodies);
        copy::write(&CopySource { hash, module, bodies, images: &shown, data_is_placed }, put)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::{CompileFailure, ModuleCode};
    use core::any::Any;
    use riser_module::{ModuleBytes, ModuleLimits, TypeRegistry};
    use riser_ops::Features;
    use std::io::Write;

    struct NoCode;

    // SAFETY: nothing is ever called.
    unsafe impl ModuleCode for NoCode {
        fn table(&self) -> *const u8 {
            core::ptr::null()
        }

        fn entry(&self, _: u32) -> *const u8 {
            core::ptr::null()
        }

        fn compile(&self, _: u32) -> Result<*const u8, CompileFailure> {
            Err("there is none".into())
        }

        fn as_any(&self) -> &(dyn Any + Send + Sync) {
            self
        }
    }

    fn decode(bytes: ModuleBytes, registry: &TypeRegistry, outline: Option<Outline>) -> Module {
        let (features, limits) = (Features::ALL, ModuleLimits::default());
        match outline {
            Some(outline) => Module::decode_again(bytes, registry, features, &limits, outline),
            None => Module::decode(bytes, registry, features, &limits),
        }
        .unwrap()
    }

    #[test]
    #[cfg_attr(
        riser_portable,
        allow(unreachable_code, unused_variables, reason = "no file is mapped")
    )]
    fn what_was_copied_is_the_module() {
        let text = r#"(module (memory 1) (memory 8) (func) (func (param i32))
            (data (i32.const 3) "one") (data (memory 1) (i32.const 70000) "PLACE")
            (data (i32.const 4) "two"))"#;
        let large = "x".repeat(200 << 10);
        let bytes = wat::parse_str(text.replace("PLACE", &large)).unwrap();
        let registry = TypeRegistry::default();
        let decoded = decode(ModuleBytes::new(bytes.clone()), &registry, None);
        let module = InstanceModule::new(Arc::new(decoded), Box::new(NoCode));
        let path = std::env::temp_dir().join(format!("riser-copy-{}", std::process::id()));
        let mut file = File::options().create_new(true).read(true).write(true).open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        module.write_copy([3; 32], |part| file.write_all(part)).unwrap().unwrap();
        // SAFETY: the file has no name, and this test does not change it any more.
        let copy = unsafe { ModuleCopy::map(file) };
        if !riser_sys::COMPILED_CODE {
            assert!(copy.is_none(), "files are mapped where code is");
            return;
        }
        let copy = copy.unwrap();
        assert_eq!((copy.hash(), copy.module()), (&[3; 32], &*bytes));
        assert!(copy.is_whole());
        // Memory 0 has little data, and no image.
        assert!(!copy.outline().data_is_placed);
        let again = decode(ModuleBytes::new(bytes), &registry, Some(copy.outline()));
        assert_eq!(again.bodies, module.module().bodies);
        assert_eq!(format!("{:?}", again.data()), format!("{:?}", module.module().data()));
        if copy.images(&again).is_none_or(|images| images.of(&again).is_empty()) {
            return;
        }
        let found = copy.images(&again).unwrap();
        let image = found.of(&again)[1].as_ref().unwrap();
        let at = 70_000 - image.pages().start;
        assert!(found.of(&again)[0].is_none());
        assert_eq!(&image.bytes()[at..at + large.len()], large.as_bytes());
        let pages = |start: usize, end: usize| start << 16..end << 16;
        let fits = |memory, pages| images::fits(&again, MemoryIdx(memory), &pages);
        assert!(fits(0, pages(0, 1)) && fits(1, pages(3, 8)));
        assert!(!fits(0, pages(0, 2)) && !fits(1, pages(8, 9)) && !fits(2, pages(0, 0)));
    }
}
