//! Small systems of linear equations.

/// Solves `A x = b` for a symmetric positive definite matrix by Cholesky's decomposition, in place: `x` replaces `b`. `None` if
/// the matrix is not positive definite (to rounding).
pub(crate) fn solve_symmetric(matrix: &mut [f64], right: &mut [f64]) -> Option<()> {
    let n = right.len();
    let greatest = (0..n).map(|i| matrix[i * n + i]).fold(0.0, f64::max);
    for j in 0..n {
        let mut pivot = matrix[j * n + j];
        for k in 0..j {
            pivot -= matrix[j * n + k].powi(2);
        }
        if pivot.is_nan() || pivot <= greatest * 1e-14 {
            return None;
        }
        let pivot = pivot.sqrt();
        matrix[j * n + j] = pivot;
        for i in j + 1..n {
            let mut value = matrix[i * n + j];
            for k in 0..j {
                value -= matrix[i * n + k] * matrix[j * n + k];
            }
            matrix[i * n + j] = value / pivot;
        }
    }
    for i in 0..n {
        for k in 0..i {
            right[i] -= matrix[i * n + k] * right[k];
        }
        right[i] /= matrix[i * n + i];
    }
    for i in (0..n).rev() {
        for k in i + 1..n {
            right[i] -= matrix[k * n + i] * right[k];
        }
        right[i] /= matrix[i * n + i];
    }
    Some(())
}
