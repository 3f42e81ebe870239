//! Scalar functions by row: the function's kernel over the arguments of one row.

use std::borrow::Cow;

use super::RowContext;
use super::lower::{Compiled, Eval};
use super::text::Borrowing;
use crate::expr::functions::{BufferKernel, Kernel, Scalar, ScalarKernel};

/// Most calls have no more arguments than this; they are kept on the stack.
const FEW: usize = 4;

/// A call of `kernel`; a volatile function gets order, clock and ordinal (always 0) of the row.
pub(super) fn call(kernel: Kernel, args: Vec<Compiled>, volatile: bool) -> Compiled {
    let args = Args { args, volatile };
    match kernel {
        Kernel::Int(f) => Compiled::Int(fixed(f, args)),
        Kernel::Long(f) => Compiled::Long(fixed(f, args)),
        Kernel::Float(f) => Compiled::Float(fixed(f, args)),
        Kernel::Double(f) => Compiled::Double(fixed(f, args)),
        Kernel::Bool(f) => Compiled::Bool(fixed(f, args)),
        Kernel::Str(f) => Compiled::Str(Box::new(Made { kernel: f, args })),
        Kernel::Object(f) => Compiled::Object(Box::new(Made { kernel: f, args })),
    }
}

fn fixed<T: 'static>(f: ScalarKernel<T>, args: Args) -> Eval<T> {
    Box::new(move |context| args.with(context, |values| f(values)))
}

struct Args {
    args: Vec<Compiled>,
    volatile: bool,
}

impl Args {
    /// Calls `f` with the values of the arguments.
    fn with<R>(&self, context: &RowContext<'_>, f: impl FnOnce(&[Scalar<'_>]) -> R) -> R {
        let hidden = if self.volatile {
            [context.order as i64, context.clock, 0].map(Scalar::Long)
        } else {
            [Scalar::Null, Scalar::Null, Scalar::Null]
        };
        let hidden = hidden.into_iter().take(if self.volatile { 3 } else { 0 });
        let values = self.args.iter().map(|a| a.scalar(context)).chain(hidden);
        let count = self.args.len() + if self.volatile { 3 } else { 0 };
        if count <= FEW {
            let mut few: [Scalar<'_>; FEW] = Default::default();
            few.iter_mut().zip(values).for_each(|(place, v)| *place = v);
            f(&few[..count])
        } else {
            f(&values.collect::<Vec<_>>())
        }
    }
}

impl Compiled {
    /// Its value, borrowed where it can be.
    fn scalar<'a>(&'a self, context: &RowContext<'a>) -> Scalar<'a> {
        match self {
            Compiled::Test(f) => Scalar::Bool(f(context)),
            Compiled::Bool(f) => f(context).map_or(Scalar::Null, Scalar::Bool),
            Compiled::Int(f) => f(context).map_or(Scalar::Null, Scalar::Int),
            Compiled::Long(f) => f(context).map_or(Scalar::Null, Scalar::Long),
            Compiled::Float(f) => f(context).map_or(Scalar::Null, Scalar::Float),
            Compiled::Double(f) => f(context).map_or(Scalar::Null, Scalar::Double),
            Compiled::Str(f) => f.get(context).map_or(Scalar::Null, Scalar::Str),
            Compiled::Object(f) => f.get(context).map_or(Scalar::Null, Scalar::Object),
        }
    }
}

/// A value a kernel makes.
struct Made<O> {
    kernel: BufferKernel<O>,
    args: Args,
}

impl<B: ?Sized, O: Default> Borrowing<B> for Made<O>
where
    B: ToOwned<Owned = O>,
{
    fn get<'a>(&'a self, context: &RowContext<'a>) -> Option<Cow<'a, B>> {
        self.args.with(context, |values| {
            let mut out = O::default();
            (self.kernel)(values, &mut out).then_some(Cow::Owned(out))
        })
    }
}
