//! Code that was compiled before: an image (`riser-code`) in executable memory.

use super::registry::{CodeKind, CodeOwner, Function};
use core::ptr::NonNull;
use riser_code::image::{ImageCode, ImageError, ImageLayout, ImageView, Owner, TrampolineKind};
use riser_sys::{CodeMemory, CodePages, FileMapping};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

/// The code of an image, ready to be run.
#[derive(Debug)]
pub struct CodeImage {
    layout: ImageLayout,
    head: Head,
    /// Keeps the code where it is.
    _memory: CodeMemory,
    code: NonNull<[u8]>,
}

/// What an image has besides code.
#[derive(Debug)]
enum Head {
    Mapped(FileMapping),
    Copied(Box<[u8]>),
}

// SAFETY: everything in it is only read.
unsafe impl Send for CodeImage {}
// SAFETY: as before.
unsafe impl Sync for CodeImage {}

/// So many bytes of a file tell where its code begins.
const START_BYTES: usize = 128;

impl CodeImage {
    /// Maps an image. Where code must be on pages of no file, it is copied.
    ///
    /// # Errors
    /// If the file is not an image or damaged, or cannot be mapped.
    ///
    /// # Safety
    /// Nobody changes the file or makes it shorter while this lives.
    pub unsafe fn map(mut file: &File, pages: CodePages) -> Result<CodeImage, ImageError> {
        const UNREADABLE: ImageError = ImageError::Damaged("it cannot be read");
        let bytes = file.metadata().map_err(|_| UNREADABLE)?.len();
        let mut start = [0; START_BYTES];
        file.rewind().map_err(|_| UNREADABLE)?;
        file.read_exact(&mut start).map_err(|_| ImageError::NotAnImage)?;
        let head_bytes = ImageLayout::head_bytes(&start)?;
        let head_bytes = usize::try_from(head_bytes).map_err(|_| UNREADABLE)?;
        let head = FileMapping::new(file, head_bytes).map_err(|_| UNREADABLE)?;
        // SAFETY: the caller's promise.
        let layout = ImageLayout::check(unsafe { head.bytes() }, bytes)?;
        let range = layout.code_range();
        let code_bytes = usize::try_from(range.end - range.start).map_err(|_| UNREADABLE)?;
        let mut memory = CodeMemory::on(pages);
        let base = match (code_bytes, pages) {
            (0, _) => NonNull::<u8>::dangling().as_ptr().cast_const(),
            (_, CodePages::Anonymous) => {
                let mut code = vec![0; code_bytes];
                file.seek(SeekFrom::Start(range.start)).map_err(|_| UNREADABLE)?;
                file.read_exact(&mut code).map_err(|_| UNREADABLE)?;
                memory.publish(&code, CODE_ALIGNMENT).map_err(|_| UNREADABLE)?
            }
            _ => memory.map_file(file, range.start, code_bytes).map_err(|_| UNREADABLE)?,
        };
        CodeImage::new(layout, Head::Mapped(head), memory, (base, code_bytes))
    }

    /// Copies an image.
    ///
    /// # Errors
    /// If the bytes are not an image or a damaged one, or there is no memory for its code.
    pub fn copy(bytes: &[u8], pages: CodePages) -> Result<CodeImage, ImageError> {
        let view = ImageView::parse(bytes)?;
        let (layout, code) = (*view.layout(), view.code());
        let mut memory = CodeMemory::on(pages);
        let base = match code.len() {
            0 => NonNull::<u8>::dangling().as_ptr().cast_const(),
            _ => memory
                .publish(code, CODE_ALIGNMENT)
                .map_err(|_| ImageError::Damaged("there is no memory for its code"))?,
        };
        let head = bytes[..bytes.len() - code.len()].into();
        CodeImage::new(layout, Head::Copied(head), memory, (base, code.len()))
    }

    fn new(
        layout: ImageLayout,
        head: Head,
        memory: CodeMemory,
        (base, bytes): (*const u8, usize),
    ) -> Result<CodeImage, ImageError> {
        let code = NonNull::slice_from_raw_parts(
            NonNull::new(base.cast_mut()).ok_or(ImageError::NotAnImage)?,
            bytes,
        );
        let image = CodeImage { layout, head, _memory: memory, code };
        let (head, code) = image.parts();
        match layout.view(head, code) {
            Some(_) => Ok(image),
            None => Err(ImageError::Damaged("its end is missing")),
        }
    }

    fn parts(&self) -> (&[u8], &[u8]) {
        let head = match &self.head {
            // SAFETY: who mapped the file promised that it does not change.
            Head::Mapped(mapping) => unsafe { mapping.bytes() },
            Head::Copied(bytes) => bytes,
        };
        // SAFETY: so many bytes were mapped or copied, are readable, and do not change.
        (head, unsafe { self.code.as_ref() })
    }

    /// What is in it.
    pub fn view(&self) -> ImageView<'_> {
        let (head, code) = self.parts();
        self.layout.view(head, code).expect("it was looked at when it was made")
    }

    /// The module's binary, as it was written: empty if there is none. That it is whole is for [`ImageView::module`] to say.
    pub fn module(&self) -> &[u8] {
        let range = self.layout.module_range();
        let (start, end) = (range.start as usize, range.end as usize);
        self.parts().0.get(start..end).unwrap_or_default()
    }

    /// Where code of the image begins.
    pub fn address(&self, code: &ImageCode<'_>) -> *const u8 {
        self.code.cast::<u8>().as_ptr().cast_const().wrapping_add(code.start as usize)
    }

    /// The addresses of its code.
    pub(super) fn range(&self) -> core::ops::Range<usize> {
        let start = self.code.cast::<u8>().as_ptr().addr();
        start..start + self.code.len()
    }

    /// The function that contains an address. For signal handlers too.
    pub(super) fn find(&self, pc: usize, of: CodeOwner) -> Option<Function> {
        let place = u32::try_from(pc.checked_sub(self.range().start)?).ok()?;
        let (head, bytes) = self.parts();
        let (owner, code) = self.layout.view(head, bytes)?.owner(place)?;
        let kind = match owner {
            Owner::Function(defined) => CodeKind::Function(defined),
            Owner::Trampoline(TrampolineKind::Entry, _) => CodeKind::Entry,
            Owner::Trampoline(TrampolineKind::Host, _) => CodeKind::Host,
        };
        let tables = NonNull::from(code.tables.bytes());
        // SAFETY: the tables are part of the image, which is there as long as it is registered.
        Some(unsafe { Function::new((self.address(&code), code.code.len()), kind, of, tables) })
    }
}

/// The strictest alignment that code has.
const CODE_ALIGNMENT: usize = 64;

#[cfg(test)]
mod tests {
    use super::super::registry;
    use super::super::space::CodeSpace;
    use super::*;
    use riser_code::CodeArtifact;
    use riser_code::image::{ImageSource, ImageWriter};
    use std::io::Write;
    use std::sync::Arc;

    fn artifact(fill: u8) -> CodeArtifact {
        CodeArtifact { code: vec![fill; 70], alignment: 32, ..CodeArtifact::default() }
    }

    fn image() -> Vec<u8> {
        let of = [artifact(1), artifact(2), artifact(3)];
        let module = Some(&b"module"[..]);
        let mut writer = ImageWriter::new(ImageSource {
            engine: b"e",
            hash: [0; 32],
            validated: Some(0),
            module,
        });
        writer.function(4, (&of[0]).into());
        writer.function(5, (&of[1]).into());
        writer.trampoline(TrampolineKind::Entry, b"i>".into(), (&of[2]).into());
        writer.to_vec().unwrap()
    }

    fn check(image: CodeImage) {
        let image = Arc::new(image);
        assert_eq!(image.module(), b"module");
        let mut space = CodeSpace::new(CodeOwner(77), CodePages::default());
        space.adopt(image.clone());
        let view = image.view();
        let found = |code: &ImageCode<'_>| {
            let start = image.address(code).addr();
            assert_eq!(start % 32, 0);
            let last = registry::find(start + 69).unwrap();
            assert_eq!((last.start, last.end, last.owner), (start, start + 70, CodeOwner(77)));
            assert!(registry::find(start + 70).is_none_or(|next| next.start != start));
            last.kind
        };
        assert_eq!(found(&view.function(5).unwrap()), CodeKind::Function(5));
        let entry = view.trampoline(TrampolineKind::Entry, b"i>").unwrap();
        assert_eq!(found(&entry), CodeKind::Entry);
        let somewhere = image.address(&entry).addr();
        drop(space);
        assert!(registry::find(somewhere).is_none());
    }

    #[test]
    fn code_of_images_is_found_by_its_address() {
        if !riser_sys::COMPILED_CODE {
            return;
        }
        check(CodeImage::copy(&image(), CodePages::default()).unwrap());
        let path = std::env::temp_dir().join(format!("riser-code-image-{}", std::process::id()));
        let mut file = File::options().create_new(true).read(true).write(true).open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        file.write_all(&image()).unwrap();
        // SAFETY: the file has no name any more, and this test does not change it.
        check(unsafe { CodeImage::map(&file, CodePages::default()) }.unwrap());
        file.set_len(100).unwrap();
        // SAFETY: as before.
        assert!(unsafe { CodeImage::map(&file, CodePages::default()) }.is_err());
    }
}
