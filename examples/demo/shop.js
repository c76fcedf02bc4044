'use strict';

// What a shop has besides its server: a database that takes its time, and a template.

const { setTimeout: sleep } = require('timers/promises');
const { LRUCache } = require('memguard');

const QUERY_MS = 40;
const REVIEWS = 50;
/** Products that were asked for last stay in memory. */
const KEPT_PRODUCTS = 30;

class Review {
  constructor(product, index) {
    this.author = `customer-${(product * 31 + index * 17) % 1000}`;
    this.stars = 1 + ((product + index) % 5);
    this.text = 'Arrived quickly and well packed. Does what it should, looks better than in the pictures, and has survived two children so far.';
  }
}

class Product {
  constructor(id) {
    this.id = id;
    this.name = `Product ${id}`;
    this.price = (5 + (Number(id) % 95) + 0.99).toFixed(2);
    this.reviews = Array.from({ length: REVIEWS }, (_, index) => new Review(Number(id), index));
  }
}

const products = new LRUCache(KEPT_PRODUCTS);

async function findProduct(id) {
  if (products.has(id)) return products.get(id);
  await sleep(QUERY_MS);
  const product = new Product(id);
  products.set(id, product);
  return product;
}

function renderPage({ id, name, price, reviews }) {
  const items = reviews.map(({ author, stars, text }) => `<li><b>${author}</b> ${stars} of 5 <p>${text}</p></li>`);
  return `<!doctype html><title>${name}</title><h1>${name}</h1><p>No. ${id}, ${price} EUR</p><ul>${items.join('')}</ul>`;
}

module.exports = { findProduct, renderPage };
