//! The middle of what was measured.

/// The value in the middle of the weight; `None` of nothing.
pub(super) fn weighted(values: impl IntoIterator<Item = (f64, f64)>) -> Option<f64> {
    let mut values: Vec<(f64, f64)> =
        values.into_iter().filter(|(value, weight)| value.is_finite() && *weight > 0.0).collect();
    values.sort_by(|one, other| one.0.total_cmp(&other.0));
    let half = values.iter().map(|(_, weight)| weight).sum::<f64>() / 2.0;
    let mut sum = 0.0;
    let middle = values.iter().find(|(_, weight)| {
        sum += weight;
        sum >= half
    });
    middle.map(|(value, _)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[(f64, f64)], expected: Option<f64>) {
        assert_eq!(weighted(values.iter().copied()), expected);
    }

    #[test]
    fn the_middle_of_the_weight() {
        check(&[], None);
        check(&[(3.0, 0.0), (f64::NAN, 1.0)], None);
        check(&[(3.0, 0.1)], Some(3.0));
        check(&[(9.0, 1.0), (1.0, 1.0), (5.0, 1.0)], Some(5.0));
        check(&[(9.0, 3.0), (1.0, 1.0), (5.0, 1.0)], Some(9.0));
    }
}
