//! Relative least squares by normal equations, with the error at every row when it is left out.
//!
//! Row i of a fit is x_i / t_i, what the coefficients are multiplied with over the measured time, so that its aim is 1
//! and what is missing to it is the relative error. With G = sum of x x^T / t^2 the coefficients are
//! b = G^-1 (sum of x / t). The error at row i of a fit without it follows without another fit: e_i / (1 - h_i), where
//! e_i = 1 - x_i b / t_i is the error of the fit with it, and its leverage h_i = (x_i / t_i)^T G^-1 (x_i / t_i)
//! (Allen 1974, the prediction sum of squares).

/// Columns and rows are dependent below this: the squared sine of the angle between a column and those before it, and
/// what the leverage of a row lacks to 1.
const TOLERANCE: f64 = 1e-10;

/// A fit of rows with an aim of 1 each.
#[derive(Clone, Debug)]
pub(super) struct Fit {
    /// One a column.
    pub coefficients: Vec<f64>,
    /// Absolute relative error at each row.
    pub errors: Vec<f64>,
    /// Absolute relative error at each row of the fit to all others.
    pub left_out: Vec<f64>,
}

/// Why rows determine no coefficients, or no error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Undetermined {
    /// There is no row more than columns.
    TooFewRows,
    /// The column is zero throughout, or a combination of those before it.
    Column(usize),
    /// Without this row the others determine no coefficients.
    Row(usize),
}

/// The lower triangle L with G = L L^T, row by row, of columns that are scaled to a length of 1.
struct Factor {
    scales: Vec<f64>,
    lower: Vec<Vec<f64>>,
}

impl Factor {
    fn of(rows: &[Vec<f64>], columns: usize) -> Result<Self, Undetermined> {
        let mut scales = Vec::with_capacity(columns);
        for column in 0..columns {
            let length = rows.iter().map(|row| row[column] * row[column]).sum::<f64>().sqrt();
            if length == 0.0 {
                return Err(Undetermined::Column(column));
            }
            scales.push(length);
        }
        let mut lower: Vec<Vec<f64>> = Vec::with_capacity(columns);
        for i in 0..columns {
            let mut line: Vec<f64> = Vec::with_capacity(i + 1);
            for j in 0..=i {
                let product: f64 = rows.iter().map(|row| row[i] / scales[i] * (row[j] / scales[j])).sum();
                let above = lower.get(j).unwrap_or(&line);
                let rest = product - line.iter().zip(above).take(j).map(|(a, b)| a * b).sum::<f64>();
                if let Some(pivot) = above.get(j).copied() {
                    line.push(rest / pivot);
                } else if rest > TOLERANCE {
                    line.push(rest.sqrt());
                } else {
                    return Err(Undetermined::Column(i));
                }
            }
            lower.push(line);
        }
        Ok(Self { scales, lower })
    }

    /// L^-1 of a vector in the units of the scaled columns.
    fn forward(&self, vector: &[f64]) -> Vec<f64> {
        let mut solved: Vec<f64> = Vec::with_capacity(vector.len());
        for ((line, value), scale) in self.lower.iter().zip(vector).zip(&self.scales) {
            let known: f64 = line.iter().zip(&solved).map(|(a, b)| a * b).sum();
            solved.push((value / scale - known) / line[solved.len()]);
        }
        solved
    }

    /// L^-T of a vector, in the units of the columns as they were.
    fn backward(&self, mut vector: Vec<f64>) -> Vec<f64> {
        for i in (0..vector.len()).rev() {
            let line = &self.lower[i];
            let solved = vector[i] / line[i];
            vector[i] = solved;
            vector.iter_mut().zip(line).take(i).for_each(|(value, factor)| *value -= factor * solved);
        }
        vector.iter().zip(&self.scales).map(|(value, scale)| value / scale).collect()
    }
}

/// Fits rows of equal length.
pub(super) fn fit(rows: &[Vec<f64>]) -> Result<Fit, Undetermined> {
    let columns = rows.first().map_or(0, Vec::len);
    if rows.len() <= columns {
        return Err(Undetermined::TooFewRows);
    }
    let factor = Factor::of(rows, columns)?;
    let sums: Vec<f64> = (0..columns).map(|column| rows.iter().map(|row| row[column]).sum()).collect();
    let coefficients = factor.backward(factor.forward(&sums));
    let mut fit = Fit { coefficients, errors: Vec::new(), left_out: Vec::new() };
    for (index, row) in rows.iter().enumerate() {
        let error = error_at(&fit.coefficients, row);
        let leverage: f64 = factor.forward(row).iter().map(|value| value * value).sum();
        if 1.0 - leverage <= TOLERANCE {
            return Err(Undetermined::Row(index));
        }
        fit.errors.push(error);
        fit.left_out.push(error / (1.0 - leverage));
    }
    Ok(fit)
}

/// Absolute relative error of coefficients at a row.
pub(super) fn error_at(coefficients: &[f64], row: &[f64]) -> f64 {
    (1.0 - coefficients.iter().zip(row).map(|(a, b)| a * b).sum::<f64>()).abs()
}
