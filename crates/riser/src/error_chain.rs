//! The error of the whole API: one pointer wide, made of any error or message, with layers of context.
//!
//! An [`Error`] is a chain of layers. The innermost holds an error of some type or a message; each context
//! adds a layer outside. Asking for a type ([`Error::downcast_ref`]) looks through all layers, so that a trap
//! is found behind the backtrace and whatever hosts added. `ensure.rs` has the macros.

use core::any::Any;
use core::error::Error as StdError;
use core::fmt::{self, Debug, Display};

/// The result of the API's functions.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// An error of any kind, with context.
///
/// ```
/// use riser::{Context, Error, Trap};
///
/// let error = Error::from(Trap::IntegerOverflow).context("while adding");
/// assert_eq!(error.to_string(), "while adding");
/// assert_eq!(error.downcast_ref::<Trap>(), Some(&Trap::IntegerOverflow));
/// assert_eq!(error.root_cause().to_string(), "wasm trap: integer overflow");
///
/// let missing: riser::Result<u8> = None.context("no value");
/// assert_eq!(format!("{:#}", missing.unwrap_err()), "no value");
/// ```
pub struct Error {
    node: Box<Node>,
}

/// A layer and what lies behind it.
struct Node {
    layer: Box<dyn Layer>,
    inner: Option<Error>,
}

/// What a layer holds: an error, a message or a context.
trait Layer: Send + Sync {
    fn display(&self) -> &dyn Display;
    fn debug(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
    fn any(&self) -> &dyn Any;
    fn any_mut(&mut self) -> &mut dyn Any;
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
    /// The error, if the layer holds one rather than text.
    fn error(&self) -> Option<&(dyn StdError + Send + Sync + 'static)>;
    fn into_error(self: Box<Self>) -> Result<Box<dyn StdError + Send + Sync>, Box<dyn Layer>>;
}

struct Typed<E>(E);
struct Text<M>(M);
struct Boxed(Box<dyn StdError + Send + Sync>);

impl<E: StdError + Send + Sync + 'static> Layer for Typed<E> {
    fn display(&self) -> &dyn Display {
        &self.0
    }

    fn debug(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Debug::fmt(&self.0, f)
    }

    fn any(&self) -> &dyn Any {
        &self.0
    }

    fn any_mut(&mut self) -> &mut dyn Any {
        &mut self.0
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        Box::new(self.0)
    }

    fn error(&self) -> Option<&(dyn StdError + Send + Sync + 'static)> {
        Some(&self.0)
    }

    fn into_error(self: Box<Self>) -> Result<Box<dyn StdError + Send + Sync>, Box<dyn Layer>> {
        Ok(Box::new(self.0))
    }
}

impl<M: Display + Send + Sync + 'static> Layer for Text<M> {
    fn display(&self) -> &dyn Display {
        &self.0
    }

    fn debug(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(&self.0, f)
    }

    fn any(&self) -> &dyn Any {
        &self.0
    }

    fn any_mut(&mut self) -> &mut dyn Any {
        &mut self.0
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        Box::new(self.0)
    }

    fn error(&self) -> Option<&(dyn StdError + Send + Sync + 'static)> {
        None
    }

    fn into_error(self: Box<Self>) -> Result<Box<dyn StdError + Send + Sync>, Box<dyn Layer>> {
        Err(self)
    }
}

impl Layer for Boxed {
    fn display(&self) -> &dyn Display {
        &self.0
    }

    fn debug(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Debug::fmt(&self.0, f)
    }

    fn any(&self) -> &dyn Any {
        &self.0
    }

    fn any_mut(&mut self) -> &mut dyn Any {
        &mut self.0
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        Box::new(self.0)
    }

    fn error(&self) -> Option<&(dyn StdError + Send + Sync + 'static)> {
        Some(&*self.0)
    }

    fn into_error(self: Box<Self>) -> Result<Box<dyn StdError + Send + Sync>, Box<dyn Layer>> {
        Ok(self.0)
    }
}

impl Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.layer.display().fmt(f)
    }
}

impl Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.layer.debug(f)
    }
}

impl StdError for Node {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &self.inner {
            Some(inner) => Some(inner.as_std()),
            None => self.layer.error()?.source(),
        }
    }
}

impl Error {
    fn of(layer: impl Layer + 'static, inner: Option<Error>) -> Error {
        Error { node: Box::new(Node { layer: Box::new(layer), inner }) }
    }

    /// An error of a certain type, which [`Error::downcast_ref`] finds again.
    #[cold]
    pub fn new<E: StdError + Send + Sync + 'static>(error: E) -> Error {
        Error::of(Typed(error), None)
    }

    /// An error that is only a message.
    #[cold]
    pub fn msg<M: Display + Debug + Send + Sync + 'static>(message: M) -> Error {
        Error::of(Text(message), None)
    }

    /// From an error of unknown type. Its type is not found again.
    #[cold]
    pub fn from_boxed(error: Box<dyn StdError + Send + Sync + 'static>) -> Error {
        Error::of(Boxed(error), None)
    }

    /// Adds a layer that says what was being done.
    #[cold]
    pub fn context<C: Display + Send + Sync + 'static>(self, context: C) -> Error {
        Error::of(Text(context), Some(self))
    }

    fn as_std(&self) -> &(dyn StdError + Send + Sync + 'static) {
        match self.node.layer.error() {
            Some(error) if self.node.inner.is_none() => error,
            _ => &*self.node,
        }
    }

    fn layers(&self) -> impl Iterator<Item = &dyn Layer> {
        let nodes = core::iter::successors(Some(&*self.node), |node| {
            node.inner.as_ref().map(|inner| &*inner.node)
        });
        nodes.map(|node| &*node.layer)
    }

    /// The layers from the outside in, then the sources of the innermost.
    pub fn chain(&self) -> Chain<'_> {
        Chain { next: Some(self.as_std()) }
    }

    /// As the error type that everybody's interfaces take. A single layer with an error of some type becomes that error.
    pub fn into_boxed_dyn_error(self) -> Box<dyn StdError + Send + Sync + 'static> {
        self.into()
    }

    /// The last of [`Error::chain`].
    pub fn root_cause(&self) -> &(dyn StdError + 'static) {
        self.chain().last().unwrap_or_else(|| self.as_std())
    }

    /// Whether one of the layers holds an `E`.
    pub fn is<E: Display + Debug + Send + Sync + 'static>(&self) -> bool {
        self.downcast_ref::<E>().is_some()
    }

    /// The outermost `E` among the layers.
    pub fn downcast_ref<E: Display + Debug + Send + Sync + 'static>(&self) -> Option<&E> {
        self.layers().find_map(|layer| layer.any().downcast_ref())
    }

    /// The outermost `E` among the layers.
    pub fn downcast_mut<E: Display + Debug + Send + Sync + 'static>(&mut self) -> Option<&mut E> {
        let mut node = &mut *self.node;
        while !node.layer.any().is::<E>() {
            node = &mut *node.inner.as_mut()?.node;
        }
        node.layer.any_mut().downcast_mut()
    }

    /// Takes the outermost `E` out of the layers; the others are lost. The error itself, if there is none.
    pub fn downcast<E: Display + Debug + Send + Sync + 'static>(self) -> Result<E, Error> {
        if !self.is::<E>() {
            return Err(self);
        }
        let mut node = *self.node;
        while !node.layer.any().is::<E>() {
            match node.inner {
                Some(inner) => node = *inner.node,
                None => break,
            }
        }
        let found = node.layer.into_any().downcast::<E>();
        found.map(|found| *found).map_err(|_| Error::msg("an error changed its type"))
    }
}

/// See [`Error::chain`].
///
/// ```
/// use riser::Error;
///
/// let error = Error::msg("no such file").context("reading the module");
/// let texts: Vec<String> = error.chain().map(|layer| layer.to_string()).collect();
/// assert_eq!(texts, ["reading the module", "no such file"]);
/// ```
#[derive(Clone, Debug)]
pub struct Chain<'a> {
    next: Option<&'a (dyn StdError + 'static)>,
}

impl<'a> Iterator for Chain<'a> {
    type Item = &'a (dyn StdError + 'static);

    fn next(&mut self) -> Option<Self::Item> {
        let error = self.next?;
        self.next = error.source();
        Some(error)
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.node)?;
        if f.alternate() {
            for cause in self.chain().skip(1) {
                write!(f, ": {cause}")?;
            }
        }
        Ok(())
    }
}

impl Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return Debug::fmt(&self.node, f);
        }
        write!(f, "{}", self.node)?;
        let count = self.chain().count() - 1;
        if count > 0 {
            f.write_str("\n\nCaused by:")?;
        }
        for (at, cause) in self.chain().skip(1).enumerate() {
            // One cause alone needs no number.
            if count == 1 {
                write!(f, "\n    {cause}")?;
            } else {
                write!(f, "\n{at:>5}: {cause}")?;
            }
        }
        Ok(())
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    #[cold]
    fn from(error: E) -> Error {
        Error::new(error)
    }
}

impl core::ops::Deref for Error {
    type Target = dyn StdError + Send + Sync + 'static;

    fn deref(&self) -> &Self::Target {
        self.as_std()
    }
}

impl AsRef<dyn StdError + Send + Sync> for Error {
    fn as_ref(&self) -> &(dyn StdError + Send + Sync + 'static) {
        self.as_std()
    }
}

impl AsRef<dyn StdError> for Error {
    fn as_ref(&self) -> &(dyn StdError + 'static) {
        self.as_std()
    }
}

impl From<Error> for Box<dyn StdError + Send + Sync> {
    fn from(error: Error) -> Self {
        let Node { layer, inner } = *error.node;
        if inner.is_some() {
            return Box::new(Node { layer, inner });
        }
        layer.into_error().unwrap_or_else(|layer| Box::new(Node { layer, inner }))
    }
}

impl From<Error> for Box<dyn StdError + Send> {
    fn from(error: Error) -> Self {
        Box::<dyn StdError + Send + Sync>::from(error)
    }
}

impl From<Error> for Box<dyn StdError> {
    fn from(error: Error) -> Self {
        Box::<dyn StdError + Send + Sync>::from(error)
    }
}

/// Adds context to the errors of `Result` and `Option`.
///
/// ```
/// use riser::{Context, Result};
///
/// fn number(text: &str) -> Result<u32> {
///     text.parse::<u32>().with_context(|| format!("`{text}` is no number"))
/// }
///
/// assert_eq!(number("x").unwrap_err().to_string(), "`x` is no number");
/// assert_eq!(None::<u8>.context("nothing").unwrap_err().to_string(), "nothing");
/// ```
pub trait Context<T, E>: sealed::Sealed {
    /// Wraps the error, if there is one.
    fn context<C: Display + Send + Sync + 'static>(self, context: C) -> Result<T>;

    /// Wraps the error with a context that is made only then.
    fn with_context<C: Display + Send + Sync + 'static>(
        self,
        context: impl FnOnce() -> C,
    ) -> Result<T>;
}

impl<T, E: StdError + Send + Sync + 'static> Context<T, E> for Result<T, E> {
    fn context<C: Display + Send + Sync + 'static>(self, context: C) -> Result<T> {
        self.map_err(|error| Error::new(error).context(context))
    }

    fn with_context<C: Display + Send + Sync + 'static>(
        self,
        context: impl FnOnce() -> C,
    ) -> Result<T> {
        self.map_err(|error| Error::new(error).context(context()))
    }
}

impl<T> Context<T, Error> for Result<T, Error> {
    fn context<C: Display + Send + Sync + 'static>(self, context: C) -> Result<T> {
        self.map_err(|error| error.context(context))
    }

    fn with_context<C: Display + Send + Sync + 'static>(
        self,
        context: impl FnOnce() -> C,
    ) -> Result<T> {
        self.map_err(|error| error.context(context()))
    }
}

impl<T> Context<T, core::convert::Infallible> for Option<T> {
    fn context<C: Display + Send + Sync + 'static>(self, context: C) -> Result<T> {
        self.ok_or_else(|| Error::of(Text(context), None))
    }

    fn with_context<C: Display + Send + Sync + 'static>(
        self,
        context: impl FnOnce() -> C,
    ) -> Result<T> {
        self.ok_or_else(|| Error::of(Text(context()), None))
    }
}

mod sealed {
    pub trait Sealed {}
    impl<T, E> Sealed for core::result::Result<T, E> {}
    impl<T> Sealed for Option<T> {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{bail, ensure, format_err};

    #[derive(Debug, PartialEq)]
    struct Number(u32);

    impl Display for Number {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "number {}", self.0)
        }
    }

    impl StdError for Number {}

    #[test]
    fn an_error_is_one_pointer_wide() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
        assert_eq!(size_of::<Result<()>>(), size_of::<usize>());
    }

    #[test]
    fn every_layer_is_found() {
        let mut error = Error::from(Number(1)).context(Number(2)).context("outside");
        assert_eq!(error.downcast_ref::<Number>(), Some(&Number(2)));
        assert_eq!(error.downcast_ref::<&str>(), Some(&"outside"));
        error.downcast_mut::<Number>().unwrap().0 = 3;
        let texts: Vec<String> = error.chain().map(|e| e.to_string()).collect();
        assert_eq!(texts, ["outside", "number 3", "number 1"]);
        assert!(error.root_cause().is::<Number>());
        let error = error.downcast::<u8>().unwrap_err();
        assert_eq!(error.downcast::<Number>().unwrap(), Number(3));
    }

    #[test]
    fn formats_follow_the_custom() {
        let error = Error::msg("inner").context("outer");
        assert_eq!(error.to_string(), "outer");
        assert_eq!(format!("{error:#}"), "outer: inner");
        assert_eq!(format!("{error:?}"), "outer\n\nCaused by:\n    inner");
        let error = error.context("outermost");
        let expected = "outermost\n\nCaused by:\n    0: outer\n    1: inner";
        assert_eq!(format!("{error:?}"), expected);
    }

    #[test]
    fn macros_make_errors() {
        fn check(n: u32) -> Result<u32> {
            ensure!(n != 1, "n is {n}");
            ensure!(n != 2);
            if n == 3 {
                bail!(Number(n));
            }
            Ok(n)
        }
        assert_eq!(check(1).unwrap_err().to_string(), "n is 1");
        assert!(check(2).unwrap_err().to_string().contains("n != 2"));
        assert!(check(3).unwrap_err().is::<Number>());
        assert_eq!(check(4).unwrap(), 4);
        assert_eq!(format_err!("{}-{}", 1, 2).to_string(), "1-2");
        assert_eq!(format_err!(String::from("text")).to_string(), "text");
    }

    #[test]
    fn boxes_come_and_go() {
        let boxed: Box<dyn StdError + Send + Sync> = Error::from(Number(7)).into();
        assert_eq!(boxed.downcast_ref::<Number>(), Some(&Number(7)));
        let error = Error::from_boxed(boxed).context("c");
        assert!(error.root_cause().is::<Number>());
        let boxed: Box<dyn StdError> = error.into();
        assert_eq!(boxed.to_string(), "c");
    }
}
