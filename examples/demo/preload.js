'use strict';

// Loaded into the server by `node -r`, so that the server itself stays as plain as anybody's: tells the
// terminal what memguard says, and does what the terminal asks for.

const { guard } = require('memguard');

/** Classes that are told of a census. */
const ROWS = 100;

/** The first census, for the later ones to be compared with. */
let before = null;

const send = (type, data) => process.connected && process.send({ type, ...data });

guard.on('sample', ({ process: { rssBytes }, isolates: [main], limit }) => {
  send('sample', {
    usedBytes: main.heapUsedBytes,
    liveBytes: main.liveHeapBytes ?? main.heapUsedBytes,
    rssBytes,
    limitBytes: limit?.limitBytes,
    limits: limit ? [limit, ...limit.others] : [],
  });
});
for (const event of ['alert', 'eased', 'recovered', 'snapshot', 'degraded']) {
  guard.on(event, (value) => send(event, { [event]: value }));
}
guard.on('leak', (report) => send('leak', { leak: { ...gist(report), page: String(report) } }));
process.on('warning', ({ code, message }) => {
  if (code?.startsWith('MEMGUARD_')) send('warning', { message });
});

process.on('message', ({ request, ...details }) => {
  if (request === 'census') takeCensus(details).catch(({ message }) => send('census', { census: { failure: message } }));
  if (request === 'collect') send('collected', { collected: guard.forceGC() });
  if (request === 'room') tellRoom();
  // Where there are no signals to ask by, as on Windows.
  if (request === 'snapshot') guard.takeSnapshot({ reason: 'signal' }).catch(({ message }) => send('degraded', { degraded: { reason: message } }));
});

/** What a report says in a few words. */
function gist({ summary, isLeak, suspects: [first], how, files }) {
  const { class: name, words, keptAt } = first ?? { class: null, words: '', keptAt: null };
  return { summary, isLeak, class: name, words, keptAt, looks: how.looks.map(({ pauseMs }) => pauseMs), files };
}

/** Counts what is in the heap, and tells what grew since the first time; with `retainers`, who holds the objects of a class. */
async function takeCensus({ retainers = null }) {
  const census = await guard.census(retainers === null ? { track: true } : { retainers });
  const { rows, graph, ...facts } = census;
  const change = before === null ? null : census.compare(before, { top: ROWS });
  before ??= census;
  const grown = change?.classes.find(isOurs) ?? null;
  send('census', { census: { ...facts, rows: rows.slice(0, ROWS), own: rows.filter(isOurs), held: graph?.retainers ?? null, change, grown } });
}

/** Whether a class is the program's: its constructor stands in this folder. */
function isOurs({ group, location }) {
  return group === 'object' && location?.script.startsWith(__dirname);
}

/** Whether there is memory for V8's generator, and what becomes of a snapshot by it where there is too little. */
async function tellRoom() {
  const { allowed, method, reason } = guard.capabilities().snapshot.estimate;
  // Where that has no room, a walk may have, and would be taken in its place.
  const refusal = allowed && method === 'fork' ? null : await guard.takeSnapshot({ method: 'fork' }).then(() => null, ({ code, message }) => ({ code, message }));
  send('room', { room: { reason, refusal } });
}

// A server without its terminal has no reason to go on.
process.on('disconnect', () => process.exit());
