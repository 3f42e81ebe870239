//! `list:…` and `map:…`: collections as object values. Collections never change: a function that puts
//! something in gives another collection (Siddhi's change the one they are given, for all who hold it).

use super::kit::{Ty, arg, bool, fit, fit_many, function, int, object, text};
use super::{Arg, Kernel, Scalar, Site};
use crate::event::Value;
use crate::lang::ast::AttrType;

type Checked = Result<AttrType, String>;

/// The elements of a list or set.
fn list(arg: &Scalar<'_>) -> Option<Vec<Value>> {
    match arg.to_value() {
        Value::List(items) | Value::Set(items) => Some(items),
        _ => None,
    }
}

/// The entries of a map.
fn map(arg: &Scalar<'_>) -> Option<Vec<(Value, Value)>> {
    match arg.to_value() {
        Value::Map(entries) => Some(entries),
        _ => None,
    }
}

/// Types: an object and `rest`; the result is an object.
fn object_and<const N: usize>(rest: [Ty; N]) -> impl Fn(&str, &[Arg<'_>]) -> Checked {
    move |name, args| {
        let required: Vec<Ty> = [Ty::Object].into_iter().chain(rest).collect();
        fit(name, args, &required, &[], AttrType::Object)
    }
}

/// As [`object_and`], with a bool as result.
fn test_and<const N: usize>(rest: [Ty; N]) -> impl Fn(&str, &[Arg<'_>]) -> Checked {
    move |name, args| {
        object_and(rest)(name, args)?;
        Ok(AttrType::Bool)
    }
}

/// As [`object_and`], with an int as result.
fn number_and<const N: usize>(rest: [Ty; N]) -> impl Fn(&str, &[Arg<'_>]) -> Checked {
    move |name, args| {
        object_and(rest)(name, args)?;
        Ok(AttrType::Int)
    }
}

/// A kernel from a list and further arguments to a list.
fn of_list(f: fn(Vec<Value>, &[Scalar<'_>]) -> Option<Vec<Value>>) -> Kernel {
    object(move |a| f(list(arg(a, 0))?, a).map(Value::List))
}

/// What a map holds.
type Entries = Vec<(Value, Value)>;

/// A kernel from a map and further arguments to a map.
fn of_map(f: fn(Entries, &[Scalar<'_>]) -> Option<Entries>) -> Kernel {
    object(move |a| f(map(arg(a, 0))?, a).map(Value::Map))
}

fn index(arg: &Scalar<'_>) -> Option<usize> {
    usize::try_from(arg.integer()?).ok()
}

function!(LIST_CREATE = "list" "create" "(value any, ...)" -> "object";
    "A list of the arguments, nulls included; of none, an empty one."; "list:create(text, n)";
    |name, args| fit_many(name, args, &[], (Ty::Any, 0), AttrType::Object);
    |_| object(|a| Some(Value::List(a.iter().map(Scalar::to_value).collect()))));
function!(LIST_ADD = "list" "add" "(list object, value any [, index int])" -> "object";
"The list with the value at its end, or in front of the element at `index`; null if that is \
 outside, or the list is null."; "list:add(list:create(text), n)";
|name, args| fit(name, args, &[Ty::Object, Ty::Any], &[Ty::Int], AttrType::Object);
|_| of_list(|mut items, a| {
    let at = match a.get(2) { None => items.len(), Some(i) => index(i)? };
    (at <= items.len()).then(|| items.insert(at, arg(a, 1).to_value()))?;
    Some(items)
}));
function!(LIST_ADD_ALL = "list" "addAll" "(list object, other object)" -> "object";
    "The list with the elements of the other behind its own; null if one is null.";
    "list:addAll(list:create(text), list:create(n))"; object_and([Ty::Object]);
    |_| of_list(|mut items, a| { items.extend(list(arg(a, 1))?); Some(items) }));
function!(LIST_CLEAR = "list" "clear" "(list object)" -> "object";
    "An empty list; null if the argument is no list."; "list:clear(list:create(text))";
    object_and([]); |_| of_list(|_, _| Some(vec![])));
function!(LIST_CLONE = "list" "clone" "(list object)" -> "object";
    "The same list; null if the argument is no list."; "list:clone(list:create(text))";
    object_and([]); |_| of_list(|items, _| Some(items)));
function!(LIST_CONTAINS = "list" "contains" "(list object, value any)" -> "bool";
    "Whether the value is an element of the list; null if the list is null.";
    "list:contains(list:create('a', 'b'), text)"; test_and([Ty::Any]);
    |_| bool(|a| Some(list(arg(a, 0))?.contains(&arg(a, 1).to_value()))));
function!(LIST_CONTAINS_ALL = "list" "containsAll" "(list object, other object)" -> "bool";
"Whether all elements of the other list are in the list; null if one is null.";
"list:containsAll(list:create('a', 'b'), list:create(text))"; test_and([Ty::Object]);
|_| bool(|a| {
    let items = list(arg(a, 0))?;
    Some(list(arg(a, 1))?.iter().all(|v| items.contains(v)))
}));
function!(LIST_CONTAINS_ANY = "list" "containsAny" "(list object, other object)" -> "bool";
"Whether an element of the other list is in the list; null if one is null.";
"list:containsAny(list:create('a', 'b'), list:create(text))"; test_and([Ty::Object]);
|_| bool(|a| {
    let items = list(arg(a, 0))?;
    Some(list(arg(a, 1))?.iter().any(|v| items.contains(v)))
}));
function!(LIST_GET = "list" "get" "(list object, index int)" -> "object";
    "The element at `index`, counted from 0; null if there is none, or an argument is null.";
    "list:get(list:create(text, n), 1)"; object_and([Ty::Int]);
    |_| object(|a| list(arg(a, 0))?.into_iter().nth(index(arg(a, 1))?)));
function!(LIST_INDEX_OF = "list" "indexOf" "(list object, value any)" -> "int";
"Where the value first is in the list, counted from 0; -1 if it isn't, null if the list is null.";
"list:indexOf(list:create('a', 'b'), text)"; number_and([Ty::Any]);
|_| int(|a| {
    let value = arg(a, 1).to_value();
    let at = list(arg(a, 0))?.iter().position(|v| *v == value);
    at.map_or(Some(-1), |at| i32::try_from(at).ok())
}));
function!(LIST_IS_EMPTY = "list" "isEmpty" "(list object)" -> "bool";
    "Whether the list has no elements; null if it is null."; "list:isEmpty(list:create(text))";
    test_and([]); |_| bool(|a| Some(list(arg(a, 0))?.is_empty())));
function!(LIST_IS_LIST = "list" "isList" "(value any)" -> "bool";
    "Whether the value is a list; false if it is null."; "list:isList(list:create(text))";
    |name, args| fit(name, args, &[Ty::Any], &[], AttrType::Bool);
    |_| bool(|a| Some(matches!(arg(a, 0).to_value(), Value::List(_)))));
function!(LIST_LAST_INDEX_OF = "list" "lastIndexOf" "(list object, value any)" -> "int";
"Where the value last is in the list, counted from 0; -1 if it isn't, null if the list is null.";
"list:lastIndexOf(list:create('a', 'b'), text)"; number_and([Ty::Any]);
|_| int(|a| {
    let value = arg(a, 1).to_value();
    let at = list(arg(a, 0))?.iter().rposition(|v| *v == value);
    at.map_or(Some(-1), |at| i32::try_from(at).ok())
}));
function!(LIST_REMOVE = "list" "remove" "(list object, value any)" -> "object";
"The list without the first element that is the value; null if the list is null.";
"list:remove(list:create('a', 'b'), text)"; object_and([Ty::Any]);
|_| of_list(|mut items, a| {
    let value = arg(a, 1).to_value();
    if let Some(at) = items.iter().position(|v| *v == value) {
        items.remove(at);
    }
    Some(items)
}));
function!(LIST_REMOVE_ALL = "list" "removeAll" "(list object, other object)" -> "object";
"The list without the elements of the other; null if one is null.";
"list:removeAll(list:create('a', 'b'), list:create(text))"; object_and([Ty::Object]);
|_| of_list(|mut items, a| {
    let other = list(arg(a, 1))?;
    items.retain(|v| !other.contains(v));
    Some(items)
}));
function!(LIST_REMOVE_BY_INDEX = "list" "removeByIndex" "(list object, index int)" -> "object";
"The list without the element at `index`; null if there is none, or an argument is null.";
"list:removeByIndex(list:create(text, n), 0)"; object_and([Ty::Int]);
|_| of_list(|mut items, a| {
    let at = index(arg(a, 1)).filter(|at| *at < items.len())?;
    items.remove(at);
    Some(items)
}));
function!(LIST_RETAIN_ALL = "list" "retainAll" "(list object, other object)" -> "object";
"The elements of the list that are in the other; null if one is null.";
"list:retainAll(list:create('a', 'b'), list:create(text))"; object_and([Ty::Object]);
|_| of_list(|mut items, a| {
    let other = list(arg(a, 1))?;
    items.retain(|v| other.contains(v));
    Some(items)
}));
function!(LIST_SET_VALUE = "list" "setValue" "(list object, index int, value any)" -> "object";
"The list with the value in the place of the element at `index`; null if there is none, or the \
 list is null."; "list:setValue(list:create(text, n), 0, 'x')"; object_and([Ty::Int, Ty::Any]);
|_| of_list(|mut items, a| {
    *items.get_mut(index(arg(a, 1))?)? = arg(a, 2).to_value();
    Some(items)
}));
function!(LIST_SIZE = "list" "size" "(list object)" -> "int";
    "The number of elements; null if the list is null."; "list:size(list:create(text, n))";
    number_and([]); |_| int(|a| i32::try_from(list(arg(a, 0))?.len()).ok()));
function!(LIST_SORT = "list" "sort" "(list object [, order string])" -> "object";
    "The list in order: numbers by value, text by code point, nulls last; `order` is 'asc' (the \
     default), 'desc', or 'rev' for the list backwards. Null if the list is null.";
    "list:sort(list:create(3, n, 1))"; sort_type; sort);

function!(MAP_CREATE = "map" "create" "(key any, value any, ...)" -> "object";
"A map of keys and values in turns; of none, an empty one. A later value of a key counts.";
"map:create('name', text, 'n', n)"; pairs;
|_| object(|a| {
    let mut entries = Vec::with_capacity(a.len() / 2);
    a.chunks_exact(2).for_each(|p| put(&mut entries, p[0].to_value(), p[1].to_value()));
    Some(Value::Map(entries))
}));
function!(MAP_GET = "map" "get" "(map object, key any [, default any])" -> "object";
"The value of a key; the default (or null) if there is none, or the map is null. `cast` gives it a type.";
"map:get(map:create('a', n), text)";
|name, args| fit(name, args, &[Ty::Object, Ty::Any], &[Ty::Any], AttrType::Object);
|_| object(|a| {
    let key = arg(a, 1).to_value();
    let found = map(arg(a, 0)).and_then(|m| m.into_iter().find(|(k, _)| *k == key));
    Some(found.map_or_else(|| arg(a, 2).to_value(), |(_, v)| v))
}));
function!(MAP_PUT = "map" "put" "(map object, key any, value any)" -> "object";
    "The map with the value under the key; null if the map is null.";
    "map:put(map:create('a', 1), text, n)"; object_and([Ty::Any, Ty::Any]);
    |_| of_map(|mut m, a| { put(&mut m, arg(a, 1).to_value(), arg(a, 2).to_value()); Some(m) }));
function!(MAP_PUT_ALL = "map" "putAll" "(map object, other object)" -> "object";
    "The map with all entries of the other; null if one is null.";
    "map:putAll(map:create('a', 1), map:create(text, n))"; object_and([Ty::Object]);
    |_| of_map(|mut m, a| { map(arg(a, 1))?.into_iter().for_each(|(k, v)| put(&mut m, k, v)); Some(m) }));
function!(MAP_PUT_IF_ABSENT = "map" "putIfAbsent" "(map object, key any, value any)" -> "object";
"The map with the value under the key, unless it has the key; null if the map is null.";
"map:putIfAbsent(map:create('a', 1), text, n)"; object_and([Ty::Any, Ty::Any]);
|_| of_map(|mut m, a| {
    let key = arg(a, 1).to_value();
    if !m.iter().any(|(k, _)| *k == key) {
        m.push((key, arg(a, 2).to_value()));
    }
    Some(m)
}));
function!(MAP_REMOVE = "map" "remove" "(map object, key any)" -> "object";
"The map without the key; null if the map is null."; "map:remove(map:create('a', 1), text)";
object_and([Ty::Any]);
|_| of_map(|mut m, a| {
    let key = arg(a, 1).to_value();
    m.retain(|(k, _)| *k != key);
    Some(m)
}));
function!(MAP_REPLACE = "map" "replace" "(map object, key any, value any)" -> "object";
"The map with the value under the key, if it has the key; null if the map is null.";
"map:replace(map:create('a', 1), text, n)"; object_and([Ty::Any, Ty::Any]);
|_| of_map(|mut m, a| {
    let key = arg(a, 1).to_value();
    if let Some(entry) = m.iter_mut().find(|(k, _)| *k == key) {
        entry.1 = arg(a, 2).to_value();
    }
    Some(m)
}));
function!(MAP_REPLACE_ALL = "map" "replaceAll" "(map object, other object)" -> "object";
"The map with the other's values for the keys it has; null if one is null.";
"map:replaceAll(map:create('a', 1), map:create(text, n))"; object_and([Ty::Object]);
|_| of_map(|mut m, a| {
    let other = map(arg(a, 1))?;
    for (k, v) in &mut m {
        if let Some((_, new)) = other.iter().find(|(o, _)| o == k) {
            *v = new.clone();
        }
    }
    Some(m)
}));
function!(MAP_CLEAR = "map" "clear" "(map object)" -> "object";
    "An empty map; null if the argument is no map."; "map:clear(map:create('a', 1))";
    object_and([]); |_| of_map(|_, _| Some(vec![])));
function!(MAP_CLONE = "map" "clone" "(map object)" -> "object";
    "The same map; null if the argument is no map."; "map:clone(map:create('a', 1))";
    object_and([]); |_| of_map(|m, _| Some(m)));
function!(MAP_COMBINE_BY_KEY = "map" "combineByKey" "(map object, map object, ...)" -> "object";
"Under each key of the first map, a list of the values all maps have for it (null where one has \
 none); null if one is null."; "map:combineByKey(map:create('a', 1), map:create('a', n))";
|name, args| fit_many(name, args, &[Ty::Object], (Ty::Object, 1), AttrType::Object);
|_| object(|a| {
    let maps = a.iter().map(map).collect::<Option<Vec<_>>>()?;
    let value = |m: &Vec<(Value, Value)>, key: &Value| {
        m.iter().find(|(k, _)| k == key).map_or(Value::Null, |(_, v)| v.clone())
    };
    let of = |(k, _): &(Value, Value)| {
        (k.clone(), Value::List(maps.iter().map(|m| value(m, k)).collect()))
    };
    Some(Value::Map(maps.first()?.iter().map(of).collect()))
}));
function!(MAP_CONTAINS_KEY = "map" "containsKey" "(map object, key any)" -> "bool";
"Whether the map has the key; null if the map is null.";
"map:containsKey(map:create('a', 1), text)"; test_and([Ty::Any]);
|_| bool(|a| {
    let key = arg(a, 1).to_value();
    Some(map(arg(a, 0))?.iter().any(|(k, _)| *k == key))
}));
function!(MAP_CONTAINS_VALUE = "map" "containsValue" "(map object, value any)" -> "bool";
"Whether the map has the value under any key; null if the map is null.";
"map:containsValue(map:create('a', 1), n)"; test_and([Ty::Any]);
|_| bool(|a| {
    let value = arg(a, 1).to_value();
    Some(map(arg(a, 0))?.iter().any(|(_, v)| *v == value))
}));
function!(MAP_IS_EMPTY = "map" "isEmpty" "(map object)" -> "bool";
    "Whether the map has no entries; null if it is null."; "map:isEmpty(map:create('a', 1))";
    test_and([]); |_| bool(|a| Some(map(arg(a, 0))?.is_empty())));
function!(MAP_IS_MAP = "map" "isMap" "(value any)" -> "bool";
    "Whether the value is a map; false if it is null."; "map:isMap(map:create('a', 1))";
    |name, args| fit(name, args, &[Ty::Any], &[], AttrType::Bool);
    |_| bool(|a| Some(map(arg(a, 0)).is_some())));
function!(MAP_KEYS = "map" "keys" "(map object)" -> "object";
    "A list of the keys, in the order in which they came in; null if the map is null.";
    "map:keys(map:create('a', 1))"; object_and([]);
    |_| object(|a| Some(Value::List(map(arg(a, 0))?.into_iter().map(|(k, _)| k).collect()))));
function!(MAP_VALUES = "map" "values" "(map object)" -> "object";
    "A list of the values, in the order of the keys; null if the map is null.";
    "map:values(map:create('a', 1))"; object_and([]);
    |_| object(|a| Some(Value::List(map(arg(a, 0))?.into_iter().map(|(_, v)| v).collect()))));
function!(MAP_SIZE = "map" "size" "(map object)" -> "int";
    "The number of entries; null if the map is null."; "map:size(map:create('a', 1))";
    number_and([]); |_| int(|a| i32::try_from(map(arg(a, 0))?.len()).ok()));
function!(MAP_CREATE_FROM_JSON = "map" "createFromJSON" "(json string)" -> "object";
"The map a JSON object stands for, whole numbers as ints or longs, others as doubles; null if the \
 text is none, or null."; "map:createFromJSON(\"\"\"{\"a\": 1}\"\"\")";
|name, args| fit(name, args, &[Ty::Text], &[], AttrType::Object);
|_| object(|a| match super::json::parse(arg(a, 0).text()?)? {
    map @ Value::Map(_) => Some(map),
    _ => None,
}));
function!(MAP_TO_JSON = "map" "toJSON" "(map object)" -> "string";
    "The map as a JSON object; null if it is null."; "map:toJSON(map:create('a', n))";
    |name, args| fit(name, args, &[Ty::Object], &[], AttrType::String);
    |_| text(|a, out| { super::json::write(out, &Value::Map(map(arg(a, 0))?)); Some(()) }));

/// Puts a value under a key.
fn put(entries: &mut Vec<(Value, Value)>, key: Value, value: Value) {
    match entries.iter_mut().find(|(k, _)| *k == key) {
        Some(entry) => entry.1 = value,
        None => entries.push((key, value)),
    }
}

fn pairs(name: &str, args: &[Arg<'_>]) -> Checked {
    if args.len() % 2 == 1 {
        return Err(format!(
            "`{name}` takes keys and values in turns, but its last key has no value"
        ));
    }
    Ok(AttrType::Object)
}

fn sort_type(name: &str, args: &[Arg<'_>]) -> Checked {
    if let Some(Value::String(order)) = args.get(1).and_then(|a| a.constant)
        && !["asc", "desc", "rev"].contains(&order.to_lowercase().as_str())
    {
        return Err(format!("the order of `{name}` is 'asc', 'desc' or 'rev', not '{order}'"));
    }
    fit(name, args, &[Ty::Object], &[Ty::Text], AttrType::Object)
}

fn sort(_: &Site<'_>) -> Kernel {
    of_list(|mut items, a| {
        let order = a.get(1).map_or(Some("asc"), Scalar::text)?.to_lowercase();
        match order.as_str() {
            "rev" => items.reverse(),
            "desc" => items.sort_by(|x, y| compare(y, x)),
            _ => items.sort_by(compare),
        }
        // Whatever the direction.
        items.sort_by_key(|v| *v == Value::Null);
        Some(items)
    })
}

/// Numbers by value, then text; what can't be compared stays where it is.
fn compare(a: &Value, b: &Value) -> std::cmp::Ordering {
    let number = |v: &Value| Scalar::of(v).double();
    match (number(a), number(b), a, b) {
        (Some(x), Some(y), _, _) => x.total_cmp(&y),
        (Some(_), None, _, _) => std::cmp::Ordering::Less,
        (None, Some(_), _, _) => std::cmp::Ordering::Greater,
        (_, _, Value::String(x), Value::String(y)) => x.cmp(y),
        (_, _, Value::Bool(x), Value::Bool(y)) => x.cmp(y),
        _ => std::cmp::Ordering::Equal,
    }
}
