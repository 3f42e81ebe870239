//! The functions of Siddhi's extensions: what each gives for values, for nulls, and for constants that
//! can't be meant. A function without a line here fails the test.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use foreshock::registry::FUNCTIONS;
use foreshock::{App, Value, compile};

/// One row; everything whose name begins with `no` is null.
const STREAM: &str = "define stream S (text string, n int, x double, f float, at long, flag bool, \
                      no string, nol long, noi int, nod double); ";

fn row() -> Vec<Value> {
    vec![
        "Hello World".into(),
        Value::Int(7),
        Value::Double(2.5),
        Value::Float(-1.5),
        Value::Long(1_415_712_224_000),
        Value::Bool(true),
        Value::Null,
        Value::Null,
        Value::Null,
        Value::Null,
    ]
}

/// The value of an expression.
fn value(expression: &str) -> String {
    let text = format!("{STREAM} from S select {expression} as r insert into Out;");
    let app = App::from_text(&text).unwrap_or_else(|e| panic!("{expression}: {e}"));
    let told: Arc<Mutex<String>> = Arc::default();
    let sink = Arc::clone(&told);
    app.subscribe("Out", move |e| *sink.lock().unwrap() = e.row(0)[0].to_string()).unwrap();
    app.advance_to(1_000).unwrap();
    app.input("S").unwrap().send_at(1_000, row()).unwrap();
    let told = told.lock().unwrap();
    told.clone()
}

const VALUES: &[(&str, &str)] = &[
    // str
    ("str:charAt('WSO2', 1)", "S"),
    ("str:charAt('WSO2', 9)", "null"),
    ("str:charAt(no, 1)", "null"),
    ("str:charFrequency('WSO2,ABM,NSFT', ',')", "2"),
    ("str:charFrequency(no, ',')", "null"),
    ("str:coalesce(no, 'BBB', 'CCC')", "BBB"),
    ("str:coalesce(no)", "null"),
    ("str:concat('D533', '8JU^', 'XYZ')", "D5338JU^XYZ"),
    ("str:concat('AAA', no, n, x, flag)", "AAA72.5true"),
    ("str:contains('21 products are produced by WSO2 currently', 'WSO2')", "true"),
    ("str:contains('WSO2', 'wso2')", "false"),
    ("str:contains(no, 'a')", "false"),
    ("str:equalsIgnoreCase('WSO2', 'wso2')", "true"),
    ("str:equalsIgnoreCase('WSO2', 'wso')", "false"),
    ("str:equalsIgnoreCase(no, 'a')", "null"),
    ("str:fillTemplate('{{1}} has {{2}} and {{3}}', text, n, no)", "Hello World has 7 and {{3}}"),
    ("str:fillTemplate('{{a}}, {{b}}', map:create('a', n))", "7, {{b}}"),
    ("str:fillTemplate(no, 1)", "null"),
    ("str:hex('MySQL')", "4d7953514c"),
    ("str:unhex('4d7953514c')", "MySQL"),
    ("str:unhex('4d7')", "null"),
    ("str:unhex('zz')", "null"),
    ("str:length('Hello World')", "11"),
    ("str:length('grüße')", "5"),
    ("str:length(no)", "null"),
    ("str:locate('World', text)", "6"),
    ("str:locate('o', text, 5)", "7"),
    ("str:locate('o', text, 99)", "-1"),
    ("str:locate('x', text)", "-1"),
    ("str:locate(no, text)", "null"),
    ("str:lower('WSO2 CEP')", "wso2 cep"),
    ("str:upper('Hello World')", "HELLO WORLD"),
    ("str:upper(no)", "null"),
    ("str:regexp('WSO2 abcdh', 'WSO(.*h)')", "true"),
    ("str:regexp('xWSO2', 'WSO.')", "false"),
    ("str:regexp('abc', text)", "false"),
    ("str:regexp(no, 'a')", "null"),
    ("str:repeat('StRing 1', 3)", "StRing 1StRing 1StRing 1"),
    ("str:repeat('a', -1)", ""),
    ("str:repeat('abc', 2000000)", "null"),
    ("str:replaceAll('hello hi hello', 'hello', 'test')", "test hi test"),
    ("str:replaceAll('a1b2', '([0-9])', '<$1>')", "a<1>b<2>"),
    ("str:replaceAll('a1', '[0-9]', 'x\\$')", "ax$"),
    ("str:replaceFirst('hello WSO2 A hello', 'WSO2(.*)A', 'XXXX')", "hello XXXX hello"),
    ("str:replaceFirst('aaa', 'a', 'b')", "baa"),
    ("str:replaceAll(no, 'a', 'b')", "null"),
    ("str:reverse('Hello World')", "dlroW olleH"),
    ("str:split('WSO2,ABM,NSFT', ',', 1)", "ABM"),
    ("str:split('WSO2,ABM', ',', 2)", "null"),
    ("str:strcmp('AbCDefghiJ KLMN', 'Hello')", "-7"),
    ("str:strcmp('abc', 'ab')", "1"),
    ("str:strcmp('a', 'a')", "0"),
    ("str:substr('AbCDefghiJ KLMN', 4)", "efghiJ KLMN"),
    ("str:substr('AbCDefghiJ KLMN', 2, 4)", "CDef"),
    ("str:substr('WSO2D efghiJ KLMN', '^WSO2(.*)')", "WSO2D efghiJ KLMN"),
    ("str:substr('WSO2 cep E10', 'WSO2 (.*) E(.*)', 2)", "10"),
    ("str:substr('abc', 'x')", ""),
    ("str:substr('abc', 4)", "null"),
    ("str:trim('  AbCDefghiJ KLMN  ')", "AbCDefghiJ KLMN"),
    // regex
    ("regex:find('\\d\\d(.*)WSO2', '21 products are produced by WSO2 currently')", "true"),
    ("regex:find('WSO2', 'by WSO2', 4)", "false"),
    ("regex:find(no, 'a')", "null"),
    ("regex:group('(\\d\\d)(.*)(WSO2.*)', '21 products by WSO2 now', 3)", "WSO2 now"),
    ("regex:group('a', 'b', 0)", "null"),
    ("regex:lookingAt('\\d\\d(.*)WSO2', '21 products by WSO2 now')", "true"),
    ("regex:lookingAt('WSO2', 'by WSO2')", "false"),
    ("regex:matches('WSO2(.*)middleware(.*)', 'WSO2 is middleware now')", "true"),
    ("regex:matches('WSO2', 'WSO2 now')", "false"),
    // math
    ("math:abs(f)", "1.5"),
    ("math:abs(nod)", "null"),
    ("math:acos(1.0)", "0.0"),
    ("math:asin(0.0)", "0.0"),
    ("math:atan(0.0)", "0.0"),
    ("math:atan(12.0, 5.0)", "1.176005207095135"),
    ("math:bin(9)", "1001"),
    ("math:bin(-1)", "11111111111111111111111111111111"),
    ("math:bin(noi)", "null"),
    ("math:cbrt(27.0)", "3.0"),
    ("math:ceil(423.187)", "424.0"),
    ("math:conv('7f', 16, 10)", "127"),
    ("math:conv('xyz', 10, 2)", "null"),
    ("math:conv('1', 1, 2)", "null"),
    ("math:copySign(5.6, -3)", "-5.6"),
    ("math:cos(0.0)", "1.0"),
    ("math:cosh(0.0)", "1.0"),
    ("math:e()", "2.718281828459045"),
    ("math:exp(0)", "1.0"),
    ("math:floor(10.23)", "10.0"),
    ("math:getExponent(60984.1)", "15"),
    ("math:getExponent(0.0)", "-1023"),
    ("math:hex(200.0)", "0x1.9p7"),
    ("math:hex(0.0)", "0x0.0p0"),
    ("math:hex(-1.0)", "-0x1.0p0"),
    ("math:isInfinite(x)", "false"),
    ("math:isNan(math:sqrt(-1.0))", "true"),
    ("math:ln(1.0)", "0.0"),
    ("math:log(8, 2)", "3.0"),
    ("math:log10(100.0)", "2.0"),
    ("math:log2(8.0)", "3.0"),
    ("math:max(123.67, 91)", "123.67"),
    ("math:min(123.67, 91)", "91.0"),
    ("math:min(x, nod)", "null"),
    ("math:oct(99L)", "143"),
    ("math:parseDouble('123')", "123.0"),
    ("math:parseDouble('abc')", "null"),
    ("math:parseFloat('1.5')", "1.5"),
    ("math:parseInt('123')", "123"),
    ("math:parseInt('1.5')", "null"),
    ("math:parseLong('9999999999')", "9999999999"),
    ("math:pi()", "3.141592653589793"),
    ("math:power(5.6, 3.0)", "175.61599999999996"),
    ("math:round(3252.353)", "3252"),
    ("math:round(-2.5)", "-2"),
    ("math:round(f)", "-1"),
    ("math:signum(-6.32)", "-1"),
    ("math:signum(0)", "0"),
    ("math:sin(0.0)", "0.0"),
    ("math:sinh(0.0)", "0.0"),
    ("math:sqrt(4.0)", "2.0"),
    ("math:tan(0.0)", "0.0"),
    ("math:tanh(0.0)", "0.0"),
    ("math:toDegrees(math:pi())", "180.0"),
    ("math:toRadians(180.0)", "3.141592653589793"),
    ("math:rand(12) < 1.0 and math:rand() >= 0.0", "true"),
    // time
    ("time:currentDate()", "1970-01-01"),
    ("time:currentTime()", "00:00:01"),
    ("time:currentTimestamp()", "1970-01-01 00:00:01"),
    ("time:utcTimestamp('HH')", "00"),
    ("time:utcTimestamp()", "1970-01-01 00:00:01"),
    ("time:date('2014-11-11 13:23:44', 'yyyy-MM-dd HH:mm:ss')", "2014-11-11"),
    ("time:date('2014-11-11 13:23:44.657')", "2014-11-11"),
    ("time:date('x')", "null"),
    (
        "time:dateAdd('2014-11-11 13:23:44', 2, 'year', 'yyyy-MM-dd HH:mm:ss')",
        "2016-11-11 13:23:44",
    ),
    ("time:dateAdd('2015-01-31', 1, 'MONTH', 'yyyy-MM-dd')", "2015-02-28"),
    ("time:dateAdd(at, 1, 'hour')", "2014-11-11 14:23:44.000"),
    ("time:dateSub('2014-11-11', 1, 'week', 'yyyy-MM-dd')", "2014-11-04"),
    ("time:dateSub(no, 1, 'week')", "null"),
    (
        "time:dateDiff('2014-11-11 13:23:44', '2014-11-09 13:23:44', 'yyyy-MM-dd HH:mm:ss', \
         'yyyy-MM-dd HH:mm:ss')",
        "2",
    ),
    ("time:dateDiff(0L, at)", "-16385"),
    ("time:dateFormat('2014/11/11 13:23:44', 'mm:ss', 'yyyy/MM/dd HH:mm:ss')", "23:44"),
    ("time:dateFormat(at, 'EEE, d MMM yyyy h:mm a Z')", "Tue, 11 Nov 2014 1:23 PM +0000"),
    ("time:dateFormat(nol, 'yyyy')", "null"),
    ("time:dayOfWeek('2014-12-11', 'yyyy-MM-dd')", "Thursday"),
    ("time:extract('year', '2014-3-11 02:23:44', 'yyyy-MM-dd hh:mm:ss')", "2014"),
    ("time:extract(at, 'quarter')", "4"),
    ("time:extract(at, 'week')", "46"),
    ("time:extract(at, 'HOUR')", "13"),
    ("time:extract('week', '2014-12-31', 'yyyy-MM-dd')", "1"),
    ("time:timestampInMilliseconds('2007-11-30 10:30:19', 'yyyy-MM-dd HH:mm:ss')", "1196418619000"),
    (
        "time:timestampInMilliseconds('2007-11-30T10:30:19+05:30', \"yyyy-MM-dd'T'HH:mm:ssX\")",
        "1196398819000",
    ),
    ("time:timestampInMilliseconds('20071130', 'yyyyMMdd')", "1196380800000"),
    ("time:timestampInMilliseconds('2007-13-30', 'yyyy-MM-dd')", "null"),
    ("time:timestampInMilliseconds()", "1000"),
    // json
    ("json:getString(\"\"\"{\"name\": \"John\", \"age\": 23}\"\"\", '$.name')", "John"),
    ("json:getString(\"\"\"{\"a\": {\"b\": [1]}}\"\"\", '$.a')", "{\"b\":[1]}"),
    ("json:getString(\"\"\"{\"a\": 1}\"\"\", '$.b')", "null"),
    ("json:getString('no json', '$.b')", "null"),
    ("json:getInt(\"\"\"{\"a\": [10, 20]}\"\"\", '$.a[1]')", "20"),
    ("json:getInt(\"\"\"{\"a\": [10, 20]}\"\"\", '$.a[*]')", "null"),
    ("json:getLong(\"\"\"{\"a\": 9999999999}\"\"\", \"$['a']\")", "9999999999"),
    ("json:getFloat(\"\"\"{\"a\": {\"b\": 1.5}}\"\"\", '$.a.b')", "1.5"),
    ("json:getDouble(\"\"\"{\"a\": {\"b\": 1.5}}\"\"\", '$..b')", "1.5"),
    ("json:getBool(\"\"\"{\"a\": true}\"\"\", '$.a')", "true"),
    ("json:getObject(\"\"\"{\"a\": [1, \"x\", null]}\"\"\", '$.a')", "[1, x, null]"),
    ("json:isExists(\"\"\"{\"a\": null}\"\"\", '$.a')", "true"),
    ("json:isExists(\"\"\"{\"a\": 1}\"\"\", '$.b')", "false"),
    ("json:isExists(no, '$.b')", "null"),
    ("json:toObject(\"\"\"{\"a\": 1}\"\"\")", "{a=1}"),
    ("json:toObject('{')", "null"),
    (
        "json:toString(json:toObject(\"\"\"{\"b\": [1.5, true], \"a\": \"q\\\"\"}\"\"\"))",
        "{\"a\":\"q\\\"\",\"b\":[1.5,true]}",
    ),
    ("json:toString(json:setElement(\"\"\"{\"a\": 1}\"\"\", '$', 2, 'b'))", "{\"a\":1,\"b\":2}"),
    ("json:toString(json:setElement(\"\"\"{\"a\": [1]}\"\"\", '$.a', n))", "{\"a\":[1,7]}"),
    ("json:toString(json:setElement(\"\"\"{\"a\": 1}\"\"\", '$.a', 'x'))", "{\"a\":\"x\"}"),
    ("json:toString(json:setElement(\"\"\"{\"a\": 1}\"\"\", '$.z', 'x'))", "{\"a\":1}"),
    // list
    ("list:create(1, 'a', no)", "[1, a, null]"),
    ("list:create()", "[]"),
    ("list:add(list:create(1), 2)", "[1, 2]"),
    ("list:add(list:create(1), 2, 0)", "[2, 1]"),
    ("list:add(list:create(1), 2, 5)", "null"),
    ("list:addAll(list:create(1), list:create(2, 3))", "[1, 2, 3]"),
    ("list:clear(list:create(1))", "[]"),
    ("list:clone(list:create(1))", "[1]"),
    ("list:contains(list:create(1, 2), 2)", "true"),
    ("list:contains(list:create(1, 2), '2')", "false"),
    ("list:containsAll(list:create(1, 2), list:create(2, 3))", "false"),
    ("list:containsAny(list:create(1, 2), list:create(2, 3))", "true"),
    ("list:get(list:create(1, 'b'), 1)", "b"),
    ("list:get(list:create(1), 1)", "null"),
    ("list:indexOf(list:create('a', 'b', 'a'), 'a')", "0"),
    ("list:indexOf(list:create('a'), 'x')", "-1"),
    ("list:isEmpty(list:create())", "true"),
    ("list:isList(list:create())", "true"),
    ("list:isList('a')", "false"),
    ("list:lastIndexOf(list:create('a', 'b', 'a'), 'a')", "2"),
    ("list:remove(list:create('a', 'b', 'a'), 'a')", "[b, a]"),
    ("list:removeAll(list:create(1, 2, 3), list:create(1, 3))", "[2]"),
    ("list:removeByIndex(list:create(1, 2, 3), 1)", "[1, 3]"),
    ("list:retainAll(list:create(1, 2, 3), list:create(1, 3))", "[1, 3]"),
    ("list:setValue(list:create(1, 2), 1, 'x')", "[1, x]"),
    ("list:size(list:create(1, 2))", "2"),
    ("list:size(map:create())", "null"),
    ("list:sort(list:create(3, 1, no, 2))", "[1, 2, 3, null]"),
    ("list:sort(list:create(3, 1, no, 2), 'desc')", "[3, 2, 1, null]"),
    ("list:sort(list:create(3, 1, 2), 'rev')", "[2, 1, 3]"),
    // map
    ("map:create('a', 1, 'b', no)", "{a=1, b=null}"),
    ("map:create()", "{}"),
    ("map:get(map:create('a', 1), 'a')", "1"),
    ("map:get(map:create('a', 1), 'b')", "null"),
    ("map:get(map:create('a', 1), 'b', 'none')", "none"),
    ("cast(map:get(map:create('a', 1), 'a'), 'int') + 1", "2"),
    ("map:put(map:create('a', 1), 'a', 2)", "{a=2}"),
    ("map:putAll(map:create('a', 1), map:create('b', 2))", "{a=1, b=2}"),
    ("map:putIfAbsent(map:create('a', 1), 'a', 2)", "{a=1}"),
    ("map:remove(map:create('a', 1, 'b', 2), 'a')", "{b=2}"),
    ("map:replace(map:create('a', 1), 'b', 2)", "{a=1}"),
    ("map:replaceAll(map:create('a', 1, 'b', 2), map:create('b', 3, 'c', 4))", "{a=1, b=3}"),
    ("map:clear(map:create('a', 1))", "{}"),
    ("map:clone(map:create('a', 1))", "{a=1}"),
    ("map:combineByKey(map:create('a', 1), map:create('a', 2, 'b', 3))", "{a=[1, 2]}"),
    ("map:containsKey(map:create('a', 1), 'a')", "true"),
    ("map:containsValue(map:create('a', 1), 2)", "false"),
    ("map:isEmpty(map:create())", "true"),
    ("map:isMap(map:create())", "true"),
    ("map:isMap(n)", "false"),
    ("map:keys(map:create('a', 1, 'b', 2))", "[a, b]"),
    ("map:values(map:create('a', 1, 'b', 2))", "[1, 2]"),
    ("map:size(map:create('a', 1))", "1"),
    ("map:size(list:create())", "null"),
    ("map:createFromJSON(\"\"\"{\"a\": {\"b\": 1}}\"\"\")", "{a={b=1}}"),
    ("map:createFromJSON('[1]')", "null"),
    ("map:toJSON(map:create('a', list:create(1, 'x')))", "{\"a\":[1,\"x\"]}"),
    // unitconversion
    ("unitconversion:kmTom(1.5)", "1500.0"),
    ("unitconversion:miTokm(1)", "1.609344"),
    ("unitconversion:mToft(0.3048)", "1.0"),
    ("unitconversion:kgTolb(0.45359237)", "1.0"),
    ("unitconversion:hTom(2)", "120.0"),
    ("unitconversion:dToh(1)", "24.0"),
    ("unitconversion:lToml(2.0)", "2000.0"),
    ("unitconversion:kmTom(nod)", "null"),
];

#[test]
fn every_function_gives_what_it_says() {
    let wrong: Vec<String> = VALUES
        .iter()
        .filter_map(|(expression, expected)| {
            let got = value(expression);
            (got != *expected).then(|| format!("{expression}: {got}, not {expected}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_function_is_left_out() {
    let tested: BTreeSet<&str> =
        VALUES.iter().flat_map(|(e, _)| e.split(['(', ' ', ','])).collect();
    for f in FUNCTIONS.iter().filter(|f| f.namespace.is_some_and(|n| n != "unitconversion")) {
        assert!(tested.contains(f.full_name().as_str()), "{} has no test", f.full_name());
    }
}

/// There and back again is where one was.
#[test]
fn units_are_consistent() {
    let named = |name: &str| FUNCTIONS.iter().any(|f| f.name == name);
    let mut pairs = 0;
    for f in FUNCTIONS.iter().filter(|f| f.namespace == Some("unitconversion")) {
        let Some((from, to)) = f.name.split_once("To") else { panic!("{}", f.name) };
        let back = format!("{to}To{from}");
        if named(&back) {
            pairs += 1;
            let text = value(&format!("unitconversion:{back}(unitconversion:{}(3.0))", f.name));
            let got: f64 = text.parse().unwrap();
            assert!((got - 3.0).abs() < 1e-9, "{}: {got}", f.name);
        }
    }
    assert!(pairs > 40);
}

#[test]
fn what_cannot_be_meant_is_refused() {
    for (expression, part) in [
        ("str:concat()", "does not take"),
        ("str:length(n)", "must be a string"),
        ("str:charAt(text, 1L)", "must be an int"),
        ("str:regexp(text, '(')", "no regular expression"),
        ("regex:find('[', text)", "no regular expression"),
        ("str:lengt(text)", "no function"),
        ("math:abs(text)", "must be a number"),
        ("math:bin(x)", "must be an int or long"),
        ("math:power(x)", "does not take"),
        ("time:date(text, 'QQ')", "no date format"),
        ("time:dateAdd(at, 1, 'decade')", "no unit"),
        ("time:dateDiff(at, text)", "does not take"),
        ("json:getInt(text, 'a.b')", "no path"),
        ("json:getInt(n, '$.a')", "must be JSON"),
        ("list:get(text, 1)", "must be an object"),
        ("list:sort(list:create(1), 'up')", "'asc', 'desc' or 'rev'"),
        ("map:create('a')", "keys and values"),
        ("map:get(map:create('a', 1))", "does not take"),
        ("unitconversion:kmTom(text)", "must be a number"),
    ] {
        let text = format!("{STREAM} from S select {expression} as r insert into Out;");
        let found = compile(&text).err().unwrap_or_default();
        assert!(found.iter().any(|d| d.message.contains(part)), "{expression}: {found:#?}");
    }
}

/// The number a replay gives is the same; one row's is another than the next one's.
#[test]
fn random_numbers_are_reproducible() {
    let run = || {
        let text =
            format!("{STREAM} from S select math:rand() as a, math:rand(n) as b insert into O;");
        let app = App::from_text(&text).unwrap();
        let told: Arc<Mutex<Vec<String>>> = Arc::default();
        let sink = Arc::clone(&told);
        app.subscribe("O", move |e| sink.lock().unwrap().push(e.to_string())).unwrap();
        (1..5).for_each(|at| app.input("S").unwrap().send_at(at, row()).unwrap());
        told.lock().unwrap().clone()
    };
    let first = run();
    assert_eq!(first, run());
    let different: BTreeSet<&String> = first.iter().collect();
    assert_eq!(different.len(), 4, "{first:?}");
}
