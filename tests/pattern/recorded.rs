//! temp
use crate::harness::*;
use foreshock::event::Value;
use serde_json::Value as J;

#[test]
fn recorded() {
    let base = "/work/shared/conformance/query";
    let (mut ok, mut bad, mut skip) = (0, 0, 0);
    for dir in ["pattern", "sequence"] {
        let mut files: Vec<_> = std::fs::read_dir(format!("{base}/{dir}"))
            .unwrap()
            .map(|f| f.unwrap().path())
            .filter(|p| p.extension().is_some_and(|e| e == "json"))
            .collect();
        files.sort();
        for f in files {
            let name = f.file_name().unwrap().to_string_lossy().to_string();
            let d: J = serde_json::from_str(&std::fs::read_to_string(&f).unwrap()).unwrap();
            let app = d["app"].as_str().unwrap();
            let Ok(res) = std::panic::catch_unwind(|| query(app)) else {
                println!("SKIP {name} panic");
                skip += 1;
                continue;
            };
            let q = match res {
                Ok(q) => q,
                Err(e) => {
                    println!("SKIP {name} {:?}", e[0].message);
                    skip += 1;
                    continue;
                }
            };
            let sim = &d["sim"];
            let mut rows = vec![];
            for st in sim["steps"].as_array().unwrap() {
                let mut one = |stream: &str, ts: &J, data: &J| {
                    let stream = q.streams.iter().position(|(n, _)| n == stream).unwrap();
                    let values = data
                        .as_array()
                        .unwrap()
                        .iter()
                        .zip(&q.streams[stream].1)
                        .map(|(v, (_, ty))| {
                            if v.is_null() {
                                return Value::Null;
                            }
                            use foreshock::lang::ast::AttrType::*;
                            match ty {
                                String => v.as_str().map_or(Value::Null, |s| s.into()),
                                Int => Value::Int(v.as_i64().unwrap_or(0) as i32),
                                Long => Value::Long(v.as_i64().unwrap_or(0)),
                                Float => Value::Float(v.as_f64().unwrap() as f32),
                                Double => Value::Double(v.as_f64().unwrap()),
                                _ => Value::Null,
                            }
                        })
                        .collect();
                    rows.push(In { stream, ts: ts.as_i64().unwrap(), values });
                };
                if let Some(s) = st.get("send") {
                    one(s["stream"].as_str().unwrap(), &s["timestamp"], &s["data"]);
                }
                if let Some(b) = st.get("batch") {
                    for e in b["events"].as_array().unwrap() {
                        one(b["stream"].as_str().unwrap(), &e["timestamp"], &e["data"]);
                    }
                }
            }
            let cuts: Vec<usize> = (1..rows.len()).collect();
            let m = q.run(&rows, &cuts, |i| i % 5 == 0);
            let m2 = q.run(&rows, &[], |_| false);
            let outs = sim["outputs"].as_object().unwrap();
            let Some(exp) = outs
                .iter()
                .find(|(k, _)| k.starts_with("query:"))
                .or(outs.iter().next())
                .map(|(_, v)| v.as_array().unwrap())
            else {
                println!("NOOUT {name} {}", m.len());
                if m.is_empty() {
                    ok += 1
                };
                continue;
            };
            fn sj(v: &J) -> String {
                if let Some(o) = v.as_object() {
                    if let Some(x) = o.get("f").or(o.get("i")).or(o.get("l")).or(o.get("d")) {
                        return sj(x);
                    }
                    if let Some(x) = o.get("items") {
                        return format!(
                            "[{}]",
                            x.as_array().unwrap().iter().map(sj).collect::<Vec<_>>().join(" ")
                        );
                    }
                }
                match v {
                    J::String(s) => s.clone(),
                    J::Number(n) => {
                        let f = n.as_f64().unwrap();
                        format!("{f}")
                    }
                    other => other.to_string(),
                }
            }
            let e: Vec<(i64, Vec<String>)> = exp
                .iter()
                .map(|o| {
                    (
                        o["timestamp"].as_i64().unwrap(),
                        o["data"].as_array().unwrap().iter().map(sj).collect(),
                    )
                })
                .collect();
            let g: Vec<(i64, Vec<String>)> =
                m.iter().map(|m| (m.ts, m.values.iter().map(show).collect())).collect();
            let g2: Vec<(i64, Vec<String>)> =
                m2.iter().map(|m| (m.ts, m.values.iter().map(show).collect())).collect();
            let mut eb: Vec<i64> = exp.iter().map(|o| o["b"].as_i64().unwrap()).collect();
            let mut u = eb.clone();
            u.dedup();
            for b in &mut eb {
                *b = u.iter().position(|x| x == b).unwrap() as i64
            }
            let gb: Vec<i64> = m.iter().map(|m| m.chunk as i64).collect();
            let gb2: Vec<i64> = m2.iter().map(|m| m.chunk as i64).collect();
            if e == g && e == g2 && eb == gb && eb == gb2 {
                ok += 1
            } else {
                bad += 1;
                println!(
                    "BAD {name}\n  exp {} {:?} {eb:?}\n  got {} {:?} {gb:?}",
                    e.len(),
                    &e[..e.len().min(4)],
                    g.len(),
                    &g[..g.len().min(4)]
                )
            }
        }
    }
    println!("ok {ok} bad {bad} skip {skip}");
}
