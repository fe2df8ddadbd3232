//! CloudWatch's judgement of an alarm by the values of its metric
//! (<https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html>). The local AWS evaluates
//! alarms too, but over all dimensions of a metric's name at once and without periods.

use serde_json::Value;

/// Values of one metric with one set of dimensions, each with the second at which it was measured.
pub type Values = Vec<(u64, f64)>;

/// The states that the alarms of the template can be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Ok,
    Alarm,
}

/// The state of an alarm, by its properties in the template, at a second: all of its last periods are over the threshold, or
/// not. What has no value is well.
pub fn state(alarm: &Value, values: &Values, now: u64) -> State {
    assert_eq!(alarm["TreatMissingData"], "notBreaching");
    assert_eq!(alarm["ComparisonOperator"], "GreaterThanThreshold");
    let threshold = alarm["Threshold"].as_f64().expect("a number");
    let period = alarm["Period"].as_u64().expect("a number");
    let periods = alarm["EvaluationPeriods"].as_u64().expect("a number");
    let is_over = |index: u64| {
        let end = now - index * period;
        let within = values
            .iter()
            .filter(|(at, _)| (end - period..end).contains(at));
        let mut within: Vec<f64> = within.map(|(_, value)| *value).collect();
        within.sort_by(f64::total_cmp);
        statistic(alarm, &within).is_some_and(|value| value > threshold)
    };
    if (0..periods).all(is_over) {
        State::Alarm
    } else {
        State::Ok
    }
}

/// The statistic of a period's values, which are in order; `None` of a period without any.
fn statistic(alarm: &Value, values: &[f64]) -> Option<f64> {
    let largest = *values.last()?;
    match (
        alarm["Statistic"].as_str(),
        alarm["ExtendedStatistic"].as_str(),
    ) {
        (Some("Sum"), None) => Some(values.iter().sum()),
        (Some("Maximum"), None) => Some(largest),
        // Of few values the largest, since the alarm does not say that those be ignored:
        // https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/percentiles-with-low-samples.html
        (None, Some("p99")) => Some(values[(values.len() * 99).div_ceil(100) - 1]),
        other => panic!("no alarm has {other:?}"),
    }
}
