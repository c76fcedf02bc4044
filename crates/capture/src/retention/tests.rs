use proptest::prelude::*;

use super::*;

const HOUR: u64 = 3_600_000;
const NOW: u64 = 1_000 * HOUR;

fn file(hours_old: u64, size_bytes: u64, standing: Standing) -> Candidate {
    Candidate {
        created_at_ms: NOW - hours_old * HOUR,
        size_bytes,
        standing,
    }
}

fn situation(files: &[Candidate], incoming: Incoming) -> Situation<'_> {
    Situation {
        files,
        under_way: UnderWay::default(),
        incoming,
        disk_free_bytes: Some(1 << 40),
        now_ms: NOW,
    }
}

fn policy(max_count: u64) -> RetentionPolicy {
    RetentionPolicy {
        max_count,
        max_bytes: None,
        max_age_ms: None,
        min_free_disk_bytes: 0,
    }
}

fn indices(plan: &[Victim]) -> Vec<usize> {
    plan.iter().map(|victim| victim.index).collect()
}

#[test]
fn the_newest_are_kept() {
    let files = [1, 5, 3, 2, 4].map(|age| file(age, 10, Standing::Mine));
    let victims = plan(&policy(5), &situation(&files, Incoming::Written(10))).unwrap();
    assert_eq!(
        victims,
        [Victim {
            index: 1,
            rule: Rule::Count
        }]
    );
    assert_eq!(
        indices(&plan(&policy(3), &situation(&files, Incoming::Nothing)).unwrap()),
        [1, 4]
    );
}

#[test]
fn files_of_running_processes_are_never_chosen() {
    let files = [
        file(9, 10, Standing::Living),
        file(2, 10, Standing::Mine),
        file(8, 10, Standing::Orphan),
    ];
    assert_eq!(
        indices(&plan(&policy(2), &situation(&files, Incoming::Written(10))).unwrap()),
        [2, 1]
    );
    let held = [file(9, 10, Standing::Living), file(8, 20, Standing::Living)];
    let refusal = plan(&policy(2), &situation(&held, Incoming::Expected(10))).unwrap_err();
    let limit = Limit::Count { max_count: 2 };
    assert_eq!(
        refusal,
        Refusal::Budget {
            limit,
            held_files: 2,
            held_bytes: 30
        }
    );
}

#[test]
fn a_capture_under_way_has_a_right_to_its_place() {
    let files = [file(1, 10, Standing::Mine)];
    let under_way = UnderWay {
        files: 1,
        bytes: 50,
        unwritten_bytes: 50,
    };
    let busy = Situation {
        under_way,
        ..situation(&files, Incoming::Expected(60))
    };
    assert_eq!(indices(&plan(&policy(2), &busy).unwrap()), [0]);
    assert!(plan(&policy(1), &busy).is_err());
    let narrow = RetentionPolicy {
        max_bytes: Some(100),
        ..policy(5)
    };
    let limit = Limit::Bytes {
        max_bytes: 100,
        needed_bytes: 60,
    };
    assert_eq!(
        plan(&narrow, &busy).unwrap_err(),
        Refusal::Budget {
            limit,
            held_files: 1,
            held_bytes: 50
        }
    );
}

#[test]
fn the_old_go_whatever_the_room() {
    let files = [
        file(3, 10, Standing::Mine),
        file(30, 10, Standing::Orphan),
        file(40, 10, Standing::Living),
    ];
    let policy = RetentionPolicy {
        max_age_ms: Some(24 * HOUR),
        ..policy(5)
    };
    let victims = plan(&policy, &situation(&files, Incoming::Nothing)).unwrap();
    assert_eq!(
        victims,
        [Victim {
            index: 1,
            rule: Rule::Age
        }]
    );
}

#[test]
fn old_snapshots_make_way_for_free_disk() {
    let files = [
        file(3, 100, Standing::Mine),
        file(2, 100, Standing::Mine),
        file(1, 100, Standing::Living),
    ];
    let policy = RetentionPolicy {
        min_free_disk_bytes: 50,
        ..policy(9)
    };
    let with_free = |free, incoming| Situation {
        disk_free_bytes: Some(free),
        ..situation(&files, incoming)
    };
    assert_eq!(
        plan(&policy, &with_free(130, Incoming::Expected(80))).unwrap(),
        []
    );
    let victims = plan(&policy, &with_free(129, Incoming::Expected(80))).unwrap();
    assert_eq!(
        victims,
        [Victim {
            index: 0,
            rule: Rule::Disk
        }]
    );
    assert_eq!(
        indices(&plan(&policy, &with_free(0, Incoming::Expected(150))).unwrap()),
        [0, 1]
    );
    assert_eq!(
        plan(&policy, &with_free(0, Incoming::Expected(151))).unwrap_err(),
        Refusal::Disk {
            needed_bytes: 151,
            free_bytes: 0,
            reserved_bytes: 50
        }
    );
    // Only tidying: the last that may be deleted stays, however full the disk is.
    assert_eq!(
        indices(&plan(&policy, &with_free(0, Incoming::Nothing)).unwrap()),
        [0]
    );
}

#[test]
fn a_stamp_from_the_far_future_counts_as_the_oldest() {
    let future = Candidate {
        created_at_ms: NOW + 365 * 24 * HOUR,
        size_bytes: 1,
        standing: Standing::Mine,
    };
    let files = [
        file(2, 1, Standing::Mine),
        future,
        file(1, 1, Standing::Mine),
    ];
    let policy = RetentionPolicy {
        max_age_ms: Some(24 * HOUR),
        ..policy(3)
    };
    assert_eq!(
        indices(&plan(&policy, &situation(&files, Incoming::Written(1))).unwrap()),
        [1]
    );
    // Its age is not known, so age alone does not condemn it.
    assert_eq!(
        plan(&policy, &situation(&files, Incoming::Nothing)).unwrap(),
        []
    );
}

/// Deletes one file at a time and looks at everything again from scratch.
fn naive(policy: &RetentionPolicy, situation: &Situation<'_>) -> Option<Vec<usize>> {
    let Situation {
        files,
        under_way,
        incoming,
        disk_free_bytes,
        now_ms,
    } = *situation;
    let (new, new_bytes, to_write) = match incoming {
        Incoming::Nothing => (0, 0, 0),
        Incoming::Expected(bytes) => (1, bytes, bytes),
        Incoming::Written(bytes) => (1, bytes, 0),
    };
    let mut left: Vec<usize> = (0..files.len()).collect();
    let mut gone = Vec::new();
    let fits = |left: &[usize], gone: &[usize]| {
        let count = left.len() as u64 + under_way.files + new;
        let bytes: u64 =
            left.iter().map(|&i| files[i].size_bytes).sum::<u64>() + under_way.bytes + new_bytes;
        let freed: u64 = gone.iter().map(|&i: &usize| files[i].size_bytes).sum();
        let budget = count <= policy.max_count && policy.max_bytes.is_none_or(|max| bytes <= max);
        let need = policy.min_free_disk_bytes + under_way.unwritten_bytes + to_write;
        (
            budget,
            disk_free_bytes.is_none_or(|free| free + freed >= need),
        )
    };
    left.retain(|&i| {
        let old = now_ms >= files[i].created_at_ms
            && policy
                .max_age_ms
                .is_some_and(|max| now_ms - files[i].created_at_ms > max)
            && files[i].standing != Standing::Living;
        if old {
            gone.push(i);
        }
        !old
    });
    loop {
        let (budget, disk) = fits(&left, &gone);
        if budget && disk {
            break;
        }
        let age = |i: usize| {
            if files[i].created_at_ms > now_ms + 3_600_000 {
                i64::MAX
            } else {
                (now_ms as i64) - files[i].created_at_ms as i64
            }
        };
        let mut may: Vec<usize> = left
            .iter()
            .copied()
            .filter(|&i| files[i].standing != Standing::Living)
            .collect();
        may.sort_by_key(|&i| (-(age(i) as i128), i));
        let spare_last = budget && new == 0 && may.len() == 1;
        match may.first() {
            Some(&oldest) if !spare_last => {
                left.retain(|&i| i != oldest);
                gone.push(oldest);
            }
            _ => {
                let there = left.len() as u64 + new <= policy.max_count
                    && left.iter().map(|&i| files[i].size_bytes).sum::<u64>() + new_bytes
                        <= policy.max_bytes.unwrap_or(u64::MAX);
                let refused = match incoming {
                    Incoming::Nothing => false,
                    Incoming::Expected(_) => true,
                    Incoming::Written(_) => !there,
                };
                if refused {
                    return None;
                }
                break;
            }
        }
    }
    gone.sort_unstable();
    Some(gone)
}

/// A process of the simulation below: its files by age, and the sizes of its captures under way.
#[derive(Debug, Clone, Default)]
struct Process {
    files: Vec<(u64, u64)>,
    pending: Vec<u64>,
}

/// What process `me` sees of all.
fn seen_by(
    me: usize,
    all: &[Process],
    except: u64,
) -> (Vec<Candidate>, Vec<(usize, u64)>, UnderWay) {
    let (mut candidates, mut places) = (Vec::new(), Vec::new());
    for (who, process) in all.iter().enumerate() {
        let standing = if who == me {
            Standing::Mine
        } else {
            Standing::Living
        };
        for &(created_at_ms, size_bytes) in &process.files {
            candidates.push(Candidate {
                created_at_ms,
                size_bytes,
                standing,
            });
            places.push((who, created_at_ms));
        }
    }
    let files = all
        .iter()
        .map(|process| process.pending.len() as u64)
        .sum::<u64>()
        - u64::from(except > 0);
    let bytes = all.iter().flat_map(|process| &process.pending).sum::<u64>() - except;
    (
        candidates,
        places,
        UnderWay {
            files,
            bytes,
            unwritten_bytes: bytes,
        },
    )
}

fn standing() -> impl Strategy<Value = Standing> {
    prop_oneof![
        Just(Standing::Mine),
        Just(Standing::Orphan),
        Just(Standing::Living)
    ]
}

fn incoming() -> impl Strategy<Value = Incoming> {
    prop_oneof![
        Just(Incoming::Nothing),
        (0_u64..60).prop_map(Incoming::Expected),
        (0_u64..60).prop_map(Incoming::Written)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn the_plan_is_what_naive_deletion_comes_to(
        files in prop::collection::vec((0_u64..60, 0_u64..40, standing()), 0..12),
        max_count in 0_u64..10,
        max_bytes in prop::option::of(0_u64..200),
        max_age_hours in prop::option::of(0_u64..50),
        min_free in 0_u64..100,
        under_way in (0_u64..3, 0_u64..60, 0_u64..60),
        free in prop::option::of(0_u64..200),
        incoming in incoming(),
    ) {
        // Half of the files lie up to ten hours in the future.
        let files: Vec<Candidate> = files.into_iter().map(|(hour, size_bytes, standing)| {
            Candidate { created_at_ms: NOW + 10 * HOUR - hour * HOUR, size_bytes, standing }
        }).collect();
        let policy = RetentionPolicy {
            max_count, max_bytes, max_age_ms: max_age_hours.map(|hours| hours * HOUR), min_free_disk_bytes: min_free,
        };
        let under_way = UnderWay { files: under_way.0, bytes: under_way.1, unwritten_bytes: under_way.2.min(under_way.1) };
        let situation = Situation { files: &files, under_way, incoming, disk_free_bytes: free, now_ms: NOW };
        let planned = plan(&policy, &situation);
        if let Ok(victims) = &planned {
            prop_assert!(victims.iter().all(|victim| files[victim.index].standing != Standing::Living));
        }
        let planned = planned.ok().map(|victims| {
            let mut indices = indices(&victims);
            indices.sort_unstable();
            indices
        });
        prop_assert_eq!(planned, naive(&policy, &situation));
    }

    /// Whatever processes begin, finish, abort and die in whatever order: what was granted is kept, and the
    /// folder never exceeds its budget.
    #[test]
    fn a_granted_place_is_never_taken_back(
        steps in prop::collection::vec((0_usize..4, 0_u8..10, 1_u64..40, 1_u64..40), 1..120),
        max_count in 1_u64..7,
        max_bytes in prop::option::of(40_u64..160),
    ) {
        let policy = RetentionPolicy { max_count, max_bytes, max_age_ms: None, min_free_disk_bytes: 0 };
        let mut all = vec![Process::default(); 4];
        for (step, (me, action, expected, actual)) in steps.into_iter().enumerate() {
            let situation = |files, under_way, incoming| Situation {
                files, under_way, incoming, disk_free_bytes: None, now_ms: step as u64,
            };
            match action {
                0..=4 => {
                    let (files, _, under_way) = seen_by(me, &all, 0);
                    if plan(&policy, &situation(&files, under_way, Incoming::Expected(expected))).is_ok() {
                        all[me].pending.push(expected);
                    }
                }
                5..=8 => if let Some(&reserved) = all[me].pending.first() {
                    let actual = actual.min(reserved);
                    let (files, places, under_way) = seen_by(me, &all, reserved);
                    let victims = plan(&policy, &situation(&files, under_way, Incoming::Written(actual)));
                    prop_assert!(victims.is_ok(), "{:?} {:?}", victims, all);
                    for victim in victims.unwrap() {
                        let (who, created_at_ms) = places[victim.index];
                        prop_assert_eq!(who, me);
                        all[me].files.retain(|file| file.0 != created_at_ms);
                    }
                    all[me].pending.remove(0);
                    all[me].files.push((step as u64, actual));
                    let sizes = || all.iter().flat_map(|process| &process.files).map(|file| file.1);
                    prop_assert!(sizes().count() as u64 <= max_count);
                    prop_assert!(sizes().sum::<u64>() <= max_bytes.unwrap_or(u64::MAX));
                }
                _ => { all[me].pending.pop(); }
            }
        }
    }
}
