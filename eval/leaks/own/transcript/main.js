'use strict';

// All that was said, as one text that becomes longer and longer.
const { loop, churn, BAD } = require('../../lib/loop');

class Conversation {
  constructor() {
    this.transcript = '';
  }

  say(name, words) {
    this.transcript += `${name}: ${words}\n`;
    if (!BAD && this.transcript.length > 100_000) this.transcript = '';
  }
}
const conversation = new Conversation();

loop((number) => {
  churn(number);
  conversation.say(`user ${number % 9}`, `message number ${number} of today`);
}, 450);
