'use strict';

// A formatter for each user, though there are but a few settings.
const { loop, churn, BAD } = require('../../lib/loop');

const ZONES = ['UTC', 'Europe/Paris', 'Asia/Tokyo', 'America/New_York'];
const formatters = new Map();

function format(user, date) {
  const timeZone = ZONES[user % ZONES.length];
  const key = BAD ? `${user}:${timeZone}` : timeZone;
  if (!formatters.has(key)) formatters.set(key, new Intl.DateTimeFormat('en', { timeZone, dateStyle: 'full', timeStyle: 'long' }));
  return formatters.get(key).format(date);
}

loop((number) => {
  churn(number);
  if (number % 20 === 0) format(number / 20, new Date());
}, 400);
