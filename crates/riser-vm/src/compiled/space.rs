//! Executable memory with what is known of the code in it.

use super::image::CodeImage;
use super::registry::{self, CodeKind, CodeOwner, Function, FunctionList, Functions};
use core::ptr::NonNull;
use riser_code::ArtifactView;
use riser_sys::{CodeMemory, CodePages, OutOfMemory};
use std::sync::Arc;

/// The code of one owner. Code in it can run as long as this lives.
#[derive(Debug)]
pub struct CodeSpace {
    owner: CodeOwner,
    memory: CodeMemory,
    /// The pieces of memory in use, by their starts: the last one is where code is added.
    pieces: Vec<(usize, Arc<FunctionList>)>,
    /// What was published, and its encoded tables.
    published: Vec<Published>,
    /// Keeps an image as long as the rest.
    images: Vec<Arc<CodeImage>>,
    bytes: usize,
}

/// A piece of code in a [`CodeSpace`].
#[derive(Debug)]
pub struct Published {
    code: NonNull<[u8]>,
    tables: Box<[u8]>,
    /// What its address is a multiple of.
    pub alignment: u32,
    /// What it is.
    pub kind: CodeKind,
}

// SAFETY: the code is only read.
unsafe impl Send for Published {}
// SAFETY: as before.
unsafe impl Sync for Published {}

impl Published {
    /// The code.
    pub fn code(&self) -> &[u8] {
        // SAFETY: code stays where it was published, and as it is, as long as the space that lends this.
        unsafe { self.code.as_ref() }
    }

    /// Its encoded tables.
    pub fn tables(&self) -> &[u8] {
        &self.tables
    }
}

impl CodeSpace {
    /// No code yet; on what pages it is going to be.
    pub fn new(owner: CodeOwner, pages: CodePages) -> CodeSpace {
        let (memory, pieces, published) = (CodeMemory::on(pages), Vec::new(), Vec::new());
        CodeSpace { owner, memory, pieces, published, images: Vec::new(), bytes: 0 }
    }

    /// Whose code it is.
    pub fn owner(&self) -> CodeOwner {
        self.owner
    }

    /// The bytes of code and tables.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Puts code where it can be run: its address.
    ///
    /// # Errors
    /// If the system has no executable memory.
    pub fn publish(
        &mut self,
        artifact: ArtifactView<'_>,
        kind: CodeKind,
    ) -> Result<*const u8, OutOfMemory> {
        let tables = artifact.encode_tables().into_boxed_slice();
        self.publish_encoded(artifact.code, artifact.alignment, tables, kind)
    }

    /// As [`CodeSpace::publish`], with tables that are encoded already.
    ///
    /// # Errors
    /// If the system has no executable memory.
    pub fn publish_encoded(
        &mut self,
        bytes: &[u8],
        alignment: u32,
        tables: Box<[u8]>,
        kind: CodeKind,
    ) -> Result<*const u8, OutOfMemory> {
        let code = self.memory.publish(bytes, alignment as usize)?;
        self.bytes += bytes.len() + tables.len();
        let piece = self.piece_of(code);
        // SAFETY: the tables are kept as long as the memory is registered.
        let function = unsafe {
            Function::new((code, bytes.len()), kind, self.owner, NonNull::from(&*tables))
        };
        piece.push(function);
        let start = NonNull::new(code.cast_mut()).unwrap_or(NonNull::dangling());
        let published = NonNull::slice_from_raw_parts(start, bytes.len());
        self.published.push(Published { code: published, tables, alignment, kind });
        Ok(code)
    }

    /// Nobody runs what is published from now on before [`CodeSpace::seal`]: about so many bytes, which that makes cheaper.
    pub fn open(&mut self, expected: usize) {
        self.memory.open(expected);
    }

    /// Lets what was published since [`CodeSpace::open`] be run.
    ///
    /// # Errors
    /// If the system refuses that; then nobody may run it.
    pub fn seal(&mut self) -> Result<(), OutOfMemory> {
        self.memory.seal()
    }

    /// What was published so far, in order.
    pub fn published(&self) -> &[Published] {
        &self.published
    }

    /// Lets the code of an image be run.
    pub fn adopt(&mut self, image: Arc<CodeImage>) {
        let range = image.range();
        if !range.is_empty() {
            self.pieces.push((range.start, Arc::default()));
            registry::add(range, Functions::Image(image.clone(), self.owner));
        }
        self.images.push(image);
    }

    /// The list for the piece of memory that contains an address.
    fn piece_of(&mut self, code: *const u8) -> Arc<FunctionList> {
        let here = self.memory.ranges().find(|range| range.contains(&code.addr()));
        let range = here.expect("code is published in memory that there is");
        if let Some((_, list)) = self.pieces.iter().rev().find(|piece| piece.0 == range.start) {
            return list.clone();
        }
        let list = Arc::new(FunctionList::default());
        registry::add(range.clone(), Functions::List(list.clone()));
        self.pieces.push((range.start, list.clone()));
        list
    }
}

impl Drop for CodeSpace {
    fn drop(&mut self) {
        let starts: Vec<usize> = self.pieces.iter().map(|piece| piece.0).collect();
        registry::remove(&starts);
    }
}
