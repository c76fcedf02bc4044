//! From features to a probability: a few boosted decision trees (Friedman, "Greedy function approximation: a gradient
//! boosting machine", Annals of Statistics 29, 2001), then Platt's calibration ("Probabilistic outputs for support vector
//! machines", 1999) on programs that the trees were not grown on.
//!
//! They were grown by `npm run eval -- forecast --train` on the programs of `eval/`, and are shipped as constants; the same
//! command says how much better they are than a logistic regression and than a rule without learning.

mod shipped;

use std::borrow::Cow;

use super::features::COUNT;

/// Questions in a tree: three deep.
pub const SPLITS: usize = 7;
/// Answers of a tree.
pub const LEAVES: usize = SPLITS + 1;

/// A complete tree of three questions on the way to each leaf. Question `i` sends to `2 i + 1` when the feature is at most
/// the threshold, else to `2 i + 2`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tree {
    /// Which feature each question is about.
    pub feature: [u8; SPLITS],
    /// What it is compared with.
    pub threshold: [f32; SPLITS],
    /// What each leaf adds to the score.
    pub leaf: [f32; LEAVES],
}

/// Trees and their calibration.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Summed up with `bias` they are the score, a log-odds.
    pub trees: Cow<'static, [Tree]>,
    /// The score of no tree.
    pub bias: f64,
    /// The calibrated log-odds are `scale × score + shift`.
    pub scale: f64,
    /// See `scale`.
    pub shift: f64,
}

/// No probability that is told is nearer to 0 or 1 than this: there were not enough programs to know.
const SURE: f64 = 0.005;

impl Model {
    /// The one that comes with this release.
    pub const fn shipped() -> Self {
        shipped::MODEL
    }

    /// The least that is ever told.
    pub const fn least(&self) -> f64 {
        SURE
    }

    /// The sum of the trees.
    pub fn score(&self, features: &[f64; COUNT]) -> f64 {
        let leaves = self.trees.iter().map(|tree| tree.leaf(features));
        self.bias + leaves.sum::<f64>()
    }

    /// The calibrated probability that the limit is reached within a horizon.
    pub fn probability(&self, features: &[f64; COUNT]) -> f64 {
        let odds = self.scale * self.score(features) + self.shift;
        (1.0 / (1.0 + (-odds).exp())).clamp(SURE, 1.0 - SURE)
    }
}

impl Tree {
    fn leaf(&self, features: &[f64; COUNT]) -> f64 {
        let mut at = 0;
        while at < SPLITS {
            let value = features
                .get(usize::from(self.feature[at]))
                .copied()
                .unwrap_or_default();
            at = 2 * at
                + if value <= f64::from(self.threshold[at]) {
                    1
                } else {
                    2
                };
        }
        f64::from(self.leaf[at - SPLITS])
    }
}
