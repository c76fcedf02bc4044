//! Bytes outside of the heap, and text.

use memguard_trend::format_bytes;

use super::Answer;
use super::case::Case;

const VIEWS: [&str; 6] = [
    "FastBuffer",
    "Buffer",
    "Uint8Array",
    "DataView",
    "ArrayBuffer",
    "SharedArrayBuffer",
];
/// Blocks as large as this are rarely what somebody meant to keep of a message.
const LARGE_BLOCK: f64 = 4_000.0;

pub(super) fn external(case: &Case<'_, '_>) -> Answer {
    let bytes = case.external_delta();
    (2 * bytes > case.row.size_delta).then(|| {
        (
            0.8,
            vec![format!(
                "{} of {} that grew lie outside of the heap, in ArrayBuffers that these objects keep",
                format_bytes(bytes as f64),
                format_bytes(case.row.size_delta as f64)
            )],
        )
    })
}

pub(super) fn slices(case: &Case<'_, '_>) -> Answer {
    let bytes = case.external_delta();
    let views = case.more_of(|class| VIEWS[..4].contains(&class));
    let blocks = case.more_of(|class| class == "ArrayBuffer");
    if 2 * bytes < case.row.size_delta || views < 4 || blocks == 0 {
        return None;
    }
    let each = bytes as f64 / blocks as f64;
    if each < LARGE_BLOCK {
        return None;
    }
    // Several views of a block, or one of each that is as large as a pool or packet.
    Some((
        if views > blocks * 2 { 0.86 } else { 0.82 },
        vec![
            format!(
                "{views} more views (Buffers) keep {blocks} more blocks of {} each",
                format_bytes(each)
            ),
            "a slice (`subarray`, `slice`, `readUInt…` results of a stream) keeps its whole block, however small it is".to_owned(),
        ],
    ))
}

pub(super) fn text(case: &Case<'_, '_>) -> Answer {
    let class = case.class();
    let is_text = |class: &str| {
        matches!(
            class,
            "(string)" | "(sliced string)" | "(concatenated string)"
        )
    };
    let share = case.share_of(is_text);
    if !is_text(&class) || share < 0.8 || case.row.count_delta > 64 {
        return None;
    }
    Some((
        0.6,
        vec![format!(
            "{:.0} % of what grew is text, in {} strings more",
            share * 100.0,
            case.row.count_delta
        )],
    ))
}
