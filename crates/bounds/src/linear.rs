//! Linear programs, and their two sides.
//!
//! The solver is a guide: what comes back is near an optimum as floating-point numbers go, or nothing. Nothing that is
//! claimed rests on it; see [`crate::relaxation`].

use good_lp::{
    Expression, ProblemVariables, Solution, SolverModel, Variable, constraint, solvers::microlp::microlp,
    variable,
};

/// A program: least `costs · x` for `x` at least 0, such that each row is at least its `least`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Program {
    costs: Vec<f64>,
    least: Vec<f64>,
    /// By column: rows with their coefficients.
    columns: Vec<Vec<(usize, f64)>>,
}

impl Program {
    /// A program of rows without columns.
    pub(crate) fn of_rows(least: Vec<f64>) -> Self {
        Self { least, ..Self::default() }
    }

    /// Adds a column, and gives its position.
    pub(crate) fn add(&mut self, cost: f64, entries: Vec<(usize, f64)>) -> usize {
        self.costs.push(cost);
        self.columns.push(entries);
        self.columns.len() - 1
    }

    /// Cost of some values of the columns.
    pub(crate) fn cost_of(&self, values: &[f64]) -> f64 {
        self.costs.iter().zip(values).map(|(cost, value)| cost * value).sum()
    }

    /// Values of the columns of a solution; none where the solver finds none.
    pub(crate) fn values(&self) -> Option<Vec<f64>> {
        let mut variables = ProblemVariables::new();
        let x: Vec<Variable> = self.costs.iter().map(|_| variables.add(variable().min(0.0))).collect();
        let mut rows: Vec<Expression> = self.least.iter().map(|_| Expression::default()).collect();
        for (column, variable) in self.columns.iter().zip(&x) {
            for (row, coefficient) in column {
                rows[*row].add_mul(*coefficient, *variable);
            }
        }
        let objective = weighted(&self.costs, &x);
        let mut model = variables.minimise(objective).using(microlp);
        for (row, least) in rows.into_iter().zip(&self.least) {
            model = model.with(constraint!(row >= *least));
        }
        let solution = model.solve().ok()?;
        Some(x.into_iter().map(|variable| solution.value(variable)).collect())
    }

    /// Prices of the rows, at least 0: the program's other side, greatest `least · y` such that no column is worth more than
    /// it costs. None where the solver finds none.
    pub(crate) fn prices(&self) -> Option<Vec<f64>> {
        let mut variables = ProblemVariables::new();
        let y: Vec<Variable> = self.least.iter().map(|_| variables.add(variable().min(0.0))).collect();
        let objective = weighted(&self.least, &y);
        let mut model = variables.maximise(objective).using(microlp);
        for (column, cost) in self.columns.iter().zip(&self.costs) {
            let mut worth = Expression::default();
            for (row, coefficient) in column {
                worth.add_mul(*coefficient, y[*row]);
            }
            model = model.with(constraint!(worth <= *cost));
        }
        let solution = model.solve().ok()?;
        Some(y.into_iter().map(|variable| solution.value(variable)).collect())
    }
}

fn weighted(weights: &[f64], variables: &[Variable]) -> Expression {
    let mut sum = Expression::default();
    for (weight, variable) in weights.iter().zip(variables) {
        sum.add_mul(*weight, *variable);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_meet() {
        // Least 3a + 2b with a + b >= 4 and a >= 1.
        let mut program = Program::of_rows(vec![4.0, 1.0]);
        program.add(3.0, vec![(0, 1.0), (1, 1.0)]);
        program.add(2.0, vec![(0, 1.0)]);
        let values = program.values().expect("a solution");
        let prices = program.prices().expect("prices");
        assert!((values[0] - 1.0).abs() < 1e-9 && (values[1] - 3.0).abs() < 1e-9, "{values:?}");
        assert!((prices[0] - 2.0).abs() < 1e-9 && (prices[1] - 1.0).abs() < 1e-9, "{prices:?}");
    }

    #[test]
    fn what_has_no_solution_has_no_values() {
        let mut program = Program::of_rows(vec![1.0]);
        program.add(1.0, vec![(0, -1.0)]);
        assert_eq!(program.values(), None);
        assert_eq!(program.prices(), None);
    }
}
