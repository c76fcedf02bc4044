'use strict';

// Pages by URL in a plain object; a query string makes each of them new.
const { loop, BAD } = require('../../lib/loop');
const { listen } = require('../../lib/http');

class Page {
  constructor(url) {
    this.url = url;
    this.html = `<p>${url}</p>`.repeat(5);
  }
}
const pages = {};

listen((request, response) => {
  const key = BAD ? request.url : request.url.split('?')[0];
  pages[key] ??= new Page(request.url);
  response.end(pages[key].html);
}).then(({ get }) => loop((number) => get(`/page/${number % 20}?visit=${number}`), 150));
