//! Up to seven days of hourly summaries of one metric.

const DAYS: usize = 7;
const HOURS: usize = 24;

/// What one hour of one day was like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Summary {
    /// Hours of local time since 1970.
    pub epoch_hour: i32,
    pub median: f32,
    /// The 95 % quantile.
    pub high: f32,
    /// Half minutes with a value, up to 120.
    pub slots: u8,
}

/// Whether the run that learned an hour has ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Provisional,
    Trusted,
}

/// The latest seven days of each hour of the day.
#[derive(Clone, Debug, Default)]
pub(super) struct Week {
    hours: [[Option<(Summary, State)>; DAYS]; HOURS],
}

// What the module's documentation says of its size.
const _: () = assert!(size_of::<Week>() <= DAYS * HOURS * 20);

impl Week {
    /// Puts an hour in the place of the oldest of its hour of the day. The same hour twice (a restart within it, the
    /// end of summer time) is the one that was seen for longer.
    pub(super) fn insert(&mut self, summary: Summary, state: State) {
        let days = &mut self.hours[hour_of_day(summary.epoch_hour)];
        if let Some(same) = days
            .iter_mut()
            .flatten()
            .find(|(kept, _)| kept.epoch_hour == summary.epoch_hour)
        {
            if same.0.slots < summary.slots {
                *same = (summary, state);
            }
            return;
        }
        let age =
            |day: &Option<(Summary, State)>| day.map_or(i32::MIN, |(kept, _)| kept.epoch_hour);
        if let Some(oldest) = days
            .iter_mut()
            .min_by_key(|day| age(day))
            .filter(|day| age(day) < summary.epoch_hour)
        {
            *oldest = Some((summary, state));
        }
    }

    /// Forgets what is too long before this hour, or more than a day after it (learned with a wrong clock). Says
    /// whether there was anything.
    pub(super) fn forget_far(&mut self, epoch_hour: i32) -> bool {
        // A day more than are kept, since the youngest may still be in quarantine.
        let oldest = epoch_hour.saturating_sub(((DAYS + 1) * HOURS) as i32);
        let latest = epoch_hour.saturating_add(HOURS as i32);
        self.drop_if(|summary, _| summary.epoch_hour < oldest || summary.epoch_hour > latest)
    }

    pub(super) fn drop_provisional(&mut self) {
        self.drop_if(|_, state| state == State::Provisional);
    }

    pub(super) fn trust_provisional(&mut self) {
        for (_, state) in self.hours.iter_mut().flatten().flatten() {
            *state = State::Trusted;
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Summary, State)> {
        self.hours.iter().flatten().flatten().copied()
    }

    /// The known days of an hour of the day.
    pub(super) fn at(&self, hour_of_day: i32) -> impl Iterator<Item = Summary> {
        self.hours[hour_of_day.rem_euclid(HOURS as i32) as usize]
            .iter()
            .flatten()
            .map(|(summary, _)| *summary)
    }

    pub(super) fn len(&self) -> u32 {
        self.iter().count() as u32
    }

    /// How many days the best known hour of the day has.
    pub(super) fn days(&self) -> u32 {
        self.hours
            .iter()
            .map(|days| days.iter().flatten().count() as u32)
            .max()
            .unwrap_or_default()
    }

    fn drop_if(&mut self, unwanted: impl Fn(&Summary, State) -> bool) -> bool {
        let mut dropped = false;
        for day in self.hours.iter_mut().flatten() {
            if day
                .as_ref()
                .is_some_and(|(summary, state)| unwanted(summary, *state))
            {
                *day = None;
                dropped = true;
            }
        }
        dropped
    }
}

fn hour_of_day(epoch_hour: i32) -> usize {
    epoch_hour.rem_euclid(HOURS as i32) as usize
}
