use proptest::prelude::*;

use super::*;

#[test]
fn reads_what_users_and_granules_write() {
    for (text, seconds) in [
        ("2000-01-01", 0.0),
        ("2000-01-01T00:00:00.000001Z", 1e-6),
        ("1999-12-31 23:59:59", -1.0),
        ("2024-02-29T12:30", 762_525_000.0),
        ("2024-02-29t12:30:15.25z", 762_525_015.25),
        ("2024-02", 760_060_800.0),
        ("2024", 757_382_400.0),
        (" 2023-07-26T17:36:37 ", 743_708_197.0),
    ] {
        assert_eq!(parse_instant(text), Ok(seconds), "{text}");
    }
}

#[test]
fn refuses_what_is_no_time() {
    for text in [
        "",
        "Z",
        "now",
        "2023-02-30",
        "2023-13",
        "2023-1-1",
        "24-01-01",
        "2024-01-01T25:00",
        "2024-01-01T12:00+02:00",
        "2024-01-01T12:00-02:00",
        "20240101T120000Zfoo",
        "-2024-01-01",
        "2024-01-01T",
        "2024-02-29T12:30:15.25é",
    ] {
        assert!(
            parse_instant(text).is_err(),
            "{text:?} gave {:?}",
            parse_instant(text)
        );
    }
}

#[test]
fn formats_with_the_digits_that_count() {
    assert_eq!(format_instant(0.0), "2000-01-01T00:00:00Z");
    assert_eq!(format_instant(-0.25), "1999-12-31T23:59:59.75Z");
    assert_eq!(
        format_instant(743_708_197.123_456_7),
        "2023-07-26T17:36:37.123457Z"
    );
    assert_eq!(format_instant(0.999_999_9), "2000-01-01T00:00:01Z");
    for none in [f64::NAN, f64::INFINITY, 9.969_209_968_386_869e36] {
        assert_eq!(format_instant(none), "NaT");
    }
}

#[test]
fn ranges_are_closed_at_their_start_and_open_at_their_end() {
    let range: TimeRange = "2024-02-01..2024-02-02T12:00".parse().unwrap();
    let (start, end) = (range.start.unwrap(), range.end.unwrap());
    assert!(range.contains(start) && !range.contains(end) && range.contains(end - 1e-6));
    assert!(!range.contains(f64::NAN));
    assert!(range.overlaps(end - 1.0, end + 1.0) && !range.overlaps(end, end + 1.0));
    assert!(range.overlaps(start - 1.0, start) && !range.overlaps(start - 2.0, start - 1.0));
    assert_eq!(
        "2024-02-01".parse::<TimeRange>().unwrap(),
        TimeRange::new(start, start + DAY)
    );
    assert_eq!("2024".parse(), "2024-01-01..2025-01-01".parse::<TimeRange>());
    let open: TimeRange = "..2024-02-01".parse().unwrap();
    assert_eq!(
        open,
        TimeRange {
            start: None,
            end: Some(start)
        }
    );
    assert!(open.contains(-1e18) && !open.contains(start));
}

#[test]
fn a_range_that_holds_nothing_is_refused() {
    for text in [
        "..",
        "",
        "2024-02-02..2024-02-01",
        "2024-02-01..2024-02-01",
        "2024-02-01T12:00",
        "a..b",
        "1..2..3",
    ] {
        assert!(text.parse::<TimeRange>().is_err(), "{text}");
    }
}

#[test]
fn days_and_months_follow_the_calendar() {
    let moment = parse_instant("1999-12-31T23:59:59.999999").unwrap();
    assert_eq!(Day::of(moment).unwrap().to_string(), "1999-12-31");
    assert_eq!(Month::of(moment).unwrap().to_string(), "1999-12");
    let leap = parse_instant("2024-02-29T23:00").unwrap();
    assert_eq!(Day::of(leap).unwrap().start(), leap - 23.0 * 3600.0);
    assert_eq!(
        Month::of(leap).unwrap().start(),
        parse_instant("2024-02").unwrap()
    );
    for none in [f64::NAN, f64::NEG_INFINITY, 9.969_209_968_386_869e36] {
        assert!(Day::of(none).is_none() && Month::of(none).is_none());
    }
}

#[test]
fn units_of_time_are_read_as_cf_writes_them() {
    let units = |text: &str| TimeUnits::parse(text).unwrap();
    for text in [
        "seconds since 2000-01-01 00:00:00.0",
        "seconds since 2000-01-01",
        "s since 2000-01-01T00:00:00Z",
        "seconds since 2000-01-01 00:00:00 UTC",
        "Seconds since 2000-01-01 00:00:00.0 +00:00",
    ] {
        assert_eq!(units(text), TimeUnits::SWOT, "{text}");
    }
    let days = units("days since 1950-01-01");
    assert_eq!(days.to_seconds(18_262.0), 0.0);
    assert_eq!(format_instant(days.to_seconds(27_000.5)), "2023-12-04T12:00:00Z");
    assert_eq!(units("hours since 1900-01-01").to_seconds(876_576.0), 0.0);
}

#[test]
fn units_that_are_none_give_an_error_and_no_more() {
    for text in [
        "",
        "m",
        "seconds since ${REFERENCE}",
        "seconds since YYYY-MM-DD hh:mm:ss",
        "secnds since 2000-01-01",
    ] {
        assert!(TimeUnits::parse(text).is_err(), "{text}");
    }
    assert!(
        TimeUnits::parse("secnds since 2000-01-01")
            .unwrap_err()
            .to_string()
            .contains("'seconds'")
    );
}

proptest! {
    #[test]
    fn formatting_and_parsing_agree_to_the_microsecond(micros in -3_000_000_000_000_000i64..3_000_000_000_000_000) {
        let seconds = micros as f64 / 1e6;
        let again = parse_instant(&format_instant(seconds)).unwrap();
        prop_assert!((again - seconds).abs() <= 1e-6, "{seconds} {again}");
    }

    #[test]
    fn no_text_panics(text in "[-0-9:.TZ ]{0,32}|.{0,24}|[a-z]{0,8} since [-0-9: .]{0,20}") {
        let _ = parse_instant(&text);
        let _ = text.parse::<TimeRange>();
        let _ = TimeUnits::parse(&text);
    }

    #[test]
    fn no_number_panics(seconds: f64) {
        let _ = format_instant(seconds);
        let _ = (Day::of(seconds).map(|day| day.to_string()), Month::of(seconds).map(|month| month.to_string()));
    }
}
