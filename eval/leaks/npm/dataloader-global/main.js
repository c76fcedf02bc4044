'use strict';

// A loader for the whole process, where one a request is meant: its promises by key are never dropped.
const { loop, BAD } = require('../../lib/loop');

const DataLoader = require('dataloader');

const batch = async (ids) => ids.map((id) => ({ id, name: `user ${id}`, bio: `bio of ${id} `.repeat(10) }));
const shared = new DataLoader(batch);

loop((number) => (BAD ? shared : new DataLoader(batch)).load(number), 300);
