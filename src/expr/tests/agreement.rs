//! The property that binds the two evaluators: on random expressions and rows they agree bit by bit.

use arrow::array::BooleanArray;
use proptest::prelude::*;

use super::random::{expression, value};
use super::*;
use crate::lang::ast::BinaryOp;

fn rows() -> impl Strategy<Value = Vec<Vec<Value>>> {
    let types: Vec<AttrType> =
        schema().fields().iter().filter_map(|f| attr_type(f.data_type())).collect();
    let row = types.into_iter().map(value).collect::<Vec<_>>();
    prop::collection::vec(row, 0..9)
}

fn any_expression() -> impl Strategy<Value = String> {
    use AttrType::*;
    prop::sample::select(vec![Int, Long, Float, Double, Bool, Bool, String, Object])
        .prop_flat_map(|ty| expression(ty, 3))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Columnar and by row, over batches and over stored rows.
    #[test]
    fn both_evaluators_agree(text in any_expression(), rows in rows()) {
        let expr = bound(&text);
        agreed(&expr, &batch(&rows));
    }

    /// How the rows are cut into batches makes no difference.
    #[test]
    fn cuts_are_invisible(text in any_expression(), rows in rows(), cut in 0usize..9) {
        let expr = ColumnarExpr::compile(&bound(&text), &schema()).expect("compiles");
        let all = batch(&rows);
        let cut = cut.min(all.rows());
        let values = |b: &EventBatch| {
            let array = expr.evaluate(b).expect("evaluates");
            (0..array.len()).map(|i| Value::from_array(&array, i)).collect::<Vec<_>>()
        };
        let whole = values(&all);
        let mut parts = values(&all.slice(0, cut));
        parts.extend(values(&all.slice(cut, all.rows() - cut)));
        prop_assert_eq!(whole.len(), parts.len());
        prop_assert!(whole.iter().zip(&parts).all(|(a, b)| same(a, b)), "{whole:?} {parts:?}");
    }

    /// A described expression says the same: it parses back to one with the same values.
    #[test]
    fn descriptions_read_back(text in any_expression(), rows in rows()) {
        let expr = bound(&text);
        let again = describe(&expr, &*schema()).to_string();
        prop_assume!(!again.contains("UUID"), "its value depends on its place in the text");
        let reread = bound(&again);
        prop_assert_eq!(expr.ty, reread.ty, "{} {}", text, again);
        let rows = batch(&rows);
        let (a, b) = (agreed(&expr, &rows), agreed(&reread, &rows));
        prop_assert!(a.iter().zip(&b).all(|(a, b)| same(a, b)), "{text} {again}");
    }

    /// Comparisons of whole columns of any length against the definition, one row at a time.
    #[test]
    fn comparisons_of_long_columns(
        values in prop::collection::vec((value(AttrType::Double), value(AttrType::Double)), 60..140),
        skip in 0usize..5,
    ) {
        let rows: Vec<Vec<Value>> = values
            .iter()
            .map(|(d, e)| {
                let mut row = row("");
                (row[6], row[7]) = (d.clone(), e.clone());
                row
            })
            .collect();
        let all = batch(&rows);
        let part = all.slice(skip, all.rows() - skip);
        for (text, op) in [("==", BinaryOp::Eq), ("!=", BinaryOp::NotEq), ("<", BinaryOp::Lt),
                           ("<=", BinaryOp::LtEq), (">", BinaryOp::Gt), (">=", BinaryOp::GtEq)] {
            let expr = bound(&format!("d {text} e"));
            let mask = ColumnarExpr::compile(&expr, &schema()).unwrap().mask(&part).unwrap();
            let expected: BooleanArray = values[skip..]
                .iter()
                .map(|pair| Some(match pair {
                    (Value::Double(l), Value::Double(r)) => rules::compare(op, l, r),
                    _ => op == BinaryOp::NotEq,
                }))
                .collect();
            prop_assert_eq!(mask, expected);
        }
    }
}

#[test]
fn the_smallest_integer_is_its_own_negative_in_constants_too() {
    assert_eq!(super::eval("-((ifThenElse(true, 2147483647, i)) + 1)", "i=1"), "-2147483648");
    assert_eq!(super::eval("-(2147483647 + i)", "i=1"), "-2147483648");
    assert_eq!(super::eval("-(0L - 9223372036854775807L - 1L)", "i=1"), "-9223372036854775808");
    assert_eq!(super::eval("-(0.0)", "i=1"), "-0.0");
}
