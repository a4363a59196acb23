//! The SVG figures: exact bytes of small ones, well-formed markup of any.

#![expect(clippy::unwrap_used, reason = "these are tests, and the helpers of tests")]

mod common;

use common::{Draws, assert_well_formed};
use rtmm_report::{
    Bar, ColorScale, GroupedBars, HeatColumn, HeatMap, HeatRow, Interval, LinePoint, LineSeries, Lines,
    ONE_COLUMN_PT, Scatter, ScatterPoint, Svg,
};

fn heat_map() -> HeatMap {
    HeatMap {
        title: "Scores".into(),
        description: "Scores of two platforms".into(),
        rows: vec![
            HeatRow { group: "Dual_4K".into(), label: "OS_OS".into() },
            HeatRow { group: "Dual_4K".into(), label: "WS_WS".into() },
        ],
        columns: vec![
            HeatColumn { label: "VR_gaming".into(), gap_before: false },
            HeatColumn { label: "mean".into(), gap_before: true },
        ],
        values: vec![vec![Some(32.7), None], vec![Some(90.8), Some(74.3)]],
        value_label: "score (%)".into(),
        range: Some((0.0, 100.0)),
        ..HeatMap::default()
    }
}

fn bars() -> GroupedBars {
    let bar =
        |value: f64| Some(Bar { value, interval: Some(Interval { lower: value - 1.0, upper: value + 1.5 }) });
    GroupedBars {
        description: "Change of energy".into(),
        y_label: "change of energy (%)".into(),
        groups: vec!["VR_gaming".into(), "mean".into()],
        series: vec!["edf".into(), "least <laxity>".into()],
        bars: vec![vec![bar(4.0), bar(-6.0)], vec![None, bar(-2.5)]],
        last_is_summary: true,
        ..GroupedBars::default()
    }
}

fn lines() -> Lines {
    let point = |x: f64, y: Option<f64>| LinePoint {
        x,
        y,
        interval: y.map(|y| Interval { lower: y - 1.0, upper: y + 1.0 }),
    };
    Lines {
        description: "Misses under load".into(),
        x_label: "load (share of capacity)".into(),
        y_label: "missed deadlines (%)".into(),
        series: vec![
            LineSeries {
                name: "edf".into(),
                points: vec![point(1.0, Some(20.0)), point(0.5, Some(1.0)), point(1.5, Some(45.0))],
            },
            LineSeries {
                name: "fcfs".into(),
                points: vec![point(0.5, Some(3.0)), point(1.0, None), point(1.5, Some(60.0))],
            },
        ],
        y_range: Some((0.0, 0.0)),
        ..Lines::default()
    }
}

fn scatter() -> Scatter {
    let point =
        |label: &str, x: f64, y: f64| ScatterPoint { label: label.into(), x, y, strong: label == "edf" };
    Scatter {
        description: "Turnaround against misses".into(),
        x_label: "missed deadlines (%)".into(),
        y_label: "turnaround".into(),
        points: vec![
            point("edf", 1.0, 2.0),
            point("sjf", 1.02, 2.0),
            point("fcfs", 30.0, 60.0),
            point("no logarithm", 3.0, 0.0),
        ],
        y_log: true,
        ..Scatter::default()
    }
}

/// A map of two parameters with the way of a search over it.
fn searched_map() -> HeatMap {
    let numbers = |count: usize| (0..count).map(|index| format!("{}", index as f64 / 2.0));
    HeatMap {
        description: "A search over two parameters".into(),
        rows: numbers(3).map(|label| HeatRow { group: String::new(), label }).collect(),
        columns: numbers(4).map(|label| HeatColumn { label, gap_before: false }).collect(),
        values: vec![
            vec![Some(0.9), Some(0.7), Some(0.8), None],
            vec![Some(0.6), Some(0.4), Some(0.5), Some(0.8)],
            vec![Some(0.7), Some(0.5), Some(0.6), Some(0.9)],
        ],
        value_label: "UXCost".into(),
        decimals: 2,
        scale: ColorScale::AmountReversed,
        x_label: "alpha".into(),
        y_label: "beta".into(),
        path: vec![(3.0, 2.0), (2.0, 1.5), (1.25, 1.25), (-4.0, 1.0), (f64::NAN, 1.0), (1.0, 1.0)],
        ..HeatMap::default()
    }
}

/// What two policies miss in windows of a quarter of a second, in three phases.
fn over_time() -> Lines {
    let series = |name: &str, values: [Option<f64>; 8]| LineSeries {
        name: name.into(),
        points: values
            .into_iter()
            .enumerate()
            .map(|(index, y)| LinePoint { x: index as f64 * 0.25, y, interval: None })
            .collect(),
    };
    let some = |values: [f64; 8]| values.map(Some);
    let mut gap = some([0.1, 0.1, 0.3, 0.4, 0.4, 0.2, 0.2, 0.25]);
    gap[5] = None;
    Lines {
        description: "Misses over time".into(),
        x_label: "simulated time (s)".into(),
        y_label: "miss rate".into(),
        series: vec![series("edf", gap), series("fcfs", some([0.2, 0.2, 0.5, 0.6, 0.6, 0.3, 0.3, 0.3]))],
        y_range: Some((0.0, 0.0)),
        markers: false,
        steps: true,
        x_end: Some(2.0),
        marks: vec![(0.5, "resting".into()), (0.6, "with a long name".into()), (1.9, "playing".into())],
        ..Lines::default()
    }
}

#[test]
fn small_figures_are_as_they_were_when_looked_at() {
    insta::assert_snapshot!("heat_map_with_path", searched_map().to_svg().as_str());
    insta::assert_snapshot!("lines_over_time", over_time().to_svg().as_str());
    let relative = GroupedBars { rule: Some(1.0), ..bars() };
    insta::assert_snapshot!("bars_with_rule", relative.to_svg().as_str());
    insta::assert_snapshot!("heat_map", heat_map().to_svg().as_str());
    insta::assert_snapshot!("grouped_bars", bars().to_svg().as_str());
    insta::assert_snapshot!("lines", lines().to_svg().as_str());
    insta::assert_snapshot!("scatter", scatter().to_svg().as_str());
}

#[test]
fn figures_without_content_are_still_figures() {
    for svg in [
        HeatMap::default().to_svg(),
        GroupedBars::default().to_svg(),
        Lines::default().to_svg(),
        Scatter::default().to_svg(),
    ] {
        assert_well_formed(svg.as_str());
        assert!(svg.width_pt() > 0.0 && svg.height_pt() > 0.0);
    }
}

#[test]
fn bars_hang_below_the_zero_line() {
    let svg = bars().to_svg();
    let rects: Vec<(f64, f64)> = svg
        .as_str()
        .lines()
        .filter(|line| line.contains("stroke-width=\"0.3\""))
        .map(|line| (attribute(line, "y"), attribute(line, "height")))
        .collect();
    // Two legend samples, then the bars 4, -6 and -2.5.
    let [_, _, up, down, mean] = rects[..] else { panic!("bars: {rects:?}") };
    let zero = up.0 + up.1;
    assert!((down.0 - zero).abs() < 0.02 && (mean.0 - zero).abs() < 0.02);
    assert!((down.1 / up.1 - 1.5).abs() < 0.01 && (mean.1 / up.1 - 0.625).abs() < 0.01);
}

#[test]
fn wide_content_makes_a_figure_wider() {
    let columns = |count: usize| HeatMap {
        columns: vec![HeatColumn::default(); count],
        rows: vec![HeatRow::default()],
        values: vec![vec![Some(12345.6); count]],
        ..HeatMap::default()
    };
    assert!((columns(8).to_svg().width_pt() - ONE_COLUMN_PT).abs() < 10.0);
    assert!(columns(40).to_svg().width_pt() > 2.0 * ONE_COLUMN_PT);
}

#[test]
fn any_figure_is_well_formed_and_inside_its_frame() {
    let mut draws = Draws(7);
    for case in 0..300 {
        let (rows, columns) = (draws.below(6) as usize, draws.below(6) as usize);
        let maybe = |draws: &mut Draws| (draws.below(4) > 0).then(|| draws.number());
        let interval = |draws: &mut Draws| {
            let (lower, upper) = (draws.number(), draws.number());
            (draws.below(2) == 0).then_some(Interval { lower, upper })
        };
        let heat = HeatMap {
            title: draws.label(),
            rows: (0..rows).map(|_| HeatRow { group: draws.label(), label: draws.label() }).collect(),
            columns: (0..columns)
                .map(|_| HeatColumn { label: draws.label(), gap_before: draws.below(2) == 0 })
                .collect(),
            values: (0..rows).map(|_| (0..columns).map(|_| maybe(&mut draws)).collect()).collect(),
            value_label: draws.label(),
            x_label: draws.label(),
            y_label: draws.label(),
            path: (0..rows).map(|_| (draws.number(), draws.number())).collect(),
            scale: ColorScale::Difference,
            ..HeatMap::default()
        };
        let bars = GroupedBars {
            title: draws.label(),
            y_label: draws.label(),
            groups: (0..rows).map(|_| draws.label()).collect(),
            series: (0..columns * 4).map(|_| draws.label()).collect(),
            rule: maybe(&mut draws),
            bars: (0..rows)
                .map(|_| {
                    (0..columns * 4)
                        .map(|_| maybe(&mut draws).map(|value| Bar { value, interval: interval(&mut draws) }))
                        .collect()
                })
                .collect(),
            ..GroupedBars::default()
        };
        let lines = Lines {
            title: draws.label(),
            x_label: draws.label(),
            y_label: draws.label(),
            steps: draws.below(2) == 0,
            x_end: maybe(&mut draws),
            marks: (0..columns).map(|_| (draws.number(), draws.label())).collect(),
            series: (0..rows * 4)
                .map(|_| LineSeries {
                    name: draws.label(),
                    points: (0..columns)
                        .map(|_| LinePoint {
                            x: draws.number(),
                            y: maybe(&mut draws),
                            interval: interval(&mut draws),
                        })
                        .collect(),
                })
                .collect(),
            ..Lines::default()
        };
        for svg in [heat.to_svg(), bars.to_svg(), lines.to_svg()] {
            assert_well_formed(svg.as_str());
            assert_inside(case, &svg);
        }
    }
}

/// Every rectangle and line lies within the view box, and no coordinate is out of hand.
#[track_caller]
fn assert_inside(case: usize, svg: &Svg) {
    let text = svg.as_str();
    let frame = text.split("viewBox=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let frame: Vec<f64> = frame.split(' ').map(|part| part.parse().unwrap()).collect();
    let (left, top, right, bottom) = (frame[0], frame[1], frame[0] + frame[2], frame[1] + frame[3]);
    assert!(right - left < 5000.0 && bottom - top < 5000.0, "case {case}: {frame:?}");
    for line in text.lines().filter(|line| line.starts_with("<line") || line.starts_with("<text")) {
        let ends: &[(&str, &str)] =
            if line.starts_with("<line") { &[("x1", "y1"), ("x2", "y2")] } else { &[("x", "y")] };
        for (x, y) in ends {
            let (x, y) = (attribute(line, x), attribute(line, y));
            assert!(left <= x && x <= right && top <= y && y <= bottom, "case {case}: {line}");
        }
    }
}

#[track_caller]
fn attribute(line: &str, name: &str) -> f64 {
    let start = format!(" {name}=\"");
    line.split(&start).nth(1).and_then(|rest| rest.split('"').next()).unwrap().parse().unwrap()
}
