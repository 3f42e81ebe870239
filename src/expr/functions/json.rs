//! `json:…`: JSON, in text or as objects (maps and lists), and paths into it.
//!
//! A path is `$`, then steps: `.name`, `['name']`, `[2]`, `[*]`, `.*`, and `..name` at any depth.

use super::kit::{Ty, arg, bool, double, fit, function, int, long, object, text};
use super::{Arg, Kernel, Scalar, Site};
use crate::event::Value;
use crate::lang::ast::AttrType;

type Checked = Result<AttrType, String>;

/// The value a JSON text stands for.
pub(super) fn parse(text: &str) -> Option<Value> {
    fn of(v: serde_json::Value) -> Value {
        use serde_json::Value as J;
        match v {
            J::Null => Value::Null,
            J::Bool(b) => Value::Bool(b),
            J::Number(n) => match n.as_i64() {
                Some(i) => i32::try_from(i).map_or(Value::Long(i), Value::Int),
                None => Value::Double(n.as_f64().unwrap_or(f64::NAN)),
            },
            J::String(s) => Value::String(s.into()),
            J::Array(items) => Value::List(items.into_iter().map(of).collect()),
            J::Object(entries) => Value::Map(
                entries.into_iter().map(|(k, v)| (Value::String(k.into()), of(v))).collect(),
            ),
        }
    }
    serde_json::from_str(text).ok().map(of)
}

/// Appends a value as JSON.
pub(super) fn write(out: &mut String, value: &Value) {
    let list = |out: &mut String, items: &[Value]| {
        out.push('[');
        for (i, item) in items.iter().enumerate() {
            out.push_str(if i == 0 { "" } else { "," });
            write(out, item);
        }
        out.push(']');
    };
    let quoted = |out: &mut String, s: &str| out.push_str(&serde_json::Value::from(s).to_string());
    match value {
        Value::Null => out.push_str("null"),
        Value::Int(_) | Value::Long(_) | Value::Bool(_) => out.push_str(&value.to_string()),
        Value::Float(v) if v.is_finite() => out.push_str(&value.to_string()),
        Value::Double(v) if v.is_finite() => out.push_str(&value.to_string()),
        Value::Float(_) | Value::Double(_) => out.push_str("null"),
        Value::String(s) => quoted(out, s),
        Value::Set(items) | Value::List(items) => list(out, items),
        Value::Map(entries) => {
            out.push('{');
            for (i, (k, v)) in entries.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { "," });
                quoted(out, &k.to_string());
                out.push(':');
                write(out, v);
            }
            out.push('}');
        }
    }
}

/// A step of a path.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    Name(String),
    Index(usize),
    All,
    /// The following step at any depth.
    Deep,
}

/// Reads a path.
fn path(text: &str) -> Option<Vec<Step>> {
    let mut rest = text.trim().strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[') {
            let end = inside.find(']')?;
            let step = inside[..end].trim();
            steps.push(match step.strip_prefix(['\'', '"']) {
                Some(name) => Step::Name(name.strip_suffix(['\'', '"'])?.into()),
                None if step == "*" => Step::All,
                None => Step::Index(step.parse().ok()?),
            });
            rest = &inside[end + 1..];
            continue;
        }
        rest = rest.strip_prefix('.')?;
        if let Some(deeper) = rest.strip_prefix('.') {
            steps.push(Step::Deep);
            rest = deeper;
            if rest.starts_with('[') {
                continue;
            }
        }
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        match &rest[..end] {
            "" => return None,
            "*" => steps.push(Step::All),
            name => steps.push(Step::Name(name.into())),
        }
        rest = &rest[end..];
    }
    Some(steps)
}

/// What a path leads to.
fn find<'a>(value: &'a Value, steps: &[Step], found: &mut Vec<&'a Value>) {
    let Some((step, rest)) = steps.split_first() else { return found.push(value) };
    let children = || -> Vec<&'a Value> {
        match value {
            Value::List(items) | Value::Set(items) => items.iter().collect(),
            Value::Map(entries) => entries.iter().map(|(_, v)| v).collect(),
            _ => vec![],
        }
    };
    match (step, value) {
        (Step::Name(name), Value::Map(entries)) => entries
            .iter()
            .filter(|(k, _)| matches!(k, Value::String(k) if k == name))
            .for_each(|(_, v)| find(v, rest, found)),
        (Step::Index(i), Value::List(items)) => {
            items.get(*i).into_iter().for_each(|v| find(v, rest, found));
        }
        (Step::All, _) => children().into_iter().for_each(|v| find(v, rest, found)),
        (Step::Deep, _) => {
            find(value, rest, found);
            children().into_iter().for_each(|v| find(v, steps, found));
        }
        _ => {}
    }
}

/// The JSON an argument holds, as text or as an object.
fn json(arg: &Scalar<'_>) -> Option<Value> {
    match arg {
        Scalar::Null => None,
        Scalar::Str(text) => parse(text),
        other => Some(other.to_value()),
    }
}

/// The path of a call: read once, if it is a constant.
struct Path(Option<Vec<Step>>);

impl Path {
    fn new(site: &Site<'_>) -> Self {
        match site.args.get(1).and_then(|a| a.constant) {
            Some(Value::String(text)) => Self(path(text)),
            _ => Self(None),
        }
    }

    /// The one value the path leads to, if it is one.
    fn one<R>(&self, args: &[Scalar<'_>], f: impl FnOnce(&Value) -> Option<R>) -> Option<R> {
        let json = json(arg(args, 0))?;
        let own;
        let steps = match &self.0 {
            Some(steps) => steps,
            None => {
                own = path(arg(args, 1).text()?)?;
                &own
            }
        };
        let mut found = Vec::new();
        find(&json, steps, &mut found);
        match found.as_slice() {
            [one] => f(one),
            _ => None,
        }
    }
}

fn reads(name: &str, args: &[Arg<'_>], returns: AttrType) -> Checked {
    if let Some(Value::String(text)) = args.get(1).and_then(|a| a.constant)
        && path(text).is_none()
    {
        return Err(format!(
            "`{text}` is no path `{name}` can follow: `$`, then `.name`, `['name']`, `[2]`, `[*]` or `..name`"
        ));
    }
    match args.first().map(|a| a.ty) {
        Some(AttrType::String | AttrType::Object) => {}
        _ => return Err(format!("argument 1 of `{name}` must be JSON, as a string or an object")),
    }
    fit(name, args, &[Ty::Any, Ty::Text], &[], returns)
}

function!(GET_STRING = "json" "getString" "(json string|object, path string)" -> "string";
    "The text at a path; of other values, their JSON. Null if nothing or more than one value is \
     there, or an argument is null or no JSON."; "json:getString(\"\"\"{\"a\": \"b\"}\"\"\", '$.a')";
    |name: &str, args: &[Arg<'_>]| reads(name, args, AttrType::String);
    |site| { let path = Path::new(site); text(move |a, out| path.one(a, |v| match v {
        Value::Null => None,
        Value::String(s) => { out.push_str(s); Some(()) }
        other => { write(out, other); Some(()) }
    })) });
function!(GET_INT = "json" "getInt" "(json string|object, path string)" -> "int";
    "The int at a path; null if there is none, or more than one value, or an argument is null or no \
     JSON."; "json:getInt(\"\"\"{\"a\": 1}\"\"\", '$.a')";
    |name: &str, args: &[Arg<'_>]| reads(name, args, AttrType::Int);
    |site| { let path = Path::new(site); int(move |a| path.one(a, |v| match v {
        Value::String(s) => s.parse().ok(),
        v => i32::try_from(Scalar::of(v).integer()?).ok(),
    })) });
function!(GET_LONG = "json" "getLong" "(json string|object, path string)" -> "long";
    "The long at a path; null if there is none, or more than one value, or an argument is null or no \
     JSON."; "json:getLong(\"\"\"{\"a\": 1}\"\"\", '$.a')";
    |name: &str, args: &[Arg<'_>]| reads(name, args, AttrType::Long);
    |site| { let path = Path::new(site); long(move |a| path.one(a, |v| match v {
        Value::String(s) => s.parse().ok(),
        v => Scalar::of(v).integer(),
    })) });
function!(GET_FLOAT = "json" "getFloat" "(json string|object, path string)" -> "float";
    "The number at a path as a float; null if there is none, or more than one value, or an argument \
     is null or no JSON."; "json:getFloat(\"\"\"{\"a\": 1.5}\"\"\", '$.a')";
    |name: &str, args: &[Arg<'_>]| reads(name, args, AttrType::Float);
    |site| { let path = Path::new(site); Kernel::Float(std::sync::Arc::new(move |a| path.one(a, |v| match v {
        Value::String(s) => s.parse().ok(),
        v => Scalar::of(v).double().map(|x| x as f32),
    }))) });
function!(GET_DOUBLE = "json" "getDouble" "(json string|object, path string)" -> "double";
    "The number at a path as a double; null if there is none, or more than one value, or an argument \
     is null or no JSON."; "json:getDouble(\"\"\"{\"a\": 1.5}\"\"\", '$.a')";
    |name: &str, args: &[Arg<'_>]| reads(name, args, AttrType::Double);
    |site| { let path = Path::new(site); double(move |a| path.one(a, |v| match v {
        Value::String(s) => s.parse().ok(),
        v => Scalar::of(v).double(),
    })) });
function!(GET_BOOL = "json" "getBool" "(json string|object, path string)" -> "bool";
    "The bool at a path; null if there is none, or more than one value, or an argument is null or no \
     JSON."; "json:getBool(\"\"\"{\"a\": true}\"\"\", '$.a')";
    |name: &str, args: &[Arg<'_>]| reads(name, args, AttrType::Bool);
    |site| { let path = Path::new(site); bool(move |a| path.one(a, |v| match v {
        Value::String(s) => s.parse().ok(),
        v => Scalar::of(v).bool(),
    })) });
function!(GET_OBJECT = "json" "getObject" "(json string|object, path string)" -> "object";
    "The value at a path, objects as maps and arrays as lists; null if there is none, or more than \
     one, or an argument is null or no JSON."; "json:getObject(\"\"\"{\"a\": [1, 2]}\"\"\", '$.a')";
    |name: &str, args: &[Arg<'_>]| reads(name, args, AttrType::Object);
    |site| { let path = Path::new(site); object(move |a| path.one(a, |v| Some(v.clone()))) });
function!(IS_EXISTS = "json" "isExists" "(json string|object, path string)" -> "bool";
    "Whether there is exactly one value at a path; null if the JSON is null.";
    "json:isExists(\"\"\"{\"a\": 1}\"\"\", '$.a')";
    |name: &str, args: &[Arg<'_>]| reads(name, args, AttrType::Bool);
    |site| { let path = Path::new(site); bool(move |a| {
        (*arg(a, 0) != Scalar::Null).then(|| path.one(a, |_| Some(())).is_some())
    }) });
function!(TO_OBJECT = "json" "toObject" "(json string)" -> "object";
    "The value a JSON text stands for, objects as maps and arrays as lists; null if it is none, or null.";
    "json:toObject(\"\"\"{\"a\": 1}\"\"\")";
    |name, args| fit(name, args, &[Ty::Text], &[], AttrType::Object);
    |_| object(|a| parse(arg(a, 0).text()?)));
function!(TO_STRING = "json" "toString" "(value object)" -> "string";
"A value as JSON: a list as an array, a map as an object; null if it is null."; "json:toString(json:toObject(\"\"\"{\"a\": 1}\"\"\"))";
|name, args| fit(name, args, &[Ty::Object], &[Ty::Bool], AttrType::String);
|_| text(|a, out| match arg(a, 0).to_value() {
    Value::Null => None,
    v => { write(out, &v); Some(()) }
}));
function!(SET_ELEMENT = "json" "setElement" "(json string|object, path string, value any [, key string])" -> "object";
"The JSON with the value put at a path of names and indexes: in the place of what is there, at \
 the end of a list there, or under `key` of an object there. The JSON as it is where the path \
 leads nowhere; null if an argument but the value is null or no JSON.";
"json:setElement(\"\"\"{\"a\": [1]}\"\"\", '$.a', n)"; set_type;
|_| object(|a| {
    let steps = path(arg(a, 1).text()?)?;
    let key = match a.get(3) { None => None, Some(key) => Some(key.text()?) };
    let mut root = json(arg(a, 0))?;
    set(&mut root, &steps, arg(a, 2).to_value(), key);
    Some(root)
}));

fn set_type(name: &str, args: &[Arg<'_>]) -> Checked {
    reads(name, &args[..args.len().min(2)], AttrType::Object)?;
    fit(name, args, &[Ty::Any, Ty::Text, Ty::Any], &[Ty::Text], AttrType::Object)
}

fn set(root: &mut Value, steps: &[Step], value: Value, key: Option<&str>) {
    let mut place = root;
    for step in steps {
        let next = match (step, place) {
            (Step::Name(name), Value::Map(entries)) => entries
                .iter_mut()
                .find(|(k, _)| matches!(k, Value::String(k) if k == name))
                .map(|(_, v)| v),
            (Step::Index(i), Value::List(items)) => items.get_mut(*i),
            _ => None,
        };
        let Some(next) = next else { return };
        place = next;
    }
    match (place, key) {
        (Value::Map(entries), Some(key)) => {
            match entries.iter_mut().find(|(k, _)| matches!(k, Value::String(k) if k == key)) {
                Some(entry) => entry.1 = value,
                None => entries.push((Value::String(key.into()), value)),
            }
        }
        (_, Some(_)) => {}
        (Value::List(items), None) => items.push(value),
        (place, None) => *place = value,
    }
}
