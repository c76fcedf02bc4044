'use strict';

// What a shop has besides its server: a database that takes its time, and a template.

const { setTimeout: sleep } = require('timers/promises');

const QUERY_MS = 40;
const REVIEWS = 50;

async function findProduct(id) {
  await sleep(QUERY_MS);
  const reviews = Array.from({ length: REVIEWS }, (_, index) => ({
    author: `customer-${(Number(id) * 31 + index * 17) % 1000}`,
    stars: 1 + ((Number(id) + index) % 5),
    text: 'Arrived quickly and well packed. Does what it should, looks better than in the pictures, and has survived two children so far.',
  }));
  return { id, name: `Product ${id}`, price: (5 + (Number(id) % 95) + 0.99).toFixed(2), reviews };
}

function renderPage({ id, name, price, reviews }) {
  const items = reviews.map(({ author, stars, text }) => `<li><b>${author}</b> ${stars} of 5 <p>${text}</p></li>`);
  return `<!doctype html><title>${name}</title><h1>${name}</h1><p>No. ${id}, ${price} EUR</p><ul>${items.join('')}</ul>`;
}

module.exports = { findProduct, renderPage };
