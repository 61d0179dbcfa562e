use super::*;
use crate::ParamError;

fn symbols(count: usize) -> Vec<Symbol> {
    (0..count).filter_map(|n| Symbol::new(&format!("S{n}"))).collect()
}

#[test]
fn every_kind_is_built_from_its_defaults() {
    for kind in Builtin::KINDS {
        let defaults = Builtin::defaults(kind.name).unwrap();
        let built = Builtin::new(kind.name, &symbols(3), &defaults).unwrap();
        assert_eq!(built.params(), kind.params);
        for (at, &value) in defaults.iter().enumerate() {
            assert_eq!(built.param(at), value, "{} {}", kind.name, kind.params[at].name);
        }
    }
}

#[test]
fn specs_are_whole() {
    for kind in Builtin::KINDS {
        for (at, spec) in kind.params.iter().enumerate() {
            assert!((spec.min..=spec.max).contains(&spec.default), "{} {}", kind.name, spec.name);
            assert!(!spec.help.is_empty());
            let first = kind.params.iter().position(|other| other.name == spec.name);
            assert_eq!(first, Some(at), "{} twice in {}", spec.name, kind.name);
        }
    }
}

#[test]
fn parameters_are_set_in_place_and_held_to_their_bounds() {
    for kind in Builtin::KINDS {
        let defaults = Builtin::defaults(kind.name).unwrap();
        let mut built = Builtin::new(kind.name, &symbols(2), &defaults).unwrap();
        for (at, spec) in kind.params.iter().enumerate() {
            built.set_param(at, spec.max);
            assert_eq!(built.param(at), spec.max);
            built.set_param(at, i64::MIN);
            assert_eq!(built.param(at), spec.min);
        }
        built.set_param(kind.params.len(), 1);
        assert_eq!(built.param(kind.params.len()), 0);
    }
}

#[test]
fn says_what_is_wrong() {
    let error = Builtin::new("ecko", &symbols(1), &[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "no strategy \"ecko\"; there are echo, market-maker, follower, executor"
    );
    let defaults = Builtin::defaults("follower").unwrap();
    for count in [0, 1, 10] {
        let error = Builtin::new("follower", &symbols(count), &defaults).unwrap_err();
        assert!(matches!(error, BuiltinError::Symbols { count: met, .. } if met == count));
    }
    let error = Builtin::new("echo", &symbols(1), &[0, 1]).unwrap_err();
    assert_eq!(error.to_string(), "echo has 3 parameters, not 2");
    let error = Builtin::new("echo", &symbols(1), &[2, 1, 1]).unwrap_err();
    let range = ParamError::Range { name: "mode", value: 2, min: 0, max: 1 };
    assert_eq!(error, BuiltinError::Param(range));
    assert!(Builtin::new("echo", &symbols(70_000), &[0, 1, 1]).is_err());
    assert_eq!(Builtin::defaults("ecko"), None);
}
