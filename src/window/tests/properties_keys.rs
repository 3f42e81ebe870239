//! Random input for the windows of `model_keys`.

use proptest::prelude::*;

use super::harness::call;
use super::model_keys::{self, SessionParams};
use super::properties::{check, few};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn session(gap in 1i64..40, share in 0i64..=4, keyed: bool, s in few(3)) {
        let latency = if keyed { gap * share / 4 } else { 0 };
        let text = match keyed {
            true => format!("session({gap}, x, {latency})"),
            false => format!("session({gap})"),
        };
        check::<model_keys::Session>(&call(&text), &SessionParams { gap, latency, keyed }, 3, s)?;
    }

    #[test]
    fn session_of_one_key(gap in 1i64..40, latency in 0i64..40, s in few(1)) {
        let (latency, keyed) = (latency.min(gap), true);
        let call = call(&format!("session({gap}, x, {latency})"));
        check::<model_keys::Session>(&call, &SessionParams { gap, latency, keyed }, 1, s)?;
    }

    #[test]
    fn delay(t in 0i64..40, s in few(3)) {
        check::<model_keys::Delay>(&call(&format!("delay({t})")), &t, 3, s)?;
    }

    #[test]
    fn sort(n in 0usize..5, s in few(3)) {
        check::<model_keys::Sort>(&call(&format!("sort({n}, g, 'desc', x)")), &n, 3, s)?;
    }

    #[test]
    fn frequent(n in 1usize..4, s in few(3)) {
        check::<model_keys::Frequent>(&call(&format!("frequent({n}, g)")), &n, 3, s)?;
    }

    #[test]
    fn lossy_frequent(support in 0.0f64..1.0, error in 0.1f64..1.0, s in few(2)) {
        let call = call(&format!("lossyFrequent({support:?}, {error:?}, g)"));
        check::<model_keys::LossyFrequent>(&call, &(support, error), 2, s)?;
    }

    #[test]
    fn cron(s in few(3)) {
        check::<model_keys::Seconds>(&call("cron('* * * * * ?')"), &(), 3, s)?;
    }
}
