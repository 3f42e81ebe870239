//! Handler chains: filters, stream functions and windows, with the narrowing of rows in front of a
//! window to the columns somebody needs.

use arrow::datatypes::{Schema, SchemaRef};

use super::held;
use super::scope::StreamScope;
use super::spec::{HandlerSpec, LogSpec, SelectSpec};
use super::visit;
use crate::error::{Code, Diagnostic};
use crate::event::Value;
use crate::expr::bind::{Scope, bind, bind_condition};
use crate::expr::functions::polar;
use crate::expr::tree::constant;
use crate::expr::types::{AttrType, attr_type, schema_of};
use crate::expr::{TypedExpr, TypedKind};
use crate::lang::ast::{Call, Handler};
use crate::registry;
use crate::window::{WindowArg, WindowCall};

/// Resolves a chain of handlers; `scope.schema` ends up as the rows behind the last one.
pub(super) fn plan_handlers(
    handlers: &[Handler],
    scope: &mut StreamScope,
    app: &str,
) -> Result<Vec<HandlerSpec>, Vec<Diagnostic>> {
    let mut chain = Vec::new();
    let mut found = Vec::new();
    for handler in handlers {
        let planned = match handler {
            Handler::Filter(e) => bind_condition(e, "a filter", scope).map(HandlerSpec::Filter),
            Handler::Function(call) => stream_function(call, scope, app),
            Handler::Window(call) => plan_window(call, scope).map(|call| HandlerSpec::Window {
                call,
                schema: scope.schema.clone(),
                expired: true,
            }),
        };
        match planned {
            Ok(h) => {
                if let HandlerSpec::Append { schema, .. } = &h {
                    scope.schema = schema.clone();
                }
                chain.push(h);
            }
            Err(d) => found.extend(d),
        }
    }
    if found.is_empty() { Ok(chain) } else { Err(found) }
}

/// Resolves a window call over the rows of `scope`.
pub(super) fn plan_window(
    call: &Call,
    scope: &mut StreamScope,
) -> Result<WindowCall, Vec<Diagnostic>> {
    let name = call.full_name();
    let span = call.span.0;
    let Some(spec) = registry::window(&name) else {
        return Err(vec![if registry::PLANNED.contains(&name.as_str()) {
            Diagnostic::not_supported(span, format!("`#window.{name}`"))
        } else {
            let message = format!("there is no window `{name}`");
            Diagnostic::error(Code::Name, call.name.at(), message)
                .with_nearest(&name, registry::window_names())
        }]);
    };
    let mut args: Vec<WindowArg> = arguments(call, scope)?.into_iter().map(window_arg).collect();
    (spec.check)(&args, span).map_err(|d| vec![d])?;
    held::prepare(spec.reads, &mut args, &scope.schema, span)?;
    Ok(WindowCall { spec, args, span })
}

/// The arguments of a call with names and types resolved.
pub(super) fn arguments(
    call: &Call,
    scope: &mut dyn Scope,
) -> Result<Vec<TypedExpr>, Vec<Diagnostic>> {
    if call.star {
        return scope.star(call.span.0).map_err(|d| vec![d]);
    }
    let mut args = Vec::new();
    let mut found = Vec::new();
    for a in &call.args {
        match bind(a, scope) {
            Ok(e) => args.push(e),
            Err(d) => found.extend(d),
        }
    }
    if found.is_empty() { Ok(args) } else { Err(found) }
}

fn window_arg(e: TypedExpr) -> WindowArg {
    if let TypedKind::Column(c) = e.kind {
        return WindowArg::Column { index: c.column as usize, ty: e.ty, span: e.span };
    }
    match constant(&e) {
        Some(value) => WindowArg::Const { value, ty: e.ty, span: e.span },
        None => WindowArg::Expr(e),
    }
}

fn stream_function(
    call: &Call,
    scope: &mut StreamScope,
    app: &str,
) -> Result<HandlerSpec, Vec<Diagnostic>> {
    let args = arguments(call, scope)?;
    match call.full_name().as_str() {
        "log" => log(call, args, app).map_err(|d| vec![d]),
        "pol2Cart" => pol2cart(call, args, scope).map_err(|d| vec![d]),
        name => Err(vec![
            Diagnostic::error(
                Code::Name,
                call.name.at(),
                format!("there is no stream function `{name}`"),
            )
            .with_nearest(name, ["log", "pol2Cart"]),
        ]),
    }
}

const PRIORITIES: [&str; 7] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "OFF"];

/// `log()`, `log(message)`, `log(isEventLogged)`, `log(message, isEventLogged)`,
/// `log(priority, message)`, `log(priority, message, isEventLogged)`.
fn log(call: &Call, mut args: Vec<TypedExpr>, app: &str) -> Result<HandlerSpec, Diagnostic> {
    let form = || {
        let message = "`log` takes ([priority string,] message string [, isEventLogged bool])";
        Diagnostic::error(Code::Parameter, call.span.0, message)
    };
    let mut event = true;
    if args.last().is_some_and(|a| a.ty == AttrType::Bool) {
        let flag = args.pop().and_then(|a| constant(&a));
        let Some(Value::Bool(flag)) = flag else { return Err(form()) };
        event = flag;
    }
    if args.iter().any(|a| a.ty != AttrType::String) || args.len() > 2 {
        return Err(form());
    }
    let message = args.pop();
    let priority = match args.pop() {
        None => "INFO".to_string(),
        Some(p) => {
            let Some(Value::String(text)) = constant(&p) else { return Err(form()) };
            let upper = text.to_ascii_uppercase();
            if !PRIORITIES.contains(&upper.as_str()) {
                let message = format!("`{text}` is not a log priority");
                return Err(Diagnostic::error(Code::Parameter, p.span, message)
                    .with_nearest(&text, PRIORITIES));
            }
            upper.to_string()
        }
    };
    Ok(HandlerSpec::Log(LogSpec { priority, message, event, prefix: format!("{app}: ") }))
}

/// `pol2Cart(theta, rho [, z])` appends `x`, `y` [, `z`].
fn pol2cart(
    call: &Call,
    args: Vec<TypedExpr>,
    scope: &StreamScope,
) -> Result<HandlerSpec, Diagnostic> {
    if !(2..=3).contains(&args.len()) || args.iter().any(|a| a.ty != AttrType::Double) {
        let message = "`pol2Cart` takes (theta double, rho double [, z double])";
        return Err(Diagnostic::error(Code::Parameter, call.span.0, message));
    }
    let span = call.span.0;
    let of = |function| TypedExpr {
        kind: TypedKind::Call { function, args: args[..2].to_vec() },
        ty: AttrType::Double,
        span,
    };
    let mut columns = vec![of(&polar::X), of(&polar::Y)];
    columns.extend(args.get(2).cloned());
    let old = scope
        .schema
        .fields()
        .iter()
        .map(|f| (f.name().as_str(), attr_type(f.data_type()).unwrap_or(AttrType::Object)));
    let names: Vec<(&str, AttrType)> = old
        .chain(["x", "y", "z"].into_iter().take(columns.len()).map(|n| (n, AttrType::Double)))
        .collect();
    for (i, (name, _)) in names.iter().enumerate() {
        if names[..i].iter().any(|(n, _)| n == name) {
            let message = format!("`pol2Cart` appends `{name}`, which the stream has already");
            return Err(Diagnostic::error(Code::Name, span, message));
        }
    }
    let schema = schema_of(names);
    Ok(HandlerSpec::Append { name: "pol2Cart".into(), columns, schema })
}

/// Narrows the rows in front of the window to the columns that the window, what stands behind it and
/// the selection need; without a window, the rows behind a filter to those that the selection needs.
pub(super) fn narrow(chain: &mut Vec<HandlerSpec>, select: &mut SelectSpec) {
    let window = |h: &HandlerSpec| match h {
        HandlerSpec::Window { schema, .. } => Some(schema.clone()),
        _ => None,
    };
    let found = chain.iter().enumerate().find_map(|(i, h)| Some((i, window(h)?)));
    let (at, wide) = match (found, chain.last()) {
        (Some(found), _) => found,
        (None, Some(HandlerSpec::Filter(_))) => (chain.len(), select.input.clone()),
        _ => return,
    };
    let width = wide.fields().len();
    let input_width = select.input.fields().len();
    let mut used = vec![false; width];
    let behind = |chain: &mut Vec<HandlerSpec>,
                  select: &mut SelectSpec,
                  f: &mut dyn FnMut(&mut crate::expr::ColumnRef)| {
        for h in chain.iter_mut().skip(at + 1) {
            handler_exprs(h, &mut |e| visit::columns(e, f));
        }
        select.each_expr(&mut |e| visit::columns(e, f));
    };
    behind(chain, select, &mut |c| {
        if let Some(u) = used.get_mut(c.column as usize) {
            *u = true;
        }
    });
    if let Some(HandlerSpec::Window { call, .. }) = chain.get_mut(at) {
        window_columns(call, &mut |i| used[*i] = true);
    }
    // A log prints the whole event.
    let logs = chain.iter().skip(at + 1).any(|h| matches!(h, HandlerSpec::Log(l) if l.event));
    if logs || used.iter().all(|u| *u) {
        return;
    }
    let columns: Vec<usize> = (0..width).filter(|i| used[*i]).collect();
    let dropped = (width - columns.len()) as u16;
    let place = |c: u16| match columns.iter().position(|k| *k == c as usize) {
        Some(i) => i as u16,
        // Appended behind the window, or an aggregate.
        None => c - dropped,
    };
    behind(chain, select, &mut |c| c.column = place(c.column));
    let narrow = project(&wide, &columns);
    for h in &mut chain[at..] {
        match h {
            HandlerSpec::Window { call, schema, .. } => {
                window_columns(call, &mut |i| *i = place(*i as u16) as usize);
                *schema = narrow.clone();
            }
            HandlerSpec::Append { schema, .. } | HandlerSpec::Project { schema, .. } => {
                *schema = without(schema, &wide, &columns);
            }
            HandlerSpec::Filter(_) | HandlerSpec::Log(_) => {}
        }
    }
    debug_assert_eq!(select.input.fields().len(), input_width);
    select.input = without(&select.input, &wide, &columns);
    chain.insert(at, HandlerSpec::Project { columns, schema: narrow });
}

fn project(schema: &SchemaRef, columns: &[usize]) -> SchemaRef {
    Schema::new(columns.iter().map(|c| schema.fields()[*c].clone()).collect::<Vec<_>>()).into()
}

/// `schema` (which begins with all of `wide`) with only `columns` of that beginning.
fn without(schema: &SchemaRef, wide: &SchemaRef, columns: &[usize]) -> SchemaRef {
    let kept = columns.iter().map(|c| schema.fields()[*c].clone());
    let appended = schema.fields()[wide.fields().len()..].iter().cloned();
    Schema::new(kept.chain(appended).collect::<Vec<_>>()).into()
}

fn handler_exprs(h: &mut HandlerSpec, f: &mut dyn FnMut(&mut TypedExpr)) {
    match h {
        HandlerSpec::Filter(e) => f(e),
        HandlerSpec::Append { columns, .. } => columns.iter_mut().for_each(f),
        HandlerSpec::Log(l) => l.message.iter_mut().for_each(f),
        HandlerSpec::Project { .. } | HandlerSpec::Window { .. } => {}
    }
}

pub(super) fn window_columns(call: &mut WindowCall, f: &mut dyn FnMut(&mut usize)) {
    for a in &mut call.args {
        match a {
            WindowArg::Const { .. } => {}
            WindowArg::Column { index, .. } => f(index),
            WindowArg::Condition(c) => c.columns(f),
            WindowArg::Conditions { index, columns, .. } => {
                f(index);
                columns.iter_mut().for_each(&mut *f);
            }
            WindowArg::Expr(e) => visit::columns(e, &mut |c| {
                let mut i = c.column as usize;
                f(&mut i);
                c.column = i as u16;
            }),
        }
    }
}
