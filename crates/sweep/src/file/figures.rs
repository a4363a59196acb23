//! `[[figure]]` tables of sweep files.

use std::borrow::Cow;

use rtmm_hardware::Platform;
use rtmm_workload::Workload;
use rtmm_workload::input::{Table, Value, suggestion};

use super::matches;
use crate::axes::{self, AxisRow, Variation};
use crate::figures::data::parameters_apart;
use crate::figures::{
    Across, Content, Dimension, Figure, LABELS, Member, PathOf, Selection, member_of_policy, policy_names,
    reference_policies, selected_policies, stem,
};
use crate::plan::PolicyId;
use crate::runner::{Policy, RunnerSpec, short_names};

/// Names of tables that a sweep writes itself.
const TAKEN: &[&str] =
    &["results", "summary", "summary_tasks", "comparison", "failures", "series", "manifest", "report"];
/// The keys that every figure has.
const SHARED: &[&str] =
    &["name", "title", "caption", "kind", "facets", "across", "relative_to", "where", "labels"];

/// Parts of a sweep that figures can be about; what is unknown because of another problem is `None`, and not checked.
pub(super) struct Scope<'s> {
    pub runner: &'s RunnerSpec,
    pub scenarios: Option<Vec<&'s str>>,
    pub platforms: Option<&'s [Platform]>,
    pub policies: Option<&'s [Policy]>,
    pub variations: &'s [Variation],
    pub seeds: Option<&'s [u64]>,
}

/// Names of inputs, for [`Scope`].
pub(super) fn scenario_names(workloads: &[Workload]) -> Vec<&str> {
    workloads.iter().map(|workload| workload.scenario.name.as_str()).collect()
}

#[derive(Clone, Copy)]
enum Kind {
    Bars,
    Lines,
    HeatMap,
    Scatter,
    TimeSeries,
}

impl Kind {
    const ALL: &[(&str, Kind)] = &[
        ("bars", Kind::Bars),
        ("lines", Kind::Lines),
        ("heat-map", Kind::HeatMap),
        ("scatter", Kind::Scatter),
        ("time-series", Kind::TimeSeries),
    ];

    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Bars => &["metric", "groups", "series", "overall", "best_of"],
            Self::Lines => &["metric", "x", "series"],
            Self::HeatMap => &["metric", "x", "y", "overall", "path"],
            Self::Scatter => &["metric", "x_metric", "series"],
            Self::TimeSeries => &["series_name", "series"],
        }
    }
}

/// All figures of a sweep; problems are recorded, and figures that have any are left out.
pub(super) fn decode_figures(root: &Table<'_>, scope: &Scope<'_>) -> Vec<Figure> {
    let mut figures: Vec<Figure> = Vec::new();
    let mut stems: Vec<String> = Vec::new();
    for table in root.tables("figure", "a figure") {
        let name = table.required("name", decode_name);
        let table = match name {
            Some(name) => table.named(format!("the figure `{name}`")),
            None => table,
        };
        let Some(figure) = decode_figure(&table, name, scope) else { continue };
        let facets: Vec<Option<String>> =
            match figure.facets.as_ref().and_then(|facets| scope.members(facets)) {
                Some(members) => members.into_iter().map(|member| Some(member.text)).collect(),
                None => vec![None],
            };
        for facet in facets {
            let stem = stem(&figure.name, facet.as_deref());
            if stems.contains(&stem) {
                let message = format!("two figures have files of the name `{stem}`");
                let range = table.get("name").map_or(table.range(), |name| name.range());
                table.report(table.problem_at(&range, message).help("give one of them another name"));
                break;
            }
            stems.push(stem);
        }
        figures.push(figure);
    }
    figures
}

fn decode_name<'v>(value: &Value<'v>) -> Option<&'v str> {
    let name = value.string()?;
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if !name.chars().all(legal) {
        return value.reject(
            format!("`{name}` cannot name files"),
            "use lower-case letters, digits and underscores, such as `miss_rate_by_scenario`",
        );
    }
    if TAKEN.contains(&name) {
        return value.reject(
            format!("`{name}` is the name of a file that every sweep may write"),
            "choose another name",
        );
    }
    Some(name)
}

fn decode_figure(table: &Table<'_>, name: Option<&str>, scope: &Scope<'_>) -> Option<Figure> {
    let kind = table.required("kind", |value| value.choice(Kind::ALL));
    match kind {
        Some(kind) => table.only(&[SHARED, kind.keys()].concat()),
        None => {
            let all = Kind::ALL.iter().flat_map(|(_, kind)| kind.keys());
            table.only(&SHARED.iter().chain(all).copied().collect::<Vec<_>>());
        }
    }
    let title = table.optional("title", Value::string).unwrap_or_default().to_owned();
    let caption = table.optional("caption", Value::string).unwrap_or_default().to_owned();
    let facets = table.optional("facets", |value| scope.dimension(value));
    let across = table.or("across", Across::Mean, |value| {
        value.choice(&[("mean", Across::Mean), ("geometric-mean", Across::GeometricMean)])
    });
    // Whatever is wrong with a part, the others are looked at, too.
    let selection = match table.get("where") {
        None => Some(Selection::default()),
        Some(value) => scope.selection(&value, true),
    };
    let relative_to = match table.get("relative_to") {
        None => Some(None),
        Some(value) => scope.reference(&value).map(Some),
    };
    let all = Selection::default();
    let content = decode_content(table, kind?, scope, selection.as_ref().unwrap_or(&all), facets.as_ref());
    let (content, selection, relative_to) = (content?, selection?, relative_to?);
    let mut figure = Figure {
        name: name?.to_owned(),
        title,
        caption,
        content,
        selection,
        facets,
        across,
        relative_to,
        labels: Vec::new(),
    };
    figure.labels = table.or("labels", Vec::new(), |value| scope.labels(value, &figure));
    scope.tells_policies_apart(table, &figure)?;
    scope.has_one_reference(table, &figure)?;
    Some(figure)
}

fn decode_content(
    table: &Table<'_>,
    kind: Kind,
    scope: &Scope<'_>,
    selection: &Selection,
    facets: Option<&Dimension>,
) -> Option<Content> {
    let metric = || table.required("metric", |value| scope.metric(value));
    let axis = |key: &str| table.required(key, |value| scope.dimension(value));
    match kind {
        Kind::Bars => {
            let (metric, groups, series) = (metric(), axis("groups"), axis("series"));
            let overall = table.or("overall", false, Value::boolean);
            let best_of = match table.get("best_of") {
                None => None,
                Some(value) => Some(scope.choice(&value)?),
            };
            Some(Content::Bars { metric: metric?, groups: groups?, series: series?, overall, best_of })
        }
        Kind::Lines => {
            let (metric, series) = (metric(), axis("series"));
            let x = table.required("x", |value| {
                let dimension = scope.dimension(value)?;
                scope.require_numbers(value, &dimension).map(|()| dimension)
            });
            Some(Content::Lines { metric: metric?, x: x?, series: series? })
        }
        Kind::HeatMap => {
            let (metric, x, y) = (metric(), axis("x"), axis("y"));
            let overall = table.or("overall", false, Value::boolean);
            let path = table.get("path");
            let (metric, x, y) = (metric?, x?, y?);
            let path = match path {
                None => None,
                Some(path) => Some(scope.path(table, &path, [&x, &y], selection, facets)?),
            };
            Some(Content::HeatMap { metric, x, y, overall, path })
        }
        Kind::Scatter => {
            let x = table.required("x_metric", |value| scope.metric(value));
            let (y, series) = (metric(), axis("series"));
            Some(Content::Scatter { x: x?, y: y?, series: series? })
        }
        Kind::TimeSeries => {
            let column = table.required("series_name", |value| {
                let name = value.string()?;
                scope.series(name).or_else(|| {
                    let known: Vec<&str> =
                        scope.runner.series_columns.iter().map(|column| column.name).collect();
                    value.reject(
                        format!("the runner `{}` records no series `{name}`", scope.runner.name),
                        suggestion(name, "series", &known),
                    )
                })
            });
            let series = axis("series");
            Some(Content::TimeSeries { column: column?, series: series? })
        }
    }
}

impl<'s> Scope<'s> {
    fn metric(&self, value: &Value<'_>) -> Option<usize> {
        let name = value.string()?;
        let columns = &self.runner.cell_columns;
        match columns.iter().position(|column| column.name == name) {
            Some(position) if !columns[position].kind.is_number() => value
                .reject(format!("`{name}` is no number and cannot be drawn"), "choose a column of numbers"),
            Some(position) => Some(position),
            None => {
                let numbers = columns.iter().filter(|column| column.kind.is_number());
                let known: Vec<&str> = numbers.map(|column| column.name).collect();
                value.reject(
                    format!("the runner `{}` gives no column `{name}`", self.runner.name),
                    suggestion(name, "column", &known),
                )
            }
        }
    }

    fn column_name(&self, metric: usize) -> Option<String> {
        self.runner.cell_columns.get(metric).map(|column| column.name.to_owned())
    }

    /// Dimension that the best is chosen of: anything but policies, which are never chosen among.
    fn choice(&self, value: &Value<'_>) -> Option<Dimension> {
        match self.dimension(value)? {
            dimension if dimension.is_of_policy() => value.reject(
                "the best is not chosen of policies",
                "choose another axis or a label of platforms, or name the policies in `series`",
            ),
            dimension => Some(dimension),
        }
    }

    fn series(&self, name: &str) -> Option<usize> {
        self.runner.series_columns.iter().position(|column| column.name == name)
    }

    /// The parameters that some policy has.
    fn parameters(&self) -> Vec<&'s Cow<'static, str>> {
        let mut names = Vec::new();
        for name in self
            .policies
            .unwrap_or_default()
            .iter()
            .flat_map(|policy| policy.parameters.all().map(|(name, _)| name))
        {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    fn named_dimension(&self, name: &str, reject: impl FnOnce(String, String)) -> Option<Dimension> {
        let labels = LABELS.into_iter().map(Dimension::Label);
        let axis = Dimension::axes().chain(labels).find(|axis| axis.name() == name);
        let parameters = self.parameters();
        let parameter = || parameters.iter().find(|known| **known == name).map(|known| (*known).clone());
        match axis.or_else(|| parameter().map(Dimension::Parameter)) {
            Some(Dimension::Change(axis))
                if self.variation(axis).is_some_and(|one| one.values.is_empty()) =>
            {
                reject(
                    format!("the sweep varies no {}", name.replace('_', " ")),
                    format!("add `{}`, or choose another axis", axis.key),
                );
                None
            }
            Some(Dimension::Label(label))
                if self.members(&Dimension::Label(label)).is_some_and(|all| all.is_empty()) =>
            {
                reject(
                    format!("no platform of this sweep has the label `{label}`"),
                    "give platforms the label, or choose another axis".to_owned(),
                );
                None
            }
            Some(dimension) => Some(dimension),
            // Without policies there are other problems to solve first.
            None if self.policies.is_none() => None,
            None => {
                let axes: Vec<Dimension> = Dimension::axes().collect();
                let axes = axes.iter().map(Dimension::name).chain(LABELS);
                let known: Vec<&str> = axes.chain(parameters.iter().map(|name| name.as_ref())).collect();
                reject(
                    format!("`{name}` is neither an axis nor a parameter of a policy of this sweep"),
                    suggestion(name, "axis", &known),
                );
                None
            }
        }
    }

    /// The values of an axis that changes scenarios; `None` where they are unknown because of another problem.
    fn variation(&self, axis: &AxisRow) -> Option<&Variation> {
        self.variations.iter().find(|variation| variation.axis == axis)
    }

    fn dimension(&self, value: &Value<'_>) -> Option<Dimension> {
        let name = value.string()?;
        self.named_dimension(name, |message, help| {
            let _: Option<()> = value.reject(message, help);
        })
    }

    /// Refuses a dimension of which some member is no number.
    fn require_numbers(&self, value: &Value<'_>, dimension: &Dimension) -> Option<()> {
        let members = self.members(dimension).unwrap_or_default();
        match members.iter().find(|member| member.number.is_none()) {
            None => Some(()),
            Some(member) => value.reject(
                format!("`{}` is no numeric axis: a member is `{}`", dimension.name(), member.text),
                format!(
                    "choose {} or a numeric parameter; bars can have it as `groups`",
                    axes::changes().map(|(axis, _)| axis.name).collect::<Vec<&str>>().join(", ")
                ),
            ),
        }
    }

    /// The members of a dimension; `None` where they are unknown because of another problem.
    fn members(&self, dimension: &Dimension) -> Option<Vec<Member>> {
        let names = |names: &Vec<&str>| names.iter().copied().map(Member::name).collect();
        match dimension {
            Dimension::Scenario => self.scenarios.as_ref().map(names),
            Dimension::Platform => {
                let names = self.platforms?.iter().map(|platform| Member::name(&platform.name));
                Some(names.collect())
            }
            Dimension::Label(label) => {
                let mut found: Vec<Member> = Vec::new();
                for text in self.platforms?.iter().filter_map(|platform| platform.labels.get(*label)) {
                    let member = Member::name(text);
                    if !found.contains(&member) {
                        found.push(member);
                    }
                }
                Some(found)
            }
            Dimension::Change(axis) => {
                let values = self.variation(axis)?.values.iter();
                Some(values.map(|amount| Member::number(amount.number())).collect())
            }
            _ => {
                let policies = self.policies?;
                let short = short_names(policies);
                let mut found: Vec<Member> = Vec::new();
                for index in 0..policies.len() {
                    if let Some(member) = member_of_policy(dimension, policies, &short, index)
                        && !found.contains(&member)
                    {
                        found.push(member);
                    }
                }
                Some(found)
            }
        }
    }

    /// Members of dimensions by name; lists of them where `lists` says so.
    fn selection(&self, value: &Value<'_>, lists: bool) -> Option<Selection> {
        let table = value.table()?;
        let mut parts = Vec::new();
        let mut complete = true;
        for key in table.keys() {
            let named = self.named_dimension(key.value, |message, help| {
                table.report(table.problem_at(&key.range, message).help(help));
            });
            let (Some(dimension), Some(value)) = (named, table.get(key.value)) else {
                complete = false;
                continue;
            };
            let items = if value.is_array() && lists { value.items()? } else { vec![value] };
            let mut texts: Vec<String> = Vec::new();
            for item in &items {
                match self.selected(&dimension, item, lists) {
                    Some(found) => texts.extend(found),
                    None => complete = false,
                }
            }
            parts.push((dimension, texts));
        }
        complete.then_some(Selection(parts))
    }

    /// Cells that values are divided by: members of axes, and parameters of policies.
    fn reference(&self, value: &Value<'_>) -> Option<Selection> {
        let selection = self.selection(value, false)?;
        match selection.0.iter().find(|(dimension, _)| matches!(dimension, Dimension::Label(_))) {
            None => Some(selection),
            Some((label, _)) => value.reject(
                format!("values are not divided by those of a label, `{}`", label.name()),
                "name a platform",
            ),
        }
    }

    /// The members that a value means: a pattern of names, a number, or a value of a parameter.
    fn selected(&self, dimension: &Dimension, value: &Value<'_>, patterns: bool) -> Option<Vec<String>> {
        let members = self.members(dimension)?;
        let numeric = !members.is_empty() && members.iter().all(|member| member.number.is_some());
        let (said, found): (String, Vec<String>) = if value.is_string() {
            let text = value.string()?;
            let means = |member: &&Member| {
                member.text == text || patterns && text.contains('*') && matches(text, &member.text)
            };
            (text.to_owned(), members.iter().filter(means).map(|member| member.text.clone()).collect())
        } else if numeric {
            let number = value.number(f64::MIN..=f64::MAX)?;
            let means = |member: &&Member| member.number == Some(number);
            (number.to_string(), members.iter().filter(means).map(|member| member.text.clone()).collect())
        } else if members.iter().all(|member| ["true", "false"].contains(&member.text.as_str())) {
            let text = value.boolean()?.to_string();
            let means = |member: &&Member| member.text == text;
            (text.clone(), members.iter().filter(means).map(|member| member.text.clone()).collect())
        } else {
            // Records that it must be a text.
            value.string()?;
            return None;
        };
        if found.is_empty() {
            let known: Vec<&str> = members.iter().map(|member| member.text.as_str()).collect();
            let name = dimension.name();
            return value.reject(
                format!("no {} of this sweep is `{said}`", name.replace('_', " ")),
                suggestion(&said, name, &known),
            );
        }
        Some(found)
    }

    fn labels(&self, value: &Value<'_>, figure: &Figure) -> Option<Vec<(String, String)>> {
        let table = value.table()?;
        let mut known: Vec<String> = Vec::new();
        match figure.content {
            Content::Bars { metric, .. }
            | Content::Lines { metric, .. }
            | Content::HeatMap { metric, .. } => known.extend(self.column_name(metric)),
            Content::Scatter { x, y, .. } => {
                known.extend([x, y].into_iter().filter_map(|one| self.column_name(one)))
            }
            Content::TimeSeries { column, .. } => {
                known.extend(self.runner.series_columns.get(column).map(|column| column.name.to_owned()));
            }
        }
        for dimension in figure.dimensions() {
            known.push(dimension.name().to_owned());
            if *dimension == Dimension::PolicyWithParameters {
                let policies = self.policies?;
                let names = policy_names(policies, &figure.selection);
                let selected = selected_policies(policies, &short_names(policies), &figure.selection);
                known.extend(selected.into_iter().map(|index| names[index].clone()));
            } else {
                known.extend(self.members(dimension)?.into_iter().map(|member| member.text));
            }
        }
        let mut labels = Vec::new();
        for key in table.keys() {
            if !known.iter().any(|known| known == key.value) {
                let names: Vec<&str> = known.iter().map(String::as_str).collect();
                let message = format!("nothing in this figure is called `{}`", key.value);
                let help = suggestion(key.value, "name", &names);
                table.report(table.problem_at(&key.range, message).help(help));
                continue;
            }
            let label = table.get(key.value).and_then(|value| value.string().map(str::to_owned));
            labels.extend(label.map(|label| (key.value.to_owned(), label)));
        }
        Some(labels)
    }

    /// Values under several policies are not joined: that would hide what they differ in.
    fn tells_policies_apart(&self, table: &Table<'_>, figure: &Figure) -> Option<()> {
        let Some(policies) = self.policies else { return Some(()) };
        let short = short_names(policies);
        let apart: Vec<&Dimension> = figure.dimensions().filter(|one| one.is_of_policy()).collect();
        let mut places: Vec<(Vec<String>, usize)> = Vec::new();
        let mut is_empty = true;
        for policy in selected_policies(policies, &short, &figure.selection) {
            let place: Option<Vec<String>> = apart
                .iter()
                .map(|dimension| {
                    member_of_policy(dimension, policies, &short, policy).map(|member| member.text)
                })
                .collect();
            let Some(place) = place else { continue };
            is_empty = false;
            if let Some((_, first)) = places.iter().find(|(known, _)| *known == place) {
                table.report(
                    table
                        .problem(format!(
                            "the figure `{}` does not tell policies apart: `{}` and `{}`",
                            figure.name, short[*first], short[policy]
                        ))
                        .help(
                            "name what they differ in as an axis of the figure, such as \
                             `series = \"policy+parameters\"`, or leave one of them out with `where`",
                        ),
                );
                return None;
            }
            places.push((place, policy));
        }
        if is_empty {
            table.report(
                table
                    .problem(format!("no policy of this sweep is in the figure `{}`", figure.name))
                    .help("widen its `where`, or choose axes that its policies have"),
            );
            return None;
        }
        Some(())
    }

    /// Checks that values are divided by those of one policy each.
    fn has_one_reference(&self, table: &Table<'_>, figure: &Figure) -> Option<()> {
        let (Some(policies), Some(relative_to)) = (self.policies, &figure.relative_to) else {
            return Some(());
        };
        let short = short_names(policies);
        let apart = parameters_apart(figure);
        for policy in selected_policies(policies, &short, &figure.selection) {
            let found = reference_policies(relative_to, policies, &short, policy, &apart);
            let problem = match found[..] {
                [_] => continue,
                [] => format!("nothing that `{}` is relative to is in this sweep", short[policy]),
                [first, second, ..] => format!(
                    "`{}` could be relative to several policies: `{}`, `{}`",
                    short[policy], short[first], short[second]
                ),
            };
            let range = table.get("relative_to").map_or(table.range(), |value| value.range());
            table.report(table.problem_at(&range, problem).help(
                "set the parameters that tell them apart, such as `{ policy = \"...\", drop = \"never\" }`",
            ));
            return None;
        }
        Some(())
    }

    fn path(
        &self,
        table: &Table<'_>,
        value: &Value<'_>,
        dimensions: [&Dimension; 2],
        selection: &Selection,
        facets: Option<&Dimension>,
    ) -> Option<PathOf> {
        let (policies, seeds) = (self.policies?, self.seeds?);
        let mut series = [0; 2];
        for ((dimension, key), series) in dimensions.into_iter().zip(["x", "y"]).zip(&mut series) {
            let axis = table.get(key)?;
            self.require_numbers(&axis, dimension)?;
            let Some(found) = self.series(dimension.name()) else {
                return value.reject(
                    format!("no series `{}` is recorded for a path to follow", dimension.name()),
                    "remove `path`, or choose axes that are series of the runner",
                );
            };
            *series = found;
        }
        let said = value.table()?;
        let seed = match said.get("seed") {
            None => *seeds.first()?,
            Some(value) => {
                let seed = value.integer(0..=i64::MAX as u64)?;
                if !seeds.contains(&seed) {
                    return value
                        .reject(format!("no cell has the seed {seed}"), "choose a seed of the sweep");
                }
                seed
            }
        };
        let mut parts = Vec::new();
        for key in said.keys().filter(|key| key.value != "seed") {
            let named = self.named_dimension(key.value, |message, help| {
                said.report(said.problem_at(&key.range, message).help(help));
            })?;
            if !named.is_of_policy() {
                let message = format!("a path is that of a policy, and `{}` says nothing of one", key.value);
                said.report(said.problem_at(&key.range, message).help("put it into `where`"));
                return None;
            }
            let texts = self.selected(&named, &said.get(key.value)?, false)?;
            parts.push((named, texts));
        }
        let short = short_names(policies);
        let path = Selection(parts);
        let policy = match selected_policies(policies, &short, &path)[..] {
            [policy] => policy,
            [] => return value.reject("no policy of this sweep has this path", "change its parameters"),
            [first, second, ..] => {
                return value.reject(
                    format!("the path could be that of `{}` or of `{}`", short[first], short[second]),
                    "name the policy, and the parameters that tell it apart",
                );
            }
        };
        // A path is that of one run.
        for axis in Dimension::axes().filter(|axis| !axis.is_of_policy()) {
            let name = axis.name();
            let members = self.members(&axis).unwrap_or_default();
            let count = members.iter().filter(|member| selection.holds(&axis, Some(member))).count();
            if count > 1 && facets != Some(&axis) {
                return value.reject(
                    format!("a path is that of one run, and the figure has {count} of `{name}`"),
                    format!("choose one with `where = {{ {name} = ... }}`, or add `facets = \"{name}\"`"),
                );
            }
        }
        Some(PathOf { policy: PolicyId::new(policy), seed, series })
    }
}
