use proptest::prelude::*;

use super::functions::is_true;
use super::tree::{Binary, Node, Unary};
use super::*;

/// The value of a node for one element, the slow and obvious way.
fn naive(node: &Node, value_of: &dyn Fn(&str) -> f64) -> f64 {
    match node {
        Node::Number(value) => *value,
        Node::Name { name, .. } => value_of(name),
        Node::Unary(Unary::Negate, inner) => -naive(inner, value_of),
        Node::Unary(Unary::Not, inner) => f64::from(u8::from(!is_true(naive(inner, value_of)))),
        Node::Binary(binary, left, right) => binary.apply(naive(left, value_of), naive(right, value_of)),
        Node::Call(function, nodes) => {
            let values: Vec<f64> = nodes.iter().map(|node| naive(node, value_of)).collect();
            match values.as_slice() {
                [a] => function.one(*a),
                [a, b, c] if matches!(function, functions::Function::Where | functions::Function::Clip) => {
                    function.three(*a, *b, *c)
                }
                [first, rest @ ..] => rest.iter().fold(*first, |a, b| function.two(a, *b)),
                [] => f64::NAN,
            }
        }
        // Inputs: what they give depends on the pixels around.
        Node::Filter(..) => f64::NAN,
        Node::Chain(first, rest) => {
            let mut left = naive(first, value_of);
            let mut all = true;
            for (binary, node) in rest {
                let right = naive(node, value_of);
                all &= is_true(binary.apply(left, right));
                left = right;
            }
            f64::from(u8::from(all))
        }
        Node::In(value, nodes) => {
            let value = naive(value, value_of);
            f64::from(u8::from(nodes.iter().any(|node| naive(node, value_of) == value)))
        }
    }
}

/// Runs one expression over columns `a` and `b`.
fn run(expression: &Expression, lets: &[Let], a: &[f64], b: &[f64]) -> Vec<f64> {
    let program = Program::compile(lets, &[expression]).expect("compiles");
    let mut out = vec![0.0; a.len()];
    let inputs = program.inputs().to_vec();
    program.run(
        a.len(),
        &mut program.scratch(),
        |input, range, block| {
            block.copy_from_slice(if inputs[input] == "a" {
                &a[range]
            } else {
                &b[range]
            })
        },
        |_, range, block| out[range].copy_from_slice(block),
    );
    out
}

fn value(text: &str, a: f64, b: f64) -> f64 {
    run(&Expression::parse(text).expect(text), &[], &[a], &[b])[0]
}

#[test]
fn precedence_and_chains_are_pythons() {
    for (text, expected) in [
        ("2 + 3 * 4", 14.0),
        ("-2 ** 2", -4.0),
        ("2 ** -1", 0.5),
        ("2 ** 3 ** 2", 512.0),
        ("7 // 2 + 7 % 3", 4.0),
        ("-7 // 2", -4.0),
        ("-7 % 3", 2.0),
        ("7 % -3", -2.0),
        ("1 < 2 < 3", 1.0),
        ("1 < 3 < 2", 0.0),
        ("6 & 4 == 4", 1.0),
        ("1 | 6 & 4", 5.0),
        ("not 1 == 2 and 1", 1.0),
        ("3 in (1, 2, 3)", 1.0),
        ("3 not in [1, 2, 3]", 0.0),
        ("0x10 + 0b11", 19.0),
        ("1e3 + 1.5e-1 + .5", 1000.65),
        ("min(3, 1, 2) + max(1, 5)", 6.0),
        ("where(a > b, 10, 20)", 20.0),
        ("round(2.5) + round(3.5)", 6.0),
        ("hypot(3, 4)", 5.0),
        ("clip(7, 0, 5)", 5.0),
    ] {
        assert_eq!(value(text, 1.0, 2.0), expected, "{text}");
    }
}

#[test]
fn fill_is_nan_and_no_comparison_with_it_holds() {
    for text in [
        "a < 1",
        "a > 1",
        "a == a",
        "a != 1",
        "a in (a, 1)",
        "a and 1",
        "0 < a < 5",
        "(a & 4) == 0",
    ] {
        assert_eq!(value(text, f64::NAN, 0.0), 0.0, "{text}");
    }
    assert_eq!(value("isnan(a)", f64::NAN, 0.0), 1.0);
    assert_eq!(value("not a < 1", f64::NAN, 0.0), 1.0);
    assert!(value("min(a, 1)", f64::NAN, 0.0).is_nan());
    assert!(value("a & 1", 0.5, 0.0).is_nan());
}

#[test]
fn lets_use_those_before_them_and_are_run_once() {
    let lets = [Let::parse("c = a + b").unwrap(), Let::parse("d=c*c").unwrap()];
    assert_eq!(run(&Expression::of_name("d"), &lets, &[1.0], &[2.0]), [9.0]);
    let shadowed = [Let::parse("a=a+100").unwrap()];
    assert_eq!(run(&Expression::of_name("a"), &shadowed, &[1.0], &[2.0]), [101.0]);
    let early = [Let::parse("d=c*c").unwrap(), Let::parse("c=a").unwrap()];
    let error = Program::compile(&early, &[&Expression::of_name("d")]).unwrap_err();
    assert!(error.to_string().contains("defined later"), "{error}");
    // Doubling lets stay linear in size.
    let mut doubling = vec![Let::parse("x0=a").unwrap()];
    doubling.extend((1..60).map(|n| Let::parse(&format!("x{n}=x{}+x{}", n - 1, n - 1)).unwrap()));
    assert_eq!(
        run(&Expression::of_name("x59"), &doubling, &[1.0], &[0.0]),
        [(1u64 << 59) as f64]
    );
}

#[test]
fn errors_point_at_the_fault() {
    let error = Expression::parse("ssha > > 3").unwrap_err();
    assert_eq!(error.position, 7);
    assert!(
        error.to_string().ends_with("\n  ssha > > 3\n         ^"),
        "{error}"
    );
    let error = Expression::parse("sqr(ssha)").unwrap_err();
    assert_eq!(error.suggestion.as_deref(), Some("sqrt"));
    let error = Expression::parse("1 + shsa_karin")
        .unwrap()
        .check_names(&["ssh_karin", "ssha_karin"])
        .unwrap_err();
    assert_eq!(
        (error.position, error.suggestion.as_deref()),
        (4, Some("ssha_karin"))
    );
    for text in [
        "", "(", "1 +", "a b", "a = 1", "min(1)", "a && b", "1..2", "0x", "a.b", "in (1)", "a in 3", "é§",
    ] {
        assert!(Expression::parse(text).is_err(), "{text}");
    }
    for text in ["1x=2", "pi=3", "and=1", "x", "=1", "a-b=1"] {
        assert!(Let::parse(text).is_err(), "{text}");
    }
}

#[test]
fn hostile_texts_are_refused_in_bounds() {
    assert!(Expression::parse(&"(".repeat(10_000)).is_err());
    assert!(Expression::parse(&"-".repeat(10_000)).is_err());
    assert!(Expression::parse(&"not ".repeat(3_000)).is_err());
    assert!(Expression::parse(&format!("1{}", "+1".repeat(5_000))).is_err());
    assert!(Expression::parse(&"a".repeat(100_000)).is_err());
    assert!(Expression::parse(&"2**".repeat(3_000)).is_err());
}

/// Texts of the language, by its own rules.
fn texts() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("a".to_owned()),
        Just("b".to_owned()),
        (-50i32..50).prop_map(|number| number.to_string()),
        (0.0..3.0f64).prop_map(|number| format!("{number:.3}")),
    ];
    leaf.prop_recursive(6, 60, 3, |inner| {
        let binary = prop::sample::select(vec![
            "+", "-", "*", "/", "//", "%", "**", "<", "<=", ">", ">=", "==", "!=", "and", "or", "&", "|", "^",
        ]);
        let one = prop::sample::select(vec![
            "abs", "sqrt", "exp", "sin", "isnan", "floor", "sign", "round", "-", "not ",
        ]);
        prop_oneof![
            (inner.clone(), binary, inner.clone()).prop_map(|(l, op, r)| format!("({l}) {op} ({r})")),
            (one, inner.clone()).prop_map(|(name, x)| format!("{name}({x})")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| format!("where({a}, {b}, {c})")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| format!("({a}) < ({b}) <= ({c})")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| format!("({a}) in (({b}), ({c}))")),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("max({a}, {b}, {c})")),
        ]
    })
}

proptest! {
    #[test]
    fn programs_agree_with_the_naive_evaluator(
        text in texts(),
        columns in prop::collection::vec((prop_oneof![4 => -9.0..9.0f64, 1 => Just(f64::NAN), 2 => (-9i32..9).prop_map(f64::from)], -9i32..9), 1..40),
        copies in 1usize..60,
    ) {
        let expression = Expression::parse(&text).unwrap();
        // Longer than a block, so that the seams are seen.
        let columns: Vec<_> = columns.iter().cycle().take(columns.len() * copies).collect();
        let a: Vec<f64> = columns.iter().map(|pair| pair.0).collect();
        let b: Vec<f64> = columns.iter().map(|pair| f64::from(pair.1)).collect();
        let found = run(&expression, &[], &a, &b);
        for (index, found) in found.iter().enumerate() {
            let expected = naive(&expression.node, &|name| if name == "a" { a[index] } else { b[index] });
            prop_assert!(
                found.to_bits() == expected.to_bits() || (found.is_nan() && expected.is_nan()),
                "{text}: {found} {expected}"
            );
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,60}") {
        let _ = Expression::parse(&text);
        let _ = Let::parse(&text);
    }

    #[test]
    fn words_of_the_language_in_any_order_do_not_panic(
        words in prop::collection::vec(prop::sample::select(vec![
            "a", "1", "(", ")", "[", "]", ",", "+", "-", "**", "not", "in", "and", "<", "==", "min", "where", "1e", "0x", "~",
        ]), 0..40)
    ) {
        let _ = Expression::parse(&words.join(" "));
    }
}

#[test]
fn every_binary_operator_is_a_boolean_or_a_number() {
    assert!(Expression::parse("a < b").unwrap().is_boolean());
    assert!(Expression::parse("isnan(a)").unwrap().is_boolean());
    assert!(!Expression::parse("a + b").unwrap().is_boolean());
    assert!(!Binary::BitAnd.is_boolean());
}

/// Lets by name and text, in order.
fn lets(texts: &[&str]) -> Vec<Let> {
    texts.iter().map(|text| Let::parse(text).unwrap()).collect()
}

#[test]
fn filters_are_inputs_of_what_stands_in_their_brackets() {
    let own = lets(&["b=c+1", "a=2*gaussian(a, 20) - b"]);
    let program = Program::compile(&own, &[&Expression::of_name("a")]).unwrap();
    // Lets are written out, and a let that bears the name of a variable means the variable in its own text.
    assert_eq!(program.inputs(), ["gaussian(a, 20)", "c"]);
    let nested = Expression::parse("lowpass(fill_nadir(b) * 2, 65, fill) in (1, a)").unwrap();
    let program = Program::compile(&own[..1], &[&nested]).unwrap();
    assert_eq!(
        program.inputs()[0],
        "lowpass((fill_nadir((c + 1)) * 2), 65, fill)"
    );
    assert_eq!(program.variables().collect::<Vec<_>>(), ["c", "a"]);
    let inner = &program.filter(&program.inputs()[0]).unwrap().argument;
    assert_eq!(
        Program::compile(&[], &[inner]).unwrap().inputs(),
        ["fill_nadir((c + 1))"]
    );
    assert!(program.filter("a").is_none());
    assert_eq!(
        Expression::parse("median(lowpass(a, 65), 3)")
            .unwrap()
            .in_units_of(),
        Some("a")
    );
    assert_eq!(
        Expression::parse("calibrate(a, 1, 500, tilt)")
            .unwrap()
            .in_units_of(),
        None
    );
}

#[test]
fn filters_refuse_what_they_do_not_take() {
    for (text, position, word) in [
        (
            "1 + gaussian(a)",
            4,
            "it is written gaussian(field, sigma_km[, sigma_km_across][, fill])",
        ),
        ("gaussian(a, b)", 0, "`b` is none of its words"),
        ("gaussian(a, 1 + 1)", 14, "expected `,`"),
        ("gaussian(a, -1)", 0, "lengths from 0 km"),
        ("gausian(a, 1)", 0, "no function `gausian`"),
    ] {
        let error = Expression::parse(text).unwrap_err();
        assert_eq!(error.position, position, "{error}");
        assert!(error.to_string().contains(word), "{error}");
    }
    let error = Expression::parse("gausian(a, 1)").unwrap_err();
    assert_eq!(error.suggestion.as_deref(), Some("gaussian"));
}

#[test]
fn lets_written_out_for_filters_are_bounded() {
    let mut texts = vec!["x0=a+a".to_owned()];
    texts.extend((1..40).map(|index| format!("x{index}=x{0}+x{0}", index - 1)));
    texts.push("y=gaussian(x39, 20)".to_owned());
    let own: Vec<&str> = texts.iter().map(String::as_str).collect();
    let error = Program::compile(&lets(&own), &[&Expression::of_name("y")]).unwrap_err();
    assert!(error.message.contains("more than 4096 parts"), "{error}");
}
