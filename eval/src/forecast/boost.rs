//! Grows the trees of the forecast's model: Newton boosting on log-loss with histograms, complete trees of three
//! questions. No chance is involved: the same decisions give the same trees.

use memguard_trend::study::{COUNT, LEAVES, Model, SPLITS, Tree};

use super::decisions::Decision;

/// Trees, and how much of each is believed.
const TREES: usize = 140;
const RATE: f64 = 0.1;
/// Leaves are drawn towards 0 as if so much weight had been seen in them without any error.
const RIDGE: f64 = 8.0;
/// The least of second derivatives in a leaf: some two dozen decisions in doubt.
const LEAST: f64 = 3.0;
/// Values that a feature is told apart by.
const BINS: usize = 48;

/// Grows a model on decisions; without calibration.
pub fn grow(decisions: &[&Decision]) -> Model {
    let edges: Vec<Vec<f32>> = (0..COUNT)
        .map(|feature| edges(decisions, feature))
        .collect();
    let bins: Vec<[u8; COUNT]> = decisions
        .iter()
        .map(|decision| {
            std::array::from_fn(|feature| bin(&edges[feature], decision.features[feature]) as u8)
        })
        .collect();
    let positive: f64 = decisions.iter().map(|it| it.weight * it.label()).sum();
    let all: f64 = decisions.iter().map(|it| it.weight).sum();
    let bias = (positive / (all - positive)).ln();
    let mut scores = vec![bias; decisions.len()];
    let trees: Vec<Tree> = (0..TREES)
        .map(|_| tree(decisions, &bins, &edges, &mut scores))
        .collect();
    Model {
        trees: trees.into(),
        bias,
        scale: 1.0,
        shift: 0.0,
    }
}

/// Upper edges of the bins, from quantiles.
fn edges(decisions: &[&Decision], feature: usize) -> Vec<f32> {
    let mut values: Vec<f32> = decisions
        .iter()
        .map(|it| it.features[feature] as f32)
        .collect();
    values.sort_unstable_by(f32::total_cmp);
    let mut edges: Vec<f32> = (1..BINS)
        .map(|i| values[i * (values.len() - 1) / BINS])
        .collect();
    // The rare ends matter most: where failures are.
    for share in [0.0005, 0.002, 0.005, 0.01, 0.99, 0.995, 0.998, 0.9995] {
        edges.push(values[(share * (values.len() - 1) as f64) as usize]);
    }
    edges.sort_unstable_by(f32::total_cmp);
    edges.dedup();
    edges
}

fn bin(edges: &[f32], value: f64) -> usize {
    edges.partition_point(|edge| f64::from(*edge) < value)
}

/// First and second derivatives.
#[derive(Clone, Copy, Default)]
struct Sum {
    first: f64,
    second: f64,
}

impl Sum {
    fn add(&mut self, first: f64, second: f64) {
        self.first += first;
        self.second += second;
    }

    fn minus(self, other: Self) -> Self {
        Self {
            first: self.first - other.first,
            second: self.second - other.second,
        }
    }

    fn gain(self) -> f64 {
        self.first * self.first / (self.second + RIDGE)
    }
}

fn tree(
    decisions: &[&Decision],
    bins: &[[u8; COUNT]],
    edges: &[Vec<f32>],
    scores: &mut [f64],
) -> Tree {
    let derivatives: Vec<(f64, f64)> = decisions
        .iter()
        .zip(scores.iter())
        .map(|(decision, score)| {
            let p = 1.0 / (1.0 + (-score).exp());
            (
                decision.weight * (decision.label() - p),
                decision.weight * p * (1.0 - p),
            )
        })
        .collect();
    let mut tree = Tree {
        feature: [0; SPLITS],
        threshold: [f32::MAX; SPLITS],
        leaf: [0.0; LEAVES],
    };
    let mut place = vec![0_usize; decisions.len()];
    let mut level = 0..1;
    while level.start < SPLITS {
        let width = level.len();
        let mut sums = vec![[Sum::default(); BINS + 16]; width * COUNT];
        for ((place, bins), (first, second)) in place.iter().zip(bins).zip(&derivatives) {
            let node = place - level.start;
            for (feature, bin) in bins.iter().enumerate() {
                sums[node * COUNT + feature][usize::from(*bin)].add(*first, *second);
            }
        }
        for node in 0..width {
            let (feature, edge) = best(&sums[node * COUNT..(node + 1) * COUNT], edges);
            tree.feature[level.start + node] = feature as u8;
            tree.threshold[level.start + node] = edge;
        }
        for (place, decision) in place.iter_mut().zip(decisions) {
            let value = decision.features[usize::from(tree.feature[*place])];
            *place = 2 * *place
                + if value <= f64::from(tree.threshold[*place]) {
                    1
                } else {
                    2
                };
        }
        level = 2 * level.start + 1..2 * level.end + 1;
    }
    let mut leaves = [Sum::default(); LEAVES];
    for (place, (first, second)) in place.iter().zip(&derivatives) {
        leaves[place - SPLITS].add(*first, *second);
    }
    tree.leaf = leaves.map(|sum| (RATE * sum.first / (sum.second + RIDGE)) as f32);
    for (score, place) in scores.iter_mut().zip(&place) {
        *score += f64::from(tree.leaf[place - SPLITS]);
    }
    tree
}

/// The feature and threshold that tell most; a threshold that all are below when nothing does.
fn best(sums: &[[Sum; BINS + 16]], edges: &[Vec<f32>]) -> (usize, f32) {
    let mut found = (0, f32::MAX);
    let mut most = 1e-9;
    for (feature, bins) in sums.iter().enumerate() {
        let mut all = Sum::default();
        bins.iter().for_each(|bin| all.add(bin.first, bin.second));
        let mut below = Sum::default();
        for (bin, edge) in bins.iter().zip(&edges[feature]) {
            below.add(bin.first, bin.second);
            let above = all.minus(below);
            let gain = below.gain() + above.gain() - all.gain();
            if below.second >= LEAST && above.second >= LEAST && gain > most {
                most = gain;
                found = (feature, *edge);
            }
        }
    }
    found
}
