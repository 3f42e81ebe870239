//! `unitconversion:…`: lengths, weights, volumes and times in other units.

use super::kit::{Ty, fit, of_number};
use super::{Calls, Eval, FunctionSpec};
use crate::lang::ast::AttrType;

/// `xToy(v)`: `v` times the size of a unit, divided by the size of another.
macro_rules! unit {
    ($item:ident, $name:literal, $from:literal, $to:literal, $size:expr, $by:expr) => {
        #[doc = concat!("`unitconversion:", $name, "(x)`: ", $from, " as ", $to, ".")]
        pub static $item: FunctionSpec = FunctionSpec {
            name: $name,
            namespace: Some("unitconversion"),
            signature: concat!("unitconversion:", $name, "(x number) -> double"),
            doc: concat!("So many ", $from, " as ", $to, "; null if `x` is null."),
            example: concat!(
                "define stream S (x double);\nfrom S select unitconversion:",
                $name,
                "(x) as result insert into Out;"
            ),
            returns: |args| {
                fit(concat!("unitconversion:", $name), args, &[Ty::Number], &[], AttrType::Double)
            },
            volatile: false,
            eval: Eval::Calls(Calls { kernel: |_| of_number(|x| x * $size / $by), columns: None }),
        };
    };
}

unit!(CM_TO_NM, "cmTonm", "centimetres", "nanometres", 0.01, 1e-09);
unit!(CM_TO_UM, "cmToum", "centimetres", "micrometres", 0.01, 1e-06);
unit!(CM_TO_MM, "cmTomm", "centimetres", "millimetres", 0.01, 0.001);
unit!(CM_TO_M, "cmTom", "centimetres", "metres", 0.01, 1.0);
unit!(CM_TO_KM, "cmTokm", "centimetres", "kilometres", 0.01, 1000.0);
unit!(CM_TO_MEGAM, "cmToMm", "centimetres", "megametres", 0.01, 1000000.0);
unit!(CM_TO_IN, "cmToin", "centimetres", "inches", 0.01, 0.0254);
unit!(CM_TO_FT, "cmToft", "centimetres", "feet", 0.01, 0.3048);
unit!(CM_TO_YD, "cmToyd", "centimetres", "yards", 0.01, 0.9144);
unit!(CM_TO_MI, "cmTomi", "centimetres", "miles", 0.01, 1609.344);
unit!(KM_TO_NM, "kmTonm", "kilometres", "nanometres", 1000.0, 1e-09);
unit!(KM_TO_UM, "kmToum", "kilometres", "micrometres", 1000.0, 1e-06);
unit!(KM_TO_MM, "kmTomm", "kilometres", "millimetres", 1000.0, 0.001);
unit!(KM_TO_CM, "kmTocm", "kilometres", "centimetres", 1000.0, 0.01);
unit!(KM_TO_M, "kmTom", "kilometres", "metres", 1000.0, 1.0);
unit!(KM_TO_MEGAM, "kmToMm", "kilometres", "megametres", 1000.0, 1000000.0);
unit!(KM_TO_IN, "kmToin", "kilometres", "inches", 1000.0, 0.0254);
unit!(KM_TO_FT, "kmToft", "kilometres", "feet", 1000.0, 0.3048);
unit!(KM_TO_YD, "kmToyd", "kilometres", "yards", 1000.0, 0.9144);
unit!(KM_TO_MI, "kmTomi", "kilometres", "miles", 1000.0, 1609.344);
unit!(M_TO_NM, "mTonm", "metres", "nanometres", 1.0, 1e-09);
unit!(M_TO_UM, "mToum", "metres", "micrometres", 1.0, 1e-06);
unit!(M_TO_MM, "mTomm", "metres", "millimetres", 1.0, 0.001);
unit!(M_TO_CM, "mTocm", "metres", "centimetres", 1.0, 0.01);
unit!(M_TO_KM, "mTokm", "metres", "kilometres", 1.0, 1000.0);
unit!(M_TO_MEGAM, "mToMm", "metres", "megametres", 1.0, 1000000.0);
unit!(M_TO_IN, "mToin", "metres", "inches", 1.0, 0.0254);
unit!(M_TO_FT, "mToft", "metres", "feet", 1.0, 0.3048);
unit!(M_TO_YD, "mToyd", "metres", "yards", 1.0, 0.9144);
unit!(M_TO_MI, "mTomi", "metres", "miles", 1.0, 1609.344);
unit!(MI_TO_NM, "miTonm", "miles", "nanometres", 1609.344, 1e-09);
unit!(MI_TO_UM, "miToum", "miles", "micrometres", 1609.344, 1e-06);
unit!(MI_TO_MM, "miTomm", "miles", "millimetres", 1609.344, 0.001);
unit!(MI_TO_CM, "miTocm", "miles", "centimetres", 1609.344, 0.01);
unit!(MI_TO_M, "miTom", "miles", "metres", 1609.344, 1.0);
unit!(MI_TO_KM, "miTokm", "miles", "kilometres", 1609.344, 1000.0);
unit!(MI_TO_MEGAM, "miToMm", "miles", "megametres", 1609.344, 1000000.0);
unit!(MI_TO_IN, "miToin", "miles", "inches", 1609.344, 0.0254);
unit!(MI_TO_FT, "miToft", "miles", "feet", 1609.344, 0.3048);
unit!(MI_TO_YD, "miToyd", "miles", "yards", 1609.344, 0.9144);
unit!(MEGAM_TO_NM, "MmTonm", "megametres", "nanometres", 1000000.0, 1e-09);
unit!(MEGAM_TO_UM, "MmToum", "megametres", "micrometres", 1000000.0, 1e-06);
unit!(MEGAM_TO_MM, "MmTomm", "megametres", "millimetres", 1000000.0, 0.001);
unit!(MEGAM_TO_CM, "MmTocm", "megametres", "centimetres", 1000000.0, 0.01);
unit!(MEGAM_TO_M, "MmTom", "megametres", "metres", 1000000.0, 1.0);
unit!(MEGAM_TO_KM, "MmTokm", "megametres", "kilometres", 1000000.0, 1000.0);
unit!(MEGAM_TO_IN, "MmToin", "megametres", "inches", 1000000.0, 0.0254);
unit!(MEGAM_TO_FT, "MmToft", "megametres", "feet", 1000000.0, 0.3048);
unit!(MEGAM_TO_YD, "MmToyd", "megametres", "yards", 1000000.0, 0.9144);
unit!(MEGAM_TO_MI, "MmTomi", "megametres", "miles", 1000000.0, 1609.344);
unit!(G_TO_UG, "gToug", "grams", "micrograms", 0.001, 1e-09);
unit!(G_TO_MG, "gTomg", "grams", "milligrams", 0.001, 1e-06);
unit!(G_TO_KG, "gTokg", "grams", "kilograms", 0.001, 1.0);
unit!(G_TO_T, "gTot", "grams", "tonnes", 0.001, 1000.0);
unit!(G_TO_LB, "gTolb", "grams", "pounds", 0.001, 0.45359237);
unit!(G_TO_OZ, "gTooz", "grams", "ounces", 0.001, 0.028349523125);
unit!(G_TO_ST, "gTost", "grams", "stones", 0.001, 6.35029318);
unit!(G_TO_LT, "gToLT", "grams", "long tons", 0.001, 1016.0469088);
unit!(G_TO_SHT, "gToST", "grams", "short tons", 0.001, 907.18474);
unit!(KG_TO_UG, "kgToug", "kilograms", "micrograms", 1.0, 1e-09);
unit!(KG_TO_MG, "kgTomg", "kilograms", "milligrams", 1.0, 1e-06);
unit!(KG_TO_G, "kgTog", "kilograms", "grams", 1.0, 0.001);
unit!(KG_TO_T, "kgTot", "kilograms", "tonnes", 1.0, 1000.0);
unit!(KG_TO_LB, "kgTolb", "kilograms", "pounds", 1.0, 0.45359237);
unit!(KG_TO_OZ, "kgTooz", "kilograms", "ounces", 1.0, 0.028349523125);
unit!(KG_TO_ST, "kgTost", "kilograms", "stones", 1.0, 6.35029318);
unit!(KG_TO_LT, "kgToLT", "kilograms", "long tons", 1.0, 1016.0469088);
unit!(KG_TO_SHT, "kgToST", "kilograms", "short tons", 1.0, 907.18474);
unit!(T_TO_UG, "tToug", "tonnes", "micrograms", 1000.0, 1e-09);
unit!(T_TO_MG, "tTomg", "tonnes", "milligrams", 1000.0, 1e-06);
unit!(T_TO_G, "tTog", "tonnes", "grams", 1000.0, 0.001);
unit!(T_TO_KG, "tTokg", "tonnes", "kilograms", 1000.0, 1.0);
unit!(T_TO_LB, "tTolb", "tonnes", "pounds", 1000.0, 0.45359237);
unit!(T_TO_OZ, "tTooz", "tonnes", "ounces", 1000.0, 0.028349523125);
unit!(T_TO_ST, "tTost", "tonnes", "stones", 1000.0, 6.35029318);
unit!(T_TO_LT, "tToLT", "tonnes", "long tons", 1000.0, 1016.0469088);
unit!(T_TO_SHT, "tToST", "tonnes", "short tons", 1000.0, 907.18474);
unit!(ML_TO_L, "mlTol", "millilitres", "litres", 0.001, 1.0);
unit!(ML_TO_M3, "mlTom3", "millilitres", "cubic metres", 0.001, 1000.0);
unit!(L_TO_ML, "lToml", "litres", "millilitres", 1.0, 0.001);
unit!(L_TO_M3, "lTom3", "litres", "cubic metres", 1.0, 1000.0);
unit!(M3_TO_ML, "m3Toml", "cubic metres", "millilitres", 1000.0, 0.001);
unit!(M3_TO_L, "m3Tol", "cubic metres", "litres", 1000.0, 1.0);
unit!(S_TO_M, "sTom", "seconds", "minutes", 1.0, 60.0);
unit!(S_TO_H, "sToh", "seconds", "hours", 1.0, 3600.0);
unit!(S_TO_D, "sTod", "seconds", "days", 1.0, 86400.0);
unit!(S_TO_Y, "sToy", "seconds", "years (of 365.25 days)", 1.0, 31557600.0);
unit!(M_TO_S, "mTos", "minutes", "seconds", 60.0, 1.0);
unit!(M_TO_H, "mToh", "minutes", "hours", 60.0, 3600.0);
unit!(M_TO_D, "mTod", "minutes", "days", 60.0, 86400.0);
unit!(M_TO_Y, "mToy", "minutes", "years (of 365.25 days)", 60.0, 31557600.0);
unit!(H_TO_S, "hTos", "hours", "seconds", 3600.0, 1.0);
unit!(H_TO_M, "hTom", "hours", "minutes", 3600.0, 60.0);
unit!(H_TO_D, "hTod", "hours", "days", 3600.0, 86400.0);
unit!(H_TO_Y, "hToy", "hours", "years (of 365.25 days)", 3600.0, 31557600.0);
unit!(D_TO_S, "dTos", "days", "seconds", 86400.0, 1.0);
unit!(D_TO_M, "dTom", "days", "minutes", 86400.0, 60.0);
unit!(D_TO_H, "dToh", "days", "hours", 86400.0, 3600.0);
unit!(D_TO_Y, "dToy", "days", "years (of 365.25 days)", 86400.0, 31557600.0);
unit!(Y_TO_S, "yTos", "years (of 365.25 days)", "seconds", 31557600.0, 1.0);
unit!(Y_TO_M, "yTom", "years (of 365.25 days)", "minutes", 31557600.0, 60.0);
unit!(Y_TO_H, "yToh", "years (of 365.25 days)", "hours", 31557600.0, 3600.0);
unit!(Y_TO_D, "yTod", "years (of 365.25 days)", "days", 31557600.0, 86400.0);
