//! Scalar functions by topic, each with one `SPEC`.

/// A scalar function (the expr helper completes this).
pub struct FunctionSpec {
    /// Name.
    pub name: &'static str,
}

impl std::fmt::Debug for FunctionSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FunctionSpec({})", self.name)
    }
}
