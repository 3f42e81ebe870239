//! Bad rows of text inputs: each is reported with its line, text and reason; those around it are
//! delivered; how bytes arrive and batches are cut doesn't matter.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

use super::Source;
use super::format::{Format, Input, ReadOptions, open};
use super::testing::{Dribble, read_all, values};
use crate::error::Result;
use crate::event::Value;

fn schema(attributes: &[(&str, DataType)]) -> SchemaRef {
    let fields = attributes.iter().map(|(name, ty)| Field::new(*name, ty.clone(), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn source(
    text: &[u8],
    piece: usize,
    live: bool,
    schema: &SchemaRef,
    options: &ReadOptions,
) -> Result<Box<dyn Source>> {
    let read = Box::new(Dribble::new(text, piece));
    open(Input::Reader { name: "the test".into(), read, live }, schema.clone(), options)
}

/// Rows as text; rejected ones as `line: text: reason`, at their place.
fn read(text: impl AsRef<[u8]>, schema: &SchemaRef, options: &ReadOptions) -> Vec<String> {
    let mut outcomes = vec![];
    for (piece, live, size) in [(1, false, 1), (3, true, 2), (1000, false, 3), (1000, true, 1000)] {
        let mut source = source(text.as_ref(), piece, live, schema, options).unwrap();
        assert_eq!(source.is_live(), live);
        let all = read_all(source.as_mut(), size);
        let mut rejected = all.rejected.iter().peekable();
        let mut out = vec![];
        let rows = values(&all.rows);
        for i in 0..=rows.len() {
            while let Some(r) = rejected.next_if(|r| r.before == i) {
                out.push(format!("{}: {}: {}", r.line, r.text, r.reason));
            }
            if let Some(row) = rows.get(i) {
                let time = all.time.get(i).map(|t| format!(" @{t}")).unwrap_or_default();
                out.push(format!("{row:?}{time}"));
            }
        }
        outcomes.push(out);
    }
    assert!(outcomes.iter().all(|o| *o == outcomes[0]), "cuts matter: {outcomes:#?}");
    outcomes.remove(0)
}

fn csv() -> ReadOptions {
    ReadOptions::new(Format::Csv)
}

#[test]
fn csv_rows_of_every_badness() {
    let schema = schema(&[
        ("id", DataType::Int32),
        ("name", DataType::Utf8View),
        ("ok", DataType::Boolean),
        ("x", DataType::Float64),
    ]);
    let text = "\
name,x,extra,id,ok
plain,1.5,e,1,true
,,,,
\"\",\" \",,2,FALSE
few,1,2
many,1,2,3,true,6
bad int,1,,one,true
overflow,1,,99999999999,true
bad bool,1,,3,yes
bad float,1.2.3,,3,true
infinite,1e999,,3,true

\"two
lines\",1,,4,1
stray \" quote,1,,5,0
\"stray,1,,6,true
\"closed\" badly,1,,7,true
last,-0.5,,8.0,true";
    assert_eq!(
        read(text, &schema, &csv()),
        [
            r#"[Int(1), String("plain"), Bool(true), Double(1.5)]"#,
            r#"[Null, Null, Null, Null]"#,
            r#"[Int(2), String(""), Bool(false), Null]"#,
            "5: few,1,2: 3 fields where 5 were expected",
            "6: many,1,2,3,true,6: 6 fields where 5 were expected",
            "7: bad int,1,,one,true: `id`: `one` is not an int",
            "8: overflow,1,,99999999999,true: `id`: `99999999999` is out of range for an int",
            "9: bad bool,1,,3,yes: `ok`: `yes` is not a bool",
            "10: bad float,1.2.3,,3,true: `x`: `1.2.3` is not a double",
            "11: infinite,1e999,,3,true: `x`: `1e999` is out of range for a double",
            r#"[Int(4), String("two\nlines"), Bool(true), Double(1.0)]"#,
            r#"[Int(5), String("stray \" quote"), Bool(false), Double(1.0)]"#,
            "16: \"stray,1,,6,true: a closing quote is followed by text",
            "17: \"closed\" badly,1,,7,true: a closing quote is followed by text",
            r#"[Int(8), String("last"), Bool(true), Double(-0.5)]"#,
        ]
    );
}

#[test]
fn csv_text_that_is_not_utf8() {
    let schema = schema(&[("a", DataType::Utf8View), ("b", DataType::Utf8View)]);
    let text = b"a,b\nx,\xff\xfe\ny,z\n";
    assert_eq!(
        read(text, &schema, &csv()),
        ["2: x,\u{fffd}\u{fffd}: not UTF-8 text (byte 3)", r#"[String("y"), String("z")]"#]
    );
}

#[test]
fn csv_event_times() {
    let schema = schema(&[("a", DataType::Int64)]);
    let text =
        "t,a\n1000,1\n1970-01-01T00:00:02Z,2\n,3\nsoon,4\n1970-01-01 00:00:05.5,1970-01-01\n";
    let options = ReadOptions { time: Some("t".into()), ..csv() };
    assert_eq!(
        read(text, &schema, &options),
        [
            "[Long(1)] @1000",
            "[Long(2)] @2000",
            "4: ,3: `t` (the event time) is empty",
            "5: soon,4: `t`: `soon` is no event time; expected ms since the epoch or a date and \
             time such as 2018-01-31 02:18:21.040",
            "[Long(0)] @5500",
        ]
    );
}

#[test]
fn csv_without_a_header_goes_by_position() {
    let schema = schema(&[("a", DataType::Int32), ("b", DataType::Utf8View)]);
    let options = ReadOptions { header: false, delimiter: b';', time: Some("a".into()), ..csv() };
    assert_eq!(
        read("1;x,y\r\n2;\"z\"\r\n3;4;5\r\n", &schema, &options),
        [
            r#"[Int(1), String("x,y")] @1"#,
            r#"[Int(2), String("z")] @2"#,
            "3: 3;4;5: 3 fields where 2 were expected",
        ]
    );
    let elsewhere = ReadOptions { time: Some("t".into()), ..options };
    let fault = source(b"1;2\n", 9, false, &schema, &elsewhere).err().unwrap().to_string();
    assert!(fault.contains("the event time can't be its column `t`"), "{fault}");
}

#[test]
fn csv_with_nothing_but_a_header_or_less() {
    let schema = schema(&[("a", DataType::Int32)]);
    for text in ["", "\n\n", "a\n", "\u{feff}a\r\n"] {
        assert_eq!(read(text, &schema, &csv()), [""; 0], "{text:?}");
    }
    // What a pipe's header lacks shows when it arrives.
    let mut piped = source(b"A,b\n1,2\n", 1, true, &schema, &csv()).unwrap();
    assert_eq!(
        piped.next(10).unwrap_err().to_string(),
        "the test has no column `a` (did you mean `A`?); its columns are A, b"
    );
}

#[test]
fn json_rows_of_every_badness() {
    let schema = schema(&[
        ("i", DataType::Int32),
        ("l", DataType::Int64),
        ("d", DataType::Float64),
        ("b", DataType::Boolean),
        ("s", DataType::Utf8View),
    ]);
    let rest = r#""l":1,"d":2,"b":true,"s":"x""#;
    let text = format!(
        r#"{{"s":"\u00e9","more":{{"i":[1]}},"b":false,"d":0.1,"l":9007199254740993,"i":1}}
{{"i":null,"l":null,"d":null,"b":null,"s":null}}

{{"i":2,"i":3.0,{rest}}}
{{"i":"4",{rest}}}
{{"i":5.5,{rest}}}
{{"i":3000000000,{rest}}}
{{"i":6,"l":"1970-01-01T00:00:01Z","d":"NaN","b":true,"s":""}}
{{"i":7,"l":true,"d":2,"b":true,"s":"x"}}
{{"i":8,"l":1,"d":2,"b":1,"s":"x"}}
{{"i":9,"l":1,"d":2,"b":true,"s":5}}
{{"i":10,"l":1,"d":2,"b":true,"s":["x"]}}
{{"i":11,"l":1,"d":2,"b":true}}
{{"i":12,{rest}
{{"i":13,{rest}}} more
{{"i":14,,{rest}}}
[15]
15
{{"i":16,{rest}}}"#
    );
    let fine = r#"Long(1), Double(2.0), Bool(true), String("x")]"#;
    let got = read(&text, &schema, &ReadOptions::new(Format::Json));
    assert_eq!(
        got,
        [
            r#"[Int(1), Long(9007199254740993), Double(0.1), Bool(false), String("é")]"#.into(),
            "[Null, Null, Null, Null, Null]".into(),
            format!("[Int(3), {fine}"),
            format!("5: {{\"i\":\"4\",{rest}}}: `i`: `4` is a string, not an int"),
            format!("6: {{\"i\":5.5,{rest}}}: `i`: `5.5` is not an int"),
            format!("7: {{\"i\":3000000000,{rest}}}: `i`: `3000000000` is out of range for an int"),
            r#"[Int(6), Long(1000), Double(NaN), Bool(true), String("")]"#.into(),
            r#"9: {"i":7,"l":true,"d":2,"b":true,"s":"x"}: `l`: `true` is a boolean, not a long"#
                .into(),
            r#"10: {"i":8,"l":1,"d":2,"b":1,"s":"x"}: `b`: `1` is a number, not a bool"#.into(),
            r#"11: {"i":9,"l":1,"d":2,"b":true,"s":5}: `s`: `5` is a number, not a string"#.into(),
            r#"12: {"i":10,"l":1,"d":2,"b":true,"s":["x"]}: `s`: `["x"]` is nested, not a string"#
                .into(),
            r#"13: {"i":11,"l":1,"d":2,"b":true}: field `s` is missing"#.into(),
            format!(
                "14: {{\"i\":12,{rest}: not a JSON object: `,` or `}}` was expected at character 37"
            ),
            format!(
                "15: {{\"i\":13,{rest}}} more: not a JSON object: nothing more was expected at \
                 character 39"
            ),
            format!(
                "16: {{\"i\":14,,{rest}}}: not a JSON object: a string was expected at character 9"
            ),
            "17: [15]: not a JSON object: `{` was expected at character 1".into(),
            "18: 15: not a JSON object: `{` was expected at character 1".into(),
            format!("[Int(16), {fine}"),
        ]
    );
}

#[test]
fn json_missing_fields_may_be_nulls() {
    let schema = schema(&[("a", DataType::Int32), ("b", DataType::Int32)]);
    let options = ReadOptions {
        fail_on_missing: false,
        time: Some("t".into()),
        ..ReadOptions::new(Format::Json)
    };
    let text = "{\"t\":\"1970-01-02\",\"b\":1}\n{\"a\":1}\n";
    assert_eq!(
        read(text, &schema, &options),
        ["[Null, Int(1)] @86400000", "2: {\"a\":1}: `t` (the event time) is empty"]
    );
}

#[test]
fn a_json_list_is_refused_with_advice() {
    let schema = schema(&[("a", DataType::Int32)]);
    let options = ReadOptions::new(Format::Json);
    let mut source = source(b"\n [\n{\"a\":1}]", 1, false, &schema, &options).unwrap();
    let fault = source.next(10).unwrap_err().to_string();
    assert!(fault.starts_with("the test is a JSON list") && fault.contains("jq"), "{fault}");
}

#[test]
fn a_pipe_gives_rows_as_lines_arrive() {
    let schema = schema(&[("a", DataType::Int32)]);
    let mut source = source(b"a\n1\n2\n3\n", 2, true, &schema, &csv()).unwrap();
    for expected in 1..=3 {
        let batch = source.next(1000).unwrap().unwrap();
        assert_eq!(values(&batch.rows), [[Value::Int(expected)]], "one line, one batch");
    }
    assert!(source.next(1000).unwrap().is_none());
}

#[test]
fn very_long_lines_are_rejected_and_shown_in_part() {
    let schema = schema(&[("a", DataType::Int32)]);
    let text = format!("a\n{}\n7\n", "x".repeat(200_000));
    let mut source = source(text.as_bytes(), 5000, false, &schema, &csv()).unwrap();
    let all = read_all(source.as_mut(), 10);
    assert_eq!(values(&all.rows), [[Value::Int(7)]]);
    assert_eq!(all.rejected[0].line, 2);
    assert!(all.rejected[0].text.ends_with("x … (200000 bytes in all)"));
    assert!(all.rejected[0].reason.len() < 300);
}
