//! Reports as JSON.

use super::{HeapTotals, Listing};

#[test]
fn a_cut_list_knows_how_long_it_was() {
    let cut = Listing::cut(vec![3, 2, 1], 2);
    assert_eq!(
        (cut.total, cut.rows.as_slice(), cut.hidden()),
        (3, &[3, 2][..], 1)
    );
    assert_eq!(Listing::whole(vec![1]).hidden(), 0);
}

#[test]
fn reports_come_back_from_their_json_in_camel_case() {
    let totals = Listing::whole(vec![HeapTotals {
        nodes: 1,
        edges: 2,
        size: u64::from(u32::MAX) + 1,
    }]);
    let json = serde_json::to_string(&totals).unwrap();
    assert_eq!(
        json,
        r#"{"total":1,"rows":[{"nodes":1,"edges":2,"size":4294967296}]}"#
    );
    assert_eq!(
        serde_json::from_str::<Listing<HeapTotals>>(&json).unwrap(),
        totals
    );
}
