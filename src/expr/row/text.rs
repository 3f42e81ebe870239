//! Values that are borrowed from a row where they stand in one: text and encoded objects.

use std::borrow::Cow;

use super::RowContext;
use super::lower::Test;
use super::read;
use crate::expr::tree::ColumnRef;

/// Gives a value that may be borrowed from the rows or from the expression.
pub(super) trait Borrowing<B: ToOwned + ?Sized>: Send + Sync {
    fn get<'a>(&'a self, context: &RowContext<'a>) -> Option<Cow<'a, B>>;
}

/// A boxed [`Borrowing`].
pub(super) type Text<B> = Box<dyn Borrowing<B>>;

/// A column.
pub(super) struct Column(pub(super) ColumnRef);

impl Borrowing<str> for Column {
    fn get<'a>(&'a self, context: &RowContext<'a>) -> Option<Cow<'a, str>> {
        read::text(context, self.0).map(Cow::Borrowed)
    }
}

impl Borrowing<[u8]> for Column {
    fn get<'a>(&'a self, context: &RowContext<'a>) -> Option<Cow<'a, [u8]>> {
        read::bytes(context, self.0).map(Cow::Borrowed)
    }
}

/// A constant; none is null.
pub(super) struct Constant<O>(pub(super) Option<O>);

impl<B, O> Borrowing<B> for Constant<O>
where
    B: ToOwned + ?Sized,
    O: AsRef<B> + Send + Sync,
{
    fn get<'a>(&'a self, _: &RowContext<'a>) -> Option<Cow<'a, B>> {
        self.0.as_ref().map(|v| Cow::Borrowed(v.as_ref()))
    }
}

/// The first that is not null.
pub(super) struct FirstNonNull<B: ?Sized>(pub(super) Vec<Text<B>>);

impl<B: ToOwned + ?Sized> Borrowing<B> for FirstNonNull<B> {
    fn get<'a>(&'a self, context: &RowContext<'a>) -> Option<Cow<'a, B>> {
        self.0.iter().find_map(|e| e.get(context))
    }
}

/// One of two.
pub(super) struct IfThenElse<B: ?Sized> {
    pub(super) condition: Test,
    pub(super) then: Text<B>,
    pub(super) otherwise: Text<B>,
}

impl<B: ToOwned + ?Sized> Borrowing<B> for IfThenElse<B> {
    fn get<'a>(&'a self, context: &RowContext<'a>) -> Option<Cow<'a, B>> {
        if (self.condition)(context) { self.then.get(context) } else { self.otherwise.get(context) }
    }
}
