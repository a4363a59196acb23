use super::*;
use crate::Duration;

const SECOND: Duration = Duration::from_picoseconds(1_000_000_000_000);
const SHARE: Real = Real::new("share", "a number", 0.5, 0.0..=1.0);
const LAYERS: Integer<u32> = Integer::new("layers", "a count", 4, 1..=1_000);
const RATE: Decimal = Decimal::new("rate", "an exact number", 2_500_000, 1..=10_000_000).in_unit("MHz");
const STRICT: Switch = Switch::new("strict", "a switch", false);
const ORDER: Choice<u8> = Choice::new("order", "one of two", 1, &[("first", 1), ("last", 2)]);
const WAIT: Span = Span::new("wait", "a span", Duration::ZERO, Duration::ZERO..=SECOND);
const ALL: &[&dyn Declared] = &[&SHARE, &LAYERS, &RATE, &STRICT, &ORDER, &WAIT];

fn schema() -> Schema {
    Schema::of(&[ALL])
}

#[test]
fn values_read_back_equal() {
    let cases = [
        ("share", &["0", "0.1", "1"][..]),
        ("layers", &["1", "1000"]),
        ("rate", &["0.000001", "2.5", "10"]),
        ("strict", &["true", "false"]),
        ("order", &["first", "last"]),
        ("wait", &["0ps", "16.5us", "100ms", "1s"]),
    ];
    let mut parameters = Parameters::defaults(&schema());
    for (key, texts) in cases {
        for text in texts {
            parameters.set_text(key, text).unwrap();
            assert_eq!(parameters.get(key).unwrap().to_string(), *text);
        }
    }
    assert_eq!(parameters.to_string(), "share=1 layers=1000 rate=10 strict=false order=last wait=1s");
    assert_eq!(parameters.read(&SHARE), 1.0);
    assert_eq!(parameters.read(&LAYERS), 1_000);
    assert_eq!(parameters.read(&RATE), 10_000_000);
    assert!(!parameters.read(&STRICT));
    assert_eq!(parameters.read(&ORDER), 2);
    assert_eq!(parameters.read(&WAIT), SECOND);
    assert_eq!(Parameters::with(&schema(), parameters.assignments()), Ok(parameters));
}

#[test]
fn what_is_not_allowed_is_refused_with_a_way_out() {
    let cases = [
        ("share", "1.5", "allowed: numbers from 0 to 1"),
        ("share", "nan", "allowed: numbers from 0 to 1"),
        ("layers", "0", "allowed: whole numbers from 1 to 1000"),
        ("layers", "2.5", "allowed: whole numbers from 1 to 1000"),
        ("rate", "0.0000001", "allowed: numbers from 0.000001 to 10, with at most six decimals"),
        ("strict", "yes", "allowed: true, false"),
        ("order", "middle", "allowed: first, last"),
        ("wait", "2s", "allowed: durations from 0ps to 1s, such as 16.5ms"),
        ("layer", "2", "did you mean `layers`?"),
        ("zzzzzzzz", "2", "known: share, layers, rate, strict, order, wait"),
    ];
    let mut parameters = Parameters::defaults(&schema());
    for (key, text, help) in cases {
        assert_eq!(parameters.set_text(key, text).unwrap_err().help(), help, "{key}={text}");
    }
    assert!(parameters.set("layers", ParameterValue::Real(2.0)).is_err());
    assert_eq!(parameters, Parameters::defaults(&schema()), "nothing changed");
}

#[test]
fn a_declaration_that_a_schema_lacks_reads_as_its_default() {
    let parameters = Parameters::defaults(&Schema::of(&[&ALL[..2]]));
    assert_eq!(
        (parameters.read(&LAYERS), parameters.read(&ORDER), parameters.read(&WAIT)),
        (4, 1, Duration::ZERO)
    );
    // A name with values of another kind is another parameter.
    const OTHER: Switch = Switch::new("layers", "another", true);
    assert!(parameters.read(&OTHER));
}

#[test]
fn a_preset_is_a_base_and_the_values_that_differ() {
    let base = schema();
    let preset = base.with_defaults(&[("order", "last"), ("share", "0.25")]).unwrap();
    let text = "share=0.25 layers=4 rate=2.5 strict=false order=last wait=0ps";
    assert_eq!(Parameters::defaults(&preset).to_string(), text);
    assert_ne!(preset, base);
    assert_eq!(base.with_defaults(&[]).unwrap(), base);
    assert!(matches!(base.with_defaults(&[("ordr", "last")]), Err(ParameterError::Unknown { .. })));
    assert!(matches!(base.with_defaults(&[("order", "best")]), Err(ParameterError::NotAllowed { .. })));
}

#[test]
fn schemas_say_what_is_wrong_with_them() {
    const AGAIN: Switch = Switch::new("share", "again", true);
    const BEYOND: Integer<u32> = Integer::new("beyond", "a default that is not allowed", 9, 1..=4);
    const NEEDED: Real = Real::required("needed", "no default", 0.0..=1.0);
    const WORDLESS: Choice<u8> = Choice::new("wordless", "a default without a word", 3, &[("one", 1)]);
    let fault = |declared: &'static [&'static dyn Declared]| Schema::of(&[ALL, declared]).value_fault();
    assert_eq!(fault(&[]), None);
    assert_eq!(fault(&[&AGAIN]).unwrap(), "the name `share` is taken");
    assert_eq!(fault(&[&BEYOND]).unwrap(), "the default of `beyond` is not allowed");
    assert_eq!(fault(&[&WORDLESS]).unwrap(), "the default of `wordless` is not allowed");
    assert_eq!(fault(&[&NEEDED]).unwrap(), "`needed` has no default");
    assert_eq!(Schema::of(&[&[&NEEDED]]).fault(), None);
}

#[test]
fn texts_set_the_parameters_of_several_schemas_once_each() {
    let mut one = Parameters::defaults(&Schema::of(&[&ALL[..2]]));
    let mut other = Parameters::defaults(&Schema::of(&[&ALL[2..]]));
    assign("a test", &mut [&mut one, &mut other], &["rate=1.25", " layers = 9 "]).unwrap();
    assert_eq!((one.read(&LAYERS), other.read(&RATE)), (9, 1_250_000));
    let mut said = |texts: &[&str]| {
        let error = assign("a test", &mut [&mut one, &mut other], texts).unwrap_err();
        format!("{error}; {}", error.help())
    };
    assert_eq!(said(&["layers"]), "`--set layers` has no `=`; write --set KEY=VALUE");
    assert_eq!(said(&["rate=1", "rate=2"]), "parameter `rate` is set twice; keep one of the two");
    assert_eq!(said(&["ordr=1"]), "a test has no parameter `ordr`; did you mean `order`?");
}

#[test]
fn values_are_bare_in_json_and_durations_are_texts() {
    let values = Parameters::defaults(&schema());
    let json: Vec<String> =
        values.assignments().iter().map(|(_, value)| serde_json::to_string(value).unwrap()).collect();
    assert_eq!(json, ["0.5", "4", "2.5", "false", "\"first\"", "\"0ps\""]);
}

#[test]
fn files_state_values_with_their_places() {
    use crate::input::{Document, Source};
    const NEEDED: Integer<u64> = Integer::required("needed", "a count", 1..=8);
    const FREE: Integer<u64> = Integer::derived("free", "a count", "2 x needed", 1..=8);
    let read = |text: &str| {
        let source = Source::new("a file", text);
        let document = Document::parse(&source);
        let root = document.root();
        let values = (NEEDED.stated(&root), FREE.stated(&root), RATE.stated_or_default(&root));
        document.finish(Some(values)).map_err(|problems| problems.to_string())
    };
    assert_eq!(read("needed = 3"), Ok((Some(3), None, 2_500_000)));
    assert_eq!(read("needed = 3\nfree = 4\nrate = 0.5"), Ok((Some(3), Some(4), 500_000)));
    let problems = read("free = 9\nrate = 0.5").unwrap_err();
    for text in ["`free` is out of range", "allowed: 1 to 8", "a file:1:8", "has no `needed`"] {
        assert!(problems.contains(text), "{problems}");
    }
}

#[test]
fn a_parameter_that_is_made_while_a_program_runs_is_like_any_other() {
    let made = |name: String, words: [String; 2]| Parameter {
        name: name.into(),
        unit: "".into(),
        meaning: "a choice that a plug-in states".into(),
        default: DefaultValue::Value(ParameterValue::Choice(words[0].clone().into())),
        allowed: Allowed::Choice(words.map(Into::into).into()),
        unstated_at_default: false,
    };
    let order = made("order_of_plug_in".to_owned(), ["first".to_owned(), "last".to_owned()]);
    let schema = Schema::of(&[&[&SHARE, &order]]);
    assert_eq!(schema.fault(), None);
    let mut parameters = Parameters::defaults(&schema);
    parameters.set_text("order_of_plug_in", "last").unwrap();
    assert_eq!(parameters.to_string(), "share=0.5 order_of_plug_in=last");
    let error = parameters.set_text("order_of_plug_im", "last").unwrap_err();
    assert_eq!(error.help(), "did you mean `order_of_plug_in`?");
}
