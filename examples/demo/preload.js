'use strict';

// Loaded into the server by `node -r`, so that the server itself stays as plain as anybody's: tells the
// terminal what memguard says, and does what the terminal asks for.

const { guard } = require('memguard');

/** The first census, for the second to be compared with. */
let before = null;

const send = (type, data) => process.connected && process.send({ type, ...data });

guard.on('sample', ({ process: { rssBytes }, isolates: [main], limit }) => {
  send('sample', {
    usedBytes: main.heapUsedBytes,
    liveBytes: main.liveHeapBytes ?? main.heapUsedBytes,
    rssBytes,
    limitBytes: limit?.limitBytes,
  });
});
for (const event of ['alert', 'eased', 'recovered', 'snapshot', 'degraded']) {
  guard.on(event, (value) => send(event, { [event]: value }));
}
guard.on('leak', (report) => send('leak', { leak: { ...gist(report), page: String(report) } }));
process.on('warning', ({ code, message }) => {
  if (code?.startsWith('MEMGUARD_')) send('warning', { message });
});

process.on('message', (request) => {
  if (request === 'census') takeCensus().catch(({ message }) => send('census', { census: { failure: message } }));
  if (request === 'collect') send('collected', { collected: guard.forceGC() });
  // Where there are no signals to ask by, as on Windows.
  if (request === 'snapshot') guard.takeSnapshot({ reason: 'signal' }).catch(({ message }) => send('degraded', { degraded: { reason: message } }));
});

/** What a report says in a few words. */
function gist({ summary, isLeak, suspects: [first], how, files }) {
  const { class: name, words, keptAt } = first ?? { class: null, words: '', keptAt: null };
  return { summary, isLeak, class: name, words, keptAt, looks: how.looks.map(({ pauseMs }) => pauseMs), files };
}

async function takeCensus() {
  const census = await guard.census({ track: true });
  const { total, pauseMs, walkedMs } = census;
  const ours = ({ group, location }) => group === 'object' && location?.script.startsWith(__dirname);
  const grown = before === null ? null : (census.compare(before).classes.find(ours) ?? null);
  before ??= census;
  send('census', { census: { total, pauseMs, walkedMs, grown } });
}

// A server without its terminal has no reason to go on.
process.on('disconnect', () => process.exit());
